"""JSON files of ours that begin with ``format`` and ``format_version``: manifests, results, records."""

from __future__ import annotations

import json
from pathlib import Path

from .errors import ConfigError


def read_headed(file: str | Path, kind: str, version: int, what: str, cure: str) -> dict:
    """Read a JSON file of one format and version.

    Args:
        file: its path.
        kind: the ``format`` it must have.
        version: the ``format_version`` it must have.
        what: what such a file is called, with its article, for messages.
        cure: what to do about a damaged file or one of another format or version, for messages.

    Raises:
        ConfigError: it cannot be read, is not JSON, or has another format or version.
    """
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise ConfigError(f"{file}: not JSON ({error}); {cure}") from error
    if not isinstance(content, dict) or content.get("format") != kind:
        raise ConfigError(f'{file}: not {what}; expected "format": "{kind}"; {cure}')
    if content.get("format_version") != version:
        raise ConfigError(f"{file}: format_version = {content.get('format_version')!r}; this version reads {version}; {cure}")
    return content
