"""A comparison as text in aligned columns."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator

from .differences import RECIPE, REST, Difference, Side

LONGEST = 200  # characters of a value


def format_table(found: list[Difference], a: Side, b: Side, width: int = 100) -> str:
    """The differences by group, what one side does not say, and a verdict.

    Args:
        found: of `differences.compare`.
        a: one side.
        b: the other.
        width: of the text in characters, 80 or more.
    """
    lines = [f"A  {a.file}", f"   {a.title}", f"B  {b.file}", f"   {b.title}"]
    known = [each for each in found if each.known]
    keys = min(max([20, *(len(each.key) + 2 for each in known)]), 36)
    column = (width - keys - 4) // 2
    for groups, title in ((RECIPE, "departures from the recipe"), (REST, "not part of the recipe")):
        here = [each for each in known if each.group in groups]
        if here:
            lines += ["", f"{title}:", f"{'':<{keys}}  {'A':<{column}}  B", f"{'-' * keys}  {'-' * column}  {'-' * column}"]
        for group in dict.fromkeys(each.group for each in here):
            lines.append(group)
            for each in (each for each in here if each.group == group):
                lines += _format_row(each.key or group, _text(each.a), _text(each.b), keys, column)
    lines += ["", *_format_unknown(found, width)] if len(known) < len(found) else []
    return "\n".join(line.rstrip() for line in [*lines, "", *textwrap.wrap(format_verdict(found, a, b), width)])


def format_verdict(found: list[Difference], a: Side, b: Side) -> str:
    """One sentence on the recipe."""
    departures = [each for each in found if each.departure]
    silent = " and ".join(letter for letter, side in (("A", a), ("B", b)) if "model" not in side.facts)
    unknown = f" What decides the weights of {silent} is not known." if silent else ""
    if departures:
        groups = ", ".join(dict.fromkeys(each.group for each in departures))
        return f"{len(departures)} departure{'s' * (len(departures) > 1)} from the recipe: {groups}.{unknown}"
    return unknown.strip() or "No departure from the recipe in anything that both sides say."


def _format_unknown(found: list[Difference], width: int) -> Iterator[str]:
    """What only one side says."""
    for letter, side in (("A", "a"), ("B", "b")):
        names = [f"{each.group}.{each.key}" for each in found if not each.known and getattr(each, side) is None]
        yield from textwrap.wrap(f"not known of {letter}: {', '.join(names)}", width, subsequent_indent="  ") if names else []


def _text(value) -> str:
    """A value for a cell, cut where it is long."""
    text = _full_text(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _full_text(value) -> str:
    if value is None or value in ({}, []):
        return "-"
    if isinstance(value, str):
        return value[:19] if value.startswith("sha256:") else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_full_text(each)}" for key, each in value.items())
    if isinstance(value, list):
        return f"[{', '.join(map(_full_text, value))}]"
    return json.dumps(value) if isinstance(value, (int, float)) else str(value)


def _format_row(key: str, a: str, b: str, keys: int, column: int) -> list[str]:
    """The lines of a row whose cells are wrapped, a key at its dots."""
    dotted = textwrap.wrap(key.replace(".", ". "), keys - 2, subsequent_indent="  ")
    parts = [["  " + part.replace(". ", ".") for part in dotted], *(_wrap(cell, column) for cell in (a, b))]
    deep = max(map(len, parts))
    filled = [part + [""] * (deep - len(part)) for part in parts]
    return [f"{key:<{keys}}  {a:<{column}}  {b}" for key, a, b in zip(*filled)]


def _wrap(text: str, width: int) -> list[str]:
    """Broken at blanks and after slashes; a part that is longer than the line is cut."""
    lines = [""]
    for part in re.findall(rf"[^\s/]{{0,{width - 1}}}/|[^\s/]{{1,{width}}}|\s+", text):
        if len(lines[-1]) + len(part.rstrip()) > width:
            lines.append("")
        lines[-1] += part if lines[-1] else part.lstrip()
    return [line.rstrip() for line in lines]
