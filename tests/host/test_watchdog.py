"""Processes that tell each other why they end: each a thread with its own connection to one store."""

from __future__ import annotations

import itertools
import queue
import socket
import time

import pytest
import torch.distributed as dist

from opengait_mimic.base.errors import HostError
from opengait_mimic.host import watchdog
from opengait_mimic.host.watchdog import Watchdog, silence


class Ranks:
    """Some watchdogs on one store, and what ended them."""

    def __init__(self, world, holder=None, patience=60.0):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.server = dist.TCPStore("127.0.0.1", self.port, is_master=True, wait_for_workers=False)
        self.ended = queue.Queue()
        self.dogs = [self.make(rank, world, holder, patience) for rank in range(world)]

    def make(self, rank, world, holder, patience):
        store = dist.TCPStore("127.0.0.1", self.port, is_master=False, wait_for_workers=False)
        return Watchdog(store, rank, world, holder, patience, lambda status, text: self.ended.put((rank, status, text)))

    def ends(self, seconds=20.0):
        return self.ended.get(timeout=seconds)

    def die(self, rank):
        """No beat and no word any more."""
        self.dogs[rank]._over.set()


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(watchdog, "BEAT", 0.1)
    monkeypatch.setattr(watchdog, "MISSED", 0.6)


@pytest.fixture
def ranks(monkeypatch):
    made, own = [], itertools.count()

    def make(*words, **named):
        made.append(Ranks(*words, **named))
        return made[-1]

    monkeypatch.setattr(watchdog, "console", lambda: [next(own)])  # none is another's
    yield make
    for each in made:
        for dog in each.dogs:
            dog._over.set()
        for dog in each.dogs:
            for thread in dog._threads:
                thread.join(5)


def test_one_that_tells_ends_all_others_with_its_message(ranks):
    three = ranks(3)
    cause = three.dogs[1].tell(1, "error: rank 1: no disk")
    assert (cause.by, cause.status) == (1, 1) and three.dogs[1].shown(cause) == "error: rank 1: no disk"
    assert sorted([three.ends(), three.ends()]) == [(0, 1, "error: rank 1: no disk"), (2, 1, "error: rank 1: no disk")]
    assert three.ended.empty(), "the one that tells ends by itself"


def test_the_first_to_tell_is_the_cause(ranks):
    three = ranks(3)
    three.dogs[2].tell(130, "stopped")
    late = three.dogs[0].tell(1, "error: rank 0: the connection broke")
    assert (late.by, late.status, late.text) == (2, 130, "stopped") and three.dogs[0].cause(5) == late


def test_on_one_console_only_the_first_writes(ranks, monkeypatch):
    monkeypatch.setattr(watchdog, "console", lambda: ["node", "run", "0"])
    three = ranks(3)
    three.dogs[1].tell(1, "error: rank 1: no disk")
    assert sorted([three.ends(), three.ends()]) == [(0, 1, ""), (2, 1, "")]


def test_one_that_dies_without_a_word_is_found_and_named(ranks):
    three = ranks(3, patience=0.8)
    time.sleep(0.3)
    three.die(1)
    found = sorted([three.ends(), three.ends()])
    assert [(rank, status) for rank, status, _ in found] == [(0, 1), (2, 1)] and found[0][2] == found[1][2]
    assert found[0][2].startswith("error: rank 1 is gone: no sign of life for ") and "killed" in found[0][2]


def test_after_a_broken_connection_the_dead_one_is_found_sooner(ranks):
    two = ranks(2)
    time.sleep(0.3)
    two.die(1)
    assert two.dogs[0].cause(5).text.startswith("error: rank 1 is gone")


def test_while_all_live_there_is_no_cause(ranks):
    three = ranks(3, patience=0.8)
    assert three.dogs[0].cause(5) is None
    time.sleep(1.5)
    assert three.ended.empty()


def test_one_that_ends_in_peace_is_not_missed(ranks):
    three = ranks(3, patience=0.8)
    three.dogs[1].stop()
    time.sleep(1.5)
    assert three.ended.empty() and three.dogs[0].cause(5) is None


def test_a_run_that_was_suspended_goes_on(ranks, monkeypatch):
    """Ctrl-Z, a laptop's sleep: the clock went on, and nobody looked meanwhile."""
    two = ranks(2, patience=30.0)
    time.sleep(0.3)
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 3600)
    time.sleep(1)
    assert two.ended.empty()


def test_patience_zero_waits_forever(ranks):
    two = ranks(2, patience=0)
    two.die(1)
    time.sleep(1.5)
    assert two.ended.empty()


@pytest.mark.parametrize(("holder", "who"), [(None, "torchrun is gone"), (0, "rank 0 is gone")])
def test_a_store_that_goes_away_ends_all(ranks, holder, who):
    two = ranks(2, holder=holder)
    two.die(0)
    del two.server
    rank, status, text = two.ends()
    assert (rank, status) == (1, 1) and text.startswith(f"error: {who}, and with it the store")
    assert who in two.dogs[1].tell(1, "error: rank 1: late").text and who in two.dogs[1].cause(5).text


def test_after_the_last_meeting_a_store_may_go(ranks):
    two = ranks(2, holder=0)
    for dog in two.dogs:
        dog.leaving()
    two.dogs[0].stop()
    del two.server
    time.sleep(1)
    assert two.ended.empty()


def test_the_holder_of_the_store_stays_until_the_others_have_heard(ranks, monkeypatch):
    two = ranks(2, holder=0)
    two.dogs[0].tell(1, "error: rank 0: no disk")
    del two.server
    assert two.ends() == (1, 1, "error: rank 0: no disk")


@pytest.mark.parametrize("given", ["soon", "-1", "nan", "1"])
def test_a_silence_that_is_none(monkeypatch, given):
    monkeypatch.setenv("OPENGAIT_MIMIC_SILENCE", given)
    with pytest.raises(HostError, match="OPENGAIT_MIMIC_SILENCE.*seconds"):
        silence()


def test_silence(monkeypatch):
    monkeypatch.delenv("OPENGAIT_MIMIC_SILENCE", raising=False)
    assert silence() == 60
    for given in (0, 90):
        monkeypatch.setenv("OPENGAIT_MIMIC_SILENCE", str(given))
        assert silence() == given
