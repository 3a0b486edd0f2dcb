"""How the public code hides: its draws, their application, frame times and targets, switch by switch (D7, D10-D12).

`PublishedHiding` has the functions of `opengait_mimic.occlusion` that a model calls, and stands in their place. Sizes are whole pixels
of a picture of 64x64, cut off after the point, so shares are 64ths.

Source: public code of MimicGait (WACV 2025), its transforms and the VEN's data set; the ranges are its configurations'.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..occlusion import Occlusion, clip_times, draw, uniforms
from ..occlusion.apply import Rectangle, blacken, check_draws, frame_boxes, frame_targets, stretch_rows, visible_rows
from ..occlusion.clips import clip_lengths
from ..occlusion.kinds import BLACK, MOVING


class PublishedDraw(NamedTuple):
    """One clip's occlusion as the public code applies it.

    ``kind``, ``place`` and ``speed``: as of a `Draw`. ``hidden``: the share that the VEN learns; of top and bottom it is the drawn one.
    ``height``: share of the rows that are hidden, ``width``: of the columns (of patch and pole). ``trimmed``: of top and bottom, share
    of the columns that is cut off, half at each side. ``once``: a moving kind starts inside the picture at its left edge and does not
    come in again.
    """

    kind: str
    hidden: float
    place: float
    speed: float
    height: float
    width: float
    trimmed: float = 0.0
    once: bool = False


class PublishedHiding(NamedTuple):
    """The switches that change what is drawn and applied.

    ``sizes``: patch heights and widths in 0.3-0.5, pole widths in 0.2-0.4, the middle half, whole rows of top and bottom. ``moving``:
    patch and pole start inside the picture and go to the right, once. ``trim_columns``: top and bottom lose columns as well.
    """

    sizes: bool = False
    moving: bool = False
    trim_columns: bool = False

    def draw(self, occlusion: Occlusion, key: Sequence[object]) -> PublishedDraw:
        """Draw one clip's occlusion; uniforms 0-4 as in `opengait_mimic.occlusion.draw`, 5 places the width of a patch.

        Top keeps what is left of its whole hidden rows, bottom its whole visible ones. Under ``trim_columns`` both keep r whole visible
        rows, and r // 2 columns are cut off at each side.
        """
        ours = draw(occlusion, key)
        d = PublishedDraw(*ours, height=ours.hidden, width=ours.hidden)
        severity, across = (uniforms(key, 6)[i] for i in (1, 5))
        if self.sizes and d.kind == "patch":
            height = _pixels(0.3 + 0.2 * severity)
            d = d._replace(hidden=height, height=height, width=_pixels(0.3 + 0.2 * across))
        elif self.sizes and d.kind == "pole":
            width = _pixels(0.2 + 0.2 * severity)
            d = d._replace(hidden=width, height=width, width=width)
        elif self.sizes and d.kind == "middle":
            d = d._replace(hidden=0.5, height=0.5, width=0.5, place=0.5)
        if self.moving and d.kind in MOVING:
            d = d._replace(place=0.0, speed=abs(d.speed), once=True)
        if d.kind in ("top", "bottom"):
            visible = _pixels(1 - d.hidden)
            if self.trim_columns:
                d = d._replace(height=1 - visible, trimmed=int(64 * visible) // 2 / 32)
            elif self.sizes:
                d = d._replace(height=1 - visible if d.kind == "bottom" else _pixels(d.hidden))
        return d

    def clip_times(
        self,
        draws: Sequence[PublishedDraw],
        keys: Sequence[Sequence],
        lengths: Sequence[int],
        ordered: bool,
        axis: int = 100,
        starts: Sequence[int] | None = None,
    ) -> Tensor:
        """As `opengait_mimic.occlusion.clip_times`; of draws that move once the frame's index, counted from ``starts`` (default 0)."""
        times = list(clip_times(draws, keys, lengths, ordered, axis).split(list(lengths)))
        for i, (d, length, start) in enumerate(zip(draws, lengths, starts or [0] * len(draws))):
            if d.once:
                times[i] = torch.arange(start, start + length)
        return torch.cat(times)

    def apply(self, sils: Tensor, draws: Sequence[PublishedDraw], seqL: Tensor | None = None, times: Tensor | None = None) -> Tensor:
        """As `opengait_mimic.occlusion.apply`; where columns are trimmed, the rest is stretched to the full width after the rows."""
        lengths, (h, w) = clip_lengths(sils, seqL), sils.shape[-2:]
        check_draws(draws, lengths, times)
        frames = sils.reshape(-1, h, w).clone()
        if any(d.kind in ("top", "bottom") for d in draws):
            frames = stretch_rows(frames, [visible_rows(d.kind, d.height) for d in draws], lengths)
        if any(d.trimmed for d in draws):
            columns = [(d.trimmed / 2, 1 - d.trimmed / 2) for d in draws]
            frames = stretch_rows(frames.transpose(1, 2).contiguous(), columns, lengths).transpose(1, 2)
        if any(d.kind in BLACK for d in draws):
            frames = blacken(frames, frame_boxes([_rectangle(d, h, w) for d in draws], lengths, w, times))
        return frames.reshape(sils.shape)

    def targets(
        self, draws: Sequence[PublishedDraw], lengths: Sequence[int], h: int, w: int, times: Tensor | None = None, device=None
    ) -> tuple[Tensor, Tensor]:
        """As `opengait_mimic.occlusion.targets`; of top and bottom the drawn share: whole rows and trimmed columns do not enter."""
        check_draws(draws, lengths, times)
        return frame_targets(draws, [_rectangle(d, h, w) for d in draws], lengths, (h, w), times, device)


def _rectangle(d: PublishedDraw, h: int, w: int) -> Rectangle:
    """As `opengait_mimic.occlusion.apply.rectangle`, with height and width apart, and the path of a draw that moves once."""
    high, wide = max(1, int(d.height * h + 0.5)), max(1, int(d.width * w + 0.5))
    upper = int(d.place * (h - high + 1))
    rows = {"middle": (upper, upper + high), "patch": (h - high, h), "pole": (0, h)}.get(d.kind, (0, 0))
    if d.kind not in MOVING:
        return Rectangle(*rows, w)
    if d.once:
        return Rectangle(*rows, wide, speed=d.speed * h / 64)
    return Rectangle(*rows, wide, d.place * (w + wide), d.speed * h / 64, w + wide, wide)


def _pixels(share: float) -> float:
    """A share of 64 pixels, as whole ones."""
    return int(share * 64) / 64
