"""What a user reads of an error: a message with a way out; a traceback only where the error is nobody's known fault."""

from __future__ import annotations

import builtins
import ctypes
import errno
import re
import traceback
from typing import NamedTuple

from .ending import WORKER_STOPPED, Terminated
from .errors import ConfigError, HostError

SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HINTS = {
    **dict.fromkeys(SPACE, "free some space, or choose another folder; what was saved before is untouched"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose a place that you may read and write"),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR, errno.EEXIST), "move what stands there aside, or choose another name"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise `ulimit -n`, or set data_cfg.num_workers lower"),
    **dict.fromkeys((errno.EIO, errno.ESTALE, errno.ETIMEDOUT), "the disk or the network share failed: look at it, then start again"),
}
_LOST = re.compile(
    r"gloo|nccl|Connection (closed|reset|refused)|Broken pipe|TCPStore|(send|recv)(Value|Bytes|Vector)|Timed out waiting", re.I
)
_DEAD_WORKER = re.compile(r"DataLoader worker \(pid.*?(exited unexpectedly|killed by signal: [\w ]+)", re.S)
_MEMORY = re.compile(r"out of memory|can't allocate memory|Cannot allocate memory", re.I)


class Ending(NamedTuple):
    """How a program ends: exit status, message (empty: another says it), traceback where one helps, and whether the cause may be another
    process: a connection broke, or SIGTERM came.
    """

    status: int
    text: str
    trace: str = ""
    by_another: bool = False


def ending(error: BaseException, again: str = "") -> Ending:
    """What an exception that ends the program means.

    Args:
        error: it.
        again: what to do after the program was stopped, for people.
    """
    while error.__context__ is not None and (_is_lost(error) or _hides(error)):
        error = error.__context__
    if isinstance(error, RuntimeError) and WORKER_STOPPED in str(error):
        error = Terminated()
    if isinstance(error, SystemExit):
        return Ending(1, error.code) if isinstance(error.code, str) else Ending(error.code or 0, "")
    if isinstance(error, KeyboardInterrupt):
        status, said = (143, "stopped by SIGTERM") if isinstance(error, Terminated) else (130, "stopped")
        return Ending(status, f"\n{said}; {again}" if again else f"\n{said}", by_another=status == 143)
    if _is_lost(error):
        return Ending(1, f"error: the connection to the other processes broke: {_first_line(error)}", by_another=True)
    known = _known(error)
    if known is not None:
        return Ending(1, f"error: {known}")
    name, said = _from_worker(str(error)) or (type(error).__name__, str(error))
    text = f"error: {name}: {said.strip() or '(no message)'} (unexpected: please report it with the traceback above)"
    return Ending(1, text, "".join(traceback.format_exception(type(error), error, error.__traceback__)))


def _known(error: BaseException) -> str | None:
    """The message of an error that a user can mend; None = it is none."""
    said = str(error)
    if (inner := _from_worker(said)) is not None:
        name, text = inner
        if name.startswith("opengait_mimic."):
            return text
        if _is_os_error(name):
            return f"{text}; it was there or readable when the run began, if the run had read it before: look at the data, then start again"
        return None
    if isinstance(error, (HostError, ConfigError, FloatingPointError)) or type(error).__module__.startswith("opengait_mimic."):
        return said
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _MEMORY.search(said)):
        return f"out of memory ({_first_line(error)}): fewer sequences in a batch, fewer frames, fewer loader workers, or a larger machine"
    if isinstance(error, OSError):
        if error.strerror is None:  # one of ours, which says all
            return said
        hint = _HINTS.get(error.errno)
        return f"{error.filename or 'the system'}: {error.strerror}{'; ' + hint if hint else ''}"
    if isinstance(error, RuntimeError) and (dead := _DEAD_WORKER.search(said)):
        return (
            f"a loader's worker died ({dead[1]}): the system ended it, mostly for want of memory (see dmesg) or of shared memory"
            " (/dev/shm). Set data_cfg.num_workers lower; 0 reads in the process itself"
        )
    return None


def _hides(error: BaseException) -> bool:
    """Whether it stands for another error: OpenGait's losses raise an empty ``ArgumentError`` whatever happens in them."""
    return isinstance(error, ctypes.ArgumentError) and not str(error)


def _is_lost(error: BaseException) -> bool:
    """Whether another process, or the store, went away; often while the others were told of an earlier error."""
    return isinstance(error, RuntimeError) and not type(error).__module__.startswith("opengait_mimic.") and bool(_LOST.search(str(error)))


def _from_worker(said: str) -> tuple[str, str] | None:
    """The name and the text of an error that a loader's worker sent, which arrives as a traceback inside a message."""
    if not re.match(r"\W*Caught \w+ in DataLoader worker process", said):
        return None
    last = said.rsplit("Traceback (most recent call last):", 1)[-1].splitlines()
    frames = [at for at, line in enumerate(last) if line.startswith("  ")]
    name, _, text = "\n".join(last[frames[-1] + 1 if frames else 0 :]).strip().partition(": ")
    return name, text


def _is_os_error(name: str) -> bool:
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, OSError)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
