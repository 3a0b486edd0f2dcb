"""Distances between embeddings."""

from __future__ import annotations

import torch
import torch.nn.functional as F

METRICS = ("euc", "cos")
BLOCK = 256  # probes handled at once


def _embeddings(x, side):
    x = torch.as_tensor(x).detach().to(torch.float32)
    if x.dim() != 3 or 0 in x.shape:
        raise ValueError(f"{side} embeddings have shape {list(x.shape)}; expected a non-empty [n, c, p]")
    if not torch.isfinite(torch.stack(x.aminmax())).all():
        broken = int((~torch.isfinite(x).flatten(1).all(1)).sum())
        raise ValueError(
            f"{side} embeddings: {broken} of {len(x)} rows hold NaN or infinity; "
            "no distance is defined for them, so look at the checkpoint and the input of those sequences"
        )
    return x


def check_embeddings(probe, gallery) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings of both sides as float32 on the probe's device; arguments and errors as `distance_matrix`."""
    x = _embeddings(probe, "probe")
    y = x if gallery is probe else _embeddings(gallery, "gallery").to(x.device)
    if x.shape[1:] != y.shape[1:]:
        raise ValueError(
            f"probe embeddings are [{len(x)}, c, p] = {list(x.shape)} and gallery embeddings {list(y.shape)}; "
            "c and p must be equal: were both made by the same model?"
        )
    return x, y


def distance_matrix(probe, gallery, metric: str = "euc") -> torch.Tensor:
    """Distance of every probe to every gallery embedding, as OpenGait's test defines it. To rank, `rank_probes` is many times faster.

    ``euc`` is the mean over the parts of the Euclidean distance per part, taken from differences. ``cos`` is 1 - the mean over the parts
    of the cosine per part (a zero part counts as cosine 0).

    Args:
        probe: embeddings of the probes, numpy or torch, any float type; computed in float32.
        gallery: embeddings of the gallery, in the same forms; the work is done on the probe's device.
        metric: ``euc`` or ``cos``.

    Shape:
        probe [P, c, p], gallery [G, c, p] -> float32 [P, G]

    Raises:
        ValueError: unknown metric, shapes that do not fit, or embeddings that are not finite.

    Example:
        >>> distance_matrix(torch.zeros(1, 2, 1), torch.tensor([[[3.0], [4.0]]]))
        tensor([[5.]])
    """
    if metric not in METRICS:
        raise ValueError(f"metric = {metric!r}; expected one of {list(METRICS)}")
    x, y = check_embeddings(probe, gallery)
    if metric == "cos":
        x, y = F.normalize(x, dim=1), F.normalize(y, dim=1)
    parts = x.shape[2]
    out = torch.zeros(len(x), len(y), device=x.device)  # [P, G]
    for rows, part in zip(x.split(BLOCK), out.split(BLOCK)):  # part is a view of out
        for i in range(parts):
            a, b = rows[:, :, i].contiguous(), y[:, :, i].contiguous()  # [BLOCK, c], [G, c]
            if metric == "cos":
                part += a @ b.T
            else:
                part += torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    out /= parts
    return 1 - out if metric == "cos" else out
