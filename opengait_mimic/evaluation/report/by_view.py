"""Rank-1 by view."""

from __future__ import annotations

from .heat_map import heat_map, size
from .method_cells import Entry
from .method_groups import Group
from .page_sections import Figure, Section, section
from .page_text import percent

MOST = 18


def views(group: Group) -> Section:
    """Cross-view protocols: for each method and cell a map of probe view × gallery view; else for each cell methods × probe view."""
    figures = []
    for place in sorted(group.places, key=lambda place: place.occluded_side == "holistic"):  # whole bodies last
        flat: dict[str, dict[str, float]] = {}
        for entry in group.at(place):
            pairs = _pairs(entry)
            if any(gallery for _, gallery in pairs):
                figures.append(_square(entry, pairs))
            elif pairs:
                flat[entry.name] = {probe: value for (probe, _), value in pairs.items()}
        if flat:
            figures.append(_flat(place, flat))
    intro = (
        "Rank-1 in percent by view, mean over the seeds; the stronger the shade the higher, 0 to 100 in all of them; a struck cell has no"
        " trial."
    )
    return section("views", "Rank-1 by view", intro, figures, "The results hold no accuracy by view.", most=MOST)


def _pairs(entry: Entry) -> dict[tuple[str, str], float]:
    """(probe view, gallery view; "" where the protocol does not go by views) -> Rank-1, mean over the seeds; pairs that every seed has."""
    seeds = [{(str(probe), str(gallery or "")): value for probe, gallery, value in row.get("view_pairs") or ()} for row in entry.rows]
    return {pair: sum(seed[pair] for seed in seeds) / len(seeds) for pair in seeds[0] if all(pair in seed for seed in seeds)}


def _square(entry: Entry, pairs: dict[tuple[str, str], float]) -> Figure:
    rows, columns = (sorted({pair[side] for pair in pairs}) for side in (0, 1))
    values = [[pairs.get((row, column)) for column in columns] for row in rows]
    caption = f"{entry.name}; {entry.place.title}"
    return Figure(_map(caption, rows, columns, values, "gallery view", "probe"), f"{caption}.", size(rows, columns))


def _flat(place, flat: dict[str, dict[str, float]]) -> Figure:
    columns = sorted({view for views in flat.values() for view in views})
    values = [[views.get(column) for column in columns] for views in flat.values()]
    title = f"{place.title[0].upper()}{place.title[1:]}"
    return Figure(_map(title, list(flat), columns, values, "probe view", ""), f"{title}.", size(list(flat), columns))


def _map(alt, rows, columns, values, x, y) -> str:
    words = [[percent(value) for value in line] for line in values]
    return heat_map(f"Rank-1 by view, {alt}.", rows, columns, values, words, x, y)
