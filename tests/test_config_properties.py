"""What holds for every configuration: a valid one is read, a wrong value is refused by its key, nothing ends in another error."""

from __future__ import annotations

import copy
import math
from numbers import Real

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from opengait_mimic.base.config import merge
from opengait_mimic.base.errors import ConfigError, HostError
from opengait_mimic.base.plain_values import differences
from opengait_mimic.base.seeds import read_seeds
from opengait_mimic.base.yaml_text import parse
from opengait_mimic.host import load_cfgs
from opengait_mimic.host.yaml import default_cfgs
from opengait_mimic.models.prepare import prepare
from opengait_mimic.occlusion import KINDS, Occlusion
from opengait_mimic.occlusion.condition import Condition
from opengait_mimic.published.switches import SWITCHES
from opengait_mimic.training.recipe import read_recipe
from opengait_mimic.training.record import config_hash

from .yaml_values import paths, put, turned, values

FEW = settings(max_examples=40)
MANY = settings(max_examples=80)
METHODS = ("MimicGait", "Baseline-2", "VEN", "GaitBase (teacher)")


@pytest.fixture(scope="module")
def cfgs(files) -> dict:
    """Stage -> the configuration as it is written."""
    return {stage: yaml.safe_load(files[stage].read_text()) for stage in METHODS}


@pytest.fixture
def written(files):
    """Writes a configuration beside those that it names; returns the file."""
    file = files["MimicGait"].with_name("property.yaml")

    def write(content) -> object:
        file.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
        return file

    yield write
    file.unlink(missing_ok=True)


# ---------------------------------------------------------------- whatever YAML can say


@MANY
@given(data=st.data())
def test_any_value_anywhere_is_read_or_refused_in_our_words(host, cfgs, written, data):
    found = copy.deepcopy(cfgs[data.draw(st.sampled_from(METHODS))])
    whole = read_recipe(load_cfgs(written(found)), here=False)
    put(found, data.draw(st.sampled_from(list(paths(found)))), data.draw(values))
    file = written(found)
    try:
        load_cfgs(file)
        prepare(file, "train")
        differences(read_recipe(load_cfgs(file), here=False), whole)
    except (ConfigError, HostError) as error:
        assert str(error)


@pytest.mark.parametrize(
    ("block", "value", "told"),
    [
        ("loss_cfg", 18, "loss_cfg = 18; expected a mapping with the key `type`"),
        ("scheduler_cfg", [], "scheduler_cfg = []; expected a mapping with the key `scheduler`"),
        ("trainer_cfg", [], "trainer_cfg = []; expected a mapping"),
        ("model_cfg", None, "model_cfg = None; expected a mapping"),
    ],
)
def test_a_block_that_is_none_is_refused_in_files_of_the_hosts_own_as_well(host, cfgs, written, block, value, told):
    found = copy.deepcopy(cfgs["GaitBase (teacher)"])
    found["evaluator_cfg"].pop("occlusion", None)
    found["trainer_cfg"].pop("seed", None)
    found["evaluator_cfg"]["eval_func"] = "evaluate_indoor_dataset"
    file = written({**found, block: value})
    with pytest.raises(ConfigError) as error:
        load_cfgs(file)
    assert str(error.value).startswith(f"{file}: ") and told in str(error.value)


@MANY
@given(st.text(alphabet="ab1:-[]{}&*!?|>'\"#%~<,. \n\t\x00", max_size=24))
def test_any_text_is_yaml_with_text_keys_or_refused(text):
    try:
        found = parse(text)
    except ConfigError:
        return
    assert found == yaml.safe_load(text)
    assert all(isinstance(step, (str, int)) and not isinstance(step, bool) for path in paths(found) for step in path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 2024-02-31", "day is out of range"),
        ("a: !!int x", "invalid literal"),
        ("a: !!int ''", "cannot be read as what it"),
        ("a: !!bool maybe", "maybe"),
        ("a: !!timestamp x", "cannot be read as what it"),
        ("a: {b: &x {c: *x}}", "a.b.c: refers to itself"),
        ("[" * 600, "nested too deep"),
        ("a: {on: 1}", "a.True: this key is read as true or false, not as text; put it in quotes"),
        ("2024-01-01: 1", "2024-01-01: this key is read as a date"),
        ("a: !!set {b}", "a = {'b'}: a set, which no key takes; write a list"),
        ("a: !!python/name:os.system", "could not determine a constructor"),
    ],
    ids=range(11),
)
def test_what_a_reader_of_yaml_stumbles_over_is_told_with_the_file(host, written, text, told):
    file = written(text)
    with pytest.raises(HostError) as error:
        load_cfgs(file)
    assert f"cannot read {file}" in str(error.value) and told in str(error.value)


BLOCKS = ("kinds", "hidden", "speed", "time_axis", "reference_compat", "occluded_side", "seed")
READERS = {
    "occlusion": lambda value: Occlusion.from_cfg(value, "x"),
    "condition": lambda value: Condition.from_cfg(value, "x"),
    **{key: lambda value, key=key: Condition.from_cfg({key: value}, "x") for key in BLOCKS},
    **{f"switch {each.name}": lambda value, each=each: each.check(value, "x") for each in SWITCHES},
    "seeds": lambda value: read_seeds(str(value)),
    "kinds of a VEN": lambda value: _ven().known_kinds([value, "none"], "x"),
    "geometry": lambda value: _ven().GEOMETRY[1](value, "x"),
    "a backbone": lambda value: _subnetwork().backbone_block(value, "x"),
}


def _ven():
    from opengait_mimic.models import ven  # needs the host

    return ven


def _subnetwork():
    from opengait_mimic.models import upstream_weights as subnetwork

    return subnetwork


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=50)
@given(value=values)
def test_no_reader_of_ours_meets_a_value_that_it_cannot_refuse(host, name, value):
    try:
        READERS[name](value)
    except ConfigError as error:
        assert str(error)


# ---------------------------------------------------------------- valid ones, and one wrong value in them

shares = st.lists(st.integers(1, 9), min_size=1, max_size=4)
hidden = st.tuples(st.integers(1, 95), st.integers(1, 95)).map(lambda pair: [end / 100 for end in sorted(pair)])


@st.composite
def kinds(draw, known):
    """Probabilities of some kinds that add up to 1."""
    parts = draw(shares.filter(lambda parts: len(parts) <= len(known)))
    chosen = draw(st.permutations(known))[: len(parts)]
    return {kind: part / sum(parts) for kind, part in zip(chosen, parts)}


def occlusions(known):
    optional = {"speed": st.just([0.0, 3]), "time_axis": st.integers(1, 10_000), "reference_compat": st.sampled_from([{}, "all"])}
    return st.fixed_dictionaries({"kinds": kinds(known), "hidden": hidden}, optional=optional)


@st.composite
def valid(draw, cfgs):
    """A mimic's configuration with every key of ours drawn anew, from what README and docstrings allow."""
    found = copy.deepcopy(cfgs["MimicGait"])
    found["model_cfg"].update(
        init_mimic=draw(st.booleans()), binarise=draw(st.one_of(st.none(), st.floats(0, 1))),
        reference_compat=draw(st.sampled_from([{}, {"rank": "bare"}, {"live_teacher": True}, {"any_geometry": True, "rank": "fused"}])),
    )  # fmt: skip
    if draw(st.booleans()):
        found["model_cfg"]["ven"] = None
    found["trainer_cfg"].update(seed=draw(st.integers(0, 4_000_000)), occlusion=draw(occlusions(["none", "bottom", "top"])))
    test = draw(occlusions(list(KINDS)))
    test.update(occluded_side=draw(st.sampled_from(["holistic", "probe", "both"])), seed=draw(st.integers(0, 10**9)))
    found["evaluator_cfg"]["occlusion"] = test
    positives = st.lists(st.sampled_from(["own_teacher", "other_clip_teacher", "other_clip_mimic"]), min_size=1, unique=True)
    loss = {"margin": draw(st.floats(0, 5)), "loss_term_weight": draw(st.floats(0, 9)), "positives": draw(positives)}
    found["loss_cfg"][0].update(loss, distance=draw(st.sampled_from(["parts", "l2"])))
    return found


def a_number(low=-math.inf, high=math.inf):
    return lambda value: isinstance(value, Real) and not isinstance(value, bool) and low <= value <= high


def a_whole_number(low, high=math.inf):
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def a_range(low, high):
    def fits(value):
        return isinstance(value, list) and len(value) == 2 and all(map(a_number(low, high), value)) and value[0] <= value[1]

    return fits


def a_switch(value):
    return isinstance(value, bool)


def some_text(value):
    return isinstance(value, str) and value != ""


ALLOWED = {  # a key of ours or of the host's -> what its documentation allows
    ("trainer_cfg", "seed"): a_whole_number(0, 4_000_000),
    ("trainer_cfg", "total_iter"): a_whole_number(1),
    ("trainer_cfg", "save_iter"): a_whole_number(1),
    ("trainer_cfg", "sync_BN"): a_switch,
    ("trainer_cfg", "save_name"): some_text,
    ("trainer_cfg", "occlusion", "hidden"): a_range(0.01, 0.95),
    ("trainer_cfg", "sampler", "frames_num_fixed"): a_whole_number(1),
    ("evaluator_cfg", "metric"): lambda value: value in ("euc", "cos"),
    ("evaluator_cfg", "occlusion", "occluded_side"): lambda value: value in ("holistic", "probe", "both"),
    ("evaluator_cfg", "occlusion", "seed"): a_whole_number(0),
    ("evaluator_cfg", "occlusion", "hidden"): a_range(0.01, 0.95),
    ("model_cfg", "init_mimic"): a_switch,
    ("model_cfg", "binarise"): lambda value: value is None or a_number(0, 1)(value),
    ("loss_cfg", 0, "margin"): a_number(0),
    ("loss_cfg", 0, "loss_term_weight"): a_number(0),
    ("loss_cfg", 0, "distance"): lambda value: value in ("parts", "l2", "centred"),
    ("data_cfg", "num_workers"): a_whole_number(0),
    ("data_cfg", "cache"): a_switch,
}


def dotted(path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


@FEW
@given(data=st.data())
def test_a_valid_configuration_is_read_in_any_order_of_its_keys_and_means_the_same(host, cfgs, written, data):
    found = data.draw(valid(cfgs))
    read = load_cfgs(written(found))
    again = load_cfgs(written(data.draw(turned(found))))
    assert read == again and config_hash(read) == config_hash(again)
    assert merge(read, default_cfgs()) == read  # complete with the host's defaults, which then change nothing


@MANY
@given(data=st.data())
def test_one_changed_value_is_allowed_by_its_documentation_or_refused_by_its_key(host, cfgs, written, data):
    found = copy.deepcopy(cfgs["MimicGait"])
    path, value = data.draw(st.sampled_from(sorted(ALLOWED, key=str))), data.draw(values)
    put(found, path, value)
    allowed = ALLOWED[path](value) if not isinstance(value, (list, dict, set)) or path[-1] == "hidden" else False
    try:
        load_cfgs(written(found))
    except (ConfigError, HostError) as error:
        assert not allowed and (dotted(path) in str(error) or "cannot read" in str(error)), str(error)
    else:
        assert allowed, value


# ---------------------------------------------------------------- merging

trees = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.sampled_from("xyz")),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)),
    max_leaves=8,
)
mappings = st.dictionaries(st.sampled_from("abcd"), trees, max_size=4)


@MANY
@given(mappings, mappings)
def test_merging_twice_is_merging_once_and_changes_neither(user, default):
    before = copy.deepcopy((user, default))
    merged = merge(user, default)
    assert merge(merged, default) == merged == merge(user, merged)
    assert merge(user, {}) == user and merge({}, default) == default
    assert (user, default) == before


def blocks(tree) -> dict:
    """Path -> value of every key of nested mappings; of a mapping the word."""
    found = {path: value for path, value in walk(tree)}
    return {path: "a mapping" if isinstance(value, dict) else value for path, value in found.items()}


def walk(tree, path=()):
    for key, value in tree.items() if isinstance(tree, dict) else ():
        yield (*path, key), value
        yield from walk(value, (*path, key))


@MANY
@given(mappings, mappings)
def test_what_the_user_says_stands_and_the_rest_is_the_default(user, default):
    said, rest = blocks(user), blocks(default)
    covered = {path for path in rest if any(said.get(path[:end], "a mapping") != "a mapping" for end in range(1, len(path) + 1))}
    below = {path for path in rest if any(rest[path[:end]] != said.get(path[:end], rest[path[:end]]) for end in range(1, len(path)))}
    assert blocks(merge(user, default)) == {**{path: rest[path] for path in rest if path not in covered | below}, **said}
