"""HP from an earlier result: ``evaluate --reference``."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..base.errors import ConfigError
from ..metrics import Trials
from .cells import HOLISTIC, OWN
from .comparable_rows import list_differences
from .result import AGAIN, NAMES, TRIALS, array_name, read_arrays, read_content, result_file


class Reference(NamedTuple):
    """The whole-body row of the backbone's teacher in an earlier result.

    ``provenance``: of that result. ``names``: label, type and view of its test sequences. ``kept``: the row's trials, with
    indices into ``names``; None = the result has no trials. ``source``: for messages.
    """

    row: dict
    provenance: dict
    names: list[tuple[str, str, str]]
    kept: Trials | None
    source: str

    def trials(self, names: list[tuple[str, str, str]]) -> Trials | None:
        """The row's trials with indices into ``names``, the test sequences of this run; None = the result has no trials.

        Raises:
            ConfigError: the result names sequences that this run does not have.
        """
        if self.kept is None:
            return None
        where = {name: i for i, name in enumerate(names)}
        if lacking := [name for name in self.names if name not in where]:
            raise ConfigError(f"{self.source}: names {len(lacking)} sequences that this test set lacks, such as {'/'.join(lacking[0])}")
        moved = np.array([*(where[name] for name in self.names), -1])  # index -1 stays -1
        return self.kept._replace(**{field: moved[getattr(self.kept, field)] for field in ("probe", "nearest", "mate")})


def read_reference(place: Path, own: dict) -> Reference:
    """Read the whole-body row of Baseline-1 from a result.

    Args:
        place: ``results.json`` of ``evaluate --out``, the file of ``--json``, or such a folder. Trials are read from the ``trials.npz``
            next to it, if it names one.
        own: the facts of a row of this run; see `opengait_mimic.evaluation.comparable_rows.list_differences`.

    Raises:
        ConfigError: the file is no result, of an older format or damaged, or holds no comparable row; states what differs.
    """
    file = result_file(place)
    try:
        content = read_content(file)
        arrays = read_arrays(file.with_name(TRIALS)) if content.get("files") else {}
    except ConfigError as error:
        raise ConfigError(f"--reference {error}") from error
    rows, source = content["rows"], f"--reference {file}"
    found = [r for r in rows if (r["method"], r["occluded_side"], r["gallery_embedder"]) == ("Baseline-1", HOLISTIC, OWN)]
    if not found:
        there = ", ".join(sorted({" ".join((r["method"], r["backbone"], r["dataset"], r["occluded_side"])) for r in rows}))
        raise ConfigError(f"{source}: needs a row Baseline-1 {own['backbone']} {own['dataset']} {HOLISTIC}; it holds {there}")
    row = min(found, key=lambda r: len(list_differences(own, r)))
    if differences := list_differences(own, row):
        raise ConfigError(
            f"{source}: its whole-body row of Baseline-1 is not comparable with this run: {'; '.join(differences)}."
            " Evaluate the backbone's whole-body run on the same data, protocol and seeds"
        )
    number, source = rows.index(row), f"--reference {file.with_name(TRIALS)}"
    columns = {field: array_name(number, field) for field in Trials._fields}
    if not arrays:
        return Reference(row, content["provenance"], [], None, source)
    if missing := [name for name in (*NAMES, *columns.values()) if name not in arrays]:
        raise ConfigError(f"{source}: without {', '.join(missing)}; {AGAIN}")
    names = list(zip(*(arrays[name].tolist() for name in NAMES)))
    return Reference(row, content["provenance"], names, Trials(**{field: arrays[name] for field, name in columns.items()}), source)
