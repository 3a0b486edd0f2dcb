"""The points at which our models ask what the public code does otherwise. Without a switch every hook is the paper's own step."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from .. import occlusion
from ..base.errors import ConfigError
from ..occlusion.kinds import BLACK
from .hiding import PublishedHiding
from .losses import replace_losses
from .one_draw_per_batch import SharedDraw
from .switches import KEY, TEST, TRAIN, read_switches

KEEPS_GREY = ("none", "patch", "pole")
"""Kinds whose clips stay grey under ``grey_whole``."""
MEANING = ("input_255", "kept_amount")
"""Switches of a VEN that change what its weights mean."""


class Hooks:
    """The departures that a configuration asks for; one object per model.

    Args:
        cfgs: the complete configuration.

    Raises:
        ConfigError: ``model_cfg.reference_compat`` is wrong.
    """

    def __init__(self, cfgs: dict):
        """Read the switches."""
        self.on = read_switches(cfgs)

    def get(self, name: str, training: bool) -> Any:
        """The value of a switch in a phase; None where it is off."""
        on = self.on.get(name)
        return on.value if on and (TRAIN if training else TEST) in on.phases else None

    # ---- input of every model

    def hiding(self, training: bool) -> ModuleType | PublishedHiding:
        """What draws, applies, times and measures occlusion: the room `opengait_mimic.occlusion`, or its published counterpart."""
        found = PublishedHiding(*(bool(self.get(name, training)) for name in PublishedHiding._fields))
        return found if any(found) else occlusion

    def shared_draw(self, training: bool) -> SharedDraw | None:
        """The clips that share a draw; None where each has its own."""
        shared = self.get("shared_draw", training)
        return SharedDraw(**shared) if shared else None

    @property
    def grey_whole(self) -> bool | None:
        """Whether whole clips keep grey edges, in training and in the test; None where they do not, as checkpoints have it."""
        return self.get("grey_whole", True)

    # ---- VEN

    def ven_input(self, frames: Tensor) -> Tensor:
        """Silhouettes ``[S, h, w]`` as the VEN takes them while it is trained and tested itself."""
        return 255 * frames if "input_255" in self.on else frames

    def kind_scores(self, logits: Tensor) -> Tensor:
        """What the cross-entropy takes of the class head ``[S, kinds]``."""
        return logits.float().softmax(1) if "double_softmax" in self.on else logits

    def amount_target(self, kind: Tensor, hidden: Tensor) -> Tensor:
        """The amount ``[S]`` that a VEN learns, from the class and the hidden share of every frame."""
        return torch.where(kind > 0, 1 - hidden, 0) if "kept_amount" in self.on else hidden

    @property
    def ven_meaning(self) -> list[str] | None:
        """The switches that change what a VEN's weights mean; None without any, as older checkpoints have it."""
        return [name for name in MEANING if name in self.on] or None

    # ---- MimicGait

    def ranked_embedding(self, bare: Tensor, fused: Tensor) -> Tensor:
        """The embedding that a test ranks."""
        return bare if "rank" in self.on else fused

    @property
    def live_teacher(self) -> bool:
        """Whether the teacher stays in training mode."""
        return "live_teacher" in self.on

    @property
    def any_geometry(self) -> bool:
        """Whether the teacher may be of another geometry than the mimic."""
        return "any_geometry" in self.on

    def replace_losses(self, losses: nn.ModuleDict | dict) -> None:
        """Put the public code's losses in the place of ours, after the host built them."""
        replace_losses(losses, **{name: name in self.on for name in ("teacher_anchors", "l2_normalised", "relabel_by_position")})


def hidden_amount(kind: Tensor, amount: Tensor) -> Tensor:
    """The hidden share that a VEN trained under ``kept_amount`` predicts, from the predicted class and the kept amount of every frame."""
    return torch.where(kind > 0, 1 - amount, 0)


def refuse_published_hiding(cfgs: dict) -> None:
    """Refuse to write a manifest of a test that hides as the public code does.

    Raises:
        ConfigError: names the switches.
    """
    hooks = Hooks(cfgs)
    if hooks.hiding(training=False) is not occlusion:
        names = ", ".join(name for name in PublishedHiding._fields if hooks.get(name, training=False))
        raise ConfigError(f"{KEY}: {names} hide as the public code does, which a manifest cannot state; save one without them")


def refuse_fixed_sizes(cfgs: dict, hidings: dict[str, Any], where: str) -> None:
    """Refuse cells whose range would have no effect, as ``sizes`` fixes the sizes of middle, patch and pole.

    Args:
        cfgs: the configuration that is tested.
        hidings: name of a cell -> what it hides, with ``kinds`` (pairs of kind and probability) and ``hidden``.
        where: the preset or file of the cells, for the message.

    Raises:
        ConfigError: names the first such cell.
    """
    if not Hooks(cfgs).get("sizes", training=False):
        return
    for name, hiding in hidings.items():
        if hiding.hidden != (0.4, 0.6) and {kind for kind, _ in hiding.kinds} & set(BLACK):
            raise ConfigError(
                f"{where}: the cell {name!r}, but {KEY}.sizes fixes the sizes of middle, patch and pole whatever the range; switch sizes"
                " off, or leave their other ranges out"
            )
