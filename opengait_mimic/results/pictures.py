"""The clips that a result shows: what each condition hides, and the best and the worst retrievals of each row."""

from __future__ import annotations

from typing import Callable

import numpy as np

from ..occlusion import KINDS
from ..protocol import HOLISTIC, PROBE, Cell
from ..retrieval import Trials

CLIPS, RETRIEVALS = 8, 4


def sheet_clips(kind: np.ndarray, probes: np.ndarray) -> list[int]:
    """The sequences of a condition's sheet: `CLIPS` probes spread over the list, of every kind that was drawn in turn.

    Args:
        kind: of each sequence, index into `KINDS`.
        probes: which are probes.

    Shape:
        kind, probes [N]
    """
    queues = [list(_spread(np.flatnonzero(probes & (kind == k)), CLIPS)) for k in np.unique(kind[probes])]
    chosen: list[int] = []
    while len(chosen) < CLIPS and any(queues):
        chosen += [queue.pop(0) for queue in queues if queue][: CLIPS - len(chosen)]
    return sorted(chosen, key=lambda i: (kind[i], i))


def _spread(places: np.ndarray, count: int) -> np.ndarray:
    """Up to ``count`` entries, evenly."""
    return places[np.unique(np.linspace(0, len(places) - 1, min(count, len(places))).astype(int))] if len(places) else places


def extremes(trials: Trials, labels: list[str], which: str) -> list[int]:
    """The trials shown as ``best`` or ``worst``: one for each of `RETRIEVALS` subjects, those with a mate alone.

    Best are those whose mates stand first, by average precision; worst those whose first mate stands last. Equals come in the order of
    the test list.
    """
    mated = np.flatnonzero((trials.rank > 0) & trials.counted)
    if which == "best":
        order = mated[np.lexsort((mated, -trials.ap[mated], trials.rank[mated]))]
    else:
        order = mated[np.lexsort((mated, trials.ap[mated], -trials.rank[mated]))]
    chosen: dict[str, int] = {}
    for t in order.tolist():
        chosen.setdefault(labels[trials.probe[t]], t)
        if len(chosen) == RETRIEVALS:
            break
    return list(chosen.values())


def sheets(conditions: dict[str, tuple], names, probes: np.ndarray, frames: Callable) -> dict[str, np.ndarray]:
    """``sheet/<condition>`` and its text.

    Args:
        conditions: name -> (the block, kind [N], hidden [N]).
        names: label, type, view of each sequence.
        probes: which are probes [N].
        frames: takes [(index, block or None)], gives uint8 [n, 4, h, w].
    """
    out = {}
    for condition, (block, kind, hidden) in conditions.items():
        clips = sheet_clips(kind, probes)
        out[f"sheet/{condition}"] = frames([(i, block) for i in clips])
        out[f"sheet/{condition}/text"] = np.array([f"{KINDS[kind[i]]} {100 * hidden[i]:.0f} %" for i in clips])
    return out


def retrievals(number: int, cell: Cell, block: dict | None, trials: Trials, names, frames: Callable) -> dict[str, np.ndarray]:
    """``retrieval/<number>/best`` and ``worst`` of one row, with their texts: each side as the network saw it.

    Args: see `sheets`; ``block``: what the row's cell hides.
    """
    labels, out = [name[0] for name in names], {}
    probe_side = None if cell.protocol == HOLISTIC else block
    gallery_side = None if cell.protocol in (HOLISTIC, PROBE) else block
    for which in ("best", "worst"):
        chosen = extremes(trials, labels, which)
        if not chosen:
            continue
        wanted, texts = [], []
        for t in chosen:
            probe, nearest, mate = (int(getattr(trials, field)[t]) for field in ("probe", "nearest", "mate"))
            wanted += [(probe, probe_side), (nearest, gallery_side), (mate, gallery_side)]
            texts.append([" ".join(names[i]) for i in (probe, nearest)] + [f"{' '.join(names[mate])}, at place {trials.rank[t]}"])
        seen = frames(wanted)
        out[f"retrieval/{number}/{which}"] = seen.reshape(len(chosen), 3, *seen.shape[1:])
        out[f"retrieval/{number}/{which}/text"] = np.array(texts)
    return out
