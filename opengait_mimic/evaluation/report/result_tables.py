"""The results as tables of text, for the page and for LaTeX."""

from __future__ import annotations

import json
from typing import NamedTuple

from ...metrics.protocols.mateless_probes import describe_mateless
from .loaded_results import Result
from .method_cells import Entry, Part, Place
from .method_groups import Group
from .page_text import format_ratio, format_spread, join_words

COLUMNS = 4  # cells side by side in the overview
TABLE = {
    **{"rank1": "Rank-1, %", "rank5": "Rank-5, %", "rp_rank1": "RP at 1 [95 %]", "rp_rank5": "RP at 5", "mAP": "mAP, %", "mINP": "mINP, %"},
    **{"retention_rank1": "Retention", "seen": "Kinds in training"},
    **{"rank10": "Rank-10, %", "rank20": "Rank-20, %", "rp_rank10": "RP at 10", "rp_rank20": "RP at 20"},
}
TITLES = ("Method", *TABLE.values())
SUBSET_TITLES = ("Method", "Subset", "Rank-1, %", "Rank-5, %", "mAP, %", "RP at 1 [95 %]", "HP, %")
OLDER = "the result was written by an older version: evaluate again (its embeddings are cached)"
SEEN = {True: "seen", False: "unseen", None: ""}


class Overview(NamedTuple):
    """Some cells side by side: one line for each method, its cell of the table for each place (None: not measured)."""

    places: list[Place]
    lines: list[tuple[str, list[Entry | None]]]


def list_overviews(group: Group) -> list[Overview]:
    """Method × cell, a few cells to a table."""
    found = []
    for start in range(0, len(group.places), COLUMNS):
        places = group.places[start : start + COLUMNS]
        by_name = {(entry.name, entry.place): entry for entry in group.entries}
        found.append(Overview(places, [(name, [by_name.get((name, place)) for place in places]) for name in group.names]))
    return found


def format_score(entry: Entry | Part, key: str, digits: int = 1) -> str:
    """A score as mean ± sd."""
    return format_spread(*entry.scores[key], digits)


def format_rp(entry: Entry | Part) -> str:
    """RP at Rank-1 as mean ± sd with its interval."""
    ends = f" [{format_ratio(entry.interval[0])}, {format_ratio(entry.interval[1])}]" if entry.interval else ""
    return format_score(entry, "rp_rank1", 2) + ends


def format_line(entry: Entry) -> list[str]:
    """One line of the full table, in the order of `TITLES`."""
    texts = {key: format_score(entry, key, 2 if key.startswith(("rp_", "retention_")) else 1) for key in entry.scores}
    texts.update(rp_rank1=format_rp(entry), seen=SEEN[entry.seen])
    return [entry.name, *(texts[key] for key in TABLE)]


def list_blocks(group: Group) -> list[tuple[str, list[list[str]]]]:
    """The full table: per cell its title and lines."""
    return [(place.title, [format_line(entry) for entry in group.at(place)]) for place in group.places]


def format_subset_line(name: str, part: Part) -> list[str]:
    """What follows the method in a line of the table by subset, in the order of `SUBSET_TITLES`; HP is that of the same subset."""
    hp = part.scores["hp_rank1"].mean
    return [
        name,
        format_score(part, "rank1"),
        format_score(part, "rank5"),
        format_score(part, "mAP"),
        format_rp(part),
        format_spread(hp, None, 1),
    ]


def list_subset_blocks(group: Group) -> list[tuple[str, list[list[str]]]]:
    """The table by subset: per cell its title and lines, the methods of a subset side by side; empty where there are no subsets."""
    found = []
    for place in group.places:
        names = dict.fromkeys(name for entry in group.at(place) for name in entry.subsets)
        present = [(name, entry) for name in names for entry in group.at(place) if name in entry.subsets]
        found += (
            [(place.title, [[entry.name, *format_subset_line(name, entry.subsets[name])] for name, entry in present])] if present else []
        )
    return found


def describe_hp(group: Group) -> dict[str, str]:
    """Backbone -> HP at each rank, in words."""
    found: dict[str, str] = {}
    for entry in group.entries:
        means = {k: entry.scores[f"hp_rank{k}"].mean for k in (1, 5, 10, 20)}
        if means[1] is not None:
            found.setdefault(entry.backbone, join_words(f"{mean:.2f} % Rank-{k}" for k, mean in means.items() if mean is not None))
    return found


def list_subset_notes(group: Group) -> list[str]:
    """Sentences under the table by subset: what the total has to do with it, and why there is no RP where there is none."""
    texts = ["Each subset is scored by itself: RP divides by its own HP, and its interval resamples its own people."]
    reasons: dict[str, dict[str, None]] = {}
    for entry in group.entries:
        for name, part in entry.subsets.items():
            if part.scores["rp_rank1"].mean is None and (part.rp_reason or OLDER) != entry.total.rp_reason:
                reasons.setdefault(part.rp_reason or OLDER, {})[f"{entry.name} in {name}"] = None
    return texts + [f"No RP for {join_words(who)}: {reason}.".replace("..", ".") for reason, who in reasons.items()]


def list_notes(group: Group, seen: bool = True) -> list[str]:
    """Sentences under a table: what its signs mean (``seen``: it has that column), and why there is no RP where there is none."""
    several = any(len(entry.seeds) > 1 for entry in group.entries)
    texts = ["RP at k: Rank-k divided by HP, that of the backbone's teacher on whole bodies; in brackets its 95 % bootstrap interval."]
    texts.append("Retention: the method's own Rank-1 on whole bodies divided by HP.")
    texts += ["±: standard deviation over the seeds of the occlusion."] if several else []
    if seen and any(entry.seen is not None for entry in group.entries):
        texts.append("Seen: the method was trained on every kind the cell hides; unseen: not on all.")
    if any(entry.transductive for entry in group.entries):
        texts.append("Transductive rows use the other probes or the gallery as a whole; they are not to be set against the others.")
    for reason in dict.fromkeys(entry.total.rp_reason for entry in group.entries if entry.total.rp_reason):
        who = dict.fromkeys(entry.name for entry in group.entries if entry.total.rp_reason == reason)
        texts.append(f"No RP for {', '.join(who)}: {reason}.".replace("..", "."))
    rows = [(entry.name, row) for entry in group.entries for row in entry.rows]
    switched = {(name, _switches(row["reference_compat"])) for name, row in rows if row.get("reference_compat")}
    texts += [f"{name} departs from the paper as the public code does: {switches}." for name, switches in sorted(switched)]
    return texts + list(dict.fromkeys(f"{lost}." for _, row in rows for lost in describe_mateless(row)))


def _switches(switches: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in switches.items())


def list_provenance(result: Result) -> list[tuple[str, str]]:
    """(key, value) of everything in the provenance; a nested key is written ``outer.inner``."""
    return [("result", result.place), *_flatten("", result.provenance)]


def _flatten(prefix: str, value) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [pair for key, inner in value.items() for pair in _flatten(f"{prefix}.{key}" if prefix else str(key), inner)]
    if isinstance(value, str):
        return [(prefix, value)]
    return [(prefix, "not known" if value is None else json.dumps(value, ensure_ascii=False))]
