"""``--resume auto``: where a training goes on."""

from __future__ import annotations

import logging
import os

from ..base.errors import CheckpointError, ConfigError, HostError
from ..base.locks import refuse_locked
from ..base.processes import on_rank_0, rank_and_world
from ..models.prepare import prepare
from .inputs import save_folder
from .resume_plan import Todo, newest


def found(path: str | os.PathLike | dict) -> Todo:
    """The newest intact checkpoint of this very training, and on rank 0 a line that says so.

    Args:
        path: the configuration.

    Returns:
        ``resume`` from its iteration, ``train`` from 0 where there is none, ``skip`` where nothing is left to train; the same on every
        process.

    Raises:
        HostError: the folder holds another training, which one from 0 would overwrite; or somebody trains there. ConfigError: see
            `prepare`, or ``trainer_cfg.restore_hint`` is an iteration.
    """
    cfgs = prepare(path, "train")

    def look():
        folder = save_folder(cfgs)
        refuse_locked(folder)
        task = newest(cfgs)
        if task.aside:
            raise HostError(
                f"--resume auto: {task.why}\nChoose: another save_name (in trainer_cfg and evaluator_cfg); or move {folder} away; or leave"
                " --resume out, and what is there is overwritten as this training saves"
            )
        return task

    task = on_rank_0(look)
    if rank_and_world()[0] == 0:
        said = task.why or ("no checkpoint yet: starts at iteration 0" if task.action == "train" else "")
        logging.getLogger("opengait_mimic").info("--resume auto: %s", said)
    return task


def overwritten(cfgs: dict) -> str:
    """What a training that begins at 0 overwrites of an earlier one, and what to do in its place; empty where nothing is there. On rank 0,
    before the folder is locked.

    Args:
        cfgs: the prepared configuration, whose ``trainer_cfg.restore_hint`` is 0.
    """
    folder = save_folder(cfgs)
    files = sorted((folder / "checkpoints").glob(f"{folder.name}-*.pt"), key=lambda file: (len(file.name), file.name))  # 00005 ... 100000
    if not files:
        return ""
    try:
        unfinished = newest(cfgs).action == "resume"
    except (HostError, ConfigError, CheckpointError, OSError):  # told where it is in the way of this training
        unfinished = False
    count = f"{len(files)} checkpoint{'s' if len(files) > 1 else ''}"
    return f"{folder} holds {count} of an earlier training, newest {files[-1].name}, which this one overwrites as it saves. To " + (
        "go on from the newest, give --resume auto" if unfinished else "keep them, choose another save_name or move the folder away"
    )
