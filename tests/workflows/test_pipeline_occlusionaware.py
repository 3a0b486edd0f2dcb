"""``opengait-mimic pipeline`` on OcclusionAware: its VEN is trained first, a teacher only where it is named, for RP alone."""

from __future__ import annotations

import pytest

from opengait_mimic.models.prepare import prepare
from opengait_mimic.training import recipe
from opengait_mimic.workflows.pipeline import plan_stages
from tests.variants import variant


@pytest.fixture(scope="module")
def aware(files, tmp_path_factory):
    """A function: the YAML with a teacher block or without; two training steps."""

    def make(teacher=None, **changes):
        folder = tmp_path_factory.mktemp("aware")
        short = {"trainer_cfg__total_iter": 2, "trainer_cfg__save_iter": 2, "evaluator_cfg__restore_hint": 2}
        parts = {stage: variant(files[stage], folder, **short) for stage in ("GaitBase (teacher)", "VEN")}
        model_cfg = {
            "model": "OcclusionAware",
            "backbone": {"cfgs": str(parts["GaitBase (teacher)"])},
            "ven": {"cfgs": str(parts["VEN"])},
            "SeparateBNNecks": {"class_num": 8},
            "teacher": teacher,
        }
        names = {f"{engine}_cfg__save_name": "Aware" for engine in ("trainer", "evaluator")}
        return variant(files["Baseline-2"], folder, model_cfg=model_cfg, **names, **short, **changes)

    return make


def test_the_stages(host, aware):
    stages, _ = plan_stages(aware())
    assert [(stage.name, stage.after) for stage in stages] == [("VEN", ()), ("OcclusionAware", ("VEN",))]
    stages, folder = plan_stages(aware(teacher={}))
    assert [stage.name for stage in stages] == ["teacher Baseline", "VEN", "OcclusionAware"]
    assert stages[2].after == ("VEN",), "another teacher does not train it again"
    assert stages[0].result == folder / "baseline1.json"


def test_its_weights_depend_on_the_ven_only(host, aware):
    """The teacher serves RP; naming one later is no change."""
    with_teacher, without = (recipe.read_recipe(prepare(aware(teacher=block), "train")) for block in ({}, None))
    assert with_teacher == without and with_teacher["depends"].keys() == {"ven"}
