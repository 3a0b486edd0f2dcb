"""Post-processing: a toy re-ranker against a slow oracle over its matrix, and plain distances against streaming."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve

from opengait_mimic.evaluation.cells import HOLISTIC, Cell
from opengait_mimic.evaluation.score import Scorer
from opengait_mimic.metrics import POST, accuracy, mean_precision, rank_probes, rank_search, transductive_mark, verify_pairs, verify_split
from opengait_mimic.metrics.distance_source import Streamed
from opengait_mimic.metrics.protocols import split
from tests.metrics.retrieval_scene import Scene, distances
from tests.metrics.test_splits import sequences

KINDS = [{}, {"cross_view": True}, {"mates_only": True}, {"halves": True, "cross_view": True}]


def weighted(probe, gallery, metric):
    """Distances over the mean of each gallery sequence's to the gallery: hubs are pushed away; some below 0. Scipy's, not ours."""
    probe, gallery = probe.cpu().numpy(), gallery.cpu().numpy()
    return distances(probe, gallery, metric) / distances(gallery, gallery, metric).astype(float).mean(0) - 0.7


def plain(probe, gallery, metric):
    """Every distance as the streaming computes them."""
    i, j = torch.meshgrid(torch.arange(len(probe)), torch.arange(len(gallery)), indexing="ij")
    return Streamed(probe, gallery, metric).exact(i.reshape(-1), j.reshape(-1)).reshape(i.shape)


@pytest.fixture(autouse=True)
def entries(monkeypatch):
    for function in (weighted, plain):
        monkeypatch.setitem(POST, function.__name__, function)


def oracle(parts, matrix_of, labels, views):
    """Subset by subset, one probe at a time: [(places of its mates in its gallery, its gallery view or None)], and the pairs compared."""
    found = {}
    for subset, masks in parts.subsets.items():
        probes, galleries = map(np.flatnonzero, masks)
        apart, rows, pairs = np.float32(matrix_of(probes, galleries)), [], []
        for view in np.unique(views[galleries]) if parts.cross_view else [None]:
            for a, i in enumerate(probes):
                if view == views[i]:
                    continue
                shown = [(apart[a, b], labels[i] == labels[j]) for b, j in enumerate(galleries) if view in (None, views[j])]
                rows.append(((views[i], view) if parts.cross_view else 0, [n for n, (_, mate) in enumerate(sorted(shown), 1) if mate]))
                pairs += shown
        found[subset] = rows, pairs
    return found


def mean_of(rows, value, mates_only):
    """In percent, over the rows of each pair of views, then over these."""
    groups = {}
    for group, places in rows:
        if places or not mates_only:
            groups.setdefault(group, []).append(value(places) if places else 0.0)
    return 100 * np.mean([np.mean(values) for values in groups.values()])


@pytest.mark.parametrize("metric", ["euc", "cos"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_re_ranker_is_scored_as_its_matrix_says(monkeypatch, kind, metric):
    monkeypatch.setattr(rank_search, "CELLS", 1)  # several blocks
    scene = Scene(seed=4, n=110, subjects=24)
    parts = scene.split(**kind)
    whole = oracle(
        parts, lambda p, g: weighted(*map(torch.from_numpy, (scene.probe[p], scene.gallery[g])), metric), scene.labels, scene.views
    )
    every, found = [rows for rows, _ in whole.values()], rank_probes(*scene.of(parts), metric, "weighted")
    for k in (1, 5, 10):
        expected = np.mean([mean_of(rows, lambda places, k=k: places[0] <= k, parts.mates_only) for rows in every])
        assert accuracy(found, k) == pytest.approx(expected)
    ap = [mean_of(rows, lambda places: np.mean([n / at for n, at in enumerate(places, 1)]), parts.mates_only) for rows in every]
    inp = [mean_of(rows, lambda places: len(places) / places[-1], parts.mates_only) for rows in every]
    assert mean_precision(found) == pytest.approx((np.mean(ap), np.mean(inp)))
    assert mean_precision(found) != mean_precision(rank_probes(*scene.of(parts), metric))

    verified, tars = verify_split(*scene.of(parts), metric, "weighted"), []
    for _, pairs in whole.values():
        apart, same = map(np.array, zip(*pairs))
        far, tar, _ = roc_curve(same, -apart.astype(float), drop_intermediate=False)
        tars.append([100 * tar[far <= target].max() for target in (0.01, 0.001)])
        assert apart.min() < 0 and 0.5 < roc_auc_score(same, -apart) < 1
    assert list(verified.tar_at_far.values()) == pytest.approx(np.mean(tars, axis=0))


@pytest.mark.parametrize("metric", ["euc", "cos"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tied", [False, True])
def test_plain_distances_are_what_streaming_finds(kind, metric, tied):
    """Every column of the trials, ties too; and verification, where streaming takes an impostor at the lower end of its bound."""
    scene = Scene(seed=5, n=130, subjects=16)
    if tied:
        scene.probe, scene.gallery = np.round(scene.probe), np.round(scene.gallery / 2)
    arguments = scene.of(scene.split(**kind))
    for one, two in zip(rank_probes(*arguments, metric, "plain"), rank_probes(*arguments, metric)):
        assert np.array_equal(one, two, equal_nan=one.dtype.kind == "f")
    one, two = verify_split(*arguments, metric, "plain"), verify_split(*arguments, metric)
    assert one.tar_at_far == two.tar_at_far and one[3:] == two[3:] and 1 < one.tar_at_far[0.01] < 99
    assert one == two if tied or metric == "cos" else two.eer - 0.1 < one.eer <= two.eer
    assert all(least <= tar for (_, tar), (_, least) in zip(one.roc, two.roc))


def test_a_tie_of_the_matrix_stands_against_the_method(monkeypatch):
    scene = Scene()
    monkeypatch.setitem(POST, "flat", lambda probe, gallery, metric: np.full((len(probe), len(gallery)), -2.0))
    found = rank_probes(*scene.of(scene.split()), post="flat")
    assert accuracy(found, 1) == 0 and found.rank.min() > 1
    assert verify_split(*scene.of(scene.split()), post="flat").tar_at_far == {0.01: 0, 0.001: 0}


def test_the_function_gets_what_the_protocol_splits(monkeypatch):
    scene, met = Scene(), []

    def noted(probe, gallery, metric):
        met.append((probe, gallery, metric))
        return plain(probe, gallery, metric)

    monkeypatch.setitem(POST, "noted", noted)
    parts = scene.split(halves=True, cross_view=True)
    rank_probes(*scene.of(parts), "cos", "noted")
    assert len(met) == 2 and transductive_mark("noted") == "noted" and transductive_mark(None) is transductive_mark("none") is False
    for (probe, gallery, metric), (p, g) in zip(met, parts.subsets.values()):
        assert np.array_equal(probe, scene.probe[p]) and np.array_equal(gallery, scene.gallery[g]) and metric == "cos"


def test_pairs_are_taken_from_the_matrix():
    scene = Scene(seed=8, n=160)
    pairs = np.random.default_rng(0).permutation([[i, j] for i in (0, 2, 4, 6) for j in range(1, 60, 2)])
    probes, galleries = (np.unique(side) for side in pairs.T)
    matrix = weighted(*map(torch.from_numpy, (scene.probe[probes], scene.gallery[galleries])), "euc")
    apart = np.array([matrix[list(probes).index(i), list(galleries).index(j)] for i, j in pairs])
    far, tar, _ = roc_curve(scene.labels[pairs[:, 0]] == scene.labels[pairs[:, 1]], -np.float32(apart), drop_intermediate=False)
    found = verify_pairs(scene.probe, scene.gallery, pairs, scene.labels, post="weighted")
    assert found.tar_at_far[0.01] == pytest.approx(100 * tar[far <= 0.01].max())
    plainly = verify_pairs(scene.probe, scene.gallery, pairs, scene.labels)
    assert verify_pairs(scene.probe, scene.gallery, pairs, scene.labels, post="plain") == plainly != found


def test_cells_are_scored_and_marked(monkeypatch):
    """Through the scorer of ``evaluate``: ranks and verification of a cell, each from the re-ranker's distances."""
    from tests.evaluation.test_results import FACTS, fake

    x, labels, types, views = sequences(["01", "02"], ["000", "090"], subjects=12)
    one = fake(1)._replace(embeddings=x, labels=labels, types=types, views=views, kind=np.zeros(len(x), np.int8))
    rows = {}
    for post in ("none", "weighted"):
        scorer = Scorer([Cell(HOLISTIC)], [0], {}, "euc", post, True, "cpu")
        scorer.score_pass(None, one, lambda *names: split("GREW", *names))
        (rows[post],), _, _ = scorer.rows(
            {**FACTS, "post": post, "transductive": transductive_mark(post)}, None, None, "why", lambda _: "x"
        )
    parts = split("GREW", labels, types, views)
    found = rank_probes(parts, x, x, labels, views, post="weighted")
    assert rows["weighted"]["transductive"] == "weighted" and rows["none"]["transductive"] is False
    assert rows["weighted"]["rank1"] == accuracy(found, 1) and rows["weighted"]["mAP"] == mean_precision(found)[0]
    assert rows["weighted"]["verification"]["eer"] == verify_split(parts, x, x, labels, views, post="weighted").eer
    assert rows["weighted"]["mAP"] != rows["none"]["mAP"]
