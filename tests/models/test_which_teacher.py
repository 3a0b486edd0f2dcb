"""A mimic belongs to one teacher: to go on, and to be scored beside it, the weights must be that teacher's. Runs on either host."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from opengait_mimic.evaluation.evaluate import evaluate, measure
from tests.models.roles import built
from tests.models.test_starts_elsewhere import refused, weights_at
from tests.variants import variant

TEACHER, MIMIC = "GaitBase (teacher)", "MimicGait"


@pytest.fixture(scope="module")
def teachers(trained, tmp_path_factory):
    """The teacher's file without its optimiser under another name, and one whose weights differ in one BatchNorm statistic."""
    folder, loaded = tmp_path_factory.mktemp("teachers"), torch.load(weights_at(trained.files[TEACHER]), weights_only=True)
    state = loaded["model"]
    torch.save({"model": state}, folder / "moved.pt")
    name = next(name for name in state if name.endswith("running_mean"))
    torch.save({**loaded, "model": {**state, name: state[name] + 1e-3}}, folder / "other.pt")
    return folder


def mimic_of(trained, folder, teacher, **changes):
    return variant(trained.files[MIMIC], folder, model_cfg__teacher__checkpoint=str(teacher), **changes)


def goes_on(trained, folder, teacher, at=3):
    return mimic_of(trained, folder, teacher, trainer_cfg__restore_hint=at)


def test_a_training_goes_on_with_its_own_teacher_alone(trained, teachers, tmp_path):
    kept = trained.models[MIMIC].teacher.weights
    assert built(goes_on(trained, tmp_path, teachers / "moved.pt")).teacher.weights == kept
    with refused(r"model_cfg\.teacher\.checkpoint: .*other\.pt holds other weights than the teacher .*train again \(without --iter\)"):
        built(goes_on(trained, tmp_path, teachers / "other.pt"))


def test_another_runs_weights_may_start_a_training_with_another_teacher(trained, teachers, tmp_path):
    model = built(goes_on(trained, tmp_path, teachers / "other.pt", str(weights_at(trained.files[MIMIC]))))
    assert model.get_extra_state()["teacher_weights"] == model.teacher.weights != trained.models[MIMIC].teacher.weights


def test_an_older_checkpoint_loads_and_the_log_says_what_is_not_checked(trained, teachers, tmp_path, monkeypatch):
    from utils import get_msg_mgr

    model, said = built(trained.files[MIMIC]), []
    monkeypatch.setattr(get_msg_mgr(), "log_warning", lambda text: said.append(str(text)), raising=False)
    state = model.get_extra_state()
    old = {**{key: value for key, value in state.items() if key != "teacher_weights"}, "teacher": "0" * 64}
    model.set_extra_state(old)
    (line,) = said
    assert "does not say which teacher trained it" in line
    model.set_extra_state(state)
    assert len(said) == 1


@pytest.mark.slow
def test_only_its_own_teacher_gives_a_mimic_a_gallery_and_rp(trained, teachers, tmp_path, monkeypatch):
    from utils import get_msg_mgr

    said, own = [], evaluate(trained.files[MIMIC], quiet=True)
    moved = evaluate(mimic_of(trained, tmp_path, teachers / "moved.pt"), quiet=True)
    assert moved[0].pop("hp_network") == "GaitBase (moved.pt)", "HP is labelled with the file it was measured on"
    assert (
        [{**row, "hp_network": None} for row in moved] == [{**row, "hp_network": None} for row in own]
        and own[-1]["gallery_embedder"] == "teacher"
        and own[0]["hp_rank1"] is not None
    )
    monkeypatch.setattr(get_msg_mgr(), "log_warning", lambda text: said.append(str(text)), raising=False)
    found = measure(mimic_of(trained, tmp_path, teachers / "other.pt"), quiet=True)
    other = found.rows
    assert (found.provenance["teacher"], found.provenance["hp"]) == (None, None), "nothing is told of a teacher that was refused"
    assert [row["gallery_embedder"] for row in other] == ["own"] * 3 and [row["rank1"] for row in other] == [
        row["rank1"] for row in own[:3]
    ]
    assert all(row["rp_rank1"] is None and "holds other weights than the teacher that trained" in row["rp_reason"] for row in other)
    assert len([line for line in said if Path(teachers / "other.pt").name in line and "--reference" in line]) == 1
