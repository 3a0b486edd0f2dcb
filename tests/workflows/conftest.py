"""Short pipelines in this process: configurations, a whole run, and a count of the steps that a run trains."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from opengait_mimic import host as hosts
from opengait_mimic.training.launch import launch
from opengait_mimic.workflows import run_stages
from opengait_mimic.workflows.pipeline import run_pipeline
from tests.conftest import write_demo_files

STEPS = {"GaitBase (teacher)": 2, "VEN": 2, "Baseline-2": 2, "MimicGait": 4}  # each saves every 2
RESULTS = "walkers/pipeline/MimicGait-MimicGait-seed0"


@pytest.fixture(scope="module")
def yamls(host, tree, tmp_path_factory):
    """The four configurations: stage name -> YAML."""
    files = write_demo_files(tmp_path_factory.mktemp("yamls"), tree, 2, 2)
    for stage, file in files.items():
        cfgs = yaml.safe_load(file.read_text())
        cfgs["trainer_cfg"].update(save_iter=2, total_iter=STEPS[stage])
        cfgs["evaluator_cfg"]["restore_hint"] = STEPS[stage]
        sampler = cfgs["trainer_cfg"]["sampler"]
        sampler.update(batch_size=[4, 2], frames_num_fixed=min(2, sampler["frames_num_fixed"]))
        for block in cfgs["model_cfg"].values():
            if isinstance(block, dict) and "cfgs" in block:  # by name, so that a copied folder names its own files
                block["cfgs"] = Path(block["cfgs"]).name
        file.write_text(yaml.safe_dump(cfgs))
    return files


@pytest.fixture(scope="module")
def run_here(host, host_spec, output):
    """A function that runs a pipeline in this process."""
    logger = logging.getLogger("opengait_mimic")
    level = logger.level

    def call(cfgs, out, retrain=False, split=None):
        named = {"cfgs": cfgs, "host": host_spec, "device": "cpu", "output": out, "retrain": retrain, "split": split}
        return run_pipeline(SimpleNamespace(**named, no_preflight=True))

    yield call
    hosts.bind(host_spec, "cpu", output)
    logger.setLevel(level)


@pytest.fixture(scope="module")
def whole_run(run_here, yamls, tmp_path_factory):
    """The output folder of a whole run."""
    out = tmp_path_factory.mktemp("pipeline") / "out"
    assert run_here(yamls["MimicGait"], out) == 0
    return out


@pytest.fixture
def again(run_here, whole_run, tmp_path, capsys):
    """A function that runs in a copy of the whole run's folder (``again.out``) and returns what it prints."""
    out = tmp_path / "out"
    shutil.copytree(whole_run, out)

    def call(cfgs, retrain=False):
        capsys.readouterr()
        assert run_here(cfgs, out, retrain) == 0
        return capsys.readouterr().out

    call.out = out
    return call


@pytest.fixture
def steps(monkeypatch):
    """Every training: ``of`` model -> [first iteration, steps]; ``stop_at`` interrupts the mimic's."""
    seen = SimpleNamespace(of={}, stop_at=None)

    def launch_and_count(path, phase, iteration=0, *words, before=lambda model: None, **named):
        def hook(model):
            before(model)
            name = model.cfgs["model_cfg"]["model"]
            if phase == "train":
                counts = seen.of[name] = [model.iteration, 0]

                def count(*_):
                    counts[1] += 1
                    if name == "MimicGait" and model.iteration == seen.stop_at:
                        raise KeyboardInterrupt

                model.loss_aggregator.register_forward_hook(count)

        return launch(path, phase, iteration, *words, before=hook, **named)

    monkeypatch.setattr(run_stages, "launch", launch_and_count)
    return seen


@pytest.fixture
def unscored(monkeypatch, whole_run):
    """Tests are not computed; each returns the rows of the whole run."""
    rows = json.loads((whole_run / RESULTS / "results.json").read_text())["rows"]
    monkeypatch.setattr(run_stages, "measure", lambda *_, **__: SimpleNamespace(rows=rows, provenance=None))
