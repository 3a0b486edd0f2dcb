"""The frozen teacher: outside the module tree, in eval mode, checked bit for bit."""

from __future__ import annotations

import torch
from torch import Tensor

from ..config import ConfigError
from .quirks import freeze
from .subnetwork import build, checkpoint_file, embed, fingerprint, geometry_of, inspect, load


class TeacherChanged(RuntimeError):
    """The teacher's weights or BatchNorm statistics differ from those it started with."""


class Teacher:
    """A whole-body OpenGait model that gives gamma_t.

    It is a plain object, not a module of the mimic: never in its state dict, DDP, SyncBN, optimiser, ``train()`` or
    ``init_parameters()``.

    Args:
        cfgs: the teacher's own complete configuration.
        checkpoint: a path, or ``auto``.
        geometry: (h, w) of the mimic.

    Raises:
        ConfigError: the teacher's YAML is for another geometry. CheckpointError: its weights are missing or do not fit.

    Source:
        MimicGait (WACV 2025), section 3.3. The public code leaves the teacher in training mode, so its BatchNorm
        statistics drift during distillation; here they cannot.
    """

    def __init__(self, cfgs: dict, checkpoint: str, geometry: tuple[int, int]):
        """Build, load, freeze, hash."""
        own = geometry_of(cfgs)
        if own is not None and own != tuple(geometry):
            raise ConfigError(
                f"model_cfg.teacher: its YAML tests on {own[0]}x{own[1]} silhouettes, model_cfg.geometry is {list(geometry)}."
                " Teacher, VEN and mimic must see one geometry: change model_cfg.geometry and the transforms, or the teacher."
            )
        self.net = build(cfgs["model_cfg"], cfgs, "model_cfg.teacher")
        self.embedding = inspect(self.net, geometry, "model_cfg.teacher")
        file = checkpoint_file(checkpoint, cfgs, "model_cfg.teacher.checkpoint")
        self.report = load(self.net, file, "model_cfg.teacher.checkpoint", self.embedding.unreached)
        freeze(self.net)
        self.hash = fingerprint(self.net)

    @torch.no_grad()
    def __call__(self, inputs) -> Tensor:
        """gamma_t ``[n, c, p]`` of whole-body clips."""
        return embed(self.net, inputs)

    def verify(self) -> None:
        """Raise `TeacherChanged` unless every parameter and buffer is as it was at the start."""
        now = fingerprint(self.net)
        if now != self.hash:
            raise TeacherChanged(f"the frozen teacher changed during training (hash {self.hash[:12]} -> {now[:12]}): nothing is saved")
