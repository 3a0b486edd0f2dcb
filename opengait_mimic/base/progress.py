"""One line of progress on a terminal; a plain line now and then in a log file."""

from __future__ import annotations

import sys
import time

from .processes import rank_and_world


class Bar:
    """A progress bar: ``with Bar("walkers") as bar: bar(done, total)``.

    On a terminal one line, drawn at most ten times a second. Elsewhere a plain line at every tenth of the way, but no two within
    `APART` seconds, and one after `SILENT` seconds at the latest.

    Args:
        title: what is going on.
        start: how much was done before, for the time left.
        stream: where to; ... = `sys.stderr` as it is then; None = nowhere (processes above rank 0).
        clock: the time in seconds.
    """

    APART, SILENT = 30.0, 600.0

    def __init__(self, title: str, start: int = 0, stream=..., clock=time.monotonic):
        """Name it; see the class."""
        stream = sys.stderr if stream is ... else stream
        self.title, self.start, self.stream, self.clock = title, start, stream, clock
        self.begin, self.last, self.tenth = clock(), 0.0, 0
        self.terminal = stream is not None and stream.isatty()

    def __enter__(self) -> Bar:
        return self

    def __call__(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are done, with the time left."""
        if self.stream is None:
            return
        now, total = self.clock(), max(total, 1)
        left = duration((now - self.begin) / max(done - self.start, 1) * (total - done))
        if self.terminal:
            if now - self.last >= 0.1 or done >= total:
                self.last, full = now, int(24 * done / total)
                self.stream.write(f"\r{self.title:<22} [{'#' * full}{'.' * (24 - full)}] {done}/{total}  {left} left \x1b[K")
                self.stream.flush()
            return
        since, tenth = now - max(self.last, self.begin), 10 * done // total
        if since >= self.SILENT or (since >= self.APART and tenth > self.tenth):
            self.last, self.tenth = now, tenth
            self.stream.write(f"{self.title.strip()}: {done}/{total} ({100 * done // total} %), {left} left\n")
            self.stream.flush()

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Take the line away."""
        if self.terminal:
            self.stream.write("\r\x1b[K")
            self.stream.flush()


def rank_bar(title: str, start: int = 0) -> Bar:
    """A `Bar` on rank 0, one that shows nothing on the others."""
    return Bar(title, start) if rank_and_world()[0] == 0 else Bar(title, start, stream=None)


def duration(seconds: float) -> str:
    """Seconds as a person says them: ``42 s``, ``7 min``, ``5 h 20 min``, ``2 d 3 h``."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes} min"
    hours = round(seconds / 3600)
    return f"{minutes // 60} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
