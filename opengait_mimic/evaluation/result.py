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

import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..base.errors import ConfigError, HostError
from ..base.files import read_headed, replacing, write_json
from ..metrics import OF_SPLIT, Trials

FORMAT, VERSION = "opengait-mimic result", 2
JSON, TRIALS, PICTURES = "results.json", "trials.npz", "pictures.npz"
NAMES = ("labels", "types", "views")
AGAIN = "evaluate again with `opengait-mimic evaluate --out DIR`"
NEEDED = ("method", "backbone", "dataset", "occluded_side", "gallery_embedder", "rank1", "rank5", "seed")
"""Keys without which a row is of no use."""


class Result(NamedTuple):
    """All that an evaluation measured; see the module. ``trials``: of each row. ``names``: label, type and view of each sequence."""

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
    """Try the output places before the hours of an evaluation. ``out`` is a folder, any other a file; None = not asked for.

    Raises:
        HostError: a place cannot be written; names the option.
    """
    for option, place in options.items():
        if place is None:
            continue
        folder = Path(place) if option == "out" else Path(place).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
            if option != "out" and Path(place).is_dir():
                raise IsADirectoryError(f"{place} is a folder")
        except OSError as error:
            raise HostError(f"--{option.replace('_', '-')}: cannot write {place}: {error}") from error


def write_result(folder: Path, result: Result) -> None:
    """Write the three files, the JSON last: the arrays next to a JSON always belong to it.

    Raises:
        HostError: the folder cannot be written.
    """
    arrays = {key: np.array(column) for key, column in zip(NAMES, zip(*result.names))}
    for number, trials in enumerate(result.trials):
        arrays.update({array_name(number, field): value for field, value in trials._asdict().items()})
    for where, known in result.hidden.items():
        arrays.update({f"{where}/{name}": value for name, value in known.items()})
    with replacing(folder / TRIALS) as first, replacing(folder / PICTURES) as second:
        for stream, content in ((first, arrays), (second, result.pictures)):
            np.savez_compressed(stream, **content)
            stream.flush()
        (folder / JSON).unlink(missing_ok=True)  # both are written and take their places now
    write_json(folder / JSON, result.content({"trials": TRIALS, "pictures": PICTURES}))


def result_file(place: Path) -> Path:
    """The JSON of a result folder, or the file itself."""
    return place / JSON if place.is_dir() else place


def read_content(file: Path) -> dict:
    """The JSON of a result.

    Raises:
        ConfigError: not JSON, another format or version, or a missing key.
    """
    content = read_headed(file, FORMAT, VERSION, "a result", f"version 2 calls the key protocol occluded_side; {AGAIN}")
    for key, kind in (("rows", list), ("summary", list), ("provenance", dict)):
        if not isinstance(content.get(key), kind):
            raise ConfigError(f"{file}: {key} = {content.get(key)!r:.60}; expected a {kind.__name__}")
    if not content["rows"]:
        raise ConfigError(f"{file}: rows is empty; {AGAIN}")
    for number, row in enumerate(content["rows"]):
        if missing := [key for key in NEEDED if key not in row]:
            raise ConfigError(f"{file}: rows[{number}]: without {', '.join(missing)}; {AGAIN}")
    return content


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """The arrays of an ``npz`` by name; an empty dict if there is no such file.

    Raises:
        ConfigError: the file is damaged, or holds pickled objects (which are never read).
    """
    if not file.is_file():
        return {}
    try:
        with np.load(file, allow_pickle=False) as found:
            return dict(found)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ConfigError(f"{file}: not the arrays of a result ({error}); {AGAIN}") from error
