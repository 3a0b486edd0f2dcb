"""What a checkpoint was trained on, over its whole history. Runs on either host."""

from __future__ import annotations

import shutil

import pytest
import torch

from opengait_mimic.base import checkpoint_file
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import launch
from opengait_mimic.training.trained_kinds import trained_kinds
from tests.variants import variant

STUDENTS = ("Baseline-2", "MimicGait")
FIRST = {"kinds": {"none": 0.2, "bottom": 0.4, "top": 0.4}, "hidden": [0.4, 0.6]}
SECOND = {"kinds": {"none": 0.5, "middle": 0.5}, "hidden": [0.2, 0.3]}


def weights_at(file, iteration=3):
    from opengait_mimic.host.run_paths import checkpoint_at

    return checkpoint_at(prepare(file, "train"), iteration)


def history(file):
    """The entry ``trained_on`` of the checkpoint that the test reads."""
    return checkpoint_file.entry(weights_at(file, prepare(file, "train")["evaluator_cfg"]["restore_hint"]))["trained_on"]


def kinds_of(file, checkpoint=None):
    cfgs = prepare(file, "test")
    return trained_kinds(cfgs, checkpoint or weights_at(file, cfgs["evaluator_cfg"]["restore_hint"]))


@pytest.fixture(scope="module")
def further(trained, tmp_path_factory):
    """Both students, trained on from their first three steps on other kinds: stage -> YAML."""
    made = {}
    for stage in STUDENTS:
        start = {"restore_hint": str(weights_at(trained.files[stage])), "optimizer_reset": True, "scheduler_reset": True}
        start.update(save_name="further", occlusion=SECOND, total_iter=4, save_iter=2)
        changes = {f"trainer_cfg__{key}": value for key, value in start.items()}
        changes.update(evaluator_cfg__save_name="further", evaluator_cfg__restore_hint=4)
        made[stage] = variant(trained.files[stage], tmp_path_factory.mktemp("further"), **changes)
        launch(made[stage], "train", quiet=True)
    return made


def test_random_weights_know_what_their_own_training_hid(trained):
    assert {stage: kinds_of(file) for stage, file in trained.files.items() if stage != "VEN"} == {
        "GaitBase (teacher)": ["none"],
        "Baseline-2": ["none", "bottom", "top"],
        "MimicGait": ["none", "bottom", "top"],
    }
    for stage in STUDENTS:
        assert history(trained.files[stage]) == {**FIRST, "before": []}


@pytest.mark.slow
@pytest.mark.parametrize("stage", STUDENTS)
def test_weights_that_went_on_know_both(further, trained, tmp_path, stage):
    """Also where the file was moved; resuming adds no phase."""
    moved = shutil.copy(weights_at(further[stage], 4), tmp_path / "moved.pt")
    assert kinds_of(trained.files[stage], moved) == kinds_of(further[stage]) == ["none", "bottom", "top", "middle"]
    assert history(further[stage]) == {**SECOND, "before": [FIRST]}
    launch(further[stage], "train", 2, quiet=True, resume=True)
    assert history(further[stage]) == {**SECOND, "before": [FIRST]}


def test_a_file_without_a_record_says_nothing_under_a_yaml_of_ours(trained, tmp_path):
    found = torch.load(weights_at(trained.files["Baseline-2"]), weights_only=True)
    del found[checkpoint_file.ENTRY]
    torch.save(found, moved := tmp_path / "moved.pt")
    assert kinds_of(trained.files["Baseline-2"], moved) is None
    start = {"trainer_cfg__restore_hint": str(moved), "trainer_cfg__save_name": "unknown", "evaluator_cfg__save_name": "unknown"}
    launch(file := variant(trained.files["Baseline-2"], tmp_path, **start), "train", quiet=True)
    assert history(file)["before"] is None and kinds_of(file) is None  # nor do weights that started from it


def test_a_hosts_own_model_hides_what_its_transform_hides(trained, tmp_path):
    """Of a file of OpenGait's own the YAML decides."""
    teacher = trained.files["GaitBase (teacher)"]
    found = torch.load(weights_at(teacher), weights_only=True)
    del found[checkpoint_file.ENTRY]
    torch.save(found, moved := tmp_path / "moved.pt")
    assert kinds_of(teacher, moved) == ["none"]
    steps = [{"type": "BaseSilCuttingTransform"}, {"type": "OcclusionAugmentation", "kinds": {"pole": 0.5, "none": 0.5}}]
    hidden = variant(teacher, tmp_path, trainer_cfg__transform=[{"type": "Compose", "trf_cfg": steps}])
    assert kinds_of(hidden, moved) == ["none", "pole"]
