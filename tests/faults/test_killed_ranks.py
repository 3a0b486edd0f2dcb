"""Killed ranks under torchrun: the others end within seconds, one message names the cause, and no process stays."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.faults.test_killed_runs import whole
from tests.host_runs import two_processes

pytestmark = pytest.mark.slow
WITHIN = 15
"""Seconds from the end of one rank to the end of the run; docs/training.md states them."""


class Run:
    """A training without end on two ranks, after its second checkpoint."""

    def __init__(self, user, start):
        self.user = user
        words = two_processes()[2:] + ["-m", "opengait_mimic", *user.words(user.endless(), "--no-preflight")]
        self.process = start("torch.distributed.run", words, user.folder / "torchrun.log")
        self.process.until(user.saved_twice)

    def rank(self, number: int) -> int:
        """The process of a rank; its loader workers have larger numbers."""

        def rank_of(pid):
            pairs = (pair.split("=", 1) for pair in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in pair)
            return dict(pairs).get("RANK")

        return min(pid for pid in self.process.children() if rank_of(pid) == str(number))

    def ended(self, since: float) -> str:
        """What it printed, after it ended in time with status 1 and left no process; every checkpoint can be read."""
        assert self.process.wait(60) == 1
        self.process.gone(WITHIN)
        assert time.monotonic() - since < WITHIN
        assert whole(self.user)
        return self.process.text


@pytest.fixture
def run(user, start):
    return lambda: Run(user, start)


@pytest.mark.parametrize("number", [0, 1])
def test_a_rank_is_killed(run, number):
    """torchrun's summary names the rank and the signal."""
    run, since = run(), time.monotonic()
    os.kill(run.rank(number), signal.SIGKILL)
    text = run.ended(since)
    assert "error: " not in text.partition("Traceback")[0]
    assert "SIGKILL" in text and f"rank      : {number}" in text


def test_a_rank_that_hangs_in_a_collective_ends_too(run):
    """Rank 1 stops, so rank 0 waits for it in C code; then rank 1 is killed."""
    run = run()
    os.kill(run.rank(1), signal.SIGSTOP)
    time.sleep(2)
    since = time.monotonic()
    os.kill(run.rank(1), signal.SIGKILL)
    run.ended(since)


def test_an_error_ends_all_with_one_message(user, run):
    """The data disappear while both ranks read them."""
    user.data()
    run, since = run(), time.monotonic()
    for file in user.root.glob("*/*/*/*.pkl"):
        file.unlink()
    own, _, summary = run.ended(since).partition("Traceback")
    assert own.count("error: rank ") == 1 and ".pkl" in own[own.index("error: rank ") :], own[-2000:]
    assert "error: rank " in summary and ".pkl" in summary


def test_ctrl_c(run):
    """A terminal sends it to torchrun and to every rank."""
    run = run()
    run.process.send(signal.SIGINT, group=True)
    assert run.process.wait(60) != 0
    run.process.gone(WITHIN)
    assert run.process.text.count("--resume auto continues from there") == 1
    assert whole(run.user)
