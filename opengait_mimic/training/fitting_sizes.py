"""Which pictures a network takes, for the message where it refuses those of the data."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ..data.frames import format_size

SIZES = ((64, 44), (64, 64), (128, 88), (128, 128))
"""Heights and widths that people prepare, before the transforms."""


def explain_refused_pictures(inner: nn.Module, raw: tuple) -> str:
    """Try `SIZES` on a network that refused a batch of one input; empty if it takes none of them, or the batch has one of them.

    Args:
        inner: the model, in training.
        raw: the batch, before the host's transforms.
    """
    clips = raw[0][0]
    given = np.shape(clips[0])[1:]
    if len(raw[0]) > 1 or len(given) < 2 or given in SIZES:
        return ""
    taken = [size for size in SIZES if _takes(inner, raw, size)]
    if not taken:
        return ""
    become = np.shape(inner.trainer_trfs[0](np.asarray(clips[0])))[1:]
    cut = "" if become == given else f" ({format_size(become)} after trainer_cfg.transform)"
    return (
        f"data: the network refuses frames of {format_size(given)}{cut}. Of the usual sizes it takes frames of"
        f" {', '.join(map(format_size, taken))} (height x width): prepare the pictures again in one of these"
    )


def _takes(inner: nn.Module, raw: tuple, size: tuple[int, int]) -> bool:
    pictures = [[np.zeros((len(clip), *size), np.uint8) for clip in raw[0][0]]]
    try:
        with torch.no_grad():
            inner.forward(inner.inputs_pretreament((pictures, *raw[1:])))
    except Exception:  # whatever a network raises
        return False
    return True
