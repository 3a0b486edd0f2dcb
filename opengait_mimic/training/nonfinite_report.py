"""Which inputs, losses and gradients of a step are not finite, in words for a warning."""

from __future__ import annotations

import torch
from torch import nn

from ..occlusion.clips import clip_of_frame


def shorten(names: list[str]) -> str:
    """The first three names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def clips_not_finite(inputs) -> list[int]:
    """The positions in the batch of the clips of which a value is not finite.

    Args:
        inputs: what the model's forward got: the host's ``(inputs, labels, types, views, seqL)`` or our models' batch; fixed
            ``[n, s, ...]`` or packed ``[1, S, ...]`` with seqL.
    """
    tensors, seqL = (inputs[:2], inputs.seqL) if hasattr(inputs, "occluded") else (inputs[0], inputs[4])
    found = set()
    for tensor in tensors:
        lengths = [tensor.shape[1]] * tensor.shape[0] if seqL is None else seqL[0].tolist()
        bad = ~torch.isfinite(tensor.detach().flatten(0, 1)).flatten(1).all(1)  # [S]
        found.update(clip_of_frame(lengths, tensor.device)[bad].tolist())
    return sorted(found)


def losses_not_finite(info: dict) -> list[str]:
    """``prefix/name = value`` of the losses that are not finite; if there are none, of their other values that are not."""
    means = {key.partition("/")[2]: float(torch.as_tensor(value).detach().float().mean()) for key, value in info.items()}
    bad = {name: value for name, value in means.items() if not torch.isfinite(torch.tensor(value))}
    losses = {name: value for name, value in bad.items() if name.endswith("loss")}
    return [f"{name} = {value}" for name, value in (losses or bad).items()]


def gradients_not_finite(net: nn.Module) -> list[str]:
    """The names of the parameters whose gradient is not finite."""
    return [name for name, p in net.named_parameters() if p.grad is not None and not bool(torch.isfinite(p.grad).all())]
