"""A comparison as text in aligned columns."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from itertools import zip_longest

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
                name = textwrap.wrap(each.key or group, keys, initial_indent="  ", subsequent_indent="    ")
                values = (textwrap.wrap(_format_value(value)[:LONGEST], column, break_on_hyphens=False) for value in (each.a, each.b))
                lines += [f"{key:<{keys}}  {one:<{column}}  {other}" for key, one, other in zip_longest(name, *values, fillvalue="")]
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


def _format_value(value) -> str:
    if value is None or value in ({}, []):
        return "-"
    if isinstance(value, str):
        return value[:19] if value.startswith("sha256:") else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_format_value(each)}" for key, each in value.items())
    if isinstance(value, list):
        return f"[{', '.join(map(_format_value, value))}]"
    return json.dumps(value)
