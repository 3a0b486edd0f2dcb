"""A population of walkers on disk, as OpenGait wants it: ``<root>/<label>/<type>/<view>/<view>.pkl``."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .body import draw_subject
from .walk import make_sequence

SESSIONS = ("nm-01", "nm-02", "bg-01", "cl-01")
VIEWS = (54, 90, 126)
GALLERY = "nm-01"


@dataclass(frozen=True)
class WalkersTree:
    """What ``write_walkers`` wrote."""

    root: Path  # OpenGait's dataset_root
    partition: Path  # OpenGait's dataset_partition
    train: list[str]  # labels
    test: list[str]
    sequences: int
    frames: int


def write_walkers(
    out: str | os.PathLike,
    subjects: int = 280,
    seed: int = 0,
    train: int | None = None,
    sessions: Sequence[str] = SESSIONS,
    views: Sequence[int] = VIEWS,
    frames: int | tuple[int, int] = (22, 28),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> WalkersTree:
    """Generate subjects and write ``<out>/walkers`` and, last of all, the partition ``<out>/walkers.json``.

    Args:
        out: folder, made where it is missing.
        subjects: how many, 2 upwards; the first ``train`` of them are for training (5 of 7 without it).
        seed: of the population. Subject i is the same whatever ``subjects`` is.
        train: training subjects.
        sessions: types; views: azimuths in whole degrees; frames: per sequence; see `make_sequence`.
        progress: called with (subjects done, subjects) after each.

    Raises:
        ValueError: fewer than 2 subjects.
        FileExistsError: ``<out>/walkers`` holds something already.
    """
    if subjects < 2:
        raise ValueError(f"subjects={subjects}: want 2 or more, one to train on and one to test on")
    train = subjects * 5 // 7 if train is None else train
    root, partition = Path(out) / "walkers", Path(out) / "walkers.json"
    if root.exists() and any(root.iterdir()):
        raise FileExistsError(f"{root} is not empty: remove it or choose another folder")

    labels = [f"{index:04d}" for index in range(1, subjects + 1)]
    count = 0
    for done, label in enumerate(labels, start=1):
        who = draw_subject(seed, done)
        for name in sessions:
            for view in views:
                clip = make_sequence(who, name, view, frames)
                folder = root / label / name / f"{view:03d}"
                folder.mkdir(parents=True)
                (folder / f"{view:03d}.pkl").write_bytes(pickle.dumps(clip, protocol=4))
                count += len(clip)
        progress(done, subjects)
    split = {"TRAIN_SET": labels[:train], "TEST_SET": labels[train:]}
    partition.write_text(json.dumps(split, indent=2) + "\n", encoding="utf-8")
    total = subjects * len(sessions) * len(views)
    return WalkersTree(root, partition, split["TRAIN_SET"], split["TEST_SET"], total, count)


def mean_silhouette_rank1(tree: WalkersTree) -> float:
    """Rank-1 in percent of the test subjects with the mean of the frames as embedding and Euclidean distance.

    The session nm-01 is the gallery, with all its views; every sequence of the other sessions is a probe.
    The default population (280 subjects, seed 0) gives 35.4; chance is 1.25.
    """
    embeddings, labels, gallery = [], [], []
    for label in tree.test:
        for file in sorted((tree.root / label).rglob("*.pkl")):
            embeddings.append(pickle.loads(file.read_bytes()).mean(0).ravel() / 255.0)
            labels.append(label)
            gallery.append(file.parts[-3] == GALLERY)
    x, labels, gallery = np.stack(embeddings), np.array(labels), np.array(gallery)
    probe = x[~gallery]
    distance = (probe**2).sum(1)[:, None] - 2 * probe @ x[gallery].T + (x[gallery] ** 2).sum(1)
    nearest = labels[gallery][distance.argmin(1)]
    return float(100 * (nearest == labels[~gallery]).mean())
