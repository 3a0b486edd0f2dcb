"""Equal bit for bit."""

from __future__ import annotations

import torch
from torch import Tensor


def same(a, b) -> bool:
    """Whether two trees of plain values and tensors are equal, tensors bit for bit."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        a, b = a.detach().cpu(), b.detach().cpu()
        return a.dtype == b.dtype and a.shape == b.shape and (a.numel() == 0 or torch.equal(_bytes(a), _bytes(b)))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or a != a)


def _bytes(value: Tensor) -> Tensor:
    return value.contiguous().reshape(-1).view(torch.uint8)
