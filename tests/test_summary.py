"""What a result says of itself: against hand-made rows."""

from __future__ import annotations

import numpy as np
import pytest

from opengait_mimic.workflows.study_summary import chance, spread, verdicts


def row(method="MimicGait", side="both", gallery="own", rank1=10.0, rank5=20.0, rp=0.5, seed=0):
    return {
        "backbone": "GaitBase", "dataset": "walkers", "method": method, "occluded_side": side, "gallery_embedder": gallery,
        "rank1": rank1, "rank5": rank5, "rp_rank1": rp, "seed": seed,
    }  # fmt: skip


def table(rows):
    """The cells of the printed table, without header and footer."""
    lines = spread(rows).split("\n")
    return lines[0].split(), [line.replace(" ± ", "±").split() for line in lines[2:-1]], lines[-1]


def test_chance():
    assert chance(4) == 25.0 and chance(80) == 1.25 and chance(3) == 33.333


def test_spread_is_mean_and_sample_deviation_over_seeds():
    first, fifth, rp = [10.0, 13.0, 17.5], [20.0, 20.5, 30.0], [0.5, 0.61, 0.7]
    rows = [row(rank1=a, rank5=b, rp=c, seed=s) for s, (a, b, c) in enumerate(zip(first, fifth, rp))]
    rows += [row("Baseline-1", "holistic", rank1=50.0, rank5=70.0, rp=1.0, seed=2)]
    header, body, footer = table(rows)
    assert header == ["method", "occluded", "gallery", "Rank-1", "Rank-5", "RP"]
    assert body[0][:3] == ["MimicGait", "both", "own"]
    assert body[0][3:] == [f"{np.mean(v):.{k}f}±{np.std(v, ddof=1):.{k}f}" for v, k in ((first, 1), (fifth, 1), (rp, 2))]
    assert body[0][3] == "13.5±3.8" and np.std(first) < 3.1  # with ddof 0 it would read 3.1
    assert body[1] == ["Baseline-1", "holistic", "own", "50.0", "70.0", "1.00"]  # one seed: no spread
    assert "seeds 0, 1, 2;" in footer


def test_spread_keeps_protocol_cells_apart():
    rows = [
        row(gallery=g, side=p, rank1=v, seed=s)
        for s in (0, 1)
        for g, p, v in (("own", "both", 1), ("teacher", "both", 2), ("own", "probe", 3))
    ]
    _, body, _ = table(rows)
    assert [(line[1], line[2], line[3]) for line in body] == [
        ("both", "own", "1.0±0.0"),
        ("both", "teacher", "2.0±0.0"),
        ("probe", "own", "3.0±0.0"),
    ]


def test_spread_leaves_missing_values_out():
    _, body, _ = table([row(rp=None, rank1=10.0), row(rp=None, rank1=20.0, seed=1)])
    assert body[0][3:] == ["15.0±7.1", "20.0±0.0", "-"]
    _, body, _ = table([row(rank1=0.0, rp=None), row(rank1=3.0, rp=0.25, seed=1)])
    assert body[0][3] == "1.5±2.1"  # zero is a value
    assert body[0][5] == "0.25"


def test_spread_lines_are_aligned():
    lines = spread([row(), row("Baseline-2 with a long name", rank1=100.0, rp=None)]).split("\n")[:-1]
    assert len({len(line) for line in lines}) == 1 and set(lines[1]) == {"-", " "}


# ---------------------------------------------------------------- verdicts

KNOWN = {"chance_rank1": 2.0}


def a_run(losses=None, accuracy=95.0):
    return {
        "losses": {"teacher": (2.0, 1.0), "MimicGait": (0.5, 0.4)} if losses is None else losses,
        "ven": {"scalar/test_accuracy/frame": accuracy},
    }


def teacher(*values):
    return [row("Baseline-1", "holistic", rank1=value, seed=seed) for seed, value in enumerate(values)]


def oks(*given):
    return [ok for ok, _ in verdicts(*given)]


def test_verdicts_of_a_good_demo():
    found = verdicts(
        [a_run(), a_run(accuracy=99.0)], [*teacher(50.0, 90.0, 10.0), row(rank1=0.0), row("Baseline-1", "both", rank1=0.0)], KNOWN
    )
    assert [bool(ok) for ok, _ in found] == [True, True, True]
    assert found[0][1] == "losses fall in every stage"
    assert "95.0 %" in found[1][1] and "50.0, 90.0, 10.0 %" in found[2][1] and "10.0 % and 90 %" in found[2][1]


@pytest.mark.parametrize("last", [0.5, 0.6, float("nan")])
def test_a_loss_that_does_not_fall_fails_and_is_named(last):
    bad = a_run({"teacher": (2.0, 1.0), "VEN": (0.5, last)})
    (ok, text), *_ = verdicts([a_run(), bad, a_run()], teacher(50.0), KNOWN)
    assert not ok and f"VEN 0.5 -> {last:g}" in text and "teacher" not in text


def test_the_worst_seed_decides_the_accuracy():
    assert oks([a_run(), a_run(accuracy=90.0)], teacher(50.0), KNOWN)[1]
    (_, _), (ok, text), _ = verdicts([a_run(), a_run(accuracy=89.9), a_run()], teacher(50.0), KNOWN)
    assert not ok and "89.9 %" in text


@pytest.mark.parametrize("value", [9.99, 90.01, 0.0, 100.0])
def test_a_teacher_that_is_blind_or_perfect_fails(value):
    assert not oks([a_run()], teacher(50.0, value), KNOWN)[2]


def test_the_teachers_range_needs_the_chance_level():
    assert len(verdicts([a_run()], teacher(1.0), {"chance_rank1": None})) == 2


def test_no_teacher_row_is_no_pass():
    run = {"losses": {"a": (2.0, 1.0)}, "ven": {"scalar/test_accuracy/frame": 95.0}}
    assert not verdicts([run], [], {"chance_rank1": 1})[2][0]


def test_a_nan_accuracy_fails_wherever_it_stands():
    runs = [{"losses": {"a": (2.0, 1.0)}, "ven": {"scalar/test_accuracy/frame": v}} for v in (95.0, float("nan"))]
    assert not verdicts(runs, [], {})[1][0]


def test_stages_that_print_alike_do_not_hide_each_other():
    runs = [{"losses": {"a": v}, "ven": {"scalar/test_accuracy/frame": 95.0}} for v in ((1.0, 1.0), (1.0000001, 1.0))]
    assert not verdicts(runs, [], {})[0][0]
