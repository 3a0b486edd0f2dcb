"""The numbers of one cell under one seed, from the embeddings of its two sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..occlusion import KINDS
from . import Interval, NoPairs, Resampled, Trials, by_kind, by_view, cmc, mean_precision, verify_pairs, verify_split, view_pairs
from .protocols import Split
from .protocols.split_scores import summarise_trials

RANKS = (1, 5, 10, 20)
"""The k of every Rank-k that a result holds."""
NO_TRIALS = "HP comes without its trials (a result folder of evaluate --out keeps them)"


def select_overall(split: Split, trials: Trials) -> Trials:
    """The trials whose scores are the total's: all, or those of the subset that the protocol names (SUSTech1K)."""
    if split.overall is None:
        return trials
    return select_trials(trials, trials.subset == list(split.subsets).index(split.overall))


def select_trials(trials: Trials, mask: np.ndarray) -> Trials:
    """Some of the trials; mask [T] bool."""
    return Trials(*(column[mask] for column in trials))


def score_cell(split: Split, trials: Trials, views) -> dict:
    """Rank-k, mAP and mINP in percent, and how many probes there are.

    Returns:
        ``rank1``, ``rank5``, ``rank10``, ``rank20``, ``mAP``, ``mINP``, counts (see `score`), and ``subsets``: the same for each.
    """
    views = views if split.views is None else split.views
    out = summarise_trials(split, trials, views, RANKS)
    out["mAP"], out["mINP"] = mean_precision(select_overall(split, trials))
    for i, found in enumerate(out["subsets"].values()):
        found["mAP"], found["mINP"] = mean_precision(select_trials(trials, trials.subset == i))
    return out


def compute_curves(split: Split, trials: Trials, views, kind: np.ndarray | None) -> dict:
    """What a report draws of the total's trials: ``cmc`` [50], ``by_view``, ``view_pairs`` and ``by_kind``.

    Args:
        split: the protocol.
        trials: of the cell.
        views: of each sequence.
        kind: what hides each sequence on the probe side, index into `KINDS`; None = nothing is hidden.

    Returns:
        Plain values. ``by_view`` and ``by_kind``: name -> ``rank1`` ..., ``mAP``, ``mINP``, ``trials``; ``view_pairs``: a list of (probe
        view, gallery view or None where the protocol does not go by views, Rank-1 in percent).
    """
    overall, views = select_overall(split, trials), views if split.views is None else split.views
    table = view_pairs(overall, views)
    crossed = split.cross_view
    pairs = [
        [probe, gallery if crossed else None, value]
        for probe, line in zip(table["probe_views"], table["accuracy"])
        for gallery, value in zip(table["gallery_views"], line)
        if value is not None
    ]
    kinds = {} if kind is None else {KINDS[k]: scores for k, scores in by_kind(overall, kind).items()}
    return {"cmc": cmc(overall), "by_view": by_view(overall, views), "by_kind": kinds, "view_pairs": pairs}


def verify_cell(split: Split, probe, gallery, labels, views, metric: str, post: str | None) -> dict:
    """Every probe against the gallery, or the pairs that the split lists.

    Returns:
        ``verify_split``: see `Verification.as_json`, and ``pairs``: ``all`` or ``listed``; or None, with ``verification_reason``.
    """
    try:
        if split.pairs is not None:
            return {"verification": {"pairs": "listed", **verify_pairs(probe, gallery, split.pairs, labels, metric, post).as_json()}}
        if split.overall is not None:
            split = replace(split, subsets={split.overall: split.subsets[split.overall]})
        found = verify_split(split, probe, gallery, labels, views if split.views is None else split.views, metric, post)
        return {"verification": {"pairs": "all", **found.as_json()}}
    except NoPairs as error:
        return {"verification": None, "verification_reason": str(error)}


def compute_intervals(op: Resampled, hp: Resampled | None, reason: str = NO_TRIALS) -> dict:
    """The 95 % bootstrap intervals of a cell.

    Args:
        op: the cell's `RANKS`, of several seeds their mean.
        hp: those that RP divides by; None = not known.
        reason: why ``hp`` is None; empty if RP is unknown too.

    Returns:
        ``rank1_interval`` ... in percent and ``rp_rank1_interval`` ..., each [low, high] or None; and ``rp_interval_reason`` where RP at
        Rank-1 is known and has none.
    """
    out = {}
    for k in RANKS:
        out[f"rank{k}_interval"] = _ends(op.interval(k))
        ratio = None if hp is None else op.over(hp, k)
        out[f"rp_rank{k}_interval"] = None if ratio is None else _ends(ratio)
        if k == 1 and (why := reason if ratio is None else ratio.value is not None and ratio.reason):
            out["rp_interval_reason"] = why
    return out


def _ends(found: Interval) -> list[float] | None:
    return None if found.low is None else [found.low, found.high]
