"""What the checks share: the model, the batch they try, and what one step on it gave."""

from __future__ import annotations

import contextlib
import math
import shlex
import sys
import time
from functools import cached_property

import torch
from torch import Tensor, nn

from .. import host as hosts
from ..models.backbone_probe import clips_in_a_step
from ..models.guided import Guided
from ..models.occluded_input import OccludedBatch, OccludedInput
from ..models.upstream_weights import fingerprint
from .batch import CLIPS, FRAMES, few_to_test, first_batch, frames_in, read, shortened, small_positions
from .memory import Watch
from .untrained import twins


class Trial:
    """One batch on its way through a model.

    Attributes:
        inner: the model, not its DDP wrapper.
        raw, cut: the batch as the loader gives it, and the one that the step is tried on (see `take`).
        full, tried: clips and frames of the first; frames of the second.
        given: what ``inputs_pretreament`` made of the second.
        whole: our models' whole view, as it was before the step.
        loss, parts: the loss and what the losses say beside it.
        seconds, watch: how long the step took and what memory it needed.
        size: bytes of a checkpoint as of now.
    """

    def __init__(self, inner: nn.Module, cfgs: dict, wrapped: bool, yaml: str | None = None):
        """Nothing is run yet."""
        self.inner, self.cfgs, self.wrapped, self.yaml = inner, cfgs, wrapped, yaml
        self.raw = self.cut = self.given = self.whole = self.loss = None
        self.full, self.tried, self.parts, self.seconds, self.watch, self.size = (0, 0), 0, {}, 0.0, None, 0
        self.half = None
        self.frozen = {name: fingerprint(net) for name, net in self.frozen_networks().items()}

    @property
    def look(self) -> str:
        """The command that looks at all data of this training."""
        data = self.cfgs["data_cfg"]
        which = ["--cfgs", self.yaml] if self.yaml else ["--root", data["dataset_root"], "--partition", data["dataset_partition"]]
        return f"`{shlex.join(['opengait-mimic', 'check', 'data', *which])}`"

    @property
    def teacher(self):
        """The mimic's teacher; None where there is none."""
        return getattr(self.inner, "teacher", None) if isinstance(self.inner, Guided) else None

    @cached_property
    def twins(self) -> list[nn.Module]:
        """Networks as the teacher's before any training."""
        return twins(self.teacher.net, self.teacher.cfgs)

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

    def take(self) -> None:
        """Read the first batch; for the step, on a CPU, a small one in its place."""
        small = small_positions(self.inner) if self._too_large() else None  # processes talk to each other before any reads
        self.raw = self.cut = first_batch(self.inner)
        self.full = len(self.raw[1]), frames_in(self.raw)
        if small is not None:
            self.cut = shortened(read(self.inner, small), FRAMES)
        self.tried = frames_in(self.cut)

    def _too_large(self) -> bool:
        """Whether a batch of this sampler may take a CPU long: told from the configuration, alike on every process."""
        if hosts.device().type != "cpu":
            return False
        sampler = self.cfgs["trainer_cfg"]["sampler"]
        key = {"fixed": "frames_num_fixed", "unfixed": "frames_num_max"}.get(str(sampler["sample_type"]).partition("_")[0])
        return clips_in_a_step(self.inner) * sampler.get(key, math.inf) > CLIPS * FRAMES

    @property
    def part(self) -> str:
        """A word about a batch that was not the whole one."""
        return f", on {self.tried} frames in place of {self.full[1]}" if self.cut is not self.raw else ""

    def tested_half(self) -> str:
        """Give the model a small test loader, once; the half of the partition that it is of."""
        self.half = self.half or few_to_test(self.inner)
        return self.half

    def step(self) -> None:
        """Transforms, forward, losses and backward as the host does; no optimiser."""
        inner, device = self.inner, hosts.device()
        self.given = inner.inputs_pretreament(self.cut)
        if isinstance(self.given, OccludedBatch):
            self.whole = self.given.whole.clone()
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
        if math.isfinite(self.loss):  # what is said beside it may be nothing: the share of no triplets
            return []
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
