"""Predictions of the Visibility Estimation Network (VEN) against what was hidden."""

from __future__ import annotations

from html import escape

import numpy as np

from ...occlusion import KINDS
from .heat_map import draw_heat_map, figure_size
from .loaded_results import Result
from .method_groups import Group
from .page_sections import Figure, Section, make_section
from .page_text import join_words
from .svg import Axis, Chart, swatch

POINTS = 300  # drawn of each scatter; the numbers are those of all


def draw_ven(group: Group) -> Section:
    """For each result and condition a confusion matrix and a scatter of the amounts, all seeds together."""
    found, shown = {}, set()
    for result in group.results:
        for condition, arrays in _conditions(result).items():
            found.setdefault((group.name_of(result), condition), (arrays, result))  # two results of one network show it once
    figures = []
    for (name, condition), (arrays, result) in found.items():
        kind, ven_kind, hidden, ven_hidden = arrays
        figures += [_confusion(name, condition, kind, ven_kind, result.provenance.get("ven_kinds"))]
        figures += [_amounts(name, condition, kind, hidden, ven_hidden)]
        shown |= set(np.unique(kind).tolist())
    intro = (
        "First: drawn kinds against those that the VEN names for a sequence, percent of the drawn kind. Second: the share that is hidden of"
        " a sequence's frames against the VEN's estimate; on the line they are equal."
    )
    key = "".join(f"<li>{swatch(kind, line=False)} {escape(KINDS[kind])}</li>" for kind in sorted(shown))
    return make_section(
        "ven", "The visibility network", intro, figures, "No result comes from a model with a VEN.", f'<ul class="legend">{key}</ul>'
    )


def _conditions(result: Result) -> dict[str, list[np.ndarray]]:
    """Condition -> kind, ven_kind, hidden area, ven_hidden of all its seeds."""
    found: dict[str, list[list[np.ndarray]]] = {}
    fields = ("kind", "ven_kind", "hidden_area", "ven_hidden")
    for name in result.trials:
        where, _, field = name.rpartition("/")
        if field == "ven_kind":
            found.setdefault(where.rpartition("|")[0], []).append([result.trials[f"{where}/{other}"] for other in fields])
    return {condition: [np.concatenate(parts) for parts in zip(*seeds)] for condition, seeds in found.items()}


def _confusion(name: str, condition: str, kind: np.ndarray, predicted: np.ndarray, known: list[str] | None) -> Figure:
    rows = np.unique(kind)
    columns = np.union1d(rows, predicted)
    counts = np.array([[np.sum((kind == i) & (predicted == j)) for j in columns] for i in rows])
    shares = 100 * counts / counts.sum(1, keepdims=True)
    right = 100 * float(np.mean(kind == predicted))
    rows_named = [f"{KINDS[i]} ({n})" for i, n in zip(rows, counts.sum(1))]
    words = [[f"{share:.1f}" if share else "0" for share in line] for line in shares]
    alt = f"VEN confusion, {name}, {condition}: {right:.1f} % right."
    body = draw_heat_map(alt, rows_named, [KINDS[j] for j in columns], shares.tolist(), words, "named", "drawn")
    caption = (
        f"{name}; {condition or 'whole bodies'}: {right:.1f} % of {len(kind)} sequences named right{_untaught(kind, predicted, known)}."
    )
    return Figure(body, caption, figure_size(rows_named, columns))


def _untaught(kind: np.ndarray, predicted: np.ndarray, known: list[str] | None) -> str:
    """That kinds were drawn which the VEN cannot name, and how many of the others it named right; empty if ``known`` is None."""
    unknown = [KINDS[i] for i in np.unique(kind) if known and KINDS[i] not in known]
    if not unknown:
        return ""
    could = ~np.isin(kind, [KINDS.index(name) for name in unknown])
    others = f", {100 * float(np.mean(kind[could] == predicted[could])):.1f} % of the {could.sum()} others" if could.any() else ""
    return f"{others}; {join_words(unknown)} {'is' if len(unknown) == 1 else 'are'} not among the kinds it was taught ({', '.join(known)})"


def _amounts(name: str, condition: str, kind: np.ndarray, area: np.ndarray, predicted: np.ndarray) -> Figure:
    area, predicted = (100 * values.astype(np.float64) for values in (area, predicted))
    error = float(np.mean(np.abs(area - predicted)))
    chart = Chart(
        f"VEN's amounts, {name}, {condition}: mean absolute error {error:.1f} percent points.",
        Axis("hidden, % of the frames", 0, 100),
        Axis("VEN's estimate, %", 0, 100),
    )
    chart.line((0, 100), (0, 100))
    for i in np.unique(np.linspace(0, len(kind) - 1, min(POINTS, len(kind))).astype(int)):
        chart.point(area[i], predicted[i], int(kind[i]), r=2.8)
    drawn = f"; {POINTS} of {len(kind)} are drawn" if len(kind) > POINTS else ""
    return Figure(chart.svg(), f"{name}; {condition or 'whole bodies'}: mean absolute error {error:.1f} percent points{drawn}.")
