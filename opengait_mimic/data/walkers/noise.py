"""What segmentation does to a silhouette: ragged edges, a mask too fat or too thin, missing bits, stray blobs."""

from __future__ import annotations

import numpy as np

from .random_stream import RandomStream
from .render import fill_rows, find_extents, round_pixels


def add_noise(discs: np.ndarray, hulls: list[tuple[int, ...]], draws: RandomStream) -> np.ndarray:
    """Fill the hulls as a segmentation network might have seen them.

    Args:
        discs: (x, y, radius) in pixels, float32 ``[s, p, 3]``.
        hulls: indices of the discs of each hull.
        draws: where the noise comes from.

    Returns:
        bool ``[s, HEIGHT, WIDTH]``.
    """
    s = len(discs)
    worn = discs.copy()
    worn[..., 2] = np.maximum(worn[..., 2] + round_pixels(draws.bell(0.1, 0.35, (s, 1))), np.float32(0.5))
    left, right = find_extents(worn, hulls)
    left, right = left + _ragged(left.shape, draws), right + _ragged(left.shape, draws)
    blobs = _specks(discs, draws, count=3, chance=0.10, radius=(0.8, 2.2), away=(0.9, 2.2))
    bits = _specks(discs, draws, count=4, chance=0.13, radius=(1.0, 3.3), away=(0.3, 1.3))
    specks = np.concatenate([blobs, bits], 1)  # [s, 7, 3]
    ends = zip((left, right), find_extents(specks, [(i,) for i in range(7)]))
    return fill_rows(*(np.concatenate(pair) for pair in ends), cut=4)


def _ragged(shape: tuple[int, ...], draws: RandomStream) -> np.ndarray:
    """Offsets of an edge in pixels: alike in neighbouring rows."""
    k, s, h = shape
    u = draws.uniform(-0.8, 0.8, (k, s, h // 2 + 1))
    return round_pixels(np.stack([u[..., :-1], (u[..., 1:] + u[..., :-1]) * 0.5], -1).reshape(shape))


def _specks(discs, draws: RandomStream, count: int, chance: float, radius: tuple, away: tuple) -> np.ndarray:
    """Small discs near random discs of the body, ``away`` in radii of that disc from its centre."""
    s, p, _ = discs.shape
    host = np.take_along_axis(discs, (draws.uniform(0, p, (s, count)).astype(np.int64))[..., None], 1)  # [s, count, 3]
    angle, far = draws.uniform(0, 2 * np.pi, (s, count)), draws.uniform(*away, (s, count))
    r = np.where(draws.uniform(size=(s, count)) < chance, draws.uniform(*radius, (s, count)), 0.0)
    x = host[..., 0] + far * host[..., 2] * np.cos(angle)
    y = host[..., 1] + far * host[..., 2] * np.sin(angle)
    return round_pixels(np.stack([x, y, r], -1))
