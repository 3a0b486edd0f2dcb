"""Contact sheets: a PNG of small pictures in rows with captions."""

from __future__ import annotations

import os

import numpy as np
import torch
from kornia.io import write_image

BACK, GAP, INK = 24, 64, 230  # grey of the background, the frame around pictures, the letters
MARGIN, SCALE = 4, 2  # around pictures and letters; screen pixels per pixel
RED = (255, 60, 60)

# A 5x7 font: per character seven rows of five bits, most significant bit left.
FONT = {
    " ": "0 0 0 0 0 0 0", "A": "14 17 17 31 17 17 17", "B": "30 17 17 30 17 17 30", "C": "14 17 16 16 16 17 14",
    "D": "30 17 17 17 17 17 30", "E": "31 16 16 30 16 16 31", "F": "31 16 16 30 16 16 16", "G": "14 17 16 23 17 17 15",
    "H": "17 17 17 31 17 17 17", "I": "14 4 4 4 4 4 14", "J": "7 2 2 2 2 18 12", "K": "17 18 20 24 20 18 17",
    "L": "16 16 16 16 16 16 31", "M": "17 27 21 21 17 17 17", "N": "17 25 21 19 17 17 17", "O": "14 17 17 17 17 17 14",
    "P": "30 17 17 30 16 16 16", "Q": "14 17 17 17 21 18 13", "R": "30 17 17 30 20 18 17", "S": "15 16 16 14 1 1 30",
    "T": "31 4 4 4 4 4 4", "U": "17 17 17 17 17 17 14", "V": "17 17 17 17 17 10 4", "W": "17 17 17 21 21 27 17",
    "X": "17 17 10 4 10 17 17", "Y": "17 17 10 4 4 4 4", "Z": "31 1 2 4 8 16 31", "0": "14 17 19 21 25 17 14",
    "1": "4 12 4 4 4 4 14", "2": "14 17 1 2 4 8 31", "3": "31 2 4 2 1 17 14", "4": "2 6 10 18 31 2 2",
    "5": "31 16 30 1 1 17 14", "6": "6 8 16 30 17 17 14", "7": "31 1 2 4 8 8 8", "8": "14 17 17 14 17 17 14",
    "9": "14 17 17 15 1 2 12", ".": "0 0 0 0 0 12 12", ",": "0 0 0 0 12 4 8", ":": "0 12 12 0 12 12 0",
    "%": "24 25 2 4 8 19 3", "-": "0 0 0 31 0 0 0", "+": "0 4 4 31 4 4 0", "/": "0 1 2 4 8 16 0",
    "(": "2 4 8 8 8 4 2", ")": "8 4 2 2 2 4 8",
}  # fmt: skip


def text_picture(text: str) -> np.ndarray:
    """The text as ink: bool [7, 6 x letters], letters in upper case. A KeyError names a character that the font lacks."""
    rows = np.array([[int(row) for row in FONT[letter].split()] for letter in text.upper()], dtype=np.int64)
    bits = (rows.reshape(-1, 7, 1) >> np.arange(5, -1, -1)) & 1  # [letters, 7, 6], an empty column first
    return bits.transpose(1, 0, 2).reshape(7, -1).astype(bool)


def outline(pictures: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Grey pictures in colour, a rectangle of each drawn in red.

    Args:
        pictures: 0..1.
        boxes: first row, row below the last, first column, column right of the last; an empty one is not drawn.

    Shape:
        - pictures: [k, h, w]
        - boxes: [4, k], in pixels
        - result: uint8 [k, h, w, 3]
    """
    coloured = _bytes(pictures)[..., None].repeat(3, -1)
    for picture, (top, bottom, left, right) in zip(coloured, np.asarray(boxes).T):
        if top < bottom and left < right:
            picture[[top, bottom - 1], left:right] = RED
            picture[top:bottom, [left, right - 1]] = RED
    return coloured


def contact_sheet(rows: list[tuple[str, np.ndarray | None]], path: str | os.PathLike, title: str) -> None:
    """Write rows of pictures with their captions as a PNG.

    Args:
        rows: (caption, pictures); None for pictures makes the caption a heading over the whole width.
        path: where to; the folder must exist.
        title: a line above all rows.

    Shape:
        - pictures: [k, h, w], or in colour [k, h, w, 3]; 0..1 or uint8 0..255; k, h, w may differ between rows
    """
    left = max((text_picture(caption).shape[1] for caption, pictures in rows if pictures is not None), default=0) + 2 * MARGIN
    bands = [_heading(title)]
    bands += [_heading(caption) if pictures is None else _row(caption, _bytes(pictures), left) for caption, pictures in rows]
    width = max(band.shape[1] for band in bands)
    padded = [np.pad(band, ((0, MARGIN), (0, width + MARGIN - band.shape[1]), (0, 0)), constant_values=BACK) for band in bands]
    sheet = np.concatenate(padded).repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    write_image(os.fspath(path), torch.from_numpy(sheet).permute(2, 0, 1).contiguous())


def _heading(text: str) -> np.ndarray:
    ink = text_picture(text)
    band = np.full((MARGIN + 7, MARGIN + ink.shape[1], 3), BACK, dtype=np.uint8)
    band[MARGIN:, MARGIN:][ink] = INK
    return band


def _row(caption: str, pictures: np.ndarray, left: int) -> np.ndarray:
    """One row of the sheet; its pictures begin ``left`` pixels from the edge."""
    ink, (k, h, w) = text_picture(caption), pictures.shape[:3]
    high = max(h + 2, 7)
    band = np.full((high, left + k * (w + 1) + 1, 3), BACK, dtype=np.uint8)
    top = (high - 7) // 2
    band[top : top + 7, MARGIN : MARGIN + ink.shape[1]][ink] = INK
    band[: h + 2, left:] = GAP
    for i, picture in enumerate(pictures):
        x = left + 1 + i * (w + 1)
        band[1 : h + 1, x : x + w] = picture if picture.ndim == 3 else picture[..., None]
    return band


def _bytes(pictures: np.ndarray) -> np.ndarray:
    return pictures if pictures.dtype == np.uint8 else np.round(pictures * 255.0).astype(np.uint8)
