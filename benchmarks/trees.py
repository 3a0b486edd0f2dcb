"""A tree of many small pickles with a handful of every fault, for `reading.py` and for a look at what `check data` prints."""

from __future__ import annotations

import json
import os
import pickle
from collections import defaultdict
from pathlib import Path

import numpy as np

SPOILT = 25
"""Sequences that `plant` takes for one of every fault."""


class Asks:
    """A pickle that asks Python to call something (harmless here)."""

    def __reduce__(self):
        return os.path.join, ("a", "b")


def write_tree(root: str | os.PathLike, ids: int = 500, each: int = 5, seed: int = 0) -> dict[str, set]:
    """Write pickles of 5 x 16 x 11 uint8 in ``root/data``, 10 types at 20 views of an identity, and plant ``each`` of every fault.

    Also writes ``root/partition.json``, with an identity that is not there, one in both halves, and one on disk left out.

    Returns:
        Kind of problem (of `opengait_mimic.data.check_report`) -> the places where it was planted.
    """
    rng = np.random.default_rng(seed)
    root = Path(root)
    labels = [f"{i:04d}" for i in range(ids)]
    names = [(label, f"{kind:02d}", f"{view:03d}") for label in labels for kind in range(10) for view in range(20)]
    for name in names:
        folder = root.joinpath("data", *name)
        folder.mkdir(parents=True)
        clip = np.where(rng.random((5, 16, 11)) < 0.5, 255, 0).astype(np.uint8)
        (folder / f"{name[2]}.pkl").write_bytes(pickle.dumps(clip, protocol=4))
    planted = plant(root / "data", [names[i] for i in rng.choice(len(names) - 200, SPOILT * each, replace=False)], each)
    half = ids // 2
    partition = {"TRAIN_SET": [*labels[:half], "9998"], "TEST_SET": [labels[0], *labels[half:-1]]}
    (root / "partition.json").write_text(json.dumps(partition))
    return {**planted, "missing": {"9998"}, "both": {labels[0]}, "unlisted": {labels[-1]}}


def plant(data: Path, names: list, each: int) -> dict[str, set]:
    """Spoil sequences of ``names``, ``each`` in one way after the other; kind -> places."""
    clip = np.zeros((5, 16, 11), np.uint8)
    clip[:, 2:14, 3:8] = 255
    objects = np.empty(2, object)
    objects[:] = [clip[0], clip[1, 1:]]
    nan = clip.astype(np.float32)
    nan[0, 0, 0] = np.nan
    contents = {
        "truncated": pickle.dumps(clip)[:500],
        "empty": b"",
        "not a pickle": b"\x89PNG\r\n\x1a\n" + bytes(50),
        "objects": pickle.dumps(objects),
        "forbidden": pickle.dumps(Asks()),
        "not an array": pickle.dumps({"sils": clip}),
        "no frames": pickle.dumps(clip[:0]),
        "range": pickle.dumps(clip // 255),
        "range, type": pickle.dumps(clip.astype(bool)),
        "sizes": pickle.dumps(clip[:, :8]),
        "not finite, type": pickle.dumps(nan),
        "type": pickle.dumps(clip.astype(np.float64)),
        "blank": pickle.dumps(clip * 0),
        "blank frames": pickle.dumps(np.concatenate([clip, clip[:1] * 0])),
        "constant": pickle.dumps(clip | 255),
        "inverted": pickle.dumps(255 - clip),
        "axes": pickle.dumps(clip[..., None].repeat(3, -1)),
        "unlike": pickle.dumps([clip[0], clip[0, 1:], 3]),
        "damaged": pickle.dumps(clip).replace(b"K\x05K\x10", b"K\x63K\x10"),
    }
    planted, queue = defaultdict(set), (data.joinpath(*name) for name in names)

    def mark(kinds: str, *places: Path) -> None:
        for kind in kinds.split(", "):
            planted[kind].update(place.relative_to(data).as_posix() for place in places)

    for _ in range(each):
        for kinds, content in contents.items():
            folder = next(queue)
            (folder / f"{folder.name}.pkl").write_bytes(content)
            mark(kinds, folder / f"{folder.name}.pkl")
        second, inner, hollow, broken, stray, high = (next(queue) for _ in range(6))
        (second / "z.pkl").write_bytes(pickle.dumps(clip))
        mark("files", second)
        (inner / "deeper").mkdir()
        (high.parent / "high.pkl").write_bytes(pickle.dumps(clip))
        mark("depth", inner / "deeper", high.parent / "high.pkl")
        (hollow / f"{hollow.name}.pkl").unlink()
        mark("hollow", hollow)
        (broken / f"{broken.name}.pkl").unlink()
        (broken / f"{broken.name}.pkl").symlink_to("nowhere")
        mark("unreadable", broken / f"{broken.name}.pkl")
        mark("hollow", broken)
        (stray / ".DS_Store").write_bytes(b"\0")
        (stray.parent / "Thumbs.db").write_bytes(b"\0")
        mark("stray", stray / ".DS_Store", stray.parent / "Thumbs.db")
    return planted
