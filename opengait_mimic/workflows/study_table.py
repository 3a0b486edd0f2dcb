"""What a study's rows show: mean and spread over seeds, paired differences, and whether the training worked."""

from __future__ import annotations

from itertools import combinations

import numpy as np

SIDE = "occluded_side"


def table_over_seeds(rows: list[dict]) -> str:
    """A table of mean ± sample standard deviation over seeds: method, occluded side, gallery, Rank-1, Rank-5, RP.

    Raises:
        ValueError: rows of several backbones or data sets.
    """
    for key in ("backbone", "dataset"):
        if len(values := {row[key] for row in rows}) > 1:
            raise ValueError(f"a spread over seeds needs one {key}; got {', '.join(sorted(values))}")
    lines = [("method", "side", "gallery", "Rank-1", "Rank-5", "RP")]
    for group, members in _groups(rows).items():
        cells = []
        for column, digits in (("rank1", 1), ("rank5", 1), ("rp_rank1", 2)):
            values = [row[column] for row in members if row[column] is not None]
            cells.append(_mean_and_spread(values, f".{digits}f") if values else "-")
        lines.append((*group, *cells))
    seeds = sorted({row["seed"] for row in rows})
    return f"{_align(lines)}\npercent, mean ± standard deviation over seeds {', '.join(map(str, seeds))}; RP = Rank-1 / HP"


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
            cells.append(_mean_and_spread(values, "+.1f") if values else "-")
        lines.append((f"{other} - {one}", *cells))
    return _align(lines, text_columns=1)


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


def _groups(rows: list[dict]) -> dict[tuple, list[dict]]:
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault((row["method"], row[SIDE], row["gallery_embedder"]), []).append(row)
    return groups


def _mean_and_spread(values: list[float], form: str) -> str:
    spread = f" ± {np.std(values, ddof=1):{form.lstrip('+')}}" if len(values) > 1 else ""
    return f"{np.mean(values):{form}}{spread}"


def _align(lines: list[tuple], text_columns: int = 3) -> str:
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    form = ["<" if i < text_columns else ">" for i in range(len(widths))]
    aligned = ["  ".join(f"{text:{side}{width}}" for text, side, width in zip(line, form, widths)) for line in lines]
    return "\n".join([aligned[0], "  ".join("-" * width for width in widths), *aligned[1:]])
