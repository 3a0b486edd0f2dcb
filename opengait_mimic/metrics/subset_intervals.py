"""Bootstrap intervals of a test's total and, if the protocol has several, of each subset."""

from __future__ import annotations

from collections.abc import Iterator

from . import Resampled, Resamples, Trials
from .protocols import Split
from .protocols.split_scores import RANKS, select_overall, select_subset

TOTAL = ""


class SubsetResamples:
    """The resamples of the total and of each subset, made once for all that is compared on a test.

    Each part resamples its own probes' identities, so a subset's intervals are those of a test that consists of it alone.

    Args:
        split: the protocol.
        labels: subject of each of the N sequences.
        trials: of any cell; all have the same probes.
    """

    def __init__(self, split: Split, labels, trials: Trials):
        """Draw."""
        self.split = split
        self.resamples = {name: Resamples(labels, part.probe) for name, part in self._of(trials)}

    def resampled(self, trials: Trials) -> dict[str, Resampled]:
        """Part -> its `RANKS` of the trials of a cell."""
        return {name: self.resamples[name].of(part, RANKS) for name, part in self._of(trials)}

    def _of(self, trials: Trials) -> Iterator[tuple[str, Trials]]:
        yield TOTAL, select_overall(self.split, trials)
        if len(self.split.subsets) > 1:
            for number, name in enumerate(self.split.subsets):
                yield name, select_subset(trials, number)


def add_intervals(line: dict, op: dict[str, Resampled], hp: dict[str, Resampled] | None) -> dict:
    """A row, or a summary's line, with the 95 % bootstrap intervals of its total and of its ``subsets``.

    Args:
        line: the row or the line.
        op: of the cell; of several seeds their mean.
        hp: of what RP divides by; None = its trials are not known.

    Returns:
        The line with ``rank1_interval`` ... in percent and ``rp_rank1_interval`` ..., each [low, high] or None; and with
        ``rp_interval_reason`` where RP at Rank-1 is known and has no interval.
    """
    out = {**line, **_intervals(line, op[TOTAL], hp and hp[TOTAL])}
    if "subsets" in line:
        out["subsets"] = {name: {**part, **_intervals(part, op[name], hp and hp[name])} for name, part in line["subsets"].items()}
    return out


def _intervals(part: dict, op: Resampled, hp: Resampled | None) -> dict:
    known = part["hp_rank1"] is not None
    out, ratios = {}, {k: op.over(hp, k) if hp and known else None for k in RANKS}
    for k in RANKS:
        for key, found in ((f"rank{k}", op.interval(k)), (f"rp_rank{k}", ratios[k])):
            out[f"{key}_interval"] = [found.low, found.high] if found and found.low is not None else None
    reason = "HP comes without its trials (a result folder of evaluate --out keeps them)"
    if ratios[1]:
        reason = ratios[1].reason if ratios[1].value is not None else None
    if known and reason:
        out["rp_interval_reason"] = reason
    return out
