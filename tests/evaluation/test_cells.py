"""Cells: presets against the papers' tables, own cells from a YAML, and what the draws of one condition share with another's."""

from __future__ import annotations

from itertools import combinations

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

BASE = {"kinds": {"pole": 1.0}, "hidden": [0.2, 0.3], "occluded_side": "probe", "seed": 7, "speed": [0.0, 3.0], "time_axis": 50}


@st.composite
def hidings(draw_):
    """Whole percents of any kinds, of the share that hides and of the range."""
    chosen = draw_(st.lists(st.sampled_from(KINDS[1:]), min_size=1, max_size=5, unique=True))
    cuts = sorted(draw_(st.lists(st.integers(1, 99), min_size=len(chosen) - 1, max_size=len(chosen) - 1, unique=True)))
    kinds = {kind: (b - a) / 100 for kind, a, b in zip(chosen, [0, *cuts], [*cuts, 100])}
    low, high = sorted(draw_(st.tuples(st.integers(1, 95), st.integers(1, 95))))
    return kinds, (low / 100, high / 100), draw_(st.integers(1, 100)) / 100


def occlusion(hiding, base=None) -> Occlusion:
    """As a model reads the block; the two keys besides are the test's."""
    block = hiding.block(0, base)
    assert (block.pop("occluded_side"), block.pop("seed")) == (BOTH, 0)
    return Occlusion.from_cfg(block, "evaluator_cfg.occlusion")


@given(hidings())
def test_any_block_is_a_whole_one_and_adds_up(made):
    kinds, hidden, share = made
    hiding = Hiding.of(kinds, hidden, share)
    found = occlusion(hiding)
    assert sum(dict(hiding.kinds).values()) == pytest.approx(1, abs=1e-9) and found.hidden == hidden and hash(hiding) is not None
    for kind in KINDS[1:]:
        assert found.kinds.get(kind, 0) == pytest.approx(kinds.get(kind, 0) * share, abs=1e-9)
    assert found.kinds.get("none", 0) == pytest.approx(1 - share, abs=1e-9)
    assert Hiding.of({"none": 1 - share, **{kind: p * share for kind, p in kinds.items()}}, hidden).name == hiding.name


@given(hidings(), hidings())
def test_a_name_is_a_condition(one, other):
    one, other = Hiding.of(*one), Hiding.of(*other)
    assert (one.name == other.name) == (one == other)


@given(st.sampled_from(sorted(KIND_SETS)), st.integers(0, 10**6), st.integers(0, 10**6))
@settings(max_examples=200)
def test_bins_of_severity_share_the_kind_and_the_relative_severity_of_every_clip(kinds, seed, clip):
    drawn = []
    for low, high in RANGES.values():
        found = occlusion(Hiding.of(KIND_SETS[kinds], (low, high)))
        one = draw(found, test_key(seed, found.condition, "GREW", f"{clip:05d}", "01", "a"))
        drawn.append((one.kind, one.place, one.speed, round((one.hidden - low) / (high - low), 9)))
    assert len(set(drawn)) == 1 and 0 <= drawn[0][3] < 1


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_have_cells_of_different_names(name):
    cells = PRESETS[name]
    assert len({cell.name for cell in cells}) == len(set(cells)) == len(cells)
    assert cells[0] == Cell(HOLISTIC) and read_cells(name) == list(cells)
    for a, b in combinations({cell.hiding for cell in cells if cell.hiding}, 2):
        assert a.name != b.name and occlusion(a) != occlusion(b)


def test_presets_are_the_papers():
    first = PRESETS["paper-table1"]
    assert [(c.occluded_side, c.gallery_embedder) for c in first] == [(HOLISTIC, OWN), (PROBE, OWN), (BOTH, OWN), (PROBE, TEACHER)]
    assert all(occlusion(c.hiding) == Occlusion({"bottom": 0.5, "top": 0.5}, (0.4, 0.6)) for c in first[1:])
    second = PRESETS["paper-table2"]
    assert [c.name for c in second] == ["holistic", "both, middle 40-60 %", "both, dynamic 40-60 %"]
    assert occlusion(second[2].hiding).kinds == {"patch": 0.5, "pole": 0.5}
    (_, cell) = PRESETS["rggait"]
    assert cell.occluded_side == BOTH and occlusion(cell.hiding) == Occlusion({"none": 0.5, "bottom": 0.25, "top": 0.25}, (0.1, 0.6))
    assert [c.name for c in PRESETS["severity"][1:]] == [f"{s}, top+bottom {r} %" for s in (BOTH, PROBE) for r in RANGES]
    assert occlusion(Hiding.of(KIND_SETS["all"], (0.4, 0.6))).kinds == pytest.approx(dict.fromkeys(KINDS[1:], 0.2))


def test_full_is_every_combination():
    hiding = {(c.hiding.name, c.occluded_side, c.gallery_embedder) for c in PRESETS["full"] if c.hiding}
    assert hiding == {(f"{k} {r} %", side, who) for k in KIND_SETS for r in RANGES for side in (PROBE, BOTH) for who in (OWN, TEACHER)}
    assert len(PRESETS["full"]) == 2 + 128 and len({c.hiding for c in PRESETS["full"] if c.hiding}) == 32


def test_names_state_the_share_and_the_gallery():
    kinds = {"pole": 0.7, "top": 0.3}
    assert Hiding.of(kinds, (0.4, 0.6)).name == "top:0.3 pole:0.7 40-60 %"
    assert Hiding.of({"none": 0.2, "middle": 0.8}, (0.125, 0.3)).name == "middle 12.5-30 %, share 0.8"
    cell = Cell(BOTH, TEACHER, Hiding.of(kinds, (0.1, 0.1), 0.5))
    assert cell.name == "both, top:0.3 pole:0.7 10-10 %, share 0.5, gallery by the teacher"


def test_a_block_passes_the_yamls_other_keys_on():
    block = Hiding.of({"middle": 1.0}, (0.4, 0.6)).block(3, BASE)
    own = {"kinds": {"middle": 1.0}, "hidden": [0.4, 0.6], "occluded_side": "both", "seed": 3}
    assert block == {**own, "speed": [0.0, 3.0], "time_axis": 50}


def written(folder, text):
    (folder / "cells.yaml").write_text(text if isinstance(text, str) else yaml.safe_dump({"cells": text}))
    return str(folder / "cells.yaml")


def test_own_cells(tmp_path):
    text = """
    cells:
      - {occluded_side: holistic}
      - {occluded_side: [probe, both], kinds: top+bottom, hidden: [10-30, 40-60], gallery_embedder: [own, teacher]}
      - {occluded_side: both, kinds: {top: 0.3, pole: 0.7}, hidden: [0.2, 0.5], share: 0.5}
      - {occluded_side: both, kinds: [middle, all], hidden: [[0.2, 0.3], 30-50]}
      - {occluded_side: probe}
    """
    names = [cell.name for cell in read_cells(written(tmp_path, text), BASE)]
    assert names[0] == "holistic" and len(names) == 1 + 8 + 1 + 4 + 1
    assert names[1:5] == [f"probe, top+bottom {hidden} %{who}" for hidden in ("10-30", "40-60") for who in ("", ", gallery by the teacher")]
    assert names[9:14] == [
        "both, top:0.3 pole:0.7 20-50 %, share 0.5",
        *(f"both, {kinds} {hidden} %" for kinds in ("middle", "all") for hidden in ("20-30", "30-50")),
    ]
    assert names[14] == "probe, pole 20-30 %"  # the YAML's own
    assert read_cells(written(tmp_path, [{"occluded_side": "probe"}]))[0].name == "probe, top+bottom 40-60 %"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"occluded_side": "probes"},
            r"yaml: cells\[0\]\.occluded_side = 'probes' \(did you mean 'probe'\?\); allowed: 'holistic', 'probe'",
        ),
        ({"occluded_side": ["both", "all"]}, r"cells\[0\]\.occluded_side\[1\] = 'all'"),
        ({"occluded_side": []}, r"cells\[0\]\.occluded_side = \[\]; expected at least one"),
        ({"kinds": "top"}, r"cells\[0\]\.occluded_side: missing"),
        ({"protocol": "both"}, r"cells\[0\]\.protocol: this key was renamed; write occluded_side: both"),
        ({"occluded_side": "both", "kinds": "botom"}, r"kinds = 'botom' \(did you mean 'bottom'\?\); allowed: 'top', 'bottom'"),
        ({"occluded_side": "both", "kinds": {"top": 0.5}}, r"cells\[0\]\.kinds = .*; the probabilities add up to 0\.5"),
        (
            {"occluded_side": "both", "kinds": {"none": 1.0}},
            r"kinds = \{'none': 1\.0\}: nothing is hidden; that is occluded_side: holistic",
        ),
        ({"occluded_side": "both", "hidden": "40-70"}, r"hidden = '40-70'.*allowed: '10-30', '20-40', '30-50', '40-60'"),
        ({"occluded_side": "both", "hidden": [0.6, 0.4]}, r"hidden = \[0\.6, 0\.4\]; expected \[lowest, highest\]"),
        ({"occluded_side": "both", "hidden": [40, 60]}, r"hidden\[0\] = 40; expected a number from 0\.01 to 0\.95"),
        ({"occluded_side": "both", "share": 0}, r"share = 0; expected a number from 1e-06 to 1"),
        ({"occluded_side": "holistic", "kinds": "top"}, r"cells\[0\]\.kinds = 'top': occluded_side holistic hides nothing"),
        ("both", r"cells\[0\]: expected a mapping with the keys"),
        ({"occluded_side": ["both", "both"]}, r"cells\[0\]: the cell 'both, top\+bottom 40-60 %' is there already"),
    ],
)
def test_own_cells_are_read_strictly(tmp_path, entry, message):
    with pytest.raises(ConfigError, match=message):
        read_cells(written(tmp_path, [entry]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cells: []", r"cells\.yaml: cells = \[\]; expected a list of at least one cell"),
        ("", "cells: missing"),
        ("cell: [{occluded_side: both}]", r"cells\.yaml\.cell: unknown key \(did you mean 'cells'\?\)"),
        ("cells: [", "cannot read"),
    ],
)
def test_a_file_that_is_none_of_cells(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        read_cells(written(tmp_path, text))


def test_neither_preset_nor_file():
    with pytest.raises(ConfigError, match=r"papers-table1: neither a preset \(did you mean 'paper-table1'\?\) nor a file; presets: paper-"):
        read_cells("papers-table1")


def one_or_more(strategy):
    """Mostly what a key takes, sometimes a list of it, sometimes anything."""
    return st.one_of(strategy, strategy, st.lists(strategy, max_size=3), values)


shares = st.dictionaries(st.sampled_from(KINDS), st.sampled_from([0.0, 0.2, 0.5, 1.0]), max_size=3)
ends = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.1, 0.3, 0.6])), min_size=2, max_size=2)
entries = st.fixed_dictionaries(
    {"occluded_side": one_or_more(st.sampled_from([HOLISTIC, PROBE, BOTH]))},
    optional={
        "kinds": one_or_more(st.one_of(st.sampled_from(sorted(KIND_SETS)), shares)),
        "hidden": one_or_more(st.one_of(st.sampled_from(sorted(RANGES)), ends)),
        "share": st.one_of(st.floats(0, 1), values),
        "gallery_embedder": one_or_more(st.sampled_from([OWN, TEACHER])),
    },
)


@settings(max_examples=120)
@given(st.one_of(st.lists(st.one_of(entries, entries, values), max_size=3).map(lambda found: {"cells": found}), values))
def test_any_file_is_refused_or_is_cells_that_a_model_reads_back(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "cells.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    try:
        cells = read_cells(str(file))
    except ConfigError as error:
        assert str(error)
        return
    assert cells and len({cell.name for cell in cells}) == len(set(cells)) == len(cells)
    for cell in cells:
        assert (cell.hiding is None) == (cell.occluded_side == HOLISTIC)
        if cell.hiding is not None:
            found = occlusion(cell.hiding)
            assert Hiding.of(found.kinds, found.hidden) == cell.hiding and found.hidden == cell.hiding.hidden


@pytest.mark.parametrize(("name", "dataset"), [*((name, "GREW") for name in PRESETS), ("paper-table1", "CASIA-B")])
def test_every_cell_of_a_preset_can_be_scored(name, dataset):
    """Every cell gets one row of its own, with Rank-k from 0 to 100 that do not fall with k."""
    cells = PRESETS[name]
    jobs = [None, *((hiding, 0) for hiding in dict.fromkeys(cell.hiding for cell in cells if cell.hiding))]
    own, theirs = ({job: fake(i + start, job is not None, dataset) for i, job in enumerate(jobs)} for start in (1, 100))
    scorer = Scorer(list(cells), [0], theirs, "euc", "none", False, "cpu")
    for job, done in own.items():
        scorer.score_pass(job, done, lambda *names: split(dataset, *names))
    rows = scorer.rows({**FACTS, "dataset": dataset}, scorer.hp.numbers, scorer.hp.trials, "", named)[0]
    assert [row["cell"] for row in rows] == [cell.name for cell in cells]
    for row in rows:
        assert 0 <= row["rank1"] <= row["rank5"] <= row["rank10"] <= row["rank20"] <= 100 and row["rp_rank1"] is not None


def test_a_key_given_twice_is_refused_with_its_lines(tmp_path):
    """YAML keeps the last one, so another condition than meant would be scored."""
    file = tmp_path / "mine.yaml"
    file.write_text("cells:\n  - occluded_side: both\n    kinds: middle\n    kinds: bottom\n")
    with pytest.raises(ConfigError, match=r"cells\[0\]\.kinds: given twice, in line 3 and line 4"):
        read_cells(str(file))
