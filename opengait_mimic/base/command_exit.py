"""How a command ends: one message for an error, Ctrl-C or SIGTERM, and no process that stays behind."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
import time
from typing import Callable

from .exit_messages import ExitMessage, exit_message

RANK_0_FIRST = 3.0
"""Seconds that the other ranks wait before they print an error. Rank 0 often meets the same one; torchrun then ends them first."""

CAUSE_FIRST = 15.0
"""Seconds that a rank waits if another one failed. torchrun ends it meanwhile, so that only the cause is printed."""

_SIGCHLD = getattr(signal, "SIGCHLD", signal.SIGINT)  # Windows has none
_running = False
_prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux only
_PR_SET_PDEATHSIG = 1


@contextlib.contextmanager
def friendly_errors(again: Callable[[], str] = str):
    """Run a command in the block; whatever ends it, print one message and exit with a status.

    Known errors print one line (status 1), unknown ones their traceback too. Ctrl-C (130) and SIGTERM (143) print what is saved.
    Loader workers that are forked in the block ignore Ctrl-C and die with this process. One of several processes keeps the default
    action of SIGTERM, so that torchrun ends it even while it waits for the others in C code.

    Args:
        again: asked after Ctrl-C or SIGTERM what the user can do next; see `opengait_mimic.base.last_checkpoint`.

    Raises:
        SystemExit: the command failed. One of several processes exits at once instead.
    """
    global _running
    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, _SIGCHLD) if is_main}
    if alone and is_main and not _running:
        signal.signal(signal.SIGTERM, lambda *_: _end_by_sigterm(again))
    outer, _running = _running, True
    try:
        yield
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        if isinstance(error, KeyboardInterrupt) and is_main:  # a second one, and torch's on the end of its workers, only add a traceback
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(_SIGCHLD, signal.SIG_DFL)
        end = exit_message(error, again)
        if end.status and not alone:
            _end_one_of_several(end)
        if end.traceback:
            print(end.traceback, file=sys.stderr)
        if end.status == 1 and end.text:
            raise SystemExit(end.text) from None
        if end.text:
            print(end.text, file=sys.stderr)
        raise SystemExit(end.status) from None
    finally:
        _running = outer
        for number, handler in before.items():
            if handler is not None:  # None: not Python's
                signal.signal(number, handler)


def _end_by_sigterm(again: Callable[[], str]) -> None:
    """Exit at once: files are written under a temporary name first, locks are the system's, and loader workers die with this process."""
    print(exit_message(signal.SIGTERM, again).text, file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(143)


def _end_one_of_several(end: ExitMessage) -> None:
    """Print the message on the rank that has it to give, leave it to torchrun's summary, and exit without waiting for the others."""
    rank, under_torchrun = os.environ.get("RANK", "0"), "TORCHELASTIC_RUN_ID" in os.environ
    text = end.text.replace("error: ", f"error: rank {rank}: ", 1)
    if end.status == 130:
        text = text if rank == "0" else ""
    elif end.caused_elsewhere:
        time.sleep(CAUSE_FIRST if under_torchrun else 0)
    else:
        _write_error_file(text)
        time.sleep(RANK_0_FIRST if under_torchrun and rank != "0" else 0)
    print(*filter(None, (end.traceback, text)), sep="\n", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(end.status)


def _write_error_file(text: str) -> None:
    """Write the message for torchrun's summary; `torch.distributed.elastic.multiprocessing.errors.record` would write a traceback."""
    file = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if file:
        more = {"py_callstack": text, "timestamp": str(int(time.time()))}
        with contextlib.suppress(OSError), open(file, "w") as stream:
            json.dump({"message": {"message": text, "extraInfo": more}}, stream)


def _in_forked_worker() -> None:
    """A loader worker leaves Ctrl-C to its parent and dies with it: the other ranks would wait on connections that it holds open."""
    if _running:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_worker)
