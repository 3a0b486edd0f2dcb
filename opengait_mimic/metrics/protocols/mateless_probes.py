"""Sentences about probes without a mate."""

from __future__ import annotations

COUNTS = ("probes", "probes_without_mate", "trials", "trials_without_mate")
"""Counts of a row. Cross-view protocols also count trials: one probe against one gallery view."""


def describe_mateless(counts: dict) -> list[str]:
    """What has no mate in the gallery, and what becomes of it; nothing where everything has one.

    Args:
        counts: of `COUNTS` those that are known, and ``mates_only``: a row, a line of a summary, or what `score` returns.
    """
    lost, trials = counts.get("probes_without_mate"), counts.get("trials_without_mate")
    fate = "are left out" if counts.get("mates_only") else "count as failures"
    lines = [f"{trials} of {counts['trials']} trials (a probe against one gallery view) have no mate there and {fate}"] if trials else []
    if lost:
        where = f"in the gallery and {fate}" if trials is None else "at any other view"
        lines.append(f"{lost} of {counts['probes']} probes have no mate {where}")
    return lines
