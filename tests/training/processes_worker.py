"""What tests/training/test_process_count.py runs in one process (imported) and in two (under torchrun: HOST OUTPUT JOB.pt RESULTS).

A job names one training step of several configurations on a given global batch, and configurations to train in full.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from opengait_mimic import host as hosts
from opengait_mimic.base.processes import rank_and_world
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import build, launch, start_log


def dealt(batch, packed):
    """This process's part of the global batch, as the host's collate function lays it out: position i * world + rank."""
    rank, world = rank_and_world()
    clips, labels, types, views = (part[rank::world] for part in batch)
    if not packed:
        return [[clips], labels, types, views, None]
    return [[[np.concatenate(clips)]], labels, types, views, np.asarray([[len(clip) for clip in clips]])]


def step(file, batch, packed):
    """One forward and backward as the host's training loop does it; what was seen, the losses, the gradients.

    In float64: torch's own BatchNorm of a channels-last tensor on a CPU is off by up to 1e-3 of the variance in float32.
    """
    torch.set_default_dtype(torch.float64)
    try:
        return _step(file, batch, packed)
    finally:
        torch.set_default_dtype(torch.float32)


def _step(file, batch, packed):
    cfgs = prepare(file, "train")
    start_log(cfgs, True, False, quiet=True)
    model = build(cfgs, True)
    inner = getattr(model, "module", model)
    inner.iteration = 7
    ipts = model.inputs_pretreament(dealt(batch, packed))
    ours = hasattr(ipts, "occluded")  # both views; Baseline-2 has the host's 5-tuple
    seqL = ipts.seqL if ours else ipts[4]
    double = ipts._replace(occluded=ipts.occluded.double(), whole=ipts.whole.double()) if ours else ([ipts[0][0].double()], *ipts[1:])
    found = model(double)
    loss, info = model.loss_aggregator(found["training_feat"])
    loss.backward()
    return {
        "seen": ipts.occluded if ours else ipts[0][0],
        "hidden": bool((ipts.occluded != (ipts.whole > 0.5)).any()) if ours else None,
        "frames": None if seqL is None else seqL.flatten().tolist(),
        "loss": loss.detach(),
        "info": {key: torch.as_tensor(value).float().mean() for key, value in info.items()},
        "watch": {key: torch.as_tensor(value) for key, value in found["visual_summary"].items() if key.startswith("scalar/")},
        "grad": {name: p.grad for name, p in inner.named_parameters() if p.grad is not None},
        "buffers": dict(inner.named_buffers()),
        "teacher": dict(inner.teacher.net.named_buffers()) if getattr(inner, "teacher", None) else None,
    }


def train(file):
    """Train as the configuration says; the final state and every loss."""
    losses = []
    watch = lambda model: model.loss_aggregator.register_forward_hook(lambda _, __, result: losses.append(float(result[0])))  # noqa: E731
    model = launch(file, "train", quiet=True, before=watch)
    inner = getattr(model, "module", model)
    plain = {key: value for key, value in inner.state_dict().items() if torch.is_tensor(value)}
    return {
        "state": plain,
        "losses": losses,
        "norms": sorted({type(m).__name__ for m in inner.modules() if "BatchNorm" in type(m).__name__}),
    }


def test(file):
    """The test as the configuration says: what the evaluation function got and what it returned (rank 0)."""
    models = []
    result = launch(file, "test", quiet=True, before=models.append)
    inner = getattr(models[0], "module", models[0])
    with torch.no_grad():
        found = inner.inference(rank_and_world()[0])
    return {"result": result, **{key: torch.as_tensor(value) for key, value in found.items()}}


def run(job):
    """Every part of a job: name -> result."""
    found = {name: step(file, batch, packed) for name, (file, batch, packed) in job["steps"].items()}
    for part, act in (("train", train), ("test", test)):
        found.update((name, act(file)) for name, file in job[part].items())
    return found


if __name__ == "__main__":
    host, output, job, results = sys.argv[1:]
    hosts.bind(host, "cpu", output)
    torch.save(run(torch.load(job, weights_only=False)), f"{results}/rank{rank_and_world()[0]}.pt")
    hosts.leave()
