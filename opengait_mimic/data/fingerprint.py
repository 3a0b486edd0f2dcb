"""The fingerprint of gait data: one function for the record of a training, the cache of an evaluation and ``check data``."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..base.files import is_litter

SAMPLED_FILES = 64
END_BYTES = 1 << 16
"""Of `SAMPLED_FILES` files this many bytes at each end are read."""


def data_fingerprint(root: str | os.PathLike, labels: Sequence[str], extra: object = None) -> str:
    """``sha256:<hex>`` of the data of some subjects.

    It covers the labels in their order, ``extra``, the name and size of every file below the subjects' folders, and the first and last
    64 KiB of 64 files spread over them. The place of ``root`` does not enter.

    Args:
        root: the folder of the subjects, ``data_cfg.dataset_root``.
        labels: subjects; one without a folder counts as one without files.
        extra: what else decides which data are used, as JSON values.

    Raises:
        OSError: a file or folder cannot be read.
    """
    root, labels = Path(root), list(map(str, labels))
    digest, files = hashlib.sha256(), []
    digest.update(json.dumps([labels, extra]).encode())
    for label in labels:
        listed = sorted(_list_files(root, label)) if (root / label).is_dir() else []
        digest.update(json.dumps(listed).encode())
        files += listed
    for name, size in files[:: max(1, len(files) // SAMPLED_FILES)][:SAMPLED_FILES]:
        with open(root / name, "rb") as stream:
            digest.update(stream.read(END_BYTES))
            stream.seek(max(0, size - END_BYTES))
            digest.update(stream.read(END_BYTES))
    return f"sha256:{digest.hexdigest()}"


def fingerprint_half(root: str | os.PathLike, partition: dict, half: str) -> str:
    """`data_fingerprint` of one half of a partition: its ``TRAIN_SET``, or its ``TEST_SET`` with its ``PROBE_SET`` or ``GALLERY_SET``."""
    listed = partition.get("PROBE_SET") or partition.get("GALLERY_SET")
    return data_fingerprint(root, partition.get(half, []), listed if half == "TEST_SET" else None)


def _list_files(root: Path, folder: str) -> Iterator[tuple[str, int]]:
    """The files below a folder: path below the root, size in bytes."""
    with os.scandir(root / folder) as entries:
        for entry in entries:
            if is_litter(entry.name):
                continue
            name = f"{folder}/{entry.name}"
            if entry.is_dir():
                yield from _list_files(root, name)
            else:
                yield name, entry.stat().st_size
