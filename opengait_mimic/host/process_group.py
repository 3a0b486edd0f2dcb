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

TIMEOUT = datetime.timedelta(hours=3)
"""How long a collective waits for the other ranks: rank 0 scores and writes alone meanwhile. A rank that dies ends the others sooner."""

START_TIMEOUT = datetime.timedelta(minutes=30)
"""How long the processes wait for each other at the start."""


COPIES = {"SLURM_STEP_NUM_TASKS": "srun", "OMPI_COMM_WORLD_SIZE": "mpirun", "PMI_SIZE": "mpiexec"}
"""How many copies of a command a cluster's starter runs -> that starter. None of them sets RANK and WORLD_SIZE."""


def pick_device(name: str = "auto") -> torch.device:
    """The device of this process, as far as this machine alone can tell.

    The GPU is number ``LOCAL_RANK`` of the visible ones, or the only one that a cluster's scheduler shows each process.

    Args:
        name: ``auto`` (CUDA if a GPU is visible, else CPU), ``cpu`` or ``cuda``.

    Raises:
        HostError: fewer visible GPUs than processes on this machine, or another name.
    """
    local, processes = int(os.environ.get("LOCAL_RANK", 0)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if name not in ("auto", "cpu", "cuda"):
        raise HostError(f"--device {name!r}: allowed are auto, cpu, cuda")
    gpus = torch.cuda.device_count() if name != "cpu" else 0
    if name == "cpu" or (name == "auto" and gpus == 0):
        return torch.device("cpu")
    if gpus == 1 and processes > 1:
        return torch.device("cuda", 0)
    if gpus < processes:
        raise HostError(
            f"{processes} process(es) on this machine see {gpus} GPU(s) each: start fewer processes, make more GPUs visible, or use"
            " --device cpu"
        )
    return torch.device("cuda", local)


def start(name: str = "auto") -> torch.device:
    """Choose this process's device and start the process group: torchrun's if its variables are set, else a group of one.

    The backend is NCCL for GPUs where it exists, gloo otherwise. A group that runs already is kept.

    Args:
        name: see `pick_device`.

    Raises:
        HostError: the processes did not meet within `START_TIMEOUT`, found no device, or would share a GPU or mix CPUs and GPUs; or
            several were started that cannot know of each other.
    """
    if dist.is_initialized():
        device = pick_device(name)
    else:
        atexit.register(stop)
        if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
            store, rank, world = _meet()
        else:
            _refuse_copies()
            store, rank, world = dist.HashStore(), 0, 1
        device = _agree(name, dist.PrefixStore("opengait_mimic", store), rank, world)
        backend = "nccl" if device.type == "cuda" and dist.is_nccl_available() else "gloo"
        store.set_timeout(TIMEOUT)  # NCCL meets there later, at its first collective
        dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=TIMEOUT)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def _refuse_copies() -> None:
    """Copies that do not know of each other would each train alone, into one folder."""
    for name, starter in COPIES.items():
        if os.environ.get(name, "1") not in ("", "0", "1"):
            raise HostError(
                f"{starter} started {os.environ[name]} copies of this command ({name}) without RANK and WORLD_SIZE: each would run alone"
                f" and write into the same folder. Let {starter} start one torchrun on each machine (`torchrun --nnodes ..."
                " --nproc_per_node ... -m opengait_mimic`), or give every copy RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE,"
                " MASTER_ADDR and MASTER_PORT. For one process, start one copy"
            )


def _meet() -> tuple[dist.Store, int, int]:
    """The common store of the processes that torchrun or a cluster started, this rank, and their number."""
    address = ":".join(os.environ.get(name, f"({name} is not set)") for name in ("MASTER_ADDR", "MASTER_PORT"))
    try:
        return next(dist.rendezvous("env://", timeout=START_TIMEOUT))
    except (RuntimeError, ValueError) as error:
        raise HostError(
            f"RANK = {os.environ['RANK']} and WORLD_SIZE = {os.environ['WORLD_SIZE']} are set, but the processes did not meet at {address}"
            f" ({str(error).splitlines()[0]}). Start all of them with one address that all can reach and a free port. For a single"
            " process, unset RANK and WORLD_SIZE"
        ) from error


def _agree(name: str, store: dist.Store, rank: int, world: int) -> torch.device:
    """`pick_device`, after every rank picked a device of the same type, and none the same GPU as another."""
    kind, gpu, failed = "", "", ""
    try:
        device = pick_device(name)
        kind, gpu = device.type, str(getattr(torch.cuda.get_device_properties(device), "uuid", rank)) if device.type == "cuda" else ""
    except HostError as error:  # the others must not wait for this one
        failed = str(error)
    store.set(f"device/{rank}", json.dumps([socket.gethostname(), kind, gpu, failed]))
    choices = [json.loads(store.get(f"device/{other}")) for other in range(world)]
    store.set(f"read/{rank}", "")
    if rank == 0:  # its process may hold the store: it stays until all have read
        store.wait([f"read/{other}" for other in range(world)])
    for other, (host, *_, why) in enumerate(choices):
        if why:
            raise HostError(why if other == rank else f"rank {other} on {host}: {why}")
    if len({kind for _, kind, *_ in choices}) > 1:
        listed = ", ".join(f"rank {other} on {host}: {kind}" for other, (host, kind, *_) in enumerate(choices))
        raise HostError(f"--device {name}: all processes must run on GPUs, or all on CPUs. Chosen: {listed}. Give them all --device cpu")
    gpus = [gpu for _, _, gpu, _ in choices]
    for other, (host, _, gpu, _) in enumerate(choices):
        if gpu and gpus.index(gpu) != other:
            raise HostError(
                f"ranks {gpus.index(gpu)} and {other} would share one GPU of {host}: start fewer processes, give each torchrun of this"
                " machine its own CUDA_VISIBLE_DEVICES, or use --device cpu"
            )
    return device


def follow_world_size(cfgs: dict) -> None:
    """Set the test batch to the number of processes, the only size the host's test accepts (one clip per process)."""
    sampler, world = cfgs["evaluator_cfg"]["sampler"], rank_and_world()[1]
    if sampler.get("batch_size") != world:
        logging.getLogger("opengait_mimic").info(
            "evaluator_cfg.sampler.batch_size %s -> %s, the number of processes", sampler.get("batch_size"), world
        )
        sampler["batch_size"] = world


def stop() -> None:
    """End the process group; a DDP model that still holds it in a reference cycle is collected first."""
    gc.collect()
    if dist.is_initialized():
        dist.destroy_process_group()


def leave() -> None:
    """End a successful process of several at once, after all have got here and everything is written. A single process returns.

    Gloo's threads can outlive their group and then abort the interpreter at its end ("terminate called without an active
    exception"), which torchrun takes for a failure.
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
