"""One training at a time in a folder. The system releases the lock when the process ends, also after ``kill -9``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import HostError
from .processes import on_rank_0

NAME = "training.lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a training's folder in the block; rank 0 holds it for all ranks.

    Raises:
        HostError: another process trains there, or the folder cannot be written. SystemExit: the same, on ranks above 0.
    """
    with contextlib.ExitStack() as held:

        def hold() -> None:
            held.enter_context(_acquired(folder))

        on_rank_0(hold)
        yield


def refuse_locked(folder: Path) -> None:
    """Return if no other process trains in a folder.

    Raises:
        HostError: another process trains there.
    """
    if (folder / NAME).exists():
        with _acquired(folder):
            pass


@contextlib.contextmanager
def _acquired(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / NAME, is_singleton=True)  # this process may ask again for what it holds
        lock.acquire(timeout=0)
    except Timeout:
        raise HostError(
            f"{folder} is being trained by another process (it holds {NAME} there). Wait for it and run the same command again, or choose"
            " another save_name"
        ) from None
    except OSError as error:
        raise HostError(f"cannot write {folder / NAME}: {error}. Choose another --output") from error
    try:
        yield
    finally:
        lock.release()
