"""Curves and verification of one cell under one seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..occlusion import KINDS
from . import NoPairs, Trials, by_kind, cmc, verify_pairs, verify_split, view_pairs
from .protocols import Split
from .protocols.split_scores import select_overall


def compute_curves(split: Split, trials: Trials, views, kind: np.ndarray | None) -> dict:
    """What a report draws of the total's trials: ``cmc`` [50], ``by_view``, ``view_pairs`` and ``by_kind``.

    Args:
        split: the protocol.
        trials: of the cell.
        views: of each sequence.
        kind: what hides each sequence on the probe side, index into `KINDS`; None = nothing is hidden.

    Returns:
        Plain values. ``by_view`` and ``by_kind``: see `by_kind`; ``view_pairs``: a list of (probe view, gallery view or None where the
        protocol does not go by views, Rank-1 in percent).
    """
    overall, views = select_overall(split, trials), views if split.views is None else split.views
    table = view_pairs(overall, views)
    pairs = [
        [probe, gallery if split.cross_view else None, value]
        for probe, line in zip(table["probe_views"], table["accuracy"])
        for gallery, value in zip(table["gallery_views"], line)
        if value is not None
    ]
    kinds = {} if kind is None else {KINDS[k]: scores for k, scores in by_kind(overall, kind).items()}
    return {"cmc": cmc(overall), "by_view": by_kind(overall, views), "by_kind": kinds, "view_pairs": pairs}


def verify_cell(split: Split, probe, gallery, labels, views, metric: str, post: str | None) -> dict:
    """Every probe against the gallery, or the pairs that the split lists.

    Returns:
        ``verification``: see `Verification.as_json`, and ``pairs``: ``all`` or ``listed``; or None, with ``verification_reason``.
    """
    try:
        if split.pairs is not None:
            return {"verification": {"pairs": "listed", **verify_pairs(probe, gallery, split.pairs, labels, metric, post).as_json()}}
        if split.overall is not None:
            split = replace(split, subsets={split.overall: split.subsets[split.overall]})
        found = verify_split(split, probe, gallery, labels, views, metric, post)
        return {"verification": {"pairs": "all", **found.as_json()}}
    except NoPairs as error:
        return {"verification": None, "verification_reason": str(error)}
