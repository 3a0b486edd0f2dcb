"""The host's two shapes of a batch, and frames in one row with the clip each belongs to.

OpenGait gives ``fixed_*`` batches as ``[n, s, h, w]`` (``seqL`` None) and ``unfixed_*``/``all_*`` batches packed as
``[1, s_1 + ... + s_n, h, w]`` with ``seqL = [[s_1, ..., s_n]]``. Everything of ours that works per frame uses ``owners``.
"""

from __future__ import annotations

import torch
from torch import Tensor


def clip_count(sils: Tensor, seqL: Tensor | None) -> int:
    """The number of clips n of a batch; ``seqL`` is None or ``[1, n]``."""
    return sils.shape[0] if seqL is None else seqL.shape[-1]


def owners(sils: Tensor, seqL: Tensor | None) -> Tensor:
    """The clip index of every frame.

    Args:
        sils: ``[n, s, h, w]``, or packed ``[1, S, h, w]``.
        seqL: None, or the clip lengths ``[1, n]`` (frames).

    Shape:
        Returns a long tensor ``[S]`` on the device of ``sils``, S = n * s or the packed length.

    Raises:
        ValueError: the shape is neither form, or the lengths do not add up to the packed frames.
    """
    if sils.dim() != 4 or (seqL is not None and (sils.shape[0] != 1 or seqL.dim() != 2 or seqL.shape[0] != 1)):
        raise ValueError(
            f"silhouettes must be [n, s, h, w], or packed [1, s_1+...+s_n, h, w] with seqL; got {tuple(sils.shape)}"
            f" with seqL {None if seqL is None else seqL.tolist()}"
        )
    if seqL is None:
        n, s = sils.shape[:2]
        return torch.arange(n, device=sils.device).repeat_interleave(s)
    lengths = seqL[0].to(device=sils.device, dtype=torch.long)
    if int(lengths.min()) < 1:
        raise ValueError(f"seqL {seqL.tolist()} holds a clip without frames")
    if int(lengths.sum()) != sils.shape[1]:
        raise ValueError(f"seqL {seqL.tolist()} adds up to {int(lengths.sum())} frames, the batch has {sils.shape[1]}")
    return torch.arange(len(lengths), device=sils.device).repeat_interleave(lengths)


def mean_over_frames(values: Tensor, owner: Tensor, n: int) -> Tensor:
    """The mean of per-frame values over each clip's frames: ``[S, ...]`` -> ``[n, ...]``; half precision is summed in float32."""
    values = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    total = values.new_zeros((n, *values.shape[1:])).index_add_(0, owner, values)
    count = torch.bincount(owner, minlength=n)
    return total / count.reshape(n, *[1] * (values.dim() - 1))
