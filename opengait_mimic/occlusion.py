"""Synthetic occlusion: which kinds there are, how one is drawn, how it is applied.

A draw is data (a kind and the hidden fraction); applying it is a pure function. Draws are counter-based: they depend on
their key alone, so the order of the data, the number of processes and the host cannot change them, and another code base
can redo them (`uniforms`).

Source: MimicGait (WACV 2025), section 3.1 and figure 1: top and bottom occlusion crop the hidden rows away and the rest
fills the frame, as a person detector's box would; 40 to 60 % of the height.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .clips import clip_count, owners
from .config import ConfigError, anything, nearest, number, pair, read

KINDS = ("none", "bottom", "top")
"""Kinds by class index. The name says which end of the body is hidden."""

SEPARATOR = "\x1f"  # ASCII unit separator: stands in no label, type or view


class Draw(NamedTuple):
    """One clip's occlusion: a kind of `KINDS` and the hidden fraction of the height (0 for ``none``)."""

    kind: str
    hidden: float


class Occlusion(NamedTuple):
    """What is drawn from: kind -> probability (sums to 1, in the order of `KINDS`), and the hidden range."""

    kinds: dict[str, float]
    hidden: tuple[float, float]

    @classmethod
    def from_cfg(cls, given: dict, where: str) -> Occlusion:
        """Read an ``occlusion`` block.

        .. code-block:: yaml

            occlusion: {kinds: {none: 0.2, top: 0.4, bottom: 0.4}, hidden: [0.4, 0.6]}

        Args:
            given: the block. ``kinds``: probabilities of kinds, each 0 to 1, adding up to 1. ``hidden``: lowest and highest
                hidden fraction, each 0.01 to 0.95.
            where: the block's place in the YAML, for messages.

        Raises:
            ConfigError: an unknown key or kind, a probability or fraction out of range, probabilities that miss 1.
        """
        block = read(given, where, {"kinds": ({"top": 0.5, "bottom": 0.5}, anything), "hidden": ([0.4, 0.6], pair(number(0.01, 0.95)))})
        if not isinstance(block.kinds, dict) or not block.kinds:
            raise ConfigError(f"{where}.kinds = {block.kinds!r}; expected a mapping kind: probability of {', '.join(KINDS)}")
        for kind, share in block.kinds.items():
            if kind not in KINDS:
                raise ConfigError(f"{where}.kinds.{kind}: unknown kind{nearest(kind, KINDS)}; known: {', '.join(KINDS)}")
            number(0, 1)(share, f"{where}.kinds.{kind}")
        total = sum(block.kinds.values())
        if abs(total - 1) > 1e-3:
            raise ConfigError(f"{where}.kinds: the probabilities add up to {total:.6g}; they must add up to 1 (give the rest to none)")
        if block.hidden[0] > block.hidden[1]:
            raise ConfigError(f"{where}.hidden = {list(block.hidden)}; expected [lowest, highest]")
        return cls({kind: block.kinds[kind] / total for kind in KINDS if kind in block.kinds}, block.hidden)

    @property
    def condition(self) -> str:
        """The name of the condition in test keys: the kinds that hide, joined by ``+``; the range stays out of it."""
        return "+".join(kind for kind, share in self.kinds.items() if share > 0 and kind != "none") or "none"


def uniforms(key: Sequence[object], count: int) -> list[float]:
    """``count`` numbers in [0, 1) that depend on ``key`` alone.

    Number i is the first 53 bits of SHA-256 over the UTF-8 text of the key's parts and i, joined by the ASCII unit
    separator, divided by 2**53.

    Example:
        >>> [round(u, 6) for u in uniforms(("test", 0, "top"), 2)]
        [0.610189, 0.76952]
    """
    text = SEPARATOR.join(map(str, key))
    digests = (hashlib.sha256(f"{text}{SEPARATOR}{i}".encode()).digest() for i in range(count))
    return [(int.from_bytes(digest[:8], "big") >> 11) / 2**53 for digest in digests]


def draw(occlusion: Occlusion, key: Sequence[object]) -> Draw:
    """Draw one clip's occlusion from its key.

    The first uniform picks the kind (in the order of `KINDS`), the second places the hidden fraction in the range; so two
    ranges share the kind and the relative severity of every clip.
    """
    pick, place = uniforms(key, 2)
    low, high = occlusion.hidden
    possible = [kind for kind, share in occlusion.kinds.items() if share > 0]
    passed, kind = 0.0, possible[-1]  # the last one, should the probabilities add up to a hair below 1
    for candidate in possible:
        passed += occlusion.kinds[candidate]
        if pick < passed:
            kind = candidate
            break
    return Draw(kind, 0.0 if kind == "none" else low + (high - low) * place)


def training_key(seed: int, iteration: int, position: int) -> tuple:
    """The key of a training clip: position in the global batch (the host deals position i * world + rank)."""
    return ("train", seed, iteration, position)


def test_key(seed: int, condition: str, dataset: str, label: str, type_: str, view: str) -> tuple:
    """The key of a test clip: the condition and the clip's own name."""
    return ("test", seed, condition, dataset, label, type_, view)


test_key.__test__ = False  # not a test for pytest


def targets(draws: Sequence[Draw], device=None) -> tuple[Tensor, Tensor]:
    """Class indices ``[n]`` (long) and hidden fractions ``[n]`` (float32) of the draws."""
    kind = torch.tensor([KINDS.index(d.kind) for d in draws], dtype=torch.long, device=device)
    return kind, torch.tensor([d.hidden for d in draws], dtype=torch.float32, device=device)


def apply(sils: Tensor, draws: Sequence[Draw], seqL: Tensor | None = None) -> Tensor:
    """Hide part of every clip.

    The rows that stay visible are stretched over the full height, linear between row centres as a bilinear resize of the
    crop is (`torch.nn.functional.interpolate`, ``align_corners=False``); the crop may start inside a row; a row that is
    wholly hidden never shows. The width is left alone. Kind ``none`` returns the clip bit for bit.

    Args:
        sils: silhouettes, any float range.
        draws: one draw per clip.
        seqL: clip lengths of a packed batch, else None.

    Shape:
        ``[n, s, h, w]``, or packed ``[1, S, h, w]``; the result has the same shape, the input is not written to.

    Raises:
        ValueError: the number of draws is not the number of clips, a draw is impossible, or the shape is not a batch.
    """
    n, (h, w) = clip_count(sils, seqL), sils.shape[-2:]
    if len(draws) != n:
        raise ValueError(f"{len(draws)} draws for {n} clips: one draw per clip is needed")
    for d in draws:
        if d.kind not in KINDS or not 0 <= d.hidden < 1:
            raise ValueError(f"{d}: expected a kind of {', '.join(KINDS)} and a hidden fraction from 0 to below 1")
    owner = owners(sils, seqL)
    first = torch.tensor([d.hidden * h if d.kind == "top" else 0.0 for d in draws], dtype=torch.float64)
    last = torch.tensor([(1 - d.hidden) * h if d.kind == "bottom" else float(h) for d in draws], dtype=torch.float64)
    first, last = (edge.mul(2**40).round() / 2**40 for edge in (first, last))  # (1 - 0.7) * 10 is 3 rows, not a hair more
    rows = first[:, None] + (torch.arange(h) + 0.5) * ((last - first) / h)[:, None] - 0.5  # [n, h] source row centres
    rows = rows.clamp(first.floor()[:, None], (last.ceil() - 1)[:, None])
    above = rows.floor()
    weight = (rows - above).to(sils)[owner]  # [S, h]
    above = above.long().to(sils.device)[owner]
    below = (above + 1).clamp(max=h - 1)
    start = (torch.arange(len(owner), device=sils.device) * h)[:, None]
    flat = sils.reshape(-1, w)  # rows of all frames
    out = torch.lerp(
        flat.index_select(0, (start + above).flatten()),
        flat.index_select(0, (start + below).flatten()),
        weight.reshape(-1, 1),
    )
    return out.reshape(sils.shape)


def binarise(sils: Tensor, threshold: float | None) -> Tensor:
    """Silhouettes as hard 0/1, 1 where the value is above the threshold (range 0..1); None leaves them."""
    return sils if threshold is None else (sils > threshold).to(sils.dtype)
