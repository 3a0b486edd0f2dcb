"""Rank-1 by the kind of occlusion."""

from __future__ import annotations

from .heat_map import heat_map, size
from .method_cells import Entry
from .method_groups import Group
from .page_sections import Figure, Section, section
from .page_text import percent


def kinds(group: Group) -> Section:
    """For each cell that draws several kinds, methods × kinds."""
    figures = []
    for place in group.places:
        found = {entry.name: told for entry in group.at(place) if (told := _by_kind(entry))}
        columns = list(dict.fromkeys(kind for told in found.values() for kind in told))
        if len(columns) > 1:
            values = [[told.get(kind) for kind in columns] for told in found.values()]
            title = f"{place.title[0].upper()}{place.title[1:]}"
            words = [[percent(value) for value in line] for line in values]
            body = heat_map(f"Rank-1 by kind, {title}.", list(found), columns, values, words, "kind")
            figures.append(Figure(body, f"{title}.", size(list(found), columns)))
    intro = "Rank-1 in percent of the probes that each kind hides, against the same gallery; mean over the seeds."
    return section("kinds", "Rank-1 by kind", intro, figures, "No cell draws several kinds, or the results do not tell them apart.")


def _by_kind(entry: Entry) -> dict[str, float]:
    """Kind -> Rank-1, mean over the seeds; kinds that every seed has."""
    seeds = [row.get("by_kind") or {} for row in entry.rows]
    shared = [kind for kind in seeds[0] if all(kind in seed for seed in seeds)]
    return {kind: sum(seed[kind]["rank1"] for seed in seeds) / len(seeds) for kind in shared}
