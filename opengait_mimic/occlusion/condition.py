"""What a test hides: the block ``evaluator_cfg.occlusion``."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import Field

from ..base.config import Natural
from ..base.errors import ConfigError
from .draws import Occlusion, OcclusionBlock


class ConditionBlock(OcclusionBlock):
    """``evaluator_cfg.occlusion``: what a test hides."""

    RENAMED = {"protocol": "occluded_side"}

    occluded_side: Literal["holistic", "probe", "both"] = Field("both", description="sequences that are hidden: none, probes, all")
    seed: Natural = Field(0, description="seed of the draws")


class Condition(NamedTuple):
    """What a test hides, of which side, and the draws' seed."""

    occlusion: Occlusion | None
    occluded_side: str
    seed: int

    @classmethod
    def from_cfg(cls, given: dict | None, where: str) -> Condition:
        """Read ``evaluator_cfg.occlusion``; absent = whole bodies.

        .. code-block:: yaml

            evaluator_cfg:
              occlusion: {kinds: {top: 0.5, bottom: 0.5}, hidden: [0.4, 0.6], occluded_side: both, seed: 0}

        Raises:
            ConfigError: a key or a value is wrong.
        """
        if given is None:
            return cls(None, "holistic", 0)
        if not isinstance(given, dict):
            raise ConfigError(f"{where} = {given!r}; expected a mapping, or leave it out to test whole bodies")
        block = ConditionBlock.read(given, where)
        return cls(Occlusion.of(block), block.occluded_side, block.seed)
