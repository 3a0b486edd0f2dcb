"""What every command of ours does on the console: messages, the flags for the host, errors without a traceback."""

from __future__ import annotations

import contextlib
import logging
import sys

from .config import ConfigError
from .host import HostError


def log_to_console() -> None:
    """Our own messages on the console; the host's logger has its own handlers."""
    logger = logging.getLogger("opengait_mimic")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("[%(levelname)s]: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


def add_host_arguments(parser) -> None:
    """The flags every command with a host shares."""
    parser.add_argument(
        "--host",
        default=None,
        help="an OpenGait checkout, or `embedded` (default: OPENGAIT_ROOT, a parent folder, the user cache, embedded)",
    )
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--output", default=None, metavar="DIR", help="where results go (default: ./output)")


def add_preflight_argument(parser) -> None:
    """The flag every command that trains shares."""
    parser.add_argument("--no-preflight", action="store_true", help="begin to train at once, without the checks before the first step")


@contextlib.contextmanager
def friendly_errors():
    """Errors a user can mend end the program with their message; anything else keeps its traceback."""
    try:
        yield
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
    except (HostError, ConfigError, FileExistsError, FileNotFoundError, FloatingPointError) as error:
        sys.exit(f"error: {error}")
    except RuntimeError as error:
        if type(error).__module__.startswith("opengait_mimic."):  # CheckpointError, TeacherChanged
            sys.exit(f"error: {error}")
        raise
