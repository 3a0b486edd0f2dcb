"""The device and the output folder, which `opengait_mimic.host.bind` sets, and this process among the others."""

from __future__ import annotations

import torch
import torch.distributed as dist

device = torch.device("cpu")
output = "output"
"""Folder of all results; checkpoints go to ``<output>/<dataset>/<model>/<save_name>/checkpoints``."""


def get_rank() -> int:
    """Rank of this process; 0 without a process group."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def get_world_size() -> int:
    """Number of processes; 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
