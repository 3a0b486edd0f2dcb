"""Where an error was raised: in this package, or in the host's or a user's code, which a configuration or data may have misled."""

from __future__ import annotations

import ctypes
import traceback
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_EMBEDDED = _PACKAGE / "host" / "embedded"
_LIBRARIES = {"site-packages", "dist-packages", Path(traceback.__file__).parent.name}


def find_cause(error: BaseException) -> BaseException:
    """The error itself; of OpenGait's losses, which raise an empty ``ArgumentError`` for every error inside them, that error."""
    while isinstance(error, ctypes.ArgumentError) and not str(error) and error.__context__ is not None:
        error = error.__context__
    return error


def _last_frame(error: BaseException) -> traceback.FrameSummary | None:
    """The innermost frame that is not in a library."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_ours(frame) or not _LIBRARIES & set(Path(frame.filename).parts)]
    return own[-1] if own else None


def _is_ours(frame: traceback.FrameSummary) -> bool:
    parents = Path(frame.filename).resolve().parents
    return _PACKAGE in parents and _EMBEDDED not in parents


def is_raised_here(error: BaseException) -> bool:
    """Whether this package's own code, without the embedded host, raised the error or called the library that did."""
    frame = _last_frame(error)
    return frame is None or _is_ours(frame)


def describe_error(error: BaseException) -> str:
    """Type, file and line, and the first line of what it says."""
    frame = _last_frame(error)
    where = f" in {Path(frame.filename).name}, line {frame.lineno}" if frame else ""
    return ": ".join([f"{type(error).__name__}{where}", *str(error).splitlines()[:1]])
