"""Table entries: one method in one cell over its seeds, in total and by subset."""

from __future__ import annotations

import math
from typing import NamedTuple

from ...metrics.protocols.mateless_probes import COUNTS
from .loaded_results import Result
from .page_text import format_hidden

SCORES = (
    *(f"rank{k}" for k in (1, 5, 10, 20)),
    *("mAP", "mINP"),
    *(f"{kind}_rank{k}" for kind in ("hp", "rp") for k in (1, 5, 10, 20)),
    "retention_rank1",
    *("eer", "tar_at_far_0.01", "tar_at_far_0.001"),
)
HIDDEN_SIDE = {"holistic": "whole bodies", "probe": "probe hidden", "both": "probe and gallery hidden"}


class Stat(NamedTuple):
    """Mean and standard deviation (ddof 1; None with one value) over seeds."""

    mean: float | None
    sd: float | None = None


class Place(NamedTuple):
    """What makes two cells of two results the same cell; ``hidden`` and the mix are those of the rows."""

    occluded_side: str
    gallery: str
    condition: str
    kinds: tuple[tuple[str, float], ...]
    hidden: tuple[float, ...]

    @property
    def side(self) -> str:
        """Which side is hidden, and whose gallery it is."""
        side = HIDDEN_SIDE.get(self.occluded_side, self.occluded_side)
        return side if self.gallery == "own" else f"{side}, gallery by the {self.gallery}"

    @property
    def title(self) -> str:
        """The cell's name in headings."""
        return f"{self.side}: {self.condition}" if self.condition else self.side


class Part(NamedTuple):
    """The total of a cell, or one subset of it. ``scores``: key of the rows -> `Stat`; ``intervals``: key -> 95 % bootstrap interval."""

    scores: dict[str, Stat]
    intervals: dict[str, tuple[float, float]]
    counts: dict[str, int | None]
    rp_reason: str

    @property
    def interval(self) -> tuple[float, float] | None:
        """That of RP at Rank-1."""
        return self.intervals.get("rp_rank1")


class Entry(NamedTuple):
    """One method in one cell. ``subsets``: of the protocol where it has several, by name; ``rows``: one per seed."""

    method: str
    backbone: str
    place: Place
    seeds: tuple[int, ...]
    total: Part
    subsets: dict[str, Part]
    seen: bool | None
    trained_kinds: tuple[str, ...] | None
    transductive: str
    rows: list[dict]
    indices: list[int]  # of the rows in their result, by which its arrays are named
    result: Result

    @property
    def scores(self) -> dict[str, Stat]:
        """Those of the total."""
        return self.total.scores

    @property
    def interval(self) -> tuple[float, float] | None:
        """That of the total's RP at Rank-1."""
        return self.total.interval

    @property
    def name(self) -> str:
        """Method and backbone; a transductive one says so."""
        more = f" + {self.transductive} (transductive)" if self.transductive else ""
        return f"{self.method}{more}, {self.backbone}"


def list_entries(result: Result) -> list[Entry]:
    """The entries of a result, in the order of its rows."""
    found: dict[tuple, list[int]] = {}
    for number, row in enumerate(result.rows):
        found.setdefault((row["method"], row["backbone"], _transductive(row), _place(row)), []).append(number)
    return [_entry(result, key, indices) for key, indices in found.items()]


def _entry(result: Result, key: tuple, indices: list[int]) -> Entry:
    method, backbone, transductive, place = key
    rows = [result.rows[i] for i in indices]
    trained, summed = rows[0].get("trained_kinds"), _summed(result, rows)
    of_each = [row.get("subsets", {}) for row in rows]
    names = [name for name in of_each[0] if all(name in found for found in of_each)]
    summaries = summed.get("subsets", {})
    return Entry(
        method,
        backbone,
        place,
        tuple(sorted(row["seed"] for row in rows)),
        _part(rows, summed),
        {name: _part([found[name] for found in of_each], summaries.get(name, {})) for name in names},
        rows[0].get("seen"),
        None if trained is None else tuple(trained),
        transductive,
        rows,
        indices,
        result,
    )


def _part(rows: list[dict], summed: dict) -> Part:
    return Part(
        {score: _stat([_value(row, score) for row in rows]) for score in SCORES},
        {score: (ends[0], ends[1]) for score in BOUNDED if (ends := summed.get(f"{score}_interval")) is not None},
        {key: rows[0].get(key) for key in COUNTS},
        next((row["rp_reason"] for row in rows if row.get("rp_reason")), ""),
    )


def _place(row: dict) -> Place:
    kinds, hidden = row.get("kinds") or {}, tuple(row.get("hidden") or ())
    condition = row.get("condition") or (f"{'+'.join(kinds)} {format_hidden(hidden)}" if kinds and hidden else "")
    return Place(row["occluded_side"], row["gallery_embedder"], condition, tuple(sorted(kinds.items())), hidden)


def _transductive(row: dict) -> str:
    name = row.get("transductive") or ""
    return (row.get("post") or "post-processing") if name is True else name


def _value(row: dict, score: str) -> float | None:
    verification = row.get("verification") or {}
    if score == "eer":
        return verification.get("eer")
    return (verification.get("tar") or {}).get(score[len("tar_at_far_") :]) if score.startswith("tar_") else row.get(score)


def _stat(values: list) -> Stat:
    if any(value is None for value in values):  # a mean over some of the seeds is another number
        return Stat(None)
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Stat(values[0])
    return Stat(mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)))


def _summed(result: Result, rows: list[dict]) -> dict:
    """What holds the intervals: of one seed its row, of several the summary's line, which has those of the mean."""
    source = rows
    if len(rows) > 1:
        source = [entry for entry in result.summary if all(entry.get(key) == rows[0].get(key) for key in KEYS)]
    return source[0] if len(source) == 1 else {}


BOUNDED = tuple(f"{kind}rank{k}" for kind in ("", "rp_") for k in (1, 5, 10, 20))
"""Scores that have an interval."""
KEYS = ("method", "backbone", "occluded_side", "gallery_embedder", "condition", "post")
"""Keys that match a line of the summary with its rows."""
