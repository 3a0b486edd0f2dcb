"""The numbers of the page for other programs: JSON and CSV."""

from __future__ import annotations

import csv
import io
import json

from ...metrics.protocols.mateless_probes import COUNTS
from .method_cells import BOUNDED, SCORES, Entry, Part
from .method_groups import Group, explain_group

FORMAT, VERSION = "opengait-mimic report", 2
COLUMNS = (
    *("group", "dataset", "protocol_name", "method", "backbone", "transductive", "cell", "occluded_side", "gallery_embedder", "condition"),
    *("subset", "seeds", "seen", "trained_kinds"),
    *COUNTS,
    *(column for score in SCORES for column in (score, f"{score}_sd")),
    *(f"{score}_{end}" for score in BOUNDED for end in ("low", "high")),
    "rp_reason",
)
CURVES = ("seed", "cmc", "by_view", "by_kind", "view_pairs", "verification")


def list_records(groups: list[Group]) -> list[dict]:
    """One flat record for each method and cell: means, standard deviations (None with one seed), the intervals. ``subset`` is None.

    After each stand those of its subsets, where the protocol has several, with the name in ``subset``.
    """
    return [
        _record(number, group, entry, subset, part)
        for number, group in enumerate(groups, 1)
        for entry in group.entries
        for subset, part in [(None, entry.total), *entry.subsets.items()]
    ]


def _record(number: int, group: Group, entry: Entry, subset: str | None, part: Part) -> dict:
    place = entry.place
    values = {
        "group": number,
        "dataset": group.facts["dataset"],
        "protocol_name": group.facts["protocol"],
        "method": entry.method,
        "backbone": entry.backbone,
        "transductive": entry.transductive or None,
        "cell": place.title,
        "occluded_side": place.occluded_side,
        "gallery_embedder": place.gallery,
        "condition": place.condition or None,
        "subset": subset,
        "seeds": " ".join(map(str, entry.seeds)),
        "seen": entry.seen,
        "trained_kinds": None if entry.trained_kinds is None else " ".join(entry.trained_kinds),
        **part.counts,
        "rp_reason": part.rp_reason or None,
    }
    for score, (mean, sd) in part.scores.items():
        values[score], values[f"{score}_sd"] = mean, sd
    for score in BOUNDED:
        values[f"{score}_low"], values[f"{score}_high"] = part.intervals.get(score, (None, None))
    return {column: values[column] for column in COLUMNS}


def to_json(groups: list[Group]) -> str:
    """Records with what each group shares, why they are apart, and each result's provenance; those of subsets under a key of their own.

    ``curves``: per entry and seed what the figures are drawn from, in the order of the records.
    """
    described = [
        {
            "facts": group.facts,
            "hp_rank1": group.hp,
            "why_apart": explain_group(groups, number),
            "provenance": [result.provenance for result in group.results],
            "curves": [[{key: row.get(key) for key in CURVES} for row in entry.rows] for entry in group.entries],
        }
        for number, group in enumerate(groups)
    ]
    found = list_records(groups)
    parted = {"records": [r for r in found if r["subset"] is None], "subsets": [r for r in found if r["subset"] is not None]}
    return json.dumps({"format": FORMAT, "format_version": VERSION, "groups": described, **parted}, indent=2) + "\n"


def to_csv(groups: list[Group]) -> str:
    """Records as CSV with a line of column names; None is empty, true and false are words, floats keep every digit."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in list_records(groups):
        writer.writerow([str(value).lower() if isinstance(value, bool) else value for value in record.values()])
    return out.getvalue()
