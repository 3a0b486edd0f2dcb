"""The picture of what a training batch looks like to the teacher and to the mimic."""

from __future__ import annotations

import os

from .clips import owners
from .occlusion import KINDS


def draw_training_view(batch, path: str | os.PathLike, clips: int = 6, frames: int = 10) -> None:
    """Write a PNG: for some clips of a batch, the whole view above the occluded one.

    Args:
        batch: an ``OccludedBatch``.
        path: the file.
        clips: how many clips, spread over the kinds.
        frames: how many frames of each.
    """
    from .pictures import contact_sheet

    owner = owners(batch.whole, batch.seqL).cpu()
    kinds = batch.kind.cpu().tolist()
    by_kind = [[i for i, kind in enumerate(kinds) if kind == k] for k in range(len(KINDS))]
    order = sorted(range(len(kinds)), key=lambda i: by_kind[kinds[i]].index(i))[:clips]  # first of each kind, then second
    rows = []
    for i in sorted(order, key=lambda i: (kinds[i], i)):
        picked, name = owner == i, KINDS[kinds[i]].upper()
        seen = f"{name} {100 * float(batch.hidden[i]):.0f}% HIDDEN" if kinds[i] else "NOTHING HIDDEN"
        for title, view in (("TEACHER: WHOLE", batch.whole), (f"MIMIC: {seen}", batch.occluded)):
            shown = view.flatten(0, 1).cpu()[picked][:frames]
            rows.append((title, shown.clamp(0, 1).numpy()))
    contact_sheet(rows, path, title="WHAT TRAINING SEES: EACH CLIP WHOLE AND AS IT IS HIDDEN")
