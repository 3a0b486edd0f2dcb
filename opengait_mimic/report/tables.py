"""The results as tables of text, for the page and for LaTeX."""

from __future__ import annotations

from typing import NamedTuple

from .entries import Entry, Place
from .groups import Group
from .text import ratio, spread

COLUMNS = 4  # cells side by side in the overview
TITLES = ("Method", "Rank-1, %", "Rank-5, %", "RP at 1 [95 %]", "RP at 5", "mAP, %", "Retention", "Kinds in training")
SEEN = {True: "seen", False: "unseen", None: ""}


class Overview(NamedTuple):
    """Some cells side by side: one line for each method, its cell of the table for each place (None: not measured)."""

    places: list[Place]
    lines: list[tuple[str, list[Entry | None]]]


def overviews(group: Group) -> list[Overview]:
    """Method × cell, a few cells to a table."""
    found = []
    for start in range(0, len(group.places), COLUMNS):
        places = group.places[start : start + COLUMNS]
        by_name = {(entry.name, entry.place): entry for entry in group.entries}
        found.append(Overview(places, [(name, [by_name.get((name, place)) for place in places]) for name in group.names]))
    return found


def score(entry: Entry, key: str, digits: int = 1) -> str:
    """A score as mean ± sd."""
    return spread(*entry.scores[key], digits)


def rp(entry: Entry) -> str:
    """RP at Rank-1 as mean ± sd with its interval."""
    ends = f" [{ratio(entry.interval[0])}, {ratio(entry.interval[1])}]" if entry.interval else ""
    return score(entry, "rp_rank1", 2) + ends


def line(entry: Entry) -> list[str]:
    """One line of the full table, in the order of `TITLES`."""
    scores = [score(entry, "rank1"), score(entry, "rank5"), rp(entry), score(entry, "rp_rank5", 2), score(entry, "mAP")]
    return [entry.name, *scores, score(entry, "retention_rank1", 2), SEEN[entry.seen]]


def blocks(group: Group) -> list[tuple[str, list[list[str]]]]:
    """The full table: per cell its title and lines."""
    return [(place.title, [line(entry) for entry in group.at(place)]) for place in group.places]


def notes(group: Group, seen: bool = True) -> list[str]:
    """Sentences under a table: what its signs mean (``seen``: it has that column), and why there is no RP where there is none."""
    several = any(len(entry.seeds) > 1 for entry in group.entries)
    said = ["RP: Rank-1 (Rank-5) divided by HP, that of the backbone's teacher on whole bodies; in brackets its 95 % bootstrap interval."]
    said.append("Retention: the method's own Rank-1 on whole bodies divided by HP.")
    said += ["±: standard deviation over the seeds of the occlusion."] if several else []
    if seen and any(entry.seen is not None for entry in group.entries):
        said.append("Seen: the method was trained on every kind the cell hides; unseen: not on all.")
    if any(entry.transductive for entry in group.entries):
        said.append("Transductive rows use the other probes or the gallery as a whole; they are not to be set against the others.")
    for reason in dict.fromkeys(entry.rp_reason for entry in group.entries if entry.rp_reason):
        who = dict.fromkeys(entry.name for entry in group.entries if entry.rp_reason == reason)
        said.append(f"No RP for {', '.join(who)}: {reason}.".replace("..", "."))
    told = [(entry.name, row) for entry in group.entries for row in entry.rows]
    switched = {(name, _listed(row["reference_compat"])) for name, row in told if row.get("reference_compat")}
    said += [f"{name} departs from the paper as the public code does: {switches}." for name, switches in sorted(switched)]
    rows = [row for _, row in told if row.get("probes_without_mate")]
    lost = {(row["probes_without_mate"], row["probes"], bool(row.get("mates_only"))) for row in rows}
    fate = {True: "are left out", False: "count as failures"}
    return said + [f"{without} of {probes} probes have no mate in the gallery and {fate[only]}." for without, probes, only in sorted(lost)]


def _listed(switches: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in switches.items())
