"""Versions of code and libraries, and the date."""

from __future__ import annotations

import datetime
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import torch

UNKNOWN = "unknown (no git history here)"


def commit_of(root: Path) -> str:
    """The commit checked out at ``root``, the top of a working tree; else `UNKNOWN`."""
    found, top = _git(root, "rev-parse", "--short", "HEAD"), _git(root, "rev-parse", "--show-toplevel")
    return found if found and top and Path(top).resolve() == root.resolve() else UNKNOWN


def is_dirty(root: Path) -> bool | None:
    """Whether tracked files at ``root`` differ from the commit; None without git history. New files do not count."""
    if commit_of(root) == UNKNOWN:
        return None
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return None if changed is None else bool(changed)


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def library_versions() -> dict[str, str]:
    """Versions of python, torch, numpy and kornia; of CUDA if torch is built with it, and of OpenCV if it is loaded."""
    found = {"python": platform.python_version(), "torch": torch.__version__}
    found.update({name: metadata.version(name) for name in ("numpy", "kornia")})
    if torch.version.cuda:
        found["cuda"] = torch.version.cuda
    if "cv2" in sys.modules:  # the host's transforms use it
        found["cv2"] = sys.modules["cv2"].__version__
    return found


def utc_now(precise: bool = False) -> str:
    """UTC, ISO 8601, to the second; to the microsecond if ``precise``."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds" if precise else "seconds")
