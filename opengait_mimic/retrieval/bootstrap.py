"""How sure a score is: intervals from resampling the probes' identities."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .means import Cells, accuracy, hits
from .performance import relative_performance
from .ranking import Trials

CHUNK = 100  # resamples at once


class Interval(NamedTuple):
    """A value with its percentile interval; None together with the reason where there is none."""

    value: float | None
    low: float | None
    high: float | None
    reason: str | None


def accuracy_interval(found: Sequence[Trials], labels, k: int, draws: int = 1000, seed: int = 0, level: float = 0.95) -> Interval:
    """Rank-k in percent, the mean over the seeds' trials, with its interval; arguments as `rp_interval`."""
    value, resampled = _resample([found], labels, k, draws, seed)
    return _interval(value[0], resampled[0], level, _few(labels, found[0]))


def difference_interval(
    a: Sequence[Trials], b: Sequence[Trials], labels, k: int, draws: int = 1000, seed: int = 0, level: float = 0.95
) -> Interval:
    """Rank-k of a minus Rank-k of b in percent points, paired: both are taken of the same resample; arguments as `rp_interval`."""
    value, resampled = _resample([a, b], labels, k, draws, seed)
    return _interval(value[0] - value[1], resampled[0] - resampled[1], level, _few(labels, a[0]))


def rp_interval(op: Sequence[Trials], hp: Trials, labels, k: int, draws: int = 1000, seed: int = 0, level: float = 0.95) -> Interval:
    """Relative performance RP = OP / HP at rank k with a paired bootstrap over the probes' identities.

    Identities are drawn with replacement, as many as there are; an identity that is drawn twice brings all its probes twice.
    The gallery stays as it is, so no probe's rank changes and a resample is a weighting of the trials. OP (mean over the
    seeds) and HP are taken of the same resample, and their ratio is the resample's RP. The interval goes from the (1 -
    level) / 2 to the (1 + level) / 2 percentile. It tells what another choice of people would change, not what other
    occlusion draws or another training would.

    Args:
        op: the trials under occlusion, one entry per seed of the draws.
        hp: the teacher's trials on whole bodies, of the same probes.
        labels: subject of each of the N sequences.
        k: integer >= 1.
        draws: resamples, >= 1.
        seed: of the resampling.
        level: 0 < level < 1.

    Shape:
        labels [N]

    Returns:
        The interval; None values with the reason where HP is 0, where it is 0 in a resample, or where there is one identity only.

    Raises:
        ValueError: trials of different probes, no trials, or settings out of range.

    Source:
        RP: MimicGait (WACV 2025), Eq. 3; paired percentile bootstrap: Efron and Tibshirani (1993), chapter 13.
    """
    value, resampled = _resample([op, [hp]], labels, k, draws, seed)
    ratio = relative_performance(value[0], value[1])
    if ratio.value is None:
        return Interval(None, None, None, ratio.reason)
    reason, empty = _few(labels, hp), int(np.sum(resampled[1] == 0))
    if reason is None and empty:
        reason = f"the holistic score is 0 in {empty} of {draws} resamples"
    with np.errstate(divide="ignore", invalid="ignore"):
        return _interval(ratio.value, resampled[0] / resampled[1], level, reason)


def _resample(sides, labels, k, draws, seed):
    """Rank-k of each side (mean over its trials): percent [S], and in every resample [S, draws]."""
    if draws < 1:
        raise ValueError(f"draws = {draws}; expected an integer >= 1")
    if not all(sides):
        raise ValueError("no trials; expected one entry per seed")
    probes = np.unique(sides[0][0].probe)
    for found in (found for side in sides for found in side):
        if not np.array_equal(np.unique(found.probe), probes):
            raise ValueError("the trials are of different probes; a paired bootstrap needs the same test set and protocol")
    names, own = np.unique(np.asarray(labels)[probes], return_inverse=True)
    identity = np.full(len(labels), -1)
    identity[probes] = own.reshape(-1)
    drawn = _drawn(len(names), draws, seed)
    value = np.array([np.mean([accuracy(found, k) for found in side]) for side in sides])
    tables = [[_table(found, identity, len(names), k) for found in side] for side in sides]
    out = np.empty((len(sides), draws))
    for start in range(0, draws, CHUNK):
        times = drawn[start : start + CHUNK].astype(float)
        for s, side in enumerate(tables):
            found = [100 * cells.mean(times @ above, times @ below) for cells, above, below in side]
            out[s, start : start + len(times)] = np.mean(found, axis=0)
    return value, out


@lru_cache(maxsize=1)
def _drawn(identities, draws, seed):
    """How often each identity is drawn in each resample, [draws, I]; kept, as a result asks for it many times."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(identities, np.full(identities, 1 / identities), draws).astype(np.int32)


def _table(found, identity, identities, k):
    """Hits and counted trials of each identity in each cell, [I, C]."""
    cells = Cells(found)
    shape = (identities, len(cells.subset))
    place = np.ravel_multi_index((identity[found.probe], cells.of), shape)
    sums = (np.bincount(place, found.counted * value, np.prod(shape)).reshape(shape) for value in (hits(found, k), 1.0))
    return cells, *sums


def _few(labels, found):
    """Why these probes have no interval, if so."""
    own = np.unique(np.asarray(labels)[found.probe])
    return f"the probes are of one identity ({own[0]}): nothing to resample" if len(own) == 1 else None


def _interval(value, resampled, level, reason):
    if not 0 < level < 1:
        raise ValueError(f"level = {level}; expected 0 < level < 1")
    if reason is None and np.isnan(resampled).any():
        reason = f"{int(np.isnan(resampled).sum())} of {len(resampled)} resamples hold no counted probe"
    if reason is not None:
        return Interval(float(value), None, None, reason)
    low, high = np.percentile(resampled, [50 * (1 - level), 50 * (1 + level)])
    return Interval(float(value), float(low), float(high), None)
