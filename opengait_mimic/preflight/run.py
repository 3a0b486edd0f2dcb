"""Run the checks in order, a line for each; the first failure ends every process."""

from __future__ import annotations

import os
import time

from torch import nn

from ..base.processes import rank_and_world
from . import room, seeing, step, weights
from .outcome import Found, PreflightFailed, everyone, in_words
from .trial import Trial
from .untouched import untouched

CHECKS = {
    "data": seeing.data,
    "geometry": seeing.geometry,
    "teacher": weights.teacher,
    "VEN": weights.ven,
    "teacher Rank-1": weights.rank1,
    "occlusion": seeing.occlusion,
    "loss": step.loss,
    "gradients": step.gradients,
    "frozen": step.frozen,
    "test batch": step.test_batch,
    "checkpoint": room.checkpoint,
    "disk": room.disk,
    "memory": room.memory,
}
"""What is checked, in order; a check that does not apply to a model returns None."""
TALKING = ("teacher Rank-1", "loss", "test batch", "checkpoint", "disk")
"""Checks in which processes talk to each other: an error in one of them cannot be agreed upon, and ends that process at once."""


READING = ("data", "geometry", "teacher Rank-1", "occlusion", "test batch")
"""Checks in which an error that nobody foresaw is likely the data's."""


def run_preflight(model: nn.Module, cfgs: dict, brief: bool = False, yaml: str | os.PathLike | dict | None = None) -> None:
    """Try everything that a training will do once, on every process together; nothing of it stays.

    Rank 0 prints a line for each check: ``ok``, ``WARNING`` (the training goes on) or ``FAILED``, what was found, how long it took.
    Bounded, to stay below a minute at published widths on a core of a CPU: the teacher is asked for 24 subjects at most and 20 seconds,
    test sequences are cut to 16 frames, and on a CPU the step is tried on 4 clips of 16 frames in each process.

    Args:
        model: built for training by our launcher, with its checkpoint restored; or its DDP wrapper. A model of ours or the host's.
        cfgs: the prepared configuration.
        brief: print one line where all is well, and else the lines that are not ``ok``.
        yaml: where ``cfgs`` come from, if from a file; for messages.

    Raises:
        PreflightFailed: the first check that fails, whose line says what to do; on every process, or `SystemExit` on those above rank 0.
    """
    inner = getattr(model, "module", model)
    rank, world = rank_and_world()
    begin, done, warned = time.monotonic(), 0, False
    title = f"preflight of {cfgs['model_cfg']['model']}, processes: {world}"
    say = print if rank == 0 else lambda *_, **__: None
    teacher = getattr(inner, "teacher", None)
    if not brief:
        say(f"  {title}", flush=True)
    with untouched(inner, *([teacher.net] if hasattr(teacher, "net") else [])):
        trial = Trial(inner, cfgs, model is not inner, None if yaml is None or isinstance(yaml, dict) else str(yaml))
        for name, check in CHECKS.items():
            since = time.monotonic()
            found, error = _tried(trial, name, check)
            if found is None:
                continue
            done, warned = done + 1, warned or found.warning
            word = "FAILED" if found.failed else "WARNING" if found.warning else "ok"
            if not (brief and word == "ok"):
                tell = print if error is not None else say  # an error that one process has alone is told by itself
                whose = f"rank {rank}: " if rank else ""
                tell(f"    {name:<15}{time.monotonic() - since:5.1f} s  {word:<8} {whose}{found.text}", flush=True)
            if found.failed and rank > 0 and error is None:
                raise SystemExit(1)  # rank 0 says it
            if found.failed:
                at = f"{name}{f', rank {rank}' if rank else ''}"
                raise PreflightFailed(
                    f"preflight failed at {at}: {found.text.rstrip('.')}. Nothing was trained; --no-preflight leaves the checks out"
                ) from error
    said = f"{done} checks in {time.monotonic() - begin:.1f} s{', nothing amiss' if not warned else ''}"
    say(f"  {title}: {said}" if brief else f"    {said}", flush=True)


def _tried(trial: Trial, name: str, check) -> tuple[Found | None, Exception | None]:
    """What a check found, a failure of any process being everybody's; and the error that only this process knows of."""
    world = rank_and_world()[1]
    try:
        found, error = check(trial), None
    except Exception as problem:
        found, error = Found(in_words(problem, _way(trial, name)), failed=True), problem
        if name in TALKING:  # the others may be waiting within it
            return found, error
    verdicts = everyone(found.text if found and found.failed else None)
    failed = [f"rank {rank}: {text}" if world > 1 else text for rank, text in enumerate(verdicts) if text]
    return (Found(failed[0], failed=True), error if world == 1 else None) if failed else (found, None)


def _way(trial: Trial, name: str) -> str:
    """What to do about an error that nobody foresaw."""
    report = f"please report this line with {trial.yaml or 'the configuration'}: a training would end in the same way"
    return f"Look at the data with {trial.look}; if nothing is found, {report}" if name in READING else f"{report[0].upper()}{report[1:]}"
