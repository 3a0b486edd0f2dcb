"""Gathering a batch over processes; alone, without a process group, nothing happens."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def rank_and_world() -> tuple[int, int]:
    """This process's rank and the number of processes; (0, 1) without a process group."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def gather(value: Tensor) -> Tensor:
    """Join ``[n, ...]`` of every rank along the first axis, rank by rank; the gradient flows to the own slice only."""
    rank, world = rank_and_world()
    if world == 1:
        return value
    parts = [torch.empty_like(value, memory_format=torch.contiguous_format) for _ in range(world)]
    dist.all_gather(parts, value.detach().contiguous())
    parts[rank] = value
    return torch.cat(parts)
