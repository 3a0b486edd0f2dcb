"""What the checks share: the model, the batch they try, and what one step on it gave."""

from __future__ import annotations

import contextlib
import math
import sys
import time

import torch
from torch import Tensor, nn

from .. import host as hosts
from ..models.common import OccludedBatch, OccludedInput
from ..models.guided import Guided
from ..models.subnetwork import fingerprint
from .batch import FEWEST, STEP_FRAMES, clips_in, few_to_test, frames_in, longest, some_of
from .memory import Watch


class Trial:
    """One batch on its way through a model.

    Attributes:
        inner: the model, not its DDP wrapper.
        raw: the batch as the loader gives it; on a CPU a part of it. ``full``: clips and frames of all of it.
        tried: frames of the part.
        given: what ``inputs_pretreament`` made of it.
        whole: our models' whole view, as it was before the step.
        loss, parts: the loss and what the losses say beside it.
        seconds, watch: how long the step took and what memory it needed.
        size: bytes of a checkpoint as of now.
    """

    def __init__(self, inner: nn.Module, cfgs: dict, wrapped: bool):
        """Nothing is run yet."""
        self.inner, self.cfgs, self.wrapped = inner, cfgs, wrapped
        self.raw = self.given = self.whole = self.loss = None
        self.full, self.tried, self.parts, self.seconds, self.watch, self.size = (0, 0), 0, {}, 0.0, None, 0
        self.half = None
        self.frozen = {name: fingerprint(net) for name, net in self.frozen_networks().items()}

    @property
    def teacher(self):
        """The mimic's teacher; None where there is none."""
        return getattr(self.inner, "teacher", None) if isinstance(self.inner, Guided) else None

    @property
    def hides(self) -> bool:
        """Whether the model hides its training input itself."""
        return isinstance(self.inner, OccludedInput) and self.inner.hides_training

    def frozen_networks(self) -> dict[str, nn.Module]:
        """Networks that a step must leave as they are, by name; a live teacher drifts, as its YAML asks."""
        found = {}
        if self.teacher is not None and not self.teacher.live:
            found["teacher"] = self.teacher.net
        if isinstance(self.inner, Guided) and self.inner.VEN is not None:
            found["VEN"] = self.inner.VEN
        return found

    def take(self, raw: list) -> None:
        """Keep a raw batch; on a CPU as many clips of it as fit into `STEP_FRAMES` frames, but at least `FEWEST`."""
        self.raw, self.full = raw, (clips_in(raw), frames_in(raw))
        triplets = self.cfgs["trainer_cfg"]["sampler"]["type"] == "TripletSampler"
        count = max(FEWEST, STEP_FRAMES // max(1, longest(raw)))
        if hosts.device().type == "cpu" and triplets and count < clips_in(raw):
            self.raw = some_of(raw, count)
        self.tried = frames_in(self.raw)

    @property
    def part(self) -> str:
        """A word about a batch that was cut."""
        return f", of {clips_in(self.raw)} of the {self.full[0]} clips" if clips_in(self.raw) < self.full[0] else ""

    def tested_half(self) -> str:
        """Give the model a small test loader, once; the half of the partition that it is of."""
        self.half = self.half or few_to_test(self.inner)
        return self.half

    def transform(self) -> None:
        """Through the host's transforms, and through occlusion where the model hides."""
        self.given = self.inner.inputs_pretreament(self.raw)
        if isinstance(self.given, OccludedBatch):
            self.whole = self.given.whole.clone()

    def step(self) -> None:
        """Forward, losses and backward as the host does; no optimiser."""
        inner, device = self.inner, hosts.device()
        for parameter in inner.parameters():
            parameter.grad = None
        begin = time.monotonic()
        with Watch(device) as self.watch:
            with autocast(inner):
                feats = inner.forward(self.given)["training_feat"]  # by name: the hooks of who follows the training stay out of it
            self.loss, info = inner.loss_aggregator.forward(feats)
            self.loss.backward()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
        self.parts = {key.partition("/")[2]: float(torch.as_tensor(value).detach().float().mean()) for key, value in info.items()}
        self.loss, self.seconds = float(self.loss.detach()), time.monotonic() - begin

    @property
    def broken(self) -> list[str]:
        """What of the loss is not finite."""
        parts = {"loss": self.loss, **self.parts}
        return [f"{name} = {value:g}" for name, value in parts.items() if not math.isfinite(value)]


def autocast(inner: nn.Module):
    """The precision that the host computes this model's forward in."""
    if hasattr(inner, "_autocast"):
        return inner._autocast()
    return sys.modules["modeling.base_model"].autocast(enabled=inner.engine_cfg["enable_float16"])


@contextlib.contextmanager
def testing(inner: nn.Module):
    """In test mode, without gradients."""
    was = inner.training
    inner.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        inner.train(was)


def first_input(given) -> Tensor:
    """The first input ``[n, s, h, w]`` or ``[1, S, h, w]`` of what a host's model takes."""
    return given.whole if isinstance(given, OccludedBatch) else given[0][0]
