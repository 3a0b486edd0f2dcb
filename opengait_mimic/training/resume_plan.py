"""What is to be done about one training, from its configuration, its record and its checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from .. import __version__
from .. import host as hosts
from ..base.checkpoint_file import ailing
from ..base.errors import ConfigError
from ..base.processes import rank_and_world
from .inputs import checkpoint_at, differences, save_folder, sha256, training_inputs
from .record import adopt

MISSING, DAMAGED, CHANGED = "missing", "damaged or incomplete", "changed since it was written"
EARLIER, LATER = "of an earlier start", "later than the iteration that is wanted"
"""Why a checkpoint cannot be gone on from."""


class Todo(NamedTuple):
    """What to do with a stage.

    ``action``: skip, resume (from ``iteration``), train, or given (there is nothing to train); ``why``, for people; ``aside``: the
    folder holds what training anew would overwrite: a training that does not belong to the configuration, or no checkpoint to go on from
    beside readable ones; ``intact``: the checkpoint that is wanted of it is there and
    stays, whatever is trained further.
    """

    action: str
    iteration: int = 0
    why: str = ""
    aside: bool = False
    intact: bool = False


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
    _begins_at_0(trainer)
    return at


def _begins_at_0(trainer: dict) -> None:
    if isinstance(trainer["restore_hint"], int) and trainer["restore_hint"] != 0:
        raise ConfigError(
            f"trainer_cfg.restore_hint = {trainer['restore_hint']} ({trainer['save_name']}): where to go on is found here; set 0, or the"
            " path of weights to start from"
        )


def decide(cfgs: dict, moved: list[str]) -> Todo:
    """Look at what is there.

    Args:
        cfgs: a prepared configuration.
        moved: names of the trainings it builds on that will change.

    Raises:
        ConfigError: see `wanted`. HostError: an unreadable record.
    """
    return _todo(cfgs, moved, wanted(cfgs))


def newest(cfgs: dict) -> Todo:
    """Likewise for ``--resume auto``: whatever the YAML's test reads, train on from the newest checkpoint; skip where that is the last one.

    Raises:
        ConfigError: training would start in the middle. HostError: an unreadable record.
    """
    _begins_at_0(cfgs["trainer_cfg"])
    return _todo(cfgs, [], None)


def _todo(cfgs: dict, moved: list[str], at: int | None) -> Todo:
    """``at``: the iteration that is wanted; None: the newest there is."""
    folder, trainer = save_folder(cfgs), cfgs["trainer_cfg"]
    inputs = training_inputs(cfgs)
    record, files = adopt(folder, inputs), sorted((folder / "checkpoints").glob("*.pt"))
    known = {int(iteration): digest for iteration, digest in record["checkpoints"].items()} if record else {}
    if not known:
        whole = files if record is None else [file for file in files if not ailing(file)]  # else one cut short
        if whole:
            named = ", ".join(file.name for file in whole[:3])
            why = f"{folder} holds {named} and no record of what made them (OpenGait's own main.py makes none)"
            return Todo("train", why=why, aside=True)
        return Todo("train", why="was stopped before its first checkpoint, starts anew" if record else "")
    changed = [f"{name}, which it builds on, is to be trained" for name in moved]
    changed += [line for line in differences(record["inputs"], inputs) if not (moved and ".checkpoint: " in line)]
    if changed:
        more = f" (and {len(changed) - 8} more)" if len(changed) > 8 else ""
        return Todo("train", why=f"changed since {folder} was trained: {'; '.join(changed[:8])}{more}", aside=True)

    def good(iteration: int) -> bool:
        file = checkpoint_at(cfgs, iteration)
        return file.is_file() and sha256(file) == known[iteration]

    last = trainer["total_iter"] // trainer["save_iter"] * trainer["save_iter"]
    if at is None and max(known) >= last and good(max(known)):
        name = f"{cfgs['model_cfg']['model']}/{trainer['save_name']}"
        return Todo("skip", max(known), f"{name} is trained: iteration {max(known)} of {trainer['total_iter']}", intact=True)
    there = at is None or at in known and good(at)
    if at is not None and there and max(known) >= last:
        made = _made_elsewhere(record, ("version", "commit"))
        return Todo("skip", at, made and f"{made}; kept", intact=True)
    listed = {checkpoint_at(cfgs, iteration) for iteration in known}
    ours = {file for file in files if file.name.startswith(f"{folder.name}-")}
    lost = ours - listed - {checkpoint_at(cfgs, int(gone)) for gone in record.get("removed", ())}
    if at in known and not there:
        lost.add(checkpoint_at(cfgs, at))
    for iteration in sorted((i for i in known if there or i < at), reverse=True):
        if good(iteration):
            made = _made_elsewhere(record, ("version", "commit", "world"))
            said = [f"goes on from iteration {iteration} of {trainer['total_iter']}", *([made] if made else [])]
            said += [_told(_reasons(lost, listed), ", written again")] if lost else []
            return Todo("resume", iteration, "; ".join(said), intact=there)
        lost.add(checkpoint_at(cfgs, iteration))
    later = {checkpoint_at(cfgs, i) for i in known if at is not None and i > at and good(i)}
    reasons = _reasons(lost | listed, listed, later)
    if reasons.keys() <= {MISSING, DAMAGED}:
        return Todo("train", why=f"starts anew; {_told(reasons)}")
    way = ". `python -m opengait_mimic` with --iter and its number trains on from a changed one as it is" if CHANGED in reasons else ""
    return Todo("train", why=f"{folder} holds no checkpoint to go on from: {_told(reasons)}{way}", aside=True)


def _reasons(lost: set[Path], listed: set[Path], later: set[Path] = frozenset()) -> dict[str, list[str]]:
    """Why checkpoints cannot be gone on from -> their names.

    Args:
        lost: the files.
        listed: those in the record.
        later: those that are good, but of a later iteration than the one that is wanted.
    """
    found: dict[str, list[str]] = {}
    for file in sorted(lost):
        if not file.is_file():
            why = MISSING
        elif file in later:
            why = LATER
        elif ailing(file):
            why = DAMAGED
        else:
            why = CHANGED if file in listed else EARLIER
        found.setdefault(why, []).append(file.name)
    return found


def _told(reasons: dict[str, list[str]], then: str = "") -> str:
    return "; ".join(f"{', '.join(names)}: {why}{then}" for why, names in reasons.items())


def _made_elsewhere(record: dict, keys: tuple[str, ...]) -> str:
    """A word about weights that another version, another commit of the host or another number of processes made."""
    now = {"version": __version__, "commit": hosts.current().commit, "world": rank_and_world()[1]}
    said = {"version": "opengait_mimic {}", "commit": "host commit {}", "world": "{} process(es)"}
    other = [f"{said[key].format(record[key])} (now {now[key]})" for key in keys if record[key] != now[key]]
    return f"was trained by {', '.join(other)}" if other else ""
