"""Which result on the disk a stage takes for done: not one whose rows an older version made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opengait_mimic.evaluation.console_table import format_rows
from opengait_mimic.training.resume import Plan
from opengait_mimic.workflows import stages

OLDER = {  # rows before conditions had names, key by key
    "method": "MimicGait", "backbone": "GaitBase", "dataset": "walkers", "occluded_side": "both", "gallery_embedder": "own",
    "kinds": {"top": 0.5, "bottom": 0.5}, "hidden": [0.4, 0.6], "rank1": 50.0, "rank5": 75.0, "holistic_rank1": 90.0, "hp_rank1": 95.0,
    "rp_rank1": 0.526, "seed": 0, "probes": 20, "probes_without_mate": 0,
}  # fmt: skip
RANKS = (1, 5, 10, 20)
NEWER = {
    **OLDER, "protocol_name": "walkers", "metric": "euc", "data": "sha256:0", "cell": "both, top+bottom 40-60 %",
    "condition": "top+bottom 40-60 %", "seeds": [0], **{f"rank{k}": 50.0 for k in RANKS}, "mAP": 40.0, "mINP": 30.0,
    **{f"hp_rank{k}": 95.0 for k in RANKS}, **{f"rp_rank{k}": 0.526 for k in RANKS}, "retention_rank1": 0.947, "trained_kinds": None,
    "seen": None, "post": "none", "transductive": False, "mates_only": False,
}  # fmt: skip


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """A trained stage whose result was made of these rows, by the same inputs."""
    monkeypatch.setattr(stages, "prepare", lambda *_: {})
    monkeypatch.setattr(stages, "plan_training", lambda *_: Plan("skip"))
    monkeypatch.setattr(stages, "read_test_inputs", lambda _: {"version": "1"})
    monkeypatch.setattr(stages, "newest_entry", lambda _: {"losses": None, "seconds": 1.0})

    def make(rows):
        file = tmp_path / "result.json"
        file.write_text(json.dumps({"rows": rows, "visibility": None, "seconds": 1.0, "inputs": {"version": "1"}}))
        return stages.Stage("MimicGait", Path("mimicgait.yaml"), file)

    return make


def test_rows_of_an_older_version_are_measured_again(stage):
    """By a pipeline (`_kept`) and by a table (`finished`); among newer rows as well."""
    for rows in ([OLDER], [NEWER, OLDER]):
        old = stage(rows)
        assert stages._kept(old, {}) == ({"version": "1"}, None, [f"{old.result} has rows of another layout"])
        assert stages.finished(old) is None
        with pytest.raises(KeyError):
            format_rows(rows)


def test_rows_of_this_version_are_taken(stage):
    new = stage([NEWER])
    assert stages._kept(new, {})[1]["rows"] == stages.finished(new)["rows"] == [NEWER]
    assert "50.00" in format_rows([NEWER])
