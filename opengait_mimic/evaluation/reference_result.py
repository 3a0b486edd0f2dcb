"""HP from an earlier result: ``evaluate --reference``."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..base.errors import ConfigError
from ..metrics import Trials
from .cells import HOLISTIC, OWN
from .result import TRIALS, array_name, read_arrays, read_content, result_file

FACTS = {
    "dataset": "data set",
    "protocol_name": "protocol",
    "protocol_hash": "content of the protocol",
    "metric": "metric",
    "data": "test data (fingerprint)",
    "backbone": "backbone",
    "backbone_cfg": "the backbone's model_cfg",
    "post": "post-processing",
}
"""Keys of a row that must be equal -> their names in messages. `list_differences` checks seeds too."""


class Reference(NamedTuple):
    """The whole-body row of the backbone's teacher in an earlier result, with that result's provenance; ``trials`` None = it has none."""

    row: dict
    provenance: dict
    trials: Trials | None


def read_reference(place: Path, own: dict) -> Reference:
    """Read the whole-body row of Baseline-1 from a result.

    Args:
        place: ``results.json`` of ``evaluate --out``, the file of ``--json``, or such a folder. Trials are read from the ``trials.npz``
            next to it, if it names one.
        own: the facts of a row of this run; see `list_differences`.

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
    number = rows.index(row)
    try:
        trials = Trials(*(arrays[array_name(number, field)] for field in Trials._fields)) if arrays else None
    except KeyError as error:
        raise ConfigError(f"{source}: trials.npz next to it is of another result ({error} is not in it); evaluate again") from error
    return Reference(row, content["provenance"], trials)


def list_differences(own: dict, other: dict) -> list[str]:
    """In what two rows differ that must be alike before one is divided by the other.

    ``own``: a row, or the facts of a run; ``other``: the row from which HP is taken. Every seed of ``own`` must be among the other's.
    Pairs of verification may differ: no Rank-k depends on them.

    Returns:
        A phrase for each difference, with both values. A fact that one row does not state counts as different.

    Source:
        MimicGait (WACV 2025), Eq. 3: RP divides scores of one backbone on one test.

    Example:
        >>> same = {**dict.fromkeys(FACTS, "x"), "seeds": [0]}
        >>> list_differences({**same, "backbone": "GaitBase"}, {**same, "backbone": "GaitGL"})
        ['backbone: GaitBase here, GaitGL there']
    """
    named = {key: name for key, name in FACTS.items() if own.get(key) is None or own[key] != other.get(key)}
    found = [f"{name}: {_short(own.get(key))} here, {_short(other.get(key))} there" for key, name in named.items()]
    ours, theirs = own.get("seeds") or [], other.get("seeds") or []
    if not ours or not set(ours) <= set(theirs):
        found.append(f"seeds: {', '.join(map(str, ours)) or 'none'} here, {', '.join(map(str, theirs)) or 'none'} there")
    return found


def _short(value) -> str:
    """A hash by its first digits."""
    text = "not known" if value is None else str(value)
    return text[:19] if text.startswith("sha256:") else text
