"""Checks of one training step and one test batch: what comes out, who learns, who must not."""

from __future__ import annotations

import torch

from ..base.processes import rank_and_world
from ..host import is_ours
from ..models.backbone_refusals import out_of_memory
from ..models.baseline2 import Baseline2
from ..models.upstream_weights import fingerprint
from ..models.ven import VEN
from .batch import FRAMES
from .outcome import Found, PreflightFailed, everyone
from .trial import Trial, autocast, testing


def loss(trial: Trial) -> Found:
    """Forward, losses and backward run, and what comes out is finite on every process."""
    try:
        trial.step()
    except Exception as error:
        if out_of_memory(error):
            raise PreflightFailed(f"the memory does not suffice for one step ({str(error).splitlines()[0]}): {LESS}") from error
        raise
    broken = [f"rank {rank}: {', '.join(parts)}" for rank, parts in enumerate(everyone(trial.broken)) if parts]
    if broken:
        return Found(
            f"not finite on the first batch, {'; '.join(broken)}: look at the data ({trial.look}), at the weights that"
            " trainer_cfg.restore_hint names, and try trainer_cfg.enable_float16: false",
            failed=True,
        )
    return Found(f"{trial.loss:.4g}, finite{trial.part}; the step took {trial.seconds:.2f} s")


LESS = (
    "fewer or shorter clips (trainer_cfg.sampler.batch_size, frames_num_fixed or frames_num_max), more processes, or on a GPU"
    " trainer_cfg.enable_float16: true"
)


def gradients(trial: Trial) -> Found:
    """Every parameter that is to learn got a finite gradient and belongs to the optimiser; no frozen one does.

    What a host's own model (or Baseline-2 of it) leaves without is its own affair in one process, so it is a warning there.
    """
    inner = trial.inner
    moved = {id(p) for group in inner.optimizer.param_groups for p in group["params"]}
    named = dict(inner.named_parameters())
    learning = {name: p for name, p in named.items() if p.requires_grad}
    without = [name for name, p in learning.items() if p.grad is None]
    idle = [name for name, p in learning.items() if p.grad is not None and id(p) not in moved]
    frozen = [name for name, p in named.items() if not p.requires_grad and p.grad is not None]
    for net in trial.frozen_networks().values():
        frozen += [name for name, p in net.named_parameters() if p.grad is not None or (p.requires_grad and id(p) in moved)]
    broken = [name for name, p in learning.items() if p.grad is not None and not bool(torch.isfinite(p.grad).all())]
    for names, what in ((frozen, "frozen, yet got a gradient"), (broken, "not finite in the gradient of the first batch")):
        if names:
            return Found(f"{_first(names)}: {what}; nothing was trained. Please report this with the configuration", failed=True)
    text = f"{len(learning) - len(without)} of {len(learning)} trainable tensors have one, {len(named) - len(learning)} frozen none"
    if not (without or idle):
        return Found(text)
    lost = f"{_first(without + idle)}: no gradient, or not in the optimiser, so they would stay as they are"
    several = trial.wrapped and without and not inner.engine_cfg["find_unused_parameters"]
    if several:
        return Found(
            f"{lost}, and in several processes torch would stop at the second step, waiting for them. Set"
            " trainer_cfg.find_unused_parameters: true",
            failed=True,
        )
    lent = isinstance(inner, Baseline2) or not is_ours(type(inner))
    way = "" if lent else ". A loss that reaches them (loss_cfg), or model_cfg without that part"
    return Found(f"{text}. {lost}{way}" if lent else f"{lost}{way}", warning=lent, failed=not lent)


def frozen(trial: Trial) -> Found | None:
    """Parameters and buffers of the teacher and the VEN, and the whole view, are after the step what they were before it."""
    nets = trial.frozen_networks()
    if not nets and trial.whole is None:
        return None
    changed = [name for name, net in nets.items() if fingerprint(net) != trial.frozen[name]]
    if trial.teacher is not None and trial.teacher.live:
        trial.teacher.verify()  # its parameters
    if trial.whole is not None and not torch.equal(trial.whole, trial.given.whole):
        changed.append("the whole view")
    if changed:
        return Found(f"{' and '.join(changed)}: changed by one step, though frozen. Please report this with the configuration", failed=True)
    said = [*nets, *(["the whole view"] if trial.whole is not None else [])]
    return Found(f"unchanged by the step, bit for bit: {', '.join(said)}")


def test_batch(trial: Trial) -> Found:
    """One test batch, a sequence to a process, is embedded as the host's test does it, and gathered."""
    inner, world = trial.inner, rank_and_world()[1]
    from utils import ddp_all_gather

    half = trial.tested_half()
    with testing(inner):
        raw = next(iter(inner.test_loader))
        given = inner.inputs_pretreament(raw)
        with autocast(inner):
            found = inner.forward(given)["inference_feat"]
        found = {name: ddp_all_gather(value, requires_grad=False) for name, value in found.items()}
    rows = len(raw[1]) * world
    wrong = [f"{name} {list(value.shape)}" for name, value in found.items() if len(value) != rows or not bool(torch.isfinite(value).all())]
    if wrong:
        return Found(f"{', '.join(wrong)}: not {rows} finite rows, one for each sequence; nobody could be ranked by them", failed=True)
    said = ", ".join(f"{name} {_x(value.shape)}" for name, value in found.items()) + ", finite"
    if isinstance(inner, VEN):
        said = _of_ven(found)
    return Found(f"{rows} sequence{'s' * (rows > 1)} of {half}, {FRAMES} frames at most: {said}")


test_batch.__test__ = False  # not a test for pytest


def _of_ven(found: dict) -> str:
    """What a VEN said of the frames, of what it gives to the test: counts by true and said kind, sums over frames by true kind."""
    said = []
    if "confusion" in found:
        table = found["confusion"].sum(0)
        said.append(f"{table.trace():.0f} of {table.sum():.0f} kinds right")
    if "amount" in found:
        count, _, off, *_ = found["amount"].sum((0, 1))
        said.append(f"amounts {off / count:.2f} off")
    return ", ".join(said)


def _x(shape) -> str:
    return "x".join(map(str, shape))


def _first(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
