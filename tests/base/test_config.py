"""Blocks: what is read, and every message for what is refused."""

from __future__ import annotations

import copy
import doctest
import sys
from typing import Any, Literal, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, field_validator, model_validator

from opengait_mimic.base import config
from opengait_mimic.base.config import (
    Block,
    Count,
    Flag,
    Natural,
    NonNegative,
    Share,
    Text,
    between,
    describe,
    field_types,
    merge,
    nearest,
    pair_of,
    whole,
)
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.base.seeds import read_seeds
from tests.yaml_values import values


class Stage(Block):
    cfgs: Text | None = None
    checkpoint: Text = "auto"
    RENAMED = {"weights": "checkpoint"}


class Everything(Block):
    """A block with a field of every type."""

    need: Count = Field(description="required")
    stage: Stage = Stage()
    ven: Stage | None = None
    hidden: pair_of(between(0.01, 0.95)) = (0.4, 0.6)
    size: pair_of(whole(8)) = (64, 44)
    ranked: Literal["fused", "bare"] = "fused"
    moving: Literal["published"] | None = None
    kinds: dict[Literal["top", "bottom"], Share] = {"top": 1.0}
    on: Flag = False
    binarise: Share | None = 0.5
    restore: Natural | Text = 0
    switches: Stage | Literal["all"] = "all"
    names: list[Text] = []
    lr: NonNegative = 0.1
    seed: whole(0, 100) = 0
    other: Any = None

    @field_validator("hidden")
    @classmethod
    def _in_order(cls, value):
        if value[0] > value[1]:
            raise ValueError("expected [lowest, highest]")
        return value

    @model_validator(mode="after")
    def _one_of_two(self):
        if self.on and self.seed == 99:
            raise ValueError("on and seed = 99: choose one")
        if self.seed == 98:
            raise ValueError(".stage.cfgs: missing")
        if self.seed == 97:
            raise ConfigError("elsewhere: wrong", "here: too")
        return self


KEYS = sorted(Everything.model_fields)
MESSAGES = [  # what is given next to `need: 1` -> every message
    ({"ranke": "bare"}, [f"b.ranke: unknown key (did you mean 'ranked'?); allowed: {KEYS}; given 'bare'"]),
    ({3: 4}, [f"b.3: unknown key; allowed: {KEYS}; given 4"]),
    ({"stage": {"chekpoint": 1, "cfgs": 2}}, [
        "b.stage.cfgs = 2; expected a non-empty string, or null",
        "b.stage.chekpoint: unknown key (did you mean 'checkpoint'?); allowed: ['cfgs', 'checkpoint']; given 1",
    ]),
    ({"stage": {"weights": "a"}}, ["b.stage.weights: this key was renamed; write checkpoint: a"]),
    ({"stage": [1]}, ["b.stage: expected a mapping with the keys ['cfgs', 'checkpoint'], got [1]"]),
    ({"ven": 3}, ["b.ven: expected a mapping with the keys ['cfgs', 'checkpoint'], or null, got 3"]),
    ({"hidden": 0.4}, ["b.hidden = 0.4; expected a list of two values"]),
    ({"hidden": [0.4]}, ["b.hidden = [0.4]; expected a list of two values"]),
    ({"hidden": [0.1, 0.2, 0.3]}, ["b.hidden = [0.1, 0.2, 0.3]; expected a list of two values"]),
    ({"hidden": [0.4, 7]}, ["b.hidden[1] = 7; expected a number from 0.01 to 0.95"]),
    ({"hidden": [0.6, 0.4]}, ["b.hidden = [0.6, 0.4]; expected [lowest, highest]"]),
    ({"size": [64, 4.0]}, ["b.size[1] = 4.0; expected a whole number of at least 8"]),
    ({"ranked": "fusd"}, ["b.ranked = 'fusd' (did you mean 'fused'?); allowed: 'fused', 'bare'"]),
    ({"ranked": ["bare"]}, ["b.ranked = ['bare'] (did you mean 'bare'?); allowed: 'fused', 'bare'"]),
    ({"moving": True}, ["b.moving = True; allowed: 'published', or null"]),
    ({"kinds": {"tpo": 1}}, ["b.kinds.tpo: unknown key (did you mean 'top'?); allowed: ['bottom', 'top']; given 1"]),
    ({"kinds": {"top": 1.5}}, ["b.kinds.top = 1.5; expected a number from 0 to 1"]),
    ({"kinds": "top"}, ["b.kinds = 'top'; expected a mapping"]),
    ({"on": "true"}, ["b.on = 'true'; expected true or false"]),
    ({"on": 1}, ["b.on = 1; expected true or false"]),
    ({"binarise": 1.0001}, ["b.binarise = 1.0001; expected a number from 0 to 1, or null"]),
    ({"binarise": True}, ["b.binarise = True; expected a number from 0 to 1, or null"]),
    ({"binarise": "1e-4"}, ["b.binarise = '1e-4'; expected a number from 0 to 1, or null (YAML reads 1e-4 as text: write 1.0e-4)"]),
    ({"lr": float("nan")}, ["b.lr = nan; expected a number of at least 0"]),
    ({"lr": float("inf")}, ["b.lr = inf; expected a number of at least 0"]),
    ({"lr": None}, ["b.lr = None; expected a number of at least 0"]),
    ({"lr": "fast"}, ["b.lr = 'fast'; expected a number of at least 0"]),
    ({"restore": 2.5}, ["b.restore = 2.5; expected a whole number of at least 0 or a non-empty string"]),
    ({"switches": {"cfg": "x"}}, ["b.switches.cfg: unknown key (did you mean 'cfgs'?); allowed: ['cfgs', 'checkpoint']; given 'x'"]),
    ({"switches": "al"}, ["b.switches: expected a mapping with the keys ['cfgs', 'checkpoint'] or one of 'all', got 'al'"]),
    ({"names": "x"}, ["b.names = 'x'; expected a list; each entry: a non-empty string"]),
    ({"names": ["x", ""]}, ["b.names[1] = ''; expected a non-empty string"]),
    ({"seed": 1.0}, ["b.seed = 1.0; expected a whole number from 0 to 100"]),
    ({"seed": True}, ["b.seed = True; expected a whole number from 0 to 100"]),
    ({"on": True, "seed": 99}, ["b: on and seed = 99: choose one"]),
    ({"seed": 98}, ["b.stage.cfgs: missing"]),
    ({"seed": 97}, ["elsewhere: wrong", "here: too"]),
    ({"need": 0}, ["b.need = 0; expected a whole number of at least 1"]),
    ({"names": ["n" * 200]}, []),
    ({"on": "n" * 200}, [f"b.on = '{'n' * 27}...{'n' * 28}'; expected true or false"]),
]  # fmt: skip


@pytest.mark.parametrize(("block", "messages"), MESSAGES, ids=lambda value: str(value)[:30])
def test_messages(block, messages):
    if not messages:
        Everything.read({"need": 1, **block}, "b")
        return
    with pytest.raises(ConfigError) as error:
        Everything.read({"need": 1, **block}, "b")
    assert list(error.value.args) == messages and str(error.value) == "\n".join(messages)


def test_a_missing_key_is_reported_unless_an_unknown_key_may_be_it_misspelt():
    for block, message in (
        (None, "b.need: missing; this key is required"),
        ({"ned": 1}, "b.ned: unknown key (did you mean 'need'?)"),
    ):
        with pytest.raises(ConfigError) as error:
            Everything.read(block, "b")
        assert len(error.value.args) == 1 and error.value.args[0].startswith(message)
    with pytest.raises(ConfigError, match=r"^b: expected a mapping with the keys \['binarise', .*\], got \[1\]$"):
        Everything.read([1], "b")


def test_defaults_conversions_and_nulls():
    read = Everything.read({"need": 1, "hidden": [0.2, 0.3], "lr": 1, "stage": None, "ven": {}, "binarise": None, "kinds": {"top": 1}}, "b")
    assert read.hidden == (0.2, 0.3) and type(read.lr) is float and read.stage == read.ven == Stage() and read.binarise is None
    assert (read.size, read.ranked, type(read.kinds["top"])) == ((64, 44), "fused", float)
    with pytest.raises(ValueError, match="frozen"):
        read.lr = 2.0


def test_what_is_read_is_not_changed():
    block = {"need": 1, "hidden": [0.2, 0.3], "kinds": {"top": 1}, "other": {"deep": [1]}}
    before = copy.deepcopy(block)
    Everything.read(block, "b")
    assert block == before


@settings(max_examples=150)
@given(key=st.sampled_from(KEYS), value=values)
def test_any_value_is_read_or_refused_by_its_key(key, value):
    try:
        Everything.read({"need": 1, key: value}, "b")
    except ConfigError as error:
        assert error.args and all(message.startswith(f"b.{key}") for message in error.args)


@pytest.mark.skipif(sys.version_info < (3, 10), reason="the example writes `Text | None` without `annotations`")
def test_the_example_of_the_module_runs():
    results = doctest.testmod(config, optionflags=doctest.ELLIPSIS, extraglobs={"annotations": None, "Literal": Literal})
    assert results.attempted >= 4 and results.failed == 0


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Optional[Share], "a number from 0 to 1, or null"),
        (pair_of(Count), "a list of two values; each: a whole number of at least 1"),
        (Literal["a", None], "one of 'a', null"),
        (list[Text], "a list; each entry: a non-empty string"),
        (Stage, "a mapping with the keys ['cfgs', 'checkpoint']"),
        (field_types(Everything)["need"], "a whole number of at least 1"),
        (float, "a number"),
        (Any, "any value"),
    ],
    ids=["share or null", "pair", "choice", "list", "block", "field", "float", "any"],
)
def test_types_in_words(kind, words):
    assert describe(kind) == words


def test_nearest_suggests_only_what_is_near():
    assert nearest("bottm", ("none", "bottom", "top")) == " (did you mean 'bottom'?)"
    assert nearest("elephant", ("none", "bottom", "top")) == ""
    assert nearest(None, ("one", 3)) == " (did you mean 'one'?)"
    assert nearest(33, (3, 333)) == " (did you mean '333'?)"
    assert nearest("tpo", ("type", "top")) == " (did you mean 'top'?)"


# ---- merging, as OpenGait does


def test_merge_against_a_hand_made_expectation():
    user = {"a": {"x": 1, "deep": {"p": 9}}, "list": [1], "scalar": {"now": "mapping"}, "mapping": 3, "null": None, "new": {"k": 1}}
    default = {"a": {"y": 2, "deep": {"p": 1, "q": 2}}, "list": [7, 8], "scalar": 0, "mapping": {"m": 1}, "null": {"n": 1}, "kept": [5]}
    before = copy.deepcopy((user, default))
    merged = merge(user, default)
    assert merged == {
        "a": {"x": 1, "y": 2, "deep": {"p": 9, "q": 2}},
        "list": [1],
        "scalar": {"now": "mapping"},
        "mapping": 3,
        "null": None,
        "new": {"k": 1},
        "kept": [5],
    }
    merged["kept"].append(6)
    assert (user, default) == before


trees = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 3)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)),
    max_leaves=8,
)
mappings = st.dictionaries(st.sampled_from("abcd"), trees, max_size=4)


@settings(max_examples=80)
@given(mappings, mappings)
def test_merging_twice_is_merging_once(user, default):
    merged = merge(user, default)
    assert merge(merged, default) == merged == merge(user, merged)
    assert merge(user, {}) == user and merge({}, default) == default


# ---- seeds on a command line


def test_seeds():
    assert read_seeds("0-2,7,1") == [0, 1, 2, 7] and read_seeds(" 3 ") == [3]


@pytest.mark.parametrize(
    ("text", "message"), [("3-1", "the range 3-1 goes from high to low"), ("a", "such as 0, 0-2 or 0,3"), ("", "such as")]
)
def test_wrong_seeds(text, message):
    with pytest.raises(ConfigError, match=f"^--seeds {text}: .*{message}"):
        read_seeds(text)
