"""A process of ours in a session of its own, with its children and what it printed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

from tests.host_runs import environment

MARK = "OPENGAIT_MIMIC_TEST_RUN"


class Process:
    """``python -m MODULE words...`` in the log's folder, its output in the log."""

    def __init__(self, module: str, words: list, log: Path):
        self.log, self._mark = log, f"{MARK}={log}".encode()
        with open(log, "wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, words)],
                cwd=log.parent,
                env=environment(**{MARK: log}),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def text(self) -> str:
        """What it has printed."""
        return self.log.read_text(errors="replace")

    def until(self, met: Callable[[], bool], seconds: float = 120) -> None:
        """Wait until a condition is met, while it runs."""
        end = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < end and self.wait(0) is None, self.text[-3000:]
            time.sleep(0.1)

    def send(self, number: int, group: bool = False) -> None:
        """A signal to it, or to its children too as a terminal does."""
        (os.killpg if group else os.kill)(self.pid, number)

    def children(self) -> list[int]:
        """Its children and theirs, dead ones left out: what is in its process group, or was started with its environment."""
        running = []
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                state, _, group = (place / "stat").read_text().rpartition(")")[2].split()[:3]
                if state != "Z" and (int(group) == self.pid or self._mark in (place / "environ").read_bytes().split(b"\0")):
                    running.append(int(place.name))
        return sorted(set(running) - {self.pid})

    def gone(self, seconds: float) -> None:
        """Nothing of it is left, at the latest after so many seconds."""
        end = time.monotonic() + seconds
        while self.children():
            assert time.monotonic() < end, f"orphans: {self.children()}"
            time.sleep(0.1)

    def wait(self, seconds: float = 120) -> int | None:
        """Its exit status (negative: the signal), None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)

    def kill(self) -> None:
        """End it and its children."""
        for pid in [*self.children(), *[self.pid] * (self.wait(0) is None)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait()
