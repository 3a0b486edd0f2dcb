"""Read every sequence ``<root>/<id>/<type>/<view>/*.pkl`` once, in several processes, and note what cannot be read."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..base.files import is_litter
from .frames import Frames, describe_frames
from .safe_pickle import PickleError, load_frames


class Problem(NamedTuple):
    """One problem: its kind (of `check_report`), the path below the root, what is wrong there; the larger ``weight``, the worse."""

    kind: str
    where: str
    what: str
    weight: float = 0.0


class Sequence(NamedTuple):
    """A folder ``label/type/view`` with the facts of its files in the order of their names; None for a file that cannot be read."""

    label: str
    type: str
    view: str
    files: tuple[Frames | None, ...]

    @property
    def folder(self) -> str:
        """Its path below the root."""
        return f"{self.label}/{self.type}/{self.view}"


ENDINGS = {
    "pictures": (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm", ".webp", ".avi", ".mp4", ".mov", ".mkv", ".wmv"),
    "arrays": (".npy", ".npz", ".mat", ".h5", ".hdf5", ".pt", ".pth", ".pickle", ".pk", ".p", ".pkl"),  # .PKL, which OpenGait does not read
    "archives": (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"),
}
"""Kinds of files that are no pickles, by the end of their name in small letters."""


def sort_files(names: Iterable[str]) -> dict[str, list[str]]:
    """Sort names into ``pickles``, the kinds of `ENDINGS` and ``stray``; only those that occur are there."""
    kinds: dict[str, list[str]] = {}
    for name in sorted(names):
        end = os.path.splitext(name)[1]
        kind = "pickles" if end == ".pkl" else next((kind for kind, ends in ENDINGS.items() if end.lower() in ends), "stray")
        kinds.setdefault(kind, []).append(name)
    return kinds


def count_files(names: list[str]) -> str:
    """``1 file``, ``1,000 files``."""
    return f"{len(names):,} file{'s' * (len(names) > 1)}"


def list_sequences(root: str, problems: list[Problem]) -> Iterator[tuple[str, str, str, list[str]]]:
    """Label, type, view and the names of the pickles of every sequence."""

    def add_unreadable(error: OSError) -> None:
        problems.append(Problem("unreadable", os.path.relpath(error.filename, root), error.strerror))

    def add(kind: str, place: str, names: list[str], what: str) -> None:
        if names:
            several = (place or ".", f"{len(names):,} such as {names[0]}: {what}", len(names))
            problems.append(Problem(kind, f"{place}/{names[0]}".lstrip("/"), what) if len(names) == 1 else Problem(kind, *several))

    for path, folders, files in os.walk(root, onerror=add_unreadable, followlinks=True):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        files = [name for name in files if not is_litter(name)]
        parts = Path(path).relative_to(root).parts
        place, kinds = "/".join(parts), sort_files(files)
        pickles = kinds.pop("pickles", [])
        for kind, names in kinds.items() if parts else ():  # other files next to the identities do no harm
            add(kind, place, names, "not a .pkl")
        if len(parts) < 3:
            add("depth", place, pickles, "a pickle where folders should be")
            if parts and not folders and not files:
                problems.append(Problem("hollow", place, "no folder in it"))
            continue
        add("depth", place, folders, "a folder where pickles should be")
        if pickles:
            yield *parts, pickles
        elif not files and not folders:
            problems.append(Problem("hollow", place, "no .pkl in it"))
        folders.clear()


def read_sequences(root: str, folders: list, workers: int) -> Iterator[tuple[Sequence, list[Problem]]]:
    """`read_sequence` of every listed folder, in their order."""
    read = partial(read_sequence, root)
    if workers <= 1:
        yield from map(read, folders)
        return
    try:
        with ProcessPoolExecutor(workers, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)) as pool:
            yield from pool.map(read, folders, chunksize=32)
    except BrokenProcessPool as error:
        raise ChildProcessError(f"a process that read {root} died, mostly for lack of memory: give fewer --workers") from error


def read_sequence(root: str, listed: tuple[str, str, str, list[str]]) -> tuple[Sequence, list[Problem]]:
    """Read the pickles of one sequence: its facts, and what is wrong with single files."""
    label, kind, view, names = listed
    files, problems = [], []
    for name in names:
        where, facts = f"{label}/{kind}/{view}/{name}", None
        try:
            facts = describe_frames(name, load_frames(os.path.join(root, where)))
        except PickleError as error:
            problems.append(Problem(error.kind, where, error.why))
        except OSError as error:
            problems.append(Problem("unreadable", where, error.strerror or str(error)))
        if facts is not None and not (math.isfinite(facts.low) and math.isfinite(facts.high)):
            problems.append(Problem("not finite", where, f"among the numbers of {facts.count} frames"))
        files.append(facts)
    return Sequence(label, kind, view, tuple(files)), problems
