"""Rank-1 by kind of occlusion and by view, as heat maps."""

from __future__ import annotations

from .heat_map import draw_heat_map, figure_size
from .method_cells import Entry
from .method_groups import Group
from .page_sections import Figure, Section, make_section
from .page_text import format_number


def draw_kinds(group: Group) -> Section:
    """For each cell that draws several kinds, methods × kinds."""
    figures = []
    for place in group.places:
        found = {entry.name: scores for entry in group.at(place) if (scores := _by_kind(entry))}
        columns = list(dict.fromkeys(kind for scores in found.values() for kind in scores))
        if len(columns) > 1:
            values = [[scores.get(kind) for kind in columns] for scores in found.values()]
            figures.append(_map("kind", place.caption, list(found), columns, values, "kind", ""))
    intro = "Rank-1 in percent of the probes that each kind hides, against the same gallery; mean over the seeds."
    return make_section("kinds", "Rank-1 by kind", intro, figures, "No cell draws several kinds, or the results do not separate them.")


def _by_kind(entry: Entry) -> dict[str, float]:
    """Kind -> Rank-1, mean over the seeds."""
    return _mean_over_seeds([{kind: scores["rank1"] for kind, scores in (row.get("by_kind") or {}).items()} for row in entry.rows])


def draw_views(group: Group) -> Section:
    """Cross-view protocols: for each method and cell a map of probe view × gallery view; else for each cell methods × probe view."""
    figures = []
    for place in group.places_by_interest:
        flat: dict[str, dict[str, float]] = {}
        for entry in group.at(place):
            pairs = _by_view_pair(entry)
            if any(gallery for _, gallery in pairs):
                rows, columns = (sorted({pair[side] for pair in pairs}) for side in (0, 1))
                values = [[pairs.get((row, column)) for column in columns] for row in rows]
                figures.append(_map("view", f"{entry.name}; {place.title}.", rows, columns, values, "gallery view", "probe"))
            elif pairs:
                flat[entry.name] = {probe: value for (probe, _), value in pairs.items()}
        if flat:
            columns = sorted({view for views in flat.values() for view in views})
            values = [[views.get(column) for column in columns] for views in flat.values()]
            figures.append(_map("view", place.caption, list(flat), columns, values, "probe view", ""))
    intro = (
        "Rank-1 in percent by view, mean over the seeds; the stronger the shade the higher, 0 to 100 in all of them; a struck cell has no"
        " trial."
    )
    return make_section("views", "Rank-1 by view", intro, figures, "The results hold no accuracy by view.", most=18)


def _by_view_pair(entry: Entry) -> dict[tuple[str, str], float]:
    """(probe view, gallery view; "" where the protocol does not go by views) -> Rank-1, mean over the seeds."""
    return _mean_over_seeds(
        [{(probe, gallery or ""): value for probe, gallery, value in row.get("view_pairs") or ()} for row in entry.rows]
    )


def _mean_over_seeds(seeds: list[dict]) -> dict:
    """The mean of each key that all seeds have."""
    return {key: sum(seed[key] for seed in seeds) / len(seeds) for key in seeds[0] if all(key in seed for seed in seeds)}


def _map(of: str, caption: str, rows: list[str], columns: list[str], values: list[list], x: str, y: str) -> Figure:
    words = [[format_number(value) for value in line] for line in values]
    body = draw_heat_map(f"Rank-1 by {of}, {caption}", rows, columns, values, words, x, y)
    return Figure(body, caption, figure_size(rows, columns))
