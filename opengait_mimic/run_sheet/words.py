"""What every run sheet has: its name, its format, how it is read. No host is needed."""

from __future__ import annotations

import json
from pathlib import Path

from ..config import ConfigError

FORMAT, VERSION = "opengait-mimic run", 1
HEAD = {"format": FORMAT, "format_version": VERSION}


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
    try:
        sheet = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: not JSON ({error}); delete it: what it described counts as not told") from error
    if not isinstance(sheet, dict) or sheet.get("format") != FORMAT:
        raise ConfigError(f'{file}: not a run sheet; expected "format": "{FORMAT}", as training and evaluate write it')
    if sheet.get("format_version") != VERSION:
        raise ConfigError(f"{file}: format_version = {sheet.get('format_version')!r}; this version reads {VERSION}")
    return sheet
