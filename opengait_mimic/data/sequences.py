"""Read every sequence ``<root>/<id>/<type>/<view>/*.pkl`` once, in several processes, and note what cannot be read."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import NamedTuple

from .frames import Frames, describe_frames
from .safe_pickle import PickleError, load_frames


class Problem(NamedTuple):
    """One problem: its kind (a key of `KINDS`), the path below the root, what is wrong there; the larger ``weight``, the worse."""

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


def list_sequences(root: str, problems: list[Problem]) -> Iterator[tuple[str, str, str, list[str]]]:
    """Label, type, view and the names of the pickles of every sequence."""
    labels, files = _list_folder(root, "", problems)
    problems += [Problem("depth", file, "a pickle next to the identities") for file in files if file.endswith(".pkl")]
    for label in labels:
        for kind in _list_folders(root, label, problems):
            for view in _list_folders(root, f"{label}/{kind}", problems):
                folder = f"{label}/{kind}/{view}"
                folders, files = _list_folder(root, folder, problems)
                pickles = [name for name in files if name.endswith(".pkl")]
                problems += [Problem("depth", f"{folder}/{name}", "a folder where pickles should be") for name in folders]
                problems += [Problem("stray", f"{folder}/{name}", "not named .pkl") for name in files if name not in pickles]
                if pickles:
                    yield label, kind, view, pickles
                else:
                    problems.append(Problem("hollow", folder, "no .pkl in it"))


def _list_folders(root: str, path: str, problems: list[Problem]) -> list[str]:
    """The folders in a folder that should hold nothing else."""
    folders, files = _list_folder(root, path, problems)
    for name in files:
        kind, what = ("depth", "a pickle where folders should be") if name.endswith(".pkl") else ("stray", "a file among folders")
        problems.append(Problem(kind, f"{path}/{name}", what))
    if not folders:
        problems.append(Problem("hollow", path, "no folder in it"))
    return folders


def _list_folder(root: str, path: str, problems: list[Problem]) -> tuple[list[str], list[str]]:
    """Names of the folders and of the files in a folder."""
    folders, files = [], []
    try:
        with os.scandir(os.path.join(root, path)) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append(entry.name)
                elif entry.is_file():
                    files.append(entry.name)
                else:
                    problems.append(Problem("unreadable", f"{path}/{entry.name}".lstrip("/"), "a broken link, or not a file"))
    except OSError as error:
        problems.append(Problem("unreadable", path or ".", error.strerror or str(error)))
    return sorted(folders), sorted(files)


def read_sequences(root: str, folders: list, workers: int) -> Iterator[tuple[Sequence, list[Problem]]]:
    """`read_sequence` of every listed folder, in their order.

    Raises:
        ChildProcessError: a process died, mostly for lack of memory.
    """
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
