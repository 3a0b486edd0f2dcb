"""The processes of a run tell each other, through a store, that they live and why they end.

A thread in every process beats each `BEAT` seconds, whatever the main thread does. A process that ends with an error tells it first,
and the others end within `HEARD` seconds. One that dies without a word (killed, out of memory, its machine gone) is found when its beats
have been absent for `silence()` seconds, or for `MISSED` where something else speaks for it: a broken connection, torchrun's SIGTERM.

No false alarm: a main thread that scores for hours, waits for a disk or stands in pdb, for the thread beats on; a run that is suspended as
a whole (Ctrl-Z, a laptop's sleep), for time in which a process itself did not look does not count. A false alarm: one process alone that is
stopped as a whole (gdb, SIGSTOP), or that holds the interpreter's lock for longer than `silence()`; set that variable to 0 for it.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from typing import Callable, NamedTuple

import torch.distributed as dist

from ..base.ending import end_now
from ..base.errors import HostError

BEAT = 1.0
"""Seconds between a process's signs of life."""

HEARD = 5.0
"""Seconds within which all processes end after one has told that it does."""

MISSED = 4.0
"""Seconds without a beat after which a process counts as gone where something else says so too."""

SILENCE = "OPENGAIT_MIMIC_SILENCE"
"""The environment variable that changes `silence`."""


def silence() -> float:
    """Seconds without a sign of life after which a process counts as gone: 60, or ``OPENGAIT_MIMIC_SILENCE``; 0 = never.

    Raises:
        HostError: the variable holds no such number.
    """
    given = os.environ.get(SILENCE, "60")
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if seconds != 0 and not seconds >= 3 * MISSED:
        raise HostError(f"{SILENCE} = {given!r}: seconds without a sign of life, at least {3 * MISSED:.0f}; or 0, to wait forever")
    return seconds


running: Watchdog | None = None
"""This process's, where it is one of several; `start` sets it."""


def start(rank: int, world: int) -> None:
    """Watch over a group that met at ``MASTER_ADDR:MASTER_PORT``; a process that runs alone has nobody to watch.

    Raises:
        HostError: see `silence`.
    """
    global running
    patience = silence()
    if world == 1:
        return
    connection = dist.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False, wait_for_workers=False)
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")  # what an earlier attempt told does not end this one
    holder = None if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True" else 0
    running = Watchdog(dist.PrefixStore(f"opengait_mimic/{attempt}/watchdog", connection), rank, world, holder, patience)


class Cause(NamedTuple):
    """Why a run ends: the rank that found it, the exit status, the line to print, the console where that rank prints it."""

    by: int
    status: int
    text: str
    console: str


def console() -> list:
    """Where this process writes: those of one torchrun on one machine share a place, any other has its own."""
    shared = [os.environ.get(name) for name in ("TORCHELASTIC_RUN_ID", "GROUP_RANK")]
    return [socket.gethostname(), *(shared if None not in shared else [os.getpid()])]


class Watchdog:
    """One process's part.

    Args:
        store: a connection to a common store that nothing else uses, for an operation that waits holds it.
        rank: of this process.
        world: the number of processes.
        holder: the rank whose process holds the store; None = a process beside them, torchrun's.
        patience: see `silence`.
        end: ends this process with a status and a message; called in a thread.
    """

    def __init__(
        self,
        store: dist.Store,
        rank: int,
        world: int,
        holder: int | None = None,
        patience: float = 60.0,
        end: Callable[[int, str], None] = end_now,
    ):
        """Begin to beat and to watch."""
        self.rank, self._store, self._holder, self._patience, self._end = rank, store, holder, patience, end
        self._beats = dict.fromkeys((other for other in range(world) if other != rank), "")  # "" = not yet there, "done" = left in peace
        self._seen: dict[int, float] = {}
        self._over, self._leaving = threading.Event(), False
        self._answered = self._looked = time.monotonic()
        store.set(f"beat/{rank}", "0")
        self._threads = [threading.Thread(target=work, name="watchdog", daemon=True) for work in (self._beat, self._guard_store)]
        for thread in self._threads:
            thread.start()

    # ---------------------------------------------------------------- for the main thread

    def tell(self, status: int, text: str) -> Cause:
        """Tell all why this process ends; returns why the run ends: this, or what was told before."""
        try:
            cause = self._tell(Cause(self.rank, status, text, json.dumps(console())))
            if self._holder == self.rank:
                self._wait_until_heard()
        except RuntimeError:
            cause = self._store_is_gone()
        return cause

    def cause(self, wait: float) -> Cause | None:
        """Why the run ends, as far as it is told or a process is found gone within so many seconds; None = all live and none has told."""
        begin = time.monotonic()
        while time.monotonic() - begin < wait:
            try:
                if (told := self._told()) is not None:
                    return told
                seen = {other: self._seen.get(other, begin) for other, beat in self._beats.items() if beat != "done"}
                if all(at > begin + 2 * BEAT for at in seen.values()):  # a beat that is read may be a beat old
                    return None
                missed = [other for other, at in seen.items() if time.monotonic() - at > MISSED]
                if missed and time.monotonic() - begin > MISSED:
                    return self._gone(missed[0])
            except RuntimeError:
                return self._store_is_gone()
            time.sleep(0.1)
        return None

    def shown(self, cause: Cause) -> str:
        """What this process prints of a cause: nothing where another writes it to the same console."""
        return cause.text if cause.by == self.rank or cause.console != json.dumps(console()) else ""

    def leaving(self) -> None:
        """All is done; the processes meet once more. From here on a store that goes away is no alarm."""
        self._leaving = True

    def stop(self) -> None:
        """This process ends in peace and is no longer watched."""
        if self._over.is_set():
            return
        self._over.set()
        for thread in self._threads:
            thread.join(2 * BEAT)
        try:
            self._store.set(f"beat/{self.rank}", "done")
            if self._holder == self.rank and not self._leaving:
                self._wait_until_heard()
        except RuntimeError:  # the store went before
            pass

    # ---------------------------------------------------------------- threads

    def _beat(self) -> None:
        count = 0
        while not self._over.wait(BEAT):
            try:
                self._store.set(f"beat/{self.rank}", str(count := count + 1))
                cause = self._told() or self._look()
            except RuntimeError:
                if self._over.wait(2 * BEAT) or self._leaving:
                    return
                cause = self._store_is_gone()
            if cause is not None and not self._over.is_set():
                self._end(cause.status, self.shown(cause))
                return

    def _look(self) -> Cause | None:
        """Read the others' beats; the first of them that has been silent for too long."""
        there = [other for other, beat in self._beats.items() if beat or self._store.check([f"beat/{other}"])]
        beats = self._store.multi_get([f"beat/{other}" for other in there]) if there else []
        now = time.monotonic()
        stood_still = now - self._looked > 5 * BEAT  # this process or its store: the silence was its own
        self._looked = self._answered = now
        for other, beat in zip(there, beats):
            if stood_still or beat.decode() != self._beats[other]:
                self._beats[other], self._seen[other] = beat.decode(), now
        if self._holder is not None and self._beats.get(self._holder) == "done":
            self._hear()
            self._leaving = True
        silent = [other for other in there if self._beats[other] != "done" and now - self._seen[other] > self._patience]
        return self._gone(silent[0]) if silent and self._patience else None

    def _guard_store(self) -> None:
        """The store can stop to answer without an error: its machine is gone, or its process stopped."""
        looked = time.monotonic()
        while not self._over.wait(BEAT):
            now = time.monotonic()
            if now - looked > 5 * BEAT:
                self._answered = now
            looked = now
            if self._patience and now - self._answered > self._patience and not self._leaving:
                self._end(1, self._store_is_gone().text)
                return

    # ---------------------------------------------------------------- what is told and found

    def _tell(self, own: Cause) -> Cause:
        cause = Cause(*json.loads(self._store.compare_set("cause", "", json.dumps(own))))
        self._hear()
        return cause

    def _told(self) -> Cause | None:
        """What another has told."""
        if not self._store.check(["cause"]):
            return None
        cause = Cause(*json.loads(self._store.get("cause")))
        if cause.by == self.rank:
            return None
        self._hear()
        if self._holder == self.rank:  # who ends takes the store with it
            self._wait_until_heard()
        return cause

    def _hear(self) -> None:
        self._store.set(f"heard/{self.rank}", "")

    def _wait_until_heard(self) -> None:
        """The process that holds the store stays until the others know."""
        wanted = [f"heard/{other}" for other, beat in self._beats.items() if beat != "done"]
        begin = time.monotonic()
        while not all(self._store.check([key]) for key in wanted) and time.monotonic() - begin < HEARD:
            time.sleep(0.1)

    def _gone(self, rank: int) -> Cause:
        seconds = time.monotonic() - self._seen.get(rank, self._looked)
        text = (
            f"error: rank {rank} is gone: no sign of life for {seconds:.0f} s, and it told no error. It was killed (by hand, or by the"
            " system for want of memory: see dmesg), or its machine is lost"
        )
        return self._tell(Cause(self.rank, 1, text, json.dumps(console())))

    def _store_is_gone(self) -> Cause:
        who = "torchrun" if self._holder is None else f"rank {self._holder}"
        text = f"error: {who} is gone, and with it the store of all processes: it was killed (see dmesg), or its machine is lost"
        return Cause(self.rank, 1, text, json.dumps(console()))
