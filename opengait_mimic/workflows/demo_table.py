"""What a study's rows show: paired differences over seeds, and whether the training worked."""

from __future__ import annotations

from itertools import combinations

import numpy as np

SIDE = "occluded_side"


def paired_differences(rows: list[dict]) -> str:
    """For each pair of methods, the difference of Rank-1 in percent points under the same seeds, mean ± standard deviation."""
    by_cell: dict[tuple, dict[str, dict[int, float]]] = {}
    for row in rows:
        if row["gallery_embedder"] == "own":
            by_cell.setdefault(row[SIDE], {}).setdefault(row["method"], {})[row["seed"]] = row["rank1"]
    lines = [("Rank-1 difference, same seeds", *by_cell)]
    for one, other in combinations(dict.fromkeys(row["method"] for row in rows), 2):
        cells = []
        for methods in by_cell.values():
            first, second = methods.get(one, {}), methods.get(other, {})
            values = [second[seed] - first[seed] for seed in first if seed in second]
            cells.append(_mean_and_spread(values) if values else "-")
        lines.append((f"{other} - {one}", *cells))
    lines.insert(1, tuple("-" * max(len(line[i]) for line in lines) for i in range(len(lines[0]))))
    widths = [len(rule) for rule in lines[1]]
    aligned = [[f"{name:<{widths[0]}}", *(f"{cell:>{width}}" for cell, width in zip(cells, widths[1:]))] for name, *cells in lines]
    return "\n".join("  ".join(line) for line in aligned)


def check_study(runs: list[dict], rows: list[dict], facts: dict) -> list[tuple[bool, str]]:
    """Did training work? Losses fall, the VEN predicts, the teacher is neither at chance nor perfect. No order of methods is asked for.

    Args:
        runs: per seed, stage name -> outcome with ``losses`` (means of the first and last tenth of the steps) and ``visibility``.
        rows: all rows.
        facts: of the data; ``chance_rank1`` None skips the teacher's range.

    Returns:
        (passed, text) per check.
    """
    losses = [(name, *outcome["losses"]) for outcomes in runs for name, outcome in outcomes.items()]
    rising = [f"{name} {first:g} -> {last:g}" for name, first, last in losses if not last < first]
    checks = [(not rising, f"losses that do not fall: {'; '.join(rising)}" if rising else "losses fall in every stage")]
    tests = [outcome["visibility"] for outcomes in runs for outcome in outcomes.values() if outcome["visibility"]]
    if tests:
        accuracy = float(np.min([test["scalar/test_accuracy/frame"] for test in tests]))  # NaN if one is
        checks.append((accuracy >= 90, f"VEN accuracy {accuracy:.1f} % per frame on held-out subjects (at least 90 %)"))
    if facts.get("chance_rank1"):
        low = 5 * facts["chance_rank1"]
        holistic = [row["rank1"] for row in rows if row["method"] == "Baseline-1" and row[SIDE] == "holistic"]
        passed = bool(holistic) and all(low <= value <= 90 for value in holistic)
        values = ", ".join(f"{value:.1f}" for value in holistic) or "missing:"
        checks.append((passed, f"teacher's whole-body Rank-1 {values} % (between 5 x chance = {low:.1f} % and 90 %)"))
    return checks


def _mean_and_spread(values: list[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):+.1f}{spread}"
