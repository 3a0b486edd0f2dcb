"""Preflight: try one training step, one test batch and one checkpoint before a training starts.

Afterwards the model, its optimiser and all random generators are as before, bit for bit. Checks that do not apply to a model are left out.

==============  ======================================================================================================================
check           fails
==============  ======================================================================================================================
data            a file of the first training batch cannot be read
geometry        axes, sizes or values of the transformed batch do not fit the model; a constant or faint batch; warns of a white background
teacher Rank-1  never; warns if the teacher ranks whole bodies no better than an untrained network of its class
loss            the forward pass, a loss or the backward pass raises; the loss is not finite
gradients       a trained parameter has no finite gradient or is not in the optimiser; a frozen one has a gradient
frozen          the step changed a frozen network or the whole-body view
test batch      one sequence per process cannot be embedded and gathered, or its embedding is not finite
checkpoint      it cannot be written to the run's folder and read back unchanged
==============  ======================================================================================================================
"""

from __future__ import annotations

import time

from torch import nn

from ..base.error_origin import describe_error, find_cause, is_raised_here
from ..base.errors import ConfigError, HostError
from ..base.processes import gather_objects, rank_and_world
from ..models.backbone_refusals import out_of_memory
from . import preflight_checks as checks
from .preflight_checks import Outcome, Trial
from .preflight_trial import restored


class PreflightFailed(RuntimeError):
    """A check failed; nothing was trained."""


CHECKS = {
    "data": checks.data,
    "geometry": checks.geometry,
    "teacher Rank-1": checks.teacher_rank1,
    "loss": checks.loss,
    "gradients": checks.gradients,
    "frozen": checks.frozen,
    "test batch": checks.test_batch,
    "checkpoint": checks.checkpoint,
}
"""In order; a check that does not apply returns None."""
COLLECTIVE = ("teacher Rank-1", "loss", "test batch", "checkpoint")
"""Checks in which processes wait for each other: an error there ends that process at once, with its message."""


def run_preflight(model: nn.Module, cfgs: dict, brief: bool = False) -> None:
    """Try everything a training will do, once, on all processes together.

    Rank 0 prints a line per check: ``ok``, ``WARNING`` or ``FAILED``, the result, and the time. On a CPU the step uses 4 clips of 16 frames
    per process, the teacher ranks at most 24 subjects within 20 s.

    Args:
        model: built for training by `opengait_mimic.training.launch`, checkpoint restored; or its DDP wrapper.
        cfgs: the prepared configuration.
        brief: print one line if all checks pass, otherwise only the lines that are not ``ok``.

    Raises:
        PreflightFailed: the first check that fails, with the cure; `SystemExit` on ranks above 0.
    """
    inner, (rank, world) = getattr(model, "module", model), rank_and_world()
    title = f"preflight of {cfgs['model_cfg']['model']}, processes: {world}"
    start, count, warned = time.monotonic(), 0, False
    log = print if rank == 0 else lambda *_, **__: None
    if not brief:
        log(f"  {title}", flush=True)
    teacher = getattr(getattr(inner, "teacher", None), "net", None)
    with restored(inner, *([teacher] if teacher is not None else [])):
        trial = Trial(inner, cfgs, wrapped=model is not inner)
        for name, check in CHECKS.items():
            since = time.monotonic()
            outcome = _run_check(trial, name, check)
            if outcome is None:
                continue
            count, warned = count + 1, warned or outcome.warning
            word = "FAILED" if outcome.failed else "WARNING" if outcome.warning else "ok"
            if not (brief and word == "ok"):
                log(f"    {name:<15}{time.monotonic() - since:5.1f} s  {word:<8} {outcome.text}", flush=True)
            if outcome.failed:
                if rank > 0 and name not in COLLECTIVE:
                    raise SystemExit(1)  # rank 0 has the same failure
                raise PreflightFailed(f"preflight failed at {name}: {outcome.text}. Nothing was trained; --no-preflight skips the checks")
    summary = f"{count} checks in {time.monotonic() - start:.1f} s{'' if warned else ', all passed'}"
    log(f"  {title}: {summary}" if brief else f"    {summary}", flush=True)


def _run_check(trial: Trial, name: str, check) -> Outcome | None:
    """The outcome of a check; a failure on any process is a failure on all."""
    try:
        outcome = check(trial)
    except Exception as error:
        if out_of_memory(error):
            cure = "fewer or shorter clips (trainer_cfg.sampler), more processes, or trainer_cfg.enable_float16: true"
            raise PreflightFailed(f"preflight failed at {name}: out of memory for one step: {cure}") from error
        outcome = Outcome(_describe(error), failed=True)
        if name in COLLECTIVE:
            return outcome
    failures = gather_objects(outcome.text if outcome and outcome.failed else None)
    failures = [f"rank {rank}: {text}" if len(failures) > 1 else text for rank, text in enumerate(failures) if text]
    return Outcome(failures[0], failed=True) if failures else outcome


def _describe(error: Exception) -> str:
    """A known error as it is; an unknown one with the file and line that raised it."""
    error = find_cause(error)
    if isinstance(error, (ConfigError, HostError, FileNotFoundError)) or type(error).__module__.startswith("opengait_mimic."):
        return str(error)
    cure = "Please report this line with the configuration" if is_raised_here(error) else "Check the key, file or data that it reads"
    return f"{describe_error(error).rstrip('.')}. {cure}"
