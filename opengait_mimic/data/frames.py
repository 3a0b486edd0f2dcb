"""Facts of the frames in one file: their sizes, their values, and what tells silhouettes from other inputs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .safe_pickle import PickleError

POINT_COLUMNS = 8
"""Numbers of a point or joint at most (x, y, z, reflectance, ...). The columns of a silhouette are more."""


class Frames(NamedTuple):
    """The facts of one file.

    Attributes:
        name: of the file.
        count: frames.
        sizes: the different sizes of its frames, ``(h, w)`` for silhouettes. Only a list can hold several.
        dtype: its short name, for example ``|u1``.
        low, high: smallest and largest value; NaN where one of them is.
        blank: frames in which everything is 0.
        inverted: most corners of the frames are bright, as no body reaches them.
    """

    name: str
    count: int
    sizes: tuple[tuple, ...]
    dtype: str
    low: float
    high: float
    blank: int = 0
    inverted: bool = False

    @property
    def size(self) -> tuple:
        """The size of the first frame."""
        return self.sizes[0]


def list_frame_sizes(frames) -> list[tuple]:
    """The different sizes of the frames in an array ``[s, ...]`` or a list of s items; a number has the size ``()``."""
    if isinstance(frames, np.ndarray):
        return [frames.shape[1:]]
    return list(dict.fromkeys(map(_size_of, frames))) if isinstance(frames, (list, tuple)) else []


def _size_of(item) -> tuple:
    shape = getattr(item, "shape", None)
    if isinstance(shape, tuple):
        return shape
    return (len(item),) if isinstance(item, (list, tuple)) else ()


def are_points(sizes: list[tuple]) -> bool:
    """Are these the sizes of point clouds ``[points, numbers]``? Every frame may have another number of points."""
    return all(len(size) == 2 and size[1] <= POINT_COLUMNS for size in sizes)


def format_size(size: tuple) -> str:
    """``64x44``."""
    return "x".join(map(str, size)) or "a number"


def format_sizes(sizes: list[tuple]) -> str:
    """The first four sizes: ``64x44, 32x16``."""
    return ", ".join(map(format_size, sizes[:4])) + (", ..." if len(sizes) > 4 else "")


def describe_frames(name: str, frames: np.ndarray | list | tuple) -> Frames:
    """The facts of what `load_frames` read from a file.

    Raises:
        PickleError: a list of numbers that no array can hold, or of empty frames.
    """
    sizes = list_frame_sizes(frames)
    differ = len(sizes) > 1
    values = np.concatenate([np.ravel(item) for item in frames]) if differ else np.asarray(frames)
    if values.dtype.kind not in "biuf":
        raise PickleError("not an array", f"a list of numbers that no array can hold ({values.dtype})")
    if not values.size:
        raise PickleError("no frames", "a list of frames without pixels")
    highs = values.reshape(len(values), -1).max(1)
    low, high = float(values.min()), float(highs.max())
    facts = Frames(name, len(frames), tuple(sizes), values.dtype.str, low, high)
    if differ:
        return facts
    blank = int(np.count_nonzero(highs == 0)) if low == 0 else 0
    bright = values.ndim == 3 and low < high and np.mean(values[:, [0, 0, -1, -1], [0, -1, 0, -1]] > high / 2) > 0.5
    return facts._replace(blank=blank, inverted=bool(bright))
