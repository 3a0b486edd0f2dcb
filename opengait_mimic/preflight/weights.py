"""Checks of the networks a mimic builds on: which files they are, and whether the teacher knows anybody."""

from __future__ import annotations

import time

import torch

from ..config import ConfigError
from ..distributed import rank_and_world
from ..models.common import OccludedInput
from ..models.guided import Guided
from ..models.subnetwork import checkpoint_file, read_weights, tensors_hash
from ..records import read_record
from ..retrieval import distance_matrix
from .batch import FRAMES, pairs
from .outcome import Found, everyone
from .trial import Trial, testing

SHORT = 12  # digits of a hash
BUDGET = 15.0  # seconds for the teacher's embeddings
KNOWS = 5  # a network that knows nothing is right about once (once in S, of S probes), 5 times or more in 0.4 % of tries
ENOUGH = 8  # subjects from which the rule is asked


def teacher(trial: Trial) -> Found | None:
    """The teacher's file holds a plain OpenGait model (its loading refuses others); which one."""
    own = trial.teacher
    if own is None:
        return None
    live = ", live: its BatchNorm drifts" if own.live else ""
    text = f"{type(own.net).__name__}, weights {own.weights[:SHORT]}, {own.file.name}{live}"
    record = read_record(own.file.parent.parent)
    of = record["inputs"]["model_cfg"].get("model") if record else None
    if of == "Baseline2":  # whose checkpoints are plain OpenGait ones
        return Found(f"{text}; {own.file} was trained as a Baseline2, on hidden clips: a teacher should have seen whole ones", warning=True)
    return Found(text)


def ven(trial: Trial) -> Found | None:
    """The VEN's file holds a VEN of ours (its loading refuses others), and is the one this training uses."""
    inner = trial.inner
    if not isinstance(inner, Guided) or inner.VEN is None:
        return None
    file = checkpoint_file(inner.cfg.ven.checkpoint, inner.ven_cfgs, "model_cfg.ven.checkpoint")
    state = read_weights(file, "model_cfg.ven.checkpoint")
    own = {name: value.cpu() for name, value in inner.VEN.state_dict().items()}
    if any(not torch.equal(value, state[f"VEN.{name}"].to(value.dtype)) for name, value in own.items()):
        raise ConfigError(
            f"model_cfg.ven.checkpoint: {file} holds other weights than the VEN of the checkpoint to go on from"
            f" (trainer_cfg.restore_hint = {inner.cfgs['trainer_cfg']['restore_hint']}). Name that VEN's checkpoint, train anew (without"
            " --iter), or start another training from these weights: trainer_cfg.restore_hint with the path of the checkpoint"
        )
    kinds = ", ".join(inner.ven_kinds or ["no kinds"])
    return Found(f"knows {kinds}; weights {tensors_hash(state)[:SHORT]}, {file.name}")


def rank1(trial: Trial) -> Found | None:
    """The teacher's Rank-1 on whole bodies: one sequence of each of a few subjects, searched among another one of each.

    Chance is one in the number of subjects. Fewer than `KNOWS` right of at least `ENOUGH` are what a network that knows nothing
    reaches, which is a warning and no failure: a demo's teacher may be as weak.
    """
    own = trial.teacher
    if own is None:
        return None
    begin, (rank, world), half = time.monotonic(), rank_and_world(), trial.tested_half()
    asked, mine = pairs(trial.inner.test_loader.dataset), []
    was = {module: module.training for module in own.net.modules()}
    if own.live:
        own.net.eval()
    try:
        with testing(trial.inner):
            for subject in range(rank, len(asked), world):
                if time.monotonic() - begin > BUDGET:
                    break
                mine.append([_embedded(trial.inner, own, i) for i in asked[subject]])
    finally:
        for module, mode in was.items():
            module.training = mode
    embeddings = [pair for part in everyone(mine) for pair in part]
    subjects = len(embeddings)
    if subjects < 2:
        return Found(f"not measured: {subjects} subject(s) of {half} with two sequences on the disk", warning=True)
    gallery, probes = (torch.cat([pair[side] for pair in embeddings]) for side in (0, 1))
    right = int((distance_matrix(probes, gallery).argmin(1) == torch.arange(subjects)).sum())
    text = f"{100 * right / subjects:.1f} % of {subjects} subjects of {half} (chance {100 / subjects:.1f} %), {FRAMES} frames at most"
    if subjects >= ENOUGH and right < KNOWS:
        advice = "no better than one that knows nobody: is it trained, and on such pictures (size, transforms)?"
        return Found(f"{text}; {advice}", warning=True)
    return Found(text + ("; too few" if subjects < ENOUGH else ""))


def _embedded(inner, own, i: int) -> torch.Tensor:
    """The teacher's embedding ``[1, c, p]`` of a whole sequence under the test's transforms, on the CPU."""
    loader = inner.test_loader
    ipts, *rest = super(OccludedInput, inner).inputs_pretreament(loader.collate_fn([loader.dataset[i]]))
    return own(([ipts[0].float()], *rest)).float().cpu()
