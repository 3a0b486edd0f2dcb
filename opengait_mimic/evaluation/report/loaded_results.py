"""Read the result folders that ``evaluate --out DIR`` writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..result import PICTURES, TRIALS, read_arrays, read_content, result_file


class Result(NamedTuple):
    """One result folder.

    ``place``: as it was given. ``rows``: one per cell and seed, with the keys of `opengait_mimic.metrics.protocols.row` and more.
    ``summary``: one per cell over the seeds. ``provenance``: what made it. ``trials`` and ``pictures``: the arrays of
    ``trials.npz`` and ``pictures.npz`` by name; empty where the file is missing.
    """

    place: str
    rows: list[dict]
    summary: list[dict]
    provenance: dict
    trials: dict[str, np.ndarray]
    pictures: dict[str, np.ndarray]


def read_result(place: str | os.PathLike) -> Result:
    """Read a result folder, or its ``results.json``; with the arrays next to it, if there are any.

    Raises:
        FileNotFoundError: no such file. ConfigError: not a result of this format and version, a missing key, a value of the wrong type
            or out of range, or arrays that hold Python objects (which are never unpickled).
    """
    file = result_file(Path(place))
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file; RESULTS are folders that `opengait-mimic evaluate --out DIR` writes")
    content = read_content(file)
    arrays = [read_arrays(file.with_name(name)) for name in (TRIALS, PICTURES)]
    return Result(os.fspath(place), content["rows"], content["summary"], content["provenance"], *arrays)
