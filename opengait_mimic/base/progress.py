"""Progress: tqdm's bar, drawn rarely where the output is no terminal."""

from __future__ import annotations

import sys

from tqdm import tqdm

from .processes import rank_and_world

LOG_EVERY = 120.0
"""Seconds between two states of a bar in a log file."""


class Bar(tqdm):
    """A progress bar: ``with Bar("walkers") as bar: bar(done, total)``.

    Args:
        title: name of the job.
        start: how much was done before, for the time that is left.
        shown: False shows nothing, as on ranks above 0.
    """

    def __init__(self, title: str, start: int = 0, shown: bool = True):
        every = 0.1 if sys.stderr.isatty() else LOG_EVERY
        times = {"mininterval": every, "maxinterval": max(every, 10), "delay": every}
        super().__init__(desc=title, initial=start, leave=False, file=sys.stderr, disable=not shown, **times)

    def __call__(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are done."""
        self.total = total
        self.update(done - self.n)


def rank_bar(title: str, start: int = 0) -> Bar:
    """A `Bar` on rank 0, one that shows nothing on the others."""
    return Bar(title, start, shown=rank_and_world()[0] == 0)
