"""The rows a result is made of."""

from __future__ import annotations

from ..retrieval import relative_performance
from .cells import Cell
from .splits import PROTOCOLS


def row(
    method: str,
    backbone: str,
    dataset: str,
    cell: Cell,
    kinds,
    hidden,
    result: dict,
    holistic_rank1: float | None,
    hp_rank1: float | None,
    seed: int,
) -> dict:
    """One row of a result: one method in one cell.

    Args:
        method: e.g. ``MimicGait``.
        backbone: e.g. ``GaitBase``.
        dataset: a name of ``PROTOCOLS``.
        cell: what is hidden, and who embeds the gallery.
        kinds: mapping of each kind of occlusion to its share, or None where nothing is hidden.
        hidden: (low, high) fraction hidden, 0..1, or None where nothing is hidden.
        result: from ``score``, with ks that hold 1 and 5.
        holistic_rank1: the method's own Rank-1 on whole bodies, percent; None = not measured.
        hp_rank1: Rank-1 of the backbone's teacher (Baseline-1) on whole bodies, percent; None = not known.
        seed: seed of the occlusion draws.

    Returns:
        A dict of plain values, ready for JSON; ``rp_reason`` is there only where ``rp_rank1`` is None, ``mAP`` and ``mINP``
        only where the result has them.
    """
    rp = relative_performance(result["rank1"], hp_rank1)
    out = {
        "method": method,
        "backbone": backbone,
        "dataset": dataset,
        "protocol": cell.protocol,
        "gallery_embedder": cell.gallery_embedder,
        "kinds": None if kinds is None else dict(kinds),
        "hidden": None if hidden is None else list(hidden),
        "rank1": result["rank1"],
        "rank5": result["rank5"],
        "holistic_rank1": holistic_rank1,
        "hp_rank1": hp_rank1,
        "rp_rank1": rp.value,
        "seed": seed,
    }
    if rp.value is None:
        out["rp_reason"] = rp.reason
    out.update((key, result[key]) for key in ("mAP", "mINP") if key in result)
    out["probes"], out["probes_without_mate"] = result["probes"], result["probes_without_mate"]
    return out


def _text(value):
    if isinstance(value, dict):
        alike = len(set(value.values())) == 1
        return "+".join(value) if alike else " ".join(f"{kind}:{share:g}" for kind, share in value.items())
    if isinstance(value, (list, tuple)):
        return "-".join(f"{v:g}" for v in value)
    return "-" if value is None else str(value)


def _switches(row) -> str:
    return ", ".join(f"{key} {value}" for key, value in row["reference_compat"].items())


def format_rows(rows) -> str:
    """Rows as an aligned plain-text table for the console, best read at 120 columns.

    What is the same in every row (backbone, dataset, kinds, hidden, seed) moves to a line above the table. Scores are
    percent with two decimals, RP a ratio with two decimals, ``-`` where there is none; why, which switches of ``reference_compat``
    were on (the method's name ends in ``*``), and how many probes had no mate, stands below.

    Args:
        rows: dicts from ``row``.
    """
    if not rows:
        return "no rows"
    columns = {
        "method": "method",
        "backbone": "backbone",
        "dataset": "dataset",
        "protocol": "protocol",
        "gallery_embedder": "gallery",
        "kinds": "kinds",
        "hidden": "hidden",
        "rank1": "Rank-1",
        "rank5": "Rank-5",
        "holistic_rank1": "holistic",
        "hp_rank1": "HP",
        "rp_rank1": "RP",
        "seed": "seed",
    }
    rows = [{**r, "method": f"{r['method']}*"} if r.get("reference_compat") else r for r in rows]
    numbers = ("rank1", "rank5", "holistic_rank1", "hp_rank1", "rp_rank1")
    cells = {key: [f"{r[key]:.2f}" if key in numbers and r[key] is not None else _text(r[key]) for r in rows] for key in columns}
    shared = [k for k in ("backbone", "dataset", "kinds", "hidden", "seed") if len({c for c in cells[k]} - {"-"}) <= 1]
    lines = ["   ".join(f"{columns[k]} {max(cells[k], key=len)}" for k in shared)] if shared else []
    shown = [k for k in columns if k not in shared]
    width = {k: max(len(text) for text in (columns[k], *cells[k])) for k in shown}
    align = {k: ">" if k in numbers or k == "seed" else "<" for k in shown}
    lines.append("  ".join(f"{columns[k]:{align[k]}{width[k]}}" for k in shown).rstrip())
    lines.append("  ".join("-" * width[k] for k in shown))
    lines += ["  ".join(f"{cells[k][i]:{align[k]}{width[k]}}" for k in shown).rstrip() for i in range(len(rows))]
    lines.append("Rank-k, holistic and HP in percent; RP = Rank-1 / HP")
    for method, on in dict.fromkeys((r["method"], _switches(r)) for r in rows if r.get("reference_compat")):
        lines.append(f"{method} departs from the paper as the public code does: {on}")
    for reason in dict.fromkeys(r["rp_reason"] for r in rows if "rp_reason" in r):
        lines.append(f"RP -: {reason}")
    for lost, probes, dataset in dict.fromkeys((r["probes_without_mate"], r["probes"], r["dataset"]) for r in rows):
        if lost:
            fate = "are left out" if PROTOCOLS[dataset].by_list else "count as failures"
            lines.append(f"{lost} of {probes} probes have no mate in the gallery and {fate}")
    return "\n".join(lines)
