"""A tree of small pickles with every fault that `check data` knows without a configuration."""

from __future__ import annotations

import json
import os
import pickle
from collections import defaultdict
from pathlib import Path

import numpy as np


class Asks:
    """A pickle that asks Python to call something (harmless here)."""

    def __reduce__(self):
        return os.path.join, ("a", "b")


def list_spoilt_files() -> dict[str, bytes]:
    """Kinds of problem -> a pickle that has them, in the place of 5 x 16 x 11 uint8."""
    clip = np.zeros((5, 16, 11), np.uint8)
    clip[:, 2:14, 3:8] = 255
    objects = np.empty(2, object)
    objects[:] = [clip[0], clip[1, 1:]]
    nan = clip.astype(np.float32)
    nan[0, 0, 0] = np.nan
    return {
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
        "blank": pickle.dumps(clip | 255),
        "blank frames": pickle.dumps(np.concatenate([clip, clip[:1] * 0])),
        "inverted": pickle.dumps(255 - clip),
        "axes": pickle.dumps(clip[..., None].repeat(3, -1)),
        "unlike": pickle.dumps([clip[0], clip[0, 1:], 3]),
        "damaged": pickle.dumps(clip).replace(b"K\x05K\x10", b"K\x63K\x10"),
    }


def write_faulty_tree(root: Path) -> dict[str, set]:
    """Write pickles in ``root/data``, 10 types at 10 views of 3 identities, and one of every fault; also ``root/partition.json``.

    Returns:
        Kind of problem (of `opengait_mimic.data.check_report`) -> the places where it was planted.
    """
    data, labels, planted = root / "data", [f"{i:04d}" for i in range(3)], defaultdict(set)
    clip = np.zeros((5, 16, 11), np.uint8)
    clip[:, 2:14, 3:8] = 255
    folders = [data / label / f"{kind:02d}" / f"{view:03d}" for label in labels for kind in range(10) for view in range(10)]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "x.pkl").write_bytes(pickle.dumps(clip))

    def mark(kinds: str, *places: Path) -> None:
        for kind in kinds.split(", "):
            planted[kind].update(place.relative_to(data).as_posix() for place in places)

    queue = iter(np.random.default_rng(0).permutation(np.array(folders[:200], dtype=object)))  # the last identity stays whole
    for kinds, content in list_spoilt_files().items():
        file = next(queue) / "x.pkl"
        file.write_bytes(content)
        mark(kinds, file)
    second, inner, hollow, broken, stray, high, clips = (next(queue) for _ in range(7))
    (second / "z.pkl").write_bytes(pickle.dumps(clip))
    mark("files", second)
    (inner / "deeper").mkdir()
    (high.parent / "high.pkl").write_bytes(pickle.dumps(clip))
    mark("depth", inner / "deeper", high.parent / "high.pkl")
    (hollow / "x.pkl").unlink()
    mark("hollow", hollow)
    (broken / "x.pkl").unlink()
    (broken / "x.pkl").symlink_to("nowhere")
    mark("unreadable", broken / "x.pkl")
    for kind, name in {"stray": "labels.txt", "pictures": "000.png", "arrays": "x.npy", "archives": "x.zip"}.items():
        place = next(queue) / name
        place.write_bytes(b"\0")
        mark(kind, place)
    (stray / "._x.pkl").write_bytes(b"\0")  # what file managers write is left out
    (stray / ".DS_Store").write_bytes(b"\0")
    (stray.parent / "Thumbs.db").write_bytes(b"\0")
    (clips / "x.pkl").rename(clips / "1.pkl")
    (clips / "2.pkl").write_bytes(pickle.dumps(clip[1:]))
    mark("clips", clips)
    anna = data / "Anna" / "00" / "000"
    anna.mkdir(parents=True)
    (anna / "x.pkl").write_bytes(pickle.dumps(clip))
    partition = {"TRAIN_SET": [labels[0], "9998"], "TEST_SET": [*labels[:2], "anna"]}
    (root / "partition.json").write_text(json.dumps(partition))
    return {**planted, "missing": {"9998"}, "spelling": {"anna"}, "both": {labels[0]}, "unlisted": {labels[2]}}
