"""The two sides of a split: check their embeddings, and list which probes are searched in which gallery."""

from __future__ import annotations

import numpy as np
import torch

from .distances import METRICS, check_embeddings


def check_sides(split, probe_embeddings, gallery_embeddings, labels, views, metric):
    """Check what a split is scored with.

    Returns:
        Both sides' embeddings as float32 on the probe side's device, and arrays of the labels and the views (the split's, if it has any).

    Raises:
        ValueError: lengths or shapes that do not fit, embeddings that are not finite, or an unknown metric.
    """
    if metric not in METRICS:
        raise ValueError(f"metric = {metric!r}; expected one of {list(METRICS)}")
    n = len(next(iter(split.subsets.values()))[0])
    sides = {"embeddings_probe": probe_embeddings, "embeddings_gallery": gallery_embeddings, "labels": labels, "views": views}
    lengths = {name: len(side) for name, side in sides.items()}
    if set(lengths.values()) != {n}:
        raise ValueError(f"the split has {n} sequences, but {lengths}; expected {n} of each")
    x, y = check_embeddings(probe_embeddings, gallery_embeddings)
    return x, y, np.asarray(labels), np.asarray(views if split.views is None else split.views)


class Paired:
    """Who is a mate of a probe, and who a stranger, in one search; bool [b, G] each.

    Args:
        subject: subject of each of the N sequences, integers.
        probes: indices of the search's probes.
        galleries: of its gallery.
        views: view of each of the N sequences, integers; the probe's own subject at the probe's own view is then neither.

    Shape:
        subject, views [N]; probes [P]; galleries [G]
    """

    def __init__(self, subject: torch.Tensor, probes: np.ndarray, galleries: np.ndarray, views: torch.Tensor | None = None):
        self.shape = len(probes), len(galleries)
        self.subjects = subject[probes], subject[galleries]
        self.views = None if views is None else (views[probes], views[galleries])

    def __call__(self, rows: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """The mates and the strangers of some probes."""
        own, theirs = self.subjects
        same = own[rows, None] == theirs
        if self.views is None:
            return same, ~same
        seen, there = self.views
        return same & (seen[rows, None] != there), ~same


def pair_searches(
    split, subset: str, labels: np.ndarray, views: np.ndarray, device: torch.device
) -> list[tuple[np.ndarray, np.ndarray, Paired]]:
    """The searches of one subset: which probes meet which gallery, indices ``[P]`` and ``[G]`` of the N sequences, and who is a mate.

    One search, or in a cross-view protocol one for each gallery view, with the probes of all other views.

    Raises:
        ValueError: a cross-view protocol without a pair of different views.
    """
    probes, galleries = (np.flatnonzero(mask) for mask in split.subsets[subset])
    searches = [(probes, galleries)]
    if split.cross_view:
        searches = [(probes[views[probes] != view], galleries[views[galleries] == view]) for view in np.unique(views[galleries])]
        searches = [(p, g) for p, g in searches if len(p)]
    if not searches:
        raise ValueError(
            f"subset {subset!r}: no pair of different views; probe views {', '.join(np.unique(views[probes]))}, "
            f"gallery views {', '.join(np.unique(views[galleries]))}. The protocol leaves identical views out"
        )
    subject, view = _encode(labels, device), _encode(views, device) if split.by_probe_view else None
    return [(p, g, Paired(subject, p, g, view)) for p, g in searches]


def _encode(labels: np.ndarray, device: torch.device) -> torch.Tensor:
    """Labels as integers: equal where the labels are."""
    return torch.from_numpy(np.unique(labels, return_inverse=True)[1].reshape(-1)).to(device)
