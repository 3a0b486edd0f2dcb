"""One training at a time in a folder: a file that names the process that trains there."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path

from .ending import undone
from .errors import HostError
from .processes import on_rank_0, rank_and_world

NAME = "training.lock"


@contextlib.contextmanager
def locked(folder: Path):
    """Hold a run's folder while it is trained; rank 0 makes the file and takes it away, also after an error.

    A process that was killed leaves its file behind; the next one on the same machine takes it over.

    Raises:
        HostError: another process trains there, or may. SystemExit: likewise, on ranks above 0.
    """
    on_rank_0(lambda: _take(folder))
    with undone(lambda: (folder / NAME).unlink(missing_ok=True)) if rank_and_world()[0] == 0 else contextlib.nullcontext():
        yield


def refuse_locked(folder: Path) -> None:
    """Pass if nobody trains in a folder; what a killed process of this machine left behind is taken away.

    Raises:
        HostError: somebody does, or may.
    """
    file = folder / NAME
    try:
        held = json.loads(file.read_text())
        host, pid = held["host"], int(held["pid"])
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError, KeyError):
        host, pid = "an unknown machine", "?"
    if host == socket.gethostname() and (pid == os.getpid() or not _alive(pid)):
        file.unlink(missing_ok=True)
        return
    raise HostError(
        f"{folder} is being trained by process {pid} on {host} ({file}). Wait for it and run the same command again, or choose"
        " another save_name. If no such process runs there any more, delete that file"
    )


def _take(folder: Path) -> None:
    refuse_locked(folder)
    own, said = folder / f"{NAME}.{os.getpid()}", json.dumps({"host": socket.gethostname(), "pid": os.getpid()})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            own.write_text(said)  # complete before it has its name: who is killed in between leaves no lock of nobody
            _name(own, said)
        finally:
            own.unlink(missing_ok=True)
    except FileExistsError:
        raise HostError(f"{folder}: another process began to train there just now ({folder / NAME}); run the command again") from None
    except OSError as error:
        raise HostError(f"cannot write {folder / NAME}: {error}") from error


def _name(own: Path, said: str) -> None:
    """Give a lock its name; FileExistsError where another process was faster."""
    try:
        os.link(own, own.with_name(NAME))
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with open(own.with_name(NAME), "x") as file:
            file.write(said)


def _alive(pid: int) -> bool:
    """Whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True
