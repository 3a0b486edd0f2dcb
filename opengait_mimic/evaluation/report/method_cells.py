"""Table entries: one method in one cell over its seeds, in total and by subset."""

from __future__ import annotations

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
    """Mean and standard deviation (None with one value) over seeds."""

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
    """The total of a cell, or one subset of it. ``scores``: key -> `Stat`; ``intervals``: key -> 95 % bootstrap interval."""

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
    seeds: list[int]
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
    """The entries of a result: one for each line of its summary."""
    return [_entry(result, line) for line in result.summary]


def _entry(result: Result, line: dict) -> Entry:
    hides = tuple(sorted((line["kinds"] or {}).items())), tuple(line["hidden"] or ())
    indices = [i for i, row in enumerate(result.rows) if row["cell"] == line["cell"]]
    return Entry(
        method=line["method"],
        backbone=line["backbone"],
        place=Place(line["occluded_side"], line["gallery_embedder"], line["condition"] or "", *hides),
        seeds=line["seeds"],
        total=_part(line, len(indices)),
        subsets={name: _part(part, len(indices)) for name, part in line.get("subsets", {}).items()},
        seen=line["seen"],
        trained_kinds=line["trained_kinds"],
        transductive=line["transductive"] or "",
        rows=[result.rows[i] for i in indices],
        indices=indices,
        result=result,
    )


def _part(line: dict, seeds: int) -> Part:
    scores = {}
    for score in SCORES:
        found = line.get(score.replace("_at_far", ""))
        if not isinstance(found, dict):  # HP, the same for all seeds
            found = {"mean": found, "sd": None if found is None or seeds == 1 else 0.0}
        scores[score] = Stat(**found)
    intervals = {score: tuple(ends) for score in BOUNDED if (ends := line.get(f"{score}_interval")) is not None}
    return Part(scores, intervals, {key: line.get(key) for key in COUNTS}, line.get("rp_reason", ""))
