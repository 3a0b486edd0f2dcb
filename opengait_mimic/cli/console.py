"""Log messages on the console, and the flags that commands share."""

from __future__ import annotations

import argparse
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
    """Show our log messages on the console; the host's logger has its own handlers."""
    logger = logging.getLogger("opengait_mimic")
    if not logger.handlers:
        handler = _Console()
        handler.setFormatter(logging.Formatter("[%(levelname)s]: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


def add_host_argument(parser) -> None:
    """Add ``--host``."""
    parser.add_argument(
        "--host",
        default=None,
        help="an OpenGait checkout, or `embedded` (default: OPENGAIT_ROOT, a parent folder, the user cache, embedded)",
    )


def add_device_argument(parser) -> None:
    """Add ``--device``."""
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")


def add_host_arguments(parser) -> None:
    """Add the flags of commands that write results."""
    add_host_argument(parser)
    add_device_argument(parser)
    parser.add_argument("--output", default=None, metavar="DIR", help="where results go (default: ./output)")


def add_preflight_argument(parser) -> None:
    """Add ``--no-preflight``."""
    parser.add_argument("--no-preflight", action="store_true", help="train at once, without the checks before the first step")


class RenamedOption(argparse.Action):
    """An option of an older version; ``const`` is the new name, which the error states."""

    def __call__(self, parser, namespace, values, option=None):  # noqa: D102
        parser.error(f"{option} was renamed; use {self.const}")
