"""In what two run sheets differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .defaults import BLOCKS, filled
from .facts import RECIPE, REST, UNTOLD, facts

OPTIONAL = ("result", "test")
"""Facts that two sheets are both silent of where neither is of a test."""


class Difference(NamedTuple):
    """A fact that is not known to be equal: its group (see `facts`), its key there, both values (`UNTOLD` where a sheet is silent)."""

    group: str
    key: str
    a: object
    b: object

    @property
    def told(self) -> bool:
        """Both sides tell it."""
        return UNTOLD is not self.a and UNTOLD is not self.b

    @property
    def departure(self) -> bool:
        """Both tell it, and it is of the recipe."""
        return self.told and self.group in RECIPE


def compare(a: dict, b: dict) -> list[Difference]:
    """Every fact in which two sheets differ, or of which one of them is silent, the heaviest first.

    Of a network that the weights were built on only the file's hash counts where both tell it and it is equal.

    Args:
        a: a sheet; see `opengait_mimic.run_sheet`.
        b: likewise.

    Example:
        >>> [each.group for each in compare({"what": "training", "seed": 0}, {"what": "training", "seed": 1}) if each.told]
        ['processes']
    """
    ours, theirs, found = facts(a), facts(b), []
    for group in (*RECIPE, *REST):
        pair = ours[group], theirs[group]
        if group in ("teacher", "ven") and None in pair:  # one side builds on no such network
            pair = tuple("there" if isinstance(each, dict) else each for each in pair)
        if group in BLOCKS and UNTOLD not in pair:
            pair = filled(group, *pair), filled(group, *reversed(pair))
        here = [Difference(group, *each) for each in _differing(*pair)]
        found += [each for each in here if not _follows(each, here)]
    return found


def _follows(each: Difference, others: list[Difference]) -> bool:
    """An order of steps that differs because the steps do."""
    return each.key.endswith("order") and sum(other.key.startswith(each.key[: -len("order")]) for other in others) > 1


def _differing(a, b, where: str = "") -> Iterator[tuple[str, object, object]]:
    if isinstance(a, dict) and isinstance(b, dict):
        same = a.get("weights", UNTOLD) is not UNTOLD and a["weights"] == b.get("weights")
        for key in [*a, *(key for key in b if key not in a)]:
            if not (same and key == "training"):
                yield from _differing(a.get(key), b.get(key), f"{where}.{key}".strip("."))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b) and any(isinstance(each, dict) for each in (*a, *b)):
        for i, pair in enumerate(zip(a, b)):
            yield from _differing(*pair, f"{where}[{i}]")
    elif a is UNTOLD and b is UNTOLD:
        if where not in OPTIONAL:
            yield where, a, b
    elif a != b and not (a in ({}, [], None) and b in ({}, [], None)):  # an empty block says nothing
        yield where, a, b
