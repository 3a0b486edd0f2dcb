"""Verification: are two sequences of the same subject? ROC, TAR at a FAR, EER."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from .distances import check_embeddings
from .pairings import check_sides, pair_searches
from .postprocessing import subset_distances
from .rank_search import split_probes

TARGETS = (0.01, 0.001)
"""The false accept rates that TAR is reported at."""
COARSE = 1e-3  # an error bound above this share of the distance calls for the exact one
GRID = np.geomspace(1e-5, 1, 101)
"""The false accept rates of a reported ROC: twenty a decade."""


class NoPairs(ValueError):
    """Without a genuine and an impostor pair there is nothing to verify."""


class Verification(NamedTuple):
    """The scores of verification.

    A pair is accepted where its distance is at most a threshold. FAR is the share of the impostor pairs (different subjects)
    accepted, TAR that of the genuine pairs. TAR at a FAR is taken at the largest threshold whose FAR is not above it, without
    interpolation. EER is where FAR = 1 - TAR on the line through the points of the ROC.
    """

    tar_at_far: dict[float, float]  # FAR 0..1 -> TAR in percent
    eer: float  # percent
    roc: list[tuple[float, float]]  # (FAR 0..1, TAR at it in percent) at the rates of GRID
    genuine: int  # pairs
    impostor: int
    fewest: int  # impostor pairs of the subset with the fewest: no FAR below one of these is measured

    def as_json(self) -> dict:
        """The same as JSON holds it: ``tar`` (FAR as text -> percent), ``eer``, ``roc``, ``genuine``, ``impostor``.

        A FAR below one impostor pair is none: its ``tar`` is None, and ``tar_reason`` (FAR as text -> text) says why.
        """
        fine = {far: far * self.fewest >= 1 for far in self.tar_at_far}
        tar = {f"{far:g}": value if fine[far] else None for far, value in self.tar_at_far.items()}
        values = {"tar": tar, "eer": self.eer, "roc": [list(p) for p in self.roc], "genuine": self.genuine, "impostor": self.impostor}
        coarse = {f"{far:g}": f"{self.fewest} impostor pairs are too few for a FAR of {far:g}" for far in fine if not fine[far]}
        return {**values, "tar_reason": coarse} if coarse else values


def verify_split(split, probe_embeddings, gallery_embeddings, labels, views, metric: str = "euc", post: str | None = None) -> Verification:
    """Verify every probe against every gallery sequence of a split.

    Pairs are those that the protocol ranks: in a cross-view protocol those of different views. The pairs of a subset are pooled; TAR,
    EER and ROC are the mean over the subsets. Impostor distances are counted between the sorted genuine distances and never held, so the
    memory is that of `rank_probes` plus some bytes per genuine pair. Genuine distances are exact. An impostor's is taken at the lower end
    of its error bound (see `Screen`), and is exact where that bound is above 1e-3 of it. So FAR is never understated.

    Args:
        split: what ``opengait_mimic.metrics.protocols.split`` returns.
        probe_embeddings: embeddings of all N sequences as the probe side sees them, numpy or torch.
        gallery_embeddings: the same N sequences as the gallery side sees them.
        labels: subject of each sequence.
        views: view of each sequence.
        metric: ``euc`` or ``cos``.
        post: a name of `POST`; None = none.

    Shape:
        probe_embeddings, gallery_embeddings [N, c, p]; labels, views [N]

    Raises:
        ValueError: as `rank_probes`. NoPairs: a subset without a genuine or an impostor pair.
    """
    x, y, labels, views = check_sides(split, probe_embeddings, gallery_embeddings, labels, views, metric)
    found = []
    for subset, masks in split.subsets.items():
        apart = subset_distances(post, x, y, *map(np.flatnonzero, masks), metric)
        found.append(_of_subset(apart, pair_searches(split, subset, labels, views, x.device), subset))
    return Verification(
        {far: float(np.mean([v.tar_at_far[far] for v in found])) for far in TARGETS},
        float(np.mean([v.eer for v in found])),
        [(far, float(np.mean(tars))) for far, tars in zip(GRID.tolist(), zip(*([t for _, t in v.roc] for v in found)))],
        sum(v.genuine for v in found),
        sum(v.impostor for v in found),
        min(v.fewest for v in found),
    )


def verify_pairs(probe_embeddings, gallery_embeddings, pairs, labels, metric: str = "euc", post: str | None = None) -> Verification:
    """Verify a list of pairs, all with exact distances.

    Args:
        probe_embeddings: embeddings of all N sequences as the probe side sees them, numpy or torch.
        gallery_embeddings: the same N sequences as the gallery side sees them.
        pairs: (index of the probe, index of the gallery sequence) of each pair.
        labels: subject of each sequence; a pair is genuine where they are equal.
        metric: ``euc`` or ``cos``.
        post: a name of `POST`, whose probes and gallery are those that the list names; None = none.

    Shape:
        probe_embeddings, gallery_embeddings [N, c, p]; pairs [M, 2]; labels [N]

    Raises:
        ValueError: shapes that do not fit, an index out of range. NoPairs: a list without a genuine or an impostor pair.
    """
    x, y = check_embeddings(probe_embeddings, gallery_embeddings)
    pairs, labels = np.asarray(pairs), np.asarray(labels)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.min(initial=0) < 0 or pairs.max(initial=-1) >= min(len(x), len(y), len(labels)):
        raise ValueError(f"pairs are {list(pairs.shape)}; expected [M, 2] of indices of the {len(labels)} sequences")
    (probes, i), (galleries, j) = (np.unique(side, return_inverse=True) for side in pairs.T)
    i, j = (torch.from_numpy(side.reshape(-1)).to(x.device) for side in (i, j))
    distance = subset_distances(post, x, y, probes, galleries, metric)(probes, galleries).exact(i, j).cpu().numpy()
    same = labels[pairs[:, 0]] == labels[pairs[:, 1]]
    genuine, impostor = np.sort(distance[same]), np.sort(distance[~same])
    below, upto = (np.searchsorted(impostor, np.unique(genuine), side) for side in ("left", "right"))
    return _scored(genuine, below, upto, len(impostor), "the list")


def _of_subset(apart, searches, subset):
    genuine = []
    for distances, rows, mate, _ in _blocks(apart, searches):
        row, column = mate.nonzero(as_tuple=True)
        genuine.append(distances.exact(rows.start + row, column).cpu().numpy())
    genuine = np.sort(np.concatenate(genuine))
    steps = np.unique(genuine)
    below, upto, impostors = np.zeros(len(steps), dtype=np.int64), np.zeros(len(steps), dtype=np.int64), 0
    for distances, rows, _, stranger in _blocks(apart, searches):
        distance, error = distances.distances_with_error(rows)
        low = distance - error
        row, column = ((error > COARSE * distance) & stranger).nonzero(as_tuple=True)
        low[row, column] = distances.exact(rows.start + row, column)
        low = np.sort(low[stranger].cpu().numpy())
        below += np.searchsorted(low, steps, "left")
        upto += np.searchsorted(low, steps, "right")
        impostors += len(low)
    return _scored(genuine, below, upto, impostors, f"subset {subset!r}")


def _blocks(apart, searches):
    """Search by search, block by block: the distances of the search, the block's rows, its mates and strangers."""
    for p, g, paired in searches:
        distances = apart(p, g)
        for rows in split_probes(*paired.shape):
            yield distances, rows, *paired(rows)


def _scored(genuine, below, upto, impostors, where):
    """From sorted genuine distances, and how many impostors are nearer than each different one of them, or not farther."""
    if not len(genuine) or not impostors:
        raise NoPairs(f"{where}: {len(genuine)} genuine and {impostors} impostor pairs; verification needs both")
    accepted = np.cumsum(np.unique(genuine, return_counts=True)[1]) / len(genuine)  # TAR at each different distance
    far = upto / impostors

    def tar_at(target):
        k = np.searchsorted(far, target, "right")
        return 100 * float(accepted[k - 1]) if k else 0.0

    # the corners of the staircase: before and at each genuine distance
    x = np.concatenate([[0.0], np.stack([below / impostors, far], 1).reshape(-1), [1.0]])
    y = np.concatenate([[0.0], np.stack([np.append(0.0, accepted[:-1]), accepted], 1).reshape(-1), [1.0]])
    gap = x - (1 - y)  # FAR - FRR, rising
    k = int(np.argmax(gap >= 0))
    eer = 100 * float(x[k - 1] - gap[k - 1] / (gap[k] - gap[k - 1]) * (x[k] - x[k - 1]))
    return Verification({t: tar_at(t) for t in TARGETS}, eer, [(t, tar_at(t)) for t in GRID.tolist()], len(genuine), *2 * [int(impostors)])
