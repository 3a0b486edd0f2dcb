"""HP from an earlier result: ``evaluate --reference``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..config import ConfigError
from ..protocol import HOLISTIC, OWN, unlike
from ..retrieval import Trials

FORMAT, VERSION = "opengait-mimic result", 1
"""What a result's file says of itself: ``format`` and ``format_version``."""


class Reference(NamedTuple):
    """The whole-body row of the backbone's teacher, and its trials where the result kept them, by this run's sequences."""

    row: dict
    trials: Trials | None
    why: str  # there are no trials; empty where there are


def read_reference(file: Path, own: dict, names: list[tuple[str, str, str]]) -> Reference:
    """Find the row of Baseline-1 on whole bodies in a result, and refuse one that is not comparable.

    Args:
        file: ``results.json`` of ``evaluate --out``, the file of ``--json``, or such a folder.
        own: what a row of this run would say of itself; see `opengait_mimic.protocol.unlike`.
        names: label, type and view of this run's test sequences, in order.

    Raises:
        ConfigError: it is no result, one of an older format, or holds no comparable row; says what differs.
    """
    file = file / "results.json" if file.is_dir() else file
    try:
        held = json.loads(file.read_text())
        rows = held["rows"]
        found = [r for r in rows if (r["method"], r["protocol"], r["gallery_embedder"]) == ("Baseline-1", HOLISTIC, OWN)]
        there = ", ".join(sorted({" ".join((r["method"], r["backbone"], r["dataset"], r["protocol"])) for r in rows})) or "nothing"
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise ConfigError(f"--reference {file}: not a result that `opengait-mimic evaluate` writes ({error!r})") from error
    if held.get("format_version", VERSION) != VERSION:
        raise ConfigError(f"--reference {file}: its format_version is {held['format_version']!r}, this version reads {VERSION}")
    if not found:
        raise ConfigError(f"--reference {file}: needs a row Baseline-1 {own['backbone']} {own['dataset']} {HOLISTIC}; it holds {there}")
    row = min(found, key=lambda r: len(unlike(own, r)))
    if "data" not in row:
        raise ConfigError(
            f"--reference {file}: was written by an older version and does not say on which data, by which protocol and metric it was"
            " measured, so RP cannot be checked: evaluate that configuration again with --out or --json"
        )
    if differences := unlike(own, row):
        raise ConfigError(
            f"--reference {file}: its whole-body row of Baseline-1 is not comparable with this run: {'; '.join(differences)}."
            " Evaluate the backbone's whole-body run on the same data, protocol and seeds"
        )
    return Reference(row, *_trials(file, held, rows.index(row), names))


def _trials(file: Path, held: dict, index: int, names) -> tuple[Trials | None, str]:
    """The row's trials with its sequences' places in ``names``, or why there are none."""
    kept = (held.get("files") or {}).get("trials")
    place = file.parent / kept if kept else None
    if place is None or not place.is_file():
        return None, f"{file.name} comes without its trials (evaluate --out DIR keeps them), so RP has no interval"
    with np.load(place, allow_pickle=False) as arrays:
        theirs = list(zip(*(arrays[key].tolist() for key in ("labels", "types", "views"))))
        found = Trials(*(arrays[f"{index}/{field}"] for field in Trials._fields))
    where = {name: i for i, name in enumerate(names)}
    moved = np.array([where[name] for name in theirs] + [-1])  # index -1 stays -1
    return found._replace(probe=moved[found.probe], nearest=moved[found.nearest], mate=moved[found.mate]), ""
