"""The newest checkpoint of the running training, for the last line of a command that is stopped."""

from __future__ import annotations

_newest: list[tuple[str, int]] = []


def begin() -> None:
    """Forget an earlier command of this process."""
    _newest.clear()


def reached(training: str, iteration: int) -> None:
    """Note a checkpoint that a training was restored from or has written, on every rank.

    Args:
        training: its ``save_name``.
        iteration: of the checkpoint; 0 if there is none yet.
    """
    _newest[:] = [(training, iteration)]


def newest() -> tuple[str, int] | None:
    """``save_name`` and iteration of the newest checkpoint, 0 if nothing is saved; None before the first training."""
    return _newest[0] if _newest else None


def again(same: str = "the same command") -> str:
    """What is saved, and what the next command does.

    Args:
        same: the words for the command that resumes.
    """
    if newest() is None:
        return "nothing was trained yet: run the same command again"
    name, iteration = _newest[0]
    if not iteration:
        return f"{name} has no checkpoint yet: the same command starts it from the beginning"
    return f"last checkpoint: iteration {iteration} of {name}; {same} continues from there"
