"""Strict reading: every message names the key, what was given and what is allowed."""

from __future__ import annotations

import copy
import inspect
import textwrap

import pytest
import yaml

from opengait_mimic import HiddenFractionLoss, MiCKDLoss, Occlusion
from opengait_mimic.base.config import REQUIRED, anything, boolean, choice, integer, merge, nearest, number, optional, pair, read, text
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.occlusion.augmentation import OcclusionAugmentation

FIELDS = {"margin": (0.2, number(0, 1)), "distance": (REQUIRED, choice("parts", "l2")), "seed": (7, integer(0))}


def test_read_fills_defaults_and_keeps_what_is_given():
    assert vars(read({"distance": "l2"}, "a", FIELDS)) == {"margin": 0.2, "distance": "l2", "seed": 7}
    assert vars(read({"distance": "parts", "margin": 1, "seed": 0}, "a", FIELDS)) == {"margin": 1.0, "distance": "parts", "seed": 0}


def test_read_takes_none_for_an_empty_block():
    assert vars(read(None, "a", {"on": (True, boolean)})) == {"on": True}


def test_read_does_not_change_what_it_reads():
    given = {"distance": "l2", "margin": 1}
    before = copy.deepcopy(given)
    read(given, "a", FIELDS)
    assert given == before


def test_defaults_pass_through_their_check():
    assert read({}, "a", {"geometry": ([64, 44], pair(integer(1)))}).geometry == (64, 44)
    with pytest.raises(ConfigError, match=r"a\.margin = 2; expected a number from 0 to 1"):
        read({}, "a", {"margin": (2, number(0, 1))})


def test_an_explicit_null_is_checked_not_replaced_by_the_default():
    with pytest.raises(ConfigError, match=r"a\.margin = None; expected a number"):
        read({"distance": "l2", "margin": None}, "a", FIELDS)
    assert read({"binarise": None}, "a", {"binarise": (0.5, optional(number(0, 1)))}).binarise is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1], r"^loss_cfg: expected a mapping with the keys \['distance', 'margin', 'seed'\], got \[1\]$"),
        ("l2", r"^loss_cfg: expected a mapping .* got 'l2'$"),
        (
            {"distanse": "l2"},
            r"^loss_cfg\.distanse: unknown key \(did you mean 'distance'\?\); allowed: \['distance', 'margin', 'seed'\]; given 'l2'$",
        ),
        ({"zzz": 1}, r"^loss_cfg\.zzz: unknown key; allowed: \['distance', 'margin', 'seed'\]; given 1$"),
        ({3: 1}, r"^loss_cfg\.3: unknown key; allowed"),
        ({}, r"^loss_cfg\.distance: missing; this key is required$"),
        ({"distance": "l22"}, r"^loss_cfg\.distance = 'l22' \(did you mean 'l2'\?\); allowed: 'parts', 'l2'$"),
        ({"distance": "l2", "margin": 1.5}, r"^loss_cfg\.margin = 1\.5; expected a number from 0 to 1$"),
    ],
)
def test_read_messages(given, message):
    with pytest.raises(ConfigError, match=message):
        read(given, "loss_cfg", FIELDS)


def test_config_error_is_a_value_error():
    assert issubclass(ConfigError, ValueError)


def test_nearest_suggests_only_what_is_near():
    assert nearest("bottm", ("none", "bottom", "top")) == " (did you mean 'bottom'?)"
    assert nearest("elephant", ("none", "bottom", "top")) == ""
    assert nearest(None, ("one", 3)) == " (did you mean 'one'?)"  # YAML's null, shown as Python spells it
    assert nearest(33, (3, 333)) == " (did you mean '333'?)"


GOOD = [
    (number(0, 1), 0, 0.0),
    (number(0, 1), 1, 1.0),
    (number(-1, 1), -0.5, -0.5),
    (integer(2), 2, 2),
    (boolean, False, False),
    (text, "a", "a"),
    (choice("a", None), None, None),
    (optional(text), None, None),
    (optional(text), "b", "b"),
    (pair(number(0, 1)), [0, 1], (0.0, 1.0)),
    (pair(integer(1)), (64, 44), (64, 44)),
]
BAD = [
    (number(0, 1), 1.0001, r"^k = 1\.0001; expected a number from 0 to 1$"),
    (number(0, 1), -1e-9, r"^k = -1e-09; expected a number"),
    (number(0, 1), float("nan"), r"^k = nan; expected a number"),
    (number(0, 1), True, r"^k = True; expected a number"),
    (number(0, 1), "1e-1", r"^k = '1e-1'; expected a number"),  # YAML 1.1 reads 1e-1 as text
    (number(0, 1), None, r"^k = None; expected a number"),
    (integer(2), 1, r"^k = 1; expected a whole number of at least 2$"),
    (integer(2), 3.0, r"^k = 3\.0; expected a whole number"),
    (integer(0), True, r"^k = True; expected a whole number"),
    (boolean, 1, r"^k = 1; expected true or false$"),
    (boolean, "true", r"^k = 'true'; expected true or false$"),
    (text, "", r"^k = ''; expected a non-empty string$"),
    (text, 5, r"^k = 5; expected a non-empty string$"),
    (choice("parts", "l2"), "part", r"^k = 'part' \(did you mean 'parts'\?\); allowed: 'parts', 'l2'$"),
    (choice("parts", "l2"), ["parts"], r"^k = \['parts'\].*; allowed: 'parts', 'l2'$"),
    (optional(text), 5, r"^k = 5; expected a non-empty string, or null$"),
    (pair(number(0, 1)), 0.4, r"^k = 0\.4; expected a list of two values$"),
    (pair(number(0, 1)), "ab", r"^k = 'ab'; expected a list of two values$"),
    (pair(number(0, 1)), [0.4], r"^k = \[0\.4\]; expected a list of two values$"),
    (pair(number(0, 1)), [0.1, 0.2, 0.3], r"expected a list of two values$"),
    (pair(number(0, 1)), [0.4, 7], r"^k\[1\] = 7; expected a number from 0 to 1$"),
]


@pytest.mark.parametrize(("check", "value", "expected"), GOOD)
def test_checks_return_the_value_to_use(check, value, expected):
    found = check(value, "k")
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(("check", "value", "message"), BAD)
def test_checks_refuse(check, value, message):
    with pytest.raises(ConfigError, match=message):
        check(value, "k")


def test_anything_is_the_same_object():
    value = object()
    assert anything(value, "k") is value


def test_merge_against_a_hand_made_expectation():
    user = {"a": {"x": 1, "deep": {"p": 9}}, "list": [1], "scalar": {"now": "mapping"}, "mapping": 3, "null": None, "new": {"k": 1}}
    default = {"a": {"y": 2, "deep": {"p": 1, "q": 2}}, "list": [7, 8, 9], "scalar": 0, "mapping": {"m": 1}, "null": {"n": 1}, "kept": 5}
    before = copy.deepcopy((user, default))
    assert merge(user, default) == {
        "a": {"x": 1, "y": 2, "deep": {"p": 9, "q": 2}},
        "list": [1],
        "scalar": {"now": "mapping"},
        "mapping": 3,
        "null": None,
        "new": {"k": 1},
        "kept": 5,
    }
    assert (user, default) == before


def test_merge_with_nothing():
    assert merge({}, {"a": {"b": 1}}) == {"a": {"b": 1}} == merge({"a": {"b": 1}}, {})


def shown_yaml(documented) -> dict | list:
    """The YAML block of a docstring."""
    lines = inspect.getdoc(documented).split(".. code-block:: yaml", 1)[1].split("\n\n")[1]
    return yaml.safe_load(textwrap.dedent(lines))


@pytest.mark.parametrize("loss", [MiCKDLoss, HiddenFractionLoss])
def test_the_yaml_in_a_loss_docstring_builds_it_with_its_defaults(loss):
    (block,) = shown_yaml(loss)["loss_cfg"]
    assert block.pop("type") == loss.__name__ and block.pop("log_prefix")
    shown, plain = loss(**block), loss()
    assert {k: v for k, v in vars(shown).items() if not k.startswith("_")} == {
        k: v for k, v in vars(plain).items() if not k.startswith("_")
    }


def test_the_yaml_of_the_transform_builds_it():
    entry = shown_yaml(OcclusionAugmentation)["transform"][0]["trf_cfg"][1]
    assert entry.pop("type") == "OcclusionAugmentation"
    assert OcclusionAugmentation(**entry).occlusion == Occlusion({"none": 0.2, "bottom": 0.4, "top": 0.4}, (0.4, 0.6))


def test_the_yaml_of_the_occlusion_block_reads():
    block = shown_yaml(Occlusion.from_cfg)["occlusion"]
    kinds = {"none": 0.2, "bottom": 0.2, "top": 0.2, "middle": 0.2, "patch": 0.1, "pole": 0.1}
    shown = Occlusion.from_cfg(block, "trainer_cfg.occlusion")
    assert shown.kinds == pytest.approx(kinds)
    assert shown._replace(kinds=None) == Occlusion.from_cfg({}, "")._replace(kinds=None), "it shows the defaults of the other keys"


def test_optional_says_that_null_is_allowed():
    with pytest.raises(ConfigError, match="null"):
        optional(number(0, 1))(False, "model_cfg.binarise")


def test_merge_shares_nothing():
    default = {"a": {"b": [1]}}
    merge({}, default)["a"]["b"].append(2)
    assert default == {"a": {"b": [1]}}
