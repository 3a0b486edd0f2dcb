"""Groups of comparable results: one table each, and what differs between groups."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import NamedTuple

from .loaded_results import Result
from .method_cells import Entry, Place, list_entries
from .page_text import join_words

FACTS = {
    "dataset": "data set",
    "protocol": "protocol",
    "protocol_hash": "content of the protocol",
    "pairs": "pairs of verification",
    "data": "test data",
    "metric": "distance",
    "seeds": "occlusion seeds",
}
NAMES = {**{key: key for key in FACTS if key != "seeds"}, "protocol": "protocol_name"}  # keys of rows, or of the provenance
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
    def names(self) -> list[str]:
        """Methods with their backbones, in the order they are met: the series of the charts."""
        return list(dict.fromkeys(entry.name for entry in self.entries))

    def at(self, place: Place) -> list[Entry]:
        """The entries of one cell."""
        return [entry for entry in self.entries if entry.place == place]

    def name_of(self, result: Result) -> str:
        """What the group calls the network of a result; a later result of the same network may have no entry of its own."""
        alike = [entry.name for entry in self.entries if entry.result is result or same_network(entry.result, result)]
        return alike[0] if alike else f"{result.rows[0]['method']}, {result.rows[0]['backbone']}"


def group_results(results: Iterable[Result]) -> list[Group]:
    """Results by what must be equal before two numbers may be compared: `FACTS`, what names stand for, backbone's HP.

    A backbone whose HP is not known in a result contradicts no other: RP is then not there to be compared.
    """
    found: list[Group] = []
    for result in results:
        one = Group(_facts(result), _hp(result), _named(result), [], [])
        home = next((group for group in found if not list_group_differences(group, one)), None)
        if home is None:
            home = one
            found.append(home)
        home.hp.update(one.hp)
        home.named.update(one.named)
        home.results.append(result)
    for group in found:
        _fill(group)
    return found


def list_group_differences(one: Group, other: Group) -> list[str]:
    """What keeps two groups apart, as ``data set (walkers there, GREW here)``; unlike HP only where all else is alike."""
    unlike = [
        f"{name} ({one.facts[key]} there, {other.facts[key]} here)" for key, name in FACTS.items() if one.facts[key] != other.facts[key]
    ]
    names = [name for name, known in one.named.items() if other.named.get(name, known) != known]
    unlike += [f"{name} ({one.named[name][:19]} there, {other.named[name][:19]} here)" for name in names]
    backbones = _other_hp(one.hp, other.hp)
    return unlike or [f"HP of {backbone} ({one.hp[backbone]:.2f} % there, {other.hp[backbone]:.2f} % here)" for backbone in backbones]


def explain_group(found: list[Group], number: int) -> str:
    """A sentence about group ``number`` (from 0) and those before it; empty for the first."""
    parts = [f"from group {i + 1} in {join_words(list_group_differences(found[i], found[number]))}" for i in range(number)]
    return f"Not comparable with what stands above: it differs {'; '.join(parts)}." if parts else ""


def _facts(result: Result) -> dict[str, str]:
    row, made = result.rows[0], result.provenance
    values = {key: row.get(name) or made.get(name) for key, name in NAMES.items()}
    seeds = row.get("seeds") or sorted({row["seed"] for row in result.rows})
    return {**{key: str(value or "not known") for key, value in values.items()}, "seeds": ", ".join(map(str, seeds))}


def _hp(result: Result) -> dict[str, float]:
    return {row["backbone"]: row["hp_rank1"] for row in result.rows if row.get("hp_rank1") is not None}


def _named(result: Result) -> dict[str, str]:
    networks = {f"model_cfg of {row['backbone']}": row.get("backbone_cfg") for row in result.rows}
    draws = {f"draws of {row['condition']}": row.get("hidden_by") for row in result.rows if row.get("condition")}
    return {name: known for name, known in {**networks, **draws}.items() if known is not None}


def _other_hp(one: dict[str, float], other: dict[str, float]) -> list[str]:
    return [backbone for backbone in one if backbone in other and abs(one[backbone] - other[backbone]) > HP_TOLERANCE]


def _fill(group: Group) -> None:
    """The entries of a group's results. Results of one checkpoint are one method; what they measured alike stands once."""
    networks: list[tuple[Result, list[Entry]]] = []  # the first result of each, and all its entries
    for result in group.results:
        mine = list_entries(result)
        for first, known in networks:
            if same_network(first, result) and _agree(known, mine):
                known.extend(entry for entry in mine if (entry.name, entry.place) not in {(e.name, e.place) for e in known})
                break
        else:
            networks.append((result, mine))
    for (_, mine), label in zip(networks, _labels([first for first, _ in networks])):
        group.entries.extend(entry._replace(method=label or entry.method) for entry in mine)


def same_network(one: Result, other: Result) -> bool:
    """Whether two results are of one checkpoint; False without a hash."""
    keys = [(r.provenance.get("checkpoint"), r.rows[0]["method"], r.rows[0]["backbone"]) for r in (one, other)]
    return keys[0][0] is not None and keys[0] == keys[1]


def _agree(known: list[Entry], more: list[Entry]) -> bool:
    """Whether two results of a network agree in every cell that both measured."""
    by_key = {(entry.name, entry.place): entry for entry in known}
    pairs = [(by_key[entry.name, entry.place], entry) for entry in more if (entry.name, entry.place) in by_key]
    return all(one.seeds == other.seeds and one.scores == other.scores for one, other in pairs)


def _labels(results: list[Result]) -> list[str | None]:
    """Where two results are of one method and backbone, the YAML's name separates them, and a number if that is the same too."""
    keys = [(result.rows[0]["method"], result.rows[0]["backbone"]) for result in results]
    names: list[str | None] = []
    for result, key in zip(results, keys):
        if keys.count(key) == 1:
            names.append(None)
            continue
        stem = PurePath(str(result.provenance.get("cfgs") or result.place)).stem
        same = sum(name is not None and name.startswith(f"{key[0]} ({stem}") for name in names)
        names.append(f"{key[0]} ({stem}{f', {same + 1}' if same else ''})")
    return names
