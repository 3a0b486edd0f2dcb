"""A table as text: the rows measured here beside the paper's figures, then the order they came out in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..protocol import BOTH, HOLISTIC, OWN, PROBE, TEACHER
from .order import Pair, difference, means, pairs, ranked
from .paper import TABLES, printed
from .suites import BACKBONES, Suite

Measured = dict  # (backbone as in file names, label) -> seed -> rows of `opengait_mimic.protocol.row`


class Column(NamedTuple):
    """A column: what stands over a group of them, its own title, its cells."""

    group: str
    title: str
    cells: list[str]


def figures(measured: Measured, backbone: str, label: str, key: str, protocol: str = BOTH, gallery: str = OWN) -> dict[int, float]:
    """Seed -> one figure of a row."""
    found = {}
    for seed, rows in measured.get((backbone, label), {}).items():
        for row in rows:
            if (row["protocol"], row["gallery_embedder"]) == (protocol, gallery) and row[key] is not None:
                found[seed] = row[key]
    return found


def spread(values, digits: int, sign: str = "") -> str:
    """Mean ± standard deviation (ddof 1), the mean alone of one value, ``-`` of none."""
    values = list(values)
    deviation = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):{sign}.{digits}f}{deviation}" if values else "-"


def grid(left: list[tuple[str, ...]], columns: list[Column]) -> list[str]:
    """Lines of a table: names on the left, a line of group titles, a line of titles, a rule, the rows."""
    widths = [max(len(text) for text in (column.title, *column.cells)) for column in columns]
    names = [max(map(len, column)) for column in zip(*left)]
    groups: dict[str, list[int]] = {}
    for i, column in enumerate(columns):
        groups.setdefault(column.group, []).append(i)
    for group, members in groups.items():  # a long title widens the group's last column
        widths[members[-1]] += max(0, len(group) - sum(widths[i] + 2 for i in members) + 2)

    def line(first, cells):
        text = "  ".join(f"{name:<{width}}" for name, width in zip(first, names))
        parts = ["  ".join(f"{cells[i]:>{widths[i]}}" for i in members) for members in groups.values()]
        return "    ".join([text, *parts]).rstrip()

    over = ["  ".join(" " * width for width in names)]
    over += [f"{group:<{sum(widths[i] + 2 for i in members) - 2}}" for group, members in groups.items()]
    titles = line([""] * len(names), [column.title for column in columns])
    rule = "    ".join("-" * len(part) for part in over)
    rows = [line(name, [column.cells[i] for column in columns]) for i, name in enumerate(left)]
    return ["    ".join(over).rstrip(), titles, rule, *rows]


def table(name: str, suite: Suite, backbones: list[str], measured: Measured, dataset: str) -> list[str]:
    """The rows: Rank-1, Rank-5 and RP with both sides occluded, and the paper's."""
    rows = [(backbone, label) for backbone in backbones for label in suite.rows]
    here = f"here: {dataset}"
    columns = [
        Column(here, title, [spread(figures(measured, *row, key).values(), digits) for row in rows])
        for title, key, digits in (("Rank-1", "rank1", 1), ("Rank-5", "rank5", 1), ("RP", "rp_rank1", 2))
    ]
    papers = {backbone: printed(name, BACKBONES[backbone]) for backbone in backbones}
    for data in dict.fromkeys(data for tables in papers.values() for data in tables):
        found = [papers[backbone].get(data, {}).get(label) for backbone, label in rows]
        for title, key in (("Rank-1", "rank1"), ("Rank-5", "rank5"), ("RP", "rp_rank1")):
            values = [figure and getattr(figure, key) for figure in found]
            if any(value is not None for value in values):
                columns.append(Column(f"paper: {data}", title, ["-" if value is None else f"{value:.2f}" for value in values]))
    return grid(_names(rows), columns)


def more(suite: Suite, backbones: list[str], measured: Measured) -> list[str]:
    """Rank-1 of the other cells, which the paper does not have."""
    rows = [(backbone, label) for backbone in backbones for label in suite.rows]
    cells = {"holistic": (HOLISTIC, OWN), "probe": (PROBE, OWN), "probe, gallery by teacher": (PROBE, TEACHER), "both": (BOTH, OWN)}
    columns = [
        Column("here, Rank-1", title, [spread(figures(measured, *row, "rank1", *cell).values(), 1) for row in rows])
        for title, cell in cells.items()
    ]
    return grid(_names(rows), columns)


def _names(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Backbone and label of every row; the backbone where it changes."""
    before = [None, *(backbone for backbone, _ in rows)]
    return [(BACKBONES[backbone] if backbone != last else "", label) for last, (backbone, label) in zip(before, rows)]


def orders(name: str, suite: Suite, backbones: list[str], measured: Measured) -> tuple[list[str], list[dict]]:
    """The order of the rows here and in the paper, by Rank-1 with both sides occluded, and every pair that contradicts.

    Returns:
        The lines, and for each backbone and data set of the paper what they say as plain values.
    """
    lines, told = [], []
    for backbone in backbones:
        here = {label: figures(measured, backbone, label, "rank1") for label in suite.rows}
        measured_means = means(here)
        lines.append(f"{BACKBONES[backbone]}, here: {ranked(measured_means, 1) or 'nothing measured yet'}")
        seen = {}
        for data, paper in printed(name, BACKBONES[backbone]).items():
            ordered = {label: figure.rank1 for label, figure in paper.items()}
            found = pairs(ordered, here)
            lines.append(f"  {TABLES[name]}, {data}: {ranked(ordered, 2)}")
            told.append(
                {"backbone": BACKBONES[backbone], "paper": data, "order_here": sorted(measured_means, key=measured_means.get)[::-1]}
            )
            told[-1].update(order_paper=sorted(ordered, key=ordered.get)[::-1], means=measured_means)
            told[-1]["pairs"] = [{**pair._asdict(), "verdict": pair.verdict, "within_spread": pair.within} for pair in found]
            same = tuple((pair.above, pair.below) for pair in found)
            if same in seen:
                lines.append(f"    the same pairs as for {seen[same]}")
                continue
            seen[same] = data
            lines += [f"    {line}" for line in _verdicts(found)]
    return lines, told


def _verdicts(found: list[Pair]) -> list[str]:
    """How many pairs agree, contradict and tie; each that does not agree."""
    if not found:
        return ["no pair measured yet"]
    kinds = {kind: [pair for pair in found if pair.verdict == kind] for kind in ("agrees", "contradicts", "tie")}
    one_seed = any(pair.within is None for pair in found)

    def counted(kind):
        inside = sum(pair.within is True for pair in kinds[kind])
        return f"{kind} {len(kinds[kind])}" + (f" ({inside} within the seeds' spread)" if kinds[kind] and not one_seed else "")

    lines = [f"of {len(found)} pairs: {counted('agrees')}, {counted('contradicts')}, tie {len(kinds['tie'])}"]
    if one_seed:
        lines[0] += "; one seed: how much of that is chance is unknown"
    for pair in kinds["contradicts"] + kinds["tie"]:
        spread_here = "" if pair.sd is None else f" ± {pair.sd:.1f} ({'within' if pair.within else 'beyond'} the seeds' spread)"
        lines.append(
            f"{'contradicts' if pair.here < 0 else 'tie'}: {pair.above} over {pair.below}: paper {pair.paper:+.2f},"
            f" here {pair.here:+.1f}{spread_here}"
        )
    return lines


def against(suite: Suite, bases: dict[str, str], backbones: list[str], measured: Measured) -> list[str]:
    """For a suite without figures of the paper: each row less the row it is compared with, Rank-1 with both sides occluded."""
    rows, cells = [(backbone, label) for backbone in backbones for label in bases], []
    for backbone, label in rows:
        found = difference(figures(measured, backbone, label, "rank1"), figures(measured, backbone, bases[label], "rank1"))
        cells.append("-" if found is None else f"{found[0]:+.1f}" + ("" if found[1] is None else f" ± {found[1]:.1f}"))
    return grid(_names(rows), [Column("Rank-1, paired", "difference", cells), Column("", "to", [bases[label] for _, label in rows])])
