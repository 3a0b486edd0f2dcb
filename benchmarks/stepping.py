"""One training step and one test step as the host's loops make them, and the clock for their parts.

Works on any model of an OpenGait host, the public MimicGait code included.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager

import torch
from measure import synchronise

PARTS = (
    "host transforms",
    "occlusion",
    "VEN",
    "teacher forward",
    "mimic forward",
    "loss, forward and backward",
    "mimic backward",
    "optimiser",
    "messages",
)


class Parts:
    """A clock that charges every moment to one part: nested parts are taken out of the one around them.

    Off (the default) it does nothing, so that a whole step is timed without the synchronisations that parts need.
    """

    def __init__(self, device: torch.device, clock: Callable[[], float] = time.perf_counter):
        self.device, self.clock, self.on = device, clock, False
        self.spent: dict[str, float] = {}
        self._open: list[str] = []
        self._since = 0.0

    def _charge(self) -> None:
        synchronise(self.device)
        now = self.clock()
        if self._open:
            self.spent[self._open[-1]] = self.spent.get(self._open[-1], 0.0) + now - self._since
        self._since = now

    def enter(self, name: str) -> None:
        """Begin a part."""
        if self.on:
            self._charge()
            self._open.append(name)

    def leave(self) -> None:
        """End the innermost part."""
        if self.on:
            self._charge()
            self._open.pop()

    def switch(self, name: str) -> None:
        """End the innermost part and begin another in its place."""
        if self.on:
            self._charge()
            self._open[-1] = name

    @contextmanager
    def part(self, name: str):
        """A part as a block."""
        self.enter(name)
        yield
        self.leave()

    def around(self, owner, method: str, name: str) -> None:
        """Charge every call of a method (of an object, or of a class for all its objects) to a part."""
        inner = getattr(owner, method)

        @functools.wraps(inner)
        def timed(*args, **named):
            with self.part(name):
                return inner(*args, **named)

        setattr(owner, method, timed)

    def watch(self, model) -> None:
        """Charge the pieces inside a MimicGait's step to their parts."""
        self.around(sys.modules["modeling.base_model"].BaseModel, "inputs_pretreament", "host transforms")
        if model.VEN is not None:
            self.around(model.VEN, "guide", "VEN")
        model.teacher.net.register_forward_pre_hook(lambda *_: self.enter("teacher forward"))
        model.teacher.net.register_forward_hook(lambda *_: self.leave())
        model.optimizer.register_step_pre_hook(lambda *_: self.enter("optimiser"))
        model.optimizer.register_step_post_hook(lambda *_: self.leave())


def autocast(model, device: torch.device):
    """The host's mixed precision of this phase: float16 on CUDA where the configuration asks for it."""
    return torch.autocast(device.type, torch.float16, enabled=device.type == "cuda" and bool(model.engine_cfg["enable_float16"]))


def training_step(model, batch, device: torch.device, parts: Parts) -> float:
    """The body of the host's training loop for one collated batch; returns the loss, NaN or not."""
    with parts.part("occlusion"):
        inputs = model.inputs_pretreament(batch)
    with parts.part("mimic forward"), autocast(model, device):
        found = model(inputs)
    with parts.part("loss, forward and backward"):
        for feats in found["training_feat"].values():
            if parts.on and isinstance(feats.get("mimic"), torch.Tensor):  # its gradient is complete: the loss's part ends
                feats["mimic"].register_hook(lambda _: parts.switch("mimic backward"))
        loss, info = model.loss_aggregator(found["training_feat"])
        model.train_step(loss)
    with parts.part("messages"):
        summary = {**found["visual_summary"], **info}
        model.msg_mgr.train_step(info, summary)
    return float(loss.detach())


@torch.no_grad()
def test_step(model, batch, device: torch.device) -> None:
    """The body of the host's test loop for one clip: the embedding, in the memory of the CPU."""
    inputs = model.inputs_pretreament(batch)
    with autocast(model, device):
        found = model(inputs)["inference_feat"]
    found["embeddings"].float().cpu()
