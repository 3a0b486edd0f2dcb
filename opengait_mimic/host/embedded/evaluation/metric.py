"""Distances between part embeddings, and how early a ranking meets the mates."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from utils import runtime


def cuda_dist(x, y, metric="euc"):
    """Distances between two sets of part embeddings, on the runtime's device.

    Args:
        x: probes, array or tensor.
        y: gallery, array or tensor.
        metric: ``euc``, the mean over the parts of the Euclidean distance per part, or ``cos``, 1 - mean cosine.

    Shape:
        x ``[n_x, c, p]``, y ``[n_y, c, p]``; result ``[n_x, n_y]``.

    Raises:
        ValueError: another `metric`.
    """
    if metric not in ("euc", "cos"):
        raise ValueError(f"metric = {metric!r}; allowed: euc, cos")
    x, y = (torch.as_tensor(np.asarray(v) if not torch.is_tensor(v) else v).to(runtime.device) for v in (x, y))
    if metric == "cos":
        x, y = F.normalize(x, dim=1), F.normalize(y, dim=1)
    total = x.new_zeros(len(x), len(y))
    for a, b in zip(x.unbind(2), y.unbind(2)):  # [n_x, c], [n_y, c]
        if metric == "cos":
            total.addmm_(a, b.T)
        else:
            squared = a.square().sum(1)[:, None] + b.square().sum(1)
            squared -= 2 * (a @ b.T)
            total += squared.relu_().sqrt_()
    mean = total / x.size(2)
    return 1 - mean if metric == "cos" else mean


def precision(distances, mates):
    """Average precision and inverse negative penalty of one probe.

    With ``n`` mates, the i-th of them at place ``k_i`` of the ranking: mean of ``i / k_i``, and ``n / k_n``.

    Args:
        distances: to each gallery clip.
        mates: which of these are of the probe's subject; at least one.

    Shape:
        distances ``[g]``, mates ``[g]`` bool

    Returns:
        tuple: the two, 0..1.
    """
    places = np.flatnonzero(mates[np.argsort(distances)]) + 1
    found = np.arange(1, len(places) + 1) / places
    return found.mean(), found[-1]
