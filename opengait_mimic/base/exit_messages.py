"""What a user reads when a command ends: one line with the cure; a traceback only for errors that nothing here knows."""

from __future__ import annotations

import builtins
import errno
import re
import signal
import traceback
from typing import Callable, NamedTuple

from .error_origin import find_cause, is_raised_here
from .errors import ConfigError, HostError

_CURES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free some space, or choose another folder; saved files are unchanged"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose a place that you may read and write"),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR, errno.EEXIST), "move that file or folder away, or choose another name"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise `ulimit -n`, or set data_cfg.num_workers lower"),
    **dict.fromkeys((errno.EIO, errno.ESTALE, errno.ETIMEDOUT), "the disk or the network share failed: check it, then start again"),
}
_LOST_CONNECTION = re.compile(
    r"gloo|nccl|Connection (closed|reset|refused)|Broken pipe|TCPStore|(send|recv)(Value|Bytes|Vector)|Timed out waiting", re.I
)
_DEAD_WORKER = re.compile(r"DataLoader worker \(pid.*?(exited unexpectedly|killed by signal: [\w ]+)", re.S)
_WORKER_GOT_SIGTERM = "is killed by signal: Terminated"
_MEMORY = re.compile(r"out of memory|can't allocate memory|Cannot allocate memory", re.I)


class ExitMessage(NamedTuple):
    """How a command ends.

    ``status``: exit status; ``text``: the message, empty if there is nothing to add; ``traceback``: of unknown errors;
    ``caused_elsewhere``: another rank failed first.
    """

    status: int
    text: str
    traceback: str = ""
    caused_elsewhere: bool = False


def exit_message(error: BaseException | signal.Signals, again: Callable[[], str] = str) -> ExitMessage:
    """The message for what ended a command.

    Args:
        error: the exception, or SIGTERM.
        again: asked after Ctrl-C or SIGTERM what the user can do next.
    """
    while isinstance(error, BaseException) and error.__context__ is not None:
        if not _lost_connection(error) and find_cause(error) is error:
            break
        error = error.__context__
    if error is signal.SIGTERM or (isinstance(error, RuntimeError) and _WORKER_GOT_SIGTERM in str(error)):
        return ExitMessage(143, "\n" + "; ".join(filter(None, ("stopped by SIGTERM", again()))))
    if isinstance(error, KeyboardInterrupt):
        return ExitMessage(130, "\n" + "; ".join(filter(None, ("stopped", again()))))
    if isinstance(error, SystemExit):
        if isinstance(error.code, str):
            return ExitMessage(1, error.code)
        return ExitMessage(error.code or 0, "", caused_elsewhere=error.code == 1)  # `on_rank_0` failed on rank 0
    if _lost_connection(error):
        text = f"error: the connection to the other processes broke: {_headline(error)}. Their output names the cause"
        return ExitMessage(1, text, caused_elsewhere=True)
    known = _known(error)
    if known is not None:
        return ExitMessage(1, f"error: {known}")
    name, text = _from_worker(str(error)) or (type(error).__name__, str(error))
    advice = "raised in the host's code, see the traceback above: check the key, file or data it reads"
    if is_raised_here(error):
        advice = "unexpected: please report it with the traceback above"
    shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return ExitMessage(1, f"error: {name}: {text.strip() or '(no message)'} ({advice})", shown)


def _known(error: BaseException) -> str | None:
    """The message of a known error, with its cure; None for any other."""
    text = str(error)
    if (in_worker := _from_worker(text)) is not None:
        name, text = in_worker
        if name.startswith("opengait_mimic."):
            return text
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, OSError):
            return f"{text}; the data changed or cannot be read: check them, then start again"
        return None
    if isinstance(error, (HostError, ConfigError, FloatingPointError)) or _is_ours(error):
        return text
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _MEMORY.search(text)):
        return f"out of memory ({_headline(error)}): use a smaller batch, fewer frames, fewer loader workers, or a larger machine"
    if isinstance(error, OSError):
        if error.strerror is None:  # one of ours, complete
            return text
        cure = _CURES.get(error.errno)
        return f"{error.filename or 'the system'}: {error.strerror}{'; ' + cure if cure else ''}"
    if isinstance(error, UnicodeEncodeError):
        return f"this console's encoding ({error.encoding}) cannot write {ascii(error.object[:80])}: set PYTHONUTF8=1 and start again"
    if isinstance(error, RuntimeError) and (dead := _DEAD_WORKER.search(text)):
        return (
            f"a loader worker died ({dead[1]}). The system ends one when memory (see dmesg) or shared memory (/dev/shm) runs out. Set"
            " data_cfg.num_workers lower; 0 reads in the main process"
        )
    return None


def _is_ours(error: BaseException) -> bool:
    return type(error).__module__.startswith("opengait_mimic.")


def _lost_connection(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and not _is_ours(error) and bool(_LOST_CONNECTION.search(str(error)))


def _from_worker(text: str) -> tuple[str, str] | None:
    """Name and text of an error in a loader worker, which arrives as a traceback inside a message."""
    if not re.match(r"\W*Caught \w+ in DataLoader worker process", text):
        return None
    last = text.rsplit("Traceback (most recent call last):", 1)[-1].splitlines()
    frames = [at for at, line in enumerate(last) if line.startswith("  ")]
    name, _, text = "\n".join(last[frames[-1] + 1 if frames else 0 :]).strip().partition(": ")
    return name, text


def _headline(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
