"""Rows as a table for the console."""

from __future__ import annotations

from ..metrics.protocols.mateless_probes import describe_mateless
from .cells import HOLISTIC
from .row_summaries import summarise_seeds

COLUMNS = {
    "method": "method",
    "backbone": "backbone",
    "dataset": "data set",
    "occluded_side": "occluded",
    "condition": "hidden",
    "gallery_embedder": "gallery",
    "rank1": "Rank-1",
    "rank5": "Rank-5",
    "mAP": "mAP",
    "rp_rank1": "RP [95 %]",
    "retention_rank1": "retention",
    "seen": "seen",
    "seeds": "seeds",
}
ABOVE = ("method", "backbone", "dataset", "condition", "retention_rank1", "seeds")
"""Columns that move to a line above the table if they are equal in every row."""
LEFT = ("method", "backbone", "dataset", "condition", "occluded_side", "gallery_embedder")
WIDE = 120  # columns of a console


def format_rows(rows: list[dict], summary: list[dict] | None = None) -> str:
    """An aligned table, best read at 120 columns: a line for each method and cell, over its seeds.

    Rank-k and mAP in percent, mean ± standard deviation where there are several seeds; RP and holistic retention are ratios, RP with
    its bootstrap interval. Notes below it: HP, why RP is missing, which kinds each method was trained on, the switches of
    ``reference_compat`` (the method's name ends in ``*``), what is transductive (``†``), probes without a mate, and the subsets.

    Args:
        rows: from `make_row`.
        summary: of `summarise_seeds`, where its intervals were filled in; None = made here.
    """
    if not rows:
        return "no rows"
    lines = summarise_seeds(rows) if summary is None else summary
    texts = [{key: _format_cell(line, key) for key in COLUMNS} for line in lines]
    shared = [key for key in ABOVE if len({text[key] for text in texts} - {"-"}) <= 1]
    above = [(COLUMNS[key], next((text[key] for text in texts if text[key] != "-"), None)) for key in shared]
    shown = [key for key in COLUMNS if key not in shared]
    width = {key: max(len(COLUMNS[key]), *(len(text[key]) for text in texts)) for key in shown}
    table = [{key: COLUMNS[key] for key in shown}, {key: "-" * width[key] for key in shown}, *texts]
    out = _join([f"{name} {value}" for name, value in above if value])
    out += ["  ".join(f"{line[key]:{'<' if key in LEFT else '>'}{width[key]}}" for key in shown).rstrip() for line in table]
    return "\n".join([*out, *_notes(lines)])


def _join(entries: list[str], indent: str = "") -> list[str]:
    """Entries side by side, in lines of at most `WIDE`."""
    lines: list[str] = []
    for entry in entries:
        if lines and len(lines[-1]) + 3 + len(entry) <= WIDE:
            lines[-1] += f"   {entry}"
        else:
            lines.append(indent + entry)
    return lines


def _format_cell(line: dict, key: str) -> str:
    value = line.get(key)
    if key == "method":
        return value + ("*" if line.get("reference_compat") else "") + ("†" if line.get("transductive") else "")
    if key == "seeds":
        return "-" if line["occluded_side"] == HOLISTIC else _format_seeds(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, dict):
        return "-" if value is None else str(value)
    if value["mean"] is None:
        return "-"
    text = f"{value['mean']:.2f}"
    if key == "rp_rank1" and (interval := line.get("rp_rank1_interval")):
        return text + " [{:.2f}, {:.2f}]".format(*interval)
    return text if key == "retention_rank1" or value["sd"] is None else f"{text} ± {value['sd']:.2f}"


def _format_seeds(seeds: list[int]) -> str:
    """A range in short: 0-9."""
    first, last = seeds[0], seeds[-1]
    return f"{first}-{last}" if len(seeds) > 2 and seeds == list(range(first, last + 1)) else ", ".join(map(str, seeds))


def _notes(lines: list[dict]) -> list[str]:
    """What stands below the table; each sentence once."""
    several = any(len(line["seeds"]) > 1 for line in lines)
    spread = ", mean ± standard deviation over the seeds" if several else ""
    out = [f"Percent{spread}; RP = Rank-1 / HP, retention = whole-body Rank-1 / HP"]
    measured = [line for line in lines if line["hp_rank1"] is not None]
    known = dict.fromkeys(f"{line.get('hp_network') or line['backbone']} {line['hp_rank1']:.2f} %" for line in measured)
    if known:
        out.append("HP, Baseline-1 on whole bodies: " + ", ".join(known))
    for line in lines:
        if "subsets" in line:
            parts = line["subsets"].items()
            scores = [f"{name} {_format_cell(part, 'rank1')}, RP {_format_cell(part, 'rp_rank1')}" for name, part in parts]
            out += [f"Rank-1 of {line['method']}, {line['cell']}, by subset:", *_join(scores, "  ")]
    notes = [note for line in lines for note in _missing_rp(line)]
    for line in lines:
        notes.append(f"{line['method']} {_describe_kinds(line['trained_kinds'])}")
    for line in lines:
        if on := line.get("reference_compat"):
            switches = ", ".join(f"{key} {value}" for key, value in on.items())
            notes.append(f"{line['method']}* departs from the paper as the public code does: {switches}")
    for line in lines:
        if post := line.get("transductive"):
            notes.append(f"{line['method']}† is transductive ({post}): it uses all probes at once; do not compare it with what does not")
    notes += [text for line in lines for text in describe_mateless(line)]
    return [*out, *dict.fromkeys(notes)]


def _missing_rp(line: dict) -> list[str]:
    """Why there is no RP, or no interval of it: of the total; of the subsets only where the total has both."""
    parts = {"": line}
    if not {"rp_reason", "rp_interval_reason"} & set(line):
        parts.update({f" in {name}": part for name, part in line.get("subsets", {}).items()})
    found = [f"RP -{where}: {part['rp_reason']}" for where, part in parts.items() if "rp_reason" in part]
    for where, part in parts.items():
        if part["rp_rank1"]["mean"] is not None and part.get("rp_interval_reason"):
            found.append(f"RP{where} without an interval: {part['rp_interval_reason']}")
    return found


def _describe_kinds(kinds: list[str] | None) -> str:
    if kinds is None:
        return "does not say which kinds it was trained on"
    named = ["whole bodies" if kind == "none" else kind for kind in kinds]
    return f"was trained on {', '.join(named)}" + (" alone" if kinds == ["none"] else "")
