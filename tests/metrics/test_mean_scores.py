"""Scores of trials: against loops over the trials, weights against repeated probes."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from opengait_mimic.metrics import Trials, accuracy, by_kind, by_view, cmc, mean_precision, rank_probes, view_pairs
from opengait_mimic.metrics.protocols import score
from opengait_mimic.metrics.protocols.split_scores import summarise_trials
from tests.metrics.retrieval_scene import Scene

KINDS = [{}, {"cross_view": True}, {"mates_only": True}, {"halves": True, "cross_view": True}]


@pytest.fixture(scope="module", params=KINDS, ids=["plain", "cross-view", "mates only", "two subsets"])
def found(request):
    """Trials of which some have no mate, the scene, and its split."""
    scene = Scene(seed=1, n=160, subjects=40, noise=0.8)
    split = scene.split(**request.param)
    return rank_probes(*scene.of(split)), scene, split


def slow_mean(found, value, weights):
    """Percent: by hand over trials, groups, subsets."""
    cells = defaultdict(list)
    for i in range(len(found.probe)):
        if found.counted[i]:
            cells[found.subset[i], found.group[i]].append((value[i], weights[found.probe[i]]))
    subsets = defaultdict(list)
    for (subset, _), pairs in sorted(cells.items()):
        if sum(w for _, w in pairs) > 0:
            subsets[subset].append(sum(v * w for v, w in pairs) / sum(w for _, w in pairs))
    return 100 * np.mean([np.mean(cell) for cell in subsets.values()])


@pytest.mark.parametrize("weighted", [False, True])
def test_scores_equal_a_loop(found, weighted):
    found, scene, _ = found
    weights = np.random.default_rng(0).random(len(scene.labels)) if weighted else np.ones(len(scene.labels))
    given = weights if weighted else None
    for k in (1, 5, 10, 20):
        expected = slow_mean(found, [0 < rank <= k for rank in found.rank], weights)
        assert accuracy(found, k, given) == pytest.approx(expected)
    columns = ([value if rank else 0 for rank, value in zip(found.rank, column)] for column in (found.ap, found.inp))
    expected = [slow_mean(found, column, weights) for column in columns]
    assert mean_precision(found, given) == pytest.approx(tuple(expected))
    assert 5 < expected[0] < 95


def test_cmc_holds_the_ranks_and_never_falls(found):
    curve = cmc(found[0], 50)
    assert len(curve) == 50 and [curve[k - 1] for k in (1, 7, 50)] == [accuracy(found[0], k) for k in (1, 7, 50)]
    assert curve == sorted(curve) and curve[0] < curve[-1] <= 100


def test_weights_of_one_are_no_weights(found):
    found, scene, _ = found
    ones = np.ones(len(scene.labels))
    assert accuracy(found, 1, ones) == accuracy(found, 1) and mean_precision(found, ones) == mean_precision(found)


@pytest.mark.parametrize("seed", range(3))
def test_whole_weights_are_probes_repeated(found, seed):
    """Zero leaves a probe out."""
    found, scene, _ = found
    weights = np.random.default_rng(seed).integers(0, 4, len(scene.labels))
    repeated = Trials(*(np.repeat(column, weights[found.probe]) for column in found))
    assert accuracy(found, 1, weights) == pytest.approx(accuracy(repeated, 1))
    assert mean_precision(found, weights) == pytest.approx(mean_precision(repeated))
    assert abs(accuracy(found, 1, weights) - accuracy(found, 1)) > 1e-6


def test_a_group_that_no_weight_reaches_is_left_out():
    scene = Scene(seed=4)
    found = rank_probes(*scene.of(scene.split(cross_view=True)))
    only = scene.views == "1"
    chosen = Trials(*(column[only[found.probe]] for column in found))
    assert accuracy(found, 1, only) == pytest.approx(accuracy(chosen, 1))
    assert np.isnan(accuracy(found, 1, np.zeros(len(only))))


def test_by_kind_and_by_view_are_the_scores_of_their_probes(found):
    found, scene, _ = found
    kinds = np.random.default_rng(0).integers(0, 3, len(scene.labels)).astype(np.int8)
    for table, column in ((by_kind(found, kinds), kinds), (by_view(found, scene.views), scene.views)):
        assert list(table) == np.unique(column).tolist()
        for name, scores in table.items():
            own = Trials(*(values[(column == name)[found.probe]] for values in found))
            assert scores["rank1"] == pytest.approx(accuracy(own, 1)) and scores["rank20"] == pytest.approx(accuracy(own, 20))
            assert (scores["mAP"], scores["mINP"]) == pytest.approx(mean_precision(own))
            assert scores["trials"] == own.counted.sum()
    assert type(next(iter(by_kind(found, kinds)))) is int and type(next(iter(by_view(found, scene.views)))) is str


def test_view_pairs_average_to_the_accuracy(found):
    found, scene, split = found
    table = view_pairs(found, scene.views)
    assert table["probe_views"] == ["0", "1", "2"]
    if split.cross_view:
        assert table["gallery_views"] == ["0", "1", "2"]
        grid = np.array(table["accuracy"], dtype=float)
        assert np.isnan(grid.diagonal()).all() and [row[i] for i, row in enumerate(table["accuracy"])] == [None] * 3
        if len(split.subsets) == 1:
            assert np.nanmean(grid) == pytest.approx(accuracy(found, 1))
        counts = [np.sum((found.group == 5) & (found.subset == s)) for s in range(len(split.subsets))]  # views 1 -> 2
        right = [np.sum((found.group == 5) & (found.subset == s) & (found.rank == 1)) for s in range(len(split.subsets))]
        assert table["accuracy"][1][2] == pytest.approx(100 * np.mean(np.array(right) / counts))
    else:
        assert table["gallery_views"] == ["all"]
        assert [row[0] for row in table["accuracy"]] == pytest.approx([v["rank1"] for v in by_view(found, scene.views).values()])


def test_summary_of_trials_is_the_score(found):
    found, scene, split = found
    assert summarise_trials(split, found, scene.views) == score(*scene.of(split))


@pytest.mark.parametrize("k", [0, -1, 1.5, True])
def test_k_is_checked(found, k):
    with pytest.raises(ValueError, match="integer >= 1"):
        accuracy(found[0], k)
