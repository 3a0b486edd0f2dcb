"""Sections of the page and their figures."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from .method_groups import Group
from .svg import swatch


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


def make_section(name: str, title: str, intro: str, figures: list[Figure], empty: str, legend: str = "", most: int = 12) -> Section:
    """A section of at most ``most`` figures that says how many it leaves out."""
    more = len(figures) - most
    left_out = f"{more} more of these figures are left out to keep the page small; the results hold their data." if more > 0 else ""
    return Section(name, title, intro, figures[:most], legend if figures else "", empty, left_out)


def make_legend(group: Group, names, line: bool = True) -> str:
    """Markers, lines and names of some series as an HTML list."""
    shown = [(number, name) for number, name in enumerate(group.names) if name in names]
    items = (f"<li>{swatch(number, line)} {escape(name)}</li>" for number, name in shown)
    return f'<ul class="legend">{"".join(items)}</ul>'
