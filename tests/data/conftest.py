"""A copy of the walkers, and `check data` on it by itself or with a configuration of the bound host."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict

import pytest

from opengait_mimic.cli import main
from tests.variants import variant


@pytest.fixture
def walkers(tree, tmp_path):
    """A copy of the walkers that a test may damage."""
    shutil.copytree(tree.root, tmp_path / "walkers")
    return tmp_path / "walkers"


@pytest.fixture
def check(tmp_path, capsys):
    """Runs ``check data``; returns exit status, kind of problem -> places, and output."""

    def run(*words):
        file = tmp_path / "problems.json"
        file.unlink(missing_ok=True)
        status, kinds = main(["check", "data", *map(str, words), "--json", str(file)]), defaultdict(set)
        for problem in json.loads(file.read_text())["problems"]:
            kinds[problem["kind"]].add(problem["where"])
        return status, kinds, capsys.readouterr().out

    return run


@pytest.fixture
def check_cfgs(check, host, host_spec, files, walkers, tree, tmp_path):
    """Runs ``check data --cfgs`` on the copy; changes to the YAML as ``block__key``."""

    def run(partition=tree.partition, stage="GaitBase (teacher)", **changes):
        data = {"data_cfg__dataset_root": str(walkers), "data_cfg__dataset_partition": str(partition)}
        (tmp_path / "cfgs").mkdir(exist_ok=True)
        return check("--cfgs", variant(files[stage], tmp_path / "cfgs", **data, **changes), "--host", host_spec, "--workers", 1)

    return run
