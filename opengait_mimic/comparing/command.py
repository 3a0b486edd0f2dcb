"""``opengait-mimic compare A B``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from .. import host as hosts
from ..base.errors import CheckpointError, ConfigError, HostError
from ..run_sheet import recipe
from .differences import compare
from .show import silent, table
from .sides import read_side

USAGE = 2


def run(given) -> int:
    """Of a parsed command line.

    Returns:
        0: nothing of the recipe differs; 1: it does, or a side does not tell its recipe; 2: a side cannot be read.
    """

    def read_recipe(file: Path) -> dict:
        hosts.bind(given.host, "cpu", given.output)
        return recipe(file)

    try:
        a, b = (read_side(place, read_recipe) for place in (given.a, given.b))
    except (ConfigError, HostError, CheckpointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    found = compare(a.sheet, b.sheet)
    width = min(max(shutil.get_terminal_size((100, 24)).columns, 80), 120)
    print(table(found, (a.file, a.title), (b.file, b.title), width, "recipe" in (a.sheet["what"], b.sheet["what"])))
    return 1 if silent(found) or any(each.departure for each in found) else 0
