"""The folder that ``evaluate --out DIR`` writes, and the file of ``--json``.

``results.json``: ``format`` and ``format_version``; ``rows``, one per cell and seed (`evaluation.rows.make_row`; whole bodies have
one row, for no seed changes them); ``summary``, one line per cell over the seeds (`evaluation.row_summaries.summarise_seeds`);
``provenance``; ``files``, the names of the two other files.

``trials.npz``: the fields of `opengait_mimic.metrics.Trials`: those of `OF_SPLIT`, which every row shares, as ``split/<field>``, those of
row number ``<row>`` as ``<row>/<field>``; ``labels``, ``types``,
``views`` [N] of the test sequences, in the order that ``probe``, ``nearest`` and ``mate`` count; and of what was hidden of each,
``<condition>|<seed>/kind``, ``hidden``, ``hidden_area``, and of a VEN ``ven_kind``, ``ven_hidden`` (`evaluation.embeddings.Pass`).

``pictures.npz``: what the network saw, uint8 0..255: ``sheet/<condition>`` [8, 4, h, w] (clips, frames) of the first seed, and
``retrieval/<row>/best`` and ``worst`` [4, 3, 4, h, w] (probes; probe, nearest, mate; frames); under each name and ``/text`` what is shown.

Nothing is pickled: ``numpy.load(file, allow_pickle=False)`` reads them.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..base.errors import HostError
from ..base.files import write_json
from ..metrics import Trials
from .reference_result import TRIALS, place_of
from .result_content import FORMAT, VERSION

JSON, PICTURES = "results.json", "pictures.npz"


class Result(NamedTuple):
    """All that an evaluation found; see the module.

    ``trials``: of each row. ``names``: label, type and view of the test sequences. ``hidden``: ``<condition>|<seed>`` -> array name -> [N].
    ``pictures``: name -> array. ``cfgs``: the configuration that was tested, for the run sheet; not in the files.
    """

    rows: list[dict]
    summary: list[dict]
    provenance: dict
    trials: list[Trials]
    names: list[tuple[str, str, str]]
    hidden: dict[str, dict[str, np.ndarray]]
    pictures: dict[str, np.ndarray]
    cfgs: dict | None = None

    def content(self, files: dict[str, str] | None = None) -> dict:
        """What stands in the JSON file."""
        head = {"format": FORMAT, "format_version": VERSION}
        return {**head, "rows": self.rows, "summary": self.summary, "provenance": self.provenance, "files": files or {}}


def try_places(**options: str | None) -> None:
    """Try where results will be written, before hours are spent on them.

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
    """Write the three files, the JSON last: while it is there, those beside it are its own.

    Raises:
        HostError: the place cannot be written.
    """
    arrays = {key: np.array(column) for key, column in zip(("labels", "types", "views"), zip(*result.names))}
    for number, trials in enumerate(result.trials):
        arrays.update({place_of(number, field): value for field, value in trials._asdict().items()})
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
