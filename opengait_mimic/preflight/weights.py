"""Checks of the networks a mimic builds on: which files they are, and whether the teacher was trained and knows anybody."""

from __future__ import annotations

import time

import torch

from ..base import checkpoint_file as checkpoints
from ..base.errors import ConfigError
from ..base.processes import rank_and_world
from ..metrics import distance_matrix
from ..models.backbone_probe import embed
from ..models.guided import Guided
from ..models.occluded_input import OccludedInput
from ..models.upstream_weights import checkpoint_file, read_weights, tensors_hash
from .batch import pairs
from .outcome import Found, everyone
from .trial import Trial, testing
from .untrained import clearly_above, margins, unmoved

SHORT = 12  # digits of a hash
BUDGET = 20.0  # seconds for the embeddings of the teacher and its twins
ENOUGH = 8  # subjects from which anything is concluded
FEW = 0.5  # of total_iter


def teacher(trial: Trial) -> Found | None:
    """The teacher's file holds a plain OpenGait model (its loading refuses others); which one, and whether it was trained.

    What is certain fails: every tensor that any training begins alike is as it began (see `unmoved`).
    """
    own = trial.teacher
    if own is None:
        return None
    live = ", live: its BatchNorm drifts" if own.live else ""
    text = f"{type(own.net).__name__}, weights {own.weights[:SHORT]}, {own.file.name}{live}"
    still = unmoved(own.net, trial.twins, own.embedding.unreached)
    if still:
        return Found(
            f"model_cfg.teacher.checkpoint: {own.file} was never trained: its {still} tensors that begin alike in every"
            f" {type(own.net).__name__} (scales, biases) are still as they began. Train it (its YAML's optimizer_cfg.lr and"
            " trainer_cfg.total_iter), or name a checkpoint of one that was",
            failed=True,
        )
    warnings = []
    of = checkpoints.entry(own.file).get("recipe", {}).get("model_cfg", {}).get("model")
    if of == "Baseline2":  # whose checkpoints are plain OpenGait ones
        warnings.append(f"{own.file} was trained as a Baseline2, on hidden clips: a teacher should have seen whole ones")
    done = checkpoints.read(own.file, "model_cfg.teacher.checkpoint").get("iteration")
    total = own.cfgs["trainer_cfg"]["total_iter"]
    if isinstance(done, int) and done < FEW * total:
        warnings.append(f"{own.file} is of iteration {done}, and its YAML trains {total}: train it on, or name a later checkpoint")
    return Found("; ".join([text, *warnings]), warning=bool(warnings))


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
    """The teacher's Rank-1 on whole bodies: one sequence of each of a few subjects, searched among another one of each; beside chance,
    one in the number of subjects, and beside what its like reaches untrained, which is far above chance.

    The two are compared by their `margins`, subject by subject. Not clearly above its like is a warning and no failure: a teacher of
    a few steps, as a demo's may be, is not either.
    """
    own = trial.teacher
    if own is None:
        return None
    begin, (rank, world), half = time.monotonic(), rank_and_world(), trial.tested_half()
    asked, mine = pairs(trial.inner.test_loader.dataset), []
    networks = [own, *((lambda inputs, net=net: embed(net, inputs)) for net in trial.twins)]
    was = {module: module.training for module in own.net.modules()}
    if own.live:
        own.net.eval()
    try:
        with testing(trial.inner):
            for subject in range(rank, len(asked), world):
                if time.monotonic() - begin > BUDGET:
                    break
                mine.append([_embedded(trial.inner, networks, i) for i in asked[subject]])
    finally:
        for module, mode in was.items():
            module.training = mode
    found = [pair for part in everyone(mine) for pair in part]
    subjects = len(found)
    if subjects < 2:
        return Found(f"not measured: {subjects} subject(s) of {half} with two sequences on the disk", warning=True)
    tables = []
    for number in range(len(networks)):
        gallery, probes = (torch.cat([pair[side][number] for pair in found]) for side in (0, 1))
        tables.append(distance_matrix(probes, gallery))
    score, *others = (100 * float((table.argmin(1) == torch.arange(subjects)).float().mean()) for table in tables)
    beside = f"untrained {sum(others) / len(others):.1f} %, chance {100 / subjects:.1f} %"
    text = f"{score:.1f} % of {subjects} subjects of {half} ({beside})"
    if subjects < ENOUGH:
        return Found(f"{text}; too few{f' in {BUDGET:g} s' if subjects < len(asked) else ''}")
    theirs, *twins = map(margins, tables)
    if clearly_above(theirs, torch.stack(twins).mean(0)):
        return Found(text)
    advice = "not clearly better than its like without any training: is it trained, and on such pictures (size, transforms)?"
    return Found(f"{text}; {advice}", warning=True)


def _embedded(inner, networks: list, i: int) -> list[torch.Tensor]:
    """Each network's embedding ``[1, c, p]`` of a whole sequence under the test's transforms, on the CPU."""
    loader = inner.test_loader
    ipts, *rest = super(OccludedInput, inner).inputs_pretreament(loader.collate_fn([loader.dataset[i]]))
    with torch.no_grad():
        return [net(([ipts[0].float()], *rest)).float().cpu() for net in networks]
