"""The clips that a result shows: what each condition hides, and the best and the worst retrievals of each row."""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from ..metrics import Trials
from ..occlusion import KINDS
from .cells import BOTH, HOLISTIC, Cell

CLIPS, RETRIEVALS = 8, 4


class Picture(NamedTuple):
    """Clips shown under a name: ``clips`` holds (sequence, occlusion block or None = whole) in the order of ``shape``."""

    name: str
    clips: list[tuple[int, dict | None]]
    shape: tuple[int, ...]
    texts: list


def condition_sheet(condition: str, block: dict, kind: np.ndarray, hidden: np.ndarray, probes: np.ndarray) -> Picture:
    """What a condition hides: ``kind`` (index into `KINDS`), ``hidden`` (share) and ``probes`` (bool) of each sequence, [N]."""
    clips = sheet_clips(kind, probes)
    texts = [KINDS[kind[i]] + (f" {100 * hidden[i]:.0f} %" if kind[i] else "") for i in clips]
    return Picture(f"sheet/{condition}", [(i, block) for i in clips], (len(clips),), texts)


def sheet_clips(kind: np.ndarray, probes: np.ndarray) -> list[int]:
    """The sequences of a condition's sheet: `CLIPS` probes spread over the list, of every kind that was drawn in turn."""
    queues = []
    for k in np.unique(kind[probes]):
        drawn = np.flatnonzero(probes & (kind == k))
        queues.append(drawn[np.unique(np.linspace(0, len(drawn) - 1, min(CLIPS, len(drawn))).astype(int))].tolist())
    chosen: list[int] = []
    while len(chosen) < CLIPS and any(queues):
        chosen += [queue.pop(0) for queue in queues if queue][: CLIPS - len(chosen)]
    return sorted(chosen, key=lambda i: (kind[i], i))


def row_retrievals(number: int, cell: Cell, block: dict | None, trials: Trials, names: list[tuple[str, str, str]]) -> list[Picture]:
    """The best and the worst retrievals of a row: probe, nearest and nearest mate, each side as the network saw it.

    ``names``: label, type and view of each sequence.
    """
    found = []
    probe_side = None if cell.occluded_side == HOLISTIC else block
    gallery_side = block if cell.occluded_side == BOTH else None
    for which in ("best", "worst"):
        clips, texts = [], []
        for t in extreme_trials(trials, [name[0] for name in names], which):
            probe, nearest, mate = (int(getattr(trials, field)[t]) for field in ("probe", "nearest", "mate"))
            clips += [(probe, probe_side), (nearest, gallery_side), (mate, gallery_side)]
            texts.append([" ".join(names[probe]), " ".join(names[nearest]), f"{' '.join(names[mate])}, at place {trials.rank[t]}"])
        if texts:
            found.append(Picture(f"retrieval/{number}/{which}", clips, (len(texts), 3), texts))
    return found


def extreme_trials(trials: Trials, labels: list[str], which: str) -> list[int]:
    """The trials shown as ``best`` or ``worst``: one for each of `RETRIEVALS` subjects with a mate, by place and average precision."""
    mated = np.flatnonzero((trials.rank > 0) & trials.counted)
    sign = 1 if which == "best" else -1
    chosen: dict[str, int] = {}
    for t in mated[np.lexsort((mated, -sign * trials.ap[mated], sign * trials.rank[mated]))].tolist():
        chosen.setdefault(labels[trials.probe[t]], t)
    return list(chosen.values())[:RETRIEVALS]


def render_clips(pictures: list[Picture], frames: Callable[[list], np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of all pictures, and under ``<name>/text`` what they show; ``frames`` maps clips to uint8 [n, 4, h, w]."""
    seen = frames([clip for picture in pictures for clip in picture.clips]) if pictures else None
    out, begin = {}, 0
    for name, clips, shape, texts in pictures:
        part = seen[begin : begin + len(clips)]
        out[name], out[f"{name}/text"] = part.reshape(*shape, *part.shape[1:]), np.array(texts)
        begin += len(clips)
    return out
