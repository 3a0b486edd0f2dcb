"""Distances and Rank-k against loops and numbers worked out by hand."""

from __future__ import annotations

import json

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


@pytest.mark.parametrize("dropped", [("nm-01", "090"), ("nm-05", "180")])
def test_pairs_of_views_that_are_there_count_alike(dropped):
    """Where one view has no gallery, or no probes of a condition: as the protocol's own mean; to OpenGait's rounding of each pair."""
    from evaluation.evaluator import evaluate_indoor_dataset

    from opengait_mimic.metrics.protocols import score, split

    rng = np.random.default_rng(0)
    clips = [(f"{i:03d}", t, v) for i in range(12) for t in ("nm-01", "nm-05", "bg-01", "cl-01") for v in ("000", "090", "180")]
    labels, types, views = map(list, zip(*(clip for clip in clips if clip[1:] != dropped)))
    centres = {f"{i:03d}": rng.normal(size=(4, 2)) for i in range(12)}
    x = np.stack([centres[label] + rng.normal(size=(4, 2)) * (1 + (v == "090")) for label, v in zip(labels, views)]).astype(np.float32)
    theirs = evaluate_indoor_dataset({"embeddings": x, "labels": labels, "types": types, "views": views}, "CASIA-B")
    mine = score(split("CASIA-B", labels, types, views), x, x, labels, views)["subsets"]
    for name, found in mine.items():
        assert theirs[f"scalar/test_accuracy/{name}@R1"] == pytest.approx(found["rank1"], abs=0.005)


def test_unknown_data_sets_and_empty_sides_are_named():
    from evaluation.evaluator import evaluate_indoor_dataset, evaluate_real_scene

    data = {"embeddings": one_hot([0]), "labels": ["a"], "types": ["01"], "views": ["000"]}
    with pytest.raises(KeyError, match="'Gait3D'.*CASIA-B"):
        evaluate_indoor_dataset(data, "Gait3D")
    with pytest.raises(KeyError, match="'CASIA-B'.*GREW"):
        evaluate_real_scene(data, "CASIA-B")
    with pytest.raises(ValueError, match="1 gallery clips.*0 probes"):
        evaluate_real_scene(data, "GREW")
    with pytest.raises(KeyError, match="'GREW'.*CASIA-B, OUMVLP"):
        evaluate_indoor_dataset(data, "GREW", cross_view_gallery=True)


# ---------------------------------------------------------------- Gait3D

LISTED = ["a-camid0_videoid1-seq0", "b-camid0_videoid1-seq0", "c-camid0_videoid1-seq0", "9-camid0_videoid1-seq0"]


def gait3d(tmp_path, rows, listed=LISTED):
    """Clips of (label, camera, position) on a line, and a partition."""
    labels, cameras, points = zip(*rows)
    (tmp_path / "p.json").write_text(json.dumps({"PROBE_SET": listed} if listed is not None else {"TEST_SET": []}))
    data = {"embeddings": one_hot(points), "labels": list(labels), "types": list(cameras), "views": ["seq0"] * len(rows)}
    return data, str(tmp_path / "p.json")


ROWS = [
    ("a", "camid0_videoid1", 0.0),  # its mate is nearest
    ("b", "camid0_videoid1", 5.0),  # its mates are second and third
    ("c", "camid0_videoid1", 9.0),  # no mate
    ("a", "camid1_videoid2", 1.0),
    ("b", "camid1_videoid2", 5.3),
    ("b", "camid2_videoid2", 5.4),
    ("d", "camid1_videoid2", 5.2),
]


def test_gait3d_by_hand(tmp_path, messages):
    from evaluation.evaluator import evaluate_Gait3D

    data, partition = gait3d(tmp_path, ROWS)
    found = evaluate_Gait3D(data, "Gait3D", dataset_partition=partition)
    assert found == {
        "scalar/test_accuracy/Rank-1": 50.0,
        "scalar/test_accuracy/Rank-5": 100.0,  # the gallery has four clips
        "scalar/test_accuracy/Rank-10": 100.0,
        "scalar/test_accuracy/mAP": pytest.approx(100 * (1 + (1 / 2 + 2 / 3) / 2) / 2),
        "scalar/test_accuracy/mINP": pytest.approx(100 * (1 + 2 / 3) / 2),
    }
    assert [text for level, text in messages if level == "warning"] == ["1 of 3 probes have no mate in the gallery and are left out"]


@pytest.mark.parametrize(
    ("rows", "listed", "message"),
    [
        (ROWS, None, "data_cfg.dataset_partition = .*p.json: no PROBE_SET"),
        (ROWS, ["x-camid0_videoid1-seq0"], "0 probes and 7 gallery.*such as x-camid0_videoid1-seq0.*such as a-camid0_videoid1-seq0"),
        (ROWS[:3], LISTED, "3 probes and 0 gallery"),
        (ROWS[2:4], LISTED, "none of the 1 probes has a clip"),
    ],
)
def test_gait3d_refuses(tmp_path, rows, listed, message):
    from evaluation.evaluator import evaluate_Gait3D

    data, partition = gait3d(tmp_path, rows, listed)
    with pytest.raises(ValueError, match=message):
        evaluate_Gait3D(data, "Gait3D", dataset_partition=partition)
    with pytest.raises(ValueError, match="needs dataset_partition"):
        evaluate_Gait3D(data, "Gait3D")
