"""What a ranking by distance is worth: Rank-k, average precision, inverse negative penalty."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class RankResult:
    """Outcome of ``rank_k``: ``accuracy`` maps k to percent (0..100); the counts are numbers of probes."""

    accuracy: dict[int, float]
    probes: int
    probes_without_mate: int


def _blocks(distance, probe_labels, gallery_labels, exclude):
    """Check, then yield block by block: distances, which pairs are mates, which strangers, each [block, G]."""
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
    for start in range(0, len(d), 1024):  # bounds the memory of the masks
        rows = slice(start, start + 1024)
        mate = p_codes[rows, None] == g_codes[None]
        stranger = ~mate
        if exclude is not None:
            used = ~exclude[rows].to(d.device)
            mate, stranger = mate & used, stranger & used
        yield d[rows], mate, stranger


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
    ranks = []
    for d, mate, stranger in _blocks(distance, probe_labels, gallery_labels, exclude):
        nearest = d.masked_fill(~mate, math.inf).amin(1, keepdim=True)  # [block, 1]
        before = (stranger & (d <= nearest)).sum(1)
        ranks.append(torch.where(mate.any(1), before + 1, 0))
    return torch.cat(ranks).cpu().numpy()


def rank_k(distance, probe_labels, gallery_labels, ks=(1, 5, 10, 20), exclude=None, mates_only=False) -> RankResult:
    """Rank-k accuracy: share of the probes with a mate among their k nearest gallery sequences.

    A probe without any mate in the gallery is a failure at every k, as in OpenGait's GREW evaluation, or is left out with
    ``mates_only``, as in its Gait3D evaluation (whose official lists have none); either way it is counted in
    ``probes_without_mate``. Ties are pessimistic, see ``mate_rank``. A k beyond the gallery's size is allowed: every probe
    that has a mate is then a hit.

    Args:
        distance: distances, numpy or torch, finite.
        probe_labels: subject of each probe (strings or integers).
        gallery_labels: subject of each gallery sequence.
        ks: the k's, each an integer >= 1.
        exclude: bool mask of pairs to leave out, e.g. those of identical view; None = use all.
        mates_only: take the share of the probes that have a mate.

    Shape:
        distance [P, G], probe_labels [P], gallery_labels [G], exclude [P, G]

    Raises:
        ValueError: as ``mate_rank``, with ``mates_only`` no probe with a mate, or a k that is not an integer >= 1.

    Example:
        >>> rank_k([[0.1, 0.2], [0.1, 0.2]], ["a", "b"], ["a", "b"], ks=(1, 2)).accuracy
        {1: 50.0, 2: 100.0}
    """
    ks = tuple(ks)
    if not ks or any(isinstance(k, bool) or k != int(k) or k < 1 for k in ks):
        raise ValueError(f"ks = {ks}; expected at least one integer >= 1")
    rank = mate_rank(distance, probe_labels, gallery_labels, exclude)
    mated = rank > 0
    if mates_only and not mated.any():
        raise ValueError(f"none of the {len(rank)} probes has a mate in the gallery, so there is no Rank-k over those that have one")
    counted = rank[mated] if mates_only else rank
    accuracy = {int(k): 100.0 * float(np.mean((counted > 0) & (counted <= k))) for k in ks}
    return RankResult(accuracy, len(rank), int(np.sum(~mated)))


def precision(distance, probe_labels, gallery_labels, exclude=None) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and inverse negative penalty of each probe; their means are mAP and mINP.

    With n mates of which the i-th stands at place k_i, AP is the mean of i / k_i and INP is n / k_n: how far down the
    hardest mate stands. Ties are pessimistic, see ``mate_rank``.

    Args:
        distance: distances, numpy or torch, finite.
        probe_labels: subject of each probe (strings or integers).
        gallery_labels: subject of each gallery sequence.
        exclude: bool mask of pairs to leave out; None = use all.

    Shape:
        distance [P, G], probe_labels [P], gallery_labels [G], exclude [P, G] -> float64 [P], float64 [P]

    Returns:
        AP and INP, 0..1; NaN for a probe without a mate.

    Raises:
        ValueError: as ``mate_rank``.

    Source:
        mINP: Ye et al., "Deep Learning for Person Re-identification: A Survey and Outlook" (TPAMI 2022), section 4.

    Example:
        >>> precision([[0.1, 0.2, 0.3]], ["a"], ["a", "b", "a"])
        (array([0.83333333]), array([0.66666667]))
    """
    found = []
    for d, mate, stranger in _blocks(distance, probe_labels, gallery_labels, exclude):
        mates, strangers = (d.masked_fill(~side, math.inf).sort(1).values for side in (mate, stranger))
        nth = torch.arange(1, d.shape[1] + 1, device=d.device)
        count = mate.sum(1, keepdim=True)
        share = nth / (nth + torch.searchsorted(strangers, mates, right=True)).double()  # i / k_i up to the last mate
        total = share.masked_fill(nth > count, 0).sum(1)
        last = share.gather(1, (count - 1).clamp(min=0)).squeeze(1)
        n = count.squeeze(1)
        found.append(torch.where(n > 0, torch.stack([total / n, last]), math.nan))
    ap, inp = torch.cat(found, 1).cpu().numpy()
    return ap, inp
