"""The host's two shapes of a batch, and frames in one row with the clip each belongs to.

OpenGait gives ``fixed_*`` batches as ``[n, s, h, w]`` (``seqL`` None) and ``unfixed_*``/``all_*`` batches packed as
``[1, s_1 + ... + s_n, h, w]`` with ``seqL = [[s_1, ..., s_n]]``.
"""

from __future__ import annotations

import torch
from torch import Tensor


def clip_lengths(sils: Tensor, seqL: Tensor | None) -> list[int]:
    """The number of frames of every clip.

    Args:
        sils: ``[n, s, h, w]``, or packed ``[1, S, h, w]``.
        seqL: None, or the clip lengths ``[1, n]`` (frames).

    Raises:
        ValueError: the shape is neither form, a clip has no frames, or the lengths do not add up to the packed frames.
    """
    if sils.dim() != 4 or (seqL is not None and (sils.shape[0] != 1 or seqL.dim() != 2 or seqL.shape[0] != 1)):
        raise ValueError(
            f"silhouettes must be [n, s, h, w], or packed [1, s_1+...+s_n, h, w] with seqL; got {tuple(sils.shape)}"
            f" with seqL {None if seqL is None else seqL.tolist()}"
        )
    lengths = [sils.shape[1]] * sils.shape[0] if seqL is None else [int(length) for length in seqL[0].tolist()]
    if min(lengths) < 1:
        raise ValueError(f"clip lengths {lengths} hold a clip without frames")
    if seqL is not None and sum(lengths) != sils.shape[1]:
        raise ValueError(f"seqL [{lengths}] adds up to {sum(lengths)} frames, the batch has {sils.shape[1]}")
    return lengths


def clip_of_frame(lengths: list[int], device=None) -> Tensor:
    """The clip index of every frame: long ``[S]``, S the sum of the lengths."""
    return torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths)).to(device)


def mean_over_frames(values: Tensor, lengths: list[int]) -> Tensor:
    """The mean of per-frame values over each clip's frames: ``[S, ...]`` -> ``[n, ...]``; half precision is summed in float32."""
    values = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    total = values.new_zeros((len(lengths), *values.shape[1:])).index_add_(0, clip_of_frame(lengths, values.device), values)
    return total / torch.tensor(lengths, device=values.device).reshape(-1, *[1] * (values.dim() - 1))
