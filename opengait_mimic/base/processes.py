"""Several processes: rank and world size, work on rank 0 for all, gathering a batch."""

from __future__ import annotations

from typing import Any, Callable

import torch
import torch.distributed as dist
from torch import Tensor


def rank_and_world() -> tuple[int, int]:
    """This process's rank and the number of processes; (0, 1) without a process group."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def on_rank_0(work: Callable[[], Any]):
    """Call ``work`` on rank 0 and return its result on every rank.

    Raises:
        SystemExit: ``work`` failed; on ranks above 0, where rank 0 prints the error.
    """
    rank, world = rank_and_world()
    if world == 1:
        return work()
    result, failed = None, True
    try:
        if rank == 0:
            result = work()
        failed = False
    finally:
        box = [result, failed]
        dist.broadcast_object_list(box, src=0)
    if box[1]:
        raise SystemExit(1)
    return box[0]


def gather_objects(value) -> list:
    """The value of every process, by rank."""
    world = rank_and_world()[1]
    values = [value] * world
    if world > 1:
        dist.all_gather_object(values, value)
    return values


def gather(value: Tensor) -> Tensor:
    """Join a tensor of every rank along the first axis, rank by rank; the gradient flows to this rank's slice only.

    Shape:
        value [n, ...] -> [n * world, ...]
    """
    rank, world = rank_and_world()
    if world == 1:
        return value
    parts = [torch.empty_like(value, memory_format=torch.contiguous_format) for _ in range(world)]
    dist.all_gather(parts, value.detach().contiguous())
    parts[rank] = value
    return torch.cat(parts)
