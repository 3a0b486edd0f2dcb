"""The order of the rows in words: here, in the paper, and every pair that contradicts."""

from __future__ import annotations

from .measured import Measured, figures, signed
from .nets import BACKBONES, NETS
from .order import Pair, means, pairs, ranked
from .paper import TABLES, printed
from .suites import Suite


def orders(name: str, suite: Suite, backbones: list[str], measured: Measured, cold: bool = False) -> tuple[list[str], list[dict]]:
    """By Rank-1 with both sides occluded, for each backbone.

    Args:
        name: of the suite.
        suite: its rows.
        backbones: as in file names.
        measured: what is done so far.
        cold: mimics begin with random weights, as every other network; else with their teacher's.

    Returns:
        The lines; and for each backbone and data set of the paper what they say, as plain values.
    """
    lines, told = [], []
    warm = [] if cold else [label for label, net in suite.rows.items() if NETS[net].shipped == "mimicgait"]
    for backbone in backbones:
        here = {label: figures(measured, backbone, label, "rank1") for label in suite.rows}
        average, shared = means(here)
        lines.append(f"{BACKBONES[backbone]}, here{_over(shared, here)}: {ranked(average, 2) or 'nothing to put in order yet'}")
        alike: dict[tuple, dict[str, list[Pair]]] = {}  # the pairs -> data sets of the paper that put them in this order
        for data, figures_there in printed(name, BACKBONES[backbone]).items():
            paper = {label: figure.rank1 for label, figure in figures_there.items()}
            found = pairs(paper, here, warm)
            alike.setdefault(tuple(pair[:2] for pair in found), {})[data] = found
            lines.append(f"  {TABLES[name]}, {data}: {ranked(paper, 2)}")
            verdicts = [{**pair._asdict(), "verdict": pair.verdict, "within_spread": pair.within} for pair in found]
            told.append({"backbone": BACKBONES[backbone], "data": data, "paper": paper, "here": average, "pairs": verdicts})
        for by_data in alike.values():
            lines += [f"  {line}" for line in _verdicts(by_data)]
    return lines, told


def _over(shared: list[int], here: dict[str, dict[int, float]]) -> str:
    """Which seeds the order is over, where some row has others as well."""
    every = {seed for values in here.values() for seed in values}
    if set(shared) == every:
        return ""
    return f" (over seeds all have: {', '.join(map(str, shared)) or 'none'})"


def _verdicts(by_data: dict[str, list[Pair]]) -> list[str]:
    """How many pairs agree, contradict and tie, those of one start and those of two apart; each that does not agree or whose starts
    differ, with what every data set of the paper has.
    """
    found, whose = next(iter(by_data.values())), " and ".join(by_data)
    if not found:
        return [f"{whose}: no pair measured yet"]
    alone, lines = any(pair.sd is None for pair in found), []
    chance = "; one seed tells no spread" if alone else ""
    for other, title in ((False, "Pairs"), (True, "Pairs with another start, a mimic from its teacher's weights against random ones")):
        group = [pair for pair in found if pair.other_start == other]
        if group:
            counts = ", ".join(_count(group, verdict, alone) for verdict in ("agrees", "contradicts", "tie"))
            lines.append(f"{title}: {len(group)}, against {whose}: {counts}{chance}")
        for pair in group:
            if other or pair.verdict != "agrees":
                i = found.index(pair)
                there = ", ".join(f"{data} {pairs_there[i].paper:+.2f}" for data, pairs_there in by_data.items())
                lines.append(f"  {_said(pair)}; paper: {there}")
    return lines


def _count(pairs: list[Pair], verdict: str, alone: bool) -> str:
    inside = sum(pair.verdict == verdict and pair.within is True for pair in pairs)
    text = f"{verdict} {sum(pair.verdict == verdict for pair in pairs)}"
    return text if alone or not inside else f"{text} ({inside} of them within the seeds' spread)"


def _said(pair: Pair) -> str:
    spread = "" if pair.sd is None else f" ± {pair.sd:.2f}, {'within' if pair.within else 'beyond'} the seeds' spread"
    start = ", other start" if pair.other_start else ""
    return f"{pair.verdict}{start}: {pair.above} less {pair.below}: here {signed(pair.here, 2)}{spread}"
