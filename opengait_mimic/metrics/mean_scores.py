"""Mean scores of trials: Rank-k, CMC, mAP and mINP, over all trials, by kind or by view."""

from __future__ import annotations

import numpy as np

from .ranks import Trials


class Cells:
    """What the mean over trials is taken in: first within each (subset, group), then over the groups, then over the subsets.

    Args:
        trials: from `rank_probes`.

    Attributes:
        of: the cell of each trial, [T] of 0..C-1.
        subset: the subset of each cell, [C].
    """

    def __init__(self, trials: Trials):
        width = int(trials.group.max()) + 1
        key = trials.subset * width + trials.group
        keys = np.flatnonzero(np.bincount(key))
        self.of, self.subset = np.searchsorted(keys, key), keys // width

    def mean(self, above: np.ndarray, below: np.ndarray) -> np.ndarray:
        """The score from sums over the trials of each cell: [..., C] of values and of weights -> [...].

        A cell of weight 0 (no probe of it was counted or drawn) is left out, and so is a subset without cells; NaN where none is left.
        """
        filled = below > 0
        value = np.divide(above, below, out=np.zeros(np.broadcast_shapes(above.shape, below.shape)), where=filled)
        member = (self.subset[:, None] == np.unique(self.subset)).astype(float)  # [C, S]
        number = filled @ member  # [..., S]
        with np.errstate(invalid="ignore"):
            by_subset = np.divide(value @ member, number, out=np.zeros(number.shape), where=number > 0)
            return by_subset.sum(-1) / (number > 0).sum(-1)


def accuracy(trials: Trials, k: int) -> float:
    """Rank-k in percent: the share of the counted trials with a mate among the k nearest.

    It is the mean over the subsets of the mean over their groups (pairs of views) of the mean over their trials. A counted trial
    without a mate is a failure. NaN where no trial is counted.

    Args:
        trials: from `rank_probes`.
        k: integer >= 1.
    """
    return _mean(trials, [hits(trials, k)])[0]


def hits(trials: Trials, k: int) -> np.ndarray:
    """Whether a mate is among the k nearest; bool [T]."""
    return (trials.rank > 0) & (trials.rank <= k)


def mean_precision(trials: Trials) -> tuple[float, float]:
    """Mean AP and mean INP in percent, averaged as `accuracy` is; a counted trial without a mate is a failure, 0, in both."""
    return tuple(_mean(trials, [np.nan_to_num(trials.ap), np.nan_to_num(trials.inp)]))


def cmc(trials: Trials, upto: int = 50) -> list[float]:
    """Rank-1 to Rank-``upto`` in percent: the cumulative match characteristic."""
    return _mean(trials, (hits(trials, k) for k in range(1, upto + 1)))


def by_kind(trials: Trials, kinds, ks=(1, 5, 10, 20)) -> dict:
    """The scores of the probes of each kind by themselves, against the same gallery.

    Args:
        trials: from `rank_probes`.
        kinds: what each of the N sequences is as a probe: its kind of occlusion, its view, or anything else.
        ks: the k's.

    Returns:
        Kind -> ``rank1``, ..., ``mAP``, ``mINP`` in percent and ``trials``, the number counted; only kinds that have some.
    """
    own, found = np.asarray(kinds)[trials.probe], {}
    for kind in np.unique(own[trials.counted]):
        part = trials._replace(counted=trials.counted & (own == kind))
        scores = {f"rank{k}": accuracy(part, k) for k in ks}
        scores["mAP"], scores["mINP"] = mean_precision(part)
        found[kind.item()] = {**scores, "trials": int(part.counted.sum())}
    return found


def view_pairs(trials: Trials, views, k: int = 1) -> dict:
    """Rank-k of every pair of views, for a heat map.

    Args:
        trials: from `rank_probes`.
        views: view of each of the N sequences, as given to `rank_probes`.
        k: integer >= 1.

    Returns:
        ``probe_views``, ``gallery_views`` (names; the one name ``all`` where the protocol does not go by views) and ``accuracy``:
        a row of percent for each probe view, None where no trial is; the mean over the subsets.
    """
    names, view = np.unique(np.asarray(views), return_inverse=True)
    crossed, row = bool((trials.group // len(names) != trials.group % len(names)).any()), view.reshape(-1)[trials.probe]
    column = trials.group % len(names) if crossed else np.zeros_like(trials.group)
    width = len(names) if crossed else 1
    shape = (int(trials.subset.max()) + 1, len(names), width)
    place = np.ravel_multi_index((trials.subset, row, column), shape)
    above, below = (
        np.bincount(place, values, np.prod(shape)).reshape(shape) for values in (hits(trials, k) & trials.counted, trials.counted)
    )
    share = np.divide(100.0 * above, below, out=np.full(shape, np.nan), where=below > 0)
    held = ~np.isnan(share)
    mean = np.divide(np.nansum(share, 0), held.sum(0), out=np.full(shape[1:], np.nan), where=held.any(0))
    rows, columns = held.any((0, 2)), held.any((0, 1))
    table = [[None if np.isnan(value) else float(value) for value in line] for line in mean[rows][:, columns]]
    gallery = names[columns].tolist() if crossed else ["all"]
    return {"probe_views": names[rows].tolist(), "gallery_views": gallery, "accuracy": table}


def _mean(trials, values):
    """Percent of each of several values [T]."""
    cells, weight = Cells(trials), trials.counted.astype(float)
    below = np.bincount(cells.of, weight)
    return [100 * float(cells.mean(np.bincount(cells.of, weight * value), below)) for value in values]
