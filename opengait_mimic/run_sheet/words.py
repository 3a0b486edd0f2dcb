"""What every run sheet has: its name, its format, how it is read. No host is needed."""

from __future__ import annotations

from pathlib import Path

from ..base.json_header import read_headed

FORMAT, VERSION = "opengait-mimic run", 1
HEAD = {"format": FORMAT, "format_version": VERSION}
MEND = "delete it: what it described counts as not told"


def beside(file: Path) -> Path:
    """The place of the run sheet of a checkpoint or a result: ``run.json`` for ``results.json``, else ``<stem>.run.json``."""
    return file.with_name("run.json" if file.name == "results.json" else f"{file.stem}.run.json")


def read_sheet(file: Path) -> dict | None:
    """A run sheet; None where there is no such file.

    Raises:
        ConfigError: the file is not one of this format and version.
    """
    if not file.is_file():
        return None
    return read_headed(file, FORMAT, VERSION, "a run sheet", MEND)
