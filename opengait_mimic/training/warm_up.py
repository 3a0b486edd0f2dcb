"""Warm-up: in the first steps the learning rate is a fraction of the schedule's.

After ``i`` steps the optimiser uses ``(i + 1) / N`` of the schedule's rate, for ``i < N``. The optimiser has its own rate back after each
step. So any schedule fits, a checkpoint is the same as without warm-up, and resuming needs the iteration alone. The log shows the
schedule's rate.
"""

from __future__ import annotations

from torch import nn


def rate_fraction(done: int, steps: int) -> float:
    """The fraction of the schedule's rate after ``done`` steps, in (0, 1].

    Example:
        >>> [rate_fraction(done, 4) for done in (0, 1, 3, 9)]
        [0.25, 0.5, 1.0, 1.0]
    """
    return min(1.0, (done + 1) / steps)


def attach(inner: nn.Module, steps: int) -> None:
    """Warm a model's optimiser up over its first ``steps`` iterations."""
    scheduled = []

    def lower_rates(optimizer, _, __):
        scheduled[:] = [group["lr"] for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * rate_fraction(inner.iteration, steps)

    def restore_rates(optimizer, _, __):
        for group, rate in zip(optimizer.param_groups, scheduled):
            group["lr"] = rate

    inner.optimizer.register_step_pre_hook(lower_rates)
    inner.optimizer.register_step_post_hook(restore_rates)
