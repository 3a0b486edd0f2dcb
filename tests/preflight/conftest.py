"""Models as the launcher builds them, before their first step."""

from __future__ import annotations

import copy

import pytest

from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import build, start_log
from tests.variants import variant


@pytest.fixture
def built(trained, tmp_path):
    """Builds a stage for training; returns the model and its configuration."""

    def make(stage, **changes):
        cfgs = prepare(variant(trained.files[stage], tmp_path, trainer_cfg__save_name="tried", **changes), "train")
        given = copy.deepcopy(cfgs)
        start_log(cfgs, False, False, quiet=True)
        return build(cfgs, True), given

    return make


@pytest.fixture
def tried(capsys):
    """Runs preflight; returns its lines by the check's name, without what they took."""
    from opengait_mimic.preflight.outcome import PreflightFailed
    from opengait_mimic.preflight.run import run_preflight

    def run(model, cfgs, **named):
        failed = None
        try:
            run_preflight(model, cfgs, **named)
        except PreflightFailed as error:
            failed = error
        lines = {line[4:19].strip(): line[28:] for line in capsys.readouterr().out.splitlines() if line.startswith("    ")}
        run.failed = failed
        return lines

    return run
