"""Names of folders that a list spells otherwise: OpenGait compares them letter by letter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

DIFFERENCES = {
    "another Unicode form (NFC, NFD)": lambda text: unicodedata.normalize("NFKC", text),
    "letter case": str.casefold,
    "blanks": lambda text: re.sub(r"\s+", "", text),
    "zeros in front": lambda text: re.sub(r"(?<!\d)0+(?=\d)", "", text),
}
"""What people and systems write differently -> what takes it out of a name."""


def pair_lookalikes(names: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Pair names with others that differ from them only in `DIFFERENCES`, or in this console's encoding.

    Args:
        names: of a list, without a folder.
        others: of folders.

    Returns:
        Name -> its lookalike; names without one are not in it.
    """
    known = {_skeleton(other): other for other in others}
    return {name: known[_skeleton(name)] for name in names if _skeleton(name) in known}


def describe_lookalike(name: str, other: str) -> str:
    """Name the folder that looks like a name: ``folder '004': zeros in front``."""
    if _decode(other) != other:
        return f"folder {other!r}: this console's encoding is not UTF-8, set PYTHONUTF8=1"
    one = [why for why, take_out in DIFFERENCES.items() if take_out(name) == take_out(other)]
    return f"folder {other!r}: {one[0] if one else 'several of zeros, letter case, blanks, Unicode form'}"


def describe_absent(names: list[str], folders: Iterable[str], most: int = 4) -> str:
    """List the first few names without a folder, those with a lookalike first: ``'4' (folder '004': zeros in front), 'dora', ...``."""
    pairs = pair_lookalikes(names, folders)
    listed = sorted(names, key=lambda name: name not in pairs)[:most]
    each = [f"{name[:60]!r}{f' ({describe_lookalike(name, pairs[name])})' if name in pairs else ''}" for name in listed]
    return ", ".join(each) + (", ..." if len(names) > most else "")


def _skeleton(name: str) -> str:
    """What is left of a name without `DIFFERENCES`."""
    text = _decode(name)
    for take_out in DIFFERENCES.values():
        text = take_out(text)
    return text


def _decode(name: str) -> str:
    """The name of a folder as text, where Python could not decode it with this console's encoding."""
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        return name
