"""The table of `reference_compat` switches, and how the block is read."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.published.hooks import refuse_fixed_sizes
from opengait_mimic.published.switches import HIDING, MICKD, MIMICGAIT, NOT_SWITCHES, SWITCHES, VEN, read_switches, switches_of, test_hiding

BASELINE2 = "Baseline2"
HIDES = {"shared_draw", "moving", "sizes", "grey_whole"}


def cfgs_of(compat, model=MIMICGAIT, positives=None, sample_type="all_ordered"):
    """A complete enough configuration."""
    loss = {"type": MICKD, "log_prefix": "mickd", **({} if positives is None else {"positives": positives})}
    engine = {"sampler": {"sample_type": sample_type}}
    losses = [loss] if model == MIMICGAIT else [{"type": "TripletLoss"}]
    model_cfg = {"model": model, "reference_compat": compat}
    return {"model_cfg": model_cfg, "loss_cfg": losses, "trainer_cfg": dict(engine), "evaluator_cfg": dict(engine)}


def model_of(switch):
    """A model that a switch is about."""
    return switch.about if switch.about in (VEN, MIMICGAIT) else MIMICGAIT


# ---------------------------------------------------------------- the table


def test_every_departure_of_the_notes_is_a_switch_or_says_why_not():
    covered = [d for switch in SWITCHES for d in switch.departures if d != "1.4"] + list(NOT_SWITCHES)
    assert sorted(covered, key=lambda name: int(name[1:])) == [f"D{i}" for i in range(1, 23)]


def test_names_are_unique():
    assert len({switch.name for switch in SWITCHES}) == len(SWITCHES) == 14
    assert {switch.about for switch in SWITCHES} == {HIDING, VEN, MIMICGAIT, MICKD}


# ---------------------------------------------------------------- the block


@pytest.mark.parametrize("given", [None, {}, {"all": False}, {"rank": "fused", "moving": False, "sizes": None}])
def test_everything_is_off_by_default(given):
    assert read_switches(cfgs_of(given)) == {}
    del (cfgs := cfgs_of(given))["model_cfg"]["reference_compat"]
    assert read_switches(cfgs) == {}


@pytest.mark.parametrize(
    ("model", "positives", "on"),
    [
        (MIMICGAIT, None, HIDES | {"rank", "live_teacher", "any_geometry", "teacher_anchors", "l2_normalised"}),
        (
            MIMICGAIT,
            ["own_teacher"],
            HIDES | {"rank", "live_teacher", "any_geometry", "teacher_anchors", "l2_normalised", "relabel_by_position"},
        ),
        (VEN, None, {"moving", "sizes", "trim_columns", "input_255", "kept_amount", "double_softmax"}),
        (BASELINE2, None, HIDES),
        ("Baseline", None, HIDES),
    ],
)
@pytest.mark.parametrize("given", ["all", {"all": True}])
def test_all_is_what_the_public_code_does_for_a_model(model, positives, on, given):
    """Its VEN draws frame by frame and trims; its other generators trim nothing and share. Its loss over own pairs alone relabels."""
    found = read_switches(cfgs_of(given, model, positives))
    assert found.keys() == on
    table = {switch.name: switch for switch in SWITCHES}
    assert all((each.value, each.phases) == (table[name].published, table[name].phases) for name, each in found.items())


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda s: s.name)
def test_single_switches_and_exceptions_from_all(switch):
    model, positives = model_of(switch), ["own_teacher"] if switch.name == "relabel_by_position" else None
    only = read_switches(cfgs_of({switch.name: True}, model, positives))
    assert only == {switch.name: (switch.published, switch.phases)}
    but = read_switches(cfgs_of({"all": True, switch.name: False}, model, positives))
    assert switch.name not in but and but


@pytest.mark.parametrize("name", ["shared_draw", "moving", "sizes", "trim_columns"])
def test_a_switch_about_hiding_may_be_on_in_one_phase(name):
    for phase, other in (("train", "test"), ("test", "train")):
        cfgs, key = cfgs_of({name: phase}, BASELINE2), f"model_cfg.reference_compat.{name}"
        assert switches_of(cfgs, phase) == {key: phase} and switches_of(cfgs, other) == {}
        assert list(test_hiding(cfgs)) == [name] * (phase == "test")


def test_shared_draw_takes_other_numbers():
    assert read_switches(cfgs_of({"shared_draw": {"processes": 4}}))["shared_draw"].value == {"processes": 4, "test_batch": 16}
    found = read_switches(cfgs_of({"all": True, "shared_draw": {"processes": 2, "test_batch": 6}}))
    assert found["shared_draw"].value == {"processes": 2, "test_batch": 6} and "sizes" in found


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        (MIMICGAIT, {"live_techer": True}, r"live_techer: unknown key \(did you mean 'live_teacher'\?\); allowed: \['all', 'any_"),
        (VEN, {"input_255": 1}, r"input_255 = 1; expected true, false$"),
        (VEN, {"rank": "bare"}, r"rank = 'bare': this switch is about a MimicGait, the model here is VEN$"),
        (BASELINE2, {"teacher_anchors": True}, r"teacher_anchors = True: loss_cfg has no MiCKDLoss$"),
        (MIMICGAIT, {"all": "yes"}, r"all = 'yes'; expected true or false$"),
        (
            MIMICGAIT,
            "al",
            r"reference_compat = 'al' \(did you mean 'all'\?\); expected the word all, or a mapping of shared_draw, moving, ",
        ),
        (MIMICGAIT, True, r"reference_compat = True; expected the word all, or a mapping"),
        (MIMICGAIT, {"rank": "bear"}, r"rank = 'bear' \(did you mean 'bare'\?\); expected true, false, test, bare$"),
        (MIMICGAIT, {"moving": "published"}, r"moving = 'published'; expected true, false, train, test$"),
        (MIMICGAIT, {"live_teacher": "test"}, r"live_teacher = 'test'; expected true, false, train$"),
        (
            MIMICGAIT,
            {"grey_whole": "test"},
            r"grey_whole = 'test': a network is tested on the input it was trained on; expected true, false$",
        ),
        (MIMICGAIT, {"shared_draw": {"procesess": 8}}, r"shared_draw\.procesess: unknown key \(did you mean 'processes'\?\)"),
        (MIMICGAIT, {"shared_draw": {"processes": 3}}, r"shared_draw = \{'processes': 3, 'test_batch': 16\}: the test batch is dealt"),
    ],
)
def test_messages(model, given, message):
    with pytest.raises(ConfigError, match=message) as caught:
        read_switches(cfgs_of(given, model))
    assert str(caught.value).startswith("model_cfg.reference_compat")


def test_the_old_places_are_refused_with_the_new_one():
    cfgs = cfgs_of({})
    cfgs["evaluator_cfg"]["occlusion"] = {"kinds": {"top": 1.0}, "reference_compat": {}}
    cfgs["loss_cfg"][0]["reference_compat"] = "all"
    with pytest.raises(ConfigError) as caught:
        read_switches(cfgs)
    first, second = caught.value.args
    assert first.startswith(
        "evaluator_cfg.occlusion.reference_compat: this block has moved: write its switches into model_cfg.reference_compat"
    )
    assert second.startswith("loss_cfg[0].reference_compat: this block has moved")


# ---------------------------------------------------------------- what takes effect


def test_what_a_configuration_has_on_is_named_key_by_key():
    cfgs = cfgs_of({"all": True, "live_teacher": False, "shared_draw": False, "grey_whole": False, "sizes": "test"})
    key = "model_cfg.reference_compat."
    trained = {"moving": True, "any_geometry": True, "teacher_anchors": True, "l2_normalised": True}
    assert switches_of(cfgs, "train") == {key + name: value for name, value in trained.items()}
    assert switches_of(cfgs, "test") == {key + name: value for name, value in {"moving": True, "sizes": "test", "rank": "bare"}.items()}
    assert switches_of(cfgs, "test", whole_bodies=True) == {key + "rank": "bare"}
    assert test_hiding(cfgs) == {"moving": True, "sizes": True}


@pytest.mark.parametrize(("kind", "has_effect"), [("fixed_ordered", False), ("unfixed_unordered", True), ("all_ordered", True)])
def test_a_shared_draw_with_fixed_sampling_has_no_effect(kind, has_effect):
    cfgs, key = cfgs_of({"shared_draw": True, "sizes": True}, BASELINE2, sample_type=kind), "model_cfg.reference_compat."
    expected = {f"{key}shared_draw": {"processes": 8, "test_batch": 16}} if has_effect else {}
    assert switches_of(cfgs, "train") == {**expected, f"{key}sizes": True}


@pytest.mark.parametrize(
    ("kind", "hidden", "refused"), [("pole", (0.1, 0.3), True), ("pole", (0.4, 0.6), False), ("top", (0.1, 0.3), False)]
)
def test_fixed_sizes_refuse_other_ranges_of_what_they_fix(kind, hidden, refused):
    """The public code's patch, pole and middle have sizes of their own: another range would be a name and no more."""
    hidings = {"both": SimpleNamespace(kinds=((kind, 1.0),), hidden=hidden)}
    refuse_fixed_sizes(cfgs_of({"sizes": "train"}), hidings, "--preset full")
    if refused:
        with pytest.raises(ConfigError, match="--preset full: the cell 'both', but .*reference_compat.sizes fixes"):
            refuse_fixed_sizes(cfgs_of({"sizes": True}), hidings, "--preset full")
    else:
        refuse_fixed_sizes(cfgs_of({"sizes": True}), hidings, "--preset full")
