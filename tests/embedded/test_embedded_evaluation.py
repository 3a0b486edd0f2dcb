"""Distances and Rank-k against loops and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytestmark = pytest.mark.usefixtures("embedded")


@pytest.mark.parametrize("metric", ["euc", "cos"])
def test_distance_equals_a_loop(metric):
    from evaluation.metric import cuda_dist

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 5, 3)).astype(np.float32), rng.normal(size=(6, 5, 3)).astype(np.float32)
    dist = cuda_dist(x, torch.from_numpy(y), metric)
    for i in range(4):
        for j in range(6):
            a, b = x[i], y[j]
            if metric == "euc":
                expected = np.mean([np.linalg.norm(a[:, p] - b[:, p]) for p in range(3)])
            else:
                norms = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
                expected = 1 - np.mean((a * b).sum(0) / norms)
            assert float(dist[i, j]) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(ValueError, match="metric = 'l1'; allowed: euc, cos"):
        cuda_dist(x, y, "l1")


def one_hot(positions):
    """Points on a line, as embeddings [n, 1, 1]."""
    return np.asarray(positions, np.float32)[:, None, None]


def test_indoor_rank_1_leaves_identical_views_out():
    from evaluation.evaluator import evaluate_indoor_dataset

    rows = [
        ("a", "nm-01", "000", 0.0),
        ("a", "nm-01", "090", 10.0),
        ("b", "nm-01", "000", 5.0),
        ("b", "nm-01", "090", 15.0),
        ("a", "nm-05", "000", 9.0),  # view 090: 10 is nearest, right; in view 000 it would be b, not counted
        ("b", "nm-05", "000", 11.0),  # view 090: 10 is nearest, wrong
        ("a", "nm-05", "090", 1.0),  # view 000: right
        ("b", "nm-05", "090", 6.0),  # view 000: right
        ("a", "cl-01", "000", 16.0),  # wrong
        ("a", "cl-02", "090", 1.0),  # right
    ]
    labels, types, views, points = zip(*rows)
    data = {"embeddings": one_hot(points), "labels": list(labels), "types": list(types), "views": list(views)}
    results = evaluate_indoor_dataset(data, "CASIA-B")
    assert results["scalar/test_accuracy/NM@R1"] == 75.0
    assert results["scalar/test_accuracy/CL@R1"] == 50.0
    assert np.isnan(results["scalar/test_accuracy/BG@R1"])  # no such clip


def test_indoor_warns_about_missing_pairs(messages):
    from evaluation.evaluator import evaluate_indoor_dataset

    data = {"embeddings": one_hot([0, 1]), "labels": ["a", "a"], "types": ["nm-01", "nm-05"], "views": ["000", "000"]}
    results = evaluate_indoor_dataset({**data, "views": ["000", "090"]}, "CASIA-B")
    assert results["scalar/test_accuracy/NM@R1"] == 100.0
    assert [text for level, text in messages if level == "warning"][0].startswith("5 pairs of views")
    assert np.isnan(evaluate_indoor_dataset(data, "CASIA-B")["scalar/test_accuracy/NM@R1"])


@pytest.mark.parametrize("size", [6, 40])
def test_real_scene_ranks_equal_a_loop(size, messages):
    from evaluation.evaluator import evaluate_real_scene

    rng = np.random.default_rng(size)
    labels = [str(i // 2) for i in range(size)] * 2
    data = {
        "embeddings": rng.normal(size=(2 * size, 2, 2)).astype(np.float32),
        "labels": labels,
        "types": ["01"] * size + ["02"] * size,
        "views": ["x"] * 2 * size,
    }
    results = evaluate_real_scene(data, "GREW")
    gallery, probes = data["embeddings"][:size], data["embeddings"][size:]
    ranks = []
    for i, probe in enumerate(probes):
        order = np.argsort([np.linalg.norm(probe - g, axis=0).mean() for g in gallery])
        ranks.append(next(r for r, g in enumerate(order, 1) if labels[g] == labels[size + i]))
    for r in (1, 5, 10, 20):
        assert results[f"scalar/test_accuracy/Rank-{r}"] == pytest.approx(100 * np.mean(np.array(ranks) <= r), abs=0.01)
    assert any("The gallery has 6 clips" in text for _, text in messages) is (size == 6)


def test_unknown_data_sets_and_empty_sides_are_named():
    from evaluation.evaluator import evaluate_indoor_dataset, evaluate_real_scene

    data = {"embeddings": one_hot([0]), "labels": ["a"], "types": ["01"], "views": ["000"]}
    with pytest.raises(KeyError, match="'Gait3D'.*CASIA-B"):
        evaluate_indoor_dataset(data, "Gait3D")
    with pytest.raises(KeyError, match="'CASIA-B'.*GREW"):
        evaluate_real_scene(data, "CASIA-B")
    with pytest.raises(ValueError, match="1 gallery clips.*0 probes"):
        evaluate_real_scene(data, "GREW")
    with pytest.raises(ValueError, match="cross_view_gallery"):
        evaluate_indoor_dataset(data, "CASIA-B", cross_view_gallery=True)
