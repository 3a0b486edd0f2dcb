"""bfloat16 in the forward pass of a training; the losses, the weights, their gradients and a test stay in float32."""

from __future__ import annotations

import torch
from torch import nn

from .. import host


def in_float32(found):
    """Every tensor of half precision in a nested result of a forward pass, in float32."""
    if torch.is_tensor(found):
        return found.float() if found.dtype in (torch.bfloat16, torch.float16) else found
    if isinstance(found, dict):
        return type(found)((key, in_float32(value)) for key, value in found.items())
    return type(found)(map(in_float32, found)) if type(found) in (list, tuple) else found


def attach(inner: nn.Module) -> None:
    """Run a model's forward under bfloat16 autocast while it trains; a frozen teacher or VEN inside it as well."""
    forward = inner.forward

    def in_bfloat16(*inputs, **named):
        if not inner.training:
            return forward(*inputs, **named)
        with torch.autocast(host.device().type, torch.bfloat16):
            found = forward(*inputs, **named)
        return in_float32(found)

    object.__setattr__(inner, "forward", in_bfloat16)
