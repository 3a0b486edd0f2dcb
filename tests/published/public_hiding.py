"""Our side of the comparison of generators: what our models hide under ``reference_compat: all``, and the same random numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import nn

from benchmarks import common
from opengait_mimic.occlusion import uniforms
from tests.published.public_weights import to_public

PROCESSES = 2
ALL = {"all": True, "shared_draw": {"processes": PROCESSES, "test_batch": 2 * PROCESSES}}
FIVE = ("top", "bottom", "middle", "patch", "pole")
COIN = {"top": 0.2, "bottom": 0.2, "middle": 0.5, "patch": 0.7, "pole": 0.9}  # its five kinds: 0.4 top or bottom, then 0.2 each
VEN_TYPES = {"none": 0, "bottom": 1, "top": 2}


class Seen(NamedTuple):
    """One array that the public generator is given whole, and what we made of it."""

    kind: str
    whole: np.ndarray  # [s, 64, 64] 0..1
    script: list  # the numbers its random generator gives, in order
    ours: np.ndarray  # [s, 64, 64]


def soften(clip: np.ndarray) -> np.ndarray:
    """Silhouettes 0/255 with grey edges as real ones have, in 0..1 by 255ths: a transform."""
    sils = torch.from_numpy(np.ascontiguousarray(clip)).float()[:, None] / 255
    return (F.avg_pool2d(sils, 3, 1, 1, count_include_pad=False) * 255).round().div(255)[:, 0].numpy()


def script_of(kind: str, key: tuple) -> list[float]:
    """What `random` must give the public wrapper so that it draws what we draw from a key."""
    _, one, _, pace, _, across = uniforms(key, 6)
    own = {"top": [one, 0.75], "bottom": [one, 0.25], "middle": [0.5], "patch": [across, one, pace], "pole": [one, 0.0, pace]}
    return [COIN[kind], *own[kind]]


def hidden_by(file: Path, steps: int) -> list[Seen]:
    """Training batches of a configuration, packed: of each process of the public code, the joined clips."""
    cfgs = yaml.safe_load(file.read_text())
    cfgs["trainer_cfg"]["sampler"].update(sample_type="unfixed_unordered", frames_num_min=10, frames_num_max=60)
    packed = file.with_stem(f"{file.stem}-packed")
    packed.write_text(yaml.safe_dump(cfgs, sort_keys=False))
    model = common.trainable(packed)
    raw, found = common.collated(model, True), []
    model.trainer_trfs = [soften]
    for model.iteration in range(steps):
        batch = model.occluded_batch(raw)
        occluded, whole = (view[0].split(batch.lengths) for view in (batch.occluded, batch.whole))
        for rank in range(PROCESSES):
            mine = range(rank, len(batch.lengths), PROCESSES)
            script = script_of(batch.draws[rank].kind, ("train", model.seed, model.iteration, rank))
            joined = (torch.cat([view[i] for i in mine]).numpy() for view in (whole, occluded))
            found.append(Seen(batch.draws[rank].kind, next(joined), script, next(joined)))
    return found


def write(folder: Path, seen: list[Seen], name: str) -> None:
    """Keep what a generator of the public code is given; ``name``: `clips`, or `frames` for its VEN's."""
    folder.mkdir(exist_ok=True)
    np.savez(folder / f"{name}.npz", **{str(i): each.whole for i, each in enumerate(seen)})
    (folder / f"{name}.json").write_text(json.dumps([each.script for each in seen]))


def ven_batches(model: nn.Module, steps: int):
    """Training batches of a VEN as one, and the frames of it."""
    raw, batches = common.collated(model, True), []
    model.trainer_trfs = [soften]
    for model.iteration in range(steps):
        batches.append(model.inputs_pretreament(raw))
    joined = {name: torch.cat([getattr(batch, name) for batch in batches]) for name in ("occluded", "whole", "labs", "kind", "hidden")}
    lists = {name: [each for batch in batches for each in getattr(batch, name)] for name in ("typs", "vies", "lengths", "draws")}
    batch = batches[0]._replace(**joined, **lists)
    seen = []
    for i, d in enumerate(batch.draws):
        kept = 1 - d.hidden
        for whole, occluded in zip(batch.whole[i].numpy(), batch.occluded[i].numpy()):
            seen.append(Seen(d.kind, whole[None], [kept, VEN_TYPES[d.kind]], occluded[None]))
    return batch, seen


def write_ven(folder: Path, model: nn.Module, seen: list[Seen]) -> None:
    """The frames and the weights."""
    write(folder, seen, "frames")
    torch.save(to_public("ven", model.state_dict()), folder / "ven.pt")


def differing(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The share of pixels that are not the same."""
    assert ours.shape == theirs.shape
    return float((np.abs(ours - theirs) > 1e-6).mean())
