"""Rank-k, mAP and mINP of a split."""

from __future__ import annotations

import numpy as np

from .. import Trials, accuracy, mean_precision, rank_probes
from .mateless_probes import COUNTS
from .splits import Split

RANKS = (1, 5, 10, 20)
"""The k of every Rank-k that a result holds."""


def select_overall(split: Split, trials: Trials) -> Trials:
    """The trials whose scores are the total's: all, or those of the subset that the protocol names (SUSTech1K)."""
    return trials if split.overall is None else select_subset(trials, list(split.subsets).index(split.overall))


def select_subset(trials: Trials, number: int) -> Trials:
    """The trials of one subset."""
    return Trials(*(column[trials.subset == number] for column in trials))


def score(split: Split, embeddings_probe, embeddings_gallery, labels, views, ks=RANKS, metric="euc") -> dict:
    """Rank the probes of a split and score them: arguments as `rank_probes`, result and further errors as `summarise_trials`."""
    found = rank_probes(split, embeddings_probe, embeddings_gallery, labels, views, metric)
    return summarise_trials(split, found, views, ks)


def summarise_trials(split: Split, trials: Trials, views, ks=RANKS) -> dict:
    """Score trials: Rank-k, mAP and mINP in percent, and how many probes there are.

    A probe without a mate is a failure; where the split takes ``mates_only`` (Gait3D) it is left out. Either way it is counted. In a
    cross-view protocol Rank-k is taken for each probe view × gallery view, and the pairs of different views that have both probes and
    gallery are averaged (unrounded; OpenGait rounds each pair to two decimals). There ``probes_without_mate`` counts probes that have no
    mate at any other view, and a trial is a probe against one gallery view.

    Args:
        split: from `split`.
        trials: from `rank_probes`, of the same split.
        views: view of each sequence.
        ks: the k's, integers >= 1.

    Shape:
        views [N]

    Returns:
        ``rank1``, ``rank5``, ... (mean over the subsets, or those of ``split.overall``), ``mAP``, ``mINP``, ``probes``,
        ``probes_without_mate``, in a cross-view protocol ``trials`` and ``trials_without_mate``; and ``subsets``: the same for each, in a
        cross-view protocol with ``view_pairs`` and ``empty_view_pairs``.

    Raises:
        ValueError: no mate at all where the split takes ``mates_only``.
    """
    views = np.asarray(views if split.views is None else split.views)
    subsets = {}
    for number, (name, (probe, gallery)) in enumerate(split.subsets.items()):
        own = select_subset(trials, number)
        if not own.counted.any():
            raise ValueError(f"subset {name!r}: none of the {len(own.probe)} probes has a mate in the gallery, so there is no Rank-k")
        found = {f"rank{k}": accuracy(own, k) for k in ks}
        found["mAP"], found["mINP"] = mean_precision(own)
        probes, mated = int(probe.sum()), len(np.unique(own.probe[own.rank > 0]))
        found.update(probes=probes, probes_without_mate=probes - mated)
        if split.cross_view:
            pairs, present = len(np.unique(own.group)), len(np.unique(views[probe | gallery]))
            found.update(trials=len(own.rank), trials_without_mate=int(np.sum(own.rank == 0)))
            found.update(view_pairs=pairs, empty_view_pairs=present * (present - 1) - pairs)
        subsets[name] = found
    heard = list(subsets.values()) if split.overall is None else [subsets[split.overall]]
    total = {f"rank{k}": float(np.mean([subset[f"rank{k}"] for subset in heard])) for k in ks}
    total["mAP"], total["mINP"] = mean_precision(select_overall(split, trials))
    for count in COUNTS if split.cross_view else COUNTS[:2]:
        total[count] = sum(subset[count] for subset in heard)
    return {**total, "subsets": subsets}
