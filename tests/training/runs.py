"""Trainings to compare: where they are written, how they are stopped, whether two are the same bit for bit.

As a script, under torchrun: HOST YAML FOLDER, see `stopped_and_resumed`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from opengait_mimic import host as hosts
from opengait_mimic.base import checkpoint_file as checkpoints
from opengait_mimic.host.run_paths import checkpoint_at
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import launch
from tests.host_runs import good, two_processes

TIMES = ("seconds", "steps_per_second", "run", "starts", "date", "command", "processes", "plugin")
"""What the records of two equal trainings may differ in."""


def shared_networks(output) -> dict:
    """Changes of a mimic's YAML: its teacher and its VEN are those of the shared trainings."""
    places = {"teacher": "Baseline/GaitBase-seed0", "ven": "VEN/VEN-seed0"}
    names = {part: f"walkers/{place}/checkpoints/{place.partition('/')[2]}-00003.pt" for part, place in places.items()}
    return {f"model_cfg__{part}__checkpoint": str(output / name) for part, name in names.items()}


def stopping(at: int):
    """For `launch`: interrupt the training in the step that begins at this iteration."""

    def before(model):
        inner = getattr(model, "module", model)

        def stop(*_):
            if inner.iteration == at:
                raise KeyboardInterrupt

        inner.loss_aggregator.register_forward_hook(stop)

    return before


def train(file, output, **named):
    """Train a configuration below an output folder; returns the model."""
    hosts.bind(None, "cpu", output)
    return launch(file, "train", quiet=True, **named)


def stopped_and_resumed(file, folder):
    """Train below ``folder/one`` to the end, below ``folder/two`` stopped in the fourth step and resumed from the second."""
    train(file, folder / "one")
    with pytest.raises(KeyboardInterrupt):
        train(file, folder / "two", before=stopping(3))
    train(file, folder / "two", iteration=2, resume=True)


def last_of_both(file, folder, host_spec, processes: int) -> list[dict]:
    """The last checkpoints of `stopped_and_resumed`, run in one process or two."""
    if processes == 1:
        stopped_and_resumed(file, folder)
    else:
        good(*two_processes(), __file__, host_spec, file, folder, cwd=folder)
    return [content(at(file, folder / name, 4)) for name in ("one", "two")]


def at(file, output, iteration):
    """The file of a checkpoint."""
    hosts.bind(None, "cpu", output)
    return checkpoint_at(prepare(file, "train"), iteration)


def content(file):
    """A checkpoint, without the times and names of its run."""
    found = checkpoints.read(file, "test")
    if checkpoints.ENTRY in found:
        found[checkpoints.ENTRY] = {key: value for key, value in found[checkpoints.ENTRY].items() if key not in TIMES}
    return found


def differing(one, two, where=""):
    """The places at which two nested values differ, tensors and arrays bit for bit."""
    if type(one) is not type(two):
        return [f"{where}: {type(one).__name__}, {type(two).__name__}"]
    if isinstance(one, dict):
        keys = [*one, *(key for key in two if key not in one)]
        return [line for key in keys for line in differing(one.get(key), two.get(key), f"{where}.{key}")]
    if isinstance(one, (list, tuple)) and len(one) == len(two):
        return [line for i, pair in enumerate(zip(one, two)) for line in differing(*pair, f"{where}[{i}]")]
    if isinstance(one, np.ndarray):
        one, two = torch.as_tensor(one), torch.as_tensor(two)
    if isinstance(one, torch.Tensor):
        same = one.dtype == two.dtype and one.shape == two.shape and torch.equal(_bits(one), _bits(two))
        return [] if same else [where]
    return [] if one == two else [f"{where}: {one!r}, {two!r}"]


def _bits(tensor):
    return tensor.contiguous().reshape(-1).view(torch.uint8)


if __name__ == "__main__":
    hosts.bind(sys.argv[1], "cpu")
    stopped_and_resumed(Path(sys.argv[2]), Path(sys.argv[3]))
    hosts.leave()
