"""How a command ends: the message of an error, and what a signal does."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from torch._utils import ExceptionWrapper

from opengait_mimic import base
from opengait_mimic.base.command_exit import friendly_errors
from opengait_mimic.base.errors import CheckpointError, ConfigError, DataError
from opengait_mimic.base.exit_messages import exit_message


def from_worker(error):
    """As a loader's worker hands an error on."""
    try:
        raise error
    except Exception:
        wrapped = ExceptionWrapper(where="in DataLoader worker process 1")
    try:
        wrapped.reraise()
    except Exception as arrived:
        return arrived


def after(first, second):
    """The second error, met while the first was under way."""
    try:
        try:
            raise first
        finally:
            raise second
    except BaseException as error:
        return error


GLOO = "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:19360"
DEAD = "DataLoader worker (pid(s) 12) exited unexpectedly"
KNOWN = {
    "ours": (ConfigError("trainer_cfg.seed = x"), "error: trainer_cfg.seed = x"),
    "a checkpoint": (CheckpointError("x.pt is cut short"), "error: x.pt is cut short"),
    "in a worker": (from_worker(DataError("a.pkl: it ends in the middle")), "error: a.pkl: it ends in the middle"),
    "a file gone in a worker": (from_worker(FileNotFoundError(2, "No such file", "a.pkl")), "error: [Errno 2] No such file: 'a.pkl'; "),
    "no space": (OSError(errno.ENOSPC, "No space left on device", "x.json"), "error: x.json: No space left on device; free some space"),
    "one of our own words": (FileExistsError("demo holds another run"), "error: demo holds another run"),
    "memory": (MemoryError(), "error: out of memory (MemoryError): use a smaller batch"),
    "memory of a GPU": (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "error: out of memory (CUDA out of memory."),
    "another encoding": (
        UnicodeEncodeError("ascii", "output/größe", 9, 11, "ordinal not in range(128)"),
        "error: this console's encoding (ascii) cannot write 'output/gr\\xf6\\xdfe': set PYTHONUTF8=1",
    ),
    "a dead worker": (RuntimeError(DEAD), "error: a loader worker died (exited unexpectedly)"),
    "in a loss of OpenGait's": (after(MemoryError("9 GB"), ctypes.ArgumentError()), "error: out of memory (9 GB)"),
    "then the connection": (after(ConfigError("a = b"), RuntimeError(GLOO)), "error: a = b"),
}


@pytest.mark.parametrize("case", KNOWN)
def test_a_known_error_is_one_message(case):
    error, text = KNOWN[case]
    found = exit_message(error)
    assert found.status == 1 and found.text.startswith(text) and not found.traceback and not found.caused_elsewhere, found


def raised_in(place):
    """A TypeError raised by code of this file, below the package."""
    scope = {}
    exec(compile("def fail():\n    raise TypeError('x')\n", Path(base.__file__).parents[1] / place, "exec"), scope)
    try:
        scope["fail"]()
    except TypeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (raised_in("models/mimicgait.py"), "unexpected: please report it with the traceback above"),
        (
            raised_in("host/embedded/data/dataset.py"),
            "raised in the host's code, see the traceback above: check the key",
        ),
        (
            after(KeyError(1), raised_in("../forks/data/dataset.py")),
            "raised in the host's code, see the traceback above: ",
        ),
        (from_worker(TypeError("x")), "raised in the host's code, see"),
    ],
)
def test_an_unknown_error_keeps_its_traceback_and_asks_for_a_report_of_our_own_alone(error, advice):
    found = exit_message(error)
    assert found.status == 1 and "Traceback" in found.traceback
    assert found.text.startswith(f"error: TypeError: x ({advice}")


def test_a_broken_connection_has_its_cause_on_another_rank():
    assert exit_message(RuntimeError(GLOO)).caused_elsewhere
    assert exit_message(after(RuntimeError(GLOO), ctypes.ArgumentError())).caused_elsewhere, "met in a loss of OpenGait's"
    assert exit_message(SystemExit(1)).caused_elsewhere, "on_rank_0 failed"
    assert not exit_message(RuntimeError("shape mismatch")).caused_elsewhere


def test_messages_of_signals_and_exits():
    assert exit_message(KeyboardInterrupt(), lambda: "go on")[:2] == (130, "\nstopped; go on")
    assert exit_message(signal.SIGTERM)[:2] == (143, "\nstopped by SIGTERM")
    assert exit_message(RuntimeError("DataLoader worker (pid 7) is killed by signal: Terminated. "))[:2] == (143, "\nstopped by SIGTERM")
    assert (
        exit_message(SystemExit(2))[:2] == (2, "")
        and exit_message(SystemExit("no"))[:2] == (1, "no")
        and exit_message(SystemExit())[0] == 0
    )


def test_a_command_exits_with_its_message_and_status(capsys):
    with pytest.raises(SystemExit, match="error: a = b"), friendly_errors():
        raise ConfigError("a = b")
    with pytest.raises(SystemExit) as caught, friendly_errors():
        raise TypeError("x")
    assert caught.value.code.startswith("error: TypeError: x") and "Traceback" in capsys.readouterr().err


# ---------------------------------------------------------------- signals, in a process of their own

COMMAND = """
import os, sys, time
from opengait_mimic import base
from opengait_mimic.base.command_exit import friendly_errors
with friendly_errors(lambda: "go on"):
    if os.fork() == 0:
        os.write(1, b"%d\\n" % os.getpid())
        time.sleep(60)
        os._exit(9)
    time.sleep(60)
"""


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for the end of the child")
@pytest.mark.parametrize(
    ("number", "status", "text"),
    [(signal.SIGINT, 130, "\nstopped; go on\n"), (signal.SIGTERM, 143, "\nstopped by SIGTERM; go on\n"), (signal.SIGKILL, -9, "")],
)
def test_a_signal_ends_a_command_and_its_children(number, status, text):
    """Ctrl-C goes to the whole process group, and the child ignores it: only its parent's end ends it."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = subprocess.Popen([sys.executable, "-c", COMMAND], **pipes)
    child = int(command.stdout.readline())
    if number == signal.SIGINT:
        os.kill(child, number)
        time.sleep(0.2)
        assert is_alive(child)
    os.kill(command.pid, number)
    assert command.wait(20) == status and command.stderr.read() == text
    end = time.monotonic() + 5
    while is_alive(child):
        assert time.monotonic() < end, "the child is an orphan"
        time.sleep(0.05)
    command.stdout.close()
    command.stderr.close()


def test_the_handler_of_sigterm_is_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with friendly_errors():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
