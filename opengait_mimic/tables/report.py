"""The order of the rows in words: here, in the paper, and every pair that contradicts."""

from __future__ import annotations

from .measured import Measured, figures
from .nets import BACKBONES
from .order import Pair, means, pairs, ranked
from .paper import TABLES, printed
from .suites import Suite


def orders(name: str, suite: Suite, backbones: list[str], measured: Measured) -> tuple[list[str], list[dict]]:
    """By Rank-1 with both sides occluded, for each backbone.

    Returns:
        The lines; and for each backbone and data set of the paper what they say, as plain values.
    """
    lines, told = [], []
    for backbone in backbones:
        here = {label: figures(measured, backbone, label, "rank1") for label in suite.rows}
        lines.append(f"{BACKBONES[backbone]}, here: {ranked(means(here), 1) or 'nothing measured yet'}")
        alike: dict[tuple, dict[str, list[Pair]]] = {}  # the pairs -> data sets of the paper that put them in this order
        for data, figures_there in printed(name, BACKBONES[backbone]).items():
            paper = {label: figure.rank1 for label, figure in figures_there.items()}
            found = pairs(paper, here)
            alike.setdefault(tuple(pair[:2] for pair in found), {})[data] = found
            lines.append(f"  {TABLES[name]}, {data}: {ranked(paper, 2)}")
            verdicts = [{**pair._asdict(), "verdict": pair.verdict, "within_spread": pair.within} for pair in found]
            told.append({"backbone": BACKBONES[backbone], "data": data, "paper": paper, "here": means(here), "pairs": verdicts})
        for by_data in alike.values():
            lines += [f"  {line}" for line in _verdicts(by_data)]
    return lines, told


def _verdicts(by_data: dict[str, list[Pair]]) -> list[str]:
    """How many pairs agree, contradict and tie; and each that does not agree, with what every data set of the paper has."""
    found, whose = next(iter(by_data.values())), " and ".join(by_data)
    if not found:
        return [f"{whose}: no pair measured yet"]
    alone = any(pair.sd is None for pair in found)

    def count(verdict):
        inside = sum(pair.verdict == verdict and pair.within is True for pair in found)
        text = f"{verdict} {sum(pair.verdict == verdict for pair in found)}"
        return text if alone or not inside else f"{text} ({inside} of them within the seeds' spread)"

    chance = "; one seed tells no spread" if alone else ""
    lines = [f"Pairs: {len(found)}, against {whose}: {count('agrees')}, {count('contradicts')}, {count('tie')}{chance}"]
    for i, pair in enumerate(found):
        if pair.verdict == "agrees":
            continue
        there = ", ".join(f"{data} {pairs_there[i].paper:+.2f}" for data, pairs_there in by_data.items())
        spread = "" if pair.sd is None else f" ± {pair.sd:.1f}, {'within' if pair.within else 'beyond'} the seeds' spread"
        lines.append(f"  {pair.verdict}: {pair.above} less {pair.below}: here {pair.here:+.1f}{spread}; paper: {there}")
    return lines
