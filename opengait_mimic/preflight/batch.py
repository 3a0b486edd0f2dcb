"""The batches that preflight tries: the first of the training, a part of it, and a few sequences to test on."""

from __future__ import annotations

import json
import os
import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
from torch import nn
from torch.utils.data import DataLoader

SUBJECTS = 24  # of the test data; the teacher is asked for two sequences of each
FRAMES = 16  # of a test sequence, the first ones; on a CPU also of a clip in the trial step
CLIPS = 4  # in the trial step of a process on a CPU


def first_batch(inner: nn.Module) -> list:
    """The raw batch that the first step will see, from an iterator of our own, read in this process."""
    loader = inner.train_loader
    if isinstance(loader, DataLoader):
        loader = DataLoader(loader.dataset, batch_sampler=loader.batch_sampler, collate_fn=loader.collate_fn, num_workers=0)
    return list(next(iter(loader)))


def clips_in(raw: list) -> int:
    """The number of clips of a raw batch."""
    return len(raw[1])


def some_of(raw: list, count: int, frames: int) -> list:
    """A raw batch cut down to ``count`` clips, two of a subject and then two of the next, and to their first ``frames`` frames."""
    inputs, labels, types, views, lengths = raw
    of_subject = [labels[:i].count(label) for i, label in enumerate(labels)]
    chosen = sorted(range(len(labels)), key=lambda i: (of_subject[i] // 2, labels[i], i))[:count]
    if lengths is None:
        inputs = [[clips[i][:frames] for i in chosen] for clips in inputs]
    else:
        first = np.cumsum(lengths[0]) - lengths[0]
        kept = [min(frames, lengths[0][i]) for i in chosen]
        inputs = [[np.concatenate([packed[0][first[i] : first[i] + n] for i, n in zip(chosen, kept)])] for packed in inputs]
        lengths = np.asarray([kept])
    return [inputs, *([names[i] for i in chosen] for names in (labels, types, views)), lengths]


def frames_in(raw: list) -> int:
    """The frames of all clips of a raw batch."""
    return int(np.sum(raw[4])) if raw[4] is not None else sum(len(clip) for clip in raw[0][0])


def few_to_test(inner: nn.Module) -> str:
    """Give a model the host's own test loader over a few subjects, and the test's transforms; `FRAMES` frames a sequence where the YAML
    takes all. Only the folders of these subjects are listed.

    Returns:
        The half of the partition they are of: the test half where any of it is on the disk, else the training half.
    """
    from data.transform import get_transform

    cfgs = inner.cfgs
    data, sampler = cfgs["data_cfg"], dict(cfgs["evaluator_cfg"]["sampler"])
    if str(sampler.get("sample_type")).startswith("all"):
        limit = sampler.get("frames_all_limit", -1)
        sampler["frames_all_limit"] = FRAMES if limit < 0 else min(FRAMES, limit)
    partition = json.loads(Path(data["dataset_partition"]).read_text(encoding="utf-8"))
    there = set(os.listdir(data["dataset_root"]))
    halves = {half: [label for label in partition.get(half, []) if label in there] for half in ("TEST_SET", "TRAIN_SET")}
    half = next((half for half, labels in halves.items() if labels), "TEST_SET")
    labels = halves[half]
    labels = [labels[i * len(labels) // SUBJECTS] for i in range(SUBJECTS)] if len(labels) > SUBJECTS else labels
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "few.json"
        file.write_text(json.dumps({"TRAIN_SET": [], "TEST_SET": labels}))
        inner.cfgs = {**cfgs, "evaluator_cfg": {**cfgs["evaluator_cfg"], "sampler": sampler}}
        inner.test_loader = inner.get_loader({**data, "dataset_partition": str(file), "cache": False, "num_workers": 0}, train=False)
    inner.cfgs, inner.evaluator_trfs = cfgs, get_transform(cfgs["evaluator_cfg"]["transform"])
    return half


def pairs(dataset) -> list[tuple[int, int]]:
    """Two sequences of every subject that has two, of different types where there are (CASIA-B's bg-01 and bg-02), else as alike as can
    be: the same view, the same condition (the type up to its hyphen).
    """
    types, views = dataset.types_list, dataset.views_list

    def unlike(pair):
        (i, j), (a, b) = pair, (types[k].partition("-")[0] for k in pair)
        return types[i] == types[j], views[i] != views[j], a != b, pair

    return [min(combinations(own, 2), key=unlike) for own in dataset.indices_dict.values() if len(own) > 1]
