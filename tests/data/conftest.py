"""A copy of the walkers, and `check data` on it with a configuration of the bound host."""

from __future__ import annotations

import shutil

import pytest

from tests.data.checking import check, read_problems
from tests.variants import variant


@pytest.fixture
def walkers(tree, tmp_path):
    """A copy of the walkers that a test may damage."""
    shutil.copytree(tree.root, tmp_path / "walkers")
    return tmp_path / "walkers"


@pytest.fixture
def check_cfgs(host, host_spec, files, walkers, tree, tmp_path, capsys):
    """Runs ``check data --cfgs`` on the copy; changes to the YAML as ``block__key``. Returns exit status, kinds of problem, output."""

    def run(partition=tree.partition, stage="MimicGait", **changes):
        data = {"data_cfg__dataset_root": str(walkers), "data_cfg__dataset_partition": str(partition)}
        (tmp_path / "cfgs").mkdir(exist_ok=True)
        file = variant(files[stage], tmp_path / "cfgs", **data, **changes)
        status = check("--cfgs", file, "--host", host_spec, "--workers", 1, "--json", tmp_path / "x.json")
        return status, read_problems(tmp_path / "x.json"), capsys.readouterr().out

    return run
