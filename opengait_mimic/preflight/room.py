"""Checks of the place and the memory that a training will need."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from pathlib import Path

from .. import host as hosts
from ..base import checkpoint_file as checkpoints
from ..base.errors import HostError
from ..base.plain_values import plain
from ..base.processes import on_rank_0, rank_and_world
from ..host.run_paths import save_folder
from .memory import state_bytes
from .outcome import Found
from .same import same
from .step import LESS
from .trial import Trial

UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def checkpoint(trial: Trial) -> Found:
    """A checkpoint with the run's content is written into the run's folder, read back equal bit for bit, and removed."""
    inner = trial.inner
    content = {"model": inner.state_dict(), "iteration": inner.iteration}
    content.update({name: getattr(inner, name).state_dict() for name in ("optimizer", "scheduler")})
    folder = save_folder(trial.cfgs) / "checkpoints"
    trial.size = on_rank_0(lambda: _written_and_read(folder, content))
    return Found(f"{size(trial.size)}, written into the run's folder, read back bit for bit, removed")


def _written_and_read(folder: Path, content: dict) -> int:
    file, made = folder / "preflight.part", [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        checkpoints.write(file, content)
        there = file.stat().st_size
        if not same(checkpoints.read(file, "preflight"), plain(content, "", [])):
            raise HostError(f"{file}: what was read back is not what was written: is the disk sound? Choose another --output")
    except (OSError, RuntimeError) as error:
        if isinstance(error, HostError):
            raise
        free = f"{size(shutil.disk_usage(folder).free)} free" if folder.exists() else "no such folder"
        raise HostError(f"{file} cannot be written and read back ({free}): {error}. Make room, or choose another --output") from error
    finally:
        with contextlib.suppress(OSError):  # it was not there
            file.unlink()
        for place in made:
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()
    return there


def disk(trial: Trial) -> Found:
    """The checkpoints that are planned have room. One that will be written over goes when the new one is whole beside it."""
    trainer, inner = trial.cfgs["trainer_cfg"], trial.inner
    every, total, done = trainer["save_iter"], trainer["total_iter"], inner.iteration
    count = total // every - done // every
    if trainer.get("keep_last") is not None:  # a new one is written before the oldest goes; the best stays
        count = min(count, trainer["keep_last"] + 1 + (trainer.get("keep_best") is not None))
    later = range((done // every + 1) * every, (done // every + count) * every + 1, every)
    each = trial.size + state_bytes(inner.optimizer)

    def look():
        folder = save_folder(trial.cfgs)
        place = next(place for place in (folder, *folder.parents) if place.exists())
        older = {_number(file): file.stat().st_size for file in (folder / "checkpoints").glob("*.pt") if _number(file) in later}
        last = older.get(later[-1], 0) if older else 0
        needed = max(min(count, 1) * each, count * each - sum(older.values()) + last)
        return len(older), needed, shutil.disk_usage(place).free

    older, needed, free = on_rank_0(look)
    instead = f", {'' if older == count else f'{older} '}in place of older ones" if older else ""
    text = f"{count} of about {size(each)} to come{instead}; need {size(needed)}, {size(free)} free"
    if needed <= free:
        return Found(text)
    return Found(
        f"{text} at {save_folder(trial.cfgs)}: make room, save less often (trainer_cfg.save_iter = {every} of {total} steps), keep fewer"
        " (trainer_cfg.keep_last), or choose another disk with --output",
        failed=True,
    )


def _number(file: Path) -> int | None:
    """The iteration in a checkpoint's name."""
    number = file.stem.rpartition("-")[2]
    return int(number) if number.isdigit() else None


def memory(trial: Trial) -> Found | None:
    """What the step took at the worst moment, for the longest batch that will come and with the optimiser's own memory, was there
    before it; on a CPU for all processes of this machine. Reckoned from a shorter batch, too little is a warning.
    """
    if trial.watch.peak is None or trial.watch.free is None:
        return None
    sampler, (clips, frames) = trial.cfgs["trainer_cfg"]["sampler"], trial.full
    most = longest(sampler, clips) if str(sampler.get("sample_type")).startswith("unfixed") else frames
    gradients = sum(p.numel() * p.element_size() for p in trial.inner.parameters() if p.grad is not None)  # whatever the batch
    growing = max(0, trial.watch.peak - gradients) * max(1.0, most / trial.tried)
    needed = round(gradients + growing) + state_bytes(trial.inner.optimizer)
    local = int(os.environ.get("LOCAL_WORLD_SIZE", rank_and_world()[1])) if hosts.device().type == "cpu" else 1
    of = f"a step of {most} frames" + (f" in each of {local} processes" if local > 1 else "")
    text = f"{of} needs about {size(local * needed)}, {size(trial.watch.free)} free"
    if local * needed <= trial.watch.free:
        return Found(text)
    measured = trial.cut is trial.raw and most <= trial.tried
    return Found(f"{text}{'' if measured else f' (reckoned from {trial.tried} frames)'}: {LESS}", failed=measured, warning=not measured)


def longest(sampler: dict, clips: int) -> int:
    """Frames of the longest batch of a training whose clips have any number of them from ``frames_num_min`` to ``frames_num_max``: six
    standard deviations above the mean, which one batch in a billion exceeds; not the sum of the longest clips, which none reaches.
    """
    low, high = sampler["frames_num_min"], sampler["frames_num_max"]
    spread = math.sqrt(clips * ((high - low + 1) ** 2 - 1) / 12)
    return min(clips * high, math.ceil(clips * (low + high) / 2 + 6 * spread))


def size(count: float) -> str:
    """Bytes as a person says them."""
    for unit, name in UNITS:
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count:.0f} bytes"
