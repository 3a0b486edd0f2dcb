"""What is seen of frames at little cost: whether those of a list are alike, and whether pictures look like silhouettes."""

from __future__ import annotations

import numpy as np

POINT = 8
"""Numbers that a point or a joint has at most (x, y, z, reflectance, ...); the columns of a silhouette are more."""
LOOKED_AT = 16
"""Frames of a sequence that `shares` looks at, spread over all of it."""


def size_of(item) -> tuple:
    """The size of one frame of a list: an array, a list of numbers, or a number, ``()``."""
    shape = getattr(item, "shape", None)
    if isinstance(shape, tuple):
        return shape
    return (len(item),) if isinstance(item, (list, tuple)) else ()


def are_points(items) -> bool:
    """Is a list one of point clouds ``[points, numbers]``, of which every frame may have another number of points?"""
    return all(len(size) == 2 and size[1] <= POINT for size in map(size_of, items))


def unlike(items) -> str:
    """The sizes of a list's frames where there is more than one, as ``64x64, 32x16, a number``; else nothing."""
    sizes = list(dict.fromkeys(map(size_of, items)))
    if len(sizes) < 2:
        return ""
    return ", ".join("x".join(map(str, size)) or "a number" for size in sizes[:4]) + (", ..." if len(sizes) > 4 else "")


def shares(frames: np.ndarray, high: float) -> tuple[float, float]:
    """How much of the frames' edges is bright, and how much of the frames is dark grey.

    Args:
        frames: ``[s, h, w]``, 0 to ``high``; 16 of them are looked at.

    Returns:
        The share of the pixels of the four edges that are above half of ``high``, and that of all pixels between a tenth and half. (Those
        above half are as many where outlines are smoothed, and every further look costs time.)
    """
    some = frames[:: -(-len(frames) // LOOKED_AT)]
    if some.dtype.kind == "b":
        some = some.view(np.uint8)
    s, h, w = some.shape
    tenth, half = high / 10, high / 2
    if some.dtype.kind != "f":
        tenth, half = int(tenth), int(half)  # compared as they are stored
    bright = some > half
    count = np.count_nonzero(bright)
    edge = count - np.count_nonzero(bright[:, 1:-1, 1:-1])
    return edge / (s * (h * w - max(h - 2, 0) * max(w - 2, 0))), (np.count_nonzero(some > tenth) - count) / some.size
