"""Table entries: one method in one cell over its seeds, in total and by subset."""

from __future__ import annotations

import math
from typing import NamedTuple

from ...metrics.protocols.mateless_probes import COUNTS
from .loaded_results import Result

RANKS = (1, 5, 10, 20)
SCORES = (
    *(f"rank{k}" for k in RANKS),
    *("mAP", "mINP"),
    *(f"{kind}_rank{k}" for kind in ("hp", "rp") for k in RANKS),
    "retention_rank1",
    *("eer", "tar_at_far_0.01", "tar_at_far_0.001"),
)
BOUNDED = tuple(f"{kind}rank{k}" for kind in ("", "rp_") for k in RANKS)
"""Scores that have an interval."""
HIDDEN_SIDE = {"holistic": "whole bodies", "probe": "probe hidden", "both": "probe and gallery hidden"}


class Stat(NamedTuple):
    """Mean and standard deviation (ddof 1; None with one value) over seeds."""

    mean: float | None
    sd: float | None = None


class Place(NamedTuple):
    """What makes two cells of two results the same cell; the last two are those of the rows."""

    occluded_side: str
    gallery: str
    condition: str
    kinds: tuple[tuple[str, float], ...]
    hidden: tuple[float, ...]

    @property
    def side(self) -> str:
        """Which side is hidden, and whose gallery it is."""
        side = HIDDEN_SIDE[self.occluded_side]
        return side if self.gallery == "own" else f"{side}, gallery by the {self.gallery}"

    @property
    def title(self) -> str:
        """The cell's name in headings."""
        return f"{self.side}: {self.condition}" if self.condition else self.side

    @property
    def caption(self) -> str:
        """The title as a sentence."""
        return f"{self.title[0].upper()}{self.title[1:]}."


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
    trained_kinds: list[str] | None
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
    found: dict[Place, list[int]] = {}
    for number, row in enumerate(result.rows):
        hides = tuple(sorted((row["kinds"] or {}).items())), tuple(row["hidden"] or ())
        place = Place(row["occluded_side"], row["gallery_embedder"], row["condition"] or "", *hides)
        found.setdefault(place, []).append(number)
    return [_entry(result, place, indices) for place, indices in found.items()]


def _entry(result: Result, place: Place, indices: list[int]) -> Entry:
    rows = [result.rows[i] for i in indices]
    row, bounds = rows[0], rows[0]
    if len(rows) > 1:  # the summary's line has the intervals of the mean
        bounds = next(line for line in result.summary if line["cell"] == row["cell"])
    return Entry(
        method=row["method"],
        backbone=row["backbone"],
        place=place,
        seeds=tuple(sorted(each["seed"] for each in rows)),
        total=_part(rows, bounds),
        subsets={name: _part([each["subsets"][name] for each in rows], bounds["subsets"][name]) for name in row.get("subsets", ())},
        seen=row["seen"],
        trained_kinds=row["trained_kinds"],
        transductive=row["transductive"] or "",
        rows=rows,
        indices=indices,
        result=result,
    )


def _part(rows: list[dict], bounds: dict) -> Part:
    return Part(
        {score: _stat([_value(row, score) for row in rows]) for score in SCORES},
        {score: tuple(ends) for score in BOUNDED if (ends := bounds.get(f"{score}_interval")) is not None},
        {key: rows[0].get(key) for key in COUNTS},
        next((row["rp_reason"] for row in rows if row.get("rp_reason")), ""),
    )


def _value(row: dict, score: str) -> float | None:
    verification = row.get("verification") or {}
    if score == "eer":
        return verification.get("eer")
    return verification.get("tar", {}).get(score[len("tar_at_far_") :]) if score.startswith("tar_") else row.get(score)


def _stat(values: list) -> Stat:
    if any(value is None for value in values):  # a mean over some of the seeds is another number
        return Stat(None)
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Stat(values[0])
    return Stat(mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)))
