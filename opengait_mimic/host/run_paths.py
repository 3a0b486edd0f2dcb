"""Paths of a run: ``<output>/<dataset>/<model>/<save_name>/checkpoints/<save_name>-<iteration>.pt``, as OpenGait writes them."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..base.errors import CheckpointError, HostError
from .bound_host import current, output
from .yaml import resolve


def save_folder(cfgs: dict, engine: str = "trainer_cfg") -> Path:
    """The folder of a run, ``<output>/<dataset>/<model>/<save_name>``; ``engine`` is the block that names it."""
    return output() / cfgs["data_cfg"]["dataset_name"] / cfgs["model_cfg"]["model"] / cfgs[engine]["save_name"]


def checkpoint_at(cfgs: dict, iteration: int) -> Path:
    """The path of the checkpoint that a training writes at an iteration; the file may not exist yet."""
    return save_folder(cfgs) / "checkpoints" / f"{cfgs['trainer_cfg']['save_name']}-{iteration!s:0>5}.pt"


def newest_iteration(cfgs: dict) -> int:
    """The iteration of the newest checkpoint of the YAML's test, which it reads with ``restore_hint: 0``; 0 if there is none."""
    folder, name = save_folder(cfgs, "evaluator_cfg") / "checkpoints", cfgs["evaluator_cfg"]["save_name"]
    numbers = [file.stem.rpartition("-")[2] for file in folder.glob(f"{name}-*.pt") if file.is_file()]
    return max((int(number) for number in numbers if number.isdigit() and number == f"{int(number):0>5}"), default=0)


def checkpoint_file(given: str, cfgs: dict, key: str, must_exist: bool = True, yaml: str | None = None) -> Path:
    """The checkpoint that a ``checkpoint`` key names.

    Args:
        given: a path, or ``auto``: the file that training ``cfgs`` writes and its test reads; the newest where its ``restore_hint`` is 0.
        cfgs: the complete configuration that trains the network.
        key: the YAML key, for messages.
        must_exist: raise if an ``auto`` checkpoint is missing.
        yaml: the file ``cfgs`` comes from, for messages.

    Raises:
        CheckpointError: the file does not exist. The message names the file and the command that trains it.
    """
    if given != "auto":
        try:
            return resolve(given, key)
        except HostError as error:
            raise CheckpointError(str(error)) from error
    evaluator = cfgs["evaluator_cfg"]
    if isinstance(evaluator["restore_hint"], str):
        return checkpoint_file(evaluator["restore_hint"], cfgs, key, yaml=yaml)
    folder = save_folder(cfgs, "evaluator_cfg") / "checkpoints"
    hint, trainer = evaluator["restore_hint"], cfgs["trainer_cfg"]
    at = hint or newest_iteration(cfgs) or trainer["total_iter"] // trainer["save_iter"] * trainer["save_iter"]
    file = folder / f"{evaluator['save_name']}-{at:0>5}.pt"
    if must_exist and not file.is_file():
        there, host = ", ".join(sorted(p.name for p in folder.glob("*.pt"))) or "none", current()
        words = ["--cfgs", str(resolve(yaml, key)) if yaml else "ITS_YAML"]  # the path in a YAML may be relative to that YAML
        words += ["--host", str(host.root) if host.name == "opengait" else host.name, "--output", str(output())]
        raise CheckpointError(
            f"{key}: auto expects {file}, which does not exist (checkpoints in that folder: {there}). Train it first with"
            f" `python -m opengait_mimic --phase train {shlex.join(words)}`, name a file, or give the --output where it is"
        )
    return file
