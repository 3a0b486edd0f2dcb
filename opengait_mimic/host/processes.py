"""The process group and this process's device, with or without torchrun."""

from __future__ import annotations

import gc
import os

import torch
import torch.distributed as dist

from .find import HostError


def pick_device(name: str = "auto") -> torch.device:
    """The device of this process.

    Args:
        name: ``auto`` (CUDA when there is a GPU for this process, else CPU), ``cpu`` or ``cuda``.

    Raises:
        HostError: ``cuda`` without a visible GPU for this process, or another name.
    """
    local, gpus = int(os.environ.get("LOCAL_RANK", 0)), torch.cuda.device_count()
    if name not in ("auto", "cpu", "cuda"):
        raise HostError(f"--device {name!r}: allowed are auto, cpu, cuda")
    if name == "cuda" and local >= gpus:
        raise HostError(f"--device cuda: process {local} of this machine has no GPU ({gpus} visible); use --device cpu")
    if name == "cpu" or local >= gpus:
        return torch.device("cpu")
    torch.cuda.set_device(local)
    return torch.device("cuda", local)


def start(device: torch.device) -> None:
    """Start the process group: torchrun's when its variables are set, else a group of one. Twice is harmless.

    NCCL is used where it exists and the device is a GPU, gloo otherwise.
    """
    if dist.is_initialized():
        return
    backend = "nccl" if device.type == "cuda" and dist.is_nccl_available() else "gloo"
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        dist.init_process_group(backend, init_method="env://")
    else:
        dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1)


def stop() -> None:
    """End the process group. What still holds it (a DDP model in a cycle) is collected first: gloo's threads must not outlive it."""
    gc.collect()
    if dist.is_initialized():
        dist.destroy_process_group()
