"""Scores of trials: against loops over the trials."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from opengait_mimic.metrics import Trials, accuracy, by_kind, cmc, mean_precision, rank_probes, view_pairs
from tests.metrics.retrieval_scene import Scene

KINDS = [{}, {"cross_view": True}, {"mates_only": True}, {"halves": True, "cross_view": True}]


@pytest.fixture(scope="module", params=KINDS, ids=["plain", "cross-view", "mates only", "two subsets"])
def found(request):
    """Trials of which some have no mate, the scene, and its split."""
    scene = Scene(seed=1, n=160, subjects=40, noise=0.8)
    split = scene.split(**request.param)
    return rank_probes(*scene.of(split)), scene, split


def slow_mean(found, value):
    """Percent: by hand over trials, groups, subsets."""
    cells = defaultdict(list)
    for i in range(len(found.probe)):
        if found.counted[i]:
            cells[found.subset[i], found.group[i]].append(value[i])
    subsets = defaultdict(list)
    for (subset, _), values in sorted(cells.items()):
        subsets[subset].append(np.mean(values))
    return 100 * np.mean([np.mean(cell) for cell in subsets.values()])


def test_scores_equal_a_loop(found):
    found, _, _ = found
    for k in (1, 5, 10, 20):
        assert accuracy(found, k) == pytest.approx(slow_mean(found, [0 < rank <= k for rank in found.rank]))
    columns = ([value if rank else 0 for rank, value in zip(found.rank, column)] for column in (found.ap, found.inp))
    expected = [slow_mean(found, column) for column in columns]
    assert mean_precision(found) == pytest.approx(tuple(expected))
    assert 5 < expected[0] < 95


def test_cmc_holds_the_ranks_and_never_falls(found):
    curve = cmc(found[0], 50)
    assert len(curve) == 50 and [curve[k - 1] for k in (1, 7, 50)] == [accuracy(found[0], k) for k in (1, 7, 50)]
    assert curve == sorted(curve) and curve[0] < curve[-1] <= 100


def test_by_kind_and_by_view_are_the_scores_of_their_probes(found):
    found, scene, _ = found
    kinds = np.random.default_rng(0).integers(0, 3, len(scene.labels)).astype(np.int8)
    for table, column in ((by_kind(found, kinds), kinds), (by_kind(found, scene.views), scene.views)):
        assert list(table) == np.unique(column).tolist()
        for name, scores in table.items():
            own = Trials(*(values[(column == name)[found.probe]] for values in found))
            assert scores["rank1"] == pytest.approx(accuracy(own, 1)) and scores["rank20"] == pytest.approx(accuracy(own, 20))
            assert (scores["mAP"], scores["mINP"]) == pytest.approx(mean_precision(own))
            assert scores["trials"] == own.counted.sum()
    assert type(next(iter(by_kind(found, kinds)))) is int and type(next(iter(by_kind(found, scene.views)))) is str


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
        assert [row[0] for row in table["accuracy"]] == pytest.approx([v["rank1"] for v in by_kind(found, scene.views).values()])
