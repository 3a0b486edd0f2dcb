"""Guarded steps: what is not finite does not train, and says so; for any model, whatever ``train_step`` its class has.

Before a step the loss is looked at, on all processes; inside it, before the optimiser moves a weight, the gradients. If either is not
finite, or the gradient scaler (``enable_float16``) skips the step, nothing of it stays: no weight, no gradient, no state of optimiser or
schedule, no iteration; the BatchNorm statistics are put back. The next batch follows. The first such step is told with its clips, and
``trainer_cfg.bad_steps`` in a row stop the run.
"""

from __future__ import annotations

import math

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from ..base.processes import gather, rank_and_world
from ..host.run_paths import checkpoint_at
from ..host.trainer_keys import read_launcher_keys
from . import TrainingStopped, warm_up
from . import bfloat16 as precision
from . import nonfinite as blame


class _NotFinite(Exception):
    """The gradients are not finite: ends the host's step before the optimiser's."""


class Guard:
    """Stands around one model's ``train_step``.

    Args:
        inner: the model itself, not its DDP wrapper, built for training.
        cfgs: its configuration.
    """

    def __init__(self, inner: nn.Module, cfgs: dict):
        self.inner, self.cfgs, self.settings = inner, cfgs, read_launcher_keys(cfgs)
        self.own, self.begun, self.in_row, self.stepped = inner.train_step, inner.iteration, 0, False
        self.inputs, self.info, self.kept, self.told = None, {}, [], False
        inner.optimizer._step_supports_amp_scaling = False  # a fused one would get the scaled gradients, and cannot be stopped
        inner.register_forward_pre_hook(self._begin)
        inner.loss_aggregator.register_forward_hook(self._note)
        inner.optimizer.register_step_pre_hook(self._look)

    def _begin(self, inner, inputs):
        """Before a training forward: keep the batch, and a copy of every buffer that the forward may move."""
        if inner.training:
            self.inputs = inputs[0]
            moving = [(module, name) for module in inner.modules() if module.training for name in module._buffers]
            self.kept = [(module, name, module._buffers[name].clone()) for module, name in moving if module._buffers[name] is not None]

    def _note(self, _, __, result):
        self.info = result[1]

    def _look(self, optimizer, _, __):
        """Before the optimiser's step: are the gradients finite? DDP has given every process the same ones. Then clip them."""
        trained = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norm = get_total_norm([p.grad for p in trained])
        if not math.isfinite(norm):
            raise _NotFinite
        if self.settings.clip_gradients is not None:
            clip_grads_with_norm_(trained, self.settings.clip_gradients, norm)
        self.stepped = True

    def train_step(self, loss_sum) -> bool:
        """The step of the model's class if it can train; False where nothing of it stays.

        Raises:
            TrainingStopped: ``bad_steps`` in a row.
        """
        self.stepped, scaler = False, getattr(self.inner, "Scaler", None)
        try:
            if bad := self._bad_losses(loss_sum):
                return self._leave_nothing("the loss is not finite", bad)
            done = self.own(loss_sum)
            if self.stepped or not scaler or not scaler.is_enabled():
                self.in_row = 0
                return done
            return self._leave_nothing(
                f"enable_float16: a gradient overflowed and the scaler goes down to {scaler.get_scale():g} (a few such steps at the start"
                " are ordinary)"
            )
        except _NotFinite:
            if scaler and scaler.is_enabled():
                scaler.update()  # it is in the middle of a step
            names = blame.gradients_not_finite(self.inner)
            return self._leave_nothing(f"gradients are not finite: {blame.first(names) or 'their norm is beyond float32'}")
        finally:
            self.inputs, self.info, self.kept = None, {}, []

    def _bad_losses(self, loss_sum) -> list[int]:
        """The ranks whose loss is not finite."""
        finite = torch.isfinite(loss_sum.detach()).all().reshape(1).to(torch.uint8)
        return [rank for rank, good in enumerate(gather(finite).tolist()) if not good]

    @torch.no_grad()
    def _leave_nothing(self, what: str, ranks: list[int] | None = None) -> bool:
        """Put back what the forward moved, drop the gradients, and tell; ``ranks``: whose clips are suspected (None: all)."""
        inner = self.inner
        for module, name, before in self.kept:
            module._buffers[name].copy_(before)
        inner.optimizer.zero_grad()
        inner.skipped += 1
        self.in_row += 1
        drawn = getattr(inner, "batches_drawn", None)
        at = f"The step after iteration {inner.iteration}" + ("" if drawn is None else f" (batch {drawn - 1})")
        if not self.told:
            self.told = True
            inner.msg_mgr.log_warning(f"{at} is skipped: {what}. It leaves weights and statistics as they were. {self._clips(ranks)}")
        else:
            inner.msg_mgr.log_info(f"{at} is skipped, number {inner.skipped}: {what}")
        if self.in_row >= self.settings.bad_steps:
            raise TrainingStopped(self._last_words(what))
        return False

    def _clips(self, ranks: list[int] | None) -> str:
        """What each process concerned knows of its clips; all processes take part."""
        clips = self.inner.train_loader.names() if hasattr(self.inner.train_loader, "names") else []
        bad = blame.clips_not_finite(self.inputs) if self.inputs is not None else []
        broken = [clips[i] if clips else f"number {i}" for i in bad]
        sides = [blame.Side(blame.losses_not_finite(self.info), broken, clips)]
        world = rank_and_world()[1]
        if world > 1:
            mine, sides = sides[0], [None] * world
            dist.all_gather_object(sides, mine)
        told = [(rank, side) for rank, side in enumerate(sides) if side.broken]  # a loss that gathers clips spoils every process's
        told = told or [(rank, side) for rank, side in enumerate(sides) if ranks is None or rank in ranks]
        return ". ".join((f"Process {rank}: " if world > 1 else "There: ") + side.text() for rank, side in told)

    def _broken(self) -> bool:
        """Whether the input of any process's clips is not finite; all processes take part."""
        own = self.inputs is not None and bool(blame.clips_not_finite(self.inputs))
        return bool(gather(torch.tensor([own], dtype=torch.uint8, device=next(self.inner.parameters()).device)).any())

    def _last_words(self, what: str) -> str:
        trainer, iteration = self.cfgs["trainer_cfg"], self.inner.iteration
        saved = iteration // trainer["save_iter"] * trainer["save_iter"]
        good = saved if saved > self.begun else self.begun
        file = checkpoint_at(self.cfgs, good)
        return (
            f"{self.in_row} steps in a row could not train (trainer_cfg.bad_steps = {self.settings.bad_steps}), the last after iteration"
            f" {iteration}: {what}. "
            + (
                f"The last good checkpoint is {file}: go on from it with --iter {good} and trainer_cfg.clip_gradients (5.0, for example) or"
                " without enable_float16;"
                " it brings its learning rate with it, so for a lower optimizer_cfg.lr or trainer_cfg.warm_up start again"
                if good and file.is_file()
                else "Nothing was saved yet: start again with a lower optimizer_cfg.lr, trainer_cfg.clip_gradients (5.0, for example) or"
                " trainer_cfg.warm_up, or without enable_float16"
            )
            + (
                ". The input of clips of the last step is not finite: `opengait-mimic check data --cfgs` with this YAML names such files;"
                " where it names none, look at trainer_cfg.transform"
                if self._broken()
                else ""
            )
        )


def attach(inner: nn.Module, cfgs: dict) -> None:
    """Guard a model's steps, and heed the keys of `opengait_mimic.host.trainer_keys`; for both hosts' loop and any model.

    ``inner.skipped`` counts the steps that left nothing.

    Args:
        inner: the model itself, not its DDP wrapper, built for training.
        cfgs: its configuration.

    Raises:
        ConfigError: see `settings`.
    """
    guard = Guard(inner, cfgs)
    inner.skipped = 0
    object.__setattr__(inner, "train_step", guard.train_step)
    if guard.settings.warm_up:
        warm_up.attach(inner, guard.settings.warm_up)
    if guard.settings.bfloat16:
        precision.attach(inner)
