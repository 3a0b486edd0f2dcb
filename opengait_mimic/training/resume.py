"""Where a training goes on, and what may not be overwritten: decided from its recipe and from the records in its folder's checkpoints."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from .. import __version__
from .. import host as hosts
from ..base import checkpoint_file
from ..base.errors import ConfigError, HostError
from ..base.locks import refuse_locked
from ..base.plain_values import differences
from ..base.processes import on_rank_0, rank_and_world
from ..host.run_paths import checkpoint_at, save_folder
from .recipe import read_recipe

MISSING, DAMAGED, EARLIER = "missing", "damaged or incomplete", "of an earlier start"
OTHER, LATER = "without a record of this version", "later than the iteration that the test reads"
"""Why a training does not go on from a checkpoint."""


class Plan(NamedTuple):
    """What to do with a training.

    ``action``: ``skip``, ``resume`` from ``iteration``, or ``train`` from 0; ``given``: the weights are given, there is nothing to train.
    ``why``: for people. ``conflict``: training would overwrite readable checkpoints that do not belong to this configuration.
    ``intact``: the checkpoint that the test reads is there and stays. ``recipe``: `read_recipe` of the configuration.
    """

    action: str
    iteration: int = 0
    why: str = ""
    conflict: bool = False
    intact: bool = False
    recipe: dict | None = None


def tested_iteration(cfgs: dict) -> int:
    """The iteration whose checkpoint the YAML's test, RP and a mimic's ``auto`` read; for ``evaluator_cfg.restore_hint: 0`` the last one.

    Raises:
        ConfigError: the training never writes that checkpoint, or would start in the middle.
    """
    trainer, evaluator = cfgs["trainer_cfg"], cfgs["evaluator_cfg"]
    at, every, total, name = evaluator["restore_hint"], trainer["save_iter"], trainer["total_iter"], trainer["save_name"]
    if evaluator["save_name"] != name:
        raise ConfigError(
            f"evaluator_cfg.save_name = {evaluator['save_name']!r}, trainer_cfg.save_name = {name!r}: the test would read another"
            " folder than the training writes; set the two equal"
        )
    if at == 0:
        at = total // every * every
    if not isinstance(at, int) or at < 1 or at > total or at % every:
        raise ConfigError(
            f"evaluator_cfg.restore_hint = {at!r} ({name}): its training saves every {every} (trainer_cfg.save_iter) of {total}"
            f" iterations (total_iter). Choose one that it saves, for example {max(total // every, 1) * every}"
        )
    _refuse_middle(trainer)
    return at


def _refuse_middle(trainer: dict) -> None:
    if isinstance(trainer["restore_hint"], int) and trainer["restore_hint"] != 0:
        raise ConfigError(
            f"trainer_cfg.restore_hint = {trainer['restore_hint']} ({trainer['save_name']}): the iteration to go on from is found here;"
            " set 0, or the path of weights to start from"
        )


def plan_training(cfgs: dict, retrained: Sequence[str] = ()) -> Plan:
    """What to do so that the checkpoint exists that the YAML's test reads.

    Args:
        cfgs: a prepared configuration.
        retrained: names of the trainings it builds on that will change.

    Raises:
        ConfigError: see `tested_iteration`. CheckpointError: a newer version of the plugin wrote a checkpoint.
    """
    return _plan(cfgs, retrained, tested_iteration(cfgs))


def plan_newest(cfgs: dict) -> Plan:
    """What to do to train to the end, from the newest checkpoint; raises as `plan_training`."""
    _refuse_middle(cfgs["trainer_cfg"])
    return _plan(cfgs, (), None)


def read_entries(cfgs: dict) -> dict[int, dict]:
    """The checkpoints in the folder of a training: iteration -> entry, empty where a file has no readable record of this version."""
    folder, entries = save_folder(cfgs), {}
    for file in (folder / "checkpoints").glob(f"{folder.name}-*.pt"):
        number = file.stem.rpartition("-")[2]
        if number.isdigit() and file == checkpoint_at(cfgs, int(number)) and file.is_file():
            entries[int(number)] = checkpoint_file.entry(file)
    return entries


def select_run(entries: dict[int, dict], recipe: dict) -> dict[int, dict]:
    """Of `read_entries` those of the newest start with this recipe."""
    same = {at: entry for at, entry in entries.items() if entry and not differences(entry["recipe"], recipe)}
    newest = max(same.values(), key=_last_start, default={}).get("run")
    return {at: entry for at, entry in sorted(same.items()) if entry["run"] == newest}


def _last_start(entry: dict) -> str:
    return entry["starts"][-1]["date"]


def newest_entry(cfgs: dict, recipe: dict | None = None) -> dict:
    """The record of the newest checkpoint of this very training; empty where there is none."""
    run = select_run(read_entries(cfgs), recipe or read_recipe(cfgs))
    return run[max(run)] if run else {}


def _plan(cfgs: dict, retrained: Sequence[str], at: int | None) -> Plan:
    """``at``: the iteration that the test reads; None: the newest is asked for."""
    trainer, folder, recipe = cfgs["trainer_cfg"], save_folder(cfgs), read_recipe(cfgs)
    entries = read_entries(cfgs)
    run = select_run(entries, recipe)
    if retrained or not run:
        return _plan_first(cfgs, recipe, entries, retrained)
    last = trainer["total_iter"] // trainer["save_iter"] * trainer["save_iter"]
    newest = max(run)

    @functools.cache  # a large file is read once
    def is_good(iteration: int) -> bool:
        return iteration in run and not checkpoint_file.find_damage(checkpoint_at(cfgs, iteration))

    there = at is None or is_good(at)
    if newest >= last and there and is_good(at or newest):
        made = _made_elsewhere(run[at or newest], with_processes=False)
        name = f"{cfgs['model_cfg']['model']}/{trainer['save_name']}"
        why = f"{name} is trained: iteration {newest} of {trainer['total_iter']}" if at is None else made and f"{made}; kept"
        return Plan("skip", at or newest, why, intact=True, recipe=recipe)
    for iteration in sorted((i for i in run if there or i < at), reverse=True):
        if is_good(iteration):
            reasons = _find_reasons(cfgs, entries, run, [i for i in entries if i > iteration])
            parts = [f"goes on from iteration {iteration} of {trainer['total_iter']}", _made_elsewhere(run[iteration])]
            parts += [f"{', '.join(names)}: {why}, written again" for why, names in reasons.items()]
            return Plan("resume", iteration, "; ".join(part for part in parts if part), intact=there, recipe=recipe)
    reasons = _find_reasons(cfgs, entries, run, {*entries, *([] if at is None else [at])}, at)
    text = "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())
    if reasons.keys() <= {MISSING, DAMAGED}:
        return Plan("train", why=f"starts again; {text}", recipe=recipe)
    return Plan("train", why=f"{folder} holds no checkpoint to go on from: {text}", conflict=True, recipe=recipe)


def _plan_first(cfgs: dict, recipe: dict, entries: dict[int, dict], retrained: Sequence[str]) -> Plan:
    """Of a folder without a checkpoint of this training, or of one whose dependencies will be trained."""
    folder = save_folder(cfgs)
    recorded = [entry for entry in entries.values() if entry]
    if recorded:
        changed = [f"{name}, which it builds on, is to be trained" for name in retrained]
        lines = differences(max(recorded, key=_last_start)["recipe"], recipe)
        changed += [line for line in lines if not (retrained and line.startswith("depends."))]
        return Plan("train", why=f"changed since {folder} was trained: {list_changes(changed)}", conflict=True, recipe=recipe)
    files = sorted((folder / "checkpoints").glob("*.pt"))
    whole = [file.name for file in files if not checkpoint_file.find_damage(file)]
    if whole:
        why = f"{folder} holds {', '.join(whole[:3])} without a record of this version (OpenGait's main.py writes none)"
        return Plan("train", why=why, conflict=True, recipe=recipe)
    return Plan("train", why=f"starts again; {', '.join(file.name for file in files)}: {DAMAGED}" if files else "", recipe=recipe)


def list_changes(changes: list[str]) -> str:
    """The first eight changes, and how many more there are."""
    return "; ".join(changes[:8]) + (f" (and {len(changes) - 8} more)" if len(changes) > 8 else "")


def _find_reasons(cfgs: dict, entries: dict, run: dict, lost: Iterable[int], tested: int | None = None) -> dict[str, list[str]]:
    """Why the training does not go on from the checkpoints of these iterations: reason -> their names."""
    reasons: dict[str, list[str]] = {}
    for at in sorted(lost):
        file = checkpoint_at(cfgs, at)
        if not file.is_file():
            why = MISSING
        elif checkpoint_file.find_damage(file):
            why = DAMAGED
        elif at in run and tested is not None and at > tested:
            why = LATER
        else:
            why = EARLIER if entries[at] else OTHER
        reasons.setdefault(why, []).append(file.name)
    return reasons


def _made_elsewhere(entry: dict, with_processes: bool = True) -> str:
    """What differs in version, host or number of processes from now."""
    pairs = [
        ("opengait_mimic {}", entry["plugin"]["version"], __version__),
        ("host commit {}", entry["host"]["commit"], hosts.current().commit),
        *([("{} process(es)", entry["processes"], rank_and_world()[1])] if with_processes else []),
    ]
    other = [f"{text.format(then)} (now {now})" for text, then, now in pairs if then != now]
    return f"was trained by {', '.join(other)}" if other else ""


def find_start(cfgs: dict) -> Plan:
    """``--resume auto``: `plan_newest` on rank 0, logged there; the same on every process.

    Raises:
        HostError: the folder holds another training, which one from 0 would overwrite; or it is being trained by another process.
        ConfigError: see `plan_newest`.
    """

    def look():
        folder = save_folder(cfgs)
        refuse_locked(folder)
        plan = plan_newest(cfgs)
        if plan.conflict:
            raise HostError(
                f"--resume auto: {plan.why}\nChoose: another save_name (in trainer_cfg and evaluator_cfg); or move {folder} away; or leave"
                " --resume out, and what is there is overwritten as this training saves"
            )
        return plan

    plan = on_rank_0(look)
    if rank_and_world()[0] == 0:
        text = plan.why or ("no checkpoint yet: starts at iteration 0" if plan.action == "train" else "")
        logging.getLogger("opengait_mimic").info("--resume auto: %s", text)
    return plan


def describe_overwritten(cfgs: dict) -> str:
    """Which checkpoints a training from 0 overwrites, and what to do instead; empty where none is there."""
    folder = save_folder(cfgs)
    files = sorted((folder / "checkpoints").glob(f"{folder.name}-*.pt"), key=lambda file: (len(file.name), file.name))  # 00005 ... 100000
    if not files:
        return ""
    count = f"{len(files)} checkpoint{'s' if len(files) > 1 else ''}"
    return (
        f"{folder} holds {count} of an earlier training, newest {files[-1].name}, which this one overwrites as it saves. To go on from the"
        " newest, give --resume auto; to keep them, choose another save_name or move the folder away"
    )


def move_away(folder: Path) -> Path:
    """Rename a run's folder to the first free ``<name>.before-N``."""
    number = 1
    while (place := folder.with_name(f"{folder.name}.before-{number}")).exists():
        number += 1
    os.replace(folder, place)
    return place
