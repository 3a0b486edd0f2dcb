"""What is to be done about one training, from its configuration, its record and its checkpoints."""

from __future__ import annotations

from typing import NamedTuple

from . import __version__
from . import host as hosts
from .config import ConfigError
from .inputs import checkpoint_at, differences, save_folder, sha256, training_inputs
from .records import NAME, read_json


class Todo(NamedTuple):
    """What to do with a stage.

    ``action``: skip, resume (from ``iteration``), train, or given (there is nothing to train); ``why``, for people; ``aside``: the
    folder holds a training that does not belong to the configuration.
    """

    action: str
    iteration: int = 0
    why: str = ""
    aside: bool = False


def wanted(cfgs: dict) -> int:
    """The iteration whose checkpoint a training is for: the one its test, a mimic's ``auto`` and RP read.

    Raises:
        ConfigError: training would never write it, or would start in the middle.
    """
    trainer, evaluator = cfgs["trainer_cfg"], cfgs["evaluator_cfg"]
    at, every, total, name = evaluator["restore_hint"], trainer["save_iter"], trainer["total_iter"], trainer["save_name"]
    if evaluator["save_name"] != name:
        raise ConfigError(
            f"evaluator_cfg.save_name = {evaluator['save_name']!r}, trainer_cfg.save_name = {name!r}: the test would read another"
            " folder than the training writes; set the two equal"
        )
    if not isinstance(at, int) or at < 1 or at > total or at % every:
        raise ConfigError(
            f"evaluator_cfg.restore_hint = {at!r} ({name}): its training saves every {every} (trainer_cfg.save_iter) of {total}"
            f" iterations (total_iter). Choose one that it saves, for example {max(total // every, 1) * every}"
        )
    if isinstance(trainer["restore_hint"], int) and trainer["restore_hint"] != 0:
        raise ConfigError(
            f"trainer_cfg.restore_hint = {trainer['restore_hint']} ({name}): where to go on is found here; set 0, or the path of weights"
            " to start from"
        )
    return at


def decide(cfgs: dict, moved: list[str]) -> Todo:
    """Look at what is there.

    Args:
        cfgs: a prepared configuration.
        moved: names of the trainings it builds on that will change.

    Raises:
        ConfigError: see `wanted`. HostError: an unreadable record.
    """
    at, folder, trainer = wanted(cfgs), save_folder(cfgs), cfgs["trainer_cfg"]
    record, files = read_json(folder / NAME), sorted(file.name for file in (folder / "checkpoints").glob("*.pt"))
    if record is None:
        if not files:
            return Todo("train")
        why = f"{folder} holds {', '.join(files[:3])} and no record of what made them (OpenGait's own main.py makes none)"
        return Todo("train", why=why, aside=True)
    known = {int(iteration): digest for iteration, digest in record["checkpoints"].items()}
    if not known:
        return Todo("train", why="was stopped before its first checkpoint, starts anew")
    changed = [f"{name}, which it builds on, is to be trained" for name in moved]
    changed += [line for line in differences(record["inputs"], training_inputs(cfgs)) if not (moved and ".checkpoint: " in line)]
    if changed:
        more = f" (and {len(changed) - 8} more)" if len(changed) > 8 else ""
        return Todo("train", why=f"changed since {folder} was trained: {'; '.join(changed[:8])}{more}", aside=True)

    def good(iteration: int) -> bool:
        file = checkpoint_at(cfgs, iteration)
        return file.is_file() and sha256(file) == known[iteration]

    there = at in known and good(at)
    if there and max(known) >= trainer["total_iter"] // trainer["save_iter"] * trainer["save_iter"]:
        return Todo("skip", at, _made_elsewhere(record))
    lost = {file for file in files if file not in {checkpoint_at(cfgs, iteration).name for iteration in known}}
    if at in known and not there:
        lost.add(checkpoint_at(cfgs, at).name)
    for iteration in sorted((i for i in known if there or i < at), reverse=True):
        if good(iteration):
            unread = f"; {', '.join(sorted(lost))}: incomplete or damaged, written again" if lost else ""
            return Todo("resume", iteration, f"goes on from iteration {iteration} of {trainer['total_iter']}{unread}")
        lost.add(checkpoint_at(cfgs, iteration).name)
    lost.update(checkpoint_at(cfgs, iteration).name for iteration in known)
    return Todo("train", why=f"starts anew; incomplete, damaged or missing: {', '.join(sorted(lost))}")


def _made_elsewhere(record: dict) -> str:
    """A word about weights that another version or another commit of the host made; they stay."""
    host = hosts.current()
    now, then = (__version__, host.commit), (record["version"], record["commit"])
    return "" if now == then else f"trained by opengait_mimic {then[0]}, host commit {then[1]} (now {now[0]}, {now[1]}); kept"
