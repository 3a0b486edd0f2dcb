"""Distances between part embeddings."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

DISTANCES = ("parts", "euclidean", "centred", "l2")


def pair_distances(x: Tensor, y: Tensor, distance: str = "parts", centre: Tensor | None = None) -> Tensor:
    """Euclidean distances between part embeddings.

    Args:
        x: embeddings.
        y: embeddings.
        distance: ``parts``: per part, un-normalised, as OpenGait's triplet loss and test metric; ``euclidean``: of the
            flattened parts; ``l2``: of the flattened parts after L2 normalisation (range 0..2, the public code's);
            ``centred``: as ``l2`` after subtracting ``centre``.
        centre: ``[c, p]``, for ``centred``.

    Shape:
        ``[n, c, p]`` and ``[m, c, p]`` -> ``[p, n, m]`` for ``parts``, else ``[1, n, m]``; float32. Differences are taken
        directly (no expanded squares), so equal rows are at exactly 0, with gradient 0.
    """
    x, y = x.float(), y.float()
    if distance == "parts":
        x, y = x.permute(2, 0, 1), y.permute(2, 0, 1)  # [p, n, c]
    else:
        if distance == "centred":
            x, y = x - centre.float(), y - centre.float()
        x, y = x.flatten(1)[None], y.flatten(1)[None]  # [1, n, c*p]
        if distance != "euclidean":
            x, y = F.normalize(x, dim=-1), F.normalize(y, dim=-1)
    return torch.cdist(x.contiguous(), y.contiguous(), compute_mode="donot_use_mm_for_euclid_dist")
