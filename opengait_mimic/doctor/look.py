"""What lies in the folder of one identity: its sequences, the facts of every file, and what is wrong with them."""

from __future__ import annotations

import hashlib
import math
import os
import re
from typing import NamedTuple

import numpy as np

from .errors import PickleError
from .frames import are_points, shares, unlike
from .pickles import content
from .pickles import whole as read
from .problems import Problem


class File(NamedTuple):
    """A file that could be read: frames, the size of one ``(h, w)`` (or other axes), dtype, smallest and largest value, frames all zero.

    ``listed``: a list, an item a frame. ``unlike``: the sizes of its items where there are several (`frames.unlike`); ``size`` and
    ``dtype`` are then the first one's, and ``points`` says whether they are point clouds. ``edge`` and ``grey``: `frames.shares`.
    """

    name: str
    frames: int
    size: tuple
    dtype: str
    low: float
    high: float
    blank: int = 0
    listed: bool = False
    unlike: str = ""
    points: bool = False
    edge: float = 0.0
    grey: float = 0.0


class Sequence(NamedTuple):
    """A folder ``label/type/view`` with its files by name; None for one that could not be read."""

    label: str
    type: str
    view: str
    files: tuple

    def __str__(self):
        return f"{self.label}/{self.type}/{self.view}"


class Look(NamedTuple):
    """What an identity has, or a piece of it; ``values`` and ``listing`` are hashes, see `fingerprint`.

    ``hashes`` are those of its files, as (path, bytes, hash); ``rest`` the lists of types that were not looked at.
    """

    label: str
    sequences: list
    problems: list
    bytes: int
    hashes: list
    rest: list

    @property
    def files(self) -> int:
        """Their number."""
        return len(self.hashes)

    @property
    def values(self) -> str:
        """Over the values of every file."""
        return self._joined((path, digest) for path, _, digest in self.hashes)

    @property
    def listing(self) -> str:
        """Over the sizes of every file."""
        return self._joined((path, size) for path, size, _ in self.hashes)

    @staticmethod
    def _joined(parts) -> str:
        total = hashlib.sha256()
        for path, value in sorted(parts):
            total.update(f"{path}\n{value}\n".encode("utf-8", "surrogateescape"))
        return total.hexdigest()


PIECE = 64
"""Types of an identity that one process looks through at a time: GREW's ``probe`` is a single folder of tens of thousands."""


def look_at(root: str, label: str, types: list[str] | None = None) -> Look:
    """Look through ``root/label``, or through some types of it; reads every file once, runs nothing.

    Args:
        root: the folder of identities.
        label: one of them.
        types: folders in it that are known; None = list them, look through the first `PIECE` and name the others in ``rest``.
    """
    return _Looker(root, label).look(types)


def whole(pieces: list[Look]) -> Look:
    """One look of all pieces of an identity."""
    label = pieces[0].label
    sequences, problems, hashes = (
        [each for piece in pieces for each in getattr(piece, name)] for name in ("sequences", "problems", "hashes")
    )
    if not sequences:
        problems.append(Problem("hollow", label, "an identity without a sequence"))
    return Look(label, sequences, problems, sum(piece.bytes for piece in pieces), hashes, [])


class _Looker:
    def __init__(self, root: str, label: str):
        self.root, self.label = root, label
        self.sequences, self.problems, self.bytes, self.hashes = [], [], 0, []

    def look(self, types: list[str] | None) -> Look:
        rest = []
        if types is None:
            types = self._folders(self.label)
            types, *rest = [types[at : at + PIECE] for at in range(0, len(types), PIECE)] or [[]]
        for kind in types:
            for view in self._folders(f"{self.label}/{kind}"):
                self._sequence(kind, view)
        return Look(self.label, self.sequences, self.problems, self.bytes, self.hashes, rest)

    def _tell(self, kind: str, where: str, found: str, weight: float = 0.0) -> None:
        self.problems.append(Problem(kind, where, found, weight))

    def _entries(self, path: str) -> list[tuple[str, str]]:
        """Names in a folder, sorted, each with ``folder``, ``file`` or ``other``, behind ``link to`` where it is a link."""
        found = []
        try:
            with os.scandir(f"{self.root}/{path}") as entries:
                for entry in entries:
                    where = f"{path}/{entry.name}"
                    odd(entry.name, where, self.problems)
                    try:
                        what = "folder" if entry.is_dir() else "file" if entry.is_file() else "other"
                    except OSError as error:
                        self._tell("unreadable", where, error.strerror or str(error))
                        continue
                    link = entry.is_symlink()
                    if what == "folder" and link and self._loops(where):
                        continue
                    if what == "other":
                        broken = f"a link to {os.readlink(entry.path)}, which is not there" if link else "neither a file nor a folder"
                        self._tell("unreadable", where, broken)
                    found.append((entry.name, what))
        except OSError as error:
            self._tell("unreadable", path, error.strerror or str(error))
        return sorted(found)

    def _loops(self, where: str) -> bool:
        """Does a link lead to a folder that it lies in? Tells it."""
        full = os.path.join(self.root, where)
        target = os.path.realpath(full) + os.sep
        if not (os.path.realpath(os.path.dirname(full)) + os.sep).startswith(target):
            return False
        self._tell("loop", where, f"a link to {os.readlink(full)}")
        return True

    def _folders(self, path: str) -> list[str]:
        """The folders in a folder that should hold folders alone."""
        folders = []
        for name, what in self._entries(path):
            if what == "folder":
                folders.append(name)
            elif name.endswith(".pkl"):
                self._tell("depth", f"{path}/{name}", "a pickle where folders should be")
            else:
                self._tell("stray", f"{path}/{name}", "a file among folders")
        if not folders and path != self.label:
            self._tell("hollow", path, "a folder without folders")
        return folders

    def _sequence(self, kind: str, view: str) -> None:
        folder, files = f"{self.label}/{kind}/{view}", []
        for name, what in self._entries(folder):
            where = f"{folder}/{name}"
            if what == "folder":
                self._tell("depth", where, "a folder where pickles should be")
            elif not name.endswith(".pkl"):
                self._tell("stray", where, "not named .pkl")
            elif what == "file":
                files.append(self._file(name, where))
            else:
                files.append(self._bad(where, -1, "unreadable"))
        if files:
            self.sequences.append(Sequence(self.label, kind, view, tuple(files)))
        else:
            self._tell("hollow", folder, "no .pkl in it")

    def _bad(self, where: str, size: int, standing: str) -> None:
        """A file that gives no array still counts in the fingerprint."""
        self.hashes.append((where, size, standing))

    def _file(self, name: str, where: str) -> File | None:
        try:
            with open(f"{self.root}/{where}", "rb", buffering=0) as stream:
                data = read(stream)
        except (OSError, MemoryError) as error:
            self._tell("unreadable", where, getattr(error, "strerror", None) or str(error) or type(error).__name__)
            return self._bad(where, -1, "unreadable")
        self.bytes += len(data)
        try:
            found = content(data)
        except (PickleError, MemoryError) as error:
            self._tell(getattr(error, "kind", "damaged"), where, getattr(error, "why", "takes more memory than there is"), -len(data))
            return self._bad(where, len(data), "bytes " + hashlib.sha256(data).hexdigest())
        self.hashes.append((where, len(data), digest(found)))
        return self._facts(name, where, found)

    def _facts(self, name: str, where: str, found) -> File | None:
        listed = not isinstance(found, np.ndarray)
        if listed and (sizes := unlike(found)):
            return self._unlike(name, where, found, sizes)
        found = np.asarray(found)
        kind = found.dtype.kind
        if kind not in "biuf":  # whole numbers without end
            self._tell("not an array", where, f"a list of numbers that no array holds ({found.dtype})")
            return None
        highs = found.reshape(len(found), -1).max(1)
        dark = kind in "bu" and not found.item(0)  # the corner of a silhouette: nothing is smaller
        low, high = 0.0 if dark else float(found.min()), float(highs.max())
        finite = math.isfinite(low) and math.isfinite(high)
        if not finite:
            self._tell(
                "not finite", where, f"in {np.count_nonzero(~np.isfinite(found.sum(tuple(range(1, found.ndim)))))} of {len(found)} frames"
            )
        blank = len(found) - int(np.count_nonzero(highs)) if low == 0 else 0
        seen = shares(found, high) if finite and found.ndim == 3 and 0 <= low < high else (0.0, 0.0)
        return File(name, len(found), found.shape[1:], found.dtype.str, low, high, blank, listed, "", False, *seen)

    def _unlike(self, name: str, where: str, found, sizes: str) -> File:
        """A list whose items make no array: point clouds, or a mistake."""
        items = [np.asarray(item) for item in found]
        ends = [(item.min(), item.max()) for item in items if item.size]
        low, high = np.array(ends, float).T if ends else np.zeros((2, 1))
        bad = np.count_nonzero(~(np.isfinite(low) & np.isfinite(high)))
        if bad:
            self._tell("not finite", where, f"in {bad} of {len(items)} frames")
        first = (items[0].shape, items[0].dtype.str)
        return File(name, len(items), *first, float(low.min()), float(high.max()), 0, True, sizes, are_points(found))


PLAIN = re.compile(r"[\w.+=@~,;-]+", re.ASCII)


def odd(name: str, where: str, problems: list) -> None:
    """Tell of a name that other programs trip over."""
    if PLAIN.fullmatch(name):
        return
    if not name.isprintable() or name != name.strip() or any(character in name for character in '\\:*?"<>|'):
        problems.append(Problem("names", where, 'control or undecodable characters, blanks at an end, or one of \\ : * ? " < > |'))


def digest(found) -> str:
    """What stands for an array (or list of items) in the fingerprint: its type, shape and values, not how they were pickled."""
    if isinstance(found, np.ndarray):
        value = np.ascontiguousarray(found)
        return f"{found.dtype.str} {found.shape} {hashlib.sha256(value.reshape(-1).view(np.uint8)).hexdigest()}"
    each = "\n".join(digest(item) if isinstance(item, np.ndarray) else repr(item) for item in found)
    return f"list {len(found)} {hashlib.sha256(each.encode()).hexdigest()}"
