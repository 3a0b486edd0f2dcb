"""What holds for every file of cells, every condition and every preset."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.evaluation.cells import BOTH, HOLISTIC, KIND_SETS, OWN, PRESETS, PROBE, RANGES, TEACHER, Cell, Hiding
from opengait_mimic.evaluation.cells_file import read_cells
from opengait_mimic.evaluation.score import Scorer
from opengait_mimic.metrics.protocols import split
from opengait_mimic.occlusion import KINDS, Occlusion, draw, test_key
from tests.evaluation.test_results import FACTS, fake, named
from tests.yaml_values import values

MANY = settings(max_examples=120)
PLACES = {"occluded_side": BOTH, "seed": 0}


def occlusion(hiding: Hiding) -> Occlusion:
    block = hiding.block()
    assert {key: block.pop(key) for key in PLACES} == PLACES
    return Occlusion.from_cfg(block, "evaluator_cfg.occlusion")


def mixed(one):
    """Mostly what a key takes, sometimes a list of it, sometimes anything."""
    return st.one_of(one, one, st.lists(one, max_size=3), values)


shares = st.dictionaries(st.sampled_from(KINDS), st.sampled_from([0.0, 0.2, 0.5, 1.0]), max_size=3)
ends = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.1, 0.3, 0.6])), min_size=2, max_size=2)
entries = st.fixed_dictionaries(
    {"occluded_side": mixed(st.sampled_from([HOLISTIC, PROBE, BOTH]))},
    optional={
        "kinds": mixed(st.one_of(st.sampled_from(sorted(KIND_SETS)), shares)),
        "hidden": mixed(st.one_of(st.sampled_from(sorted(RANGES)), ends)),
        "share": st.one_of(st.floats(0, 1), values),
        "gallery_embedder": mixed(st.sampled_from([OWN, TEACHER])),
    },
)
documents = st.one_of(
    st.lists(entries, min_size=1, max_size=3).map(lambda found: {"cells": found}),
    st.lists(st.one_of(entries, values), max_size=3).map(lambda found: {"cells": found}),
    st.fixed_dictionaries({"cells": values}),
    values,
)


def read(folder, content):
    file = folder / "cells.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return read_cells(str(file))


@MANY
@given(documents)
def test_a_file_is_cells_of_different_names_that_read_back_or_refused(tmp_path_factory, content):
    try:
        cells = read(tmp_path_factory.getbasetemp(), content)
    except ConfigError as error:
        assert str(error)
        return
    assert cells and all(isinstance(cell, Cell) for cell in cells)
    assert len({cell.name for cell in cells}) == len(set(cells)) == len(cells)
    for hiding in {cell.hiding for cell in cells} - {None}:
        assert_round_trip(hiding)
    assert all((cell.hiding is None) == (cell.occluded_side == HOLISTIC) for cell in cells)


def assert_round_trip(hiding: Hiding) -> None:
    """What a model reads of a condition's block makes the same condition, and hides what it names."""
    found = occlusion(hiding)
    assert Hiding.of(found.kinds, found.hidden) == hiding
    assert {kind: share for kind, share in found.kinds.items() if share} == pytest.approx(dict(hiding.kinds), abs=1e-9)
    assert found.hidden == hiding.hidden


@settings(MANY, max_examples=60)
@given(st.text(alphabet="cels: -[]{}probth,\n&*!\t", max_size=40))
def test_any_text_is_no_cells(tmp_path_factory, text):
    with pytest.raises(ConfigError):
        read(tmp_path_factory.getbasetemp(), text)


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_read_back(name):
    for hiding in {cell.hiding for cell in PRESETS[name]} - {None}:
        assert_round_trip(hiding)


@MANY
@given(
    st.sampled_from(sorted(KIND_SETS)), ends.map(sorted), ends.map(sorted), st.integers(0, 10**6), st.text("ab0", min_size=1, max_size=4)
)
def test_two_ranges_draw_the_same_kind_place_speed_and_relative_severity(kinds, one, other, seed, label):
    drawn = []
    for low, high in (one, other):
        low, high = (min(max(end, 0.01), 0.95) for end in (low, high))
        found = occlusion(Hiding.of(KIND_SETS[kinds], (low, high)))
        clip = draw(found, test_key(seed, found.condition, "GREW", label, "01", "a"))
        assert low <= clip.hidden <= high + 1e-12
        drawn.append((clip.kind, clip.place, clip.speed))
        if high - low > 1e-3:
            drawn.append(pytest.approx((clip.hidden - low) / (high - low), abs=1e-6))
    shared = [each for each in drawn if isinstance(each, tuple)]
    severities = [each.expected for each in drawn if not isinstance(each, tuple)]
    assert shared[0] == shared[1] and np.ptp(severities or [0]) < 1e-6


@pytest.mark.parametrize(("name", "dataset"), [*((name, "GREW") for name in PRESETS), ("paper-table1", "CASIA-B"), ("rggait", "CASIA-B")])
def test_every_cell_of_a_preset_can_be_scored(name, dataset):
    """Of passes of any kind every cell gets one row of its own, with Rank-k from 0 to 100 that do not fall with k."""
    cells = PRESETS[name]
    jobs = [None, *((hiding, 0) for hiding in dict.fromkeys(cell.hiding for cell in cells if cell.hiding))]
    own, theirs = ({job: fake(i + start, job is not None, dataset) for i, job in enumerate(jobs)} for start in (1, 100))
    found = Scorer(list(cells), [0], theirs, "euc", "none", False, "cpu")
    for job, done in own.items():
        found.score_pass(job, done, lambda *names: split(dataset, *names))
    rows = found.rows({**FACTS, "dataset": dataset}, found.hp.numbers, found.hp.trials, "", named)[0]
    assert [row["cell"] for row in rows] == [cell.name for cell in cells]
    for row in rows:
        assert 0 <= row["rank1"] <= row["rank5"] <= row["rank10"] <= row["rank20"] <= 100 and row["rp_rank1"] is not None
