"""What a test hides, as ``evaluator_cfg.occlusion`` says. No host."""

from __future__ import annotations

from typing import NamedTuple

from ..base.config import choice, integer, read
from ..base.errors import ConfigError
from ..published.switches import OTHERS
from . import Occlusion, fields


class Condition(NamedTuple):
    """What a test hides: nothing (``holistic``), the probes, or ``both`` probes and gallery; and the draws' seed."""

    occlusion: Occlusion | None
    occluded_side: str
    seed: int

    @classmethod
    def from_cfg(cls, given: dict | None, where: str, place: str = OTHERS) -> Condition:
        """Read ``evaluator_cfg.occlusion``; absent = whole bodies. ``place``: see `opengait_mimic.occlusion.fields`.

        .. code-block:: yaml

            evaluator_cfg:
              occlusion: {kinds: {top: 0.5, bottom: 0.5}, hidden: [0.4, 0.6], occluded_side: both, seed: 0}
        """
        if given is None:
            return cls(None, "holistic", 0)
        if not isinstance(given, dict):
            raise ConfigError(f"{where} = {given!r}; expected a mapping, or leave it out to test whole bodies")
        refuse_old_key(given, where)
        own = {"occluded_side": ("both", choice("holistic", "probe", "both")), "seed": (0, integer(0))}
        block = read(given, where, {**fields(place), **own})
        return cls(Occlusion.of(block, where), block.occluded_side, block.seed)


def refuse_old_key(given: dict, where: str) -> None:
    """Refuse ``protocol``, the older name of ``occluded_side``.

    Raises:
        ConfigError: the block has the key ``protocol``.
    """
    if "protocol" in given:
        raise ConfigError(f"{where}.protocol: this key was renamed; write occluded_side: {given['protocol']}")
