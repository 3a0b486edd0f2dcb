"""The whole page: what it is, the table, the order, and how it was made."""

from __future__ import annotations

from .paper import TABLES, printed
from .show import Measured, more, orders, table
from .suites import BACKBONES, Suite

OCCLUSION = "top or bottom, 40-60 % hidden, probes and gallery each with their own draw (protocol both)"


def page(name: str, suite: Suite, backbones: list[str], measured: Measured, facts: dict, wanted: int) -> tuple[str, list[dict]]:
    """The text of a table, and its orders as plain values.

    Args:
        name: of the suite.
        suite: its rows.
        backbones: as in file names.
        measured: what is done so far.
        facts: of the run: ``data``, ``seeds``, ``start``, ``smoke``, ``training``.
        wanted: how many rows over all seeds there will be.
    """
    dataset, done = facts["data"]["dataset"], sum(len(seeds) for seeds in measured.values())
    theirs = sorted({data for backbone in backbones for data in printed(name, BACKBONES[backbone])})
    lines = [f"MimicGait (WACV 2025), {TABLES[name]}, at the size of a demo: {suite.title}"]
    lines += [f"OTHER DATA: {dataset} here, {' and '.join(theirs)} in the paper. Only orders can be compared, no figure with another."]
    lines += [f"Occlusion: {OCCLUSION}."]
    if facts["smoke"]:
        lines += ["SMOKE RUN: it shows that every row runs; the numbers mean nothing."]
    if done < wanted:
        lines += [f"NOT FINISHED: {done} of {wanted} rows; the same command goes on."]
    order, told = orders(name, suite, backbones, measured)
    lines += ["", *table(name, suite, backbones, measured, dataset), "", "Order by Rank-1, best first", *order, ""]
    lines += [*more(suite, backbones, measured), "", *_how(facts)]
    return "\n".join(lines), told


def _how(facts: dict) -> list[str]:
    seeds, training = facts["seeds"], facts["training"]
    (most, _), *others = sorted(training["steps"].items(), key=lambda item: -len(item[1]))
    steps = ", ".join([f"{most}", *(f"{' and '.join(names)} {count}" for count, names in others)])
    over = f"mean ± standard deviation over seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"seed {seeds[0]}"
    warm = facts["start"] != "cold"
    start = (
        "mimics start from their teacher's weights (init_mimic: true, as shipped for walkers; --start cold: from random ones);"
        if warm
        else "mimics start from random weights (--start cold);"
    )
    return [
        f"Percent, {over}; RP = Rank-1 / whole-body Rank-1 of the backbone's teacher. Every figure is printed as it came out.",
        f"Start: {start}",
        "  every other network from random weights. In the paper's public configurations all start from random weights.",
        f"Steps: {steps}; batches of {training['batch_size'][0]} subjects x {training['batch_size'][1]} clips,",
        "  the same for every row of a backbone and seed; what is hidden in a test is the same for every row of a seed.",
    ]
