"""What made a result, as lines of a table."""

from __future__ import annotations

import json

from .loaded_results import Result


def lines(result: Result) -> list[tuple[str, str]]:
    """(key, value) of everything the provenance tells; what is nested is written ``outer.inner``."""
    return [("result", result.place), *_flat("", result.provenance)]


def _flat(prefix: str, value) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [pair for key, inner in value.items() for pair in _flat(f"{prefix}.{key}" if prefix else str(key), inner)]
    if isinstance(value, str):
        return [(prefix, value)]
    return [(prefix, "not told" if value is None else json.dumps(value, ensure_ascii=False))]
