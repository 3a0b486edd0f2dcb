"""Plain values: what a checkpoint or a JSON file holds, and in what two of them differ."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict

import numpy as np
import torch
from torch import Tensor, nn

PLAIN_TYPES = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.Size)
"""Types that ``torch.load(weights_only=True)`` reads as they are."""


def to_plain(value, where: str, refused: list[str]):
    """The value with tensors and plain values alone.

    Args:
        value: anything. Numbers and arrays of NumPy become numbers and tensors; a parameter a tensor; a module its state dict;
            another mapping or a namespace a dict.
        where: its dotted name.
        refused: gets a line ``name: type`` for each object without a plain form; None takes its place.

    Example:
        >>> to_plain({"lr": np.float64(0.5), "rest": print}, "optimizer", refused := []), refused
        ({'lr': 0.5, 'rest': None}, ['optimizer.rest: builtins.builtin_function_or_method'])
    """
    kind = type(value)
    if kind in PLAIN_TYPES or kind is Tensor:
        return value.detach() if kind is Tensor else value
    if isinstance(value, Tensor):
        return value.detach().as_subclass(Tensor)
    if isinstance(value, np.generic):
        return value.item() if value.dtype.kind in "biufcSU" else _refuse(value, where, refused)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(value)) if value.dtype.kind in "biufc" else _refuse(value, where, refused)
    if isinstance(value, nn.Module):
        return to_plain(value.state_dict(), where, refused)
    if isinstance(value, dict):
        pairs = [(_key(key, where, refused), to_plain(part, f"{where}.{key}", refused)) for key, part in value.items()]
        made = kind(pairs) if kind is OrderedDict else Counter(dict(pairs)) if kind is Counter else dict(pairs)
        if kind is OrderedDict and hasattr(value, "_metadata"):  # versions of the modules of a state dict
            made._metadata = to_plain(value._metadata, where, refused)
        return made
    if isinstance(value, (list, tuple, set, frozenset)):
        parts = [to_plain(part, f"{where}.{i}", refused) for i, part in enumerate(value)]
        return parts if isinstance(value, list) else set(parts) if isinstance(value, (set, frozenset)) else tuple(parts)
    for base in (bool, int, float, str):
        if isinstance(value, base):  # an enumeration's member, a string of another type
            return base(value)
    if getattr(kind, "__name__", "") in ("Namespace", "SimpleNamespace"):
        return to_plain(vars(value), where, refused)
    return _refuse(value, where, refused)


def _key(key, where, refused):
    made = to_plain(key, f"{where} (a key)", refused)
    return repr(key) if made is None and key is not None else made


def _refuse(value, where, refused):
    refused.append(f"{where}: {type(value).__module__}.{type(value).__qualname__}")


def as_json(value):
    """A value as it comes back from a JSON file."""
    return json.loads(json.dumps(value, default=str))


def differences(old, new, where: str = "") -> list[str]:
    """A line ``key: old -> new`` for each dotted key in which two values differ; an empty block equals None."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        return [line for key in keys for line in differences(old.get(key), new.get(key), f"{where}.{key}".lstrip("."))]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [line for i, pair in enumerate(zip(old, new)) for line in differences(*pair, f"{where}[{i}]")]
    same = old == new or (old in ({}, None) and new in ({}, None))
    return [] if same else [f"{where}: {_shorten(old)} -> {_shorten(new)}"]


def _shorten(value) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:19] if text.startswith("sha256:") else text if len(text) <= 60 else text[:57] + "..."
