"""Ranks, AP and INP of a matrix of distances by sorting one probe's gallery at a time."""

from __future__ import annotations

import numpy as np


def mate_places(distance, probe_label, gallery_labels) -> list[int]:
    """Places of a probe's mates, 1 = first; a stranger comes before a mate at the same distance."""
    order = sorted((float(d), other == probe_label) for d, other in zip(distance, gallery_labels))
    return [place for place, (_, mate) in enumerate(order, 1) if mate]


def mate_rank(distance, probe_labels, gallery_labels) -> np.ndarray:
    """Place of each probe's first mate; 0 = no mate."""
    return np.array([min(mate_places(row, label, gallery_labels), default=0) for row, label in zip(distance, probe_labels)])


def precision(distance, probe_labels, gallery_labels) -> tuple[np.ndarray, np.ndarray]:
    """AP and INP of each probe; NaN for a probe without a mate."""
    found = []
    for row, label in zip(distance, probe_labels):
        places = mate_places(row, label, gallery_labels)
        ap = np.mean([i / place for i, place in enumerate(places, 1)]) if places else np.nan
        found.append((ap, len(places) / places[-1] if places else np.nan))
    return tuple(np.array(found).T)
