"""Guarded steps: a step whose loss or gradients are not finite changes nothing, and the log says so. For any model of either host.

The loss is checked before a step, on all processes; the gradients inside it, before the optimiser moves a weight. If one of them is not
finite, or the gradient scaler (``enable_float16``) skips the step, no weight, gradient, optimiser state, schedule or iteration changes,
and the BatchNorm statistics are put back. The next batch follows. The first such step is logged with its clips.
``trainer_cfg.bad_steps`` of them in a row end the training.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from ..base.errors import TrainingStopped
from ..base.processes import gather, gather_objects
from ..host.run_paths import checkpoint_at
from ..host.trainer_keys import read_launcher_keys
from . import bfloat16, nonfinite_report, warm_up


class _NotFinite(Exception):
    """The gradients are not finite; ends the host's step before the optimiser's."""


class Guard:
    """Replaces the ``train_step`` of one model.

    Args:
        inner: the model itself, not its DDP wrapper, built for training.
        cfgs: its configuration.
    """

    def __init__(self, inner: nn.Module, cfgs: dict):
        """Hook into the model, its losses and its optimiser."""
        self.inner, self.cfgs, self.keys = inner, cfgs, read_launcher_keys(cfgs)
        self.host_step, self.start, self.in_row, self.stepped, self.logged = inner.train_step, inner.iteration, 0, False, False
        self.inputs, self.losses, self.buffers = None, {}, []
        inner.optimizer._step_supports_amp_scaling = False  # a fused one would get the scaled gradients, and cannot be stopped
        inner.register_forward_pre_hook(self._copy_buffers)
        inner.loss_aggregator.register_forward_hook(self._note_losses)
        inner.optimizer.register_step_pre_hook(self._check_gradients)

    def _copy_buffers(self, inner, inputs):
        """Before a training forward: keep the batch, and a copy of every buffer that the forward may move."""
        if inner.training:
            self.inputs = inputs[0]
            moving = [(module, name) for module in inner.modules() if module.training for name in module._buffers]
            self.buffers = [(module, name, module._buffers[name].clone()) for module, name in moving if module._buffers[name] is not None]

    def _note_losses(self, _, __, result):
        self.losses = result[1]

    def _check_gradients(self, optimizer, _, __):
        """Before the optimiser's step, when DDP has given every process the same gradients. Clips them too."""
        trained = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norm = get_total_norm([p.grad for p in trained])
        if not math.isfinite(norm):
            raise _NotFinite
        if self.keys.clip_gradients is not None:
            clip_grads_with_norm_(trained, self.keys.clip_gradients, norm)
        self.stepped = True

    def train_step(self, loss_sum) -> bool:
        """The step of the model's class; False if it is skipped.

        Raises:
            TrainingStopped: ``bad_steps`` in a row were skipped.
        """
        self.stepped, scaler = False, getattr(self.inner, "Scaler", None)
        try:
            if ranks := self._find_bad_ranks(loss_sum):
                return self._skip("the loss is not finite", ranks)
            done = self.host_step(loss_sum)
            if self.stepped or not scaler or not scaler.is_enabled():
                self.in_row = 0
                return done
            return self._skip(
                f"enable_float16: a gradient overflowed and the scaler goes down to {scaler.get_scale():g} (a few such steps at the start"
                " are ordinary)"
            )
        except _NotFinite:
            if scaler and scaler.is_enabled():
                scaler.update()  # it is in the middle of a step
            names = nonfinite_report.gradients_not_finite(self.inner)
            return self._skip(f"gradients are not finite: {nonfinite_report.shorten(names) or 'their norm is beyond float32'}")
        finally:
            self.inputs, self.losses, self.buffers = None, {}, []

    def _find_bad_ranks(self, loss_sum) -> list[int]:
        """The ranks whose loss is not finite."""
        finite = torch.isfinite(loss_sum.detach()).all().reshape(1).to(torch.uint8)
        return [rank for rank, good in enumerate(gather(finite).tolist()) if not good]  # as a tensor: every step does this

    @torch.no_grad()
    def _skip(self, why: str, ranks: list[int] | None = None) -> bool:
        """Put back what the forward moved, drop the gradients and log it; ``ranks``: whose clips are suspected (None: all)."""
        inner = self.inner
        for module, name, before in self.buffers:
            module._buffers[name].copy_(before)
        inner.optimizer.zero_grad()
        inner.skipped += 1
        self.in_row += 1
        at = f"The step after iteration {inner.iteration} (batch {inner.batches_drawn - 1})"
        if not self.logged:
            self.logged = True
            clips = self._describe_clips(ranks)
            inner.msg_mgr.log_warning(f"{at} is skipped: {why}. It leaves weights and statistics as they were. {clips}")
        else:
            inner.msg_mgr.log_info(f"{at} is skipped, number {inner.skipped}: {why}")
        if self.in_row >= self.keys.bad_steps:
            raise TrainingStopped(self._describe_end(why))
        return False

    def _describe_clips(self, ranks: list[int] | None) -> str:
        """The clips of each suspected process; all processes take part."""
        clips = self.inner.train_loader.names()
        broken = [clips[i] for i in self._find_broken_clips()]
        what = [*nonfinite_report.losses_not_finite(self.losses), *(["its input is not finite"] if broken else [])]
        text = f"{', '.join(what) or 'all finite here'}; clips: {', '.join(broken or clips)}"
        sides = gather_objects((bool(broken), text))
        chosen = [rank for rank, side in enumerate(sides) if side[0]]  # a loss that gathers clips is bad on every process
        chosen = chosen or [rank for rank in range(len(sides)) if ranks is None or rank in ranks]
        return ". ".join((f"Process {rank}: " if len(sides) > 1 else "There: ") + sides[rank][1] for rank in chosen)

    def _find_broken_clips(self) -> list[int]:
        return [] if self.inputs is None else nonfinite_report.clips_not_finite(self.inputs)

    def _describe_end(self, why: str) -> str:
        trainer, iteration = self.cfgs["trainer_cfg"], self.inner.iteration
        good = max(iteration // trainer["save_iter"] * trainer["save_iter"], self.start)
        file = checkpoint_at(self.cfgs, good)
        cure = (
            f"The last good checkpoint is {file}: go on from it with --iter {good} and trainer_cfg.clip_gradients (5.0, for example) or"
            " without enable_float16. It restores its learning rate, so for a lower optimizer_cfg.lr or for trainer_cfg.warm_up start again"
            if good and file.is_file()
            else "Nothing was saved yet: start again with a lower optimizer_cfg.lr, trainer_cfg.clip_gradients (5.0, for example) or"
            " trainer_cfg.warm_up, or without enable_float16"
        )
        text = (
            f"{self.in_row} steps in a row could not train (trainer_cfg.bad_steps = {self.keys.bad_steps}), the last after iteration"
            f" {iteration}: {why}. {cure}"
        )
        if any(gather_objects(bool(self._find_broken_clips()))):
            text += (
                ". The input of clips of the last step is not finite: `opengait-mimic check data --cfgs` with this YAML names such files."
                " If it names none, look at trainer_cfg.transform"
            )
        return text


def attach(inner: nn.Module, cfgs: dict) -> None:
    """Guard a model's steps, and apply warm-up and bfloat16 as the configuration asks.

    ``inner.skipped`` counts the skipped steps.

    Args:
        inner: the model itself, not its DDP wrapper, built for training.
        cfgs: its configuration.

    Raises:
        ConfigError: see `opengait_mimic.host.trainer_keys.read_launcher_keys`.
    """
    guard = Guard(inner, cfgs)
    inner.skipped = 0
    object.__setattr__(inner, "train_step", guard.train_step)
    if guard.keys.warm_up:
        warm_up.attach(inner, guard.keys.warm_up)
    if guard.keys.bfloat16:
        bfloat16.attach(inner)
