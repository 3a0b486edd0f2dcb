"""What holds for every configuration: a valid one is read, a wrong value is refused by its key, nothing ends in another error."""

from __future__ import annotations

import copy
from numbers import Real

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from opengait_mimic.base.config import merge
from opengait_mimic.base.errors import ConfigError, HostError
from opengait_mimic.host import load_cfgs
from opengait_mimic.host.yaml import default_cfgs
from opengait_mimic.models.prepare import prepare
from opengait_mimic.occlusion import KINDS
from opengait_mimic.occlusion.condition import Condition
from tests.yaml_values import paths, put, turned, values

METHODS = ("MimicGait", "Baseline-2", "VEN", "GaitBase (teacher)")


@pytest.fixture(scope="module")
def cfgs(files) -> dict:
    """Stage -> the configuration as it is written."""
    return {stage: yaml.safe_load(files[stage].read_text()) for stage in METHODS}


@pytest.fixture
def write(files):
    """Writes a configuration next to the files that it names; returns its path."""
    file = files["MimicGait"].with_name("property.yaml")

    def write_yaml(content) -> object:
        file.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
        return file

    yield write_yaml
    file.unlink(missing_ok=True)


@settings(max_examples=40)
@given(data=st.data())
def test_any_value_anywhere_is_read_or_refused_in_our_words(host, cfgs, write, data):
    changed = copy.deepcopy(cfgs[data.draw(st.sampled_from(METHODS))])
    put(changed, data.draw(st.sampled_from(list(paths(changed)))), data.draw(values))
    try:
        prepare(write(changed), "train")
    except (ConfigError, HostError) as error:
        assert str(error)


KEYS = ("kinds", "hidden", "speed", "time_axis", "occluded_side", "seed")


@pytest.mark.parametrize("key", ["", *KEYS])
@settings(max_examples=25)
@given(value=values)
def test_any_occlusion_block_is_read_or_refused(host, key, value):
    try:
        Condition.from_cfg({key: value} if key else value, "x")
    except ConfigError as error:
        assert str(error)


# ---- valid configurations, and one wrong value in them


@st.composite
def occlusions(draw, known):
    parts = draw(st.lists(st.integers(1, 9), min_size=1, max_size=min(4, len(known))))
    chosen = draw(st.permutations(known))[: len(parts)]
    block = {"kinds": {kind: part / sum(parts) for kind, part in zip(chosen, parts)}}
    block["hidden"] = sorted(draw(st.tuples(st.integers(1, 95), st.integers(1, 95)).map(lambda ends: [end / 100 for end in ends])))
    return {**block, **draw(st.fixed_dictionaries({}, optional={"speed": st.just([0.0, 3]), "time_axis": st.integers(1, 10_000)}))}


@st.composite
def valid(draw, cfgs):
    """A mimic's configuration with values of our keys from what the docstrings allow."""
    drawn = copy.deepcopy(cfgs["MimicGait"])
    drawn["model_cfg"].update(init_mimic=draw(st.booleans()), binarise=draw(st.one_of(st.none(), st.floats(0, 1))))
    if draw(st.booleans()):
        drawn["model_cfg"]["ven"] = None
    drawn["trainer_cfg"].update(seed=draw(st.integers(0, 4_000_000)), occlusion=draw(occlusions(["none", "bottom", "top"])))
    test = draw(occlusions(list(KINDS)))
    test.update(occluded_side=draw(st.sampled_from(["holistic", "probe", "both"])), seed=draw(st.integers(0, 10**9)))
    drawn["evaluator_cfg"]["occlusion"] = test
    positives = st.lists(st.sampled_from(["own_teacher", "other_clip_teacher", "other_clip_mimic"]), min_size=1, unique=True)
    loss = {"margin": draw(st.floats(0, 5)), "loss_term_weight": draw(st.floats(0, 9)), "positives": draw(positives)}
    drawn["loss_cfg"][0].update(loss, distance=draw(st.sampled_from(["parts", "l2"])))
    return drawn


@settings(max_examples=20)
@given(data=st.data())
def test_a_valid_configuration_is_read_the_same_in_any_order_of_its_keys(host, cfgs, write, data):
    drawn = data.draw(valid(cfgs))
    read = load_cfgs(write(drawn))
    assert read == load_cfgs(write(data.draw(turned(drawn))))
    assert merge(read, default_cfgs()) == read


def a_number(low, high=float("inf")):
    return lambda value: isinstance(value, Real) and not isinstance(value, bool) and low <= value <= high and value != float("inf")


def a_whole_number(low, high=float("inf")):
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def a_range(value):
    return isinstance(value, list) and len(value) == 2 and all(map(a_number(0.01, 0.95), value)) and value[0] <= value[1]


def a_switch(value):
    return isinstance(value, bool)


ALLOWED = {  # a key of ours or of the host's -> what its documentation allows
    ("trainer_cfg", "seed"): a_whole_number(0, 4_000_000),
    ("trainer_cfg", "total_iter"): a_whole_number(1),
    ("trainer_cfg", "sync_BN"): a_switch,
    ("trainer_cfg", "save_name"): lambda value: isinstance(value, str) and value != "",
    ("trainer_cfg", "occlusion", "hidden"): a_range,
    ("trainer_cfg", "sampler", "frames_num_fixed"): a_whole_number(1),
    ("evaluator_cfg", "metric"): lambda value: value in ("euc", "cos"),
    ("evaluator_cfg", "occlusion", "occluded_side"): lambda value: value in ("holistic", "probe", "both"),
    ("evaluator_cfg", "occlusion", "seed"): a_whole_number(0),
    ("model_cfg", "init_mimic"): a_switch,
    ("model_cfg", "binarise"): lambda value: value is None or a_number(0, 1)(value),
    ("loss_cfg", 0, "margin"): a_number(0, 1e6),
    ("loss_cfg", 0, "distance"): lambda value: value in ("parts", "l2", "centred"),
    ("data_cfg", "num_workers"): a_whole_number(0),
}


def dotted(path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


@settings(max_examples=50)
@given(data=st.data())
def test_one_changed_value_is_allowed_by_its_documentation_or_refused_by_its_key(host, cfgs, write, data):
    changed = copy.deepcopy(cfgs["MimicGait"])
    path, value = data.draw(st.sampled_from(sorted(ALLOWED, key=str))), data.draw(values)
    put(changed, path, value)
    allowed = ALLOWED[path](value) if not isinstance(value, (list, dict, set)) or path[-1] == "hidden" else False
    try:
        load_cfgs(write(changed))
    except (ConfigError, HostError) as error:
        assert not allowed and (dotted(path) in str(error) or "cannot read" in str(error)), str(error)
    else:
        assert allowed, value
