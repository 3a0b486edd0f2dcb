"""Strict reading of the YAML blocks that are ours.

OpenGait drops keys it does not know without a word. Here a block is read against a table of fields; an unknown key, a
wrong type or a value out of range stops the run and names the key, what was given and what is allowed.
"""

from __future__ import annotations

import copy
import difflib
from numbers import Real
from types import SimpleNamespace
from typing import Any, Callable

REQUIRED = object()  # a field without a default


class ConfigError(ValueError):
    """A YAML value of ours is missing, unknown, of the wrong type or out of range."""


def read(given: Any, where: str, fields: dict[str, tuple[Any, Callable]]) -> SimpleNamespace:
    """Read one block.

    Args:
        given: the mapping from the YAML; None reads as an empty one.
        where: its place for messages, for example ``model_cfg.teacher``.
        fields: key -> (default or ``REQUIRED``, check). A check takes ``(value, where)`` and returns the value to use.

    Returns:
        A namespace with every field; defaults pass through their check as well.

    Raises:
        ConfigError: not a mapping, unknown key (with the nearest valid name), missing key, or a failed check.
    """
    given = {} if given is None else given
    if not isinstance(given, dict):
        raise ConfigError(f"{where}: expected a mapping with the keys {sorted(fields)}, got {given!r}")
    for key in given:
        if key not in fields:
            raise ConfigError(f"{where}.{key}: unknown key{nearest(key, fields)}; allowed: {sorted(fields)}")
    values = {}
    for key, (default, check) in fields.items():
        value = given.get(key, default)
        if value is REQUIRED:
            raise ConfigError(f"{where}.{key}: missing; this key is required")
        values[key] = check(value, f"{where}.{key}")
    return SimpleNamespace(**values)


def nearest(name: object, names) -> str:
    """The tail of a message: the nearest of ``names`` to a misspelt one, or nothing."""
    close = difflib.get_close_matches(str(name), [str(n) for n in names], n=1, cutoff=0.6) or [
        n for n in map(str, names) if n.lower() == str(name).lower()
    ]
    return f" (did you mean {close[0]!r}?)" if close else ""


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


def number(low: float, high: float):
    """A check: a number in the closed interval [low, high]."""
    hint = " (YAML reads 1e-4 as text: write 1.0e-4)"

    def check(value, where):
        if isinstance(value, bool) or not isinstance(value, Real) or not low <= value <= high:
            raise ConfigError(f"{where} = {value!r}; expected a number from {low:g} to {high:g}{hint if isinstance(value, str) else ''}")
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
            raise ConfigError(f"{error}, or null") from None

    return check_or_null


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
        merged[key] = merge(value, below) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged
