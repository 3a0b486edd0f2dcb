"""Read the result folders that ``evaluate --out DIR`` writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..result import PICTURES, TRIALS, read_arrays, read_content, result_file


class Result(NamedTuple):
    """One result folder; the fields are those of its files, see `opengait_mimic.evaluation.result`.

    ``place``: as it was given. ``trials`` and ``pictures``: arrays by name; empty where the file is missing.
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
        FileNotFoundError: no such file. ConfigError: see `read_content` and `read_arrays`.
    """
    file = result_file(Path(place))
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file; RESULTS are folders that `opengait-mimic evaluate --out DIR` writes")
    content = read_content(file)
    arrays = [read_arrays(file.with_name(name)) for name in (TRIALS, PICTURES)]
    return Result(os.fspath(place), content["rows"], content["summary"], content["provenance"], *arrays)
