"""Models as the launcher builds them, faults to put into them, and the host's loop without a guard as the oracle."""

from __future__ import annotations

import random

import numpy as np
import torch

from opengait_mimic.models.prepare import prepare
from opengait_mimic.training import batches, step
from opengait_mimic.training.launch import build, start_log


def model_of(file, guarded=True, first=0, workers=0, **trainer):
    """A model as `launch` has it before its loop, with keys of ``trainer_cfg`` changed; the generators stand elsewhere each time."""
    cfgs = prepare(file, "train")
    cfgs["trainer_cfg"].update(trainer)
    cfgs["data_cfg"]["num_workers"] = workers
    start_log(cfgs, True, False, quiet=True)
    model = build(cfgs, True)
    inner = getattr(model, "module", model)
    inner.iteration = first
    for seed in (torch.manual_seed, random.seed, np.random.seed):
        seed(random.SystemRandom().getrandbits(32))
    batches.number(inner, cfgs, first)
    if guarded:
        step.attach(inner, cfgs)
    return model


def met(model, count):
    """What the loop would meet in the next steps: the raw batch, the transformed and hidden one, and a number the model draws."""
    found, inner = [], getattr(model, "module", model)
    for raw in model.train_loader:
        found.append((raw, model.inputs_pretreament(raw), torch.rand(2), random.random(), np.random.rand()))
        inner.iteration += 1
        torch.rand(len(found))  # a step draws as many as it likes
        if len(found) == count:
            return found


def loop(model, count, without=()):
    """The body of a host's training loop over ``count`` batches, but those ``without``; what every step returned."""
    done = []
    for number, raw in zip(range(count), model.train_loader):
        if number not in without:
            loss = model.loss_aggregator(model(model.inputs_pretreament(raw))["training_feat"])[0]
            done.append(model.train_step(loss))
    return done


def now(model, at):
    """Whether the batch that was handed out last is one of ``at``."""
    return getattr(model, "module", model).batches_drawn - 1 in at


def nan_clip(model, at):
    """At these batches the host's transform makes one frame NaN: of the second clip, or of the last where clips are packed."""
    inner, calls = getattr(model, "module", model), []
    own, packed = inner.trainer_trfs[0], "unfixed" in inner.engine_cfg["sampler"]["sample_type"]

    def transform(frames):
        calls.append(inner.batches_drawn)
        found = own(frames)
        if now(inner, at) and calls.count(inner.batches_drawn) == (1 if packed else 2):
            found[-1] = np.nan
        return found

    inner.trainer_trfs[0] = transform


def inf_loss(model, at):
    """At these batches a loss is infinite, its gradient is not."""
    model.loss_aggregator.register_forward_hook(lambda _, __, found: (found[0] + (np.inf if now(model, at) else 0), found[1]))


def nan_gradient(model, at):
    """At these batches the loss is finite, and the gradient of one parameter is not."""
    inner = getattr(model, "module", model)
    parameter = next(p for p in inner.parameters() if p.requires_grad)
    parameter.register_hook(lambda gradient: gradient * np.nan if now(inner, at) else gradient)


FAULTS = {"clip": nan_clip, "loss": inf_loss, "gradient": nan_gradient}


def state_of(model):
    """Weights and statistics, the optimiser's momenta, the schedule and the iteration, as a flat dictionary."""
    inner = getattr(model, "module", model)
    found = {f"model.{key}": value for key, value in inner.state_dict().items() if torch.is_tensor(value)}
    for number, state in inner.optimizer.state_dict()["state"].items():
        found.update({f"optimizer.{number}.{key}": value for key, value in state.items()})
    found.update(rate=inner.optimizer.param_groups[0]["lr"], schedule=inner.scheduler.last_epoch, iteration=inner.iteration)
    return {key: value.clone() if torch.is_tensor(value) else value for key, value in found.items()}
