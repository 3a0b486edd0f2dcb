"""Verification: against scikit-learn's ROC of all distances held at once."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from opengait_mimic.metrics import rank_search, verify_pairs, verify_split
from opengait_mimic.metrics.verification import GRID
from tests.metrics.retrieval_scene import Scene, distances


def pooled(split, probe, gallery, labels, views, metric, subset):
    """Every distance of a subset and whether it is of one person."""
    probes, galleries = (np.flatnonzero(mask) for mask in split.subsets[subset])
    apart = distances(probe[probes], gallery[galleries], metric)
    used = views[probes][:, None] != views[galleries] if split.cross_view else np.ones(apart.shape, dtype=bool)
    return apart[used], (labels[probes][:, None] == labels[galleries])[used]


def expected(apart, same):
    """TAR at the two FAR, EER and the TAR of the reported ROC from scikit-learn's curve, percent."""
    far, tar, _ = roc_curve(same, -apart.astype(float), drop_intermediate=False)
    at = [100 * tar[far <= target].max() for target in (0.01, 0.001)]
    fine = np.linspace(0, 1, 200001)  # along the curve's polygon
    steps = np.linspace(0, 1, len(far))
    x, y = np.interp(fine, steps, far), np.interp(fine, steps, tar)
    eer = 100 * x[np.argmin(np.abs(x - (1 - y)))]
    return at, eer, [100 * tar[far <= target].max() for target in GRID]


def within(found, tables, width):
    """Whether it lies between the curves of all exact distances and of impostors that much (a share) nearer; the former."""
    exact, worst = ([expected(np.where(same, d, d * (1 - by)), same) for d, same in tables] for by in (0, width))
    (at, eer, roc), low = ([np.mean(column, axis=0) for column in zip(*side)] for side in (exact, worst))
    mine = np.array(list(found.tar_at_far.values())), np.array([tar for _, tar in found.roc])
    for tar, most, least in zip(mine, (at, roc), (low[0], low[2])):
        assert (least - 1e-9 <= tar).all() and (tar <= most + 1e-9).all()
    assert eer - 0.02 <= found.eer <= low[1] + 0.02
    return at, eer, roc


@pytest.mark.parametrize("metric", ["euc", "cos"])
@pytest.mark.parametrize("kind", [{}, {"cross_view": True}, {"halves": True}, {"halves": True, "cross_view": True}])
def test_verification_equals_scikit_learn(monkeypatch, kind, metric):
    scene = Scene(seed=6, n=240, subjects=15, noise=0.7)
    arguments = scene.of(scene.split(**kind))
    found = verify_split(*arguments, metric)
    tables = [pooled(*arguments, metric, subset) for subset in arguments[0].subsets]
    at, eer, roc = within(found, tables, 1e-5)
    assert list(found.tar_at_far.values()) == pytest.approx(at) and list(found.tar_at_far) == [0.01, 0.001]
    assert np.mean([tar == pytest.approx(true) for (_, tar), true in zip(found.roc, roc)]) > 0.9
    assert (found.genuine, found.impostor) == (sum(s.sum() for _, s in tables), sum((~s).sum() for _, s in tables))
    assert 1 < at[1] < at[0] < 99 and 2 < eer < 40 and found.roc[-1] == (1.0, 100.0)
    monkeypatch.setattr(rank_search, "CELLS", 1)  # the smallest blocks
    small = verify_split(*arguments, metric)
    within(small, tables, 1e-5)
    assert small.tar_at_far == found.tar_at_far and small[3:] == found[3:]


def test_ties_are_accepted_together():
    """Whole numbers: many impostors as far away as genuine pairs."""
    rng = np.random.default_rng(0)
    scene = Scene(n=200, subjects=6)
    x, y = rng.integers(0, 3, (2, 200, 3, 1)).astype(np.float32)
    x[:, 0, 0] = y[:, 0, 0] = scene.codes // 2
    split = scene.split()
    found = verify_split(split, x, y, scene.labels, scene.views)
    at, eer, roc = expected(*pooled(split, x, y, scene.labels, scene.views, "euc", "all"))
    assert list(found.tar_at_far.values()) == pytest.approx(at) and found.eer == pytest.approx(eer, abs=0.02)
    assert [tar for _, tar in found.roc] == pytest.approx(roc)


def test_collapsed_embeddings_verify_nobody():
    scene = Scene()
    x = np.tile(scene.probe[:1] + np.float32(3), (len(scene.labels), 1, 1))
    found = verify_split(scene.split(), x, x, scene.labels, scene.views)
    assert found.tar_at_far == {0.01: 0, 0.001: 0} and found.eer == 50


def test_wide_embeddings_never_look_better_than_they_are():
    """There the bound of the fast distances has some width: an impostor is taken at its lower end."""
    scene = Scene(seed=7, n=300, subjects=30, shape=(256, 4), noise=2.2)
    arguments = scene.of(scene.split())
    within(verify_split(*arguments), [pooled(*arguments, "euc", "all")], 1e-4)


@pytest.mark.parametrize("metric", ["euc", "cos"])
def test_a_list_of_all_pairs_is_the_split(metric):
    scene = Scene(seed=8, n=160)
    split = scene.split()
    pairs = np.stack(np.meshgrid(np.flatnonzero(scene.probes), np.flatnonzero(~scene.probes)), -1).reshape(-1, 2)
    order = np.random.default_rng(0).permutation(len(pairs))
    found, whole = verify_pairs(scene.probe, scene.gallery, pairs[order], scene.labels, metric), verify_split(*scene.of(split), metric)
    assert found.tar_at_far == whole.tar_at_far and found[3:] == whole[3:] and found.eer == pytest.approx(whole.eer, abs=0.02)
    few = pairs[order[:500]]
    apart = distances(scene.probe, scene.gallery, metric)[few[:, 0], few[:, 1]]
    at, eer, _ = expected(apart, scene.labels[few[:, 0]] == scene.labels[few[:, 1]])
    found = verify_pairs(scene.probe, scene.gallery, few, scene.labels, metric)
    assert list(found.tar_at_far.values()) == pytest.approx(at) and found.eer == pytest.approx(eer, abs=0.02)


def test_a_rate_below_one_impostor_pair_is_none():
    """It would be the TAR at no false accept, whatever rate it is named after."""
    scene = Scene(seed=8, n=160)
    pairs = np.stack(np.meshgrid(np.flatnonzero(scene.probes), np.flatnonzero(~scene.probes)), -1).reshape(-1, 2)
    same = scene.labels[pairs[:, 0]] == scene.labels[pairs[:, 1]]
    pairs = np.concatenate([pairs[same][:50], pairs[~same][:500]])
    found = verify_pairs(scene.probe, scene.gallery, pairs, scene.labels)
    assert found.as_json()["tar"] == {"0.01": found.tar_at_far[0.01], "0.001": None}
    assert found.as_json()["tar_reason"] == {"0.001": "500 impostor pairs are too few for a FAR of 0.001"}
    halves = verify_split(*scene.of(scene.split(halves=True)))
    least = min(int((scene.labels[p][:, None] != scene.labels[g]).sum()) for p, g in scene.split(halves=True).subsets.values())
    assert halves.fewest == least < halves.impostor and "tar_reason" not in halves.as_json()


def test_verification_refuses():
    scene = Scene()
    with pytest.raises(ValueError, match="subset 'all': 0 genuine and 3600 impostor pairs"):
        verify_split(scene.split(), scene.probe, scene.gallery, np.arange(120), scene.views)
    with pytest.raises(ValueError, match="the list: 1 genuine and 0 impostor"):
        verify_pairs(scene.probe, scene.gallery, [[0, 0]], scene.labels)
    for pairs in ([[0, 120]], [[-1, 0]], [0, 1], [[0, 1, 2]]):
        with pytest.raises(ValueError, match=r"pairs are .*\[M, 2\] of indices of the 120"):
            verify_pairs(scene.probe, scene.gallery, pairs, scene.labels)
