"""Rank-1 by kind of occlusion and by view, as heat maps."""

from __future__ import annotations

from .heat_map import draw_heat_map, figure_size
from .method_cells import Entry
from .method_groups import Group
from .page_sections import Figure, Section, make_section
from .page_text import format_percent

MOST = 18


def draw_kinds(group: Group) -> Section:
    """For each cell that draws several kinds, methods × kinds."""
    figures = []
    for place in group.places:
        found = {entry.name: scores for entry in group.at(place) if (scores := _by_kind(entry))}
        columns = list(dict.fromkeys(kind for scores in found.values() for kind in scores))
        if len(columns) > 1:
            values = [[scores.get(kind) for kind in columns] for scores in found.values()]
            title = f"{place.title[0].upper()}{place.title[1:]}"
            words = [[format_percent(value) for value in line] for line in values]
            body = draw_heat_map(f"Rank-1 by kind, {title}.", list(found), columns, values, words, "kind")
            figures.append(Figure(body, f"{title}.", figure_size(list(found), columns)))
    intro = "Rank-1 in percent of the probes that each kind hides, against the same gallery; mean over the seeds."
    return make_section("kinds", "Rank-1 by kind", intro, figures, "No cell draws several kinds, or the results do not separate them.")


def _by_kind(entry: Entry) -> dict[str, float]:
    """Kind -> Rank-1, mean over the seeds; kinds that every seed has."""
    seeds = [row.get("by_kind") or {} for row in entry.rows]
    shared = [kind for kind in seeds[0] if all(kind in seed for seed in seeds)]
    return {kind: sum(seed[kind]["rank1"] for seed in seeds) / len(seeds) for kind in shared}


def draw_views(group: Group) -> Section:
    """Cross-view protocols: for each method and cell a map of probe view × gallery view; else for each cell methods × probe view."""
    figures = []
    for place in sorted(group.places, key=lambda place: place.occluded_side == "holistic"):  # whole bodies last
        flat: dict[str, dict[str, float]] = {}
        for entry in group.at(place):
            pairs = _view_pairs(entry)
            if any(gallery for _, gallery in pairs):
                figures.append(_by_view_pair(entry, pairs))
            elif pairs:
                flat[entry.name] = {probe: value for (probe, _), value in pairs.items()}
        if flat:
            figures.append(_by_probe_view(place, flat))
    intro = (
        "Rank-1 in percent by view, mean over the seeds; the stronger the shade the higher, 0 to 100 in all of them; a struck cell has no"
        " trial."
    )
    return make_section("views", "Rank-1 by view", intro, figures, "The results hold no accuracy by view.", most=MOST)


def _view_pairs(entry: Entry) -> dict[tuple[str, str], float]:
    """(probe view, gallery view; "" where the protocol does not go by views) -> Rank-1, mean over the seeds; pairs that every seed has."""
    seeds = [{(str(probe), str(gallery or "")): value for probe, gallery, value in row.get("view_pairs") or ()} for row in entry.rows]
    return {pair: sum(seed[pair] for seed in seeds) / len(seeds) for pair in seeds[0] if all(pair in seed for seed in seeds)}


def _by_view_pair(entry: Entry, pairs: dict[tuple[str, str], float]) -> Figure:
    rows, columns = (sorted({pair[side] for pair in pairs}) for side in (0, 1))
    values = [[pairs.get((row, column)) for column in columns] for row in rows]
    caption = f"{entry.name}; {entry.place.title}"
    return Figure(_map(caption, rows, columns, values, "gallery view", "probe"), f"{caption}.", figure_size(rows, columns))


def _by_probe_view(place, flat: dict[str, dict[str, float]]) -> Figure:
    columns = sorted({view for views in flat.values() for view in views})
    values = [[views.get(column) for column in columns] for views in flat.values()]
    title = f"{place.title[0].upper()}{place.title[1:]}"
    return Figure(_map(title, list(flat), columns, values, "probe view", ""), f"{title}.", figure_size(list(flat), columns))


def _map(alt, rows, columns, values, x, y) -> str:
    words = [[format_percent(value) for value in line] for line in values]
    return draw_heat_map(f"Rank-1 by view, {alt}.", rows, columns, values, words, x, y)
