"""JSON files of ours that begin with their ``format`` and ``format_version``: manifests, results, run sheets."""

from __future__ import annotations

import json
from pathlib import Path

from .errors import ConfigError


def read_headed(file: str | Path, kind: str, version: int, what: str, mend: str, **parsing) -> dict:
    """The mapping in a file, if it is of one format and version.

    Args:
        file: where.
        kind: its ``format``.
        version: its ``format_version``.
        what: what such a file is called, with its article.
        mend: what to do about one that is damaged, of another format or of another version.
        parsing: for `json.loads`.

    Raises:
        ConfigError: it cannot be read, is not JSON, of another format or version; names the file, what was found and the mend.
    """
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"), **parsing)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise ConfigError(f"{file}: not JSON ({error}); {mend}") from error
    if not isinstance(found, dict) or found.get("format") != kind:
        raise ConfigError(f'{file}: not {what}; expected "format": "{kind}"; {mend}')
    if found.get("format_version") != version:
        raise ConfigError(f"{file}: format_version = {found.get('format_version')!r}; this version reads {version}; {mend}")
    return found
