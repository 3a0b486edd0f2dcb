"""The time of every frame, which moving occlusion follows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .draws import Draw, uniforms
from .kinds import MOVING


def drawn_times(key: Sequence[object], count: int, axis: int = 100) -> list[int]:
    """``count`` different frame times, in random order: the first steps of a Fisher-Yates shuffle of 0..axis-1.

    Step i swaps places i and ``i + floor(u_i * (axis - i))``, with u the `uniforms` of the key and the word ``time``. A clip of
    more frames than the axis has stretches it to its own length.

    Example:
        >>> drawn_times(("k", 0), 4, 10)
        [8, 4, 3, 9]
    """
    axis = max(axis, count)
    order = list(range(axis))
    for i, u in enumerate(uniforms((*key, "time"), count)):
        j = i + int(u * (axis - i))
        order[i], order[j] = order[j], order[i]
    return order[:count]


def clip_times(
    draws: Sequence[Draw],
    keys: Sequence[Sequence],
    lengths: Sequence[int],
    ordered: bool,
    axis: int = 100,
) -> Tensor:
    """The time of every frame of a batch, in frames: its position in the clip, or `drawn_times` for moving kinds without order.

    Args:
        draws: one per clip.
        keys: the draws' keys.
        lengths: frames of each clip.
        ordered: the sampling keeps the frames' order (``*_ordered``).
        axis: length of the time axis, for unordered sampling.

    Returns:
        long ``[S]`` on the CPU, S = sum of the lengths.
    """
    times: list[int] = []
    for d, key, length in zip(draws, keys, lengths):
        times += range(length) if ordered or d.kind not in MOVING else drawn_times(key, length, axis)
    return torch.tensor(times, dtype=torch.long)
