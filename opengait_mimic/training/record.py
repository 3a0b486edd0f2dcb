"""The small file beside a training's checkpoints that says what made them."""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections import deque
from pathlib import Path

import torch
from torch import nn

from .. import __version__
from .. import host as hosts
from ..base import checkpoint_file as checkpoints
from ..base import record_layout as layout
from ..base.errors import ConfigError, HostError
from ..base.files import replacing
from ..base.locks import refuse_locked
from ..base.processes import rank_and_world
from ..models.scalars import is_logged
from .inputs import checkpoint_at, differences, save_folder, sha256, training_inputs

NAME = "training.json"


def write_whole(file: Path, content: dict) -> None:
    """Write JSON, whole or not at all; raises as `replacing`."""
    with replacing(file) as stream:
        stream.write(f"{_text(content)}\n".encode())


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
        HostError: the file is not JSON, or holds values that no training writes.
    """
    file = folder / NAME
    try:
        return layout.whole(read_json(file))
    except ConfigError as error:
        raise HostError(
            f"{file}: {'; '.join(error.args)}. Was it edited? Put it back as it was written, or delete it: the checkpoints of this version"
            " say themselves what made them"
        ) from error


def said_by(file: Path, said: dict | None = None) -> dict | None:
    """The record as of one checkpoint, which the checkpoint keeps; with that checkpoint entered. None where it keeps none.

    Args:
        file: the checkpoint.
        said: its `checkpoints.entry`, where that was read before.

    Raises:
        CheckpointError: see `checkpoints.entry`.
    """
    said = checkpoints.entry(file) if said is None else said
    record = layout.whole(json.loads(said["record"])) if said else None
    if record is not None:
        record["checkpoints"][str(int(file.stem.rpartition("-")[2]))] = sha256(file)
    return record


def adopt(folder: Path, inputs: dict) -> dict | None:
    """The record of a training's folder, after a checkpoint that it lacks has been entered.

    A process may be killed after it has written a checkpoint and before it has entered it; or the record was lost, or is of another
    training that wrote there since. What a checkpoint itself says of its training decides (see `said_by`): one that goes on from the
    newest that is listed is entered; where the record is not of a training with these inputs, the newest that is takes its place. Nothing
    is entered while another process trains there.

    Args:
        folder: the training's.
        inputs: see `training_inputs`.

    Raises:
        HostError: see `read_record`; or the record cannot be written. CheckpointError: see `checkpoints.entry`.
    """
    record = read_record(folder)
    same = record is not None and not differences(record["inputs"], inputs)
    listed = record["checkpoints"] if same else {}
    newest = max(map(int, listed), default=-1)
    found = {}
    for file in (folder / "checkpoints").glob(f"{folder.name}-*.pt"):
        with contextlib.suppress(ValueError):  # another file, by its name
            found[int(file.stem.rpartition("-")[2])] = file
    for iteration in sorted((at for at in found if at > newest), reverse=True):
        late = said_by(found[iteration])
        if late is None or differences(late["inputs"], inputs) or checkpoints.ailing(found[iteration]):
            continue
        if same and {at: value for at, value in late["checkpoints"].items() if int(at) != iteration} != listed:
            continue  # of an earlier start of the same training
        try:
            refuse_locked(folder)
        except HostError:
            return record
        write_whole(folder / NAME, late)
        return late
    return record


class Recorder:
    """Keeps the record of one training, ``<save folder>/training.json``, up to date; for rank 0.

    Its keys: ``inputs`` (see `training_inputs`), ``checkpoints`` (iteration -> SHA-256 of the file), ``losses`` (means over the
    first and the last tenth of the steps) and ``seconds`` up to the last checkpoint, ``steps_per_second`` since this start,
    ``version`` of the plugin, ``host``, ``commit``, ``world`` (the number of processes that wrote the last checkpoint), ``trained_on``
    (see `training.trained_on`), ``curves`` (``[step, {name: value}]`` of every logged step: the losses and `models.scalars`
    scalars, null where one is not finite); of `opengait_mimic.training.saving`, ``removed`` (as ``checkpoints``: those that
    ``trainer_cfg.keep_last`` gave up), ``tested`` (the newest iteration that ``with_test`` tested) and ``best``. A checkpoint enters
    after it is written, and itself keeps the record as of its iteration, so that it can be entered by the next start (`adopt`).

    Args:
        cfgs: the prepared configuration. A training that goes on from an iteration of a record with the same inputs continues
            that record; any other replaces it, at its first checkpoint.
        trained_on: what the weights are trained on by this training and were before.
        said: `checkpoints.entry` of the checkpoint that it goes on from; empty: none.
    """

    def __init__(self, cfgs: dict, trained_on: dict, said: dict):
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
        last = max(1, trainer["total_iter"] // 10)
        self.first, self.last, self.most = [], deque(maxlen=last), last
        if isinstance(hint, int) and hint > 0 and not (trainer.get("optimizer_reset") or trainer.get("scheduler_reset")):
            before = self._as_of(hint, said)
        if before is not None and str(hint) in before["checkpoints"]:
            changed = differences(before["inputs"], inputs)
            if all(line.startswith("trainer_cfg.restore_hint") for line in changed):  # which is where it goes on
                kept = {at: value for at, value in before["checkpoints"].items() if int(at) <= hint}
                curves = [entry for entry in before.get("curves", []) if entry[0] <= hint]
                self.content = {**self.content, **before, "checkpoints": kept, "curves": curves, "world": self.content["world"]}
                self._go_on(said.get("losses"))
        self.begin, self.earlier, self.steps = time.monotonic(), self.content["seconds"], 0

    def _as_of(self, hint: int, said: dict) -> dict | None:
        """The record as of a checkpoint: what that says of itself, with the list of those that are there from the file beside them."""
        own, beside = said_by(checkpoint_at(self.cfgs, hint), said), read_record(self.file.parent)
        if own is None or beside is None or beside["checkpoints"].get(str(hint)) != own["checkpoints"][str(hint)]:
            return own or beside
        if (beside.get("best") or {}).get("iteration", hint + 1) <= hint:
            own["best"] = beside["best"]
        if beside.get("tested", hint + 1) <= hint:
            own["tested"] = beside["tested"]
        return {**own, **{key: beside[key] for key in ("checkpoints", "removed") if key in beside}}

    def _go_on(self, losses: dict | None) -> None:
        """Take up the means where a checkpoint left them; one that says nothing keeps its first, and its last begins anew."""
        if losses is None:
            self.most = 0
            return
        self.first, self.most = losses["first"].tolist(), losses["most"]
        self.last.extend(losses["last"].tolist())

    def attach(self, inner: nn.Module) -> None:
        """Follow a model's losses.

        What the folder holds keeps its record until the first checkpoint is written; only in a fresh folder an empty one is
        written at once, so that a first checkpoint cut short is known for what it is.
        """
        log_iter, summary = self.cfgs["trainer_cfg"]["log_iter"], {}

        def note(_, __, result):
            self.steps += 1
            value = float(result[0].detach())
            if math.isfinite(value):  # no other step trains
                self.last.append(value)
                if len(self.first) < self.most:
                    self.first.append(value)
            if is_logged(inner.iteration, log_iter):
                self.log(inner.iteration + 1, {**summary, **result[1]})

        def look(_, __, found):
            summary.clear()
            summary.update({key: value for key, value in (found["visual_summary"] or {}).items() if key.startswith("scalar/")})

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

    def said(self) -> dict:
        """What a checkpoint that is written now keeps of this record: ``record`` and ``losses`` of `checkpoints.entry`."""
        known = self.content["losses"]
        first, last = (round(sum(part) / len(part), 4) if part else None for part in (self.first, self.last))
        self.content["losses"] = [known[0] if first is None else first, last]
        spent = time.monotonic() - self.begin
        self.content.update(seconds=round(self.earlier + spent, 1), steps_per_second=round(self.steps / max(spent, 1e-9), 3))
        sums = {name: torch.tensor(list(part), dtype=torch.float64) for name, part in (("first", self.first), ("last", self.last))}
        return {"record": json.dumps(self.content), "losses": {**sums, "most": self.most}}

    def saved(self, iteration: int) -> None:
        """Enter a checkpoint that was written just now, with what `said` told it."""
        self.content["checkpoints"][str(iteration)] = sha256(checkpoint_at(self.cfgs, iteration))
        self.content.get("removed", {}).pop(str(iteration), None)
        self.write()

    def write(self) -> None:
        """Write the record."""
        write_whole(self.file, self.content)


def set_aside(folder: Path) -> Path:
    """Rename a run's folder to the first free ``<name>.before-N``."""
    number = 1
    while (place := folder.with_name(f"{folder.name}.before-{number}")).exists():
        number += 1
    os.replace(folder, place)
    return place
