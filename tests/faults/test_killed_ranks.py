"""Killed ranks: the others end too, within seconds, and what is read last is the rank that ended first and why.

With torchrun its own report, a traceback among it, follows; it repeats the message.
"""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.faults.test_killed_runs import whole
from tests.host_runs import two_processes

pytestmark = pytest.mark.fault("killed ranks")
WITHIN = 20
"""Seconds that are waited; README says 5 where an error is told and 10 where a process dies, on an idle machine."""


@pytest.fixture
def start(user, nursery):
    """Starts the ranks of a training without end, as a cluster does: by variables, without torchrun; waits for its second checkpoint."""

    def ranks(world, **changes):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        group = {"WORLD_SIZE": world, "LOCAL_WORLD_SIZE": world, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        words = user.words(user.endless(**changes), "--no-preflight")
        made = [
            nursery.start("opengait_mimic", words, user.folder / f"rank{rank}.log", RANK=rank, LOCAL_RANK=rank, **group)
            for rank in range(world)
        ]
        made[0].until(user.saved_twice)
        return made

    return ranks


def ended(user, *ranks):
    """They ended with this status, nothing of them is left, and nobody saw a bare traceback."""
    for rank, status in ranks:
        assert rank.wait(WITHIN) == status, rank.text[-3000:]
        rank.gone(5)
        assert "Traceback" not in rank.text
    whole(user)


def test_rank_0_is_killed(user, start):
    """It holds the store that the others would look for the reason in, and the lock."""
    zero, one = start(2)
    zero.send(signal.SIGKILL)
    ended(user, (zero, -signal.SIGKILL), (one, 1))
    assert one.text.strip().splitlines()[-1].startswith("error: rank 0 is gone")


def test_a_rank_above_0_is_killed(user, start):
    zero, one = start(2)
    one.send(signal.SIGKILL)
    ended(user, (one, -signal.SIGKILL), (zero, 1))
    assert zero.text.strip().splitlines()[-1].startswith("error: rank 1 is gone")
    assert not list(user.out.rglob("training.lock"))


def test_one_of_three_meets_an_error(user, start):
    """A file that one process reads is not there any more: all say so, with its number."""
    user.data()
    ranks = start(3)
    for file in user.root.glob("*/*/*/*.pkl"):
        file.unlink()
    ended(user, *((rank, 1) for rank in ranks))
    last = [rank.text.strip().splitlines()[-1] for rank in ranks]
    assert all(line.startswith("error: rank ") and ".pkl" in line for line in last), last
    assert not list(user.out.rglob("training.lock"))


def test_one_of_two_is_stopped(user, start):
    """Ctrl-C in its terminal: the other ends with it."""
    zero, one = start(2)
    one.send(signal.SIGINT, group=True)
    ended(user, (zero, 130), (one, 130))
    assert all("--resume auto" in rank.text.strip().splitlines()[-1] for rank in (zero, one))
    assert not list(user.out.rglob("training.lock"))


def test_under_torchrun(user, nursery):
    """Rank 1 is killed: torchrun ends the other, which says why; nothing of them is left."""
    words = two_processes()[2:] + ["-m", "opengait_mimic", *user.words(user.endless(), "--no-preflight")]
    run = nursery.start("torch.distributed.run", words, user.folder / "torchrun.log")
    run.until(user.saved_twice)

    def rank_of(pid):
        return dict(each.split("=", 1) for each in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in each).get("RANK")

    one = min(pid for pid in run.children() if rank_of(pid) == "1")
    os.kill(one, signal.SIGKILL)
    assert run.wait(60) == 1
    run.gone(5)
    own, _, torchruns = run.text.partition("Traceback")
    assert "error: rank 1 is gone" in own and own.count("error: ") == 1, own[-2000:]
    assert "error: rank 1 is gone" in torchruns
    assert whole(user) and not list(user.out.rglob("training.lock"))
