"""Rows of a result: what they hold, how seeds are summed up, the table, and what may be compared."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from opengait_mimic.evaluation.cells import BOTH, HOLISTIC, PROBE, TEACHER, Cell, Hiding
from opengait_mimic.evaluation.console_table import format_rows
from opengait_mimic.evaluation.reference_result import list_differences
from opengait_mimic.evaluation.result_rows import is_seen, make_row
from opengait_mimic.evaluation.row_summaries import summarise_seeds
from tests.evaluation.test_results import FACTS as RUN

TOP_BOTTOM = Hiding.of({"top": 0.5, "bottom": 0.5}, (0.4, 0.6))
MIDDLE = Hiding.of({"middle": 1.0}, (0.1, 0.3))
FACTS = {**RUN, "seeds": [0]}


def numbers(rank1, **more):
    ranks = {f"rank{k}": min(100.0, rank1 + k - 1) for k in (1, 5, 10, 20)}
    return {**ranks, "mAP": 20.0, "mINP": 3.0, "probes": 200, "probes_without_mate": 3, **more}


WHOLE, HP = numbers(60.0), numbers(80.0)


def made(cell=None, seed=0, rank1=30.0, hp=HP, reason="", whole=WHOLE, subsets=None, **facts):
    found = numbers(rank1, **({"subsets": subsets} if subsets else {}))
    return make_row({**FACTS, **facts}, cell or Cell(BOTH, hiding=TOP_BOTTOM), seed, found, whole, hp, reason)


def test_a_row_divides_every_rank_by_that_of_hp():
    found = made()
    for k in (1, 5, 10, 20):
        assert found[f"rp_rank{k}"] == pytest.approx((29.0 + k) / min(100.0, 79.0 + k)) and found[f"hp_rank{k}"] == min(100.0, 79.0 + k)
    assert found["retention_rank1"] == pytest.approx(60 / 80) and found["holistic_rank1"] == 60
    assert (found["cell"], found["condition"]) == ("both, top+bottom 40-60 %", "top+bottom 40-60 %")
    assert (found["kinds"], found["hidden"]) == ({"bottom": 0.5, "top": 0.5}, [0.4, 0.6])
    assert json.loads(json.dumps(found)) == found


def test_without_hp_there_is_no_rp_and_the_reason_is_named():
    found = made(hp=None, reason="its teacher is another")
    assert [found[f"{name}_rank{k}"] for name in ("rp", "hp") for k in (1, 5, 10, 20)] == [None] * 8
    assert found["retention_rank1"] is None and found["rp_reason"] == "its teacher is another"
    assert "rp_reason" not in made() and "is 0" in made(hp=numbers(0.0))["rp_reason"]


@pytest.mark.parametrize(
    ("kinds", "trained", "expected"),
    [
        ({"top": 0.5, "bottom": 0.5}, ["none", "bottom", "top"], True),
        ({"top": 0.5, "middle": 0.5}, ["none", "bottom", "top"], False),
        ({"top": 1.0, "middle": 0.0}, ["top"], True),
        ({"none": 0.5, "top": 0.5}, ["top"], True),
        ({"top": 1.0}, ["none"], False),
        ({"top": 1.0}, [], False),
        ({"top": 1.0}, None, None),
        (None, ["top"], None),
    ],
)
def test_seen_is_every_kind_that_can_be_drawn(kinds, trained, expected):
    assert is_seen(kinds, trained) is expected


# ---------------------------------------------------------------- over seeds


def test_a_summary_is_mean_and_deviation_over_the_seeds():
    values = [30.0, 33.0, 39.0]
    rows = [made(Cell(HOLISTIC)), *(made(seed=s, rank1=v) for s, v in enumerate(values)), made(Cell(PROBE, hiding=MIDDLE))]
    rows[2]["verification"] = {"eer": 12.0, "tar": {"0.01": 50.0}}
    whole, both, probe = summarise_seeds(rows)
    assert [x["cell"] for x in (whole, both, probe)] == ["holistic", "both, top+bottom 40-60 %", "probe, middle 10-30 %"]
    assert both["seeds"] == [0, 1, 2] and both["rank1"] == {"mean": np.mean(values), "sd": pytest.approx(np.std(values, ddof=1))}
    assert both["rp_rank1"]["mean"] == pytest.approx(34 / 80) and whole["rank1"]["sd"] is None
    assert both["eer"] == {"mean": 12.0, "sd": None} and both["tar_0.01"]["mean"] == 50 and probe["eer"]["mean"] is None


def test_intervals_of_one_seed_are_its_rows():
    rows = [{**made(seed=s), "rp_rank1_interval": [0.1 * s, 0.5]} for s in (1, 2)]
    assert summarise_seeds(rows[:1])[0]["rp_rank1_interval"] == [0.1, 0.5] and summarise_seeds(rows)[0]["rp_rank1_interval"] is None


# ---------------------------------------------------------------- the table


def example_rows():
    baseline = {"method": "Baseline-1", "trained_kinds": ["none"], "whole": HP}
    rows = [
        made(Cell(HOLISTIC), rank1=80.0, **baseline),
        made(rank1=14.85, **baseline),
        made(Cell(HOLISTIC), rank1=60.0),
        made(),
        made(Cell(PROBE, TEACHER, MIDDLE)),
    ]
    return [{**r, "rp_rank1_interval": [0.1, 0.25]} for r in rows]


def columns(line, rule):
    return [line[m.start() : m.end()].strip() for m in re.finditer("-+", rule)]


def test_the_table_is_aligned_and_complete():
    lines = format_rows(example_rows()).splitlines()
    assert max(map(len, lines)) <= 120
    assert lines[0] == "backbone GaitBase   data set GREW   seeds 0"
    head, rule, *body = lines[1:8]
    assert columns(head, rule) == [
        *("method", "occluded", "hidden", "gallery", "Rank-1", "Rank-5", "mAP", "RP [95 %]", "retention", "seen"),
    ]
    assert columns(body[1], rule) == [
        *("Baseline-1", "both", "top+bottom 40-60 %", "own", "14.85", "18.85", "20.00", "0.19 [0.10, 0.25]", "1.00", "no"),
    ]
    assert columns(body[4], rule)[1:4] == ["probe", "middle 10-30 %", "teacher"] and columns(body[4], rule)[-1] == "no"
    assert columns(body[2], rule)[-1] == "-" and columns(body[3], rule)[-1] == "yes"
    notes = "\n".join(lines[8:])
    assert "HP, Baseline-1 on whole bodies: GaitBase 80.00 %" in notes
    other = [{**row, "hp_network": "DeepGaitV2 (big-60000.pt)"} for row in example_rows()]
    assert "HP, Baseline-1 on whole bodies: DeepGaitV2 (big-60000.pt) 80.00 %" in format_rows(other)
    assert "Baseline-1 was trained on whole bodies alone\nMimicGait was trained on whole bodies, bottom, top" in notes
    assert "3 of 200 probes have no mate in the gallery and count as failures" in notes
    assert format_rows([]) == "no rows"


def test_the_table_of_several_seeds_shows_their_spread():
    text = format_rows([made(Cell(HOLISTIC)), *(made(seed=s, rank1=30.0 + s) for s in (0, 1, 2))])
    assert "seeds 0-2" in text.splitlines()[0] and "31.00 ± 1.00" in text and "standard deviation over the seeds" in text


def test_what_else_stands_below_the_table():
    rows = example_rows()
    assert "departs" not in format_rows(rows) and "†" not in format_rows(rows)
    rows[3]["reference_compat"] = {"model_cfg.reference_compat.rank": "bare"}
    assert "MimicGait* departs from the paper as the public code does: model_cfg.reference_compat.rank bare" in format_rows(rows)
    assert "are left out" in format_rows([made(mates_only=True)])
    assert "RP -: no run" in format_rows([made(hp=None, reason="no run")])
    assert "MimicGait does not say which kinds" in format_rows([made(trained_kinds=None)])
    assert "RP without an interval: too few" in format_rows([{**made(), "rp_interval_reason": "too few"}])
    hp = {**HP, "subsets": {"NM": numbers(90.0), "CL": numbers(0.0)}}
    parted = [made(seed=s, subsets={"NM": numbers(40.0 + s), "CL": numbers(20.0)}, hp=hp) for s in (0, 1)]
    shown = format_rows(parted)
    assert "Rank-1 of MimicGait, both, top+bottom 40-60 %, by subset:\n  NM 40.50 ± 0.71, RP 0.45 ± 0.01   CL 20.00 ± 0.00, RP -\n" in shown
    assert "RP - in CL: the holistic score of the backbone's teacher (Baseline-1) is 0" in shown and "RP - in NM" not in shown
    assert "subsets" not in made(subsets={"all": numbers(1.0)})
    marked = format_rows([made(transductive="re-ranking", post="re-ranking")])
    assert "MimicGait†" in marked.splitlines()[0] and "is transductive (re-ranking)" in marked


# ---------------------------------------------------------------- what may be compared


def test_rows_of_other_cells_and_pairs_are_comparable():
    own = made(Cell(PROBE, hiding=MIDDLE), seeds=[1, 2])
    other = made(Cell(HOLISTIC), method="Baseline-1", rank1=1.0, seeds=[2, 1, 0], trained_kinds=None)
    assert list_differences(own, other) == list_differences(made(), made(pairs="sha256:1")) == []


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("dataset", "Gait3D", "data set: GREW here, Gait3D there"),
        ("protocol_name", "gait3d", "protocol: grew-local here, gait3d there"),
        ("protocol_hash", "sha256:0", "content of the protocol: sha256:56 here, sha256:0 there"),
        ("metric", "cos", "metric: euc here, cos there"),
        ("data", "sha256:34", "test data (fingerprint): sha256:12 here, sha256:34 there"),
        ("backbone", "GaitGL", "backbone: GaitBase here, GaitGL there"),
        ("backbone_cfg", "sha256:0", "the backbone's model_cfg: sha256:78 here, sha256:0 there"),
        ("post", "re-ranking", "post-processing: none here, re-ranking there"),
        ("seeds", [1], "seeds: 0 here, 1 there"),
    ],
)
def test_each_difference_is_named(key, value, message):
    own = made()
    assert list_differences(own, {**own, key: value}) == [message]
    without = {name: kept for name, kept in own.items() if name != key}
    assert len(list_differences(own, without)) == len(list_differences(without, own)) == 1, "what is not stated is no agreement"
