"""Find the host: an OpenGait checkout, or the embedded stand-in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from ..base.errors import HostError
from ..base.versions import commit_of

EMBEDDED = Path(__file__).resolve().parent / "embedded"
MARKERS = ("opengait/main.py", "opengait/modeling/base_model.py", "configs/default.yaml")


class Host(NamedTuple):
    """A host on the disk.

    ``name``: ``opengait`` or ``embedded``; ``root``: folder that its relative paths (configs/, datasets/) refer to; ``source``: folder
    on the import path; ``why``: how it was chosen.
    """

    name: str
    root: Path
    source: Path
    why: str

    @property
    def commit(self) -> str:
        """Commit of the checkout; a text that says so if it has no git history."""
        return "part of opengait_mimic" if self.name == "embedded" else commit_of(self.root)


def embedded(why: str) -> Host:
    """The stand-in host."""
    return Host("embedded", EMBEDDED, EMBEDDED, why)


def missing_markers(root: Path) -> list[str]:
    """The marker files of a checkout that ``root`` lacks."""
    return [marker for marker in MARKERS if not (root / marker).is_file()]


def checkout(root: Path, why: str) -> Host:
    """The checkout at ``root``.

    Raises:
        HostError: it is not one; the message names the missing files.
    """
    root = Path(root).expanduser().resolve()
    lacks = missing_markers(root)
    if lacks:
        raise HostError(
            f"{root} ({why}) is not an OpenGait checkout: {', '.join(lacks)} not found there. Give the folder that `git clone"
            " https://github.com/ShiqiYu/OpenGait` makes, or `embedded`"
        )
    return Host("opengait", root, root / "opengait", why)


def cache_folder() -> Path:
    """The user's folder for a checkout: ``$XDG_CACHE_HOME/opengait_mimic/OpenGait``, by default below ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opengait_mimic" / "OpenGait"


def find(spec: str | os.PathLike | None = None) -> Host:
    """Choose the host: ``spec`` > ``OPENGAIT_ROOT`` > the working folder and its parents > the user cache > embedded.

    Args:
        spec: a checkout's folder, ``embedded``, or None.

    Raises:
        HostError: ``spec`` or ``OPENGAIT_ROOT`` is given and is not a checkout.
    """
    if spec is not None:
        return embedded("--host embedded") if str(spec) == "embedded" else checkout(Path(spec), "--host")
    if os.environ.get("OPENGAIT_ROOT"):
        return checkout(Path(os.environ["OPENGAIT_ROOT"]), "OPENGAIT_ROOT")
    here = Path.cwd()
    for folder in (here, *here.parents):
        if not missing_markers(folder):
            return checkout(folder, "the working folder or a parent of it")
    if not missing_markers(cache_folder()):
        return checkout(cache_folder(), "the user cache folder")
    return embedded("no OpenGait checkout found")
