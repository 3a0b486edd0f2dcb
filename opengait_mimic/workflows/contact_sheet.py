"""Contact sheets: a PNG of small pictures in rows with captions."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from kornia.io import write_image

BACK, GAP, INK = 24, 64, 230  # grey of the background, the frame around pictures, the letters
MARGIN = 4
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
    """The text as ink: bool [7, 6 x letters], letters in upper case.

    Raises:
        ValueError: a character that the font lacks.
    """
    unknown = sorted(set(text.upper()) - set(FONT))
    if unknown:
        raise ValueError(f"no letter for {unknown} in {text!r}: the font has A-Z, 0-9, space and . , : % - + / ( )")
    rows = np.array([[int(row) for row in FONT[letter].split()] for letter in text.upper()], dtype=np.int64)
    bits = (rows.reshape(-1, 7, 1) >> np.arange(5, -1, -1)) & 1  # [letters, 7, 6], an empty column first
    return bits.transpose(1, 0, 2).reshape(7, -1).astype(bool)


def outline(pictures: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Grey pictures in colour, a rectangle of each drawn in red.

    Args:
        pictures: 0..1 or uint8 0..255.
        boxes: first row, row below the last, first column, column right of the last; an empty one is not drawn.

    Shape:
        - pictures: [k, h, w]
        - boxes: [4, k], in pixels
        - result: uint8 [k, h, w, 3]
    """
    coloured = _bytes("outline", pictures)[..., None].repeat(3, -1)
    for picture, (top, bottom, left, right) in zip(coloured, np.asarray(boxes).T):
        if top < bottom and left < right:
            picture[[top, bottom - 1], left:right] = RED
            picture[top:bottom, [left, right - 1]] = RED
    return coloured


def _bytes(caption: str, pictures: np.ndarray) -> np.ndarray:
    pictures = np.asarray(pictures)
    if pictures.ndim not in (3, 4) or 0 in pictures.shape or (pictures.ndim == 4 and pictures.shape[3] != 3):
        raise ValueError(f"row {caption!r} has shape {pictures.shape}: expected [pictures, height, width] or [.., 3], none of them 0")
    if pictures.dtype == np.uint8:
        return pictures
    if pictures.dtype != bool and not (pictures.min() >= 0 and pictures.max() <= 1):
        raise ValueError(f"row {caption!r} has values outside 0..1: give 0..1, or uint8 for 0..255")
    return np.round(pictures * 255.0).astype(np.uint8)


def contact_sheet(rows: Sequence[tuple[str, np.ndarray | None]], path: str | os.PathLike, scale: int = 2, title: str = "") -> None:
    """Write rows of pictures with their captions as a PNG.

    Args:
        rows: (caption, pictures); pictures of different rows may differ in number and size; no pictures (None) make the caption
            a heading over the whole width.
        path: where to; the folder must exist.
        scale: screen pixels per pixel of a picture and of a letter, 1 upwards.
        title: a line above all rows; none if empty.

    Shape:
        - pictures: [k, h, w], or in colour [k, h, w, 3]; 0..1 or uint8 0..255

    Raises:
        ValueError: no rows, a picture of wrong shape or values, a letter the font lacks, a scale below 1.
    """
    if not rows:
        raise ValueError("no rows: a contact sheet needs at least one (caption, pictures)")
    if scale < 1:
        raise ValueError(f"scale = {scale}: expected 1 or more")
    shown = [None if pictures is None else _bytes(caption, pictures) for caption, pictures in rows]
    captions = [text_picture(caption) for caption, _ in rows]
    head = text_picture(title)
    left = max([ink.shape[1] for ink, p in zip(captions, shown) if p is not None], default=0) + 2 * MARGIN
    wide = [MARGIN + ink.shape[1] if p is None else left + p.shape[0] * (p.shape[2] + 1) + 1 for ink, p in zip(captions, shown)]
    top = 7 + 2 * MARGIN if title else MARGIN
    tall = [7 + MARGIN if p is None else max(p.shape[1] + 2, 7) for p in shown]
    sheet = np.full((top + sum(tall) + MARGIN * len(rows), max(*wide, head.shape[1] + MARGIN) + MARGIN, 3), BACK, dtype=np.uint8)
    if title:
        sheet[MARGIN : MARGIN + 7, MARGIN : MARGIN + head.shape[1]][head] = INK
    y = top
    for pictures, ink, high in zip(shown, captions, tall):
        at = y + (high - 7) // 2 if pictures is not None else y + MARGIN
        sheet[at : at + 7, MARGIN : MARGIN + ink.shape[1]][ink] = INK
        if pictures is not None:
            k, h, w = pictures.shape[:3]
            sheet[y : y + h + 2, left : left + k * (w + 1) + 1] = GAP
            for i, picture in enumerate(pictures):
                x = left + 1 + i * (w + 1)
                sheet[y + 1 : y + 1 + h, x : x + w] = picture if picture.ndim == 3 else picture[..., None]
        y += high + MARGIN
    sheet = sheet.repeat(scale, axis=0).repeat(scale, axis=1)
    write_image(os.fspath(path), torch.from_numpy(sheet).permute(2, 0, 1).contiguous())
