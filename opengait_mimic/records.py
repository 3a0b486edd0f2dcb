"""The small file beside a training's checkpoints that says what made them."""

from __future__ import annotations

import json
import math
import os
import time
from collections import deque
from pathlib import Path

import torch
from torch import nn

from . import __version__
from . import host as hosts
from .distributed import rank_and_world
from .host import HostError
from .inputs import checkpoint_at, differences, save_folder, sha256, training_inputs
from .watch import is_logged

NAME = "training.json"
KEYS = frozenset(("inputs", "checkpoints", "losses", "seconds", "version", "host", "commit", "world"))


def write_whole(file: Path, content: dict) -> None:
    """Write JSON through a temporary name, so that the file is never seen half written.

    Raises:
        HostError: the place cannot be written.
    """
    part = file.with_name(file.name + ".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(_text(content) + "\n")
        part.replace(file)
    except OSError as error:
        raise HostError(f"cannot write {file}: {error}") from error


def _text(value, indent: str = "") -> str:
    """JSON; what holds neither a mapping nor a list stands on one line, so that a curve does."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    if not any(isinstance(part, (dict, list, tuple)) for part in parts) and not (isinstance(value, dict) and len(value) > 4):
        return json.dumps(value)
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = [f"{json.dumps(str(key))}: {_text(part, deeper)}" for key, part in value.items()]
        return "{\n" + ",\n".join(deeper + line for line in lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + _text(part, deeper) for part in value) + f"\n{indent}]"


def read_json(file: Path) -> dict | None:
    """What `write_whole` wrote; None where there is no such file.

    Raises:
        HostError: the file is not JSON.
    """
    if not file.is_file():
        return None
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise HostError(f"{file} cannot be read ({error}): delete it; what it described counts as not done") from error


def read_record(folder: Path) -> dict | None:
    """The record of the training in a folder; None where there is none, or one of another layout.

    Raises:
        HostError: the file is not JSON.
    """
    record = read_json(folder / NAME)
    return record if isinstance(record, dict) and KEYS <= record.keys() else None


class Recorder:
    """Keeps the record of one training, ``<save folder>/training.json``, up to date; for rank 0.

    Its keys: ``inputs`` (see `training_inputs`), ``checkpoints`` (iteration -> SHA-256 of the file), ``losses`` (means over the
    first and the last tenth of the steps) and ``seconds`` up to the last checkpoint, ``steps_per_second`` since this start,
    ``version`` of the plugin, ``host``, ``commit``, ``world`` (the number of processes that wrote the last checkpoint), ``trained_on``
    (see `opengait_mimic.trained`), ``curves`` (``[step, {name: value}]`` of every logged step: the losses' and `opengait_mimic.watch`'s
    scalars, null where one is not finite). A checkpoint enters after it is written: one that is not listed is half written, or of another
    training.

    Args:
        cfgs: the prepared configuration. A training that goes on from an iteration of a record with the same inputs continues
            that record; any other replaces it, at its first checkpoint.
        trained_on: what the weights are trained on by this training and were before.
    """

    def __init__(self, cfgs: dict, trained_on: dict):
        """Read what is there; nothing is written."""
        trainer, self.cfgs = cfgs["trainer_cfg"], cfgs
        self.file, hint = save_folder(cfgs) / NAME, trainer["restore_hint"]
        inputs, before = training_inputs(cfgs), None
        host = hosts.current()
        self.content = {
            "inputs": inputs, "checkpoints": {}, "losses": None, "seconds": 0.0,
            "version": __version__, "host": host.name, "commit": host.commit, "world": rank_and_world()[1],
            "trained_on": trained_on, "curves": [],
        }  # fmt: skip
        if isinstance(hint, int) and hint > 0 and not (trainer.get("optimizer_reset") or trainer.get("scheduler_reset")):
            before = read_record(self.file.parent)
        if before is not None and str(hint) in before["checkpoints"]:
            changed = differences(before["inputs"], inputs)
            if all(line.startswith("trainer_cfg.restore_hint") for line in changed):  # which is where it goes on
                kept = {at: value for at, value in before["checkpoints"].items() if int(at) <= hint}
                curves = [entry for entry in before.get("curves", []) if entry[0] <= hint]
                self.content = {**self.content, **before, "checkpoints": kept, "curves": curves, "world": self.content["world"]}
        self.first, self.last = [], deque(maxlen=max(1, trainer["total_iter"] // 10))
        self.begin, self.earlier, self.steps = time.monotonic(), self.content["seconds"], 0

    def attach(self, model: nn.Module) -> None:
        """Follow a model's losses and checkpoints.

        What the folder holds keeps its record until the first checkpoint is written; only in a fresh folder an empty one is
        written at once, so that a first checkpoint cut short is known for what it is.
        """
        from .run_sheet import write_beside  # it reads records

        inner = getattr(model, "module", model)
        save, log_iter, summary = inner.save_ckpt, self.cfgs["trainer_cfg"]["log_iter"], {}

        def save_ckpt(iteration):
            save(iteration)
            self.saved(iteration)
            write_beside(checkpoint_at(self.cfgs, iteration), self.cfgs, inner, self.content["checkpoints"][str(iteration)])

        def note(_, __, result):
            self.steps += 1
            value = float(result[0].detach())
            self.last.append(value)
            if len(self.first) < self.last.maxlen:
                self.first.append(value)
            if is_logged(inner.iteration, log_iter):
                self.log(inner.iteration + 1, {**summary, **result[1]})

        def look(_, __, found):
            summary.clear()
            summary.update({key: value for key, value in (found["visual_summary"] or {}).items() if key.startswith("scalar/")})

        object.__setattr__(inner, "save_ckpt", save_ckpt)
        inner.loss_aggregator.register_forward_hook(note)
        inner.register_forward_hook(look)
        if not self.file.exists() and not any((self.file.parent / "checkpoints").glob("*.pt")):
            write_whole(self.file, self.content)

    def log(self, step: int, summary: dict) -> None:
        """Enter the scalars of a logged step; one that is tried again (the gradient scaler skipped it) takes the earlier one's place."""
        values = {}
        for key, value in summary.items():
            mean = float(torch.as_tensor(value).detach().float().mean())
            values[key.partition("/")[2]] = float(f"{mean:.5g}") if math.isfinite(mean) else None
        curves = self.content["curves"]
        curves[len(curves) - bool(curves and curves[-1][0] == step) :] = [[step, values]]

    def saved(self, iteration: int) -> None:
        """Enter a checkpoint that was written just now."""
        first, last = (round(sum(part) / len(part), 4) for part in (self.first, self.last))
        known = self.content["losses"]
        self.content["losses"] = [first if known is None else known[0], last]
        spent = time.monotonic() - self.begin
        self.content.update(seconds=round(self.earlier + spent, 1), steps_per_second=round(self.steps / max(spent, 1e-9), 3))
        self.content["checkpoints"][str(iteration)] = sha256(checkpoint_at(self.cfgs, iteration))
        write_whole(self.file, self.content)


def set_aside(folder: Path) -> Path:
    """Rename a run's folder to the first free ``<name>.before-N``."""
    number = 1
    while (place := folder.with_name(f"{folder.name}.before-{number}")).exists():
        number += 1
    os.replace(folder, place)
    return place
