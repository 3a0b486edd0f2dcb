"""The command ``opengait-mimic``: one module per command, imported when it is asked for.

A command module has ``SUMMARY`` (for the list of commands), ``EXAMPLE`` (for its help), ``add_arguments(parser)`` and ``run(args)``, which
returns the exit status.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from .arguments import drop_local_rank

COMMANDS = {
    "train": {
        "demo": "train and compare methods on generated walkers",
        "pipeline": "train and test a method with the teacher and the VEN it needs; finished stages are kept",
        "preflight": "try one step, one test batch and one checkpoint; train nothing",
    },
    "measure": {
        "evaluate": "score a model on whole and occluded bodies: Rank-k, mAP, verification, RP",
        "report": "results as one HTML page, and as CSV, JSON and LaTeX",
        "compare": "list what differs between two runs, results or configurations",
    },
    "data": {
        "walkers": "generate walking silhouettes in OpenGait's folder layout",
        "preview": "draw what a configuration hides of your data",
        "check": "host and versions; `check data`: the silhouettes of a training",
    },
    "other": {
        "list": "models, losses, transforms and shipped configurations",
        "convert": "rewrite an old checkpoint so that it can be read without running code",
    },
}
"""Group -> command -> summary, in the order of ``opengait-mimic --help``."""


SEVERAL = ("pipeline", "preflight", "evaluate")
"""Commands that share their work among several processes; of any other, rank 0 does it alone."""


def main(argv: list[str] | None = None) -> int:
    """Parse the command line, run one command, return the exit status."""
    argv = drop_local_rank(sys.argv[1:] if argv is None else argv)
    names = [name for group in COMMANDS.values() for name in group]
    if not argv or argv[0] not in names:
        parser = argparse.ArgumentParser(prog="opengait-mimic", usage="opengait-mimic COMMAND ...", description=_overview())
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument("--version", action="version", version=_version())
        parser.add_argument("command", choices=names, metavar="COMMAND", help=argparse.SUPPRESS)
        parser.parse_args(argv)
    name, rest = argv[0], argv[1:]
    module = importlib.import_module(f".{name}", __name__)  # a command imports torch only when it runs
    parser = argparse.ArgumentParser(
        prog=f"opengait-mimic {name}",
        description=module.__doc__.split("\n\n", 1)[-1] if "\n\n" in module.__doc__ else module.__doc__,
        epilog=f"example:\n  {module.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    args = parser.parse_args(rest)
    args.command = name
    if name not in SEVERAL and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        if os.environ.get("RANK", "0") != "0":
            return 0
        for key in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
            os.environ.pop(key, None)
    return _run(name, module.run, args)


def _run(name: str, run, args) -> int:
    """Run a command; any error ends it with one message."""
    from ..base import last_checkpoint
    from ..base.command_exit import friendly_errors
    from .console import log_to_console

    log_to_console()
    last_checkpoint.begin()
    with friendly_errors(lambda: _what_next(name)):
        status = run(args)
        if name in SEVERAL:
            from ..host import leave

            leave()
    return status


def _what_next(name: str) -> str:
    """What to do after a command was stopped."""
    from ..base import last_checkpoint

    if name == "walkers":
        return "the folder may be incomplete: remove it, then run the same command again"
    if name not in ("demo", "pipeline", "evaluate"):
        return ""
    return last_checkpoint.again() if last_checkpoint.newest() else "the same command continues where it stopped; finished stages are kept"


def _overview() -> str:
    lines = ["MimicGait and its sister methods for OpenGait: occluded gait recognition on any backbone."]
    for group, commands in COMMANDS.items():
        lines += ["", f"{group}:", *(f"  {name:<10} {summary}" for name, summary in commands.items())]
    return "\n".join([*lines, "", "`opengait-mimic COMMAND --help` shows the options and an example."])


def _version() -> str:
    from .. import __version__

    return __version__
