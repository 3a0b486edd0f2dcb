"""Retrieval: distances between embeddings, Rank-k, and relative performance. Pure torch and numpy, no host."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

METRICS = ("euc", "cos")


@dataclass(frozen=True)
class RankResult:
    """Outcome of ``rank_k``: ``accuracy`` maps k to percent (0..100); the counts are numbers of probes."""

    accuracy: dict[int, float]
    probes: int
    probes_without_mate: int


class RelativePerformance(NamedTuple):
    """Outcome of ``relative_performance``: a ratio, or None together with the reason."""

    value: float | None
    reason: str | None


def _embeddings(x, side):
    x = torch.as_tensor(x).detach().to(torch.float32)
    if x.dim() != 3 or 0 in x.shape:
        raise ValueError(f"{side} embeddings have shape {list(x.shape)}; expected a non-empty [n, c, p]")
    broken = int((~torch.isfinite(x).flatten(1).all(1)).sum())
    if broken:
        raise ValueError(
            f"{side} embeddings: {broken} of {len(x)} rows hold NaN or infinity; "
            "no distance is defined for them, so look at the checkpoint and the input of those sequences"
        )
    return x


def distance_matrix(probe, gallery, metric: str = "euc", block: int = 256) -> torch.Tensor:
    """Distance of every probe to every gallery embedding, as OpenGait's test defines it.

    ``euc`` is the mean over the parts of the Euclidean distance per part; ``cos`` is 1 - the mean over the parts of the
    cosine per part (a zero part counts as cosine 0). Euclidean distances come from differences, not from the expanded
    square, so equal embeddings are exactly 0 apart and equal distances tie exactly.

    Args:
        probe: embeddings of the probes, numpy or torch, any float type; computed in float32.
        gallery: embeddings of the gallery, likewise; the work is done on the probe's device.
        metric: ``euc`` or ``cos``.
        block: probes handled at once, >= 1; bounds the working memory, does not change the result.

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
    if block < 1:
        raise ValueError(f"block = {block}; expected an integer >= 1")
    x = _embeddings(probe, "probe")
    y = _embeddings(gallery, "gallery").to(x.device)
    if x.shape[1:] != y.shape[1:]:
        raise ValueError(
            f"probe embeddings are [{len(x)}, c, p] = {list(x.shape)} and gallery embeddings {list(y.shape)}; "
            "c and p must be equal: were both made by the same model?"
        )
    if metric == "cos":
        x, y = F.normalize(x, dim=1), F.normalize(y, dim=1)
    parts = x.shape[2]
    out = torch.zeros(len(x), len(y), device=x.device)  # [P, G]
    for rows, part in zip(x.split(block), out.split(block)):  # part is a view of out
        for i in range(parts):
            a, b = rows[:, :, i].contiguous(), y[:, :, i].contiguous()  # [block, c], [G, c]
            if metric == "cos":
                part += a @ b.T
            else:
                part += torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    out /= parts
    return 1 - out if metric == "cos" else out


def mate_rank(distance, probe_labels, gallery_labels, exclude=None) -> np.ndarray:
    """Rank (1 = first) at which each probe meets the first gallery sequence of its own subject; 0 = no mate.

    A stranger at the same distance as the mate is placed before it (pessimistic), so the result does not depend on the
    order of the gallery and embeddings that collapsed to one point score zero.

    Args:
        distance: distances, numpy or torch, finite.
        probe_labels: subject of each probe (strings or integers).
        gallery_labels: subject of each gallery sequence.
        exclude: bool mask of pairs to leave out, e.g. those of identical view; None = use all.

    Shape:
        distance [P, G], probe_labels [P], gallery_labels [G], exclude [P, G] -> int64 [P]

    Raises:
        ValueError: empty or unfitting inputs, or distances that are not finite.
    """
    d = torch.as_tensor(distance)
    probe_labels, gallery_labels = np.asarray(probe_labels), np.asarray(gallery_labels)
    if d.dim() != 2 or 0 in d.shape:
        raise ValueError(f"distance has shape {list(d.shape)}; expected [P, G] with at least one probe and one gallery")
    if probe_labels.shape != d.shape[:1] or gallery_labels.shape != d.shape[1:]:
        raise ValueError(
            f"distance is {list(d.shape)}, but there are {list(probe_labels.shape)} probe labels and "
            f"{list(gallery_labels.shape)} gallery labels; expected [P] and [G]"
        )
    if (probe_labels.dtype.kind in "iu") != (gallery_labels.dtype.kind in "iu"):
        raise ValueError(
            f"probe labels are {probe_labels.dtype} and gallery labels {gallery_labels.dtype}; "
            "they never match: give both as strings or both as integers"
        )
    if not torch.isfinite(d).all():
        raise ValueError(f"distance: {int((~torch.isfinite(d)).sum())} of {d.numel()} values are NaN or infinite")
    if exclude is not None:
        exclude = torch.as_tensor(exclude)
        if exclude.shape != d.shape or exclude.dtype != torch.bool:
            raise ValueError(f"exclude is {exclude.dtype} {list(exclude.shape)}; expected bool {list(d.shape)}")

    codes = np.unique(np.concatenate([probe_labels, gallery_labels]), return_inverse=True)[1]
    codes = torch.from_numpy(codes.reshape(-1)).to(d.device)
    p_codes, g_codes = codes[: d.shape[0]], codes[d.shape[0] :]
    ranks = []
    for start in range(0, len(d), 1024):  # bounds the memory of the masks
        rows = slice(start, start + 1024)
        mate = p_codes[rows, None] == g_codes[None]  # [block, G]
        stranger = ~mate
        if exclude is not None:
            used = ~exclude[rows].to(d.device)
            mate, stranger = mate & used, stranger & used
        nearest = d[rows].masked_fill(~mate, math.inf).amin(1, keepdim=True)  # [block, 1]
        before = (stranger & (d[rows] <= nearest)).sum(1)
        ranks.append(torch.where(mate.any(1), before + 1, 0))
    return torch.cat(ranks).cpu().numpy()


def rank_k(distance, probe_labels, gallery_labels, ks=(1, 5, 10, 20), exclude=None) -> RankResult:
    """Rank-k accuracy: share of the probes with a mate among their k nearest gallery sequences.

    A probe without any mate in the gallery is a failure at every k, as in OpenGait's GREW evaluation, and is counted
    in ``probes_without_mate``. (OpenGait's Gait3D evaluation leaves such probes out; its official lists have none, so
    the figures agree.) Ties are pessimistic, see ``mate_rank``. A k beyond the gallery's size is allowed: every probe
    that has a mate is then a hit.

    Args:
        distance: distances, numpy or torch, finite.
        probe_labels: subject of each probe (strings or integers).
        gallery_labels: subject of each gallery sequence.
        ks: the k's, each an integer >= 1.
        exclude: bool mask of pairs to leave out, e.g. those of identical view; None = use all.

    Shape:
        distance [P, G], probe_labels [P], gallery_labels [G], exclude [P, G]

    Raises:
        ValueError: as ``mate_rank``, or a k that is not an integer >= 1.

    Example:
        >>> rank_k([[0.1, 0.2], [0.1, 0.2]], ["a", "b"], ["a", "b"], ks=(1, 2)).accuracy
        {1: 50.0, 2: 100.0}
    """
    ks = tuple(ks)
    if not ks or any(isinstance(k, bool) or k != int(k) or k < 1 for k in ks):
        raise ValueError(f"ks = {ks}; expected at least one integer >= 1")
    rank = mate_rank(distance, probe_labels, gallery_labels, exclude)
    mated = rank > 0
    accuracy = {int(k): 100.0 * float(np.mean(mated & (rank <= k))) for k in ks}
    return RankResult(accuracy, len(rank), int(np.sum(~mated)))


def relative_performance(op: float, hp: float | None) -> RelativePerformance:
    """Relative performance RP = OP / HP: what occlusion leaves of the whole-body score.

    Args:
        op: occluded performance, percent (0..100).
        hp: holistic performance of the backbone's teacher (Baseline-1) at the same k, percent (0..100); None = unknown.

    Returns:
        The ratio (1 = nothing lost), or None with the reason why there is none.

    Raises:
        ValueError: a score outside 0..100.

    Source:
        MimicGait (WACV 2025), Eq. 3.

    Example:
        >>> relative_performance(30.0, 60.0)
        RelativePerformance(value=0.5, reason=None)
    """
    for name, score in (("op", op), ("hp", hp)):
        if score is not None and not 0 <= score <= 100:
            raise ValueError(f"{name} = {score}; expected a score in percent, 0..100")
    if hp is None:
        return RelativePerformance(None, "no holistic score of the backbone's teacher (Baseline-1) was given")
    if hp == 0:
        return RelativePerformance(None, "the holistic score of the backbone's teacher (Baseline-1) is 0")
    return RelativePerformance(op / hp, None)
