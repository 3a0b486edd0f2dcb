"""The fingerprint of a tree: the same for the same data, wherever it lies and however it was walked or pickled.

``values`` is SHA-256 over the identities in order, each with the SHA-256 over its ``.pkl`` files in the order of their paths: the path
below the root, and of its array the dtype, the shape and the SHA-256 of the values. So two trees have the same ``values`` when every
sequence has the same name and the same numbers, in whatever pickle protocol. Of a file that is no array its bytes count. Not covered:
files that are not named ``.pkl``, pickles at another depth than ``<id>/<type>/<view>/``, empty folders, times, permissions, and the
partition.

``listing`` is the same over paths and sizes in bytes alone: to see in seconds, without reading, whether the tree is still the one that was
read. It changes with the pickle protocol.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Iterable
from pathlib import Path


def joined(parts: Iterable[tuple[str, str]]) -> str:
    """``sha256:...`` of (identity, hash) pairs, in the order of the identities."""
    total = hashlib.sha256()
    for label, found in sorted(parts):
        total.update(f"{label}\n{found}\n".encode("utf-8", "surrogateescape"))
    return "sha256:" + total.hexdigest()


def file_of(root: str | os.PathLike) -> Path:
    """Where the fingerprint of a tree is kept: beside it, ``<root>.fingerprint.json``."""
    root = Path(root).resolve()
    return root.with_name(root.name + ".fingerprint.json")


def recorded(root: str | os.PathLike, file: str | os.PathLike | None = None, within: float = math.inf) -> dict | None:
    """What `check data` wrote of this tree, or None where it did not.

    Args:
        root: the folder of identities.
        file: where it was written; None = `file_of`.
        within: seconds to look at every name and size again. A local disk gives some 10,000 files a second, a network's far fewer.

    Returns:
        ``values`` and ``listing`` (see the module), ``ids``, ``sequences``, ``files``, ``bytes``, ``passed``, ``date``, ``version``; and
        ``same``: is ``listing`` still that of the tree? None where the time did not suffice.
    """
    try:
        found = json.loads(Path(file or file_of(root)).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or "values" not in found:
        return None
    now = listing_of(root, within)
    return {**found, "same": None if now is None else found.get("listing") == now}


def listing_of(root: str | os.PathLike, within: float = math.inf) -> str | None:
    """``listing`` of a tree as it is now; reads no file. None: it took longer than ``within`` seconds."""
    root, parts, end = os.fspath(root), [], time.monotonic() + within
    for label in _names(root):
        if time.monotonic() > end:
            return None
        lines = []
        for kind in _names(os.path.join(root, label)):
            for view in _names(os.path.join(root, label, kind)):
                where = f"{label}/{kind}/{view}"
                for name in _names(os.path.join(root, where), files=True):
                    lines.append((f"{where}/{name}", _size(os.path.join(root, where, name))))
        if lines:
            text = "".join(f"{path}\n{size}\n" for path, size in sorted(lines))
            parts.append((label, hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()))
    return joined(parts)


def _names(path: str, files: bool = False) -> list[str]:
    """Folders in a folder, or its ``.pkl`` files; none where it cannot be read."""
    try:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if (entry.name.endswith(".pkl") and not entry.is_dir() if files else entry.is_dir())]
    except OSError:
        return []


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1
