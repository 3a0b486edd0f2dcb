"""By what a condition's draws and a backbone are known from others of their name. Runs on either host."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest

from opengait_mimic.evaluation.cells import BOTH, Cell, Hiding
from opengait_mimic.occlusion import Occlusion, draw, test_key
from opengait_mimic.occlusion.manifest import Condition, Manifest

NAMES = [(f"{i:03d}", "nm-01", "090") for i in range(9)]
BASE = {"kinds": {"top": 1.0}, "hidden": [0.4, 0.6], "occluded_side": "both", "seed": 0}
HIDING = Hiding.of({"pole": 1.0}, (0.1, 0.3))


def hash_of(base=BASE, hiding=HIDING, seeds=(0, 1), manifest=None, model="Baseline", compat=None):
    from opengait_mimic.evaluation.embedding_plan import EmbeddingPlan
    from opengait_mimic.evaluation.evaluation_setup import Request

    subject = SimpleNamespace(cfgs={"model_cfg": {"model": model, "reference_compat": compat}}, base=base)
    plan = EmbeddingPlan(subject, [Cell(BOTH, hiding=hiding)], list(seeds), None, Request(), print)
    plan.manifest = manifest
    return plan.hidden_by(hiding)


@pytest.mark.parametrize("more", [{"speed": [0.1, 0.2]}, {"time_axis": 30}], ids=lambda more: next(iter(more)))
def test_whatever_of_the_block_decides_the_draws_changes_the_hash(host, more):
    assert hash_of({**BASE, **more}) != hash_of()


def test_switches_that_hide_otherwise_change_the_hash(host):
    assert hash_of(model="MimicGait", compat={"moving": "test"}) != hash_of(model="MimicGait")
    assert hash_of(model="MimicGait", compat={"moving": "train", "rank": "bare"}) == hash_of(model="MimicGait")


def test_what_does_not_decide_them_does_not(host):
    same = hash_of()
    assert same == hash_of({**BASE, "kinds": {"middle": 1.0}, "hidden": [0.1, 0.2], "seed": 9, "speed": [0.5, 1.0]}), "defaults, written"
    assert same == hash_of(seeds=(1, 0, 2)) == hash_of(model="MimicGait"), "seeds are compared by themselves"
    assert same != hash_of(hiding=Hiding.of({"pole": 1.0}, (0.1, 0.4)))


def test_a_manifest_is_known_by_what_it_hides(host):
    occlusion = Occlusion.from_cfg({"kinds": {"pole": 1.0}, "hidden": [0.1, 0.3]}, "x")

    def hash_with(name, key_seed):
        drawn = {seq: draw(occlusion, test_key(key_seed, occlusion.condition, "GREW", *seq)) for seq in NAMES}
        return hash_of(seeds=(0,), manifest=Manifest("GREW", (Condition(name, occlusion, 0, drawn),)))

    assert hash_with("one", 0) == hash_with("copy", 0) != hash_with("other", 1)


def test_a_backbone_is_known_by_its_model_cfg_but_the_number_of_identities(host):
    from opengait_mimic.evaluation.method_names import hash_backbone

    own = {"model": "Baseline", "backbone_cfg": {"channels": [64, 128]}, "SeparateBNNecks": {"class_num": 8, "in_channels": 256}}
    other, wider = copy.deepcopy(own), copy.deepcopy(own)
    other["SeparateBNNecks"]["class_num"] = 20
    wider["backbone_cfg"]["channels"][1] = 512
    known = hash_backbone({"model_cfg": own})
    assert known == hash_backbone({"model_cfg": other}) == hash_backbone({"model_cfg": {"model": "MimicGait", "backbone": other}})
    assert known != hash_backbone({"model_cfg": wider})
