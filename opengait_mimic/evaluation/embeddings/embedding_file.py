"""One pass over the test set, and the npz file that caches it.

=============  =====================  ========================================================================================
array          type and shape         what it is
=============  =====================  ========================================================================================
embeddings     float32 [N, c, p]      channels of body parts; float32 also where the network computes in float16
labels         unicode [N]            subject, in the order of the host's test list, as are all others
types          unicode [N]            e.g. ``nm-01``
views          unicode [N]            e.g. ``090``
kind           int8 [N]               what was drawn, index into `opengait_mimic.occlusion.KINDS`; 0 = none
hidden         float32 [N]            the hidden share that was drawn, 0..1; of what, says `opengait_mimic.occlusion`
hidden_area    float32 [N]            the hidden share of its frames, their mean, 0..1; see `opengait_mimic.occlusion.targets`
frames         int32 [N]              frames that were embedded
ven_kind       int8 [N]               what the model's VEN says of most frames, index into ``KINDS``; absent without a trained head
ven_hidden     float32 [N]            the mean over the frames of the hidden share that it says; absent without a trained head
draws          float64 [N, 3]         the numbers of each `Draw` (`COLUMNS`)
meta           unicode []             JSON: ``key`` (all that decides the embeddings, see `keys`), ``batch`` (sequences at a time),
                                      ``picture`` (rows and columns of a silhouette),
                                      ``trained_with`` and ``tested_with`` (switches of ``reference_compat``, see `OccludedInput`)
=============  =====================  ========================================================================================

It holds no pickle: ``numpy.load(file, allow_pickle=False)`` reads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import time
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...base.errors import HostError
from ...occlusion import KINDS, Draw

COLUMNS = ("hidden", "place", "speed")
TYPES = {
    "embeddings": np.float32, "kind": np.int8, "hidden": np.float32, "hidden_area": np.float32, "frames": np.int32,
    "ven_kind": np.int8, "ven_hidden": np.float32, "draws": np.float64,
}  # fmt: skip
DAMAGED = (
    OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error,
    RuntimeError,  # a bit says that it is encrypted, or (NotImplementedError) packed in another way
    MemoryError,  # an array's size is damaged
)  # fmt: skip
STALE = 3600  # seconds after which nothing writes to a temporary file any more


class Pass(NamedTuple):
    """The embeddings of a test set in one condition, and what was hidden of each sequence; see the module."""

    embeddings: np.ndarray
    labels: list
    types: list
    views: list
    kind: np.ndarray
    hidden: np.ndarray
    hidden_area: np.ndarray
    frames: np.ndarray
    ven_kind: np.ndarray | None
    ven_hidden: np.ndarray | None
    draws: np.ndarray
    meta: dict

    @property
    def drawn(self) -> dict:
        """What was hidden: (label, type, view) -> `Draw`."""
        names = zip(self.labels, self.types, self.views)
        return {name: Draw(KINDS[kind], *numbers) for name, kind, numbers in zip(names, self.kind, self.draws.tolist())}


class Unfit(ValueError):
    """A file is not what its name says; says why."""


def write(file: Path, arrays: dict) -> None:
    """Write an npz through a temporary name, so that the file is never seen half written.

    Raises:
        HostError: the place cannot be written.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as stream:
            np.savez(stream, **arrays)
        os.replace(part, file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise HostError(f"cannot write {file}: {error}") from error


def remove_stale(file: Path) -> None:
    """Remove the temporary files that killed processes have left of a file: those that were not written to for `STALE` seconds."""
    for part in file.parent.glob(f".{file.name}.*"):
        with contextlib.suppress(FileNotFoundError):  # of a process that lives
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink()


def read(file: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz; each is checked against its CRC-32 as it is read.

    Raises:
        Unfit: truncated, changed, or no npz.
    """
    try:
        with np.load(file, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except DAMAGED as error:
        raise Unfit(f"it cannot be read ({error})") from error


def save(file: Path, done: Pass) -> None:
    """Keep a pass. Raises: see `write`."""
    arrays = {name: value for name, value in done._asdict().items() if value is not None}
    write(file, {**arrays, "meta": np.array(json.dumps(done.meta))})


def load(file: Path, key: dict | None = None) -> Pass:
    """A pass from its file.

    Args:
        file: the npz.
        key: what must have decided it; None = anything.

    Raises:
        Unfit: unreadable, of another layout, or of another key.
    """
    arrays = read(file)
    expected = {"labels", "types", "views", "meta", *TYPES} - {"ven_kind", "ven_hidden"}
    if not expected <= arrays.keys() <= expected | {"ven_kind", "ven_hidden"}:
        raise Unfit(f"it holds {', '.join(sorted(arrays))}")
    n = len(arrays["labels"])
    for name, value in arrays.items():
        if name != "meta" and (len(value) != n or value.dtype != TYPES.get(name, value.dtype)):
            raise Unfit(f"{name} is {value.dtype} {list(value.shape)}, with {n} labels")
    try:
        meta = json.loads(str(arrays.pop("meta")))
    except ValueError as error:
        raise Unfit(f"meta is not JSON ({error})") from error
    if key is not None and meta.get("key") != key:
        raise Unfit("it was made by other inputs than its name says")
    lists = {name: arrays.pop(name).tolist() for name in ("labels", "types", "views")}
    return Pass(**lists, **{"ven_kind": None, "ven_hidden": None, **arrays}, meta=meta)
