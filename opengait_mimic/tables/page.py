"""The whole page: what it is, the table, the order, and how it was made."""

from __future__ import annotations

import textwrap

from ..protocol import BOTH
from .measured import Measured
from .nets import BACKBONES
from .paper import TABLES, printed
from .report import orders
from .show import against, more, table
from .suites import Suite

WIDTH = 118


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
    of = f"{TABLES[name]} of MimicGait (WACV 2025)" if name in TABLES else "MimicGait"
    lines = [f"{of} at the size of a demo: {suite.title}"]
    if theirs:
        lines += [f"OTHER DATA: {dataset} here, {' and '.join(theirs)} in the paper. Only orders can be compared, no figure with another."]
    if facts["smoke"]:
        lines += ["SMOKE RUN: it shows that every row runs; the numbers mean nothing."]
    if done < wanted:
        lines += [f"NOT FINISHED: {done} of {wanted} rows; the same command goes on."]
    order, told = orders(name, suite, backbones, measured)
    lines += ["", *table(name, suite, backbones, measured, dataset), ""]
    if suite.bases:
        lines += [*against(suite, backbones, measured), ""]
    else:
        lines += ["Order by Rank-1, best first", *(line for text in order for line in _wrapped(text)), ""]
    lines += [*more(suite, backbones, measured), ""]
    for text in (*suite.notes, *_how(facts), *_hidden(measured)):
        lines += _wrapped(text)
    return "\n".join(lines), told


def _wrapped(text: str) -> list[str]:
    """Lines of at most `WIDTH`; the second and the next are indented further than the first, no row parts from its figure."""
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    if " > " in text:
        text = " > ".join(part.replace(" ", "\xa0") for part in text.split(" > "))
    return [line.replace("\xa0", " ") for line in textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)]


def _how(facts: dict) -> list[str]:
    seeds, training = facts["seeds"], facts["training"]
    (most, _), *others = sorted(training["steps"].items(), key=lambda item: -len(item[1]))
    kinds = {count: " and ".join(dict.fromkeys(name.split()[0] for name in names)) for count, names in others}
    steps = ", ".join([f"{most} for each network", *(f"{count} for {names}" for count, names in kinds.items())])
    over = f"mean ± standard deviation over seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"seed {seeds[0]} alone"
    start = {
        "shipped": "mimics from their teacher's weights (init_mimic: true, as shipped for walkers; --start cold: from random ones)",
        "cold": "mimics from random weights (--start cold)",
    }
    paired = "; differences paired over the seeds, within their spread = no larger than its standard deviation" if len(seeds) > 1 else ""
    return [
        f"Percent, {over}{paired}; RP = Rank-1 / whole-body Rank-1 of the backbone's teacher. Each row as it came out.",
        f"Start: {start[facts['start']]}; every other network from random weights. In the public configurations of the paper every"
        " network starts from random weights.",
        f"Steps: {steps}; batches of {training['batch_size'][0]} subjects x {training['batch_size'][1]} clips, the same clips and frames"
        " for every network of a backbone and seed.",
    ]


def _hidden(measured: Measured) -> list[str]:
    """What the tests hid, from the rows themselves."""
    found: dict[str, list[str]] = {}
    for (_, label), seeds in measured.items():
        row = next(row for row in next(iter(seeds.values())) if row["protocol"] == BOTH)
        shares = ", ".join(f"{kind} {share:g}" for kind, share in row["kinds"].items())
        text = f"{shares}; {100 * row['hidden'][0]:g}-{100 * row['hidden'][1]:g} % hidden"
        found.setdefault(text, []).append(label)
    what = (
        "Test: probes and gallery occluded, each sequence with a draw of its own (but under shared_draw), for every row of a seed the same"
    )
    if len(found) == 1:
        return [f"{what}: {next(iter(found))}."]
    return [f"{what}.", *(f"  {text}: {', '.join(dict.fromkeys(labels))}" for text, labels in found.items())] if found else []
