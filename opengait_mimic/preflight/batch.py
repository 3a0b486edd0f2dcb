"""The batches that preflight tries: the first of the training, a part of it, and a few sequences to test on."""

from __future__ import annotations

import json
import os
import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
from torch import nn

from ..base.processes import rank_and_world
from ..training.batches import peek

SUBJECTS = 24  # of the test data; the teacher is asked for two sequences of each
FRAMES = 16  # of a test sequence, the first ones; on a CPU also of a clip in the trial step
CLIPS = 4  # in the trial step of a process on a CPU


def first_batch(inner: nn.Module) -> list:
    """The raw batch that the first step will see, read in this process."""
    return list(peek(inner))


def small_positions(inner: nn.Module) -> list[int]:
    """This process's part of a small batch: `CLIPS` clips a process, of 2 subjects where the host's own sampler, which draws and deals
    them, takes [P, K].
    """
    from data import sampler as samplers

    given, world = inner.cfgs["trainer_cfg"]["sampler"], rank_and_world()[1]
    size = [2, CLIPS // 2 * world] if isinstance(given["batch_size"], list) else CLIPS * world
    return next(iter(getattr(samplers, given["type"])(inner.train_loader.dataset, size, False)))


def read(inner: nn.Module, positions: list[int]) -> list:
    """A raw batch of these sequences of the training data."""
    loader = inner.train_loader
    return list(loader.collate_fn([loader.dataset[i] for i in positions]))


def shortened(raw: list, frames: int) -> list:
    """A raw batch with the first ``frames`` frames of every clip."""
    inputs, *names, lengths = raw
    if lengths is None:
        return [[[clip[:frames] for clip in clips] for clips in inputs], *names, None]
    first = np.cumsum(lengths[0]) - lengths[0]
    kept = [min(frames, length) for length in lengths[0]]
    packed = [[np.concatenate([one[0][begin : begin + n] for begin, n in zip(first, kept)])] for one in inputs]
    return [packed, *names, np.asarray([kept])]


def frames_in(raw: list) -> int:
    """The frames of all clips of a raw batch."""
    return int(np.sum(raw[4])) if raw[4] is not None else sum(len(clip) for clip in raw[0][0])


def few_to_test(inner: nn.Module) -> str:
    """Give a model the host's own test loader over a few subjects, and the test's transforms; `FRAMES` frames a sequence where the YAML
    takes all. Only the folders of these subjects are listed.

    Returns:
        The half of the partition they are of: the test half where they have a sequence, else the training half.
    """
    from data.transform import get_transform

    cfgs = inner.cfgs
    data, sampler = cfgs["data_cfg"], dict(cfgs["evaluator_cfg"]["sampler"])
    if str(sampler.get("sample_type")).startswith("all"):
        limit = sampler.get("frames_all_limit", -1)
        sampler["frames_all_limit"] = FRAMES if limit < 0 else min(FRAMES, limit)
    partition = json.loads(Path(data["dataset_partition"]).read_text(encoding="utf-8"))
    there = set(os.listdir(data["dataset_root"]))
    for half in ("TEST_SET", "TRAIN_SET"):
        labels = [label for label in partition.get(half, []) if label in there]
        labels = [labels[i * len(labels) // SUBJECTS] for i in range(SUBJECTS)] if len(labels) > SUBJECTS else labels
        labels = [label for label in labels if next(Path(data["dataset_root"], label).glob("*/*/*.*"), None)]  # a folder may be empty
        if labels:
            break
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "few.json"
        file.write_text(json.dumps({"TRAIN_SET": [], "TEST_SET": labels}))
        inner.cfgs = {**cfgs, "evaluator_cfg": {**cfgs["evaluator_cfg"], "sampler": sampler}}
        inner.test_loader = inner.get_loader({**data, "dataset_partition": str(file), "cache": False, "num_workers": 0}, train=False)
    inner.cfgs, inner.evaluator_trfs = cfgs, get_transform(cfgs["evaluator_cfg"]["transform"])
    return half


def pairs(dataset) -> list[tuple[int, int]]:
    """Two sequences of every subject that has two, of different types where there are (CASIA-B's bg-01 and bg-02), from different
    views, in conditions as alike as can be (the type up to its hyphen). From one view an untrained network ranks nearly as well as a
    trained one: the pictures themselves are alike.
    """
    types, views = dataset.types_list, dataset.views_list

    def unlike(pair):
        (i, j), (a, b) = pair, (types[k].partition("-")[0] for k in pair)
        return types[i] == types[j], views[i] == views[j], a != b, pair

    return [min(combinations(own, 2), key=unlike) for own in dataset.indices_dict.values() if len(own) > 1]
