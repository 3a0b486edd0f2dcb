"""Keys of torch's optimisers and schedules that one side of a comparison spells out and the other leaves to torch. Pure."""

from __future__ import annotations

import inspect

import torch

BLOCKS = {"optimiser": (torch.optim, "solver"), "schedule": (torch.optim.lr_scheduler, "scheduler")}
"""Group of facts -> where torch has its classes, and the key that names one."""


def filled(group: str, block: dict, other: dict) -> dict:
    """A block with torch's own default for every key that only the other side spells out.

    Args:
        group: a key of `BLOCKS`.
        block: the facts of that group.
        other: the other side's.

    Example:
        >>> filled("optimiser", {"solver": "SGD", "lr": 0.1}, {"solver": "SGD", "lr": 0.1, "nesterov": False})
        {'solver': 'SGD', 'lr': 0.1, 'nesterov': False}
    """
    namespace, key = BLOCKS[group]
    kind = getattr(namespace, str(block.get(key)), None)
    if not inspect.isclass(kind):
        return block
    known = inspect.signature(kind).parameters
    missing = [name for name in other if name not in block and name in known and known[name].default is not inspect.Parameter.empty]
    return {**block, **{name: known[name].default for name in missing}}
