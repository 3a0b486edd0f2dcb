"""What a training writes at ``save_iter``, what it goes on from, and which checkpoints it keeps.

.. code-block:: yaml

    trainer_cfg:
      keep_last: 3                          # of the checkpoints that this training wrote; default: all
      keep_best: test_accuracy/Rank-1       # and the one whose test gave the largest; needs with_test: true

Never given up are the checkpoint that the YAML's test reads (``evaluator_cfg.restore_hint``) and, with ``keep_best``, the best one.
"""

from __future__ import annotations

import json
import math

import torch
from torch import nn

from ..base import checkpoint_file as checkpoints
from ..base import record_layout as layout
from ..base import restore_errors as restoring
from ..base import stopped
from ..base.files import PART
from ..base.processes import on_rank_0, rank_and_world
from ..run_sheet import write_beside
from .inputs import checkpoint_at, differences, plain, save_folder, sha256
from .record import Recorder

SMALLEST = ("mae", "mse", "loss", "error", "eer")
"""How the name of a scalar ends whose best value is the smallest."""


def restore(inner: nn.Module, cfgs: dict) -> dict:
    """Restore what the host's loader does not: the gradient scaler, and the number of steps that were skipped.

    Returns:
        `checkpoints.entry` of the checkpoint that a training goes on from; empty for one that begins at 0 or from other weights, and
        for files that OpenGait's own main.py or an older version wrote.
    """
    trainer = cfgs["trainer_cfg"]
    hint = trainer["restore_hint"]
    said = checkpoints.entry(checkpoint_at(cfgs, hint)) if isinstance(hint, int) and hint > 0 else {}
    if said.get("scaler") and hasattr(inner, "Scaler") and not trainer.get("optimizer_reset"):
        with restoring.told(checkpoint_at(cfgs, hint), "scaler"):
            inner.Scaler.load_state_dict(said["scaler"])
    inner.skipped = said.get("skipped", 0)
    _tell_what_stays(inner, cfgs, said)
    return said


def _tell_what_stays(inner: nn.Module, cfgs: dict, said: dict) -> None:
    """Warn of settings that were changed for a training that goes on, in whose place the checkpoint's own come back."""
    record = layout.whole(json.loads(said["record"])) if said else None
    for part in ("optimizer", "scheduler") if record else ():
        key = f"{part}_cfg"
        changed = differences(record["inputs"][key], plain(cfgs[key]), key)
        if changed and not cfgs["trainer_cfg"].get(f"{part}_reset"):
            inner.msg_mgr.log_warning(
                f"{'; '.join(changed)}: has no effect, for the checkpoint brings its {part} with it. trainer_cfg.{part}_reset: true makes a"
                " new one"
            )


class Keeper:
    """Takes the place of a host model's ``save_ckpt``, on every process.

    Args:
        inner: the model itself, not its DDP wrapper.
        cfgs: the prepared configuration, as given.
        recorder: the record of this training; None on ranks above 0.
    """

    def __init__(self, inner: nn.Module, cfgs: dict, recorder: Recorder | None):
        """Follow the model; what a killed run left half written is removed."""
        self.inner, self.cfgs, self.recorder = inner, cfgs, recorder
        object.__setattr__(inner, "save_ckpt", self.save)
        if recorder is None:
            return
        for name in (f"*.pt{PART}", f"*.run.json{PART}", f"preflight{PART}*"):
            for part in (save_folder(cfgs) / "checkpoints").glob(name):
                part.unlink(missing_ok=True)
        recorder.attach(inner)
        if cfgs["trainer_cfg"].get("with_test"):
            object.__setattr__(inner, "msg_mgr", _Heard(inner.msg_mgr, self.tested))

    def save(self, iteration: int) -> None:
        """Write the checkpoint of an iteration and enter it; every process calls it, and learns of an error.

        Raises:
            HostError: it cannot be written; everything before is as it was. CheckpointError: see `checkpoints.write`.
            SystemExit: likewise, on ranks above 0.
        """
        getattr(self.inner, "before_saving", lambda: None)()
        on_rank_0(lambda: self._save(iteration))
        stopped.reached(self.cfgs["trainer_cfg"]["save_name"], iteration)

    def _save(self, iteration):
        inner = self.inner
        scaler = inner.Scaler.state_dict() if hasattr(inner, "Scaler") else None
        own = {
            "format": checkpoints.FORMAT, "batch": getattr(inner, "batches_drawn", None), "world": rank_and_world()[1],
            "skipped": inner.skipped, "scaler": scaler or None, **self.recorder.said(),
        }  # fmt: skip
        content = {"model": inner.state_dict(), "optimizer": inner.optimizer.state_dict(), "scheduler": inner.scheduler.state_dict()}
        checkpoints.write(checkpoint_at(self.cfgs, iteration), {**content, "iteration": iteration, checkpoints.ENTRY: own})
        self.recorder.saved(iteration)
        write_beside(checkpoint_at(self.cfgs, iteration), self.cfgs, inner, self.recorder.content["checkpoints"][str(iteration)])
        self._give_up()

    def make_up(self, model: nn.Module) -> None:
        """Do the test of the checkpoint that a training goes on from, if it was stopped between the two; every process calls it.

        Args:
            model: the model, or its DDP wrapper.
        """
        inner = self.inner
        if not self.cfgs["trainer_cfg"].get("with_test") or on_rank_0(lambda: self.recorder.content.get("tested") == inner.iteration):
            return
        inner.msg_mgr.log_info(f"The training was stopped before the test of iteration {inner.iteration}: it is done now")
        model.eval()
        result = type(inner).run_test(model)
        model.train()
        if self.cfgs["trainer_cfg"].get("fix_BN"):
            inner.fix_BN()
        if result:
            inner.msg_mgr.write_to_tensorboard(result)
        inner.msg_mgr.reset_time()

    def tested(self, result: dict) -> None:
        """Enter a test of the checkpoint that the training is at, and keep in mind the best one."""
        content, at = self.recorder.content, self.inner.iteration
        content["tested"], best = at, self._best(result)
        if best is not None:
            content["best"] = {**best, "iteration": at}
        self.recorder.write()
        if best is not None:
            self._give_up()

    def _best(self, result):
        """The name and value of ``keep_best``, where they are better than any before."""
        name = (self.cfgs["trainer_cfg"].get("keep_best") or "").removeprefix("scalar/")
        if not name:
            return None
        numbers = {key.removeprefix("scalar/"): value for key, value in result.items() if key.startswith("scalar/") and _single(value)}
        if name not in numbers:
            self.inner.msg_mgr.log_warning(
                f"trainer_cfg.keep_best = {name!r}: the test gives no such number, so no checkpoint is the best one; it gives"
                f" {', '.join(numbers) or 'none'}"
            )
            return None
        value, best, listed = float(numbers[name]), self.recorder.content.get("best"), self.recorder.content["checkpoints"]
        sign = -1 if name.endswith(SMALLEST) else 1
        known = best is not None and best["name"] == name and str(best["iteration"]) in listed
        better = math.isfinite(value) and (not known or sign * value > sign * best["value"])
        return {"name": name, "value": value} if better else None

    def _give_up(self):
        """Remove the checkpoints that ``keep_last`` no longer keeps: first from the record, then from the disk."""
        last, content = self.cfgs["trainer_cfg"].get("keep_last"), self.recorder.content
        if last is None:
            return
        listed = sorted(map(int, content["checkpoints"]))
        kept = {*listed[-last:], self._tested_by_the_yaml(), (content.get("best") or {}).get("iteration")}
        if gone := [str(iteration) for iteration in listed if iteration not in kept]:
            content.setdefault("removed", {}).update({at: content["checkpoints"].pop(at) for at in gone})
            self.recorder.write()
        for at, digest in content.get("removed", {}).items():  # also those that a killed run did not get to
            file = checkpoint_at(self.cfgs, int(at))
            if file.is_file() and sha256(file) == digest:
                file.with_name(f"{file.stem}.run.json").unlink(missing_ok=True)
                file.unlink()

    def _tested_by_the_yaml(self):
        evaluator = self.cfgs["evaluator_cfg"]
        return evaluator["restore_hint"] if evaluator["save_name"] == self.cfgs["trainer_cfg"]["save_name"] else None


class _Heard:
    """The host's message manager, whose written results are heard as well."""

    def __init__(self, manager, hear):
        self.manager, self.hear = manager, hear

    def __getattr__(self, name):
        return getattr(self.manager, name)

    def write_to_tensorboard(self, summary):
        self.manager.write_to_tensorboard(summary)
        self.hear(summary)


def _single(value) -> bool:
    return torch.as_tensor(value).numel() == 1
