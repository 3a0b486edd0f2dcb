"""What a study reports of its rows: against hand-made rows."""

from __future__ import annotations

import numpy as np
import pytest

from opengait_mimic.workflows.demo_table import check_study, paired_differences

FACTS = {"chance_rank1": 2.0}


def row(method="MimicGait", side="both", gallery="own", rank1=10.0, rank5=20.0, rp=0.5, seed=0):
    return {
        "backbone": "GaitBase", "dataset": "walkers", "method": method, "occluded_side": side, "gallery_embedder": gallery,
        "rank1": rank1, "rank5": rank5, "rp_rank1": rp, "seed": seed,
    }  # fmt: skip


def test_differences_are_paired_over_the_seeds_that_both_have():
    """Baseline-2 varies by 10 over the seeds, the difference by 1: pairing shows it."""
    a, b = {0: 10.0, 1: 20.0, 2: 30.0, 3: 99.0}, {0: 13.0, 1: 22.0, 2: 34.0}
    rows = [row("Baseline-2", rank1=v, seed=s) for s, v in a.items()] + [row("MimicGait", rank1=v, seed=s) for s, v in b.items()]
    line = paired_differences([*rows, row("MimicGait", gallery="teacher", rank1=0.0)]).split("\n")[-1]
    gains = [b[s] - a[s] for s in b]
    assert line.endswith(f"{np.mean(gains):+.1f} ± {np.std(gains, ddof=1):.1f}") and line.startswith("MimicGait - Baseline-2")


def outcomes(losses=None, accuracy=95.0):
    losses = {"teacher": (2.0, 1.0), "MimicGait": (0.5, 0.4)} if losses is None else losses
    found = {name: {"losses": values, "visibility": None} for name, values in losses.items()}
    return {**found, "VEN": {"losses": (1.0, 0.5), "visibility": {"scalar/test_accuracy/frame": accuracy}}}


def teacher(*values):
    return [row("Baseline-1", "holistic", rank1=value, seed=seed) for seed, value in enumerate(values)]


def test_a_study_that_worked():
    rows = [*teacher(50.0, 90.0, 10.0), row(rank1=0.0), row("Baseline-1", "both", rank1=0.0)]
    checks = check_study([outcomes(), outcomes(accuracy=99.0)], rows, FACTS)
    assert [bool(passed) for passed, _ in checks] == [True, True, True]
    assert "95.0 %" in checks[1][1] and "50.0, 90.0, 10.0 %" in checks[2][1] and "10.0 % and 90 %" in checks[2][1]


@pytest.mark.parametrize("last", [0.5, 0.6, float("nan")])
def test_a_loss_that_does_not_fall_is_named(last):
    bad = outcomes({"teacher": (2.0, 1.0), "mimic": (0.5, last)})
    (passed, text), *_ = check_study([outcomes(), bad, outcomes()], teacher(50.0), FACTS)
    assert not passed and f"mimic 0.5 -> {last:g}" in text and "teacher" not in text


@pytest.mark.parametrize(("accuracies", "passed"), [((95, 90.0), True), ((95, 89.9, 95), False), ((95, float("nan")), False)])
def test_the_worst_seed_decides_the_accuracy(accuracies, passed):
    assert check_study([outcomes(accuracy=a) for a in accuracies], teacher(50.0), FACTS)[1][0] == passed


@pytest.mark.parametrize("rows", [teacher(50.0, 9.99), teacher(90.01), []])
def test_a_teacher_at_chance_perfect_or_missing_fails(rows):
    assert not check_study([outcomes()], rows, FACTS)[2][0]
    assert len(check_study([outcomes()], rows, {"chance_rank1": None})) == 2
