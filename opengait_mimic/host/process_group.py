"""The process group and this process's device, with or without torchrun."""

from __future__ import annotations

import atexit
import datetime
import gc
import json
import logging
import os
import socket
import sys

import torch
import torch.distributed as dist

from ..base.errors import HostError
from ..base.processes import rank_and_world
from . import watchdog

PATIENCE = datetime.timedelta(days=1)
"""How long a process waits for the others. Rank 0 scores, resamples and writes alone while they wait: on large data for longer than torch's
own 10 minutes (NCCL) or 30 (gloo). A process that ends with an error, or dies, is not waited for: see `watchdog`.
"""

MEETING = datetime.timedelta(minutes=30)
"""How long the processes wait for each other to start."""


def pick_device(name: str = "auto") -> torch.device:
    """The device of this process, as far as this machine alone can tell.

    The GPU is number ``LOCAL_RANK`` of those visible (``CUDA_VISIBLE_DEVICES`` chooses a subset). Where every process is shown a
    single one, as cluster schedulers do, it is that; `start` refuses two processes that would share it.

    Args:
        name: ``auto`` (CUDA when a GPU is visible, else CPU), ``cpu`` or ``cuda``.

    Raises:
        HostError: fewer visible GPUs than processes on this machine, or another name.
    """
    local, here = int(os.environ.get("LOCAL_RANK", 0)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if name not in ("auto", "cpu", "cuda"):
        raise HostError(f"--device {name!r}: allowed are auto, cpu, cuda")
    gpus = torch.cuda.device_count() if name != "cpu" else 0
    if name == "cpu" or (name == "auto" and gpus == 0):
        return torch.device("cpu")
    if gpus == 1 and here > 1:
        return torch.device("cuda", 0)
    if gpus < here:  # every process of this machine decides alike
        raise HostError(
            f"{here} process(es) on this machine see {gpus} GPU(s) each: give every process a GPU (fewer processes, or more visible"
            " GPUs), or use --device cpu"
        )
    return torch.device("cuda", local)


def start(name: str = "auto") -> torch.device:
    """Choose this process's device and start the process group: torchrun's when its variables are set, else a group of one.

    NCCL is used where it exists and the devices are GPUs, gloo otherwise. All processes, of all machines, first tell each
    other their choice, so that a disagreement ends them all with one message and none waits for another's backend. They then wait
    for each other up to `PATIENCE`. A group that runs already is kept.

    Args:
        name: see `pick_device`.

    Raises:
        HostError: a process did not come within `MEETING`, the choice failed on a machine, machines disagree, or two processes
            would share a GPU.
    """
    if dist.is_initialized():
        device = pick_device(name)
    else:
        atexit.register(stop)
        if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
            store, rank, world = _meet()
        else:
            store, rank, world = dist.HashStore(), 0, 1
        watchdog.start(rank, world)
        device = _agree(name, dist.PrefixStore("opengait_mimic", store), rank, world)
        backend = "nccl" if device.type == "cuda" and dist.is_nccl_available() else "gloo"
        store.set_timeout(PATIENCE)  # NCCL first meets there, when it is first asked for something
        dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=PATIENCE)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def _meet() -> tuple[dist.Store, int, int]:
    """The store of the processes that torchrun, or a cluster through the same variables, has started; this rank; their number."""
    place = ":".join(os.environ.get(name, f"({name} is not set)") for name in ("MASTER_ADDR", "MASTER_PORT"))
    try:
        return next(dist.rendezvous("env://", timeout=MEETING))
    except (RuntimeError, ValueError) as error:
        raise HostError(
            f"RANK = {os.environ['RANK']} and WORLD_SIZE = {os.environ['WORLD_SIZE']} are set, but the processes did not meet at {place}"
            f" ({str(error).splitlines()[0]}). Start all of them, with one address that all can reach and a free port; or, for a single"
            " process, unset RANK and WORLD_SIZE"
        ) from error


def _agree(name: str, store: dist.Store, rank: int, world: int) -> torch.device:
    """`pick_device`, once every process is known to have picked one of the same type and no GPU twice."""
    device, said = None, {"host": socket.gethostname()}
    try:
        device = pick_device(name)
        said["type"] = device.type
        if device.type == "cuda":
            said["gpu"] = str(getattr(torch.cuda.get_device_properties(device), "uuid", rank))
    except HostError as error:
        said["error"] = str(error)
    store.set(f"device/{rank}", json.dumps(said))
    ranks = [json.loads(store.get(f"device/{other}")) for other in range(world)]
    store.set(f"read/{rank}", "")
    if rank == 0:  # it may hold the store, so it stays until all have read
        store.wait([f"read/{other}" for other in range(world)])
    for other, found in enumerate(ranks):
        if "error" in found:
            raise HostError(found["error"] if other == rank else f"rank {other} on {found['host']}: {found['error']}")
    if len({found["type"] for found in ranks}) > 1:
        chosen = ", ".join(f"rank {other} on {found['host']}: {found['type']}" for other, found in enumerate(ranks))
        raise HostError(f"--device {name}: processes must all run on GPUs or all on CPUs; chosen were {chosen}. Give them all --device cpu")
    first = {}
    for other, found in enumerate(ranks):
        if first.setdefault(found.get("gpu", other), other) != other:
            raise HostError(
                f"ranks {first[found['gpu']]} and {other} would share one GPU of {found['host']}: start fewer processes, give every"
                " process its own (each torchrun of a machine another CUDA_VISIBLE_DEVICES), or use --device cpu"
            )
    return device


def follow_world_size(cfgs: dict) -> None:
    """Set the test batch to the number of processes, the only size the host's test accepts (one clip per process)."""
    sampler, world = cfgs["evaluator_cfg"]["sampler"], rank_and_world()[1]
    if sampler.get("batch_size") != world:
        was = sampler.get("batch_size")
        logging.getLogger("opengait_mimic").info("evaluator_cfg.sampler.batch_size %s -> %s, the number of processes", was, world)
        sampler["batch_size"] = world


def stop() -> None:
    """End the process group; what still holds it (a DDP model in a cycle) is collected first."""
    if watchdog.running is not None:
        watchdog.running.stop()
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
    if watchdog.running is not None:
        watchdog.running.leaving()
    dist.barrier()
    stop()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
