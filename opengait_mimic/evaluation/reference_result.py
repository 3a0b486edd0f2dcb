"""HP from an earlier result: ``evaluate --reference``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..base.errors import ConfigError
from ..metrics import Trials
from .cells import HOLISTIC, OWN
from .comparable_rows import FACTS, list_differences
from .result import TRIALS, array_name, read_arrays, read_content, result_file
from .rows import RANKS


class Reference(NamedTuple):
    """The whole-body row of the backbone's teacher in an earlier result.

    ``provenance``: of that result. ``names``: label, type and view of its test sequences. ``kept``: the row's trials, with
    indices into ``names``; None = the result has no trials.
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
    _refuse_older(file)
    try:
        held = read_content(file)
        rows = held["rows"]
        found = [r for r in rows if (r["method"], r["occluded_side"], r["gallery_embedder"]) == ("Baseline-1", HOLISTIC, OWN)]
        for row in found:
            _check(row, f"{file}: rows[{rows.index(row)}]")
    except ConfigError as error:
        raise ConfigError(f"--reference {error}") from error
    if not found:
        there = ", ".join(sorted({" ".join((r["method"], r["backbone"], r["dataset"], r["occluded_side"])) for r in rows}))
        raise ConfigError(f"--reference {file}: needs a row Baseline-1 {own['backbone']} {own['dataset']} {HOLISTIC}; it holds {there}")
    row = min(found, key=lambda r: len(list_differences(own, r)))
    if differences := list_differences(own, row):
        raise ConfigError(
            f"--reference {file}: its whole-body row of Baseline-1 is not comparable with this run: {'; '.join(differences)}."
            " Evaluate the backbone's whole-body run on the same data, protocol and seeds"
        )
    try:
        names, kept = _trials(file, held.get("files"), rows.index(row))
    except ConfigError as error:
        raise ConfigError(f"--reference {error}") from error
    return Reference(row, held["provenance"], names, kept, f"--reference {file.with_name(TRIALS)}")


def _refuse_older(file: Path) -> None:
    try:
        older = "format" not in (held := json.loads(file.read_text(encoding="utf-8"))) and "rows" in held
    except (OSError, ValueError, TypeError):
        return  # read_content reports it
    if older:
        raise ConfigError(
            f"--reference {file}: was written by an older version and does not say on which data, by which protocol and metric it was"
            " measured, so RP cannot be checked: evaluate that configuration again with --out or --json"
        )


def _check(row: dict, where: str) -> None:
    """Check the values of HP and the facts it is compared by; `list_differences` reports missing facts."""
    for key in (f"rank{k}" for k in RANKS):
        if row.get(key) is None:
            raise ConfigError(f"{where}.{key}: missing; expected percent")
    for key in FACTS:
        if not isinstance(row.get(key, ""), str):
            raise ConfigError(f"{where}.{key} = {row[key]!r:.60}; expected text")
    seeds = row.get("seeds", [])
    if not isinstance(seeds, list) or not all(isinstance(seed, int) for seed in seeds):
        raise ConfigError(f"{where}.seeds = {seeds!r:.60}; expected a list of whole numbers")


def _trials(file: Path, files, number: int) -> tuple[list, Trials | None]:
    """The names and the row's trials in the ``trials.npz`` next to a result, each array checked."""
    if not isinstance(files or {}, dict) or (files or {}).get("trials", TRIALS) != TRIALS:
        raise ConfigError(f"{file}: files = {files!r:.60}; expected a mapping with trials: {TRIALS}, the file next to it")
    trials_file = file.with_name(TRIALS)
    if not files or "trials" not in files or not trials_file.is_file():
        return [], None
    columns = {field: array_name(number, field) for field in Trials._fields}
    texts = ("labels", "types", "views")
    arrays = read_arrays(trials_file, (*texts, *columns.values()))
    if missing := [name for name in (*texts, *columns.values()) if name not in arrays]:
        raise ConfigError(f"{trials_file}: without {', '.join(missing)}; evaluate again")
    n, t = len(arrays["labels"]), len(arrays[columns["probe"]])
    expected = {**{name: ("U", n) for name in texts}, **{name: ("i", t) for name in columns.values()}}
    expected.update({columns[field]: (kind, t) for field, kind in (("ap", "f"), ("inp", "f"), ("counted", "b"))})
    for name, (kind, size) in expected.items():
        array = arrays[name]
        if array.dtype.kind != kind or array.shape != (size,):
            raise ConfigError(
                f"{trials_file}: {name} is {array.dtype} {list(array.shape)}; expected kind {kind!r} [{size}]: evaluate again"
            )
    for field in ("probe", "nearest", "mate"):
        if t and not -(field == "mate") <= arrays[columns[field]].min() <= arrays[columns[field]].max() < n:
            raise ConfigError(f"{trials_file}: {columns[field]} has indices beyond its {n} sequences; evaluate again")
    return list(zip(*(arrays[name].tolist() for name in texts))), Trials(**{field: arrays[name] for field, name in columns.items()})
