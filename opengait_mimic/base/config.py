"""Strict reading of the YAML blocks that are ours.

OpenGait drops keys it does not know without a word. Here a block is read against a table of fields; an unknown key, a
wrong type or a value out of range stops the run and names the key, what was given and what is allowed.
"""

from __future__ import annotations

import copy
import difflib
import math
import reprlib
from numbers import Real
from types import SimpleNamespace
from typing import Any, Callable

from .errors import ConfigError

REQUIRED = object()  # a field without a default


def read(given: Any, where: str, fields: dict[str, tuple[Any, Callable]]) -> SimpleNamespace:
    """Read one block.

    Args:
        given: the mapping from the YAML; None reads as an empty one.
        where: its place for messages, for example ``model_cfg.teacher``.
        fields: key -> (default or ``REQUIRED``, check). A check takes ``(value, where)`` and returns the value to use.

    Returns:
        A namespace with every field; defaults pass through their check as well.

    Raises:
        ConfigError: not a mapping, or every unknown key (with the nearest valid name), missing key and failed check. A missing key
            is not told beside an unknown one, which may be it misspelt.
    """
    given = {} if given is None else given
    if not isinstance(given, dict):
        raise ConfigError(f"{where}: expected a mapping with the keys {sorted(fields)}, got {given!r}")
    found = [unknown_key(where, key, value, fields) for key, value in given.items() if key not in fields]
    misspelt, values = bool(found), {}
    for key, (default, check) in fields.items():
        value = given.get(key, default)
        if value is not REQUIRED:
            try:
                values[key] = check(value, f"{where}.{key}")
            except ConfigError as error:
                found += error.args
        elif not misspelt:
            found.append(f"{where}.{key}: missing; this key is required")
    if found:
        raise ConfigError(*found)
    return SimpleNamespace(**values)


def unknown_key(where: str, key: object, value: object, names) -> str:
    """The message for a key that is none of ``names``."""
    near, allowed = nearest(key, names), sorted(map(str, names))
    return f"{f'{where}.{key}'.lstrip('.')}: unknown key{near}; allowed: {allowed}; given {shown(value)}"


_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60
shown = _short.repr
"""A value for a message, shortened where it is long."""


def nearest(name: object, names) -> str:
    """The tail of a message: the nearest of ``names`` to a misspelt one, or nothing.

    A name one edit away (a letter more, less or other, or two neighbours swapped) comes first; then what `difflib` finds close.
    """
    given, names = str(name), [str(n) for n in names]
    close = difflib.get_close_matches(given, [n for n in names if _one_edit(given, n)], n=1, cutoff=0)
    close = close or difflib.get_close_matches(given, names, n=1, cutoff=0.6) or [n for n in names if n.lower() == given.lower()]
    return f" (did you mean {close[0]!r}?)" if close else ""


def _one_edit(a: str, b: str) -> bool:
    """Whether one letter more, less or other, or one swap of neighbours, makes b of a; single letters are near to nothing."""
    same = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    rest, other = a[same:], b[same:]
    swapped = len(rest) > 1 and rest[1] + rest[0] + rest[2:] == other
    return len(b) > 1 and (rest[1:] == other[1:] or rest[1:] == other or rest == other[1:] or swapped)


def anything(value, where):
    """Accept every value as it is."""
    return value


def choice(*allowed):
    """A check: one of the listed values."""

    def check(value, where):
        if value not in allowed:
            raise ConfigError(f"{where} = {value!r}{nearest(value, allowed)}; allowed: {', '.join(map(repr, allowed))}")
        return value

    return check


def some_of(allowed: tuple):
    """A check: a list of at least one of the allowed values, none twice; returned as a tuple in their order."""

    def check(value, where):
        if not isinstance(value, (list, tuple)) or not value:
            raise ConfigError(f"{where} = {value!r}; expected a list of at least one of {', '.join(map(repr, allowed))}")
        for i, each in enumerate(value):
            choice(*allowed)(each, f"{where}[{i}]")
        if len(set(value)) < len(value):
            raise ConfigError(f"{where} = {value!r}; every entry may stand there once")
        return tuple(each for each in allowed if each in value)

    return check


def number(low: float = -math.inf, high: float = math.inf):
    """A check: a number in the closed interval [low, high]."""
    span = "" if math.isinf(low) and math.isinf(high) else f" from {low:g} to {high:g}"
    hint = " (YAML reads 1e-4 as text: write 1.0e-4)"

    def check(value, where):
        if isinstance(value, bool) or not isinstance(value, Real) or not low <= value <= high:
            raise ConfigError(f"{where} = {value!r}; expected a number{span}{hint if isinstance(value, str) else ''}")
        return float(value)

    return check


def integer(low: int, high: int | None = None):
    """A check: a whole number of at least ``low``, and at most ``high``."""
    span = f"of at least {low}" if high is None else f"from {low} to {high}"

    def check(value, where):
        if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
            raise ConfigError(f"{where} = {value!r}; expected a whole number {span}")
        return value

    return check


def boolean(value, where):
    """A check: true or false."""
    if not isinstance(value, bool):
        raise ConfigError(f"{where} = {value!r}; expected true or false")
    return value


def text(value, where):
    """A check: a non-empty string."""
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where} = {value!r}; expected a non-empty string")
    return value


def optional(check):
    """A check: null, or whatever ``check`` accepts."""

    def check_or_null(value, where):
        try:
            return None if value is None else check(value, where)
        except ConfigError as error:
            if isinstance(value, dict):  # the slip is inside
                raise
            raise ConfigError(f"{error}, or null") from None

    return check_or_null


def block(fields: dict[str, tuple[Any, Callable]]):
    """A check: a mapping with these fields, returned as `read` returns it."""
    return lambda value, where: read(value, where, fields)


def pair(check):
    """A check: a list of two values that both pass ``check``; returned as a tuple."""

    def both(value, where):
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise ConfigError(f"{where} = {value!r}; expected a list of two values")
        return tuple(check(v, f"{where}[{i}]") for i, v in enumerate(value))

    return both


def merge(user: dict, default: dict) -> dict:
    """The user's configuration over the default one, as OpenGait merges them: mappings key by key, the rest replaced."""
    user, merged = copy.deepcopy(user), copy.deepcopy(default)
    for key, value in user.items():
        below = merged.get(key)
        merged[key] = merge(value, below) if _both_mappings(value, below) else value
    return merged


def losses_of(cfgs: dict) -> list[dict]:
    """The blocks of ``loss_cfg``, which may be one mapping or a list of them."""
    losses = cfgs["loss_cfg"]
    return losses if isinstance(losses, list) else [losses]


def _both_mappings(a, b) -> bool:
    return isinstance(a, dict) and isinstance(b, dict)
