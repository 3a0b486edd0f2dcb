"""What every command of ours does on the console: messages, the flags for the host, how it ends."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
import time
from typing import Callable

from ..base.ending import end_now, stoppable
from ..base.exit_messages import Ending, ending
from ..host import watchdog


class _Console(logging.StreamHandler):
    """Writes to what is the standard error stream at that moment."""

    @property
    def stream(self):
        """`sys.stderr`."""
        return sys.stderr

    @stream.setter
    def stream(self, _):
        pass


def log_to_console() -> None:
    """Our own messages on the console; the host's logger has its own handlers."""
    logger = logging.getLogger("opengait_mimic")
    if not logger.handlers:
        handler = _Console()
        handler.setFormatter(logging.Formatter("[%(levelname)s]: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


@contextlib.contextmanager
def friendly_errors(again: Callable[[], str] = str):
    """End the program with one message, whatever happens in the block: see `faults.ending`, and `ending.stoppable` for Ctrl-C and SIGTERM.

    One of several processes tells the others why it ends, and is silent where the one that ended first has said it on this console.

    Args:
        again: asked after the program was stopped what to do then, for people; see `opengait_mimic.base.stopped`.
    """
    with stoppable(lambda signal: _end(signal, again)) as ends_by_itself:
        try:
            yield
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            ends_by_itself()
            _end(error, again)


def _end(error: BaseException, again: Callable[[], str]) -> None:
    """End the program for an error: by SystemExit where it is one process, at once where it is one of several or its main thread waits."""
    found = ending(error, again())
    if watchdog.running is not None and found.status:
        end_now(*_among_others(found, watchdog.running))
    if found.trace:
        print(found.trace, file=sys.stderr)
    if threading.current_thread() is not threading.main_thread():
        end_now(found.status, found.text)
    if found.status == 1 and found.text:
        raise SystemExit(found.text) from None
    if found.text:
        print(found.text, file=sys.stderr)
    raise SystemExit(found.status) from None


def _among_others(found: Ending, watching: watchdog.Watchdog) -> tuple[int, str]:
    """The exit status of one process of several and what it prints: the first cause, and an error of its own before that."""
    text = found.text.replace("error: ", f"error: rank {watching.rank}: ", 1)
    cause = None
    if found.by_another:  # torchrun sends SIGTERM when a process has ended
        cause = watching.cause(3 * watchdog.MISSED)
    elif not text:  # `on_rank_0` failed on rank 0, which is about to tell
        begin = time.monotonic()
        while cause is None and time.monotonic() - begin < watchdog.HEARD:
            cause = watching.cause(watchdog.BEAT)
        if cause is None:
            return found.status, ""
    if cause is None:
        cause = watching.tell(found.status, text)
    own = cause.by == watching.rank
    shown = [found.trace if own else "", watching.shown(cause)]
    if not own and found.status == 1 and not found.by_another and not cause.text.endswith(found.text.partition(": ")[2]):
        shown = [found.trace, text, watching.shown(cause)]
    if own and cause.status == 1:
        _tell_torchrun(cause.text)
    return cause.status, "\n".join(filter(None, shown))


def _tell_torchrun(text: str) -> None:
    """Leave the message where torchrun's own summary, which comes last, finds it."""
    file = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if file:
        with contextlib.suppress(OSError), open(file, "w") as stream:
            json.dump({"message": {"message": text, "extraInfo": {"py_callstack": text, "timestamp": str(int(time.time()))}}}, stream)
