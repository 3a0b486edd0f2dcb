"""Checks of what the network is fed: a batch after the transforms, its geometry, and what occlusion does to it."""

from __future__ import annotations

import random

import numpy as np
import torch

from ..base.errors import ConfigError
from ..base.processes import rank_and_world
from ..models.guided import Guided
from ..models.occluded_input import OccludedBatch, OccludedInput
from ..models.upstream_weights import geometry_of
from ..occlusion import apply, binarise
from .outcome import Found
from .trial import Trial, first_input

FAINT = 0.5  # a silhouette reaches 1
FULL = 0.6  # of the pixels bright; 0.20 to 0.34 of the walkers' 64x44
EDGE = 0.75  # of the outermost rows and columns bright; 0.04 to 0.07 of the walkers'


def data(trial: Trial) -> Found:
    """The first training batch can be read, and is what the transforms should make of it."""
    trial.take()
    subjects, (clips, frames) = len(set(trial.raw[1])), trial.full
    return Found(f"{clips} clips of {subjects} subjects, {frames} frames{' in each process' if rank_and_world()[1] > 1 else ''}")


def geometry(trial: Trial) -> Found:
    """Data, teacher, VEN and embeddings fit each other; a failure is the model's own message."""
    inner = trial.inner
    _axes(trial)
    seen = first_input(inner.inputs_pretreament(trial.raw)).detach()
    size, low, high = tuple(seen.shape[-2:]), float(seen.min()), float(seen.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ConfigError(f"data: values that are not finite after trainer_cfg.transform; look at the pickles ({trial.look})")
    pictures = seen.dim() == 4 and size[1] > 3  # a skeleton's joint has two or three values
    if pictures and 0 <= low and high < FAINT:
        why = "0/1 in the pickles, which BaseSil(Cutting)Transform divides by 255 as if they were 0/255?" if high else "nobody is seen."
        raise ConfigError(
            f"data: silhouettes reach only {high:g} after trainer_cfg.transform, expected 1: {why} Look at them with {trial.look}, and"
            " write pickles of 0/255"
        )
    if low == high:
        raise ConfigError(
            f"data: the whole batch is {low:g} after trainer_cfg.transform, one value throughout: no body, or nothing else. Look at the"
            f" pickles with {trial.look}, and write 255 for the body, 0 for the background"
        )
    said = [f"data {_x(size)} in {low:g}..{high:g}"]
    if trial.teacher is not None:
        theirs = geometry_of(trial.teacher.cfgs, np.shape(trial.raw[0][0][0][0]))
        said.append(f"teacher {_x(theirs) if theirs else 'unknown'}")
    if isinstance(inner, Guided):
        if inner.VEN is not None:
            said.append(f"VEN {_x(inner.ven_cfgs['model_cfg'].get('geometry', inner.geometry))}")
        said.append(f"embeddings {inner.embedding.channels} x {inner.embedding.parts}")
    amiss = _bright(seen) if pictures else ""
    return Found(", ".join(said) + (f"; {amiss} ({trial.look})" if amiss else ""), warning=bool(amiss))


def _axes(trial: Trial) -> None:
    """Stop where what a transform of silhouettes is given has other axes than they: it cuts whatever is last, and says nothing."""
    steps = trial.cfgs["trainer_cfg"]["transform"]
    for clips, step in zip(trial.raw[0], steps if isinstance(steps, list) else []):
        shape = next((np.shape(clip) for clip in clips if np.ndim(clip) != 3), None)
        if shape is None or "BaseSil" not in str(step):
            continue
        what = "pictures in several channels (colour)" if len(shape) > 3 else "single pictures, pickled without an axis for the frames?"
        raise ConfigError(
            f"data: a clip of the batch has the axes {list(shape)}, and trainer_cfg.transform takes silhouettes [frames, height, width]:"
            f" {what} Write pickles of three axes, 0/255, or choose the silhouette file with data_cfg.data_in_use; {trial.look} names the"
            " files"
        )


def _bright(seen: torch.Tensor) -> str:
    """What is amiss with silhouettes ``[n, s, h, w]`` that are bright where nobody is; empty where they are not."""
    edges = (seen[..., 0, :], seen[..., -1, :], seen[..., 1:-1, 0], seen[..., 1:-1, -1])
    mean, edge = float(seen.float().mean()), float(torch.cat(edges, -1).float().mean())
    if mean <= FULL and edge <= EDGE:
        return ""
    return (
        f"background white: inverted? {mean:.0%} of the pixels and {edge:.0%} of the frames' edges are bright, and the body should be"
        " alone. Write 255 - array where the body is 0"
    )


def _x(size) -> str:
    return "x".join(map(str, size))


def occlusion(trial: Trial) -> Found | None:
    """Every clip has its own draw and shows it; the whole view is the host's own; the hidden share is in its range."""
    inner = trial.inner
    if not trial.hides:
        return None
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    batch = inner.occluded_batch(trial.raw)
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
    ours, _, _, _, _ = super(OccludedInput, inner).inputs_pretreament(trial.raw)
    if not torch.equal(ours[0].detach().float(), batch.whole):
        raise ConfigError("the whole view is not what the host's own transforms make of the same batch: please report this")
    hidden = [i for i, draw in enumerate(batch.draws) if draw.kind != "none"]
    for i, alone in enumerate(_each_alone(inner, batch)):
        if not torch.equal(alone, _clip(batch.occluded, batch, i)):
            raise ConfigError(f"clip {i} of the batch is not hidden as it was drawn ({batch.draws[i]}): please report this")
    low, high = inner.drawn.hidden
    shared = inner.groups(inner.drawn, True) is not None
    drawn = [batch.draws[i] for i in hidden]
    if not shared and low < high and not inner.drawn.compat and len(set(drawn)) < len(drawn):
        raise ConfigError("two clips of one batch were hidden by one draw: please report this")
    out = [d for d in drawn if not low - 1e-9 <= d.hidden <= high + 1e-9]
    if out and not inner.drawn.compat:
        raise ConfigError(f"trainer_cfg.occlusion.hidden = {[low, high]}, but a clip hides {out[0].hidden:.3f}: please report this")
    per = "in groups (reference_compat.shared_draw)" if shared else "each its own draw"
    area = 100 * float(batch.hidden.mean())
    return Found(f"{len(hidden)} of {len(batch.draws)} clips hidden, {per} ({area:.0f} % of the area); whole view the host's")


def _clip(view: torch.Tensor, batch: OccludedBatch, i: int) -> torch.Tensor:
    """One clip ``[1, s, h, w]`` of either shape of a batch."""
    if batch.seqL is None:
        return view[i : i + 1]
    first = sum(batch.lengths[:i])
    return view[:, first : first + batch.lengths[i]]


def _each_alone(inner, batch: OccludedBatch):
    """Every clip of the whole view, hidden by its own draw and by itself."""
    for i, draw in enumerate(batch.draws):
        first = sum(batch.lengths[:i])
        clip, times = _clip(batch.whole, batch, i), batch.times[first : first + batch.lengths[i]]
        seen = apply(clip, [draw], None, times)
        yield seen if draw.kind in inner.grey else binarise(seen, inner.binarise)
