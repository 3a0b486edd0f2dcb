"""What stands in a result's JSON and arrays, read strictly: a wrong file is told by its name and key. No host, no torch."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np

from ..base.errors import ConfigError
from ..base.json_header import read_headed

FORMAT, VERSION = "opengait-mimic result", 2
"""What a result's file says of itself: ``format`` and ``format_version``."""
TEXT = ("method", "backbone", "dataset", "occluded_side", "gallery_embedder")
PERCENT = ("rank1", "rank5")
MAYBE_PERCENT = ("rank10", "rank20", "mAP", "mINP", "holistic_rank1", "hp_rank1", "hp_rank5", "hp_rank10", "hp_rank20")
MAYBE_RATIO = ("rp_rank1", "rp_rank5", "rp_rank10", "rp_rank20", "retention_rank1")


def result_file(place: Path) -> Path:
    """The JSON of a result folder, or the file itself."""
    return place / "results.json" if place.is_dir() else place


def read_content(file: Path) -> dict:
    """The JSON of a result.

    Raises:
        ConfigError: not a result of this format and version, a missing key, a value of the wrong type or out of range.
    """
    mend = "version 2 calls the key protocol occluded_side; write it again with `opengait-mimic evaluate --out DIR`"
    content = read_headed(file, FORMAT, VERSION, "a result", mend, parse_constant=_no_number)
    for key, kind in (("rows", list), ("summary", list), ("provenance", dict)):
        if not isinstance(content.get(key), kind):
            raise ConfigError(f"{file}: {key} = {content.get(key)!r:.60}; expected a {kind.__name__}")
    if not content["rows"]:
        raise ConfigError(f"{file}: rows is empty: it says nothing")
    for number, row in enumerate(content["rows"]):
        _check(row, f"{file}: rows[{number}]")
    return content


def read_arrays(file: Path, wanted: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an ``npz`` by name, of ``wanted`` (None = all) those that it has; none where there is no such file.

    Raises:
        ConfigError: it is damaged, or holds Python objects (which are never unpickled).
    """
    if not file.is_file():
        return {}
    try:
        with np.load(file, allow_pickle=False) as found:
            return {name: found[name] for name in found.files if wanted is None or name in wanted}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ConfigError(f"{file}: not arrays that `opengait-mimic evaluate --out DIR` writes ({error}); evaluate anew") from error


def _no_number(text: str):
    raise ValueError(f"{text} is no JSON number")


def _check(row, where: str) -> None:
    if not isinstance(row, dict):
        raise ConfigError(f"{where} = {row!r:.60}; expected a mapping")
    missing = [key for key in (*TEXT, *PERCENT, "seed") if key not in row]
    if missing:
        raise ConfigError(f"{where}: without {', '.join(missing)}; write it anew with `opengait-mimic evaluate --out DIR`")
    for key in TEXT:
        if not isinstance(row[key], str):
            raise ConfigError(f"{where}.{key} = {row[key]!r}; expected text")
    _check_numbers(row, where, PERCENT)
    subsets = row.get("subsets", {})
    if not isinstance(subsets, dict):
        raise ConfigError(f"{where}.subsets = {subsets!r:.60}; expected a mapping")
    for name, part in subsets.items():
        if not isinstance(part, dict):
            raise ConfigError(f"{where}.subsets.{name} = {part!r:.60}; expected a mapping")
        _check_numbers(part, f"{where}.subsets.{name}")


def _check_numbers(found: dict, where: str, needed: Collection[str] = ()) -> None:
    for key, highest in [*((key, 100.0) for key in (*PERCENT, *MAYBE_PERCENT)), *((key, math.inf) for key in MAYBE_RATIO)]:
        value, free = found.get(key), key not in needed
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= highest
        if not (number or (free and value is None)):
            raise ConfigError(f"{where}.{key} = {value!r}; expected a number from 0 to {highest:g}{' or null' if free else ''}")
