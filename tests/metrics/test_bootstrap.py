"""Intervals: against a loop that repeats the people drawn, and against what must come out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from opengait_mimic.metrics import Resamples, Trials, accuracy, mean_over_seeds, rank_probes, rp_interval
from tests.metrics.retrieval_scene import Scene


def passes(split_of, seeds=(0,), noise=2.5, **scene):
    """Trials on whole bodies, and under occlusion (noise on the probes) for each seed; and the labels."""
    scene = Scene(seed=5, **{"n": 160, "subjects": 12, "noise": 0.8, **scene})
    split = scene.split(**split_of)
    whole, op = rank_probes(*scene.of(split)), []
    for seed in seeds:
        hidden = scene.probe + noise * np.random.default_rng(seed).normal(size=scene.probe.shape).astype(np.float32)
        op.append(rank_probes(split, hidden, scene.gallery, scene.labels, scene.views))
    return op, whole, scene.labels


def repeated(found, labels, people):
    """The trials of the people drawn, as often as they were."""
    rows = np.concatenate([np.flatnonzero(labels[found.probe] == person) for person in people])
    return Trials(*(column[rows] for column in found))


def people_drawn(labels, found, draws, seed):
    """The draws of the package's generator, as lists of people."""
    names = np.unique(labels[found.probe])
    counts = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), draws)
    return [np.repeat(names, count) for count in counts]


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("split_of", [{}, {"cross_view": True}, {"mates_only": True}, {"halves": True, "cross_view": True}])
def test_rp_interval_equals_a_loop(split_of, k):
    op, whole, labels = passes(split_of, seeds=(0, 1, 2))
    ratios, means = [], []
    for people in people_drawn(labels, whole, 230, seed=3):
        means.append(np.mean([accuracy(repeated(found, labels, people), k) for found in op]))
        ratios.append(means[-1] / accuracy(repeated(whole, labels, people), k))
    value = np.mean([accuracy(found, k) for found in op]) / accuracy(whole, k)
    found = rp_interval(op, whole, labels, k, draws=230, seed=3, level=0.9)
    assert found == pytest.approx((value, *np.percentile(ratios, [5, 95]), None))
    assert 0.1 < found.low < found.value < found.high < 1.1
    resamples = Resamples(labels, whole.probe, 230, 3)
    alone = mean_over_seeds([resamples.of(each, (k,)) for each in op]).interval(k, 0.9)
    assert alone == pytest.approx((np.mean([accuracy(each, k) for each in op]), *np.percentile(means, [5, 95]), None))


def test_interval_of_one_probe_a_person_is_the_binomial_one():
    """Then resampling people is resampling probes."""
    people = 400
    scene = Scene(n=2 * people, subjects=people, noise=1.2)
    scene.labels = np.repeat([f"s{i}" for i in range(people)], 2)
    found = rank_probes(*scene.of(scene.split()))._replace(rank=np.where(np.arange(people) < 120, 1, 2))
    interval = Resamples(scene.labels, found.probe, 4000).of(found, (1,)).interval(1)
    assert interval.value == pytest.approx(30)
    expected = binom.ppf([0.025, 0.975], people, 0.3) * 100 / people
    assert (interval.low, interval.high) == pytest.approx(tuple(expected), abs=0.3)


def test_a_resample_without_a_holistic_hit_leaves_the_value_alone():
    op, whole, labels = passes({})
    one = labels[whole.probe] == labels[whole.probe[0]]
    hp = whole._replace(rank=np.where(one, 1, 9))
    found = rp_interval(op, hp, labels, 1)
    assert found.value == pytest.approx(accuracy(op[0], 1) / accuracy(hp, 1))
    assert found.low is None and found.high is None and "0 in" in found.reason and "of 1000 resamples" in found.reason


def test_one_person_has_no_interval():
    op, whole, labels = passes({})
    who = labels[whole.probe[0]]
    op, whole = ([Trials(*(c[labels[f.probe] == who] for c in f)) for f in side] for side in (op, [whole]))
    whole = [whole[0]._replace(rank=np.ones_like(whole[0].rank))]
    found = rp_interval(op, whole[0], labels, 1)
    assert found.value is not None and found.low is None and "one identity" in found.reason


def test_probes_that_are_never_counted_leave_resamples_empty():
    op, whole, labels = passes({"mates_only": True})
    counted = labels[whole.probe] == labels[whole.probe[0]]
    found = Resamples(labels, whole.probe).of(whole._replace(counted=counted), (1,)).interval(1)
    assert found.low is None and "hold no counted probe" in found.reason


def test_equals_a_zero_and_unlike_probes():
    op, whole, labels = passes({})
    assert rp_interval([whole], whole, labels, 1) == (1, 1, 1, None), "both are of the same resample"
    value, low, high, reason = rp_interval(op, whole._replace(rank=np.full_like(whole.rank, 7)), labels, 5)
    assert (value, low, high) == (None, None, None) and "is 0" in reason
    with pytest.raises(ValueError, match="different probes"):
        rp_interval(op, Trials(*(column[1:] for column in whole)), labels, 1)
