"""Read the file of pairs for verification (``--pairs``)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ...base.config import Block
from ...base.errors import ConfigError
from .split_file import Listed, _once, _pairs

FORMAT, VERSION = "opengait-mimic pairs", 1


class PairsFile(Block):
    """A JSON file of pairs for verification, for ``--pairs``."""

    format: Literal[FORMAT] = Field(description="marks the file")
    format_version: Literal[VERSION] = Field(description="version of the format")
    pairs: Any = Field(description="a list of [probe, gallery], each label/type/view")


def read_pairs(file: str | os.PathLike) -> Listed:
    """Read a list of pairs; a data set keeps its own protocol for Rank-k.

    .. code-block:: json

        {"format": "opengait-mimic pairs", "format_version": 1,
         "pairs": [["0001/cl-01/090", "0001/nm-01/090"], ["0001/cl-01/090", "0002/nm-01/090"]]}

    Each is a probe and a gallery sequence, ``label/type/view`` or ``label-type-view``; a pair is genuine where both labels are equal.

    Returns:
        A `Listed` without subsets, for its ``indices``.

    Raises:
        ConfigError: no such file, not JSON, an unknown, repeated or missing key, a pair that is none or stands there twice.
    """
    file = Path(file).expanduser()
    try:
        given = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"{file}: not a list of pairs ({error}); expected JSON with the format {FORMAT!r}") from error
    pairs = _pairs(PairsFile.read(given, str(file)).pairs, f"{file}.pairs")
    if not pairs:
        raise ConfigError(f"{file}: pairs = []; expected at least one pair of equal labels and one of different ones")
    return Listed(file.stem, {}, pairs=pairs, source=str(file))
