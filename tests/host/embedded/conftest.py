"""A tiny gait tree, a tiny config, and the embedded host."""

from __future__ import annotations

import copy
import json
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import opengait_mimic

EMBEDDED = Path(opengait_mimic.__file__).resolve().parent / "host" / "embedded"

MODEL_CFG = {
    "model": "Baseline",
    "backbone_cfg": {
        "type": "ResNet9",
        "block": "BasicBlock",
        "channels": [4, 4, 8, 8],
        "layers": [1, 1, 1, 0],
        "strides": [1, 2, 2, 1],
        "maxpool": False,
    },
    "SeparateFCs": {"parts_num": 16, "in_channels": 8, "out_channels": 8},
    "SeparateBNNecks": {"parts_num": 16, "in_channels": 8, "class_num": 3},
    "bin_num": [16],
}


@pytest.fixture
def model_cfg():
    """A GaitBase of 8 channels."""
    return copy.deepcopy(MODEL_CFG)


@pytest.fixture
def embedded(host):
    """Skip unless the embedded tree is the bound host; put its output folder and the generators back afterwards."""
    import modeling.modules

    if EMBEDDED not in Path(modeling.modules.__file__).resolve().parents:
        pytest.skip("a test of the embedded tree, and another host is bound")
    from utils import runtime

    output = runtime.output
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    yield EMBEDDED
    runtime.output = output
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])


@pytest.fixture
def messages(embedded, monkeypatch):
    """The messages logged in a test, as (level, text)."""
    from utils import get_msg_mgr

    seen = []
    for level in ("debug", "info", "warning"):
        monkeypatch.setattr(get_msg_mgr(), f"log_{level}", lambda text, level=level: seen.append((level, str(text))))
    return seen


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """CASIA-B in small: three training and three test subjects, nm-01 and nm-05, two views, 7 to 12 frames."""
    folder = tmp_path_factory.mktemp("tree")
    rng = np.random.default_rng(0)
    for i, label in enumerate(["001", "002", "003", "101", "102", "103"]):
        for typ in ("nm-01", "nm-05"):
            for view in ("000", "090"):
                place = folder / "data" / label / typ / view
                place.mkdir(parents=True)
                clip = np.zeros((int(rng.integers(7, 13)), 64, 64), np.uint8)
                clip[:, 8:60, 22 - 2 * (i % 3) : 40 + 2 * (i % 3)] = 255
                clip[rng.random(clip.shape) < 0.05] = 255
                (place / f"{view}.pkl").write_bytes(pickle.dumps(clip))
    partition = {"TRAIN_SET": ["001", "002", "003"], "TEST_SET": ["101", "102", "103"]}
    (folder / "partition.json").write_text(json.dumps(partition))
    return folder


@pytest.fixture
def cfgs(embedded, tree, tmp_path, model_cfg):
    """A complete config of a run of 4 iterations on the tiny tree, with its output in `tmp_path`."""
    from utils import runtime

    from opengait_mimic.host import load_cfgs

    block = [{"type": "BaseSilCuttingTransform"}]
    user = {
        "data_cfg": {
            "dataset_name": "CASIA-B",
            "dataset_root": str(tree / "data"),
            "dataset_partition": str(tree / "partition.json"),
            "num_workers": 0,
        },
        "model_cfg": model_cfg,
        "loss_cfg": [
            {"type": "TripletLoss", "log_prefix": "triplet", "margin": 0.2},
            {"type": "CrossEntropyLoss", "log_prefix": "softmax", "log_accuracy": True},
        ],
        "scheduler_cfg": {"milestones": [3]},
        "trainer_cfg": {
            "save_name": "tiny",
            "total_iter": 4,
            "save_iter": 2,
            "log_iter": 2,
            "transform": block,
            "sampler": {"batch_size": [3, 2], "frames_num_fixed": 5},
        },
        "evaluator_cfg": {"save_name": "tiny", "restore_hint": 4, "sampler": {"batch_size": 1}, "transform": block},
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(user))
    runtime.output = str(tmp_path / "output")
    return load_cfgs(path)
