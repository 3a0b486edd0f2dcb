"""What a demo's rows say: mean and spread over seeds, and whether the job works. No order of methods is asked for."""

from __future__ import annotations

import numpy as np


def chance(subjects: int) -> float:
    """Rank-1 by guessing among ``subjects`` test subjects, percent."""
    return round(100 / subjects, 3)


def spread(rows: list[dict]) -> str:
    """A table of mean ± standard deviation over seeds (ddof 1): method, occluded side, gallery, Rank-1, Rank-5, RP."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault((row["method"], row["occluded_side"], row["gallery_embedder"]), []).append(row)
        for key in ("backbone", "dataset"):
            if row[key] != rows[0][key]:
                raise ValueError(f"rows of {key} {rows[0][key]} and {row[key]}: a spread is over seeds of one {key}")
    table = [("method", "occluded", "gallery", "Rank-1", "Rank-5", "RP")]
    for key, found in groups.items():
        cells = []
        for column, digits in (("rank1", 1), ("rank5", 1), ("rp_rank1", 2)):
            values = [row[column] for row in found if row[column] is not None]
            deviation = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.{digits}f}{deviation}" if values else "-")
        table.append((*key, *cells))
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    lines = ["  ".join(f"{text:{'<' if i < 3 else '>'}{w}}" for i, (text, w) in enumerate(zip(line, widths))) for line in table]
    lines.insert(1, "  ".join("-" * w for w in widths))
    seeds = sorted({row["seed"] for row in rows})
    return "\n".join([*lines, f"percent, mean ± standard deviation over seeds {', '.join(map(str, seeds))}; RP = Rank-1 / HP"])


def verdicts(runs: list[dict], rows: list[dict], known: dict) -> list[tuple[bool, str]]:
    """Does the job work? Losses fall, the VEN sees, the teacher is neither blind nor perfect.

    Args:
        runs: per seed ``losses`` (stage -> mean of the first and last tenth of the steps) and ``ven`` (its test scalars).
        rows: all rows.
        known: of the data; ``chance_rank1`` None skips the teacher's range.
    """
    stages = [(stage, *means) for run in runs for stage, means in run["losses"].items()]
    rising = [f"{stage} {first:g} -> {last:g}" for stage, first, last in stages if not last < first]
    checks = [(not rising, "losses fall in every stage" if not rising else f"losses that do not fall: {'; '.join(rising)}")]
    accuracies = [run["ven"]["scalar/test_accuracy/frame"] for run in runs]
    accuracy = float(np.min(accuracies))  # NaN if one is
    checks.append((accuracy >= 90, f"VEN accuracy {accuracy:.1f} % per frame on held-out subjects (at least 90 %)"))
    if known.get("chance_rank1"):
        low = 5 * known["chance_rank1"]
        holistic = [r["rank1"] for r in rows if r["method"] == "Baseline-1" and r["occluded_side"] == "holistic"]
        inside = bool(holistic) and all(low <= value <= 90 for value in holistic)
        shown = ", ".join(f"{value:.1f}" for value in holistic) or "missing:"
        checks.append((inside, f"teacher's whole-body Rank-1 {shown} % (between 5 x chance = {low:.1f} % and 90 %)"))
    return checks
