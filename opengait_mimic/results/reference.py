"""HP from an earlier result: ``evaluate --reference``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..config import ConfigError
from ..protocol import HOLISTIC, OWN, unlike
from ..retrieval import OF_SPLIT, Trials

FORMAT, VERSION = "opengait-mimic result", 1
"""What a result's file says of itself: ``format`` and ``format_version``."""


def place_of(number: int, field: str) -> str:
    """The name in ``trials.npz`` of a field of `Trials` of row ``number``."""
    return f"split/{field}" if field in OF_SPLIT else f"{number}/{field}"


class Reference(NamedTuple):
    """The whole-body row of the backbone's teacher in an earlier result. ``kept``: its trials file; None = there is none."""

    row: dict
    number: int
    kept: Path | None

    def trials(self, names: list[tuple[str, str, str]]) -> Trials | None:
        """The row's trials, by the places of their sequences in ``names`` (label, type and view of this run's); None = not kept."""
        if self.kept is None:
            return None
        with np.load(self.kept, allow_pickle=False) as arrays:
            theirs = list(zip(*(arrays[key].tolist() for key in ("labels", "types", "views"))))
            found = Trials(*(arrays[place_of(self.number, field)] for field in Trials._fields))
        where = {name: i for i, name in enumerate(names)}
        moved = np.array([*(where[name] for name in theirs), -1])  # index -1 stays -1
        return found._replace(probe=moved[found.probe], nearest=moved[found.nearest], mate=moved[found.mate])


def read_reference(file: Path, own: dict) -> Reference:
    """Find the row of Baseline-1 on whole bodies in a result, and refuse one that is not comparable.

    Args:
        file: ``results.json`` of ``evaluate --out``, the file of ``--json``, or such a folder.
        own: what a row of this run would say of itself; see `opengait_mimic.protocol.unlike`.

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
    kept = (held.get("files") or {}).get("trials")
    place = file.parent / kept if kept else None
    return Reference(row, rows.index(row), place if place is not None and place.is_file() else None)
