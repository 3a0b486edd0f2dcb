"""Processes of ours that start at once: forked from one that has imported everything, and sitting in a session of their own.

As a script (``python -m tests.faults.nursery HOST``) it is that process: one JSON line in, a process started or waited for, one line out.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

from tests.host_runs import environment

MARK = "OPENGAIT_MIMIC_TEST_RUN"


class Process:
    """One that the nursery started: ``python -m MODULE words...``, its output in a file."""

    def __init__(self, nursery, pid: int, log: Path):
        self._nursery, self.pid, self.log = nursery, pid, log
        self._mark = f"{MARK}={log}".encode()

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
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                state, _, group = (place / "stat").read_text().rpartition(")")[2].split()[:3]
                if state != "Z" and (int(group) == self.pid or self._mark in (place / "environ").read_bytes().split(b"\0")):
                    found.append(int(place.name))
        return sorted(set(found) - {self.pid})

    def gone(self, seconds: float) -> None:
        """Nothing of it is left, at the latest after so many seconds."""
        end = time.monotonic() + seconds
        while self.children():
            assert time.monotonic() < end, f"orphans: {self.children()}"
            time.sleep(0.1)

    def wait(self, seconds: float = 120) -> int | None:
        """Its exit status (negative: the signal), None while it runs."""
        return self._nursery.ask({"wait": self.pid, "seconds": seconds})


class Nursery:
    """The process that starts others."""

    def __init__(self, host_spec: str):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        words = [sys.executable, "-m", "tests.faults.nursery", host_spec]
        self._process = subprocess.Popen(words, env=environment(), cwd=Path(__file__).parents[2], **pipes)

    def ask(self, request: dict):
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(self, module: str, words: list, log: Path, **env) -> Process:
        """``python -m MODULE words...`` in the log's folder."""
        log.write_text("")
        env = {key: str(value) for key, value in {**env, MARK: log}.items()}
        return Process(self, self.ask({"module": module, "words": list(map(str, words)), "log": str(log), "env": env}), log)

    def close(self) -> None:
        """End it and what it started."""
        self._process.stdin.close()
        self._process.wait(60)


def serve(host_spec: str) -> None:
    """The process itself. A forked child returns, to run its module as a process does."""
    from torch.utils import tensorboard  # noqa: F401

    from opengait_mimic.host import find, import_host
    from opengait_mimic.training import launch  # noqa: F401

    import_host(find(host_spec))
    running: dict[int, int | None] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            print(json.dumps(_status(running, request["wait"], request["seconds"])), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            return _become(request)
        running[pid] = None
        print(json.dumps(pid), flush=True)
    for pid, status in running.items():
        if status is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def _status(running: dict, pid: int, seconds: float) -> int | None:
    end = time.monotonic() + seconds
    while running[pid] is None:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            running[pid] = os.waitstatus_to_exitcode(status)
        elif time.monotonic() >= end:
            break
        else:
            time.sleep(0.05)
    return running[pid]


def _become(request: dict) -> None:
    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(request["env"])
    os.chdir(Path(request["log"]).parent)
    sys.argv[1:] = request["words"]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    serve(sys.argv[1])
