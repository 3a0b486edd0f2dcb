"""What preflight tries a model on, and how the model gets its state back."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import tempfile
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..base.processes import gather_objects, rank_and_world
from ..metrics import distance_matrix
from ..models.backbone_exceptions import freeze
from ..models.backbone_probe import embed
from ..models.nested_backbone import build
from ..models.occluded_input import OccludedInput
from .batches import peek

SUBJECTS, FRAMES, CLIPS = 24, 16, 4
"""Subjects the teacher ranks; frames of a test sequence, and on a CPU of a clip; clips per process in the step on a CPU."""
SECONDS, FEWEST, STANDARD_ERRORS = 20.0, 8, 3.0
"""Time for the teacher's ranking; subjects that it needs; how far it must be above an untrained network."""


@contextlib.contextmanager
def testing(inner: nn.Module) -> Iterator[None]:
    """Test mode, without gradients."""
    was = inner.training
    inner.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        inner.train(was)


# ---------------------------------------------------------------- batches


def small_batch_positions(inner: nn.Module) -> list[int]:
    """Positions of `CLIPS` clips per process, drawn and dealt by the host's own sampler."""
    from data import sampler as samplers  # the bound host's

    given, world = inner.cfgs["trainer_cfg"]["sampler"], rank_and_world()[1]
    size = [2, CLIPS // 2 * world] if isinstance(given["batch_size"], list) else CLIPS * world
    return next(iter(getattr(samplers, given["type"])(inner.train_loader.dataset, size, False)))


def read_batch(inner: nn.Module, positions: list[int] | None = None) -> list:
    """The raw batch of the first step, or of these positions of the training set."""
    if positions is None:
        return list(peek(inner))
    loader = inner.train_loader
    return list(loader.collate_fn([loader.dataset[i] for i in positions]))


def cut_to_frames(raw: list, count: int) -> list:
    """A raw batch with at most ``count`` frames per clip."""
    inputs, *names, lengths = raw
    if lengths is None:
        return [[[clip[:count] for clip in clips] for clips in inputs], *names, None]
    starts = np.cumsum(lengths[0]) - lengths[0]
    sizes = [min(count, length) for length in lengths[0]]
    packed = [[np.concatenate([one[0][start : start + size] for start, size in zip(starts, sizes)])] for one in inputs]
    return [packed, *names, np.asarray([sizes])]


def frame_count(raw: list) -> int:
    """Frames of all clips of a raw batch."""
    return int(np.sum(raw[4])) if raw[4] is not None else sum(len(clip) for clip in raw[0][0])


def shrink_test_loader(inner: nn.Module) -> str:
    """Give a model the host's test loader over `SUBJECTS` subjects and `FRAMES` frames, and the test's transforms.

    Returns:
        ``TEST_SET``, or ``TRAIN_SET`` where no test subject has a sequence.
    """
    from data.transform import get_transform  # the bound host's

    cfgs = inner.cfgs
    data_cfg, sampler = cfgs["data_cfg"], dict(cfgs["evaluator_cfg"]["sampler"])
    if str(sampler.get("sample_type")).startswith("all"):
        limit = sampler.get("frames_all_limit", -1)
        sampler["frames_all_limit"] = FRAMES if limit < 0 else min(FRAMES, limit)
    partition, root = json.loads(Path(data_cfg["dataset_partition"]).read_bytes()), Path(data_cfg["dataset_root"])
    folders = set(os.listdir(root))
    for half in ("TEST_SET", "TRAIN_SET"):
        labels = [label for label in partition.get(half, []) if label in folders]
        labels = labels[:: max(1, len(labels) // SUBJECTS)][:SUBJECTS]
        if labels := [label for label in labels if next((root / label).glob("*/*/*.*"), None)]:
            break
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "few.json"
        file.write_text(json.dumps({"TRAIN_SET": [], "TEST_SET": labels}))
        inner.cfgs = {**cfgs, "evaluator_cfg": {**cfgs["evaluator_cfg"], "sampler": sampler}}
        inner.test_loader = inner.get_loader({**data_cfg, "dataset_partition": str(file), "cache": False, "num_workers": 0}, train=False)
    inner.cfgs, inner.evaluator_trfs = cfgs, get_transform(cfgs["evaluator_cfg"]["transform"])
    return half


# ---------------------------------------------------------------- the teacher's Rank-1


class TeacherScore(NamedTuple):
    """Rank-1 in percent of a teacher and of an untrained network of its class; ``is_clear``: the teacher is better beyond chance."""

    subjects: int
    teacher: float
    untrained: float
    is_clear: bool


def compare_teacher(inner: nn.Module, teacher) -> TeacherScore | None:
    """Search one whole-body sequence of each subject among another one of each, by the teacher and by an untrained network.

    The two are compared subject by subject: how much nearer the own gallery entry is than the others, in their standard deviations.

    Returns:
        None with fewer than `FEWEST` subjects.
    """
    rank, world = rank_and_world()
    pairs, start = _sequence_pairs(inner.test_loader.dataset), time.monotonic()
    networks = [teacher, _untrained(teacher)]
    modes, mine = {module: module.training for module in teacher.net.modules()}, []
    teacher.net.eval()
    try:
        for subject in range(rank, len(pairs), world):
            if time.monotonic() - start > SECONDS:
                break
            mine.append([_embed_whole(inner, networks, i) for i in pairs[subject]])
    finally:
        for module, mode in modes.items():
            module.training = mode
    embedded = [pair for part in gather_objects(mine) for pair in part]
    if (count := len(embedded)) < FEWEST:
        return None
    tables = []
    for number in range(2):
        gallery, probes = (torch.cat([pair[side][number] for pair in embedded]) for side in (0, 1))
        tables.append(distance_matrix(probes, gallery))
    own, other = (100 * float((table.argmin(1) == torch.arange(count)).float().mean()) for table in tables)
    gain = _margins(tables[0]) - _margins(tables[1])
    return TeacherScore(count, own, other, float(gain.mean()) > STANDARD_ERRORS * float(gain.std()) / count**0.5)


def _margins(distances: Tensor) -> Tensor:
    """``(mean - own) / std`` over the other subjects' distances ``[S, S]`` of each probe, the own subject on the diagonal: ``[S]``."""
    own = torch.eye(len(distances), dtype=torch.bool)
    others = distances[~own].reshape(len(distances), -1)
    return (others.mean(1) - distances[own]) / others.std(1).clamp_min(1e-12)


def _untrained(teacher):
    """A frozen network of the teacher's class with initial weights, as a function of a batch."""
    device = next(teacher.net.parameters()).device
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = freeze(build(teacher.cfgs["model_cfg"], teacher.cfgs, "model_cfg.teacher").to(device))
    return lambda inputs: embed(net, inputs)


def _sequence_pairs(dataset) -> list[tuple[int, int]]:
    """Two sequences of each subject, of different types, from different views, in the same condition, as far as there are such.

    From one view an untrained network ranks nearly as well as a trained one, since the pictures themselves are alike.
    """
    types, views = dataset.types_list, dataset.views_list

    def preference(pair):
        (i, j), (a, b) = pair, (types[k].partition("-")[0] for k in pair)
        return types[i] == types[j], views[i] == views[j], a != b, pair

    return [min(combinations(own, 2), key=preference) for own in dataset.indices_dict.values() if len(own) > 1]


def _embed_whole(inner, networks: list, i: int) -> list[Tensor]:
    """Embeddings ``[1, c, p]`` of a whole-body test sequence by each network, on the CPU."""
    loader = inner.test_loader
    inputs, *rest = super(OccludedInput, inner).inputs_pretreament(loader.collate_fn([loader.dataset[i]]))
    return [net(([inputs[0].float()], *rest)).float().cpu() for net in networks]


# ---------------------------------------------------------------- state


@contextlib.contextmanager
def restored(model: nn.Module, *others: nn.Module) -> Iterator[None]:
    """After the block, a model and its training are as before, bit for bit.

    Restored are the attributes of all modules, of the loader and its parts (one container deep); tensor values; ``requires_grad``;
    all random generators. Gradients are removed. The optimiser is left alone: no step is taken. The host's log is off meanwhile.

    Args:
        model: the model, not its DDP wrapper, built for training and without gradients.
        others: networks outside its module tree (a teacher).
    """
    modules = {id(module): module for net in (model, *others) for module in net.modules()}.values()
    loader = getattr(model, "train_loader", None)
    parts = [loader, *(getattr(loader, name, None) for name in ("batch_sampler", "sampler", "dataset", "collate_fn"))]
    owners = [*modules, *(part for part in parts if hasattr(part, "__dict__"))]
    snapshots = [_Snapshot(vars(owner)) for owner in owners]
    parameters = [(p, p.requires_grad) for net in (model, *others) for p in net.parameters()]
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    gpu_states = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    logger = logging.getLogger("opengait")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was_disabled
        for snapshot in snapshots:
            snapshot.restore()
        for parameter, requires_grad in parameters:
            parameter.requires_grad_(requires_grad).grad = None
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if gpu_states:
            torch.cuda.set_rng_state_all(gpu_states)


class _Snapshot:
    """The attributes of an object: the mapping itself, containers in it one deep, and the values of tensors in both."""

    def __init__(self, attributes: dict):
        self.attributes, self.before = attributes, dict(attributes)
        self.containers = [(value, value.copy()) for value in attributes.values() if isinstance(value, (dict, list, set))]
        inside = [each for _, copy in self.containers for each in (copy.values() if isinstance(copy, dict) else copy)]
        self.tensors = [(each, each.detach().clone()) for each in (*attributes.values(), *inside) if isinstance(each, Tensor)]

    def restore(self) -> None:
        self.attributes.clear()
        self.attributes.update(self.before)
        for value, copy in self.containers:
            if isinstance(value, list):
                value[:] = copy
            elif isinstance(value, dict) or value != copy:  # refilling a set may change its order
                value.clear()
                value.update(copy)
        with torch.no_grad():
            for tensor, copy in self.tensors:
                tensor.copy_(copy)
