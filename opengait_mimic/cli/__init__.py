"""The command ``opengait-mimic``."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import __version__
from ..base import stopped
from ..base.ending import friendly_errors
from .commands import COMMANDS
from .console import log_to_console

RESUMED = ("demo", "pipeline", "evaluate")
"""The commands that keep what they have finished."""


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="opengait-mimic", description="MimicGait for OpenGait: demo, data, evaluation, checks.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    given = parser.parse_args(argv)
    log_to_console()
    stopped.begin()
    with friendly_errors(lambda: _again(given)):
        status = given.run(given)
        if given.command in ("evaluate", "pipeline", "preflight"):  # what may run in several processes
            from ..host import leave

            leave()
    return status


def _again(given) -> str:
    """What to do after a command was stopped."""
    if given.command == "walkers":
        root = Path(given.out) / "walkers"
        unfinished = root.exists() and not root.with_suffix(".json").exists()  # which is written last
        return f"{root} is unfinished: remove it, then give the same command again" if unfinished else ""
    if given.command not in RESUMED:
        return ""
    return stopped.again() if stopped.newest() else "the same command goes on where it stopped; what is finished is kept"
