"""Rank the probes of a split: one trial per probe and gallery, from which all scores are computed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .pairings import check_sides, pair_searches
from .postprocessing import subset_distances
from .rank_search import search_ranks


class Trials(NamedTuple):
    """One row per probe and group it is ranked in; arrays ``[T]``, indices are those of the N test sequences.

    A group is the whole gallery (0), or in a cross-view protocol the gallery of one view: with the V views in the order of
    ``numpy.unique(views)``, probe view · V + gallery view (never 0, as the views differ). In a protocol by probe view it is the whole
    gallery for the probes of one view: probe view · V + the same.
    """

    probe: np.ndarray  # int64
    group: np.ndarray  # int64
    subset: np.ndarray  # int64, place in split.subsets
    rank: np.ndarray  # int64: place of the first mate, 1 = first, 0 = no mate
    ap: np.ndarray  # float64: average precision 0..1, NaN without mate
    inp: np.ndarray  # float64: inverse negative penalty 0..1, NaN without mate
    counted: np.ndarray  # bool: False where the protocol leaves it out (mates_only and no mate)
    nearest: np.ndarray  # int64: the gallery sequence in first place (of equal strangers the lowest index)
    mate: np.ndarray  # int64: the nearest mate, -1 = none


OF_SPLIT = ("probe", "group", "subset", "counted")
"""Columns that labels, views and the split decide: the same whatever the embeddings are."""


def rank_probes(
    split,
    probe_embeddings,
    gallery_embeddings,
    labels,
    views,
    metric: str = "euc",
    post: str | None = None,
) -> Trials:
    """Rank every probe of a split; memory stays bounded, whatever the number of pairs.

    Ranks, AP and INP are those of distances from float64 differences rounded to float32 (see `search_ranks`). A stranger at the same
    distance stands before the mate, so embeddings that collapsed to a point score 0. The peak memory, without the given embeddings, is
    about one copy of a subset's probes and two of its gallery; with ``post`` also a matrix of distances.

    Args:
        split: what ``opengait_mimic.metrics.protocols.split`` returns.
        probe_embeddings: embeddings of all N sequences as the probe side sees them, numpy or torch; the work is done where they are.
        gallery_embeddings: the same N sequences as the gallery side sees them.
        labels: subject of each sequence.
        views: view of each sequence.
        metric: ``euc`` or ``cos``.
        post: a name of `POST`; None = none.

    Shape:
        probe_embeddings, gallery_embeddings [N, c, p]; labels, views [N]

    Raises:
        ValueError: lengths or shapes that do not fit, embeddings that are not finite, an unknown metric or post-processing, distances
            of its that do not fit or are not finite, a cross-view protocol without a pair of different views, or a probe whose gallery
            is empty without its own subject at its own view.
    """
    x, y, labels, views = check_sides(split, probe_embeddings, gallery_embeddings, labels, views, metric)
    names, view = np.unique(views, return_inverse=True)
    view = view.reshape(-1)
    found = []
    for number, (subset, masks) in enumerate(split.subsets.items()):
        apart = subset_distances(post, x, y, *map(np.flatnonzero, masks), metric)
        for p, g, paired in pair_searches(split, subset, labels, views, x.device):
            places = search_ranks(apart(p, g), paired)
            if (alone := p[places.nearest == len(g)]).size:
                raise ValueError(
                    f"subset {subset!r}: {len(alone)} probes have an empty gallery without their own subject at their own view; "
                    f"the first is of subject {labels[alone[0]]}, view {views[alone[0]]}"
                )
            other = view[g[0]] if split.cross_view else view[p]
            found.append(
                Trials(
                    probe=p,
                    group=view[p] * len(names) + other if split.cross_view or split.by_probe_view else np.zeros_like(p),
                    subset=np.full_like(p, number),
                    rank=places.rank,
                    ap=places.ap,
                    inp=places.inp,
                    counted=(places.rank > 0) | (not split.mates_only),
                    nearest=g[places.nearest],
                    mate=np.where(places.mate < 0, -1, g[places.mate]),
                )
            )
    return Trials(*(np.concatenate(column) for column in zip(*found)))
