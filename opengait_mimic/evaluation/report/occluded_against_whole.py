"""Occluded against whole-body performance: the figure 4 of MimicGait (WACV 2025), from the data."""

from __future__ import annotations

import math

from .method_cells import Entry, Place
from .method_groups import Group
from .page_sections import Figure, Section, make_legend, make_section
from .page_text import format_number, join_words
from .svg import WIDTH, Axis, Chart

LINES = (0.2, 0.4, 0.6, 0.8, 1.0)
ROOM, WIDE = 30, 34  # pixels at the right for the lines' names, and between two of them at the top
APART = 12  # pixels between two labels


def draw_op_against_hp(group: Group) -> Section:
    """One chart for each hidden cell, one point for each method and backbone."""
    figures, names = [], []
    for place in group.places:
        found = [entry for entry in group.at(place) if place.occluded_side != "holistic" and entry.scores["hp_rank1"].mean is not None]
        if found:
            figures.append(_figure(group, place, found))
            names += [entry.name for entry in found]
    intro = (
        "OP is Rank-1 with hidden input, HP the Rank-1 of the backbone's teacher on whole bodies. A point's slope from the origin is its"
        " relative performance RP = OP / HP; the grey lines join points of equal RP. Bars: 95 % bootstrap interval of RP, times HP."
    )
    empty = "No hidden cell has a known HP, so there is no point to draw."
    return make_section("op-hp", "Occluded against whole-body performance", intro, figures, empty, make_legend(group, names, line=False))


def _figure(group: Group, place: Place, found: list[Entry]) -> Figure:
    summary = join_words(f"{entry.name} at HP {entry.scores['hp_rank1'].mean:.1f}, OP {entry.scores['rank1'].mean:.1f}" for entry in found)
    right = _upper(entry.scores["hp_rank1"].mean for entry in found)
    top = _upper(max(entry.scores["rank1"].mean, *_ends(entry)) for entry in found)
    x, y = Axis("HP: Rank-1, whole bodies, %", 0, right), Axis("OP: Rank-1, %", 0, top)
    chart = Chart(f"OP against HP, {place.title}: {summary}.", x, y, ROOM)
    taken = WIDTH
    for slope in LINES:
        end = min(right, top / slope)  # where it leaves the picture
        at = chart.place(end, end * slope)[0]
        if end < right and taken - at < WIDE:  # no room for its name
            continue
        taken = at if end < right else taken
        chart.line((0, end), (0, end * slope))
        dx, dy, anchor = (4, 4, "start") if end == right else (0, -3, "middle")
        chart.text(end, end * slope, f"RP {slope:g}", dx, dy, anchor)
    below, several = None, len({entry.backbone for entry in found}) > 1
    for entry in sorted(found, key=lambda entry: entry.scores["rank1"].mean):
        hp, op = (entry.scores[key].mean for key in ("hp_rank1", "rank1"))
        number = group.names.index(entry.name)
        if entry.interval:
            chart.range(hp, *_ends(entry), number)
        chart.point(hp, op, number, f"{entry.name}: HP {hp:.1f}, OP {op:.1f}, RP {format_number(op / hp if hp else None, 2)}")
        at = chart.place(hp, op)[1]
        below = at if below is None else min(at, below - APART)
        side, dx = ("end", -9) if hp > right / 2 else ("start", 9)
        chart.text(hp, op, entry.name if several else entry.method, dx, below - at + 4, side, "name")
    return Figure(chart.svg(), place.caption)


def _ends(entry: Entry) -> tuple[float, float]:
    """The interval of RP as one of OP, percent."""
    low, high = entry.interval or (0.0, 0.0)
    return low * entry.scores["hp_rank1"].mean, high * entry.scores["hp_rank1"].mean


def _upper(values) -> float:
    """The next ten above a little more than the highest value, 20 to 100: the end of an axis in percent."""
    return min(100.0, max(20.0, 10.0 * math.ceil(1.1 * max(values) / 10)))
