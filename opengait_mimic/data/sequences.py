"""Read every sequence ``<root>/<id>/<type>/<view>/*.pkl`` once, in several processes, and note what cannot be read."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import NamedTuple

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


def list_sequences(root: str, problems: list[Problem]) -> Iterator[tuple[str, str, str, list[str]]]:
    """Label, type, view and the names of the pickles of every sequence."""

    def add_unreadable(error: OSError) -> None:
        problems.append(Problem("unreadable", os.path.relpath(error.filename, root), error.strerror))

    for path, folders, files in os.walk(root, onerror=add_unreadable, followlinks=True):
        folders.sort()
        parts = Path(path).relative_to(root).parts
        place, inside = "/".join(parts), "".join(f"{part}/" for part in parts)
        pickles = sorted(name for name in files if name.endswith(".pkl"))
        if parts:  # other files next to the identities do no harm
            problems += [Problem("stray", inside + name, "not a .pkl") for name in sorted(files) if name not in pickles]
        if len(parts) < 3:
            problems += [Problem("depth", inside + name, "a pickle where folders should be") for name in pickles]
            if parts and not folders:
                problems.append(Problem("hollow", place, "no folder in it"))
            continue
        problems += [Problem("depth", inside + name, "a folder where pickles should be") for name in folders]
        folders.clear()
        if pickles:
            yield *parts, pickles
        else:
            problems.append(Problem("hollow", place, "no .pkl in it"))


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
