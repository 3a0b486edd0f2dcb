"""Progress: tqdm's bar on a terminal, a plain line now and then in a log file."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

from .processes import rank_and_world

LOG_EVERY = 120.0
"""Seconds between two lines in a log file."""


class Bar:
    """A progress bar: ``with Bar("walkers") as bar: bar(done, total)``.

    Args:
        title: name of the job.
        start: how much was done before, for the time that is left.
        shown: False shows nothing, as on ranks above 0.
    """

    def __init__(self, title: str, start: int = 0, shown: bool = True):
        self._bar = tqdm(desc=title, initial=start, leave=False, file=sys.stderr, disable=None if shown else True)
        self._title, self._start, self._logs = title.strip(), start, shown and self._bar.disable
        self._begin = self._logged = time.monotonic()

    def __enter__(self) -> Bar:
        return self

    def __call__(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are done."""
        if not self._logs:
            self._bar.total = total
            self._bar.update(done - self._bar.n)
        elif time.monotonic() - self._logged >= LOG_EVERY:
            self._logged = time.monotonic()
            left = (self._logged - self._begin) / max(done - self._start, 1) * (total - done)
            print(f"{self._title}: {done}/{total} ({100 * done // max(total, 1)} %), {duration(left)} left", file=sys.stderr, flush=True)

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Remove the bar from the terminal."""
        self._bar.close()


def rank_bar(title: str, start: int = 0) -> Bar:
    """A `Bar` on rank 0, one that shows nothing on the others."""
    return Bar(title, start, shown=rank_and_world()[0] == 0)


def duration(seconds: float) -> str:
    """Seconds as text: ``42 s``, ``7 min``, ``5 h 20 min``, ``2 d 3 h``."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes} min"
    hours = round(seconds / 3600)
    return f"{minutes // 60} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
