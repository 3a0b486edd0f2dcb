"""A comparison as text in aligned columns. Pure."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence

from .differences import Difference
from .facts import RECIPE, REST, UNTOLD

LONGEST = 200  # characters of a value


def table(found: Sequence[Difference], a: tuple[str, str], b: tuple[str, str], width: int = 100, by_recipe: bool = True) -> str:
    """The differences under their groups, then what a side does not tell, what is equal, and a verdict.

    Args:
        found: of `compare`.
        a: the first side's file and title.
        b: the second's.
        width: of the text, in characters; 80 or more.
        by_recipe: whether a side is a recipe (a YAML), from which the other departs.
    """
    lines = []
    for letter, (file, title) in (("A", a), ("B", b)):
        lines += [f"{letter}  {file}", f"   {title}"]
    told = [each for each in found if each.told]
    keys = min(max([20, *(len(name(each)) + 2 for each in told)]), 36)
    column = (width - keys - 4) // 2
    titles = ("departures from the recipe", "besides the recipe") if by_recipe else (deciding(found), "besides")
    for groups, title in zip((RECIPE, REST), titles):
        here = [each for each in told if each.group in groups]
        if here:
            lines += ["", f"{title}:", f"{'':<{keys}}  {'A':<{column}}  B", f"{'-' * keys}  {'-' * column}  {'-' * column}"]
        for group in dict.fromkeys(each.group for each in here):
            lines.append(group)
            for each in (each for each in here if each.group == group):
                lines += _row(name(each), shown(each.a), shown(each.b), keys, column)
    lines += _untold(found, width) + _equal(found, width)
    return "\n".join(line.rstrip() for line in [*lines, "", *textwrap.wrap(verdict(found, by_recipe), width)])


def name(each: Difference) -> str:
    """Of a fact in its group."""
    return each.key[len("training.") :] if each.key.startswith("training.") else each.key or each.group


def deciding(found: Sequence[Difference]) -> str:
    """What the groups of `RECIPE` that differ decide; see `Difference.departure`."""
    groups = {each.group for each in found if each.departure}
    return "what decides the test" if groups == {"test"} else f"what decides the weights{' and the test' * ('test' in groups)}"


def verdict(found: Sequence[Difference], by_recipe: bool = True) -> str:
    """One sentence on the recipe, or on what decides the weights."""
    groups = dict.fromkeys(each.group for each in found if each.departure)
    if groups:
        count = sum(each.departure for each in found)
        said = f"departure{'s' * (count > 1)} from the recipe" if by_recipe else f"difference{'s' * (count > 1)} in {deciding(found)}"
        return f"{count} {said}: {', '.join(groups)}."
    if silent(found):
        return f"Nothing can be said{' of the recipe' * by_recipe}: what decides the weights is not told by {silent(found)}."
    what = "departure from the recipe" if by_recipe else "difference in what decides the weights"
    return f"No {what} in anything that both sides tell."


def silent(found: Sequence[Difference]) -> str:
    """The sides that do not tell what decided their weights; empty if both do."""
    model = next((each for each in found if each.group == "model" and not each.key and not each.told), None)
    return "" if model is None else " and ".join(letter for letter, value in zip("AB", model[2:]) if value is UNTOLD)


def shown(value) -> str:
    """A value for a cell, cut where it is long."""
    text = _text(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _text(value) -> str:
    if value is None or value in ({}, []):
        return "-"
    if isinstance(value, str):
        return value[:19] if value.startswith("sha256:") else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(each)}" for key, each in value.items())
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return json.dumps(value) if isinstance(value, (int, float)) else str(value)


def _row(key: str, a: str, b: str, keys: int, column: int) -> list[str]:
    """The lines of a row whose cells are wrapped, a key at its dots."""
    dotted = textwrap.wrap(key.replace(".", ". "), keys - 2, subsequent_indent="  ")
    parts = [["  " + part.replace(". ", ".") for part in dotted], *(_wrapped(cell, column) for cell in (a, b))]
    deep = max(map(len, parts))
    filled = [part + [""] * (deep - len(part)) for part in parts]
    return [f"{key:<{keys}}  {a:<{column}}  {b}" for key, a, b in zip(*filled)]


def _wrapped(text: str, width: int) -> list[str]:
    """Broken at blanks and after slashes; a part that is longer than the line is cut."""
    lines = [""]
    for part in re.findall(rf"[^\s/]{{0,{width - 1}}}/|[^\s/]{{1,{width}}}|\s+", text):
        if len(lines[-1]) + len(part.rstrip()) > width:
            lines.append("")
        lines[-1] += part if lines[-1] else part.lstrip()
    return [line.rstrip() for line in lines]


def _untold(found: Sequence[Difference], width: int) -> list[str]:
    lines = []
    for who, is_so in (
        ("A", lambda each: each.a is UNTOLD is not each.b),
        ("B", lambda each: each.b is UNTOLD is not each.a),
        ("either", lambda each: each.a is UNTOLD is each.b),
    ):
        keys: dict[str, list[str]] = {}
        for each in filter(is_so, found):
            keys.setdefault(each.group, []).extend([name(each)] if each.key else [])
        lines += _listed(f"not told by {who}: ", [f"{group} ({', '.join(of)})" if of else group for group, of in keys.items()], width)
    return ["", *lines] if lines else []


def _equal(found: Sequence[Difference], width: int) -> list[str]:
    there = {each.group for each in found}
    return ["", *_listed("equal: ", [group for group in (*RECIPE, *REST) if group not in there], width)]


def _listed(head: str, names: list[str], width: int) -> list[str]:
    return textwrap.wrap(", ".join(names), width, initial_indent=head, subsequent_indent=" " * len(head)) if names else []
