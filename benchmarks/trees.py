"""A tree of many small pickles with a handful of every fault, for `reading.py` and for a look at what `check data` prints."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np


class Asks:
    """A pickle that asks Python to call something (harmless here)."""

    def __reduce__(self):
        return os.path.join, ("a", "b")


def write_tree(root: str | os.PathLike, files: int = 100_000, each: int = 5, seed: int = 0) -> Path:
    """Write ``files`` pickles of 5 x 16 x 11 uint8 in ``root/data`` (200 to an identity: 10 types at 20 views) and plant ``each`` of every fault.

    Returns:
        The partition, ``root/partition.json``.
    """
    rng = np.random.default_rng(seed)
    root = Path(root)
    ids = max(files // 200, 12)
    labels = [f"{i:04d}" for i in range(ids)]
    names = [(label, f"{kind:02d}", f"{view:03d}") for label in labels for kind in range(10) for view in range(20)][:files]
    for name in names:
        folder = root.joinpath("data", *name)
        folder.mkdir(parents=True)
        clip = np.where(rng.random((5, 16, 11)) < 0.5, 255, 0).astype(np.uint8)
        (folder / f"{name[2]}.pkl").write_bytes(pickle.dumps(clip, protocol=4))
    plant(root / "data", [names[i] for i in rng.choice(len(names) - 200, 40 * each, replace=False)], each)
    train = labels[: ids // 2]
    partition = {"TRAIN_SET": [*train, "9998"], "TEST_SET": [train[0], *labels[ids // 2 : -1]]}  # one gone, one in both, one unlisted
    (root / "partition.json").write_text(json.dumps(partition))
    return root / "partition.json"


def plant(data: Path, names: list, each: int) -> None:
    """Spoil sequences of ``names``, ``each`` in one way after the other."""
    clip = np.full((5, 16, 11), 255, np.uint8)
    objects = np.empty(2, object)
    objects[:] = [clip[0], clip[1, 1:]]
    nan = clip.astype(np.float32)
    nan[0, 0, 0] = np.nan
    contents = [
        pickle.dumps(clip)[:500], b"", b"\x89PNG\r\n\x1a\n" + bytes(50), b"version https://git-lfs.github.com/spec/v1\n", pickle.dumps(objects),
        pickle.dumps(Asks()), pickle.dumps({"sils": clip}), pickle.dumps(clip[:0]), pickle.dumps(clip // 255), pickle.dumps(clip[:, :8]),
        pickle.dumps(nan), pickle.dumps(clip * 0), pickle.dumps(clip.astype(np.float64)), pickle.dumps(list(clip)),
        pickle.dumps(clip).replace(b"K\x05K\x10", b"K\x63K\x10"), pickle.dumps(clip.astype(bool)),
    ]  # fmt: skip
    queue = iter(names)
    for content in contents:
        for _ in range(each):
            folder = data.joinpath(*next(queue))
            (folder / f"{folder.name}.pkl").write_bytes(content)
    for _ in range(each):
        second, inner, empty, link, broken = (data.joinpath(*next(queue)) for _ in range(5))
        (second / "z.pkl").write_bytes(pickle.dumps(clip))
        (inner / "deeper").mkdir()
        shutil.rmtree(empty)
        empty.mkdir()
        (link / f"{link.name}.pkl").unlink()
        (link / "loop").symlink_to(link.parent)
        (broken / f"{broken.name}.pkl").unlink()
        (broken / f"{broken.name}.pkl").symlink_to("nowhere")
        stray, high, odd = (data.joinpath(*next(queue)) for _ in range(3))
        (stray / ".DS_Store").write_bytes(b"\0")
        (stray.parent / "Thumbs.db").write_bytes(b"\0")
        (high.parent / "high.pkl").write_bytes(pickle.dumps(clip))
        odd.rename(odd.with_name("caf\udce9 \x1b[31m"))
        loop = data.joinpath(*next(queue))
        (loop.parent / f"{loop.name}-again").symlink_to(loop.parent.parent)
    (data / "readme.txt").write_text("a file beside the identities")
