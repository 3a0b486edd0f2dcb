"""The table of `reference_compat` switches, and how a block is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.published.switches import (
    BLOCKS,
    NOT_SWITCHES,
    OTHERS,
    OWN,
    SWITCHES,
    VEN,
    in_configuration,
    of_test,
    of_training,
    switched_on,
    switches,
)

OFF = {switch.name: switch.default for switch in SWITCHES}


def of(block):
    return [switch for switch in SWITCHES if switch.block == block]


# ---------------------------------------------------------------- the table


def test_every_departure_of_the_notes_is_a_switch_or_says_why_not():
    covered = [d for switch in SWITCHES for d in switch.departures if d != "1.4"] + list(NOT_SWITCHES)
    assert sorted(covered, key=lambda name: int(name[1:])) == [f"D{i}" for i in range(1, 23)]


def test_names_are_unique_and_blocks_known():
    assert len(OFF) == len(SWITCHES) == 14
    assert {switch.block for switch in SWITCHES} == set(BLOCKS)
    assert {switch.place for switch in SWITCHES} == {"", VEN, OTHERS, OWN}
    assert all(switch.says and not switch.says.endswith(".") for switch in SWITCHES)


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda s: s.name)
def test_off_and_published_pass_the_check_and_differ(switch):
    assert switch.check(switch.default, "x") == switch.default
    assert switch.check(switch.published, "x") == switch.published != switch.default


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda s: s.name)
def test_the_documentation_has_a_row_for_every_switch(switch):
    page = (Path(__file__).parents[1] / "docs" / "published.md").read_text(encoding="utf-8")
    for departure in switch.departures:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {departure} |")]
        assert switch.name in row or "see D" in row


# ---------------------------------------------------------------- a block


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("given", [None, {}, {"all": False}])
def test_everything_is_off_by_default(block, given):
    found = switches(block)(given, "x")
    assert vars(found) == {switch.name: switch.default for switch in of(block)}
    assert switched_on(found, block) is None


@pytest.mark.parametrize("block", BLOCKS[1:])
@pytest.mark.parametrize("given", ["all", {"all": True}])
def test_all_is_every_switch_of_a_block(block, given):
    found = switches(block, OWN)(given, "x")
    assert vars(found) == switched_on(found, block) == {switch.name: switch.published for switch in of(block)}


def test_all_of_an_occlusion_block_is_what_the_public_code_does_in_that_place():
    """Its VEN draws frame by frame and trims; its other generators trim nothing and share."""
    found = [switched_on(switches("occlusion", place)("all", "x"), "occlusion") for place in (OTHERS, VEN)]
    both = {"moving": "published", "sizes": "published"}
    shared = {"shared_draw": {"processes": 8, "test_batch": 16}}
    assert found == [{**shared, **both, "grey_whole": True}, {**both, "trim_columns": True}]


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda s: s.name)
def test_single_switches_and_exceptions_from_all(switch):
    read = switches(switch.block, switch.place)
    assert switched_on(read({switch.name: switch.published}, "x"), switch.block) == {switch.name: switch.published}
    but = read({"all": True, switch.name: switch.default}, "x")
    assert getattr(but, switch.name) == switch.default and switch.name not in (switched_on(but, switch.block) or {})
    assert switched_on(but, switch.block) is not None


def test_all_of_a_loss_over_all_pairs_relabels_nothing():
    """The public intra-only loss is another loss than the one of its results."""
    assert switched_on(switches("MiCKDLoss")("all", "x"), "MiCKDLoss") == {"teacher_anchors": True, "l2_normalised": True}


def test_shared_draw_takes_other_numbers():
    read = switches("occlusion")
    assert read({"shared_draw": {"processes": 4}}, "x").shared_draw == {"processes": 4, "test_batch": 16}
    found = read({"all": True, "shared_draw": {"processes": 2, "test_batch": 6}}, "x")
    assert found.shared_draw == {"processes": 2, "test_batch": 6} and found.sizes == "published"


@pytest.mark.parametrize(
    ("block", "given", "message"),
    [
        ("MimicGait", {"live_techer": True}, r"^x\.live_techer: unknown key \(did you mean 'live_teacher'\?\); allowed: \['all', 'any_"),
        ("VEN", {"input_255": 1}, r"^x\.input_255 = 1; expected true or false$"),
        ("VEN", {"rank": "bare"}, r"^x\.rank: unknown key; allowed: \['all', 'double_softmax', 'input_255', 'kept_amount'\]"),
        ("MiCKDLoss", {"all": "yes"}, r"^x\.all = 'yes'; expected true or false$"),
        ("MiCKDLoss", "al", r"^x = 'al' \(did you mean 'all'\?\); expected the word all, or a mapping of teacher_anchors, l2_normalised, "),
        ("MiCKDLoss", True, r"^x: expected a mapping with the keys \['all', "),
        ("occlusion", {"moving": True}, r"^x\.moving = True; allowed: 'published', or null$"),
        ("occlusion", {"shared_draw": True}, r"^x\.shared_draw: expected a mapping with the keys \['processes', 'test_batch'\]"),
        ("occlusion", {"shared_draw": {"procesess": 8}}, r"^x\.shared_draw\.procesess: unknown key \(did you mean 'processes'\?\)"),
        (
            "occlusion",
            {"shared_draw": {"processes": 3}},
            r"^x\.shared_draw = \{'processes': 3, 'test_batch': 16\}: the test batch is dealt",
        ),
    ],
)
def test_messages(block, given, message):
    with pytest.raises(ConfigError, match=message):
        switches(block)(given, "x")


def test_what_a_configuration_has_on_is_told_key_by_key():
    loss = {"type": "MiCKDLoss", "log_prefix": "mickd", "reference_compat": {"teacher_anchors": True}}
    cfgs = {
        "model_cfg": {"model": "MimicGait", "reference_compat": {"all": True, "live_teacher": False}},
        "trainer_cfg": {"occlusion": {"kinds": {"top": 1.0}, "reference_compat": {}}},
        "evaluator_cfg": {"occlusion": {"kinds": {"top": 1.0}, "reference_compat": {"moving": "published"}}},
        "loss_cfg": [loss],
    }
    assert in_configuration(cfgs) == {
        "model_cfg.reference_compat.rank": "bare",
        "model_cfg.reference_compat.any_geometry": True,
        "evaluator_cfg.occlusion.reference_compat.moving": "published",
        "loss_cfg.mickd.reference_compat.teacher_anchors": True,
    }
    assert in_configuration({"model_cfg": {"model": "Baseline"}, "loss_cfg": [], "trainer_cfg": {}, "evaluator_cfg": {}}) == {}
    found = in_configuration(cfgs)
    assert of_test(found) == {
        "model_cfg.reference_compat.rank": "bare",
        "evaluator_cfg.occlusion.reference_compat.moving": "published",
    }
    assert {**of_training(found), **of_test(found)} == found and not of_training(found).keys() & of_test(found).keys()


@pytest.mark.parametrize(("kind", "heeded"), [("fixed_ordered", False), ("unfixed_unordered", True), ("all_ordered", True)])
def test_a_shared_draw_beside_fixed_sampling_is_not_told(kind, heeded):
    key = "trainer_cfg.occlusion.reference_compat."
    occlusion = {"reference_compat": {"shared_draw": {}, "sizes": "published"}}
    cfgs = {"model_cfg": {"model": "Baseline2"}, "trainer_cfg": {"occlusion": occlusion, "sampler": {"sample_type": kind}}}
    expected = {f"{key}shared_draw": {"processes": 8, "test_batch": 16}} if heeded else {}
    assert in_configuration(cfgs) == {**expected, f"{key}sizes": "published"}
