"""What a check says, and how several processes agree on it."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import NamedTuple

import torch.distributed as dist

from ..base.errors import ConfigError, HostError
from ..base.processes import rank_and_world


class PreflightFailed(RuntimeError):
    """A check failed; nothing was trained."""


class Found(NamedTuple):
    """What a check found: a short text; ``warning``: training goes on, but the user should know; ``failed``: it does not."""

    text: str
    warning: bool = False
    failed: bool = False


def everyone(mine) -> list:
    """The value of every process, by rank."""
    world = rank_and_world()[1]
    if world == 1:
        return [mine]
    box = [None] * world
    dist.all_gather_object(box, mine)
    return box


def in_words(error: Exception, way: str) -> str:
    """An error as one who can mend it needs it; of one that nobody foresaw, also where it came from, and a ``way`` to go on."""
    if isinstance(error, (ConfigError, HostError, FileNotFoundError)) or type(error).__module__.startswith("opengait_mimic."):
        return str(error)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    where = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}: {str(error).rstrip('.')}. {way}"
