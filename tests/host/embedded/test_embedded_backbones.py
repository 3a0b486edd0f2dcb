"""GaitGL and DeepGaitV2: weights against the record, and every number against a real OpenGait checkout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import opengait_mimic
from tests.host_runs import worker

WORKER = Path(__file__).with_name("backbones_worker.py")

EMBEDDED = Path(opengait_mimic.__file__).resolve().parent / "host" / "embedded"
RECORD = json.loads((Path(__file__).parents[2] / "data" / "backbone_states.json").read_text())
NORM = {"weight": 1, "bias": 1, "running_mean": 1, "running_var": 1, "num_batches_tracked": 0}

NECKS = {"SeparateBNNecks": {"class_num": 5, "in_channels": 8, "parts_num": 64}}
CASES = {
    "GaitGL": ("CASIA-B", {"model": "GaitGL", "channels": [4, 4, 8], "class_num": 5}),
    "GaitGL with necks": ("Gait3D", {"model": "GaitGL", "channels": [4, 4, 8], "class_num": 5, **NECKS}),
    "GaitGL deep": ("GREW", {"model": "GaitGL", "channels": [4, 4, 8, 8], "class_num": 5}),
    "GaitGL deep with necks": ("OUMVLP", {"model": "GaitGL", "channels": [4, 4, 8, 8], "class_num": 5, **NECKS}),
}
for mode in ("2d", "p3d", "3d"):
    blocks = {"in_channels": 1, "mode": mode, "layers": [1, 2, 1, 1], "channels": [4, 8, 8, 16]}
    same = {"in_channels": 1, "mode": mode, "layers": [0, 1, 1, 2], "channels": [8, 8, 8, 8]}
    classes = {"class_num": 5}
    CASES[f"DeepGaitV2 {mode}"] = ("Gait3D", {"model": "DeepGaitV2", "Backbone": blocks, "SeparateBNNecks": classes})
    CASES[f"DeepGaitV2 {mode} of one width, emb2"] = (
        "Gait3D",
        {"model": "DeepGaitV2", "Backbone": same, "SeparateBNNecks": classes, "use_emb2": True},
    )


def bare(dataset, model_cfg):
    """A model of the bound host, without loaders."""
    from modeling import models

    model = getattr(models, model_cfg["model"])
    net = model.__new__(model)
    torch.nn.Module.__init__(net)
    net.cfgs = {"data_cfg": {"dataset_name": dataset}}
    net.build_network(model_cfg)
    return net


# ---------------------------------------------------------------- names and shapes, at published widths


def recorded(lines):
    """``name c_1 c_2 ...`` is a tensor, ``name norm c`` the five of a BatchNorm."""
    found = {}
    for line in lines:
        name, *shape = line.split()
        if shape[0] == "norm":
            found.update({f"{name}.{part}": [int(shape[1])] * size for part, size in NORM.items()})
        else:
            found[name] = [int(size) for size in shape]
    return found


@pytest.mark.parametrize("which", RECORD)
def test_weights_are_named_shaped_and_ordered_as_recorded(host, which):
    """The order too: an optimiser's state is by position."""
    entry = RECORD[which]
    with torch.device("meta"):
        state = bare(entry["dataset_name"], entry["model_cfg"]).state_dict()
    expected = recorded(entry["state"])
    assert {name: list(value.shape) for name, value in state.items()} == expected
    assert list(state) == list(expected)


# ---------------------------------------------------------------- blocks against loops


@pytest.mark.parametrize("slices", [2, 8])
def test_global_local_convolution_equals_a_loop_over_slices(embedded, slices):
    from modeling.models.gaitgl import GLConv

    x = torch.randn(2, 3, 4, 16, 5)
    for stacked in (False, True):
        conv = GLConv(3, 6, slices, stacked)
        whole = F.leaky_relu(conv.global_conv3d(x))
        local = torch.cat([F.leaky_relu(conv.local_conv3d(part)) for part in x.chunk(slices, 3)], 3)
        expected = torch.cat([whole, local], 3) if stacked else whole + local
        torch.testing.assert_close(conv(x), expected, rtol=1e-5, atol=1e-6)


def test_generalised_mean_pooling_equals_a_loop(embedded):
    from modeling.models.gaitgl import GeMHPP

    x, pool = torch.randn(2, 3, 64, 5), GeMHPP()
    found = pool(x)
    assert found.shape == (2, 3, 64)
    for row in (0, 31, 63):
        values = x[:, :, row].double().clamp(min=1e-6)
        torch.testing.assert_close(found[:, :, row].double(), ((values**6.5).sum(-1) / 5) ** (1 / 6.5), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("volume", [False, True])
def test_the_shortcut_is_the_strided_convolution(embedded, volume):
    from modeling.blocks import Shortcut

    cut = Shortcut(3, 6, 2, volume).eval()
    x = torch.randn(2, 3, *[4] * volume, 7, 6)
    if volume:
        expected = F.conv3d(x, cut[0].weight, stride=(1, 2, 2))
    else:
        expected = F.conv2d(x, cut[0].weight, stride=2)
    torch.testing.assert_close(cut(x), cut[1](expected), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("dataset", "change", "message"),
    [
        ("CASIA-B", {"channels": [4, 4, 8, 8]}, "takes 3 for data_cfg.dataset_name 'CASIA-B'"),
        ("GREW", {"channels": [4, 4, 8]}, "takes 4 for data_cfg.dataset_name 'GREW'"),
        ("CASIA-B", {"model": "DeepGaitV2", "Backbone": {"mode": "4d", "channels": [4] * 4}, **NECKS}, "mode = '4d'; allowed: 2d, p3d, 3d"),
    ],
)
def test_what_cannot_be_built_is_refused(embedded, dataset, change, message):
    with pytest.raises(ValueError, match=message):
        bare(dataset, {**CASES["GaitGL"][1], **change})


def test_what_cannot_be_embedded_is_refused(host):
    net = bare(*CASES["GaitGL"]).eval()
    with pytest.raises(ValueError, match="2|one sequence at a time"):
        net(([torch.rand(2, 6, 64, 44)], torch.arange(2), ["-"] * 2, ["-"] * 2, None))
    with pytest.raises((ValueError, RuntimeError)):
        net.train()(([torch.rand(1, 12, 64, 44)], torch.arange(2), ["-"] * 2, ["-"] * 2, torch.tensor([[6, 6]])))
    with pytest.raises((ValueError, AssertionError)):
        bare(*CASES["DeepGaitV2 p3d"])(([torch.rand(2, 3, 64, 64)], torch.arange(2), ["-"] * 2, ["-"] * 2, None))


# ---------------------------------------------------------------- against the real host


@pytest.fixture(scope="module")
def both(checkout, tmp_path_factory):
    """What both hosts compute: (embedded, real), each a dict of arrays, and the weights each ends with."""
    folder = tmp_path_factory.mktemp("backbones")
    torch.manual_seed(0)
    given = {
        "cases": CASES,
        "clips": torch.rand(4, 7, 64, 44),
        "packed": torch.rand(1, 11, 64, 44),
        "seqL": torch.tensor([[3, 5, 1, 2]]).int(),
        "short": {f"{s} frames": torch.rand(1, s, 64, 44) for s in (1, 2, 3)},
        "big": torch.rand(1, 3, 128, 88),
    }
    torch.save(given, folder / "inputs.pt")
    weights = worker(WORKER, EMBEDDED, folder / "inputs.pt", folder / "first.npz")[1]
    torch.save({**given, "weights": weights}, folder / "inputs.pt")  # BatchNorm statistics included
    ours, left = worker(WORKER, EMBEDDED, folder / "inputs.pt", folder / "embedded.npz")
    theirs, right = worker(WORKER, checkout / "opengait", folder / "inputs.pt", folder / "real.npz")
    return ours, theirs, left, right


@pytest.mark.parametrize("case", CASES)
def test_numbers_are_equal(both, case):
    """Embeddings, logits, images, a loss and its gradients, in training and in eval mode."""
    ours, theirs = both[:2]
    keys = [key for key in ours if key.startswith(f"{case},")]
    assert len([key for key in keys if "gradient" in key]) > 10 and sorted(ours) == sorted(theirs)
    for key in keys:
        assert ours[key].shape == theirs[key].shape, key
        assert np.allclose(ours[key], theirs[key], rtol=0, atol=1e-5), (key, np.abs(ours[key] - theirs[key]).max())
        if "gradient" in key:
            scale = max(np.abs(theirs[key]).max(), 1e-8)  # gradients can be far below 1
            assert np.abs(ours[key] - theirs[key]).max() < 1e-5 * scale, key


@pytest.mark.parametrize("case", CASES)
def test_weights_move_both_ways(both, case):
    """Same names, shapes and order; and the batch statistics of the training passes end equal."""
    left, right = both[2][case], both[3][case]
    assert list(left) == list(right)
    for name in left:
        assert torch.allclose(left[name].float(), right[name].float(), rtol=0, atol=1e-5), name
