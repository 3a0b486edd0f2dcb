"""Confidence intervals of Rank-k and RP: a bootstrap over the probes' identities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from .mean_scores import Cells, accuracy, hits
from .ranks import Trials
from .relative_performance import relative_performance


class Interval(NamedTuple):
    """A value with its percentile interval; None together with the reason where there is none."""

    value: float | None
    low: float | None
    high: float | None
    reason: str | None


class Resampled(NamedTuple):
    """Rank-k of a cell in percent: k -> its value, and k -> its value in every resample [draws]; ``reason``: why it has no interval."""

    value: dict[int, float]
    drawn: dict[int, np.ndarray]
    reason: str | None

    def interval(self, k: int, level: float = 0.95) -> Interval:
        """Of Rank-k in percent."""
        return _interval(self.value[k], self.drawn[k], level, self.reason)

    def over(self, hp: Resampled, k: int, level: float = 0.95) -> Interval:
        """Of RP: this over ``hp``, both of the same resamples; see `rp_interval`."""
        ratio = relative_performance(self.value[k], hp.value[k])
        if ratio.value is None:
            return Interval(None, None, None, ratio.reason)
        reason, empty = hp.reason, int(np.sum(hp.drawn[k] == 0))
        if reason is None and empty:
            reason = f"the holistic score is 0 in {empty} of {len(hp.drawn[k])} resamples"
        with np.errstate(divide="ignore", invalid="ignore"):
            return _interval(ratio.value, self.drawn[k] / hp.drawn[k], level, reason)


class Resamples:
    """Resamples of the probes' identities, made once for everything that is compared on a test.

    Identities are drawn with replacement, as many as there are; an identity that is drawn twice brings all its probes twice.
    The gallery stays as it is, so a resample is a weighting of the trials.

    Args:
        labels: subject of each of the N sequences.
        probes: indices of the probes, in any order and number.
        draws: resamples, >= 1.
        seed: of the resampling.

    Shape:
        labels [N]

    Source:
        Percentile bootstrap of clusters: Efron and Tibshirani (1993), chapter 13.
    """

    def __init__(self, labels, probes, draws: int = 1000, seed: int = 0):
        """Draw."""
        self.probes = np.unique(probes)
        self.names, own = np.unique(np.asarray(labels)[self.probes], return_inverse=True)
        self.identity = np.full(len(labels), -1)
        self.identity[self.probes] = own.reshape(-1)
        count = len(self.names)
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), draws)
        self.times = drawn.astype(float)  # how often each identity is drawn in each resample, [draws, I]

    def of(self, found: Trials, ks: Iterable[int]) -> Resampled:
        """Rank-k of trials at each k.

        Raises:
            ValueError: trials of other probes.
        """
        if not np.array_equal(np.unique(found.probe), self.probes):
            raise ValueError("the trials are of different probes; a paired bootstrap needs the same test set and protocol")
        cells = Cells(found)
        shape = (len(self.names), len(cells.subset))
        place = np.ravel_multi_index((self.identity[found.probe], cells.of), shape)

        def summed(values):  # over the trials of each identity in each cell and resample, [draws, C]
            return self.times @ np.bincount(place, values, np.prod(shape)).reshape(shape)

        below, value = summed(found.counted), {k: accuracy(found, k) for k in ks}
        drawn = {k: 100 * cells.mean(summed(found.counted * hits(found, k)), below) for k in value}
        one = f"the probes are of one identity ({self.names[0]}): nothing to resample" if len(self.names) == 1 else None
        return Resampled(value, drawn, one)


def mean_over_seeds(found: Sequence[Resampled]) -> Resampled:
    """The mean over the seeds' cells, of the same resamples."""
    value = {k: float(np.mean([each.value[k] for each in found])) for k in found[0].value}
    return Resampled(value, {k: np.mean([each.drawn[k] for each in found], axis=0) for k in value}, found[0].reason)


def rp_interval(op: Sequence[Trials], hp: Trials, labels, k: int, draws: int = 1000, seed: int = 0, level: float = 0.95) -> Interval:
    """Relative performance RP = OP / HP at rank k with a paired bootstrap over the probes' identities; see `Resamples`.

    OP (mean over the seeds) and HP are taken of the same resample, and their ratio is the resample's RP. The interval covers another
    choice of people. It does not cover other occlusion draws or another training.

    Args:
        op: the trials under occlusion, one entry per seed of the draws, at least one.
        hp: the teacher's trials on whole bodies, of the same probes.
        labels: subject of each of the N sequences.
        k: integer >= 1.
        draws: resamples, >= 1.
        seed: of the resampling.
        level: of confidence, 0 < level < 1.

    Shape:
        labels [N]

    Returns:
        The interval; None values with the reason where HP is 0, where it is 0 in a resample, or where there is one identity only.

    Raises:
        ValueError: trials of different probes.

    Source:
        RP: MimicGait (WACV 2025), Eq. 3; paired percentile bootstrap: Efron and Tibshirani (1993), chapter 13.
    """
    resamples = Resamples(labels, hp.probe, draws, seed)
    return mean_over_seeds([resamples.of(each, (k,)) for each in op]).over(resamples.of(hp, (k,)), k, level)


def _interval(value, resampled, level, reason):
    if reason is None and np.isnan(resampled).any():
        reason = f"{int(np.isnan(resampled).sum())} of {len(resampled)} resamples hold no counted probe"
    if reason is not None:
        return Interval(float(value), None, None, reason)
    low, high = np.percentile(resampled, [50 * (1 - level), 50 * (1 + level)])
    return Interval(float(value), float(low), float(high), None)
