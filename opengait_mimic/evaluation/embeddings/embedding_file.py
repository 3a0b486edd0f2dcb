"""One pass over the test set, and the npz file that caches it. It holds no pickle: ``numpy.load(file, allow_pickle=False)`` reads it."""

from __future__ import annotations

import json
import os
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


class Pass(NamedTuple):
    """The embeddings of a test set in one condition, and what was hidden of each of its N sequences; the arrays of the file.

    ``meta`` is JSON in the file: ``key`` (`pass_key`), ``batch`` (sequences at a time), ``picture`` (rows and columns), ``trained_with``
    and ``tested_with`` (switches of ``reference_compat``).
    """

    embeddings: np.ndarray  # float32 [N, c, p]: channels of body parts; float32 also where the network computes in float16
    labels: list  # text [N]: subject, in the order of the host's test list, as are all others
    types: list  # text [N], e.g. nm-01
    views: list  # text [N], e.g. 090
    kind: np.ndarray  # int8 [N]: what was drawn, index into KINDS; 0 = none
    hidden: np.ndarray  # float32 [N]: the hidden share that was drawn, 0..1
    hidden_area: np.ndarray  # float32 [N]: the hidden share of its frames' area, mean over them, 0..1
    frames: np.ndarray  # int32 [N]: frames that were embedded
    ven_kind: np.ndarray | None  # int8 [N]: the VEN's prediction for most frames, index into KINDS; None without a class head
    ven_hidden: np.ndarray | None  # float32 [N]: the VEN's hidden share, mean over the frames; None without its head
    draws: np.ndarray  # float64 [N, 3]: the numbers of each Draw (COLUMNS)
    meta: dict

    @property
    def drawn(self) -> dict:
        """What was hidden: (label, type, view) -> `Draw`."""
        names = zip(self.labels, self.types, self.views)
        return {name: Draw(KINDS[kind], *numbers) for name, kind, numbers in zip(names, self.kind, self.draws.tolist())}


class Unfit(ValueError):
    """A file is not the pass that its name says; says why."""


def save(file: Path, done: Pass) -> None:
    """Write a pass; the file appears complete or not at all. Two runs may write the same pass at once.

    Raises:
        HostError: the place cannot be written.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}")
    arrays = {name: value for name, value in done._asdict().items() if value is not None}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as stream:
            np.savez(stream, **{**arrays, "meta": np.array(json.dumps(done.meta))})
        os.replace(part, file)
    except OSError as error:
        raise HostError(f"cannot write {file}: {error}") from error
    finally:
        part.unlink(missing_ok=True)  # also after Ctrl-C


def load(file: Path, key: dict) -> Pass:
    """A pass from its file; ``key``: what must have decided it.

    Raises:
        Unfit: unreadable, damaged (every array has a CRC-32), or of another key.
    """
    try:
        with np.load(file, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        meta = json.loads(str(arrays.pop("meta")))
        lists = {name: arrays.pop(name).tolist() for name in ("labels", "types", "views")}
        done = Pass(**{"ven_kind": None, "ven_hidden": None, **lists, **arrays}, meta=meta)
    except Exception as error:  # zipfile, zlib, struct and NumPy have their own errors for a damaged byte
        raise Unfit(f"it cannot be read ({error})") from error
    if meta["key"] != key:
        raise Unfit("it was made by other inputs than its name says")
    return done
