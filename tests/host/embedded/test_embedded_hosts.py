"""The embedded host against a real OpenGait checkout (``--host PATH``): same weights, same inputs, same numbers."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import opengait_mimic
from tests.host_runs import worker

WORKER = Path(__file__).with_name("hosts_worker.py")
EMBEDDED = Path(opengait_mimic.__file__).resolve().parent / "host" / "embedded"


@pytest.fixture(scope="module")
def both(checkout, tmp_path_factory):
    """What both hosts compute: (embedded, real), each a dict of arrays, and the weights of both."""
    folder = tmp_path_factory.mktemp("hosts")
    numbers = np.random.default_rng(0)
    torch.manual_seed(0)
    views = ["000", "054", "090"]
    kinds = ["nm-01", "nm-02", "nm-05", "bg-01", "cl-01", "cl-02"]
    rows = [(str(i), typ, view) for i in range(5) for typ in kinds for view in views]
    centres = numbers.normal(size=(30, 4, 3))
    wild = [(str(i), typ) for i in range(30) for typ in ("01", "02")]
    given = {
        "model_cfg": {
            "backbone_cfg": {
                "type": "ResNet9",
                "block": "BasicBlock",
                "channels": [4, 8, 8, 16],
                "layers": [1, 2, 0, 1],
                "strides": [1, 2, 2, 1],
                "maxpool": False,
            },
            "SeparateFCs": {"parts_num": 16, "in_channels": 16, "out_channels": 8},
            "SeparateBNNecks": {"parts_num": 16, "in_channels": 8, "class_num": 5},
            "bin_num": [16],
        },
        "clips": torch.rand(6, 3, 64, 44),
        "packed": torch.rand(1, 20, 64, 44),
        "seqL": torch.tensor([[3, 5, 1, 4, 2, 5]]).int(),
        "labels": torch.tensor([0, 0, 3, 3, 1, 1]),
        "embeddings": torch.randn(6, 8, 16),
        "logits": torch.rand(6, 5, 16),
        "frames": [numbers.integers(0, 2, (length, 64, 64)).astype(np.uint8) * 255 for length in (17, 5, 29, 60)],
        "gallery": {
            "embeddings": np.stack([centres[int(lab)] + numbers.normal(size=(4, 3)) for lab, _, _ in rows]).astype(np.float32),
            "labels": [row[0] for row in rows],
            "types": [row[1] for row in rows],
            "views": [row[2] for row in rows],
        },
        "wild": {
            "embeddings": np.stack([centres[int(lab)] + numbers.normal(size=(4, 3)) for lab, _ in wild]).astype(np.float32),
            "labels": [row[0] for row in wild],
            "types": [row[1] for row in wild],
            "views": ["x"] * len(wild),
        },
    }
    for label in ("x", "y", "z"):
        for typ, view in (("nm-01", "000"), ("nm-01", "090"), ("bg-01", "000")):
            place = folder / "data" / label / typ / view
            place.mkdir(parents=True)
            for name in ("a", "b", "c"):
                (place / f"{name}.pkl").write_bytes(pickle.dumps(numbers.integers(0, 9, (4, 2, 2), dtype=np.uint8)))
    (folder / "p.json").write_text(json.dumps({"TRAIN_SET": ["z", "x", "missing"], "TEST_SET": ["y"]}))
    given["data_cfg"] = {"dataset_name": "X", "dataset_root": str(folder / "data"), "dataset_partition": str(folder / "p.json")}
    inputs = folder / "inputs.pt"
    torch.save(given, inputs)
    _, weights = worker(WORKER, EMBEDDED, inputs, folder / "first.npz")
    torch.save({**given, "weights": weights}, inputs)  # an embedded host's weights, BatchNorm statistics included
    ours, left = worker(WORKER, EMBEDDED, inputs, folder / "embedded.npz")
    theirs, right = worker(WORKER, checkout / "opengait", inputs, folder / "real.npz")
    return ours, theirs, left, right


def test_defaults_are_equal(checkout):
    ours, theirs = (EMBEDDED / "configs/default.yaml").read_text(), (checkout / "configs/default.yaml").read_text()
    assert yaml.safe_load(ours) == yaml.safe_load(theirs)


def chosen(both, prefix):
    ours, theirs = both[:2]
    keys = [key for key in ours if key.startswith(prefix)]
    assert keys and sorted(ours) == sorted(theirs)
    return [(key, ours[key], theirs[key]) for key in keys]


@pytest.mark.parametrize("prefix", ["embeddings", "logits", "image", "softmax", "distance"])
def test_numbers_are_equal(both, prefix):
    for key, ours, theirs in chosen(both, prefix):
        assert ours.shape == theirs.shape, key
        assert np.allclose(ours, theirs, atol=1e-5), (key, np.abs(ours - theirs).max())


@pytest.mark.parametrize("prefix", ["triplet narrow", "triplet wide"])
def test_triplet_losses_are_equal(both, prefix):
    """Distance 0 of a clip to itself comes out as up to 1e-3 on either side, so gradients get a wider margin."""
    for key, ours, theirs in chosen(both, prefix):
        assert ours.shape == theirs.shape, key
        atol = 1e-5 if key == prefix or key.endswith((" loss", "hard_loss")) else 1e-3
        assert np.allclose(ours, theirs, atol=atol), (key, np.abs(ours - theirs).max())


@pytest.mark.parametrize("prefix", ["collate", "triplet sampler", "inference sampler", "data set"])
def test_draws_are_equal_under_equal_seeds(both, prefix):
    for key, ours, theirs in chosen(both, prefix):
        assert np.array_equal(ours, theirs), key


@pytest.mark.parametrize("name", ["cut", "plain", "flip"])
def test_exact_transforms_are_equal(both, name):
    for key, ours, theirs in chosen(both, f"transform {name}"):
        assert np.allclose(ours, theirs, atol=1e-5), key


@pytest.mark.parametrize("name", ["rotate", "narrow rotate", "perspective"])
def test_warps_agree_up_to_interpolation(both, name):
    """OpenCV interpolates in steps of 1/32 pixel; on noise of 0 and 255 that is a few grey levels."""
    for key, ours, theirs in chosen(both, f"transform {name}"):
        assert np.abs(ours - theirs).mean() < 2, (key, np.abs(ours - theirs).mean())
        assert np.abs(np.diff(ours, axis=0)).mean() > 20  # the draws differ from call to call


@pytest.mark.parametrize("prefix", ["indoor", "real scene"])
def test_evaluations_are_equal(both, prefix):
    for key, ours, theirs in chosen(both, prefix):
        assert np.allclose(ours, theirs, atol=1e-6), key
        assert 5 < ours.mean() < 95  # or it would say nothing


def test_weights_move_both_ways(both):
    """Same names, shapes and order; and the batch statistics of the training passes end equal."""
    left, right = both[2:]
    assert list(left) == list(right)
    for name in left:
        assert torch.allclose(left[name].float(), right[name].float(), atol=1e-5), name
