"""Helpers without imports from the tree, which `common` and `msg_manager` share."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
import torch.nn as nn


def get_rank() -> int:
    """Rank of this process; 0 without a process group."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def get_world_size() -> int:
    """Number of processes; 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def mkdir(path):
    """Make a folder and its parents; an existing one is no error."""
    os.makedirs(path, exist_ok=True)


class NoOp:
    """The message manager of ranks above 0: every method exists and does nothing."""

    def __getattr__(self, name):
        """Any method."""
        return lambda *args, **kwargs: None


def is_list(x):
    """True for a list and for a ModuleList."""
    return isinstance(x, (list, nn.ModuleList))


def is_dict(x):
    """True for a dict and its relatives."""
    return isinstance(x, dict)


def is_tensor(x):
    """True for a tensor."""
    return torch.is_tensor(x)
