"""Warm-up: in the first steps the learning rate is a part of the schedule's.

In the step after ``i`` done ones the optimiser uses ``(i + 1) / N`` of what the schedule says, for ``i < N``. The schedule itself is not
touched and the optimiser has its rate back after each step, so any schedule fits, a checkpoint holds what it holds without warm-up, and a
training that goes on needs nothing but its iteration. The rate in the log is the schedule's.
"""

from __future__ import annotations

from torch import nn


def share(done: int, steps: int) -> float:
    """The part of the schedule's rate after ``done`` steps: over 0, up to 1.

    Example:
        >>> [share(done, 4) for done in (0, 1, 3, 9)]
        [0.25, 0.5, 1.0, 1.0]
    """
    return min(1.0, (done + 1) / steps)


def attach(inner: nn.Module, steps: int) -> None:
    """Warm a model's optimiser up over its first ``steps`` iterations."""
    scheduled = []

    def lower(optimizer, _, __):
        scheduled[:] = [group["lr"] for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * share(inner.iteration, steps)

    def put_back(optimizer, _, __):
        for group, rate in zip(optimizer.param_groups, scheduled):
            group["lr"] = rate

    inner.optimizer.register_step_pre_hook(lower)
    inner.optimizer.register_step_post_hook(put_back)
