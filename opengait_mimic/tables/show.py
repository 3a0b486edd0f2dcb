"""A table as text: the rows measured here beside the paper's figures."""

from __future__ import annotations

from typing import NamedTuple

from ..protocol import BOTH, HOLISTIC, OWN, PROBE, TEACHER
from .measured import Measured, figures, spread
from .nets import BACKBONES
from .paper import printed
from .suites import Suite


class Column(NamedTuple):
    """A column: what stands over a group of them, its own title, its cells."""

    group: str
    title: str
    cells: list[str]


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


def against(suite: Suite, backbones: list[str], measured: Measured) -> list[str]:
    """For a suite without figures of the paper: each row less the row it is compared with, Rank-1 with both sides occluded."""
    rows, cells = [(backbone, label) for backbone in backbones for label in suite.bases], []
    for backbone, label in rows:
        row, base = (figures(measured, backbone, name, "rank1") for name in (label, suite.bases[label]))
        cells.append(spread([row[seed] - base[seed] for seed in row if seed in base], 2, "+"))
    group = "Rank-1 less that of the base, paired over seeds"
    return grid(_names(rows), [Column(group, "base", [suite.bases[label] for _, label in rows]), Column(group, "difference", cells)])
