"""Git commit of a folder that holds code."""

from __future__ import annotations

import subprocess
from pathlib import Path

UNKNOWN = "unknown (no git history here)"


def commit_of(root: Path) -> str:
    """The commit checked out at ``root``, the top of a working tree; else `UNKNOWN`."""
    commit, top = _git(root, "rev-parse", "--short", "HEAD"), _git(root, "rev-parse", "--show-toplevel")
    return commit if commit and top and Path(top).resolve() == root.resolve() else UNKNOWN


def is_dirty(root: Path) -> bool | None:
    """Whether tracked files at ``root`` differ from the commit; None without git history. New files do not count."""
    if commit_of(root) == UNKNOWN:
        return None
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return None if changes is None else bool(changes)


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
