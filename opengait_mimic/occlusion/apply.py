"""Applying draws to silhouettes, and what is hidden of every frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .clips import clip_lengths
from .draws import KINDS, MOVING, Draw

BLACK = ("middle", "patch", "pole")


def apply(sils: Tensor, draws: Sequence[Draw], seqL: Tensor | None = None, times: Tensor | None = None) -> Tensor:
    """Hide part of every clip; see `opengait_mimic.occlusion` for the kinds.

    ``top`` and ``bottom``: the rows that stay visible are stretched over the full height, linear between row centres as a
    bilinear resize of the crop is (`torch.nn.functional.interpolate`, ``align_corners=False``); the crop may start inside a
    row; a row that is wholly hidden never shows. The width is left alone. ``middle``, ``patch`` and ``pole`` blacken whole
    pixels: their extent is ``hidden`` of the picture's, rounded to pixels (half up), at least one. The left edge of a moving one is at
    ``floor((place * (W + w) + v * t) mod (W + w)) - w``: w its width, W the picture's, t the frame's time, v the speed in pixels
    per frame; it comes in at one side, leaves at the other and comes in again. Kind ``none`` returns the clip bit for bit.

    As ``reference_compat`` draws them: where ``trimmed`` is above 0, ``top`` and ``bottom`` cut that share of the columns off as well,
    half at each side, and stretch the rest as they do the rows; the left edge of a moving one that goes ``once`` is at ``floor(v *
    t)``; a patch is ``width`` wide.

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
    _check(draws, lengths, times)
    frames = sils.reshape(-1, h, w)
    if any(d.kind in ("top", "bottom") for d in draws):
        first = [d.hidden if d.kind == "top" else 0.0 for d in draws]
        last = [1 - d.hidden if d.kind == "bottom" else 1.0 for d in draws]
        frames = _stretch(frames, first, last, lengths)
    if any(d.trimmed for d in draws):
        sides = [d.trimmed / 2 for d in draws]
        frames = _stretch(frames.transpose(1, 2).contiguous(), sides, [1 - side for side in sides], lengths).transpose(1, 2)
    if any(d.kind in BLACK for d in draws):
        top, bottom, left, right = boxes(draws, lengths, h, w, times).to(sils.device, non_blocking=True)[:, :, None]  # [S, 1] each
        y, x = torch.arange(h, device=sils.device), torch.arange(w, device=sils.device)
        rows, columns = (y >= top) & (y < bottom), (x >= left) & (x < right)  # [S, h], [S, w]
        frames = frames.masked_fill(rows[:, :, None] & columns[:, None, :], 0)
    elif frames.data_ptr() == sils.data_ptr():  # nothing is hidden
        frames = frames.clone()
    return frames.reshape(sils.shape)


def targets(
    draws: Sequence[Draw], lengths: Sequence[int], h: int, w: int, times: Tensor | None = None, device=None
) -> tuple[Tensor, Tensor]:
    """What is hidden of every frame: class index and hidden share.

    The share is that of the picture's area which `apply` blackens; of top and bottom, that of the rows, as it was drawn (``portion``:
    whole rows and trimmed columns do not enter). A frame that a moving occluder does not touch is class 0 with nothing hidden.

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
    _check(draws, lengths, times)
    repeats = torch.tensor(lengths)
    kind = torch.tensor([KINDS.index(d.kind) for d in draws]).repeat_interleave(repeats)
    hidden = torch.tensor([d.portion or d.hidden for d in draws], dtype=torch.float64).repeat_interleave(repeats)
    if any(d.kind in BLACK for d in draws):
        top, bottom, left, right = boxes(draws, lengths, h, w, times)
        black = torch.tensor([d.kind in BLACK for d in draws]).repeat_interleave(repeats)
        hidden = torch.where(black, (bottom - top) * (right - left) / (h * w), hidden)
        kind = torch.where(hidden > 0, kind, 0)
    return kind.to(device), hidden.float().to(device)


def boxes(draws: Sequence[Draw], lengths: Sequence[int], h: int, w: int, times: Tensor | None = None) -> Tensor:
    """The black rectangle of every frame, cut at the picture's edges.

    Shape:
        Returns long ``[4, S]`` on the CPU: first row, row below the last, first column, column right of the last; an empty
        rectangle where nothing is black.
    """
    rows: list[tuple[int, int]] = []
    path: list[tuple[float, ...]] = []  # width, phase, pixels per frame, round, and how far left of 0 it begins
    for d in draws:
        high, wide = max(1, int(d.hidden * h + 0.5)), max(1, int((d.width or d.hidden) * w + 0.5))
        upper = int(d.place * (h - high + 1))
        rows.append({"middle": (upper, upper + high), "patch": (h - high, h), "pole": (0, h)}.get(d.kind, (0, 0)))
        if d.kind not in MOVING:
            path.append((w, 0.0, 0.0, math.inf, 0))
        elif d.once:
            path.append((wide, 0.0, d.speed * h / 64, math.inf, 0))
        else:
            path.append((wide, d.place * (w + wide), d.speed * h / 64, w + wide, wide))
    repeats = torch.tensor(lengths)
    top, bottom = torch.tensor(rows).repeat_interleave(repeats, 0).T
    width, phase, speed, around, before = torch.tensor(path, dtype=torch.float64).repeat_interleave(repeats, 0).T
    t = torch.cat([torch.arange(length) for length in lengths]) if times is None else times
    left = (torch.remainder(phase + speed * t, around).floor() - before).long()
    return torch.stack([top, bottom, left.clamp(0, w), (left + width.long()).clamp(0, w)])


def binarise(sils: Tensor, threshold: float | None) -> Tensor:
    """Silhouettes as hard 0/1, 1 where the value is above the threshold (range 0..1); None leaves them."""
    return sils if threshold is None else (sils > threshold).to(sils.dtype)


def _stretch(frames: Tensor, first: Sequence[float], last: Sequence[float], lengths: Sequence[int]) -> Tensor:
    """The rows between two shares of the height, of each clip, over the full height; 0 and 1 leave a clip bit for bit."""
    h, w = frames.shape[1:]
    first, last = (torch.tensor(edge, dtype=torch.float64) * h for edge in (first, last))
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


def _check(draws: Sequence[Draw], lengths: Sequence[int], times: Tensor | None) -> None:
    if len(draws) != len(lengths):
        raise ValueError(f"{len(draws)} draws for {len(lengths)} clips: one draw per clip is needed")
    if times is not None and tuple(times.shape) != (sum(lengths),):
        raise ValueError(f"times of shape {tuple(times.shape)} for {sum(lengths)} frames: one time per frame is needed")
    for d in draws:
        shares = (d.hidden, d.place, d.width, d.trimmed, d.portion)
        if d.kind not in KINDS or not all(0 <= share < 1 for share in shares) or not abs(d.speed) < 1e6:
            raise ValueError(f"{d}: expected a kind of {', '.join(KINDS)}, shares and a place from 0 to below 1, and a finite speed")
