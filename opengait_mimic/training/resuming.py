"""``--resume auto``: where a training goes on."""

from __future__ import annotations

import logging
import os

from ..decide import Todo, newest
from ..distributed import on_rank_0, rank_and_world
from ..host import HostError
from ..inputs import save_folder
from ..locks import refuse_locked
from ..preparing import prepare


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
