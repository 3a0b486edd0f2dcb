"""Format numbers and names for the page."""

from __future__ import annotations


def format_number(mean: float | None, digits: int = 1, sd: float | None = None) -> str:
    """A number, or mean ± standard deviation; a dash where there is none."""
    if mean is None:
        return "–"
    return f"{mean:.{digits}f}" if sd is None else f"{mean:.{digits}f} ± {sd:.{digits}f}"


def format_hidden(hidden) -> str:
    """A hidden range, 0..1, in percent."""
    return "–".join(f"{100 * part:.4g}" for part in hidden) + " %"


def join_words(parts) -> str:
    """``a, b and c``."""
    *first, last = [*parts] or [""]
    return f"{', '.join(first)} and {last}" if first else last
