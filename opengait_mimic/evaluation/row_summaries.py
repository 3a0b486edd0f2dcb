"""Rows of several seeds as one line each: mean and spread."""

from __future__ import annotations

import numpy as np

from .result_rows import CURVES

SCORES = ("rank1", "rank5", "rank10", "rank20", "mAP", "mINP", "rp_rank1", "rp_rank5", "rp_rank10", "rp_rank20")
"""Keys of a subset that a summary gives as ``{"mean", "sd"}``."""
MEASURED = (*SCORES, "eer", "tar_0.01", "tar_0.001", "retention_rank1")
"""Keys that a summary gives as ``{"mean", "sd"}``, with ``<key>_interval`` if there is one."""


def summarise_seeds(rows: list[dict]) -> list[dict]:
    """One entry for each method and cell, over its seeds, in the order of the rows.

    Each number of `MEASURED` becomes ``{"mean", "sd"}`` (standard deviation over the seeds, ddof 1; None of one seed). What is equal in all
    rows of a cell is copied. Intervals are those of a single seed's row; of several seeds `Scorer.rows` fills them in. ``subsets``: name ->
    counts, HP, and `SCORES` in the same form.
    """
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault((row["method"], row["backbone"], row["dataset"], row["cell"]), []).append(row)
    return [_summarise(group) for group in groups.values()]


def _summarise(rows: list[dict]) -> dict:
    out = {**_over_seeds(rows, MEASURED), "seeds": [row["seed"] for row in rows]}
    if "subsets" in rows[0]:
        out["subsets"] = {name: _over_seeds([row["subsets"][name] for row in rows], SCORES) for name in rows[0]["subsets"]}
    return out


def _over_seeds(rows: list[dict], measured: tuple[str, ...]) -> dict:
    varies = (*MEASURED, *CURVES, "seed", "seeds", "subsets")
    out = {key: value for key, value in rows[0].items() if key not in varies and not key.endswith("_interval")}
    for key in measured:
        values = [value for value in (_value(row, key) for row in rows) if value is not None]
        mean = float(np.mean(values)) if values else None
        sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
        out[key] = {"mean": mean, "sd": sd}
        if f"{key}_interval" in rows[0]:
            out[f"{key}_interval"] = rows[0][f"{key}_interval"] if len(rows) == 1 else None
    return out


def _value(row: dict, key: str) -> float | None:
    """A number of a row; those of verification stand in a block of their own."""
    verification = row.get("verification") or {}
    if key.startswith("tar_"):
        return verification.get("tar", {}).get(key[4:])
    return verification.get("eer") if key == "eer" else row.get(key)
