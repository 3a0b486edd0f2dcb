"""Rows of several seeds as one line each: mean and spread."""

from __future__ import annotations

import numpy as np

SAME = (
    *("method", "backbone", "dataset", "protocol_name", "protocol", "gallery_embedder", "cell", "condition", "kinds", "hidden"),
    *("probes", "probes_without_mate", "mates_only", "trained_kinds", "seen", "transductive", "post", "reference_compat", "rp_reason"),
    *("holistic_rank1", "hp_rank1", "hp_rank5", "hp_rank10", "hp_rank20"),
)
"""Keys that the rows of a cell share, and that its summary takes over; those that a row may lack stay out where it does."""
MEASURED = (
    *("rank1", "rank5", "rank10", "rank20", "mAP", "mINP", "eer", "tar_at_far_0.01", "tar_at_far_0.001"),
    *("rp_rank1", "rp_rank5", "rp_rank10", "rp_rank20", "retention_rank1"),
)
"""Keys that a summary gives as ``{"mean", "sd", "interval"}``."""


def summarise(rows: list[dict]) -> list[dict]:
    """One entry for each method and cell, over its seeds, in the order of the rows.

    Each number of `MEASURED` becomes ``mean``, ``sd`` (standard deviation over the seeds, ddof 1; None of one seed) and
    ``interval``: the 95 % bootstrap interval over identities, here that of a single seed's row (None of several; the engine fills
    in that of their mean).
    """
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault((row["method"], row["backbone"], row["dataset"], row["cell"]), []).append(row)
    return [_summary(found) for found in groups.values()]


def _summary(rows: list[dict]) -> dict:
    out = {key: rows[0][key] for key in SAME if key in rows[0]}
    out["seeds"] = [row["seed"] for row in rows]
    for key in MEASURED:
        values = [row[key] for row in rows if row.get(key) is not None]
        if key not in rows[0]:
            continue
        out[key] = {"mean": None, "sd": None, "interval": None}
        if values:
            out[key]["mean"] = float(np.mean(values))
        if len(values) > 1:
            out[key]["sd"] = float(np.std(values, ddof=1))
        elif len(rows) == 1:
            out[key]["interval"] = rows[0].get(f"{key}_interval")
    return out
