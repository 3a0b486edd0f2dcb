"""Log messages on the console."""

from __future__ import annotations

import logging
import sys


def log_to_console() -> None:
    """Show our log messages on the current `sys.stderr`; the host's logger has its own handlers."""
    logger = logging.getLogger("opengait_mimic")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("[%(levelname)s]: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    logger.handlers[0].setStream(sys.stderr)
