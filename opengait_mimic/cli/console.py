"""Log messages on the console."""

from __future__ import annotations

import logging
import sys


class _Console(logging.StreamHandler):
    """Writes to the current `sys.stderr`."""

    @property
    def stream(self):
        """`sys.stderr`."""
        return sys.stderr

    @stream.setter
    def stream(self, _):
        pass


def log_to_console() -> None:
    """Show our log messages on the console; the host's logger has its own handlers.

    A console that cannot print a letter prints its code.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    logger = logging.getLogger("opengait_mimic")
    if not logger.handlers:
        handler = _Console()
        handler.setFormatter(logging.Formatter("[%(levelname)s]: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
