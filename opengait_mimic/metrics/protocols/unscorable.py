"""Whether a split can be scored at all; labels and views decide."""

from __future__ import annotations

import numpy as np
import torch

from ..pairings import Paired, pair_searches
from ..rank_search import split_probes
from .splits import Split


def refuse_unscorable(split: Split, labels, views) -> None:
    """Stop before anything is embedded where no Rank-k could come of it, or only one of 100 %.

    Args:
        split: probe and gallery of N sequences.
        labels: subject of each.
        views: view of each.

    Shape:
        labels, views [N]

    Raises:
        ValueError: a cross-view protocol without a pair of different views; no probe with a mate in its gallery (at another view, if
            cross-view or by probe view), or none of those has a stranger there: in any subset that counts where the protocol takes
            ``mates_only``, else in all of them.
    """
    labels, views = np.asarray(labels), np.asarray(views if split.views is None else split.views)
    searches = {subset: pair_searches(split, subset, labels, views, torch.device("cpu")) for subset in split.subsets}
    heard = list(searches) if split.overall is None else [split.overall]
    without = [subset for subset in heard if not any(_has_mates(paired) for _, _, paired in searches[subset])]
    if without if split.mates_only else without == heard:
        raise ValueError(
            f"{split.name}: no probe of {', '.join(map(repr, without))} has a mate in its gallery, so there is no Rank-k. Check the labels"
            " in data_cfg.dataset_root, and which types or names the protocol takes"
        )
    alone = [subset for subset in heard if not any(_has_strangers(paired) for _, _, paired in searches[subset])]
    if alone if split.mates_only else alone == heard:
        raise ValueError(
            f"{split.name}: the gallery of {', '.join(map(repr, alone))} holds no other identity than the probe's, so every Rank-k would"
            " be 100 %. The test needs two subjects or more with sequences in data_cfg.dataset_root"
        )


def _has_mates(paired: Paired) -> bool:
    return any(paired(rows)[0].any() for rows in split_probes(*paired.shape))


def _has_strangers(paired: Paired) -> bool:
    """Whether a probe with a mate has a stranger as well."""
    blocks = (paired(rows) for rows in split_probes(*paired.shape))
    return any((mates.any(1) & strangers.any(1)).any() for mates, strangers in blocks)
