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
    lines += _caution(dataset, theirs, facts["training"])
    if facts["smoke"]:
        lines += ["SMOKE RUN: it shows that every row runs; the numbers mean nothing."]
    if done < wanted:
        lines += [f"NOT FINISHED: {done} of {wanted} rows; the same command goes on."]
    order, told = orders(name, suite, backbones, measured, facts["start"] == "cold")
    lines += ["", *table(name, suite, backbones, measured, dataset), ""]
    if suite.bases:
        lines += [*against(suite, backbones, measured), ""]
    else:
        lines += ["Order by Rank-1, best first", *(line for text in order for line in _wrapped(text)), ""]
    lines += [*more(suite, backbones, measured), ""]
    for text in (*suite.notes, *_how(facts), *_hidden(measured)):
        lines += _wrapped(text)
    return "\n".join(lines), told


def _caution(dataset: str, theirs: list[str], training: dict) -> list[str]:
    """Why no figure here is one of the paper's."""
    if not theirs:
        return []
    other = [data for data in theirs if data != dataset]
    lines = [f"OTHER DATA: {dataset} here, {' and '.join(other)} in the paper."] if other else []
    if dataset in theirs:
        most = max(training["steps"], key=lambda steps: len(training["steps"][steps]))
        lines.append(f"OTHER SIZE: small networks, {most} steps here; published sizes and schedules in the paper.")
    return [*lines[:-1], f"{lines[-1]} Only orders can be compared, no figure with another."]


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
    varied = ["The spread covers the seeds of training and occlusion; the silhouettes are the same for all."] if len(seeds) > 1 else []
    return [
        f"Percent, {over}{paired}; RP = Rank-1 / whole-body Rank-1 of the backbone's teacher. Each row as it came out.",
        *varied,
        f"Start: {start[facts['start']]}; every other network from random weights. In the public configurations of the paper every"
        " network starts from random weights.",
        f"Steps: {steps}; batches of {training['batch_size'][0]} subjects x {training['batch_size'][1]} clips, the same clips and frames"
        " for every network of a backbone and seed.",
    ]


def _hidden(measured: Measured) -> list[str]:
    """What the tests hid, from the rows themselves; rows that hid the same of each sequence in one line."""
    found: dict[str, list[str]] = {}
    for (_, label), seeds in measured.items():
        row = next(row for row in next(iter(seeds.values())) if row["protocol"] == BOTH)
        shares = ", ".join(f"{kind} {share:g}" for kind, share in row["kinds"].items())
        text = f"{shares}; {100 * row['hidden'][0]:g}-{100 * row['hidden'][1]:g} % hidden"
        on = {key.split(".")[-1]: value for key, value in row.get("reference_compat", {}).items() if key.startswith("evaluator_cfg.")}
        text += "".join(f"; {switch} {value}" for switch, value in on.items())
        found.setdefault(text, []).append(label)
    what = "Test: probes and gallery occluded, each sequence with a draw of its own (but under shared_draw)"
    if len(found) == 1:
        return [f"{what}, for every row of a seed the same: {next(iter(found))}."]
    lines = [f"  {text}: {', '.join(dict.fromkeys(labels))}" for text, labels in found.items()]
    return [f"{what}; for all rows of a line here and a seed the same:", *lines] if found else []
