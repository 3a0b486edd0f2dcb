"""Rank-k of a split."""

from __future__ import annotations

import numpy as np

from .. import Trials, accuracy, mean_precision, rank_probes
from .mateless_probes import COUNTS
from .splits import Split


def score(split: Split, embeddings_probe, embeddings_gallery, labels, views, ks=(1, 5, 10, 20), metric="euc") -> dict:
    """Rank-k of a split: probe rows come from the first array of embeddings, gallery rows from the second.

    One pass over whole bodies and one over occluded ones so serve every cell: holistic (whole, whole), probe
    (occluded, whole), both (occluded, occluded). A probe without a mate is a failure and is counted; where
    the split takes ``mates_only`` (Gait3D) it is left out and counted, and there are ``mAP`` and ``mINP`` in percent too.
    In a cross-view protocol Rank-k is taken for each probe view × gallery view, and the pairs of different views that
    have both probes and gallery are averaged (unrounded; OpenGait rounds each pair to two decimals). There
    ``probes_without_mate`` counts probes that have no mate at any other view, and the subset also has the number of
    ``trials`` (a probe against one gallery view), ``trials_without_mate``, ``view_pairs``, and ``empty_view_pairs``; the total has the
    first two as well.

    Args:
        split: from ``split``.
        embeddings_probe: embeddings of all N sequences, numpy or torch; computed where they are, in bounded memory (see ``rank_probes``).
        embeddings_gallery: the same N sequences as the gallery side sees them.
        labels: subject of each sequence.
        views: view of each sequence.
        ks: the k's.
        metric: ``euc`` or ``cos``.

    Shape:
        embeddings_probe, embeddings_gallery [N, c, p]; labels, views [N]

    Returns:
        ``rank1``, ``rank5``, ... in percent (mean over the subsets, or those of ``split.overall``), ``probes``,
        ``probes_without_mate``, and ``subsets``: the same for each subset.

    Raises:
        ValueError: lengths that do not fit, embeddings that are not finite, no pair of different views, or no mate at all.
    """
    found = rank_probes(split, embeddings_probe, embeddings_gallery, labels, views, metric)
    return summarise_trials(split, found, views, ks)


def summarise_trials(split: Split, found: Trials, views, ks=(1, 5, 10, 20)) -> dict:
    """What `score` returns, of trials that are there already.

    Args:
        split: from ``split``.
        found: from ``opengait_mimic.metrics.rank_probes``, of the same split.
        views: view of each sequence.
        ks: the k's.

    Raises:
        ValueError: no mate at all where the split takes ``mates_only``, or a k that is no integer >= 1.
    """
    views = np.asarray(views if split.views is None else split.views)
    subsets = {}
    for number, (name, (probe, gallery)) in enumerate(split.subsets.items()):
        own = Trials(*(column[found.subset == number] for column in found))
        if not own.counted.any():
            raise ValueError(
                f"subset {name!r}: none of the {len(own.probe)} probes has a mate in the gallery, "
                "so there is no Rank-k over those that have one"
            )
        subsets[name] = {f"rank{k}": accuracy(own, k) for k in ks}
        if split.mates_only:
            subsets[name].update(zip(("mAP", "mINP"), mean_precision(own)))
        probes, mated = int(probe.sum()), len(np.unique(own.probe[own.rank > 0]))
        subsets[name].update(probes=probes, probes_without_mate=probes - mated)
        if split.cross_view:
            pairs, present = len(np.unique(own.group)), len(np.unique(views[probe | gallery]))
            subsets[name].update(trials=len(own.rank), trials_without_mate=int(np.sum(own.rank == 0)), view_pairs=pairs)
            subsets[name]["empty_view_pairs"] = present * (present - 1) - pairs
    means = [f"rank{k}" for k in ks] + (["mAP", "mINP"] if split.mates_only else [])
    heard = list(subsets.values()) if split.overall is None else [subsets[split.overall]]
    total = {key: float(np.mean([s[key] for s in heard])) for key in means}
    for count in COUNTS if split.cross_view else COUNTS[:2]:
        total[count] = sum(s[count] for s in heard)
    return {**total, "subsets": subsets}
