"""Try a model without a trace: afterwards every bit of it is as before."""

from __future__ import annotations

import contextlib
import logging
import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

CONTAINERS = (dict, list, set)


@contextlib.contextmanager
def untouched(model: nn.Module, *others: nn.Module) -> Iterator[None]:
    """Inside, a model may run, learn and be switched between training and test; afterwards everything is as before, bit for bit.

    Put back are: every attribute of every module and of the loader, its sampler, data set and collate function, one container deep;
    the values of every tensor among them (parameters, buffers and plain ones); gradients, and which parameters ask for one; the
    optimiser's settings and the schedule; the random generators of Python, NumPy and torch, of the GPU too. The optimiser's state is
    not looked at: nobody steps. The host's log is silent meanwhile, since what it says it says again at the first step.

    Args:
        model: the model itself, not its DDP wrapper, built for training.
        others: networks that it holds outside its module tree (a teacher).
    """
    modules = {id(module): module for net in (model, *others) for module in net.modules()}.values()
    loader = getattr(model, "train_loader", None)
    feeding = [loader, *(getattr(loader, name, None) for name in ("batch_sampler", "sampler", "dataset", "collate_fn"))]
    holders = [*modules, *(each for each in feeding if hasattr(each, "__dict__")), model.scheduler]
    kept = [_Kept(vars(holder)) for holder in holders]
    parameters = [(p, p.requires_grad, p.grad, _copy(p.grad)) for net in (model, *others) for p in net.parameters()]
    groups = [(group, {key: value for key, value in group.items() if key != "params"}) for group in model.optimizer.param_groups]
    generators, logger = _generators(), logging.getLogger("opengait")
    was, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was
        for each in kept:
            each.put_back()
        with torch.no_grad():
            for parameter, asked, gradient, value in parameters:
                parameter.requires_grad_(asked)
                parameter.grad = gradient
                if gradient is not None:
                    gradient.copy_(value)
        for group, settings in groups:
            group.update(settings)
        _set_generators(generators)


class _Kept:
    """The attributes of one object."""

    def __init__(self, own: dict):
        self.own, self.was = own, dict(own)
        self.inside = [(value, value.copy()) for value in own.values() if isinstance(value, CONTAINERS)]
        values = [*own.values(), *(each for _, copy in self.inside for each in _values(copy))]
        self.tensors = [(each, _copy(each)) for each in values if isinstance(each, Tensor)]

    def put_back(self) -> None:
        self.own.clear()
        self.own.update(self.was)
        for value, copy in self.inside:
            if isinstance(value, list):
                value[:] = copy
            elif isinstance(value, dict) or value != copy:  # a set filled anew may change its order
                value.clear()
                value.update(copy)
        with torch.no_grad():
            for tensor, copy in self.tensors:
                tensor.copy_(copy)


def _copy(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.detach().clone()


def _values(container):
    return container.values() if isinstance(container, dict) else container


def _generators() -> tuple:
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return random.getstate(), np.random.get_state(), torch.get_rng_state(), gpus


def _set_generators(states: tuple) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
    if states[3]:
        torch.cuda.set_rng_state_all(states[3])
