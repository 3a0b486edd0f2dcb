"""What the tests of retrieval share: sequences that are recognised more often than not, splits, and a slow ranking."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from opengait_mimic.metrics.protocols import Split


class Scene:
    """Embeddings of both sides with labels and views; every other sequence is a probe."""

    def __init__(self, seed=0, n=120, subjects=10, shape=(6, 3), noise=1.0, views=3):
        rng = np.random.default_rng(seed)
        self.codes = rng.integers(0, subjects, n)
        centre = rng.normal(size=(subjects, *shape))[self.codes]
        self.gallery = (centre + noise * rng.normal(size=centre.shape)).astype(np.float32)
        self.probe = (self.gallery + noise * rng.normal(size=centre.shape)).astype(np.float32)
        self.labels = np.array([f"s{code:03d}" for code in self.codes])
        self.views = rng.integers(0, views, n).astype(str)
        self.probes = np.arange(n) % 2 == 0

    def split(self, cross_view=False, mates_only=False, halves=False):
        masks = {"all": (self.probes, ~self.probes)}
        if halves:
            first = np.arange(len(self.probes)) % 4 == 0
            masks = {"first": (first, ~self.probes), "second": (self.probes & ~first, ~self.probes)}
        return Split("scene", masks, cross_view, mates_only)

    def of(self, split):
        """What ``trials`` and its like take."""
        return split, self.probe, self.gallery, self.labels, self.views


def distances(probe, gallery, metric="euc"):
    """By scipy in float64, rounded to float32 once."""
    name = {"euc": "euclidean", "cos": "cosine"}[metric]
    parts = [cdist(probe[:, :, i].astype(float), gallery[:, :, i].astype(float), name) for i in range(probe.shape[2])]
    with np.errstate(over="ignore"):
        return np.mean(parts, axis=0).astype(np.float32)


def slow_trials(split, probe, gallery, labels, views, metric="euc"):
    """Subset, probe, gallery view or None -> (rank, AP, INP, nearest), sorting one probe's gallery at a time.

    A stranger stands before a mate at the same distance.
    """
    found = {}
    apart = distances(probe, gallery, metric)
    for subset, (probes, galleries) in enumerate(split.subsets.values()):
        for view in sorted(set(views[galleries])) if split.cross_view else [None]:
            for i in np.flatnonzero(probes):
                if view is not None and views[i] == view:
                    continue
                order = sorted((apart[i, j], labels[j] == labels[i], j) for j in np.flatnonzero(galleries) if view in (None, views[j]))
                places = [place for place, (_, mate, _) in enumerate(order, 1) if mate]
                rank, ap, inp = 0, np.nan, np.nan
                if places:
                    rank, inp = places[0], len(places) / places[-1]
                    ap = sum(nth / place for nth, place in enumerate(places, 1)) / len(places)
                found[subset, i, view] = (rank, ap, inp, order[0][2])
    return found
