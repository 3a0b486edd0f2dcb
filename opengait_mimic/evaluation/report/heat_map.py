"""Heat maps with their numbers in the cells, so that they can be read without colour."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .svg import picture

CELL, LOW = 40, 25  # width and height of a cell, in pixels
DARK = 0.62  # from this shade on, letters in the colour of the paper are easier to read
LETTER = 6.3  # width of a letter, for the room that names need
NARROW = 310  # pixels that fit into a column of the page


def figure_size(rows: Sequence[str], columns: Sequence[str]) -> str:
    """The `Figure.size` that a map of these needs."""
    return "half" if _room(rows) + CELL * len(columns) > NARROW else ""


def draw_heat_map(alt: str, rows: Sequence[str], columns: Sequence[str], values, words, x: str = "", y: str = "") -> str:
    """A matrix of percentages as an SVG of fixed size: the stronger the shade, the more.

    Args:
        alt: description for readers who do not see it.
        rows: their names.
        columns: theirs.
        values: per row, per column the number that shades the cell; None leaves it empty.
        words: per row, per column the text in the cell.
        x: over the columns, in one line.
        y: the title of the rows' names.
    """
    room = _room((*rows, y))
    turned = max(map(len, columns)) * LETTER > CELL
    top = round(18 + (8 + LETTER * 0.75 * max(map(len, columns)) if turned else 18))
    parts = [_text(x, room, 13), _text(y, room - 8, top - 7, "end")]
    for j, name in enumerate(columns):
        middle = room + CELL * j + CELL // 2
        turn = f' transform="rotate(-45 {middle - 4} {top - 6})"'
        parts.append(_text(name, middle - 4, top - 6, more=turn) if turned else _text(name, middle, top - 7, "middle"))
    for i, name in enumerate(rows):
        y0 = top + LOW * i
        parts.append(_text(name, room - 8, y0 + 17, "end"))
        for j, value in enumerate(values[i]):
            x0 = room + CELL * j
            box = f'x="{x0}" y="{y0}" width="{CELL - 1}" height="{LOW - 1}"'
            if value is None:
                parts.append(f'<rect class="none" {box}/><path class="grid" d="M{x0} {y0 + LOW}l{CELL} {-LOW}"/>')
                continue
            shade = value / 100
            parts.append(f'<rect class="heat" style="--shade:{shade:.2f}" {box}/>')
            ink = ' class="on"' if shade > DARK else ' class="off"'
            parts.append(_text(words[i][j], x0 + CELL // 2, y0 + 17, "middle", ink))
    beyond = LETTER * 0.75 * len(columns[-1]) if turned else 4
    width, height = round(room + CELL * len(columns) + beyond), top + LOW * len(rows) + 4
    return picture(alt, width, height, "".join(parts), f"width:{width}px;max-width:none")


def _room(names: Sequence[str]) -> int:
    return round(14 + LETTER * max(map(len, names)))


def _text(words: str, x: int, y: int, anchor: str = "start", more: str = "") -> str:
    return f'<text{more} x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
