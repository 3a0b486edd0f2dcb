"""The process group and this process's device, with or without torchrun."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys

import torch
import torch.distributed as dist

from ..distributed import rank_and_world
from .find import HostError


def pick_device(name: str = "auto") -> torch.device:
    """The device of this process.

    Args:
        name: ``auto`` (CUDA when a GPU is visible, else CPU), ``cpu`` or ``cuda``.

    Raises:
        HostError: fewer visible GPUs than processes on this machine, or another name.
    """
    local, here = int(os.environ.get("LOCAL_RANK", 0)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    gpus = torch.cuda.device_count()
    if name not in ("auto", "cpu", "cuda"):
        raise HostError(f"--device {name!r}: allowed are auto, cpu, cuda")
    if name == "cpu" or (name == "auto" and gpus == 0):
        return torch.device("cpu")
    if gpus < here:  # every process of this machine decides alike, so that none waits for another's backend
        raise HostError(
            f"{here} processes on this machine see {gpus} GPU(s) each: give every process a GPU (fewer processes, or more visible"
            " GPUs), or use --device cpu"
        )
    torch.cuda.set_device(local)
    return torch.device("cuda", local)


def start(device: torch.device) -> None:
    """Start the process group: torchrun's when its variables are set, else a group of one. Twice is harmless.

    NCCL is used where it exists and the device is a GPU, gloo otherwise.
    """
    if dist.is_initialized():
        return
    atexit.register(stop)
    backend = "nccl" if device.type == "cuda" and dist.is_nccl_available() else "gloo"
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        dist.init_process_group(backend, init_method="env://")
    else:
        dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1)


def follow_world_size(cfgs: dict) -> None:
    """Set the test batch to the number of processes, the only size the host's test accepts (one clip per process)."""
    sampler, world = cfgs["evaluator_cfg"]["sampler"], rank_and_world()[1]
    if sampler.get("batch_size") != world:
        was = sampler.get("batch_size")
        logging.getLogger("opengait_mimic").info("evaluator_cfg.sampler.batch_size %s -> %s, the number of processes", was, world)
        sampler["batch_size"] = world


def stop() -> None:
    """End the process group; what still holds it (a DDP model in a cycle) is collected first."""
    gc.collect()
    if dist.is_initialized():
        dist.destroy_process_group()


def leave() -> None:
    """End a successful process of several at once, after the others have got here and everything is written.

    Gloo's threads can outlive their group and then abort the interpreter at its end ("terminate called without an active
    exception"), which torchrun takes for a failure. A process that runs alone just returns.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return
    writer = getattr(sys.modules["utils"].get_msg_mgr(), "writer", None) if dist.get_rank() == 0 else None
    if writer is not None:  # TensorBoard's
        writer.close()
    dist.barrier()
    stop()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
