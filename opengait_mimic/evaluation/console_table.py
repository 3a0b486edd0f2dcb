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
WIDE = 120  # columns of a console
SEEN = {True: "yes", False: "no", None: "-"}


def format_rows(rows: list[dict], summary: list[dict] | None = None) -> str:
    """An aligned table, best read at 120 columns: a line for each method and cell, over its seeds.

    Rank-k and mAP in percent, mean ± standard deviation where there are several seeds; RP and holistic retention are ratios, RP with
    its bootstrap interval. Below stand HP, why RP is missing, which kinds each method was trained on, the switches of
    ``reference_compat`` that were on (the method's name ends in ``*``), what is transductive (``†``), how many probes had no mate, and
    where the protocol has several subsets Rank-1 and RP of each.

    Args:
        rows: from `make_row`.
        summary: of `summarise_seeds`, where its intervals were filled in; None = made here.
    """
    if not rows:
        return "no rows"
    lines = summarise_seeds(rows) if summary is None else summary
    texts = [{key: _cell(line, key) for key in COLUMNS} for line in lines]
    shared = [key for key in ABOVE if len({text[key] for text in texts} - {"-"}) <= 1]
    above = {COLUMNS[key]: next((text[key] for text in texts if text[key] != "-"), None) for key in shared}
    shown = [key for key in COLUMNS if key not in shared]
    width = {key: max(len(COLUMNS[key]), *(len(text[key]) for text in texts)) for key in shown}
    align = {key: "<" if key in ABOVE[:4] or key in ("occluded_side", "gallery_embedder") else ">" for key in shown}
    table = [{key: COLUMNS[key] for key in shown}, {key: "-" * width[key] for key in shown}, *texts]
    out = _joined([f"{name} {value}" for name, value in above.items() if value])
    out += ["  ".join(f"{line[key]:{align[key]}{width[key]}}" for key in shown).rstrip() for line in table]
    return "\n".join([*out, *_notes(lines)])


def _joined(entries: list[str], indent: str = "") -> list[str]:
    """Entries side by side, in lines of at most `WIDE`."""
    lines: list[str] = []
    for entry in entries:
        if lines and len(lines[-1]) + 3 + len(entry) <= WIDE:
            lines[-1] += f"   {entry}"
        else:
            lines.append(indent + entry)
    return lines


def _cell(line: dict, key: str) -> str:
    value = line.get(key)
    if key == "method":
        return value + ("*" if line.get("reference_compat") else "") + ("†" if line.get("transductive") else "")
    if key == "seen":
        return SEEN[value]
    if key == "seeds":
        return "-" if line["occluded_side"] == HOLISTIC else _seeds(value)
    if not isinstance(value, dict):
        return "-" if value is None else str(value)
    if value["mean"] is None:
        return "-"
    if key == "retention_rank1":
        return f"{value['mean']:.2f}"
    text = f"{value['mean']:.2f}"
    if key == "rp_rank1":
        return text + (" [{:.2f}, {:.2f}]".format(*interval) if (interval := line.get("rp_rank1_interval")) else "")
    return text + (f" ± {value['sd']:.2f}" if value["sd"] is not None else "")


def _seeds(seeds: list[int]) -> str:
    """A range in short: 0-9."""
    first, last = seeds[0], seeds[-1]
    return f"{first}-{last}" if len(seeds) > 2 and seeds == list(range(first, last + 1)) else ", ".join(map(str, seeds))


def _notes(lines: list[dict]) -> list[str]:
    several = any(len(line["seeds"]) > 1 for line in lines)
    out = [
        f"Percent{', mean ± standard deviation over the seeds' if several else ''}; RP = Rank-1 / HP, retention = whole-body Rank-1 / HP",
    ]
    known = dict.fromkeys((line["backbone"], line["hp_rank1"]) for line in lines if line["hp_rank1"] is not None)
    if known:
        out.append("HP, Baseline-1 on whole bodies: " + ", ".join(f"{name} {value:.2f} %" for name, value in known))
    for line in lines:
        if "subsets" in line:
            scores = [f"{name} {_cell(part, 'rank1')}, RP {_cell(part, 'rp_rank1')}" for name, part in line["subsets"].items()]
            out += [f"Rank-1 of {line['method']}, {line['cell']}, by subset:", *_joined(scores, "  ")]
    parts = [("", line) for line in lines]
    plain = [line for line in lines if not {"rp_reason", "rp_interval_reason"} & set(line)]  # else the total says it for its subsets
    parts += [(f" in {name}", part) for line in plain for name, part in line.get("subsets", {}).items()]
    out += list(dict.fromkeys(f"RP -{where}: {part['rp_reason']}" for where, part in parts if "rp_reason" in part))
    without = [(where, part) for where, part in parts if part["rp_rank1"]["mean"] is not None and part.get("rp_interval_reason")]
    out += list(dict.fromkeys(f"RP{where} without an interval: {part['rp_interval_reason']}" for where, part in without))
    for method, kinds in dict.fromkeys((line["method"], _kinds(line)) for line in lines):
        out.append(f"{method} {kinds}")
    for method, on in dict.fromkeys((line["method"], _switches(line)) for line in lines if line.get("reference_compat")):
        out.append(f"{method}* departs from the paper as the public code does: {on}")
    for method, post in dict.fromkeys((line["method"], line["transductive"]) for line in lines if line.get("transductive")):
        out.append(f"{method}† is transductive ({post}): it uses all probes at once; do not compare it with what does not")
    return out + list(dict.fromkeys(text for line in lines for text in describe_mateless(line)))


def _kinds(line: dict) -> str:
    kinds = line["trained_kinds"]
    if kinds is None:
        return "does not say which kinds it was trained on"
    named = ["whole bodies" if kind == "none" else kind for kind in kinds]
    return f"was trained on {', '.join(named)}" + (" alone" if kinds == ["none"] else "")


def _switches(line: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in line["reference_compat"].items())
