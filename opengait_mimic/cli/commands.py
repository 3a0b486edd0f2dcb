"""The commands of ``opengait-mimic``: how each is asked on the command line, and what it then runs.

A command is a function that adds its parser to the subparsers it is given and sets ``run``, which takes the parsed command line and returns
the exit status. What it runs is imported there, so that one command does not wait for another's modules.
"""

from .check import check
from .data_commands import preview, walkers
from .files_commands import convert, list_
from .results_commands import compare, evaluate, report
from .training_commands import demo, pipeline, preflight

COMMANDS = (
    demo, pipeline, walkers, preview, preflight, evaluate, report, compare, convert, list_, check,
)  # fmt: skip
"""In the order of ``opengait-mimic --help``."""
