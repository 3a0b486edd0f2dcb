"""Whether a split can be scored at all; labels and views decide."""

from __future__ import annotations

import numpy as np

from ..pairings import list_searches
from .splits import Split


def refuse_unscorable(split: Split, labels, views) -> None:
    """Stop before anything is embedded where no Rank-k could come of it.

    Args:
        split: probe and gallery of N sequences.
        labels: subject of each.
        views: view of each.

    Shape:
        labels, views [N]

    Raises:
        ValueError: a cross-view protocol without a pair of different views; no probe with a mate in its gallery (at another view, if
            cross-view or by probe view): in any subset that counts where the protocol takes ``mates_only``, else in all of them.
    """
    labels, views = np.asarray(labels), np.asarray(views if split.views is None else split.views)
    searches = {subset: list_searches(split, subset, views) for subset in split.subsets}
    heard = list(searches) if split.overall is None else [split.overall]
    without = [subset for subset in heard if not any(_mates(split, labels, views, p, g) for p, g in searches[subset])]
    if without if split.mates_only else without == heard:
        raise ValueError(
            f"{split.name}: no probe of {', '.join(map(repr, without))} has a mate in its gallery, so there is no Rank-k. Check the labels"
            " in data_cfg.dataset_root, and which types or names the protocol takes"
        )


def _mates(split: Split, labels, views, probes, galleries) -> bool:
    """Whether any of these probes has a mate in this gallery."""
    if not split.by_probe_view:
        return bool(np.isin(labels[probes], labels[galleries]).any())
    seen: dict = {}
    for label, view in zip(labels[galleries], views[galleries]):
        seen.setdefault(label, set()).add(view)
    return any(seen.get(label, set()) - {view} for label, view in zip(labels[probes], views[probes]))
