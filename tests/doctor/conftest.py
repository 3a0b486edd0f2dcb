"""A copy of the walkers, and `check data` on it with a configuration of the bound host."""

from __future__ import annotations

import shutil

import pytest
import yaml

from tests.doctor.checking import check, found_by


@pytest.fixture
def walkers(tree, tmp_path):
    """A copy of the walkers that a test may damage."""
    shutil.copytree(tree.root, tmp_path / "walkers")
    return tmp_path / "walkers"


@pytest.fixture
def asked(host, host_spec, files, walkers, tree, tmp_path, capsys):
    """Runs ``check data --cfgs`` on the copy; changes to the mimic's YAML as ``block__key``; status, kinds of problem, what it said."""

    def run(partition=tree.partition, stage="MimicGait", **changes):
        given = yaml.safe_load(files[stage].read_text())
        given["data_cfg"]["dataset_root"] = str(walkers)
        given["data_cfg"]["dataset_partition"] = str(partition)
        for key, value in changes.items():
            *blocks, last = key.split("__")
            at = given
            for block in blocks:
                at = at[block]
            at[last] = value
        (tmp_path / "x.yaml").write_text(yaml.safe_dump(given))
        status = check("--cfgs", tmp_path / "x.yaml", "--host", host_spec, "--workers", 1, "--json", tmp_path / "x.json")
        return status, found_by(tmp_path / "x.json"), capsys.readouterr().out

    return run
