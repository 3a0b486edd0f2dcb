"""Groups of comparable results: one table each, and what differs between groups."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import NamedTuple

from .loaded_results import Result
from .method_cells import Entry, Place, list_entries
from .page_text import join_words

FACTS = {
    "dataset": ("dataset", "data set"),
    "protocol": ("protocol_name", "protocol"),
    "protocol_hash": ("protocol_hash", "content of the protocol"),
    "pairs": ("pairs", "pairs of verification"),
    "data": ("data", "test data"),
    "metric": ("metric", "distance"),
    "seeds": ("seeds", "occlusion seeds"),
}
"""Fact -> its key in rows, and its name in sentences."""
HP_TOLERANCE = 1e-6  # percent points


class Group(NamedTuple):
    """Results that may be compared.

    ``facts``: what they share. ``hp``: backbone -> whole-body Rank-1 of its teacher, percent. ``named``: what a name stands for, such as
    ``model_cfg of GaitBase`` or ``draws of top+bottom 40-60 %`` -> its hash.
    """

    facts: dict[str, str]
    hp: dict[str, float]
    named: dict[str, str]
    results: list[Result]
    entries: list[Entry]

    @property
    def places(self) -> list[Place]:
        """The cells, in the order they are met."""
        return list(dict.fromkeys(entry.place for entry in self.entries))

    @property
    def places_by_interest(self) -> list[Place]:
        """The cells, whole bodies last."""
        return sorted(self.places, key=lambda place: place.occluded_side == "holistic")

    @property
    def names(self) -> list[str]:
        """Methods with their backbones, in the order they are met: the series of the charts."""
        return list(dict.fromkeys(entry.name for entry in self.entries))

    def at(self, place: Place) -> list[Entry]:
        """The entries of one cell."""
        return [entry for entry in self.entries if entry.place == place]

    def name_of(self, result: Result) -> str:
        """What the group calls the network of a result; a later result of the same network may have no entry of its own."""
        return next(entry.name for entry in self.entries if entry.result is result or is_same_network(entry.result, result))


def group_results(results: Iterable[Result]) -> list[Group]:
    """Results by what must be equal before two numbers may be compared: `FACTS`, what names stand for, backbone's HP.

    A backbone whose HP is not known in a result contradicts no other.
    """
    found: list[Group] = []
    for result in results:
        one = _group_alone(result)
        home = next((group for group in found if not list_group_differences(group, one)), None)
        if home is None:
            found.append(one)
            continue
        home.hp.update(one.hp)
        home.named.update(one.named)
        home.results.append(result)
    for group in found:
        _add_entries(group)
    return found


def _group_alone(result: Result) -> Group:
    """A group of one result, without entries."""
    row = result.rows[0]
    facts = {fact: str(row[key] or "not known") for fact, (key, _) in FACTS.items()}
    facts["seeds"] = ", ".join(map(str, row["seeds"]))
    hp = {} if row["hp_rank1"] is None else {row["backbone"]: row["hp_rank1"]}
    named = {f"model_cfg of {row['backbone']}": row["backbone_cfg"]}
    named.update({f"draws of {each['condition']}": each["hidden_by"] for each in result.rows if each["condition"]})
    return Group(facts, hp, named, [result], [])


def list_group_differences(one: Group, other: Group) -> list[str]:
    """What keeps two groups apart, as ``data set (walkers there, GREW here)``; unlike HP only where all else is alike."""
    unlike = [
        f"{name} ({one.facts[fact]} there, {other.facts[fact]} here)"
        for fact, (_, name) in FACTS.items()
        if one.facts[fact] != other.facts[fact]
    ]
    names = [name for name, known in one.named.items() if other.named.get(name, known) != known]
    unlike += [f"{name} ({one.named[name][:19]} there, {other.named[name][:19]} here)" for name in names]
    backbones = [backbone for backbone, hp in one.hp.items() if abs(hp - other.hp.get(backbone, hp)) > HP_TOLERANCE]
    return unlike or [f"HP of {backbone} ({one.hp[backbone]:.2f} % there, {other.hp[backbone]:.2f} % here)" for backbone in backbones]


def explain_group(found: list[Group], number: int) -> str:
    """A sentence about group ``number`` (from 0) and those before it; empty for the first."""
    parts = [f"from group {i + 1} in {join_words(list_group_differences(found[i], found[number]))}" for i in range(number)]
    return f"Not comparable with what stands above: it differs {'; '.join(parts)}." if parts else ""


def _add_entries(group: Group) -> None:
    """The entries of a group's results. Results of one checkpoint are one method; what they measured alike stands once."""
    networks: list[tuple[Result, dict[tuple[str, Place], Entry]]] = []  # the first result of each, and all its entries
    for result in group.results:
        mine = {(entry.name, entry.place): entry for entry in list_entries(result)}
        for first, known in networks:
            shared = [(known[key].total.scores, mine[key].total.scores) for key in known.keys() & mine]
            if is_same_network(first, result) and all(one == other for one, other in shared):
                known.update({key: entry for key, entry in mine.items() if key not in known})
                break
        else:
            networks.append((result, mine))
    for (_, entries), method in zip(networks, _name_methods([first for first, _ in networks])):
        group.entries.extend(entry._replace(method=method) for entry in entries.values())


def is_same_network(one: Result, other: Result) -> bool:
    """Whether two results are of one checkpoint; False without a hash."""
    keys = [(result.provenance.get("checkpoint"), result.rows[0]["method"], result.rows[0]["backbone"]) for result in (one, other)]
    return keys[0][0] is not None and keys[0] == keys[1]


def _name_methods(results: list[Result]) -> list[str]:
    """Where two results are of one method and backbone, the YAML's name separates them, and a number if that is the same too."""
    keys = [(result.rows[0]["method"], result.rows[0]["backbone"]) for result in results]
    names: list[str] = []
    for result, key in zip(results, keys):
        stem = PurePath(str(result.provenance.get("cfgs") or result.place)).stem
        same = sum(name.startswith(f"{key[0]} ({stem}") for name in names)
        names.append(key[0] if keys.count(key) == 1 else f"{key[0]} ({stem}{f', {same + 1}' if same else ''})")
    return names
