"""Where the passes of a run lie, whole and in parts."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np

from ...base.errors import HostError
from ...training.inputs import save_folder
from .cache_key import name_of
from .embedding_file import Pass, Unfit, clear, load, read, save, write


class NotKept:
    """A pass in memory alone."""

    def __init__(self, cfgs: dict, key: dict):
        """For one pass."""
        self.key, self.held, self.done, self.folder = key, {}, None, None

    def found(self) -> int:
        """The number of sequences of the pass that is kept; 0 where none is."""
        return 0

    def missing(self, parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those parts (first position, the one below the last) that are not done."""
        return parts

    def add(self, first: int, last: int, arrays: dict) -> None:
        """A part is done."""
        self.held[first] = arrays

    def parts(self) -> list[dict]:
        """All parts, in order."""
        return [self.held[first] for first in sorted(self.held)]

    def finish(self, done: Pass) -> None:
        """The pass is done; its parts are let go."""
        self.done, self.held = done, {}

    def taken(self) -> Pass:
        """The pass."""
        return self.done


class Kept(NotKept):
    """A pass in ``<output>/<dataset>/<model>/<save_name>/embeddings/<name>.npz``; while it runs, parts in ``<name>.parts/``.

    For rank 0. Files appear whole, so a killed process leaves parts that are done, and at most a temporary file that the next run
    removes; two processes that run the same pass write the same files.
    """

    def __init__(self, cfgs: dict, key: dict):
        """For one pass of a prepared configuration."""
        super().__init__(cfgs, key)
        folder, name = save_folder(cfgs, "evaluator_cfg") / "embeddings", name_of(key)
        self.file, self.folder = folder / f"{name}.npz", folder / f"{name}.parts"
        self.mark = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()

    def found(self) -> int:
        """See `NotKept`; a file that does not fit is told of, and not used."""
        clear(self.file)
        if not self.file.is_file():
            return 0
        try:
            self.done = load(self.file, self.key)
        except Unfit as error:
            _warn(f"{self.file} is not used, its pass is run anew: {error}")
            return 0
        return len(self.done.labels)

    def missing(self, parts):
        """See `NotKept`; parts on the disk are taken in."""
        return [part for part in parts if not self._take(*part)]

    def _take(self, first: int, last: int) -> bool:
        file = self.folder / f"{first:06d}-{last:06d}.npz"
        if not file.is_file():
            return False
        try:
            arrays = read(file)
            if str(arrays.pop("key", "")) != self.mark or {name: len(value) for name, value in arrays.items()} != {
                "embeddings": last - first,
                "facts": last - first,
            }:
                raise Unfit("it is no part of this pass")
        except Unfit as error:
            _warn(f"{file} is not used, these sequences are embedded anew: {error}")
            return False
        self.held[first] = arrays
        return True

    def add(self, first, last, arrays):
        """See `NotKept`; it is written at once."""
        super().add(first, last, arrays)
        write(self.folder / f"{first:06d}-{last:06d}.npz", {**arrays, "key": np.array(self.mark)})

    def finish(self, done):
        """See `NotKept`; the parts make place for the whole."""
        super().finish(done)
        save(self.file, done)
        shutil.rmtree(self.folder, ignore_errors=True)


def reread(cfgs: dict, done: Pass) -> Pass:
    """A pass that was kept in this run, from its file.

    Raises:
        HostError: it is gone or was changed since.
    """
    file = Kept(cfgs, done.meta["key"]).file
    try:
        return load(file, done.meta["key"])
    except Unfit as error:
        raise HostError(f"{file} was kept a moment ago and is needed again: {error}. Run the same command again") from error


def _warn(text: str) -> None:
    from utils import get_msg_mgr

    get_msg_mgr().log_warning(text)
