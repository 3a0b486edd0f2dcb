"""Where and by what something ran: processes, devices, versions, code, command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from .. import __version__
from .. import host as hosts
from ..base.processes import rank_and_world
from ..base.versions import commit_of, is_dirty
from ..evaluation.provenance import versions


def devices() -> list[str]:
    """The name of every process's device, by rank; all processes must call it."""
    own, world = device_name(), rank_and_world()[1]
    if world == 1:
        return [own]
    found: list = [None] * world
    dist.all_gather_object(found, own)
    return found


def device_name() -> str:
    """This process's device: ``cpu``, or the GPU's name."""
    device = hosts.device()
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def machine(names: list[str]) -> dict:
    """The entry ``machine`` of a sheet; ``names`` of `devices`."""
    from ..evaluation.embeddings.code_hash import OURS, code_hash  # its package needs the launcher, which needs this one

    host, plugin = hosts.current(), OURS.parent
    return {
        "processes": rank_and_world()[1],
        "devices": names,
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "plugin": {"version": __version__, "commit": commit_of(plugin), "dirty": is_dirty(plugin)},
        "host": {"name": host.name, "commit": host.commit, "dirty": None if host.name == "embedded" else is_dirty(host.root)},
        "code": code_hash(host),
    }


def command() -> dict:
    """The entries ``command`` (``python -m PACKAGE``, or the program's name, and its arguments as given) and ``launcher``."""
    program = Path(sys.argv[0])
    name = f"python -m {program.parent.name}" if program.name == "__main__.py" else program.name
    return {"command": [name, *sys.argv[1:]], "launcher": "torchrun" if "TORCHELASTIC_RUN_ID" in os.environ else None}
