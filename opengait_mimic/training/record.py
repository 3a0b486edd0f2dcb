"""The record of a training: the entry ``opengait_mimic`` of each of its checkpoints. There is no other record.

``<name>.run.json`` next to a checkpoint is a copy for people, without `NOT_FOR_PEOPLE`. Keys:

====================  ================================================================================================================
``format``            `checkpoint_file.FORMAT`
``iteration``         steps done, of ``total_iter``
``batch``             number of the next batch; ``skipped``: steps that left nothing
``scaler``            state of the gradient scaler, or None
``losses``            means over the first and the last tenth of the steps; ``loss_values``: what they go on from
``seconds``           of training until this checkpoint; ``steps_per_second``: since the last start
``test``              scalars of the test of this checkpoint (``with_test``), or None; ``best``: name, value and iteration of the best one
``run``               identifies a training from its first start on; ``starts``: iteration, batch, processes and date of each start, and
                      what changed since the one before
``trained_on``        what was occluded: ``kinds``, ``hidden`` and, in ``before``, those of the weights it started from; ``before`` is None
                      where these do not say
``picture_size``      height and width of what the network got, after the transforms; None where that is no picture
``recipe``            what decides the weights, see `opengait_mimic.training.recipe`
``config``            the merged configuration; ``config_hash``
``seed``, ``batch_size``, ``processes``, ``precision``, ``device``
``plugin``, ``host``  version or name, commit, ``dirty``: files differ from the commit; ``versions`` of the libraries
``command``, ``date`` as given, in UTC
====================  ================================================================================================================
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import os
import sys
import time
import uuid
from collections import deque
from pathlib import Path

import torch
from torch import nn

from .. import __version__
from .. import host as hosts
from ..base import checkpoint_file
from ..base.files import write_json
from ..base.plain_values import as_json, differences
from ..base.processes import rank_and_world
from ..base.versions import commit_of, is_dirty, library_versions, utc_now
from .recipe import RESETS, read_recipe
from .trained_kinds import history_of

NOT_FOR_PEOPLE = ("loss_values", "scaler")
PLACES = {"data_cfg": ("dataset_root", "dataset_partition", "num_workers", "cache"), "evaluator_cfg": ("restore_hint",)}
"""Keys that name places on a machine, or how fast data are read."""


class Record:
    """Builds the entries of one training; for rank 0.

    Args:
        cfgs: the prepared configuration, as it was before the model was built.
        before: the entry of the checkpoint that the training goes on from; empty for a training that starts from other weights.
        recipe: `read_recipe` of the configuration, if the caller has read it.
        picture_size: see the key.
    """

    def __init__(self, cfgs: dict, before: dict, recipe: dict | None = None, picture_size: list[int] | None = None):
        """Nothing is written."""
        trainer, plugin, host = cfgs["trainer_cfg"], Path(__file__).parents[2], hosts.current()
        self.cfgs, self.tenth = cfgs, max(1, trainer["total_iter"] // 10)
        history = _history(cfgs, before, recipe)
        goes_on = history["run"] == before.get("run")
        values = before["loss_values"] if goes_on else {"first": [], "last": [], "most": self.tenth}
        self.first, self.most = [float(value) for value in values["first"]], values["most"]
        self.last = deque((float(value) for value in values["last"]), maxlen=self.tenth)
        self.earlier, self.begin, self.steps = before["seconds"] if goes_on else 0.0, time.monotonic(), 0
        config = as_json(cfgs)
        if goes_on:  # as the YAML has it, without --iter
            config["trainer_cfg"].update({key: before["config"]["trainer_cfg"].get(key) for key in ("restore_hint", *RESETS)})
        size, device = trainer["sampler"]["batch_size"], hosts.device()
        self.facts = {
            "best": before["best"] if goes_on else None,
            **history, "trained_on": history_of(cfgs), "picture_size": picture_size,
            "config": config, "config_hash": config_hash(config), "seed": trainer.get("seed", 0),
            "batch_size": list(size) if isinstance(size, (list, tuple)) else size, "processes": rank_and_world()[1],
            "precision": _precision(trainer, device),
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
            "plugin": {"version": __version__, "commit": commit_of(plugin), "dirty": is_dirty(plugin)},
            "host": {"name": host.name, "commit": host.commit, "dirty": None if host.name == "embedded" else is_dirty(host.root)},
            "versions": library_versions(), "command": _command(),
        }  # fmt: skip

    def follow(self, inner: nn.Module) -> None:
        """Collect the losses of a model's steps."""

        def note(_, __, result):
            self.steps += 1
            value = float(result[0].detach())
            if math.isfinite(value):  # no other step trains
                self.last.append(value)
                if len(self.first) < self.most:
                    self.first.append(value)

        inner.loss_aggregator.register_forward_hook(note)

    def entry(self, inner: nn.Module) -> dict:
        """The entry of a checkpoint that is written now."""
        spent = time.monotonic() - self.begin
        scaler = inner.Scaler.state_dict() if hasattr(inner, "Scaler") else None
        return {
            "format": checkpoint_file.FORMAT,
            "iteration": inner.iteration,
            "total_iter": self.cfgs["trainer_cfg"]["total_iter"],
            "batch": inner.batches_drawn,
            "skipped": inner.skipped,
            "scaler": scaler or None,
            "losses": [_mean(self.first), _mean(self.last)],
            "loss_values": {"first": _vector(self.first), "last": _vector(self.last), "most": self.most},
            "seconds": round(self.earlier + spent, 1),
            "steps_per_second": round(self.steps / max(spent, 1e-9), 3),
            "test": None,
            **self.facts,
            "date": utc_now(),
        }


def readable(entry: dict) -> dict:
    """An entry without what only a training reads."""
    return {key: value for key, value in entry.items() if key not in NOT_FOR_PEOPLE}


def run_json(checkpoint: Path) -> Path:
    """The place of a checkpoint's copy for people."""
    return checkpoint.with_name(f"{checkpoint.stem}.run.json")


def write_run_json(checkpoint: Path, entry: dict) -> None:
    """Write the copy of an entry for people next to its checkpoint; raises as `write_json`."""
    write_json(run_json(checkpoint), readable(entry))


def _mean(values) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _vector(values) -> torch.Tensor:
    return torch.tensor(list(values), dtype=torch.float64)


def _history(cfgs: dict, before: dict, recipe: dict | None) -> dict:
    """``run``, ``recipe`` and ``starts``; with ``--iter`` those of the checkpoint go on, and a changed recipe begins another run."""
    trainer, new_run = cfgs["trainer_cfg"], uuid.uuid4().hex[:12]
    start = {"iteration": 0, "batch": 0, "processes": rank_and_world()[1], "date": utc_now(precise=True), "changed": []}
    hint = trainer["restore_hint"]
    if isinstance(hint, int) and hint != 0:
        start.update(iteration=hint, batch=before.get("batch"), changed=None)
    if not before:  # a new start, or it is not known what made these weights
        return {"run": new_run, "recipe": recipe or read_recipe(cfgs), "starts": [start]}
    recipe = read_recipe({**cfgs, "trainer_cfg": {**trainer, "restore_hint": 0}})
    recipe["trainer_cfg"].update({key: value for key, value in before["recipe"]["trainer_cfg"].items() if key in RESETS})
    if "start" in before["recipe"]["depends"]:
        recipe["depends"]["start"] = before["recipe"]["depends"]["start"]
    start["changed"] = differences(before["recipe"], recipe)
    start["changed"] += [f"trainer_cfg.{key}: true" for key in RESETS[:2] if trainer.get(key)]
    starts = [*before["starts"], start]
    if not start["changed"]:
        return {"run": before["run"], "recipe": before["recipe"], "starts": starts}
    return {"run": new_run, "recipe": read_recipe(cfgs), "starts": starts}


def config_hash(cfgs: dict) -> str:
    """``sha256:<hex>`` of a merged configuration without `PLACES` and the test's batch, so it is the same on another machine and for
    another number of processes.
    """
    kept = copy.deepcopy(cfgs)
    for block, keys in PLACES.items():
        for key in keys:
            kept.get(block, {}).pop(key, None)
    (kept.get("evaluator_cfg", {}).get("sampler") or {}).pop("batch_size", None)
    return "sha256:" + hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()


def _precision(trainer: dict, device: torch.device) -> str:
    if trainer.get("bfloat16"):
        return "bfloat16"
    return "float16" if trainer.get("enable_float16") and device.type != "cpu" else "float32"


def _command() -> list[str]:
    """The command line; ``torchrun`` in front where it started this process."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    name = f"python -m {spec.parent or spec.name}" if spec else Path(sys.argv[0]).name
    return [*(["torchrun"] if "TORCHELASTIC_RUN_ID" in os.environ else []), name, *sys.argv[1:]]
