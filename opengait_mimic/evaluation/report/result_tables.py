"""The results as tables of text, for the page and for LaTeX."""

from __future__ import annotations

import json

from ...metrics.protocols.mateless_probes import describe_mateless
from .loaded_results import Result
from .method_cells import RANKS, Entry, Part, Place
from .method_groups import Group
from .page_text import format_number, join_words

COLUMNS = 4  # cells next to each other in the overview
TABLE = {
    **{"rank1": "Rank-1, %", "rank5": "Rank-5, %", "rp_rank1": "RP at 1 [95 %]", "rp_rank5": "RP at 5", "mAP": "mAP, %", "mINP": "mINP, %"},
    **{"retention_rank1": "Retention", "seen": "Kinds in training"},
    **{"rank10": "Rank-10, %", "rank20": "Rank-20, %", "rp_rank10": "RP at 10", "rp_rank20": "RP at 20"},
}
TITLES = ("Method", *TABLE.values())
SUBSET_TITLES = ("Method", "Subset", "Rank-1, %", "Rank-5, %", "mAP, %", "RP at 1 [95 %]", "HP, %")
SEEN = {True: "seen", False: "unseen", None: ""}


def list_overviews(group: Group) -> list[tuple[list[Place], list[tuple[str, list[Entry | None]]]]]:
    """Method × cell, a few cells to a table: its cells, and one line for each method (None: not measured)."""
    by_name, found = {(entry.name, entry.place): entry for entry in group.entries}, []
    for start in range(0, len(group.places), COLUMNS):
        places = group.places[start : start + COLUMNS]
        found.append((places, [(name, [by_name.get((name, place)) for place in places]) for name in group.names]))
    return found


def format_score(entry: Entry | Part, key: str, digits: int = 1) -> str:
    """A score as mean ± sd."""
    return format_number(entry.scores[key].mean, digits, entry.scores[key].sd)


def format_rp(entry: Entry | Part) -> str:
    """RP at Rank-1 as mean ± sd with its interval."""
    ends = f" [{entry.interval[0]:.2f}, {entry.interval[1]:.2f}]" if entry.interval else ""
    return format_score(entry, "rp_rank1", 2) + ends


def list_blocks(group: Group) -> list[tuple[str, list[list[str]]]]:
    """The full table: per cell its title and lines, in the order of `TITLES`."""
    return [(place.title, [_format_line(entry) for entry in group.at(place)]) for place in group.places]


def _format_line(entry: Entry) -> list[str]:
    texts = {key: format_score(entry, key, 2 if key.startswith(("rp_", "retention_")) else 1) for key in entry.scores}
    texts.update(rp_rank1=format_rp(entry), seen=SEEN[entry.seen])
    return [entry.name, *(texts[key] for key in TABLE)]


def list_subset_blocks(group: Group) -> list[tuple[str, list[list[str]]]]:
    """The table by subset: per cell its title and lines, the methods of a subset together; empty where there are no subsets.

    HP is that of the same subset.
    """
    found = []
    for place in group.places:
        entries = group.at(place)
        if names := list(entries[0].subsets):  # of the protocol, which all share
            lines = [[entry.name, name, *_format_subset(entry.subsets[name])] for name in names for entry in entries]
            found.append((place.title, lines))
    return found


def _format_subset(part: Part) -> list[str]:
    percents = [format_score(part, key) for key in ("rank1", "rank5", "mAP")]
    return [*percents, format_rp(part), format_number(part.scores["hp_rank1"].mean)]


def describe_hp(group: Group) -> dict[str, str]:
    """Backbone -> HP at each rank, in words."""
    found: dict[str, str] = {}
    for entry in group.entries:
        means = {k: entry.scores[f"hp_rank{k}"].mean for k in RANKS}
        if means[1] is not None:
            found.setdefault(entry.backbone, join_words(f"{mean:.2f} % Rank-{k}" for k, mean in means.items()))
    return found


def list_subset_notes(group: Group) -> list[str]:
    """Sentences under the table by subset: what it holds, and why a subset alone has no RP."""
    texts = ["Each subset is scored by itself: RP divides by its own HP, and its interval resamples its own people."]
    parts = [(f"{entry.name} in {name}", part, entry) for entry in group.entries for name, part in entry.subsets.items()]
    return texts + _list_reasons([(name, part.rp_reason) for name, part, entry in parts if part.rp_reason != entry.total.rp_reason])


def list_notes(group: Group, seen: bool = True) -> list[str]:
    """Sentences under a table: what its signs mean (``seen``: it has that column), and why there is no RP where there is none."""
    texts = ["RP at k: Rank-k divided by HP, that of the backbone's teacher on whole bodies; in brackets its 95 % bootstrap interval."]
    texts.append("Retention: the method's own Rank-1 on whole bodies divided by HP.")
    if any(len(entry.seeds) > 1 for entry in group.entries):
        texts.append("±: standard deviation over the seeds of the occlusion.")
    if seen and any(entry.seen is not None for entry in group.entries):
        texts.append("Seen: the method was trained on every kind the cell hides; unseen: not on all.")
    if any(entry.transductive for entry in group.entries):
        texts.append("Transductive rows use the other probes or the gallery as a whole; they are not to be set against the others.")
    texts += _list_reasons([(entry.name, entry.total.rp_reason) for entry in group.entries])
    rows = [(entry.name, row) for entry in group.entries for row in entry.rows]
    switched = {(name, _list_switches(row["reference_compat"])) for name, row in rows if row.get("reference_compat")}
    texts += [f"{name} departs from the paper as the public code does: {switches}." for name, switches in sorted(switched)]
    return texts + list(dict.fromkeys(f"{lost}." for _, row in rows for lost in describe_mateless(row)))


def _list_reasons(found: list[tuple[str, str]]) -> list[str]:
    """A sentence for each reason why there is no RP, from names with their reason."""
    who: dict[str, dict[str, None]] = {}
    for name, reason in found:
        if reason:
            who.setdefault(reason, {})[name] = None
    return [f"No RP for {join_words(names)}: {reason}.".replace("..", ".") for reason, names in who.items()]


def _list_switches(switches: dict) -> str:
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
