"""Tensors and plain values: all that a checkpoint holds, so that reading it can run nothing."""

from __future__ import annotations

from collections import Counter, OrderedDict

import numpy as np
import torch
from torch import Tensor, nn

KEPT = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.Size)
"""Types that ``torch.load(weights_only=True)`` reads as they are."""


def plain(value, where: str, left: list[str]):
    """A value with nothing in it but tensors and plain values.

    Args:
        value: anything. NumPy numbers and arrays become numbers and tensors, parameters tensors, a module its state dict, other
            mappings dicts, a namespace a dict.
        where: its dotted name.
        left: gets a line, ``name: type``, for everything that has no plain form; its place is taken by None.

    Example:
        >>> plain({"lr": np.float64(0.5), "rest": print}, "optimizer", left := []), left
        ({'lr': 0.5, 'rest': None}, ['optimizer.rest: builtins.builtin_function_or_method'])
    """
    kind = type(value)
    if kind in KEPT or kind is Tensor:
        return value.detach() if kind is Tensor else value
    if isinstance(value, Tensor):
        return value.detach().as_subclass(Tensor)
    if isinstance(value, np.generic):
        return value.item() if value.dtype.kind in "biufcSU" else _leave(value, where, left)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(value)) if value.dtype.kind in "biufc" else _leave(value, where, left)
    if isinstance(value, nn.Module):
        return plain(value.state_dict(), where, left)
    if isinstance(value, dict):
        pairs = [(_key(key, where, left), plain(part, f"{where}.{key}", left)) for key, part in value.items()]
        made = kind(pairs) if kind is OrderedDict else Counter(dict(pairs)) if kind is Counter else dict(pairs)
        if kind is OrderedDict and hasattr(value, "_metadata"):  # versions of the modules of a state dict
            made._metadata = plain(value._metadata, where, left)
        return made
    if isinstance(value, (list, tuple, set, frozenset)):
        parts = [plain(part, f"{where}.{i}", left) for i, part in enumerate(value)]
        return parts if isinstance(value, list) else set(parts) if isinstance(value, (set, frozenset)) else tuple(parts)
    for base in (bool, int, float, str):
        if isinstance(value, base):  # an enumeration's member, a string of another type
            return base(value)
    if getattr(kind, "__name__", "") in ("Namespace", "SimpleNamespace"):
        return plain(vars(value), where, left)
    return _leave(value, where, left)


def _key(key, where, left):
    made = plain(key, f"{where} (a key)", left)
    return repr(key) if made is None and key is not None else made


def _leave(value, where, left):
    left.append(f"{where}: {type(value).__module__}.{type(value).__qualname__}")
