"""What is saved of the training that runs, for the last line of a command that is stopped."""

from __future__ import annotations

_newest: list[tuple[str, int]] = []


def begin() -> None:
    """A command begins: nothing is trained yet."""
    _newest.clear()


def reached(training: str, iteration: int) -> None:
    """A training goes on from a checkpoint or has written one; every process says so.

    Args:
        training: its ``save_name``.
        iteration: the checkpoint's; 0: there is none yet.
    """
    _newest[:] = [(training, iteration)]


def newest() -> tuple[str, int] | None:
    """The last training's ``save_name`` and the iteration of its newest checkpoint, 0 where nothing is saved; None before the first."""
    return _newest[0] if _newest else None


def again(same: str = "the same command") -> str:
    """What is saved, and what the command does when it is given again.

    Args:
        same: the words for the command that goes on from a checkpoint.
    """
    found = newest()
    if found is None:
        return "nothing was trained yet: give the same command again"
    name, iteration = found
    if not iteration:
        return f"nothing of {name} was saved yet: the same command begins it anew"
    return f"last checkpoint: iteration {iteration} of {name}; {same} goes on from there"
