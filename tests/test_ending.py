"""How a program ends: what is read of an error, and what a signal does."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
import threading
import time

import pytest
from torch._utils import ExceptionWrapper

from opengait_mimic.base import ending as ends
from opengait_mimic.base.ending import Terminated, stoppable, undone
from opengait_mimic.base.errors import CheckpointError, ConfigError, DataError
from opengait_mimic.base.exit_messages import ending
from opengait_mimic.cli.console import friendly_errors


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
    "memory": (MemoryError(), "error: out of memory (MemoryError): fewer sequences"),
    "memory of a GPU": (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "error: out of memory (CUDA out of memory."),
    "a dead worker": (RuntimeError(DEAD), "error: a loader's worker died (exited unexpectedly)"),
    "in a loss of OpenGait's": (after(MemoryError("9 GB"), ctypes.ArgumentError()), "error: out of memory (9 GB)"),
    "then the connection": (after(ConfigError("a = b"), RuntimeError(GLOO)), "error: a = b"),
}


@pytest.mark.parametrize("case", KNOWN)
def test_a_known_fault_is_a_message(case):
    error, said = KNOWN[case]
    found = ending(error)
    assert found.status == 1 and found.text.startswith(said) and not found.trace and not found.by_another, found


@pytest.mark.parametrize("error", [after(KeyError(1), TypeError("x")), from_worker(TypeError("x"))], ids=["here", "in a worker"])
def test_any_other_error_keeps_its_traceback_and_ends_with_a_word(error):
    found = ending(error)
    assert found.status == 1 and "Traceback" in found.trace
    assert found.text == "error: TypeError: x (unexpected: please report it with the traceback above)"


def test_a_broken_connection_may_be_anothers_fault():
    assert ending(RuntimeError(GLOO)).by_another
    assert ending(after(RuntimeError(GLOO), ctypes.ArgumentError())).by_another, "met in a loss of OpenGait's"
    assert not ending(RuntimeError("shape mismatch")).by_another


def test_ends_from_outside():
    assert ending(KeyboardInterrupt(), "the same goes on")[:2] == (130, "\nstopped; the same goes on")
    assert ending(Terminated())[:2] == (143, "\nstopped by SIGTERM")
    assert ending(RuntimeError("DataLoader worker (pid 7) is killed by signal: Terminated. "))[:2] == (143, "\nstopped by SIGTERM")
    assert ending(SystemExit(2))[:2] == (2, "") and ending(SystemExit("no"))[:2] == (1, "no") and ending(SystemExit())[:2] == (0, "")


# ---------------------------------------------------------------- signals


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_signal_is_an_exception_once(number, kind, monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # puts it back: what a worker's end raises is left out from here on
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with stoppable(lambda _: None):
        with pytest.raises(kind) as caught:
            signal.raise_signal(number)
        assert type(caught.value) is kind
        signal.raise_signal(signal.SIGINT)  # a second Ctrl-C, and torchrun's SIGTERM after it
        signal.raise_signal(signal.SIGTERM)
    assert before == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]


def test_a_main_thread_that_does_not_come_is_ended(monkeypatch):
    monkeypatch.setattr(ends, "GRACE", 0.2)
    forced = threading.Event()
    with stoppable(lambda error: type(error) is Terminated and forced.set()):
        with pytest.raises(Terminated):
            signal.raise_signal(signal.SIGTERM)
        assert forced.wait(10)


def test_one_that_ends_by_itself_is_left_alone(monkeypatch):
    monkeypatch.setattr(ends, "GRACE", 0.2)
    forced = threading.Event()
    with stoppable(lambda _: forced.set()) as ends_by_itself:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        ends_by_itself()
        assert not forced.wait(0.5)


def test_a_child_leaves_signals_to_its_parent(capfd):
    """It ignores Ctrl-C, dies of SIGTERM as any process, and does not wake its parent's threads."""
    woken = []
    with stoppable(woken.append):
        child = os.fork()
        if child == 0:
            try:
                signal.raise_signal(signal.SIGINT)
                os.write(1, b"alive")
                signal.raise_signal(signal.SIGTERM)
            finally:
                os._exit(9)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
        time.sleep(0.1)
    assert capfd.readouterr().out == "alive" and not woken


def test_what_is_undone_is_undone_once():
    seen = []
    with pytest.raises(ValueError), undone(lambda: seen.append(1)):
        raise ValueError
    assert seen == [1] and not ends._undo


def test_the_program_ends_with_the_message_and_the_status(capsys):
    with pytest.raises(SystemExit) as caught, friendly_errors(lambda: "go on"):
        signal.raise_signal(signal.SIGINT)
    assert caught.value.code == 130 and capsys.readouterr().err == "\nstopped; go on\n"
    with pytest.raises(SystemExit, match="error: a = b"), friendly_errors():
        raise ConfigError("a = b")
    with pytest.raises(SystemExit) as caught, friendly_errors():
        raise TypeError("x")
    assert caught.value.code.startswith("error: TypeError: x") and "Traceback" in capsys.readouterr().err
