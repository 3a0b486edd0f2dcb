"""The one walk through a tree, by several processes."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Callable, NamedTuple

from .fingerprint import joined
from .look import Sequence, look_at, odd, whole
from .problems import Problem


class Tree(NamedTuple):
    """What was found below a root: identities (folders), sequences, problems, bytes and number of the ``.pkl`` files.

    ``values`` and ``listing`` are hashes, see `fingerprint`.
    """

    labels: list
    sequences: list[Sequence]
    problems: list[Problem]
    bytes: int
    files: int
    values: str
    listing: str


def walk(root: str | os.PathLike, workers: int = 0, progress: Callable[[int, int], None] = lambda done, total: None) -> Tree:
    """Look through every identity below ``root``.

    Args:
        root: the folder of identities.
        workers: processes besides this one; 0 = this one alone.
        progress: called with the identities done and their number.

    Raises:
        OSError: the root itself cannot be listed.
        ChildProcessError: a process died (out of memory, as a rule).
    """
    root = os.fspath(root)
    labels, problems = [], []
    with os.scandir(root) as entries:
        for entry in entries:
            odd(entry.name, entry.name, problems)
            try:
                folder = entry.is_dir()
            except OSError as error:
                problems.append(Problem("unreadable", entry.name, error.strerror or str(error)))
                continue
            if folder:
                labels.append(entry.name)
            elif entry.name.endswith(".pkl"):
                problems.append(Problem("depth", entry.name, "a pickle beside the identities"))
            else:
                problems.append(Problem("clutter", entry.name, "a file beside the identities"))
    labels.sort()
    looks = []
    for look in _looks(root, labels, workers):
        looks.append(look)
        progress(len(looks), len(labels))
    looks.sort(key=lambda look: look.label)
    sequences = [sequence for look in looks for sequence in look.sequences]
    problems += [problem for look in looks for problem in look.problems]
    total = (sum(look.bytes for look in looks), sum(look.files for look in looks))
    hashes = (joined((look.label, getattr(look, which)) for look in looks if look.files) for which in ("values", "listing"))
    return Tree(labels, sequences, problems, *total, *hashes)


def _looks(root: str, labels: list[str], workers: int):
    """The looks at every label; identities of many types come last, their pieces shared out."""
    look = partial(look_at, root)
    if workers < 1:
        yield from _joined(look, labels, map, map)
        return
    try:
        with ProcessPoolExecutor(workers, initializer=_patient) as pool:
            together = max(1, min(16, len(labels) // (8 * workers)))
            yield from _joined(look, labels, partial(pool.map, chunksize=together), pool.map)
    except BrokenProcessPool as error:
        raise ChildProcessError(f"a process that read {root} died, as a rule for want of memory: give fewer --workers") from error


def _joined(look, labels: list[str], over_labels, over_pieces):
    """Whole looks: first those of one piece, then the others, whose pieces are begun as soon as they are known."""
    large = []
    for first in over_labels(look, labels):
        if not first.rest:
            yield whole([first])
            continue
        large.append((first, over_pieces(look, [first.label] * len(first.rest), first.rest)))
    for first, others in large:
        yield whole([first, *others])


def _patient() -> None:
    """Ctrl-C is for the first process, which then ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
