"""CMC: cumulative match characteristics."""

from __future__ import annotations

from .method_cells import Entry
from .method_groups import Group
from .page_sections import Figure, Section, make_legend, make_section
from .page_text import join_words
from .svg import Axis, Chart

MARKED = (1, 2, 5, 10, 20, 50)


def draw_cmc(group: Group) -> Section:
    """One chart for each cell, one line for each method: the mean over the seeds."""
    figures, names = [], []
    for place in group.places:
        curves = {entry.name: curve for entry in group.at(place) if (curve := _mean(entry))}
        if not curves:
            continue
        names += curves
        lowest = min(curve[0] for curve in curves.values())
        summary = join_words(f"{name} {curve[0]:.1f} % at 1, {curve[-1]:.1f} % at {len(curve)}" for name, curve in curves.items())
        y = Axis("probes with a mate within k, %", min(80, 10 * (lowest // 10)), 100)
        chart = Chart(f"CMC, {place.title}: {summary}.", Axis("k", 1, MARKED[-1], log=True, ticks=MARKED), y)
        for name, curve in curves.items():
            number = group.names.index(name)
            chart.line(range(1, len(curve) + 1), curve, number)
            for k in MARKED:
                chart.point(k, curve[k - 1], number, f"{name}: {curve[k - 1]:.1f} % at {k}", 3.6)
        figures.append(Figure(chart.svg(), place.caption))
    intro = (
        "The share of probes that meet a mate among their k nearest gallery sequences; mean over the seeds. The vertical axis need not"
        " begin at 0."
    )
    return make_section("cmc", "Cumulative match characteristics", intro, figures, "The results hold no CMC.", make_legend(group, names))


def _mean(entry: Entry) -> list[float]:
    curves = [row.get("cmc") for row in entry.rows]
    return [sum(values) / len(values) for values in zip(*curves)] if all(curves) else []
