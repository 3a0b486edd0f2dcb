"""Whether a split can be scored at all; labels and views decide."""

from __future__ import annotations

import numpy as np
import torch

from ..pairings import Paired, pair_searches
from ..rank_search import split_probes
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
    searches = {subset: pair_searches(split, subset, labels, views, torch.device("cpu")) for subset in split.subsets}
    heard = list(searches) if split.overall is None else [split.overall]
    without = [subset for subset in heard if not any(_has_mates(paired) for _, _, paired in searches[subset])]
    if without if split.mates_only else without == heard:
        raise ValueError(
            f"{split.name}: no probe of {', '.join(map(repr, without))} has a mate in its gallery, so there is no Rank-k. Check the labels"
            " in data_cfg.dataset_root, and which types or names the protocol takes"
        )


def _has_mates(paired: Paired) -> bool:
    return any(paired(rows)[0].any() for rows in split_probes(*paired.shape))
