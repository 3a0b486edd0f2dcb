"""What can be hidden, and one clip's draw of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

from ..base.config import anything, integer, nearest, number, pair, read
from ..base.errors import ConfigError
from ..published.switches import OTHERS, switched_on, switches

KINDS = ("none", "bottom", "top", "middle", "patch", "pole")
"""Kinds by class index. The name says what is hidden: an end or the middle of the body, or what a moving object covers."""

MOVING = ("patch", "pole")
"""Kinds that differ from frame to frame; the others hide every frame of a clip alike."""


def fields(place: str = OTHERS) -> dict:
    """The keys of an ``occlusion`` block, for `read`; ``kinds`` is looked at by `Occlusion.of`.

    Args:
        place: where the block stands, which ``reference_compat: all`` heeds; see `opengait_mimic.published.switches`.
    """
    return {
        "kinds": ({"top": 0.5, "bottom": 0.5}, anything),
        "hidden": ([0.4, 0.6], pair(number(0.01, 0.95))),
        "speed": ([0.5, 1.0], pair(number(0, 64))),
        "time_axis": (100, integer(1, 10_000)),
        "reference_compat": ({}, switches("occlusion", place)),
    }


SEPARATOR = "\x1f"  # ASCII unit separator: stands in no label, type or view


class Draw(NamedTuple):
    """One clip's occlusion, plain data.

    ``kind``: of `KINDS`. ``hidden``: the hidden share (0 for ``none``), see `opengait_mimic.occlusion`. ``place``: 0 to below
    1; of ``middle`` the band's position between the upper and the lower edge, of moving kinds the phase of their path.
    ``speed``: of moving kinds, pixels per frame in a picture of 64 rows; below 0 they move to the left.

    Of ``reference_compat`` alone: ``width``: of a patch, the hidden share of the width where it is not that of the height (0: it
    is). ``trimmed``: of top and bottom, the share of the width that is cut off, half at each side. ``once``: of moving kinds, they
    start inside the picture at its left edge and do not come again. ``portion``: of top and bottom, the hidden share as it was drawn,
    where whole rows of it are hidden (0: ``hidden`` is it).
    """

    kind: str
    hidden: float
    place: float = 0.0
    speed: float = 0.0
    width: float = 0.0
    trimmed: float = 0.0
    once: bool = False
    portion: float = 0.0


class Occlusion(NamedTuple):
    """What is drawn from.

    ``kinds``: kind -> probability (sums to 1, in the order of `KINDS`); ``hidden``: range of the hidden share; ``speed``: range
    of the speed of moving kinds; ``time_axis``: frames L among which the times of unordered clips are drawn; ``compat``: the
    switches of `opengait_mimic.published.switches` that are on, None without any.
    """

    kinds: dict[str, float]
    hidden: tuple[float, float]
    speed: tuple[float, float] = (0.5, 1.0)
    time_axis: int = 100
    compat: dict[str, Any] | None = None

    @classmethod
    def from_cfg(cls, given: dict, where: str, place: str = OTHERS) -> Occlusion:
        """Read an ``occlusion`` block.

        .. code-block:: yaml

            occlusion:
              kinds: {none: 0.2, top: 0.2, bottom: 0.2, middle: 0.2, patch: 0.1, pole: 0.1}
              hidden: [0.4, 0.6]
              speed: [0.5, 1.0]   # moving kinds: pixels per frame in a picture of 64 rows, either direction
              time_axis: 100      # moving kinds where sampling is unordered: frame times are drawn from 0..99
              reference_compat: {}   # the public code's departures, see `opengait_mimic.published.switches`

        Args:
            given: the block. ``kinds``: probabilities of kinds, each 0 to 1, adding up to 1. ``hidden``: lowest and highest
                hidden share, each 0.01 to 0.95. ``speed``: lowest and highest, each 0 to 64. ``time_axis``: 1 to 10000.
            where: the block's place in the YAML, for messages.
            place: see `fields`.

        Raises:
            ConfigError: an unknown key or kind, a number out of range, probabilities that miss 1, a range upside down.
        """
        return cls.of(read(given, where, fields(place)), where)

    @classmethod
    def of(cls, block: SimpleNamespace, where: str) -> Occlusion:
        """From a block that was read with `fields`; see `from_cfg`."""
        if not isinstance(block.kinds, dict) or not block.kinds:
            raise ConfigError(f"{where}.kinds = {block.kinds!r}; expected a mapping kind: probability of {', '.join(KINDS)}")
        for kind, share in block.kinds.items():
            if kind not in KINDS:
                raise ConfigError(f"{where}.kinds.{kind}: unknown kind{nearest(kind, KINDS)}; known: {', '.join(KINDS)}")
            number(0, 1)(share, f"{where}.kinds.{kind}")
        total = sum(block.kinds.values())
        if abs(total - 1) > 1e-3:
            raise ConfigError(f"{where}.kinds: the probabilities add up to {total:.6g}; they must add up to 1 (give the rest to none)")
        for key in ("hidden", "speed"):
            low, high = getattr(block, key)
            if low > high:
                raise ConfigError(f"{where}.{key} = {[low, high]}; expected [lowest, highest]")
        kinds = {kind: block.kinds[kind] / total for kind in KINDS if kind in block.kinds}
        return cls(kinds, block.hidden, block.speed, block.time_axis, switched_on(block.reference_compat, "occlusion"))

    def published(self, name: str):
        """The value of a switch of ``reference_compat``; None where it is off."""
        return (self.compat or {}).get(name)

    @property
    def possible(self) -> list[str]:
        """The kinds that can be drawn, in the order of `KINDS`."""
        return [kind for kind, share in self.kinds.items() if share > 0]

    @property
    def condition(self) -> str:
        """The name of the condition in test keys: the kinds that hide, joined by ``+``; the ranges stay out of it."""
        return "+".join(kind for kind in self.possible if kind != "none") or "none"


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

    Uniform 0 picks the kind (in the order of `KINDS`), 1 places the hidden share in its range, so two ranges share the kind
    and the relative severity of every clip; 2 is the place, 3 places the speed in its range, 4 is the direction (below one
    half: to the left). With ``reference_compat`` see `published_draw`.
    """
    pick, severity, place, pace, side = uniforms(key, 5)
    low, high = occlusion.hidden
    passed, kind = 0.0, occlusion.possible[-1]  # the last one, should the probabilities add up to a hair below 1
    for candidate in occlusion.possible:
        passed += occlusion.kinds[candidate]
        if pick < passed:
            kind = candidate
            break
    if kind == "none":
        return Draw(kind, 0.0)
    drawn = Draw(kind, low + (high - low) * severity)
    if kind in MOVING:
        slow, fast = occlusion.speed
        drawn = drawn._replace(place=place, speed=(slow + (fast - slow) * pace) * (-1 if side < 0.5 else 1))
    elif kind == "middle":
        drawn = drawn._replace(place=place)
    return published_draw(occlusion, drawn, key) if occlusion.compat else drawn


def published_draw(occlusion: Occlusion, drawn: Draw, key: Sequence[object]) -> Draw:
    """A draw as the public code would have it, as far as the switches of ``reference_compat`` say.

    Its sizes are whole pixels of a picture of 64x64, cut off after the point: the shares are 64ths. ``sizes``: uniform 1 places
    the height of a patch in 0.3-0.5 and the width of a pole in 0.2-0.4, uniform 5 the width of a patch in 0.3-0.5; the middle half
    is fixed; top keeps what is left of its whole hidden rows, bottom its whole visible ones. ``moving``: to the right, once.
    ``trim_columns``, in place of that: both keep r whole visible rows, and r // 2 columns are cut off at each side.

    Source: public code, its transforms and the VEN's data set; the ranges are its configurations'.
    """
    severity, across = (uniforms(key, 6)[i] for i in (1, 5))
    if occlusion.published("sizes"):
        if drawn.kind == "patch":
            drawn = drawn._replace(hidden=_pixels(0.3 + 0.2 * severity), width=_pixels(0.3 + 0.2 * across))
        elif drawn.kind == "pole":
            drawn = drawn._replace(hidden=_pixels(0.2 + 0.2 * severity))
        elif drawn.kind == "middle":
            drawn = drawn._replace(hidden=0.5, place=0.5)
    if occlusion.published("moving") and drawn.kind in MOVING:
        drawn = drawn._replace(place=0.0, speed=abs(drawn.speed), once=True)
    if drawn.kind in ("top", "bottom"):
        kept, portion = _pixels(1 - drawn.hidden), drawn.hidden
        if occlusion.published("trim_columns"):
            drawn = drawn._replace(hidden=1 - kept, trimmed=int(64 * kept) // 2 / 32, portion=portion)
        elif occlusion.published("sizes"):
            drawn = drawn._replace(hidden=1 - kept if drawn.kind == "bottom" else _pixels(portion), portion=portion)
    return drawn


def _pixels(share: float) -> float:
    """A share of 64 pixels, as whole ones."""
    return int(share * 64) / 64


def training_key(seed: int, iteration: int, position: int) -> tuple:
    """The key of a training clip: position in the global batch (the host deals position i * world + rank), or of its group."""
    return ("train", seed, iteration, position)


def test_key(seed: int, condition: str, dataset: str, label: str, type_: str, view: str) -> tuple:
    """The key of a test clip: the condition and the clip's own name."""
    return ("test", seed, condition, dataset, label, type_, view)


def group_key(seed: int, condition: str, dataset: str, group: int) -> tuple:
    """The key of all test clips of a group that shares its draw (``reference_compat: shared_draw``): the group's index."""
    return ("test", seed, condition, dataset, "group", group)


test_key.__test__ = False  # not a test for pytest
