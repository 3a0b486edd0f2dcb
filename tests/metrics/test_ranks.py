"""trials: against sorting one probe at a time, float64, scikit-learn, and what must not change a rank."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from opengait_mimic.metrics import Trials, rank_probes
from opengait_mimic.metrics import distance_source as exact
from opengait_mimic.metrics import rank_search as search
from opengait_mimic.metrics.bounded_distances import Screen
from opengait_mimic.metrics.protocols import Split, score
from tests.metrics.retrieval_scene import Scene, distances, slow_trials


def same(a, b):
    return all(np.array_equal(x, y, equal_nan=x.dtype.kind == "f") for x, y in zip(a, b))


def agrees(found, split, probe, gallery, labels, views, metric="euc"):
    """Compare with the slow ranking; how many trials there were."""
    expected = slow_trials(split, probe, gallery, labels, views, metric)
    names = np.unique(views)
    assert len(found.probe) == len(expected)
    for row in zip(*found):
        row = Trials(*row)
        view = names[row.group % len(names)] if split.cross_view else None
        if split.cross_view:
            assert names[row.group // len(names)] == views[row.probe] != view
        rank, ap, inp, nearest = expected[row.subset, row.probe, view]
        assert (row.rank, row.nearest) == (rank, nearest)
        np.testing.assert_allclose([row.ap, row.inp], [ap, inp], rtol=1e-12)
        assert row.counted == (rank > 0 or not split.mates_only)
        assert (row.mate == -1) == (rank == 0) and (rank == 0 or labels[row.mate] == labels[row.probe])
        if rank == 1:
            assert row.mate == row.nearest
    return len(expected)


@pytest.mark.parametrize("metric", ["euc", "cos"])
@pytest.mark.parametrize("kind", [{}, {"cross_view": True}, {"mates_only": True}, {"halves": True}, {"halves": True, "cross_view": True}])
def test_trials_equal_sorting_one_probe_at_a_time(metric, kind):
    scene = Scene(seed=1, n=100, subjects=24)
    arguments = scene.of(scene.split(**kind))
    found = rank_probes(*arguments, metric)
    agrees(found, *arguments, metric)
    assert (found.rank == 0).any() and (found.rank == 1).any() and (found.rank > 5).any()


@settings(max_examples=60)
@given(st.data())
def test_ranks_of_embeddings_full_of_ties(data):
    """Whole numbers: hardly a distance is there once, and every distance is exact in float64."""
    n, c, p = data.draw(st.integers(2, 14)), data.draw(st.integers(1, 3)), data.draw(st.integers(1, 2))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    most = data.draw(st.integers(0, 3))
    probe, gallery = rng.integers(0, most + 1, (2, n, c, p)).astype(np.float32)
    labels, views = rng.integers(0, data.draw(st.integers(1, 4)), n).astype(str), rng.integers(0, 2, n).astype(str)
    first = np.arange(n) < data.draw(st.integers(1, n - 1))
    split = Split("ties", {"all": (first, ~first)}, False)
    agrees(rank_probes(split, probe, gallery, labels, views), split, probe, gallery, labels, views)


def test_average_precision_equals_scikit_learn():
    scene = Scene(seed=2)
    found = rank_probes(*scene.of(scene.split()))
    gallery = np.flatnonzero(~scene.probes)
    apart = distances(scene.probe, scene.gallery[gallery])
    for i, ap in zip(found.probe, found.ap):
        assert ap == pytest.approx(average_precision_score(scene.labels[gallery] == scene.labels[i], -apart[i]))


@pytest.mark.parametrize("cross_view", [False, True])
@pytest.mark.parametrize("metric", ["euc", "cos"])
def test_blocks_of_any_size_give_identical_trials(monkeypatch, cross_view, metric):
    scene = Scene(seed=3, shape=(40, 2), n=90)
    arguments = scene.of(scene.split(cross_view=cross_view))
    expected = rank_probes(*arguments, metric)
    for cells in (1, 45 * 20):  # 16 and 20 probes
        monkeypatch.setattr(search, "CELLS", cells)
        assert same(rank_probes(*arguments, metric), expected)
    assert same(rank_probes(arguments[0], torch.from_numpy(scene.probe).double(), *arguments[2:], metric), expected)


def twins(seed=0, c=256):
    """A gallery far from the origin in which every mate has a stranger with the same embedding, or one a last digit away."""
    scene = Scene(seed, n=400, subjects=100, shape=(c, 2), noise=0.3)
    probe, gallery = scene.probe + np.float32(50), scene.gallery + np.float32(50)
    own = np.flatnonzero(~scene.probes)
    half = len(own) // 2
    gallery[own[half:]] = gallery[own[:half]]
    gallery[own[half + 20 :], 0, 0] = np.nextafter(gallery[own[half + 20 :], 0, 0], np.float32(0))
    order = np.random.default_rng(seed).permutation(len(own))
    gallery[own] = gallery[own[order]]
    scene.labels[own] = scene.labels[own[order]]
    return scene.split(), probe, gallery, scene.labels, scene.views


def test_twins_in_the_gallery_are_told_apart_as_exact_distances_do():
    arguments = twins()
    found = rank_probes(*arguments)
    agrees(found, *arguments)
    probes, galleries = (torch.from_numpy(side[mask]) for side, mask in zip(arguments[1:3], arguments[0].subsets["all"]))
    fast = Screen(probes, galleries, "euc")(slice(None))[0].numpy()
    rounded = distances(probes.numpy(), galleries.numpy())
    order = np.argsort(rounded, axis=1, kind="stable")
    near, far = (np.take_along_axis(fast, order[:, at], 1) for at in (slice(-1), slice(1, None)))
    assert (near > far).any()  # products alone would have ranked some otherwise


def test_order_of_the_gallery_changes_nothing():
    split, probe, gallery, labels, views = twins(1)
    expected = rank_probes(split, probe, gallery, labels, views)
    order, own = np.arange(len(labels)), np.flatnonzero(split.subsets["all"][1])
    order[own] = np.random.default_rng(0).permutation(own)
    found = rank_probes(split, probe, gallery[order], labels[order], views[order])
    for field in ("probe", "rank", "ap", "inp"):
        assert np.array_equal(getattr(found, field), getattr(expected, field), equal_nan=True)
    assert (expected.rank > 0).any()


@pytest.mark.parametrize("many", [1, 10**9])
@pytest.mark.parametrize("metric", ["euc", "cos"])
def test_collapsed_embeddings_score_zero(monkeypatch, many, metric):
    """With and without the look for equal embeddings."""
    monkeypatch.setattr(exact, "MANY", many)
    scene = Scene()
    x = np.tile(scene.probe[:1] * np.float32(1.1), (len(scene.labels), 1, 1))
    found = rank_probes(scene.split(), x, x, scene.labels, scene.views, metric)
    gallery = scene.labels[~scene.probes]
    strangers = np.array([np.sum(gallery != scene.labels[i]) for i in found.probe])
    assert np.array_equal(found.rank, strangers + 1) and found.rank.min() > 1
    assert score(scene.split(), x, x, scene.labels, scene.views, ks=(1,), metric=metric)["rank1"] == 0


def test_equal_embeddings_are_found_and_computed_once(monkeypatch):
    monkeypatch.setattr(exact, "MANY", 0)
    rng = np.random.default_rng(0)
    x, y = (torch.from_numpy(rng.normal(size=(5, 4, 2))[rng.integers(0, 5, 30)].astype(np.float32)) for _ in range(2))
    i, j = (torch.from_numpy(rng.integers(0, 30, 200)) for _ in range(2))
    found, computed = exact.Streamed(x, y, "euc"), []
    compute = found._compute
    monkeypatch.setattr(found, "_compute", lambda a, b: computed.append(len(a)) or compute(a, b))
    np.testing.assert_array_equal(found.exact(i, j).numpy(), distances(x.numpy(), y.numpy())[i, j])
    assert computed[0] <= 25


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(-30, 30), st.sampled_from([0, 1, 1000]), st.sampled_from(["euc", "cos"]), st.booleans())
def test_the_bound_of_the_fast_distances_holds(seed, exponent, offset, metric, close):
    """Any scale, far from the origin, and with pairs that are nearly equal."""
    exponent = exponent if metric == "euc" else max(exponent, -10)  # a part shorter than 1e-12 counts as nothing
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 9, 100, 3)) + offset * rng.normal(size=(1, 1, 100, 3))
    if close:
        y[:4] = x[:4] * (1 + 1e-7 * rng.normal(size=x[:4].shape))
    x, y = ((side * 10.0**exponent).astype(np.float32) for side in (x, y))
    fast, bound = Screen(torch.from_numpy(x), torch.from_numpy(y), metric)(slice(None))
    true = distances(x, y, metric)
    assert torch.isfinite(fast).all() and (np.abs(fast.double().numpy() - true) <= bound.numpy()).all()
    if not close and offset == 0:
        assert (bound.numpy() < 1e-4 * np.maximum(true, 1e-30)).all()


@pytest.mark.parametrize("value", [0.0, 1e-42, 3e38])
def test_the_bound_holds_at_the_ends_of_float32(value):
    x = np.full((3, 5, 2), value, dtype=np.float32)
    x[1], x[2, 0] = -x[1], 0
    fast, bound = Screen(torch.from_numpy(x), torch.from_numpy(x), "euc")(slice(None))
    true = distances(x, x)
    inside = true < np.inf  # 3e38 - -3e38 has no float32
    fast, bound = fast.double().numpy()[inside], bound.numpy()[inside]
    assert np.isfinite(fast).all() and (np.abs(fast - true[inside]) <= bound).all()


def test_a_host_that_allows_itself_coarse_products_changes_nothing():
    arguments = twins(2)
    expected, allowed = rank_probes(*arguments), torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cpu", torch.bfloat16):
            assert same(rank_probes(*arguments), expected)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(allowed)


def test_views_of_the_split_decide_where_it_has_some():
    scene = Scene(n=60)
    coarse = np.where(scene.views == "2", "1", scene.views)
    split = scene.split(cross_view=True)
    own = Split(split.name, split.subsets, True, views=coarse)
    assert same(rank_probes(own, *scene.of(split)[1:]), rank_probes(split, *scene.of(split)[1:4], coarse))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"metric": "l2"}, r"metric = 'l2'.*euc.*cos"),
        ({"post": "re-ranking"}, r"post = 're-ranking'; expected one of \['none'\]"),
        ({"labels": ["a"]}, "the split has 120 sequences.*'labels': 1"),
        ({"gallery_embeddings": np.zeros((120, 5, 3))}, "same model"),
        ({"probe_embeddings": np.full((120, 6, 3), np.nan)}, "probe embeddings: 120 of 120 rows"),
    ],
)
def test_trials_refuse(change, message):
    scene = Scene()
    arguments = dict(zip(("split", "probe_embeddings", "gallery_embeddings", "labels", "views"), scene.of(scene.split())))
    with pytest.raises(ValueError, match=message):
        rank_probes(**{**arguments, **change})


def test_search_keeps_to_its_block(monkeypatch):
    """No more probes at once than the memory is meant for."""
    scene, seen = Scene(n=4000, shape=(2, 1)), []
    monkeypatch.setattr(search, "CELLS", 2000 * 40)
    call = Screen.__call__
    monkeypatch.setattr(Screen, "__call__", lambda self, rows: seen.append(call(self, rows)) or seen[-1])
    rank_probes(*scene.of(scene.split()))
    assert max(fast.numel() for fast, _ in seen) <= 2000 * 40 and sum(len(fast) for fast, _ in seen) == 2000
