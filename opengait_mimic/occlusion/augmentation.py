"""Occlusion as a plain host transform, for any OpenGait YAML."""

from __future__ import annotations

import random
from typing import Optional

import numpy as np
import torch

from ..base.config import Flag, Share, read_value
from . import Occlusion, apply, binarise, clip_times, draw


class OcclusionAugmentation:
    """Hide part of the silhouettes of one transform call.

    The host calls a transform once per clip under ``fixed_*`` sampling, but once per **batch** (all clips of this process
    joined) under ``unfixed_*`` and ``all_*``: every clip then shares one draw. Where each clip needs its own, use the model
    ``Baseline2``. Our models occlude by themselves and refuse this transform.

    .. code-block:: yaml

        transform:
          - type: Compose
            trf_cfg:
              - type: BaseSilCuttingTransform
              - type: OcclusionAugmentation
                kinds: {none: 0.2, top: 0.4, bottom: 0.4}
                hidden: [0.4, 0.6]
                ordered: false

    Args:
        kinds: kind -> probability, adding up to 1; see `Occlusion.from_cfg` for this and the next ones.
        hidden: lowest and highest hidden share.
        binarise: threshold for a hard 0/1 result, or None to leave it.
        speed: of moving kinds.
        time_axis: of moving kinds where the sampling is unordered.
        ordered: the sampler is ``*_ordered``: moving kinds follow the frames' positions. A transform cannot see it.

    Shape:
        ``[s, h, w]`` numpy, values 0..1 (put it after BaseSilTransform or BaseSilCuttingTransform) -> the same, float32.

    As kornia's augmentations, it keeps the last parameters in ``_params`` and replays given ones: ``transform(other,
    params=transform._params)``. It does not enter kornia's containers: those apply one operation to every picture of a float tensor
    ``[B, C, H, W]``. Here a clip has one draw, a moving kind follows the time of each frame, and clips are numpy arrays of any length.

    Raises:
        ConfigError: a wrong argument.
        ValueError: values outside 0..1 (the division by 255 comes later or is missing), or another shape.
    """

    def __init__(self, kinds=None, hidden=(0.4, 0.6), binarise=0.5, speed=(0.5, 1.0), time_axis=100, ordered=False):
        """Check the arguments; see the class."""
        given = {"hidden": hidden, "speed": speed, "time_axis": time_axis}
        if kinds is not None:
            given["kinds"] = kinds
        self.ordered = read_value(Flag, ordered, "OcclusionAugmentation.ordered")
        self.occlusion = Occlusion.from_cfg(given, "OcclusionAugmentation")
        self.threshold = read_value(Optional[Share], binarise, "OcclusionAugmentation.binarise")

    def generate_parameters(self, frames: int) -> dict:
        """Draw for a clip of some frames: its ``draw``, and the ``times`` of its frames; from Python's generator, which the host seeds."""
        key = ("transform", random.getrandbits(64))
        chosen = draw(self.occlusion, key)
        return {"draw": chosen, "times": clip_times([chosen], [key], [frames], self.ordered, self.occlusion.time_axis)}

    def __call__(self, seq: np.ndarray, params: dict | None = None) -> np.ndarray:
        """Occlude one call's frames; ``params``: from `generate_parameters`, to replay them."""
        if seq.ndim != 3 or seq.size == 0 or not (seq.min() >= 0 and seq.max() <= 1):
            raise ValueError(
                f"OcclusionAugmentation expects [s, h, w] in 0..1, after BaseSil(Cutting)Transform; got shape {seq.shape}"
                + (f" with values {seq.min()} to {seq.max()}" if seq.size else "")
            )
        self._params = self.generate_parameters(len(seq)) if params is None else params
        sils = torch.from_numpy(np.ascontiguousarray(seq, dtype=np.float32))[None]  # [1, s, h, w]
        return binarise(apply(sils, [self._params["draw"]], times=self._params["times"]), self.threshold)[0].numpy()
