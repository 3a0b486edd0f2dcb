"""Rank-k of a split."""

from __future__ import annotations

import numpy as np

from ..retrieval import distance_matrix, mate_rank, precision, rank_k
from .splits import Split


def score(split: Split, embeddings_probe, embeddings_gallery, labels, views, ks=(1, 5, 10, 20), metric="euc") -> dict:
    """Rank-k of a split: probe rows come from the first array of embeddings, gallery rows from the second.

    One pass over whole bodies and one over occluded ones so serve every cell: holistic (whole, whole), probe
    (occluded, whole), both (occluded, occluded). A probe without a mate is a failure and is counted, see ``rank_k``; where
    the split takes ``mates_only`` (Gait3D) it is left out and counted, and there are ``mAP`` and ``mINP`` in percent too.
    In a cross-view protocol Rank-k is taken for each probe view × gallery view, and the pairs of different views that
    have both probes and gallery are averaged (unrounded; OpenGait rounds each pair to two decimals). There
    ``probes_without_mate`` counts probes that have no mate at any other view, and the subset also tells the number of
    ``trials`` (a probe against one gallery view), ``trials_without_mate``, ``view_pairs``, and ``empty_view_pairs``.

    Args:
        split: from ``split``.
        embeddings_probe: embeddings of all N sequences, numpy or torch; computed on the device they lie on.
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
    n = len(next(iter(split.subsets.values()))[0])
    lengths = {
        "embeddings_probe": len(embeddings_probe),
        "embeddings_gallery": len(embeddings_gallery),
        "labels": len(labels),
        "views": len(views),
    }
    if set(lengths.values()) != {n}:
        raise ValueError(f"the split has {n} sequences, but {lengths}; expected {n} of each")
    labels, views = np.asarray(labels), np.asarray(views if split.views is None else split.views)
    subsets = {}
    for name, (probe, gallery) in split.subsets.items():
        distance = distance_matrix(embeddings_probe[probe], embeddings_gallery[gallery], metric)  # [P, G]
        if split.cross_view:
            subsets[name] = _cross_view(distance, labels[probe], labels[gallery], views[probe], views[gallery], ks, name)
        else:
            result = rank_k(distance, labels[probe], labels[gallery], ks, mates_only=split.mates_only)
            subsets[name] = {f"rank{k}": value for k, value in result.accuracy.items()}
            if split.mates_only:
                found = precision(distance, labels[probe], labels[gallery])
                subsets[name].update(zip(("mAP", "mINP"), (100 * np.nanmean(found, axis=1)).tolist()))
            subsets[name].update(probes=result.probes, probes_without_mate=result.probes_without_mate)
    means = [f"rank{k}" for k in ks] + (["mAP", "mINP"] if split.mates_only else [])
    heard = list(subsets.values()) if split.overall is None else [subsets[split.overall]]
    total = {key: float(np.mean([s[key] for s in heard])) for key in means}
    for count in ("probes", "probes_without_mate"):
        total[count] = sum(s[count] for s in heard)
    return {**total, "subsets": subsets}


def _cross_view(distance, p_labels, g_labels, p_views, g_views, ks, subset):
    everywhere = np.unique(np.concatenate([p_views, g_views]))
    pairs, trials, unmated = [], 0, 0
    for g_view in np.unique(g_views):
        columns = np.flatnonzero(g_views == g_view)
        rank = mate_rank(distance[:, columns], p_labels, g_labels[columns])
        for p_view in np.unique(p_views):
            if p_view != g_view:
                r = rank[p_views == p_view]
                pairs.append([100.0 * np.mean((r > 0) & (r <= k)) for k in ks])
                trials, unmated = trials + len(r), unmated + int(np.sum(r == 0))
    if not pairs:
        raise ValueError(
            f"subset {subset!r}: no pair of different views; probe views {', '.join(np.unique(p_views))}, "
            f"gallery views {', '.join(np.unique(g_views))}. The protocol leaves identical views out"
        )
    mate = (p_labels[:, None] == g_labels[None]) & (p_views[:, None] != g_views[None])
    result = {f"rank{k}": float(value) for k, value in zip(ks, np.mean(pairs, axis=0))}
    result.update(probes=len(p_labels), probes_without_mate=int(np.sum(~mate.any(1))))
    result.update(trials=trials, trials_without_mate=unmated, view_pairs=len(pairs))
    result["empty_view_pairs"] = len(everywhere) * (len(everywhere) - 1) - len(pairs)
    return result
