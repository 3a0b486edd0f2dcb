"""Names and values in messages: unknown keys, the nearest valid name, values in short."""

from __future__ import annotations

import difflib
import reprlib


def unknown_key(where: str, key: object, value: object, names) -> str:
    """Make the message for a key that is none of ``names``."""
    near, allowed = nearest(key, names), sorted(map(str, names))
    return f"{f'{where}.{key}'.lstrip('.')}: unknown key{near}; allowed: {allowed}; given {shown(value)}"


_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60
shown = _short.repr
"""A value for a message, shortened where it is long."""


def nearest(name: object, names) -> str:
    """Make the tail of a message: the nearest of ``names`` to a misspelt one, or nothing.

    A name one edit away (a letter more, less or other, or two neighbours swapped) comes first; then what `difflib` finds close.
    """
    given, names = str(name), [str(n) for n in names]
    close = difflib.get_close_matches(given, [n for n in names if is_one_edit(given, n)], n=1, cutoff=0)
    close = close or difflib.get_close_matches(given, names, n=1, cutoff=0.6) or [n for n in names if n.lower() == given.lower()]
    return f" (did you mean {close[0]!r}?)" if close else ""


def is_one_edit(a: str, b: str) -> bool:
    """Whether one letter more, less or other, or one swap of neighbours, makes b of a. No name is near to a single letter."""
    same = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    rest, other = a[same:], b[same:]
    swapped = len(rest) > 1 and rest[1] + rest[0] + rest[2:] == other
    return len(b) > 1 and (rest[1:] == other[1:] or rest[1:] == other or rest == other[1:] or swapped)
