"""The files of a result: the folder that ``evaluate --out DIR`` writes, and the one file of ``--json``.

``results.json``: ``format`` and ``format_version``; ``rows``, one per cell and seed (`evaluation.rows.make_row`; whole bodies have
one row, for no seed changes them); ``summary``, one line per cell over the seeds (`evaluation.row_summaries.summarise_seeds`);
``provenance`` (`evaluation.provenance`); ``files``, the names of the two other files.

``trials.npz``: the fields of `opengait_mimic.metrics.Trials`. Fields that every row shares (`OF_SPLIT`) have the names
``split/<field>``, the others ``<row number>/<field>``. ``labels``, ``types``, ``views`` [N] are the test sequences; ``probe``,
``nearest`` and ``mate`` are indices into them. What was hidden of each sequence: ``<condition>|<seed>/kind``, ``hidden``,
``hidden_area``, and with a VEN ``ven_kind``, ``ven_hidden`` (`evaluation.embeddings.Pass`).

``pictures.npz``: what the network saw, uint8 0..255: ``sheet/<condition>`` [8, 4, h, w] (clips, frames) of the first seed, and
``retrieval/<row number>/best`` and ``worst`` [4, 3, 4, h, w] (probes; probe, nearest, mate; frames). ``<name>/text`` holds captions.

No file holds pickled objects: ``numpy.load(file, allow_pickle=False)`` reads them.
"""

from __future__ import annotations

import math
import os
import tempfile
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..base.errors import ConfigError, HostError
from ..base.files import write_json
from ..base.json_header import read_headed
from ..metrics import OF_SPLIT, Trials

FORMAT, VERSION = "opengait-mimic result", 2
JSON, TRIALS, PICTURES = "results.json", "trials.npz", "pictures.npz"
AGAIN = "evaluate again with `opengait-mimic evaluate --out DIR`"
TEXT = ("method", "backbone", "dataset", "occluded_side", "gallery_embedder")
PERCENT = ("rank1", "rank5")
MAYBE_PERCENT = ("rank10", "rank20", "mAP", "mINP", "holistic_rank1", "hp_rank1", "hp_rank5", "hp_rank10", "hp_rank20")
MAYBE_RATIO = ("rp_rank1", "rp_rank5", "rp_rank10", "rp_rank20", "retention_rank1")


class Result(NamedTuple):
    """All that an evaluation measured; see the module.

    ``trials``: of each row. ``names``: label, type and view of the test sequences. ``hidden``: ``<condition>|<seed>`` -> array name ->
    [N]. ``pictures``: name -> array.
    """

    rows: list[dict]
    summary: list[dict]
    provenance: dict
    trials: list[Trials]
    names: list[tuple[str, str, str]]
    hidden: dict[str, dict[str, np.ndarray]]
    pictures: dict[str, np.ndarray]

    def content(self, files: dict[str, str] | None = None) -> dict:
        """The content of the JSON file."""
        head = {"format": FORMAT, "format_version": VERSION}
        return {**head, "rows": self.rows, "summary": self.summary, "provenance": self.provenance, "files": files or {}}


def array_name(number: int, field: str) -> str:
    """The name in ``trials.npz`` of a field of `Trials` of row ``number``."""
    return f"split/{field}" if field in OF_SPLIT else f"{number}/{field}"


def check_writable(**options: str | None) -> None:
    """Try the output places before the hours of an evaluation.

    Args:
        options: ``out``: a folder; any other: a file. None = not asked for.

    Raises:
        HostError: a place cannot be written; names the option.
    """
    for option, place in options.items():
        if place is None:
            continue
        file = Path(place)
        folder = file if option == "out" else file.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
            if option != "out" and file.is_dir():
                raise IsADirectoryError(f"{file} is a folder")
        except OSError as error:
            raise HostError(f"--{option.replace('_', '-')}: cannot write {place}: {error}") from error


def write_result(folder: Path, result: Result) -> None:
    """Write the three files, the JSON last: the arrays next to a JSON always belong to it.

    Raises:
        HostError: the folder cannot be written.
    """
    arrays = {key: np.array(column) for key, column in zip(("labels", "types", "views"), zip(*result.names))}
    for number, trials in enumerate(result.trials):
        arrays.update({array_name(number, field): value for field, value in trials._asdict().items()})
    for where, known in result.hidden.items():
        arrays.update({f"{where}/{name}": value for name, value in known.items()})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        parts = {name: folder / f".{name}.{os.getpid()}" for name in (TRIALS, PICTURES)}
        for part, content in zip(parts.values(), (arrays, result.pictures)):
            with open(part, "wb") as stream:
                np.savez_compressed(stream, **content)
        (folder / JSON).unlink(missing_ok=True)
        for name, part in parts.items():
            os.replace(part, folder / name)
    except OSError as error:
        raise HostError(f"cannot write {folder}: {error}") from error
    write_json(folder / JSON, result.content({"trials": TRIALS, "pictures": PICTURES}))


def result_file(place: Path) -> Path:
    """The JSON of a result folder, or the file itself."""
    return place / JSON if place.is_dir() else place


def read_content(file: Path) -> dict:
    """The JSON of a result.

    Raises:
        ConfigError: another format or version, a missing key, a value of the wrong type or out of range.
    """
    advice = f"version 2 calls the key protocol occluded_side; {AGAIN}"
    content = read_headed(file, FORMAT, VERSION, "a result", advice, parse_constant=_refuse)
    for key, kind in (("rows", list), ("summary", list), ("provenance", dict)):
        if not isinstance(content.get(key), kind):
            raise ConfigError(f"{file}: {key} = {content.get(key)!r:.60}; expected a {kind.__name__}")
    if not content["rows"]:
        raise ConfigError(f"{file}: rows is empty; {AGAIN}")
    for number, row in enumerate(content["rows"]):
        _check_row(row, f"{file}: rows[{number}]")
    return content


def read_arrays(file: Path, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an ``npz`` by name, those of ``names`` alone (None = all); an empty dict if there is no such file.

    Raises:
        ConfigError: the file is damaged, or holds pickled objects (which are never read).
    """
    if not file.is_file():
        return {}
    try:
        with np.load(file, allow_pickle=False) as found:
            return {name: found[name] for name in found.files if names is None or name in names}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ConfigError(f"{file}: not the arrays of a result ({error}); {AGAIN}") from error


def _refuse(text: str):
    raise ValueError(f"{text} is no JSON number")


def _check_row(row, where: str) -> None:
    if not isinstance(row, dict):
        raise ConfigError(f"{where} = {row!r:.60}; expected a mapping")
    missing = [key for key in (*TEXT, *PERCENT, "seed") if key not in row]
    if missing:
        raise ConfigError(f"{where}: without {', '.join(missing)}; {AGAIN}")
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


def _check_numbers(values: dict, where: str, required: Collection[str] = ()) -> None:
    for key, highest in [*((key, 100.0) for key in (*PERCENT, *MAYBE_PERCENT)), *((key, math.inf) for key in MAYBE_RATIO)]:
        value, optional = values.get(key), key not in required
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= highest
        if not (number or (optional and value is None)):
            raise ConfigError(f"{where}.{key} = {value!r}; expected a number from 0 to {highest:g}{' or null' if optional else ''}")
