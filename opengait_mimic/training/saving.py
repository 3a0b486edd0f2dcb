"""What a training writes at ``save_iter``, and which checkpoints it keeps.

.. code-block:: yaml

    trainer_cfg:
      keep_last: 3                          # of the checkpoints that this training wrote; default: all
      keep_best: test_accuracy/Rank-1       # and the one whose test gave the largest; needs with_test: true

Two are never removed: the checkpoint that the YAML's test reads (``evaluator_cfg.restore_hint``) and, with ``keep_best``, the best one.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from ..base import checkpoint_file, last_checkpoint, restore_errors
from ..base.files import PART
from ..base.plain_values import as_json, differences
from ..base.processes import on_rank_0
from ..host.run_paths import checkpoint_at, save_folder
from .record import Record, run_json, write_run_json
from .resume import read_entries

SMALLER_IS_BETTER = ("mae", "mse", "loss", "error", "eer")
"""Ends of the names of scalars whose best value is the smallest."""


def restore_state(inner: nn.Module, cfgs: dict) -> dict:
    """Restore what the host's loader does not: the gradient scaler and the number of skipped steps.

    Returns:
        The entry of the checkpoint that the training goes on from; empty for a training from 0 or from a path, and for a checkpoint
        without a record of this version.
    """
    trainer = cfgs["trainer_cfg"]
    hint = trainer["restore_hint"]
    entry = checkpoint_file.entry(checkpoint_at(cfgs, hint)) if isinstance(hint, int) and hint > 0 else {}
    if entry.get("scaler") and hasattr(inner, "Scaler") and not trainer.get("optimizer_reset"):
        with restore_errors.report_misfit(checkpoint_at(cfgs, hint), "scaler"):
            inner.Scaler.load_state_dict(entry["scaler"])
    inner.skipped = entry.get("skipped", 0)
    for part in ("optimizer", "scheduler") if entry else ():
        key = f"{part}_cfg"
        changed = differences(entry["recipe"][key], as_json(cfgs[key]), key)
        if changed and not trainer.get(f"{part}_reset"):
            inner.msg_mgr.log_warning(
                f"{'; '.join(changed)}: has no effect, because the checkpoint restores its own {part}. trainer_cfg.{part}_reset: true makes"
                " a new one"
            )
    return entry


class Saver:
    """Replaces a host model's ``save_ckpt``, on every process.

    Args:
        inner: the model itself, not its DDP wrapper.
        cfgs: the prepared configuration, as it was before the model was built.
        record: the record of this training; None on ranks above 0.
    """

    def __init__(self, inner: nn.Module, cfgs: dict, record: Record | None):
        """Follow the model; remove what a killed run left half written."""
        self.inner, self.cfgs, self.record = inner, cfgs, record
        self.saved: dict[int, dict] = {}  # of this training: iteration -> entry
        object.__setattr__(inner, "save_ckpt", self.save)
        if record is None:
            return
        for name in (f"*.pt{PART}", f"*.run.json{PART}", f"preflight{PART}*"):
            for part in (save_folder(cfgs) / "checkpoints").glob(name):
                part.unlink(missing_ok=True)
        for at, entry in read_entries(cfgs).items():
            if entry.get("run") == record.facts["run"] and at <= inner.iteration:
                self.saved[at] = entry
        record.follow(inner)
        if cfgs["trainer_cfg"].get("with_test"):
            object.__setattr__(inner, "msg_mgr", _TestListener(inner.msg_mgr, self.note_test))

    def save(self, iteration: int) -> None:
        """Write the checkpoint of an iteration; every process calls it, and gets an error of rank 0.

        Raises:
            HostError: it cannot be written; everything before is unchanged. CheckpointError: see `checkpoint_file.write`.
            SystemExit: either of them, on ranks above 0.
        """
        getattr(self.inner, "before_saving", lambda: None)()
        on_rank_0(lambda: self._write(iteration, self.record.entry(self.inner)))
        last_checkpoint.reached(self.cfgs["trainer_cfg"]["save_name"], iteration)

    def _write(self, iteration: int, entry: dict) -> None:
        inner, file = self.inner, checkpoint_at(self.cfgs, iteration)
        content = {"model": inner.state_dict(), "optimizer": inner.optimizer.state_dict(), "scheduler": inner.scheduler.state_dict()}
        checkpoint_file.write(file, {**content, "iteration": iteration, checkpoint_file.ENTRY: entry})
        write_run_json(file, entry)
        self.saved[iteration] = entry
        self._remove_old()

    def make_up_test(self, model: nn.Module) -> None:
        """Test the checkpoint that a training goes on from, if the training was stopped before that test; every process calls it.

        Args:
            model: the model, or its DDP wrapper.
        """
        inner, tested = self.inner, lambda: self.saved.get(self.inner.iteration, {"test": "unknown"})["test"] is not None
        if not self.cfgs["trainer_cfg"].get("with_test") or on_rank_0(tested):
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

    def note_test(self, result: dict) -> None:
        """Enter the scalars of a test into the checkpoint that the training is at, and keep the best checkpoint."""
        scalars = {key.removeprefix("scalar/"): float(value) for key, value in result.items() if _is_scalar(key, value)}
        if self._is_best(scalars):
            name = self.cfgs["trainer_cfg"]["keep_best"].removeprefix("scalar/")
            self.record.facts["best"] = {"name": name, "value": scalars[name], "iteration": self.inner.iteration}
        entry = self.saved[self.inner.iteration]
        self._write(self.inner.iteration, {**entry, "test": scalars, "best": self.record.facts["best"]})

    def _is_best(self, scalars: dict[str, float]) -> bool:
        """Whether ``keep_best`` is better than in every checkpoint before."""
        name = (self.cfgs["trainer_cfg"].get("keep_best") or "").removeprefix("scalar/")
        if not name:
            return False
        if name not in scalars:
            self.inner.msg_mgr.log_warning(
                f"trainer_cfg.keep_best = {name!r}: the test gives no such number, so no checkpoint is the best one; it gives"
                f" {', '.join(scalars) or 'none'}"
            )
            return False
        best, sign = self.record.facts["best"], -1 if name.endswith(SMALLER_IS_BETTER) else 1
        known = best is not None and best["name"] == name and best["iteration"] in self.saved
        return math.isfinite(scalars[name]) and (not known or sign * scalars[name] > sign * best["value"])

    def _remove_old(self) -> None:
        """Remove the checkpoints of this training that ``keep_last`` no longer keeps."""
        trainer, evaluator, best = self.cfgs["trainer_cfg"], self.cfgs["evaluator_cfg"], self.record.facts["best"] or {}
        if trainer.get("keep_last") is None:
            return
        kept = {*sorted(self.saved)[-trainer["keep_last"] :], best.get("iteration")}
        if evaluator["save_name"] == trainer["save_name"]:
            kept.add(evaluator["restore_hint"])
        for at in self.saved.keys() - kept:
            del self.saved[at]
            for file in (run_json(checkpoint_at(self.cfgs, at)), checkpoint_at(self.cfgs, at)):
                file.unlink(missing_ok=True)


class _TestListener:
    """The host's message manager; calls back with the results that it writes."""

    def __init__(self, manager, note):
        self.manager, self.note = manager, note

    def __getattr__(self, name):
        return getattr(self.manager, name)

    def write_to_tensorboard(self, summary):
        self.manager.write_to_tensorboard(summary)
        self.note(summary)


def _is_scalar(key: str, value) -> bool:
    return key.startswith("scalar/") and torch.as_tensor(value).numel() == 1
