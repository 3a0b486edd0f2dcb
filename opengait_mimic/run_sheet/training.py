"""The run sheet beside a checkpoint."""

from __future__ import annotations

from pathlib import Path

from torch.nn.modules.batchnorm import _BatchNorm

from ..base import record_layout as layout
from ..base.errors import ConfigError
from ..base.processes import rank_and_world
from ..evaluation.provenance import config_hash, now
from ..training.inputs import checkpoint_at, differences, plain, sha256, training_inputs, weights_of
from ..training.record import read_record, write_whole
from ..training.trained_on import history
from .machine import command, device_name, devices, machine
from .plans import batch, builds_on, of_test, precision
from .words import HEAD, MEND, beside, read_sheet

SUMMED_UP = ("iteration", "of", "checkpoint", "inputs", "batch", "trained_on", "precision", "seed", "starts", "machine")
"""What a sheet tells of the trainings that it builds on."""
SHEET = layout.mapping({"inputs": layout.FIELDS["inputs"], "starts": layout.listed(layout.mapping({}))})
"""What a training reads of the sheet of one that it goes on from."""


def start(inner, cfgs: dict) -> None:
    """Note the facts of a training that begins; every process calls it, rank 0 keeps them.

    Args:
        inner: the model, out of any wrapper; `write_beside` finds the facts there.
        cfgs: the prepared configuration, as it was before the model was built.
    """
    names = devices()
    if rank_and_world()[0] == 0:
        object.__setattr__(inner, "run_sheet", _facts(inner, cfgs, names))


def write_beside(checkpoint: str | Path, cfgs: dict, inner, digest: str | None = None) -> None:
    """Write the run sheet of a checkpoint that was written just now; for rank 0. Everything but the place in the schedule was read at
    the start.

    Args:
        checkpoint: its file.
        cfgs: as `start`; asked only where that was not called.
        inner: likewise.
        digest: ``sha256:<hex>`` of the file, where it is known; None = it is read.

    Raises:
        HostError: the place cannot be written.
    """
    file = Path(checkpoint)
    if getattr(inner, "run_sheet", None) is None:
        object.__setattr__(inner, "run_sheet", _facts(inner, cfgs, [device_name()]))
    place = {"iteration": inner.iteration, "of": cfgs["trainer_cfg"]["total_iter"], "batches": _batches(inner)}
    head = {**HEAD, "what": "training", "date": now(), **place, "checkpoint": digest or sha256(file)}
    write_whole(beside(file), {**head, **inner.run_sheet})


def _facts(inner, cfgs: dict, names: list[str]) -> dict:
    inputs, starts = _history(inner, cfgs)
    clips = batch(cfgs, rank_and_world()[1])
    if not any(isinstance(layer, _BatchNorm) for layer in inner.modules()):
        clips["batchnorm"] = "no such layer"
    return {
        "inputs": inputs,
        "test": of_test(cfgs),
        "batch": clips,
        "trained_on": history(cfgs),
        "upstream": {key: summed_up(weights_of(cfgs, key)) for key in builds_on(cfgs)},
        "precision": precision(cfgs),
        "seed": cfgs["trainer_cfg"].get("seed", 0),
        "starts": starts,
        "machine": machine(names),
        **command(),
        "config_hash": config_hash(cfgs),
        "config": plain(cfgs),
    }


def _batches(inner) -> int | None:
    """How many batches were drawn, where the training counts them."""
    return getattr(inner, "batches_drawn", None)


def _history(inner, cfgs: dict) -> tuple[dict, list]:
    """The inputs of a training, and its starts; one that goes on keeps the inputs that it began with, and says what changed."""
    trainer = cfgs["trainer_cfg"]
    hint, own = trainer["restore_hint"], {"processes": rank_and_world()[1], "date": now()}
    if not isinstance(hint, int) or hint == 0:
        return training_inputs(cfgs), [{"iteration": 0, "batch": 0, **own, "changed": []}]
    inputs = training_inputs({**cfgs, "trainer_cfg": {**trainer, "restore_hint": 0}})
    before = of_checkpoint(checkpoint_at(cfgs, hint))
    own = {"iteration": hint, "batch": _batches(inner), **own}
    if before is None:  # of what made it nothing is known
        inputs["trainer_cfg"]["restore_hint"] = {"weights": sha256(checkpoint_at(cfgs, hint))}
        return inputs, [{**own, "changed": None}]
    inputs["trainer_cfg"]["restore_hint"] = before["inputs"]["trainer_cfg"]["restore_hint"]
    changed = differences(before["inputs"], inputs) + [f"{key}: true" for key in ("optimizer_reset", "scheduler_reset") if trainer.get(key)]
    return before["inputs"], [*before["starts"], {**own, "changed": changed}]


def of_checkpoint(file: Path) -> dict | None:
    """What is known of the training that made a checkpoint: its sheet, or what the record in its folder (``training.json``) tells.

    Returns:
        A sheet; without ``config``, ``machine.devices`` and the like where only the record is there. None: nothing is known.

    Raises:
        ConfigError: the sheet cannot be read, or lacks what a training writes. HostError: the record cannot.
    """
    sheet, digest = read_sheet(beside(file)), sha256(file)
    if sheet is not None and sheet.get("checkpoint") == digest:
        try:
            SHEET(sheet, "")
        except ConfigError as error:
            raise ConfigError(f"{beside(file)}: {'; '.join(error.args)}. {MEND}") from error
        return sheet
    record = read_record(file.parent.parent)
    at = None if record is None else next((at for at, known in record["checkpoints"].items() if known == digest), None)
    if at is None:
        return None
    inputs, host = record["inputs"], {"name": record["host"], "commit": record["commit"]}
    trainer = inputs["trainer_cfg"]
    return {
        **HEAD, "what": "training", "iteration": int(at), "checkpoint": digest, "inputs": inputs, "trained_on": record.get("trained_on"),
        "batch": batch({"trainer_cfg": trainer}, record["world"]), "seed": trainer["seed"], "starts": [],
        "machine": {"processes": record["world"], "plugin": {"version": record["version"]}, "host": host},
    }  # fmt: skip


def summed_up(file: Path) -> dict | None:
    """`SUMMED_UP` of the training that made a checkpoint; None where it is not known."""
    sheet = of_checkpoint(file) if file.is_file() else None
    return sheet and {key: sheet.get(key) for key in SUMMED_UP}
