"""Apply draws to silhouettes, and compute what is hidden of every frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .clips import clip_lengths
from .draws import Draw
from .kinds import BLACK, KINDS, MOVING


class Rectangle(NamedTuple):
    """The black rectangle of a clip, in pixels: rows ``top`` to below ``bottom``, ``width`` columns.

    The left edge at time t is ``floor((phase + speed * t) mod period) - before``.
    """

    top: int
    bottom: int
    width: int
    phase: float = 0.0
    speed: float = 0.0
    period: float = math.inf
    before: int = 0


def apply(sils: Tensor, draws: Sequence[Draw], seqL: Tensor | None = None, times: Tensor | None = None) -> Tensor:
    """Hide part of every clip; see `opengait_mimic.occlusion` for the kinds.

    ``top`` and ``bottom``: the visible rows are stretched over the full height, as a bilinear resize of the crop is. The crop may start
    inside a row; a row that is wholly hidden never shows. The width stays. ``middle``, ``patch`` and ``pole`` blacken whole pixels: their
    extent is ``hidden`` of the picture's, rounded to pixels, at least one. A moving one enters at one side, leaves at the other and enters
    again, see `Rectangle`. Kind ``none`` returns the clip bit for bit.

    Args:
        sils: silhouettes, any float range.
        draws: one draw per clip.
        seqL: clip lengths of a packed batch, else None.
        times: time of every frame (see `clip_times`); None = its position in the clip.

    Shape:
        sils ``[n, s, h, w]``, or packed ``[1, S, h, w]``; the result has the same shape, the input is not written to. times ``[S]``,
        S the number of all frames.

    Raises:
        ValueError: the number of draws is not the number of clips, a draw is impossible, or a shape does not fit.
    """
    lengths, (h, w) = clip_lengths(sils, seqL), sils.shape[-2:]
    check_draws(draws, lengths, times)
    frames = sils.reshape(-1, h, w)
    if any(d.kind in ("top", "bottom") for d in draws):
        frames = stretch_rows(frames, [visible_rows(d.kind, d.hidden) for d in draws], lengths)
    if any(d.kind in BLACK for d in draws):
        frames = blacken(frames, boxes(draws, lengths, h, w, times))
    elif frames.data_ptr() == sils.data_ptr():  # nothing is hidden
        frames = frames.clone()
    return frames.reshape(sils.shape)


def targets(
    draws: Sequence[Draw], lengths: Sequence[int], h: int, w: int, times: Tensor | None = None, device=None
) -> tuple[Tensor, Tensor]:
    """What is hidden of every frame: class index and hidden share.

    The share is that of the picture's area which `apply` blackens; of top and bottom, that of the rows. A frame that a moving
    occluder does not touch is class 0 with nothing hidden.

    Args:
        draws: one draw per clip.
        lengths: frames of each clip.
        h: height of the pictures.
        w: width.
        times: as in `apply`.
        device: of the result.

    Shape:
        Returns long ``[S]`` and float32 ``[S]``.
    """
    check_draws(draws, lengths, times)
    return frame_targets(draws, [rectangle(d, h, w) for d in draws], lengths, (h, w), times, device)


def frame_targets(
    draws: Sequence, rectangles: Sequence[Rectangle], lengths: Sequence[int], size: tuple[int, int], times: Tensor | None, device
) -> tuple[Tensor, Tensor]:
    """`targets` of draws whose rectangles are known; of a draw only ``kind`` and ``hidden`` are read. ``size``: (h, w)."""
    h, w = size
    repeats = torch.tensor(lengths)
    kind = torch.tensor([KINDS.index(d.kind) for d in draws]).repeat_interleave(repeats)
    hidden = torch.tensor([d.hidden for d in draws], dtype=torch.float64).repeat_interleave(repeats)
    if any(d.kind in BLACK for d in draws):
        top, bottom, left, right = frame_boxes(rectangles, lengths, w, times)
        black = torch.tensor([d.kind in BLACK for d in draws]).repeat_interleave(repeats)
        hidden = torch.where(black, (bottom - top) * (right - left) / (h * w), hidden)
        kind = torch.where(hidden > 0, kind, 0)
    return kind.to(device), hidden.float().to(device)


def visible_rows(kind: str, hidden: float) -> tuple[float, float]:
    """The visible rows of a clip, as two shares of the height."""
    return (hidden if kind == "top" else 0.0), (1 - hidden if kind == "bottom" else 1.0)


def rectangle(d: Draw, h: int, w: int) -> Rectangle:
    """The black rectangle of a draw in pictures of h rows and w columns; empty where nothing is black."""
    high, wide = (max(1, int(d.hidden * side + 0.5)) for side in (h, w))
    upper = int(d.place * (h - high + 1))
    rows = {"middle": (upper, upper + high), "patch": (h - high, h), "pole": (0, h)}.get(d.kind, (0, 0))
    if d.kind not in MOVING:
        return Rectangle(*rows, w)
    return Rectangle(*rows, wide, d.place * (w + wide), d.speed * h / 64, w + wide, wide)


def boxes(draws: Sequence[Draw], lengths: Sequence[int], h: int, w: int, times: Tensor | None = None) -> Tensor:
    """The black rectangle of every frame, as `frame_boxes`; an empty one where nothing is black."""
    return frame_boxes([rectangle(d, h, w) for d in draws], lengths, w, times)


def frame_boxes(rectangles: Sequence[Rectangle], lengths: Sequence[int], w: int, times: Tensor | None = None) -> Tensor:
    """The black rectangle of every frame, cut at the picture's edges.

    Args:
        rectangles: one per clip.
        lengths: frames of each clip.
        w: width of the pictures.
        times: as in `apply`.

    Shape:
        Returns long ``[4, S]`` on the CPU: first row, row below the last, first column, column right of the last.
    """
    repeats = torch.tensor(lengths)
    top, bottom, width, phase, speed, period, before = torch.tensor(rectangles, dtype=torch.float64).repeat_interleave(repeats, 0).T
    t = torch.cat([torch.arange(length) for length in lengths]) if times is None else times
    left = (torch.remainder(phase + speed * t, period).floor() - before).long()
    return torch.stack([top.long(), bottom.long(), left.clamp(0, w), (left + width.long()).clamp(0, w)])


def blacken(frames: Tensor, black: Tensor) -> Tensor:
    """Frames ``[S, h, w]`` with the `frame_boxes` ``[4, S]`` set to 0."""
    h, w = frames.shape[1:]
    top, bottom, left, right = black.to(frames.device, non_blocking=True)[:, :, None]  # [S, 1] each
    y, x = torch.arange(h, device=frames.device), torch.arange(w, device=frames.device)
    rows, columns = (y >= top) & (y < bottom), (x >= left) & (x < right)  # [S, h], [S, w]
    return frames.masked_fill(rows[:, :, None] & columns[:, None, :], 0)


def binarise(sils: Tensor, threshold: float | None) -> Tensor:
    """Silhouettes as hard 0/1, 1 where the value is above the threshold (range 0..1); None leaves them."""
    return sils if threshold is None else (sils > threshold).to(sils.dtype)


def stretch_rows(frames: Tensor, spans: Sequence[tuple[float, float]], lengths: Sequence[int]) -> Tensor:
    """Stretch part of the rows of each clip over the full height.

    Args:
        frames: of all clips, ``[S, h, w]``.
        spans: of each clip, where the rows to keep begin and end, as shares of the height; (0, 1) leaves a clip bit for bit.
        lengths: frames of each clip.
    """
    h, w = frames.shape[1:]
    first, last = torch.tensor(spans, dtype=torch.float64).T * h
    first, last = (edge.mul(2**40).round() / 2**40 for edge in (first, last))  # (1 - 0.7) * 10 is 3 rows, not a hair more
    rows = first[:, None] + (torch.arange(h) + 0.5) * ((last - first) / h)[:, None] - 0.5  # [n, h] source row centres
    rows = rows.clamp(first.floor()[:, None], (last.ceil() - 1)[:, None]).repeat_interleave(torch.tensor(lengths), 0)  # [S, h]
    above = rows.floor()
    weight = (rows - above).to(frames)
    start = (torch.arange(len(rows)) * h)[:, None]
    below = (start + (above.long() + 1).clamp(max=h - 1)).to(frames.device)
    above = (start + above.long()).to(frames.device)
    flat = frames.reshape(-1, w)  # rows of all frames
    out = torch.lerp(flat.index_select(0, above.flatten()), flat.index_select(0, below.flatten()), weight.reshape(-1, 1))
    return out.reshape(frames.shape)


def check_draws(draws: Sequence, lengths: Sequence[int], times: Tensor | None) -> None:
    """Check that there is one draw per clip and one time per frame, and that every draw is possible. Raises: ValueError."""
    if len(draws) != len(lengths):
        raise ValueError(f"{len(draws)} draws for {len(lengths)} clips: one draw per clip is needed")
    if times is not None and tuple(times.shape) != (sum(lengths),):
        raise ValueError(f"times of shape {tuple(times.shape)} for {sum(lengths)} frames: one time per frame is needed")
    for d in draws:
        if d.kind not in KINDS or not (0 <= d.hidden < 1 and 0 <= d.place < 1) or not abs(d.speed) < 1e6:
            raise ValueError(f"{d}: expected a kind of {', '.join(KINDS)}, shares and a place from 0 to below 1, and a finite speed")
