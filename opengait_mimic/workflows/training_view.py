"""A picture of a training batch: each clip whole (teacher) and occluded (mimic)."""

from __future__ import annotations

import os

import numpy as np

from ..occlusion import KINDS, Draw
from ..occlusion.apply import boxes
from ..occlusion.clips import clip_of_frame
from .contact_sheet import contact_sheet, outline


def draw_training_view(batch, path: str | os.PathLike) -> None:
    """Write a PNG: for some clips of a batch, the whole view above the occluded one.

    Args:
        batch: an ``OccludedBatch``.
        path: the file.
    """
    contact_sheet(view_rows(batch), path, title="WHAT TRAINING SEES: EACH CLIP WHOLE AND AS IT IS HIDDEN")


def view_rows(batch, clips: int = 6, frames: int = 10) -> list[tuple[str, np.ndarray]]:
    """Rows for `contact_sheet`: some clips of a batch, of every kind in turn, whole and occluded.

    Args:
        batch: an ``OccludedBatch``.
        clips: how many.
        frames: how many frames of each.
    """
    names = [d.kind for d in batch.draws]
    order = sorted(range(len(names)), key=lambda i: names[:i].count(names[i]))[:clips]  # the first of each kind, then the second
    owner, (h, w) = clip_of_frame(batch.lengths), batch.whole.shape[-2:]
    black = boxes(batch.draws, batch.lengths, h, w, batch.times.cpu())
    rows = []
    for i in sorted(order, key=lambda i: (KINDS.index(names[i]), i)):
        mine = (owner == i).nonzero().flatten()[:frames]
        whole, occluded = (view.flatten(0, 1).cpu()[mine].clamp(0, 1).numpy() for view in (batch.whole, batch.occluded))
        rows += [("TEACHER: WHOLE", whole), (f"MIMIC: {describe(batch.draws[i])}", outline(occluded, black[:, mine].numpy()))]
    return rows


def describe(draw: Draw) -> str:
    """A draw in capitals: ``TOP 47% HIDDEN``; the share is of the height, the width, or both (patch)."""
    return f"{draw.kind.upper()} {100 * draw.hidden:.0f}% HIDDEN" if draw.kind != "none" else "NOTHING HIDDEN"
