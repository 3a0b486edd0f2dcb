"""What of a step is not finite, its inputs, losses or gradients, in words for the one warning about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from ..occlusion.clips import owners


class Side(NamedTuple):
    """What one process knows of a bad step: ``losses`` that are not finite, ``broken`` clips (their input is not), all ``clips``."""

    losses: list
    broken: list
    clips: list

    def text(self) -> str:
        """One clause; the clips to look at are the broken ones, or all."""
        what = [*self.losses, *(["its input is not finite"] if self.broken else [])]
        names = self.broken or self.clips
        return f"{', '.join(what) or 'all finite here'}; clips: {', '.join(names) or 'unknown'}"


def first(names: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many are left."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


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
        found.update(owners(lengths, tensor.device)[bad].tolist())
    return sorted(found)


def losses_not_finite(info: dict) -> list[str]:
    """``prefix/name = value`` of the losses that are not finite; where none is, of whatever else they report that is not."""
    means = {key.partition("/")[2]: float(torch.as_tensor(value).detach().float().mean()) for key, value in info.items()}
    bad = {name: value for name, value in means.items() if not torch.isfinite(torch.tensor(value))}
    losses = {name: value for name, value in bad.items() if name.endswith("loss")}
    return [f"{name} = {value}" for name, value in (losses or bad).items()]


def gradients_not_finite(net: nn.Module) -> list[str]:
    """The names of the parameters whose gradient is not finite."""
    return [name for name, p in net.named_parameters() if p.grad is not None and not bool(torch.isfinite(p.grad).all())]
