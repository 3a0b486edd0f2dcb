"""The checks of `opengait_mimic.training.preflight`, in order."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from .. import host as hosts
from ..base import checkpoint_file
from ..base.errors import ConfigError, HostError
from ..base.processes import gather_objects, on_rank_0, rank_and_world
from ..data.frames import POINT_COLUMNS
from ..host.run_paths import save_folder
from ..models.backbone_probe import sizes_instead
from ..models.backbone_refusals import out_of_memory
from ..models.occluded_input import OccludedBatch
from ..models.upstream_weights import fingerprint
from .batches import seed_step
from .nonfinite_report import gradients_not_finite, losses_not_finite, shorten
from .picture_size import read_picture_size
from .preflight_trial import (
    CLIPS,
    FEWEST,
    FRAMES,
    compare_teacher,
    cut_to_frames,
    frame_count,
    read_batch,
    shrink_test_loader,
    small_batch_positions,
    testing,
)

FAINT = 0.5
"""A silhouette reaches 1 after the transforms; a batch below this value was divided by 255 twice, or holds no body."""
CHECK_DATA = "`opengait-mimic check data --cfgs YAML` names the files"
BRIGHT_AREA, BRIGHT_EDGE = 0.6, 0.75
"""Shares of bright pixels above which the background is white; walkers have 0.20 to 0.34 of the area and 0.04 to 0.07 of the edge."""


class Outcome(NamedTuple):
    """The text of a check. ``warning``: training goes on. ``failed``: it does not."""

    text: str
    warning: bool = False
    failed: bool = False


class Trial:
    """The model, the batch that is tried, and the result of one step on it.

    Attributes:
        raw: the batch as the loader gives it; ``cut``: the smaller one that the step uses on a CPU.
        inputs: ``cut`` after ``inputs_pretreament``; ``whole``: a copy of its whole-body view.
        hashes: of the frozen networks, before the step.
    """

    def __init__(self, inner: nn.Module, cfgs: dict, wrapped: bool):
        self.inner, self.cfgs, self.wrapped = inner, cfgs, wrapped
        self.raw = self.cut = self.inputs = self.whole = self.test_half = None
        self.hashes = {name: fingerprint(net) for name, net in self.frozen_networks().items()}

    def frozen_networks(self) -> dict[str, nn.Module]:
        """Networks that training must not change, by name."""
        return getattr(self.inner, "frozen_networks", dict)()

    def use_small_test_loader(self) -> str:
        """Replace the test loader by one over a few subjects, once; returns the half of the partition they are from."""
        self.test_half = self.test_half or shrink_test_loader(self.inner)
        return self.test_half


def data(trial: Trial) -> Outcome:
    """Read the first training batch."""
    positions = small_batch_positions(trial.inner) if hosts.device().type == "cpu" else None  # all processes draw before any reads
    trial.raw = trial.cut = read_batch(trial.inner)
    if positions is not None and frame_count(trial.raw) > CLIPS * FRAMES:
        trial.cut = cut_to_frames(read_batch(trial.inner, positions), FRAMES)
    per = " in each process" if rank_and_world()[1] > 1 else ""
    return Outcome(f"{len(trial.raw[1])} clips of {len(set(trial.raw[1]))} subjects, {frame_count(trial.raw)} frames{per}")


def geometry(trial: Trial) -> Outcome:
    """Axes, size and values of the transformed batch."""
    steps = trial.cfgs["trainer_cfg"]["transform"]
    for clips, step in zip(trial.raw[0], steps if isinstance(steps, list) else []):
        shape = next((np.shape(clip) for clip in clips if np.ndim(clip) != 3), None)
        channels_first = shape is not None and len(shape) == 4 and shape[-1] > POINT_COLUMNS  # heat maps or depth
        if shape is not None and not channels_first and "BaseSil" in str(step):
            kind = "colour pictures" if len(shape) > 3 else "single pictures without an axis for frames"
            raise ConfigError(f"data: a clip has the shape {list(shape)}, {kind}; silhouettes are [frames, height, width]. {CHECK_DATA}")
    inputs = trial.inner.inputs_pretreament(trial.raw)
    seen = (inputs.whole if isinstance(inputs, OccludedBatch) else inputs[0][0]).detach()
    low, high, size = float(seen.min()), float(seen.max()), "x".join(map(str, seen.shape[-2:]))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ConfigError(f"data: values after trainer_cfg.transform are not finite. {CHECK_DATA}")
    if low == high:
        raise ConfigError(f"data: every pixel of the batch is {low:g} after trainer_cfg.transform. Bodies must be 255 on 0. {CHECK_DATA}")
    silhouettes = seen.dim() == 4 and seen.shape[-1] > 3  # a skeleton has two or three values per joint
    if silhouettes and 0 <= low and high < FAINT:
        raise ConfigError(
            f"data: silhouettes reach only {high:g} after trainer_cfg.transform, expected 1. BaseSil(Cutting)Transform divides by 255:"
            f" write pickles of 0/255, not 0/1. {CHECK_DATA}"
        )
    text = f"data {size} in {low:g}..{high:g}"
    if embedding := getattr(trial.inner, "embedding", None):
        text += f", embeddings {embedding.channels} x {embedding.parts}"
    if silhouettes and _is_background_white(seen):
        return Outcome(f"{text}; the background is white: write 255 for bodies, 0 for background ({CHECK_DATA})", warning=True)
    return Outcome(text)


def _is_background_white(view: Tensor) -> bool:
    edges = torch.cat([view[..., 0, :], view[..., -1, :], view[..., 1:-1, 0], view[..., 1:-1, -1]], -1)
    return float(view.float().mean()) > BRIGHT_AREA or float(edges.float().mean()) > BRIGHT_EDGE


def teacher_rank1(trial: Trial) -> Outcome | None:
    """Rank whole bodies of a few subjects with the teacher and with untrained networks of its class."""
    teacher = getattr(trial.inner, "teacher", None)
    if teacher is None:
        return None
    half = trial.use_small_test_loader()
    with testing(trial.inner):
        score = compare_teacher(trial.inner, teacher)
    if score is None:
        return Outcome(f"not measured: fewer than {FEWEST} subjects of {half} have two sequences")
    text = f"{score.teacher:.1f} % of {score.subjects} subjects of {half} (untrained {score.untrained:.1f} %)"
    if score.is_clear:
        return Outcome(text)
    return Outcome(f"{text}; not clearly better than untrained: check {teacher.file} and its picture size", warning=True)


def loss(trial: Trial) -> Outcome:
    """Forward, losses and backward, as the host does them; no optimiser step. The losses are those that the first step logs."""
    inner = trial.inner
    seed_step(inner.train_loader.seed, inner.batches_drawn)  # random transforms as in that step
    trial.inputs = inner.inputs_pretreament(trial.cut)
    trial.whole = trial.inputs.whole.clone() if isinstance(trial.inputs, OccludedBatch) else None
    inner.zero_grad(set_to_none=True)
    start = time.monotonic()
    try:
        with autocast(inner):
            feats = inner.forward(trial.inputs)["training_feat"]  # not inner(...): hooks that follow the training must not see this step
    except Exception as error:
        _refuse_channels(trial, error)
        _refuse_size(inner, error)
        raise
    total, info = inner.loss_aggregator.forward(feats)
    total.backward()
    seconds, value = time.monotonic() - start, float(total.detach())
    broken = "" if math.isfinite(value) else ", ".join(losses_not_finite({"total/loss": total, **info}))
    failed = [f"rank {rank}: {text}" for rank, text in enumerate(gather_objects(broken)) if text]
    if failed:
        cure = "check trainer_cfg.restore_hint's weights, or set trainer_cfg.enable_float16: false"
        return Outcome(f"not finite on the first batch, {'; '.join(failed)}. {CHECK_DATA}; {cure}", failed=True)
    part = "" if trial.cut is trial.raw else f", on {frame_count(trial.cut)} of {frame_count(trial.raw)} frames"
    logged = {key: float(torch.as_tensor(each).float().mean()) for key, each in info.items() if key.endswith("/loss")}
    values = ", ".join(f"{key.removeprefix('scalar/').replace('/', '_')} {each:.4f}" for key, each in logged.items())
    return Outcome(f"{values or f'{value:.4f}'}, finite{part}; the step took {seconds:.2f} s")


def _refuse_channels(trial: Trial, error: Exception) -> None:
    """Name the axes of clips that are more than [frames, height, width], which some of the host's models take."""
    shapes = [np.shape(clip) for clip in trial.cut[0][0]]
    if not out_of_memory(error) and any(len(shape) == 4 for shape in shapes):
        raise ConfigError(
            f"data: a clip has the shape {list(shapes[0])}, which {type(trial.inner).__name__} refuses ({str(error).splitlines()[0]:.160});"
            f" silhouettes are [frames, height, width], without colours. {CHECK_DATA}"
        ) from error


def _refuse_size(inner: nn.Module, error: Exception) -> None:
    """Name the sizes that a host's model takes, where the size is why it failed; ours check theirs when they are built."""
    size = None if hosts.is_ours(type(inner)) or out_of_memory(error) else read_picture_size(inner, True)
    if size and (others := sizes_instead(inner, tuple(size))):
        raise ConfigError(
            f"model_cfg.model = {type(inner).__name__} takes pictures of {' or '.join(others)}, not of {size[0]}x{size[1]}, which the"
            " pickles of data_cfg.dataset_root are after trainer_cfg.transform: prepare them in such a size, or change the transforms"
        ) from error


def gradients(trial: Trial) -> Outcome:
    """Every trained parameter has a finite gradient and belongs to the optimiser; no frozen one does."""
    inner = trial.inner
    optimised = {id(p) for group in inner.optimizer.param_groups for p in group["params"]}
    named = dict(inner.named_parameters())
    trained = {name: p for name, p in named.items() if p.requires_grad}
    leaking = [name for name, p in named.items() if not p.requires_grad and p.grad is not None]
    for net in trial.frozen_networks().values():
        leaking += [name for name, p in net.named_parameters() if p.grad is not None or id(p) in optimised and p.requires_grad]
    infinite = gradients_not_finite(inner)
    for names, problem in ((leaking, "frozen, but trained by this step"), (infinite, "the gradient of the first batch is not finite")):
        if names:
            return Outcome(f"{shorten(names)}: {problem}. Please report this with the configuration", failed=True)
    idle = [name for name, p in trained.items() if p.grad is None or id(p) not in optimised]
    text = f"{len(trained) - len(idle)} of {len(trained)} trainable tensors have one, {len(named) - len(trained)} frozen have none"
    if not idle:
        return Outcome(text)
    if trial.wrapped and not inner.engine_cfg["find_unused_parameters"]:
        cure = "several processes would stop at the second step. Set trainer_cfg.find_unused_parameters: true"
        return Outcome(f"{shorten(idle)}: no gradient; {cure}", failed=True)
    host_trains = getattr(inner, "trains_host_model", not hosts.is_ours(type(inner)))
    if host_trains:
        return Outcome(f"{text}; not trained: {shorten(idle)}", warning=True)
    return Outcome(f"{shorten(idle)}: not trained by any loss. Add a loss (loss_cfg) or remove that part (model_cfg)", failed=True)


def frozen(trial: Trial) -> Outcome | None:
    """Frozen networks and the whole-body view after the step are what they were before it, bit for bit."""
    networks = trial.frozen_networks()
    if not networks and trial.whole is None:
        return None
    changed = [name for name, net in networks.items() if fingerprint(net) != trial.hashes[name]]
    if trial.whole is not None and not torch.equal(trial.whole, trial.inputs.whole):
        changed.append("the whole-body view")
    if changed:
        return Outcome(f"{' and '.join(changed)} changed in one step. Please report this with the configuration", failed=True)
    names = [*networks, *(["whole-body view"] if trial.whole is not None else [])]
    return Outcome(f"unchanged by the step, bit for bit: {', '.join(names)}")


def test_batch(trial: Trial) -> Outcome:
    """Embed one sequence per process as the host's test does."""
    from utils import ddp_all_gather  # the bound host's

    inner, world, half = trial.inner, rank_and_world()[1], trial.use_small_test_loader()
    with testing(inner):
        raw = next(iter(inner.test_loader))
        with autocast(inner):
            feats = inner.forward(inner.inputs_pretreament(raw))["inference_feat"]
        feats = {name: ddp_all_gather(value, requires_grad=False) for name, value in feats.items()}
    rows = len(raw[1]) * world
    wrong = [f"{name} {list(value.shape)}" for name, value in feats.items() if len(value) != rows or not bool(torch.isfinite(value).all())]
    if wrong:
        return Outcome(f"{', '.join(wrong)}: expected {rows} finite rows, one per sequence", failed=True)
    shapes = ", ".join(f"{name} {'x'.join(map(str, value.shape))}" for name, value in feats.items())
    return Outcome(f"{rows} sequence{'s' * (rows > 1)} of {half}, at most {FRAMES} frames: {shapes}, finite")


test_batch.__test__ = False  # not a test for pytest


def checkpoint(trial: Trial) -> Outcome:
    """Write a checkpoint into the run's folder, read it back, compare, remove it."""
    inner = trial.inner
    content = {name: getattr(inner, name).state_dict() for name in ("optimizer", "scheduler")}
    content.update(model=inner.state_dict(), iteration=inner.iteration)
    size = on_rank_0(lambda: _write_and_read(save_folder(trial.cfgs) / "checkpoints", content))
    return Outcome(f"{size / 1e6:.3g} MB, written into the run's folder, read back unchanged, removed")


def _write_and_read(folder: Path, content: dict) -> int:
    file, created = folder / "preflight.part", [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        checkpoint_file.write(file, content)
        size, back = file.stat().st_size, checkpoint_file.read(file, "preflight")
        if (
            checkpoint_file.hash_tensors(back["model"]) != checkpoint_file.hash_tensors(content["model"])
            or back["iteration"] != content["iteration"]
        ):
            raise HostError(f"{file}: the content read back differs from what was written: check the disk, or choose another --output")
    finally:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
        for place in created:
            with contextlib.suppress(OSError):
                os.rmdir(place)  # if it is empty
    return size


def autocast(inner: nn.Module):
    """The precision in which the host computes this model's forward pass."""
    if hasattr(inner, "_autocast"):
        return inner._autocast()
    return sys.modules["modeling.base_model"].autocast(enabled=inner.engine_cfg["enable_float16"])
