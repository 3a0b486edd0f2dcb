"""RP against the hidden share."""

from __future__ import annotations

from .method_cells import Entry
from .method_groups import Group
from .page_sections import Figure, Section, make_legend, make_section
from .page_text import format_hidden, format_number, join_words
from .svg import Axis, Chart

ASIDE = 0.35  # percent points between the series of one share, so that their intervals do not cover each other


def draw_severity(group: Group) -> Section:
    """One chart for each side, gallery and mixture of kinds that was measured at two shares or more."""
    found: dict[tuple, dict[str, list[Entry]]] = {}
    for entry in group.entries:
        if entry.place.hidden and entry.scores["rp_rank1"].mean is not None:
            lines = found.setdefault((entry.place.side, entry.place.kinds), {})
            lines.setdefault(entry.name, []).append(entry)
    figures, names = [], []
    for (side, kinds), lines in found.items():
        if len({entry.place.hidden for line in lines.values() for entry in line}) > 1:
            figures.append(_figure(group, side, kinds, lines))
            names += lines
    intro = "Relative performance at Rank-1, drawn at the middle of each range of the hidden share; bars: 95 % bootstrap interval."
    empty = "Every mixture of kinds was measured at one hidden share only: evaluate with --preset severity to see RP against it."
    return make_section("severity", "Relative performance against the hidden share", intro, figures, empty, make_legend(group, names))


def _middle(entry: Entry) -> float:
    return 50.0 * sum(entry.place.hidden)


def _figure(group: Group, side: str, kinds: tuple, lines: dict[str, list[Entry]]) -> Figure:
    points = [entry for line in lines.values() for entry in line]
    mixture = ", ".join(f"{kind} {part:.0%}" for kind, part in kinds)
    ranges = sorted({entry.place.hidden for entry in points})
    tops = [entry.interval[1] if entry.interval else entry.scores["rp_rank1"].mean for entry in points]
    middles = tuple(50.0 * sum(hidden) for hidden in ranges)
    x = Axis("hidden share, middle of its range, %", middles[0] - 4, middles[-1] + 4, ticks=middles)
    summary = join_words(
        f"{name} {', '.join(format_number(entry.scores['rp_rank1'].mean, 2) for entry in sorted(line, key=_middle))}"
        for name, line in lines.items()
    )
    chart = Chart(f"RP against the hidden share, {side}, {mixture}: {summary}.", x, Axis("RP at Rank-1", 0, max(1.0, *tops)))
    for position, (name, line) in enumerate(lines.items()):
        number, moved = group.names.index(name), ASIDE * (position - (len(lines) - 1) / 2)
        line = sorted(line, key=_middle)
        chart.line([_middle(entry) + moved for entry in line], [entry.scores["rp_rank1"].mean for entry in line], number)
        for entry in line:
            rp = entry.scores["rp_rank1"].mean
            if entry.interval:
                chart.range(_middle(entry) + moved, *entry.interval, number)
            chart.point(_middle(entry) + moved, rp, number, f"{name}, {format_hidden(entry.place.hidden)}: RP {format_number(rp, 2)}")
    return Figure(chart.svg(), f"{side[0].upper()}{side[1:]}; {mixture}; ranges {join_words(map(format_hidden, ranges))}.")
