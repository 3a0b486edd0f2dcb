"""What can be hidden, and one clip's draw of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from ..base.config import Block, Share, between, pair_of, whole
from .kinds import KINDS, MOVING

Kind = Literal[KINDS]


class OcclusionBlock(Block):
    """An ``occlusion`` block of the YAML."""

    kinds: dict[Kind, Share] = Field({"top": 0.5, "bottom": 0.5}, description="kind -> probability; they add up to 1")
    hidden: pair_of(between(0.01, 0.95)) = Field((0.4, 0.6), description="lowest and highest hidden fraction, 0.01-0.95")
    speed: pair_of(between(0, 64)) = Field((0.5, 1.0), description="moving kinds: pixels per frame in a picture of 64 rows")
    time_axis: whole(1, 10_000) = Field(100, description="moving kinds, unordered sampling: frame times are drawn below this")

    @field_validator("kinds")
    @classmethod
    def _adds_up_to_1(cls, kinds):
        if not kinds:
            raise ValueError(f"expected a mapping kind: probability of {', '.join(KINDS)}")
        if abs(sum(kinds.values()) - 1) > 1e-3:
            raise ValueError(f"the probabilities add up to {sum(kinds.values()):.6g}; they must add up to 1 (give the rest to none)")
        return kinds

    @model_validator(mode="after")
    def _low_before_high(self):
        for key in ("hidden", "speed"):
            low, high = getattr(self, key)
            if low > high:
                raise ValueError(f".{key} = {[low, high]}; expected [lowest, highest]")
        return self


class Draw(NamedTuple):
    """One clip's occlusion, plain data.

    ``kind``: of `KINDS`. ``hidden``: the hidden share (0 for ``none``), see `opengait_mimic.occlusion`. ``place``: 0 to below
    1; of ``middle`` the band's position between the upper and the lower edge, of moving kinds the phase of their path.
    ``speed``: of moving kinds, pixels per frame in a picture of 64 rows; below 0 they move to the left.
    """

    kind: str
    hidden: float
    place: float = 0.0
    speed: float = 0.0


class Occlusion(NamedTuple):
    """What is drawn from: the values of an `OcclusionBlock`, the kinds in the order of `KINDS`."""

    kinds: dict[str, float]
    hidden: tuple[float, float]
    speed: tuple[float, float] = (0.5, 1.0)
    time_axis: int = 100

    @classmethod
    def from_cfg(cls, given: dict, where: str) -> Occlusion:
        """Read an ``occlusion`` block.

        .. code-block:: yaml

            occlusion:
              kinds: {none: 0.2, top: 0.2, bottom: 0.2, middle: 0.2, patch: 0.1, pole: 0.1}
              hidden: [0.4, 0.6]
              speed: [0.5, 1.0]
              time_axis: 100

        Args:
            given: the block, see `OcclusionBlock`.
            where: its place in the YAML, for messages.

        Raises:
            ConfigError: an unknown key or kind, a number out of range, probabilities that miss 1, a range upside down.
        """
        return cls.of(OcclusionBlock.read(given, where))

    @classmethod
    def of(cls, block: OcclusionBlock) -> Occlusion:
        """From a block that was read: kinds in the order of `KINDS`, probabilities divided by their sum."""
        total = sum(block.kinds.values())
        kinds = {kind: block.kinds[kind] / total for kind in KINDS if kind in block.kinds}
        return cls(kinds, block.hidden, block.speed, block.time_axis)

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

    Examples:
        >>> [round(u, 6) for u in uniforms(("test", 0, "top"), 2)]
        [0.610189, 0.76952]
    """
    digests = (hashlib.sha256("\x1f".join(map(str, (*key, i))).encode()).digest() for i in range(count))
    return [(int.from_bytes(digest[:8], "big") >> 11) / 2**53 for digest in digests]


def draw(occlusion: Occlusion, key: Sequence[object]) -> Draw:
    """Draw one clip's occlusion from its key.

    Uniform 0 picks the kind (in the order of `KINDS`), 1 places the hidden share in its range, so two ranges share the kind
    and the relative severity of every clip; 2 is the place, 3 places the speed in its range, 4 is the direction (below one
    half: to the left).
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
    hidden = low + (high - low) * severity
    if kind in MOVING:
        slow, fast = occlusion.speed
        return Draw(kind, hidden, place, (slow + (fast - slow) * pace) * (-1 if side < 0.5 else 1))
    return Draw(kind, hidden, place if kind == "middle" else 0.0)


def training_key(seed: int, iteration: int, position: int) -> tuple:
    """The key of a training clip: position in the global batch (the host deals position i * world + rank)."""
    return ("train", seed, iteration, position)


def test_key(seed: int, condition: str, dataset: str, label: str, type_: str, view: str) -> tuple:
    """The key of a test clip: the condition and the clip's own name."""
    return ("test", seed, condition, dataset, label, type_, view)


test_key.__test__ = False  # not a test for pytest
