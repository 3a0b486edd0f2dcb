"""The size of the pictures that a network gets, after the transforms: kept in a checkpoint, compared where one is restored."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..base import checkpoint_file
from ..base.errors import CheckpointError
from ..host.run_paths import checkpoint_at
from ..host.run_paths import checkpoint_file as find_checkpoint

SMALLEST = 8
"""Pixels; a skeleton has two or three values for a joint."""


def read_picture_size(inner: nn.Module, training: bool) -> list[int] | None:
    """Height and width of what a built model gets, from the first sequence of its data; None where its input is no picture."""
    loader, transforms = (inner.train_loader, inner.trainer_trfs) if training else (inner.test_loader, inner.evaluator_trfs)
    states = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            shape = np.shape(transforms[0](np.asarray(loader.dataset[0][0][0])))
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
    return [int(side) for side in shape[-2:]] if len(shape) > 2 and min(shape[-2:]) >= SMALLEST else None


def check_picture_size(inner: nn.Module, cfgs: dict, training: bool) -> None:
    """Compare the size that a model gets with the one that its restored checkpoint was trained on, where that says it.

    A training that starts from these weights may mean another size: it is logged.

    Raises:
        CheckpointError: a test on another size.
    """
    key = f"{'trainer' if training else 'evaluator'}_cfg.restore_hint"
    hint = inner.engine_cfg["restore_hint"]
    if hint == 0:
        return
    file = Path(hint) if isinstance(hint, str) else checkpoint_at(cfgs, hint) if training else find_checkpoint("auto", cfgs, key)
    trained = checkpoint_file.entry(file).get("picture_size")
    seen = trained and read_picture_size(inner, training)
    if not seen or seen == trained:
        return
    text = f"{key}: {file} was trained on pictures of {trained[0]}x{trained[1]} (height x width after the transforms)"
    if training:
        inner.msg_mgr.log_warning(f"{text}; this training goes on with {seen[0]}x{seen[1]}")
        return
    raise CheckpointError(
        f"{text}; this test gives it {seen[0]}x{seen[1]}. Change evaluator_cfg.transform or the pictures of data_cfg.dataset_root, or name"
        f" a checkpoint that was trained on {seen[0]}x{seen[1]}"
    )
