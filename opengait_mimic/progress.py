"""One line of progress on a terminal; silence elsewhere."""

from __future__ import annotations

import sys
import time


class Bar:
    """A progress bar: ``with Bar("walkers") as bar: bar(done, total)``; drawn on a terminal only."""

    def __init__(self, title: str, stream=sys.stderr):
        """Name it; see the class."""
        self.title, self.stream, self.start, self.last = title, stream, time.monotonic(), 0.0

    def __enter__(self) -> Bar:
        return self

    def __call__(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are done, with the time left; at most ten times a second."""
        now = time.monotonic()
        if not self.stream.isatty() or (now - self.last < 0.1 and done < total):
            return
        self.last, full = now, int(24 * done / max(total, 1))
        left = (now - self.start) / max(done, 1) * (total - done)
        self.stream.write(f"\r{self.title:<22} [{'#' * full}{'.' * (24 - full)}] {done}/{total}  {left:.0f} s left \x1b[K")
        self.stream.flush()

    def __exit__(self, *_) -> None:
        if self.stream.isatty():
            self.stream.write("\r\x1b[K")
            self.stream.flush()
