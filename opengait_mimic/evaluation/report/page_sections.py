"""Sections of the page and their figures."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from .method_groups import Group
from .page_text import escape_text
from .svg import swatch

MOST = 12
"""Most figures in one section."""
SIZE = 1_000_000
"""A section takes no further figure after this many bytes."""


class Figure(NamedTuple):
    """A figure: ``body`` is finished HTML or SVG, ``caption`` plain text; ``size``: "", "half" or "wide" of the page's width."""

    body: str
    caption: str
    size: str = ""


class Section(NamedTuple):
    """A section: its introduction says what is to be seen, ``legend`` is finished HTML; without figures ``empty`` says why.

    ``numbers``: a table under the figures, its titles and per cell the lines.
    """

    name: str
    title: str
    intro: str
    figures: list[Figure]
    legend: str = ""
    empty: str = ""
    left_out: str = ""
    numbers: tuple[tuple[str, ...], list[tuple[str, list[list[str]]]]] | None = None


def make_section(
    name: str,
    title: str,
    intro: str,
    figures: list[Figure],
    empty: str,
    legend: str = "",
    most: int = MOST,
    rest: str = "their numbers are in the JSON export",
) -> Section:
    """A section of at most ``most`` figures and about `SIZE` bytes, that says how many figures it leaves out."""
    sizes = itertools.accumulate(len(figure.body) for figure in figures)
    kept = [figure for figure, before in zip(figures[:most], (0, *sizes)) if before < SIZE]
    more = len(figures) - len(kept)
    left_out = f"{more} more of these figures are left out to keep the page small; {rest}." if more > 0 else ""
    return Section(name, title, intro, kept, legend if figures else "", "" if figures else empty, left_out)


def make_legend(group: Group, names=None, line: bool = True) -> str:
    """Markers, lines and names of the series as an HTML list."""
    shown = group.names if names is None else [name for name in group.names if name in names]
    items = (f"<li>{swatch(group.names.index(name), line)} {escape_text(name)}</li>" for name in shown)
    return f'<ul class="legend">{"".join(items)}</ul>'
