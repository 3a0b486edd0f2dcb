"""How a command is ended from outside: by Ctrl-C, by a cluster's SIGTERM, by another process's failure. No process and no lock stays."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from typing import Callable

GRACE = 5.0
"""Seconds between Ctrl-C or SIGTERM and the end of a process that does not come to it by itself: it waits for others in C code, say."""

WORKER_STOPPED = "is killed by signal: Terminated"
"""What torch says in the main thread where SIGTERM was sent to all processes of a run and a loader's worker was the first to end."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_undo: list[Callable[[], None]] = []
_at_it = threading.Lock()
_stoppable = False
_prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux's
_PR_SET_PDEATHSIG = 1


class Terminated(KeyboardInterrupt):
    """SIGTERM came: a cluster's time is over, or torchrun ends all because one ended."""


@contextlib.contextmanager
def undone(undo: Callable[[], None]):
    """Call ``undo`` when the block ends, also when `end_now` ends the process inside it."""
    _undo.append(undo)
    try:
        yield
    finally:
        _undo.remove(undo)
        undo()


def end_now(status: int, message: str = "") -> None:
    """End this process, from any thread, whatever the main one waits for: print, undo, end its children (loader workers), exit.

    Nothing else runs: no ``finally``, no atexit. What is saved is written under a temporary name and renamed, so it is whole.
    """
    _at_it.acquire()  # and never released: another thread that comes here waits for the end
    sys.unraisablehook = lambda _: None  # the main thread's loader, say, whose workers end
    if message:
        print(message, file=sys.stderr, flush=True)
    for undo in reversed(_undo):
        with contextlib.suppress(Exception):
            undo()
    children = multiprocessing.active_children()
    for child in children:
        child.terminate()
    for child in children:
        child.join(1)
        if child.is_alive():
            child.kill()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(status)


@contextlib.contextmanager
def stoppable(forced: Callable[[KeyboardInterrupt], None]):
    """In the block, SIGINT raises KeyboardInterrupt and SIGTERM `Terminated` in the main thread, once; more of them are ignored.

    Children that are forked in the block (loader workers) ignore SIGINT, which a terminal sends to all: their parent ends them, also by
    its own death (on Linux).

    Yields a function: from its call on the main thread ends by itself, and is not interrupted by either signal, nor by torch's word on a
    worker that ended.

    Args:
        forced: called in another thread with the exception when the block has not ended `GRACE` seconds later; shall end the process.
    """
    global _stoppable
    if threading.current_thread() is not threading.main_thread() or _stoppable:
        yield lambda: None
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    came: list[KeyboardInterrupt] = []
    over = threading.Event()

    def handler(number, _):
        if not came and not over.is_set():
            came.append(Terminated() if number == signal.SIGTERM else KeyboardInterrupt())
            raise came[0]

    def unraisable(found):  # raised inside a __del__, where Python drops it; `enforce` ends the process then
        if found.exc_value not in came and WORKER_STOPPED not in str(found.exc_value):
            unraised(found)

    def enforce():  # the C half of a handler writes the signal's number at once; the Python half may have to wait for the main thread
        while 0 not in (data := os.read(reader, 64)):
            first = next((number for number in data if number in _SIGNALS), None)
            if first is not None and not over.wait(GRACE):
                forced(came[0] if came else Terminated() if first == signal.SIGTERM else KeyboardInterrupt())
                return

    def ends_by_itself():
        over.set()
        before.append((signal.SIGCHLD, signal.signal(signal.SIGCHLD, signal.SIG_DFL)))

    unraised, sys.unraisablehook = sys.unraisablehook, unraisable
    before = [(number, signal.signal(number, handler)) for number in _SIGNALS]
    woken = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    thread = threading.Thread(target=enforce, name="signals", daemon=True)
    thread.start()
    _stoppable = True
    try:
        yield ends_by_itself
    finally:
        _stoppable = False
        over.set()
        if not came:  # a worker's end may still be told while this process comes to its own
            sys.unraisablehook = unraised
        signal.set_wakeup_fd(woken)
        for number, old in before:
            signal.signal(number, old)
        os.write(writer, b"\0")
        thread.join()
        os.close(reader)
        os.close(writer)


def _in_child() -> None:
    """A forked child leaves the signals to its parent, and dies with it.

    A loader's worker whose parent was killed may otherwise wait forever to hand over its batch. It would also keep the parent's
    connections to the other processes open, and these would wait for the dead one.
    """
    if _stoppable:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


os.register_at_fork(after_in_child=_in_child)
