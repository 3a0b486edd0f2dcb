"""Transforms of silhouettes: NumPy ``[s, h, w]`` in and out, one draw per call."""

from __future__ import annotations

import inspect
import random

import numpy as np
import torch
from kornia.geometry.transform import (
    get_perspective_transform,
    get_rotation_matrix2d,
    warp_affine,
    warp_perspective,
)
from utils import get_valid_args


def get_transform(trf_cfg=None):
    """Build what a config block describes.

    Args:
        trf_cfg: a block with ``type`` (a name in this module), a list of blocks (a list is returned: one transform per
            input), or None (the identity).

    Raises:
        ValueError: anything else, or an unknown ``type``.
    """
    if trf_cfg is None:
        return lambda x: x
    if isinstance(trf_cfg, list):
        return [get_transform(block) for block in trf_cfg]
    if not isinstance(trf_cfg, dict):
        raise ValueError(f"transform: expected a block, a list of blocks or null, got {trf_cfg!r}")
    here = globals()
    kind = here.get(trf_cfg["type"])
    if not callable(kind):
        known = sorted(name for name, value in here.items() if inspect.isclass(value) and name[0] != "_")
        raise ValueError(f"transform.type = {trf_cfg['type']!r}; known: {', '.join(known)}")
    return kind(**get_valid_args(kind, trf_cfg, ["type"]))


class Compose:
    """Transforms one after the other.

    Args:
        trf_cfg: list of blocks.
    """

    def __init__(self, trf_cfg):
        self.transforms = get_transform(trf_cfg)

    def __call__(self, x):
        """Apply all."""
        for trf in self.transforms:
            x = trf(x)
        return x


def _divide(x, divsor):
    """Divide without going to double precision for integers."""
    return x / np.float32(divsor)


class BaseSilTransform:
    """Scales pixels.

    Args:
        divsor: divisor; 255 brings bytes to 0..1.
        img_shape: shape of a frame, for frames stored flat.
    """

    def __init__(self, divsor=255.0, img_shape=None):
        self.divsor, self.img_shape = divsor, img_shape

    def __call__(self, x):
        """Transform ``[s, ...]``."""
        return _divide(x if self.img_shape is None else x.reshape(len(x), *self.img_shape), self.divsor)


class BaseSilCuttingTransform:
    """Cuts columns off both sides and scales pixels.

    Args:
        divsor: divisor; 255 brings bytes to 0..1.
        cutting: columns per side; default ``w // 64 * 10``, which leaves 44 of 64.
    """

    def __init__(self, divsor=255.0, cutting=None):
        self.divsor, self.cutting = divsor, cutting

    def __call__(self, x):
        """Transform ``[s, h, w]``."""
        w = x.shape[-1]
        side = w // 64 * 10 if self.cutting is None else self.cutting
        return _divide(x[..., side : w - side], self.divsor)


class _Random:
    """A transform applied with a probability.

    Args:
        prob: probability, 0..1.
    """

    def __init__(self, prob=0.5):
        self.prob = prob

    def __call__(self, seq):
        """Transform ``[s, h, w]`` or leave it as it is."""
        return self.apply(seq) if random.uniform(0, 1) < self.prob else seq


class RandomHorizontalFlip(_Random):
    """Mirrors the clip.

    Args:
        prob: probability, 0..1.
    """

    def apply(self, seq):
        """Mirror; the result is a view."""
        return seq[..., ::-1]


def _warp(seq, function, matrix):
    """Warp all frames at once: they are the channels of one picture. The type of the pixels is kept."""
    h, w = seq.shape[-2:]
    picture = torch.from_numpy(np.ascontiguousarray(seq)).float().view(1, -1, h, w)
    out = function(picture, matrix, (h, w)).view(seq.shape).numpy()
    return np.rint(out).astype(seq.dtype) if np.issubdtype(seq.dtype, np.integer) else out.astype(seq.dtype, copy=False)


class RandomRotate(_Random):
    """Rotates the clip about its middle, all frames by the same angle.

    The middle is taken as ``(h // 2, w // 2)`` in x and y, as OpenGait does; for frames that are not square this is
    next to the middle.

    Args:
        prob: probability, 0..1.
        degree: largest angle, degrees.
    """

    def __init__(self, prob=0.5, degree=10):
        super().__init__(prob)
        self.degree = degree

    def apply(self, seq):
        """Rotate."""
        h, w = seq.shape[-2:]
        angle = torch.tensor([random.uniform(-self.degree, self.degree)])
        middle = torch.tensor([[float(h // 2), float(w // 2)]])
        return _warp(seq, warp_affine, get_rotation_matrix2d(middle, angle, torch.ones(1, 2)))


class RandomPerspective(_Random):
    """Stretches a random trapezoid of the clip over the whole frame.

    Its corners lie on the upper and lower edge, within ``w // 44 * 10`` columns of the sides.

    Args:
        prob: probability, 0..1.
    """

    def apply(self, seq):
        """Stretch."""
        h, w = seq.shape[-2:]
        margin = w // 44 * 10
        if margin == 0:
            return seq
        top_left, top_right, low_left, low_right = (random.choice(side) for side in (range(margin), range(w - margin, w)) * 2)
        source = torch.tensor([[[top_left, 0], [top_right, 0], [low_right, h], [low_left, h]]], dtype=torch.float32)
        target = torch.tensor([[[0, 0], [w, 0], [w, h], [0, h]]], dtype=torch.float32)
        return _warp(seq, warp_perspective, get_perspective_transform(source, target))
