"""Format numbers and names for the page."""

from __future__ import annotations

import html
import unicodedata


def clean_text(text) -> str:
    """Text in one line, without control characters and half surrogate pairs, which no page can hold; U+FFFD stands in their place."""
    return "".join(" " if a.isspace() else "\ufffd" if unicodedata.category(a) in ("Cc", "Cs") else a for a in str(text))


def escape_text(text) -> str:
    """Text for HTML and SVG, in elements and in quoted attributes."""
    return html.escape(clean_text(text), quote=True)


def format_percent(value: float | None) -> str:
    """A percentage with one decimal; a dash where there is none."""
    return "–" if value is None else f"{value:.1f}"


def format_ratio(value: float | None) -> str:
    """RP and retention: two decimals; a dash where there is none."""
    return "–" if value is None else f"{value:.2f}"


def format_spread(mean: float | None, sd: float | None, digits: int) -> str:
    """Mean ± standard deviation; the mean alone where there is one seed."""
    if mean is None:
        return "–"
    return f"{mean:.{digits}f}" if sd is None else f"{mean:.{digits}f} ± {sd:.{digits}f}"


def format_hidden(hidden) -> str:
    """A hidden range, 0..1, in percent."""
    return "–".join(f"{100 * part:.4g}" for part in hidden) + " %"


def join_words(parts) -> str:
    """``a, b and c``."""
    parts = list(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
