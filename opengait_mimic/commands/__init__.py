"""The commands of ``opengait-mimic``: how each is asked on the command line, and what it then runs.

A command is a function that adds its parser to the subparsers it is given and sets ``run``, which takes the parsed command line and returns
the exit status. What it runs is imported there, so that one command does not wait for another's modules.
"""

from .data import check, preview, walkers
from .files import convert, import_, list_
from .results import compare, curves, evaluate, report
from .training import adapt, demo, pipeline, preflight, table

COMMANDS = (
    demo, pipeline, adapt, table, walkers, preview, preflight, evaluate, report, compare, curves, import_, convert, list_, check,
)  # fmt: skip
"""In the order of ``opengait-mimic --help``."""
