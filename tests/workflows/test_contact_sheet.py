"""Contact sheets, read back from the PNG."""

from __future__ import annotations

import numpy as np
from PIL import Image

from opengait_mimic.workflows.contact_sheet import BACK, FONT, GAP, INK, MARGIN, RED, SCALE, contact_sheet, outline, text_picture


def read(path):
    """The grey values, one per pixel of the pictures."""
    picture = np.asarray(Image.open(path))
    assert picture.ndim == 3 and (picture[..., :1] == picture).all()
    small = picture[::SCALE, ::SCALE, 0]
    assert (small.repeat(SCALE, 0).repeat(SCALE, 1) == picture[..., 0]).all()
    return small


def test_pictures_come_back(tmp_path):
    """Grey bytes, shares of 1, and black and white."""
    rng = np.random.default_rng(0)
    grey, share = rng.integers(0, 256, (3, 10, 6), dtype=np.uint8), rng.random((2, 5, 8))
    contact_sheet([("a b", grey), ("(x)", share), ("", np.eye(9, dtype=bool)[None])], tmp_path / "sheet.png", title="")
    small = read(tmp_path / "sheet.png")
    left, y = 3 * 6 + 2 * MARGIN, 2 * MARGIN + 7
    for i, picture in enumerate(grey):
        x = left + 1 + 7 * i
        np.testing.assert_array_equal(small[y + 1 : y + 11, x : x + 6], picture)
        assert (small[y : y + 12, x - 1] == GAP).all()
    y += 12 + MARGIN
    for i, picture in enumerate(share):
        x = left + 1 + 9 * i
        assert np.abs(small[y + 1 : y + 6, x : x + 8] / 255 - picture).max() <= 0.5 / 255 + 1e-9
    y += 7 + MARGIN
    np.testing.assert_array_equal(small[y + 1 : y + 10, left + 1 : left + 10], np.eye(9) * 255)
    assert (small[:, -MARGIN:] == BACK).all() and (small[-MARGIN:] == BACK).all()


def test_caption_and_title(tmp_path):
    rows = [("NM-01", np.zeros((1, 3, 3)))]
    contact_sheet(rows, tmp_path / "sheet.png", title="What training sees: 50 %")
    sheet = read(tmp_path / "sheet.png")
    title = text_picture("WHAT TRAINING SEES: 50 %")
    np.testing.assert_array_equal(sheet[MARGIN : MARGIN + 7, MARGIN : MARGIN + title.shape[1]] == INK, title)
    caption = text_picture("nm-01")
    y = 7 + 2 * MARGIN
    np.testing.assert_array_equal(sheet[y : y + 7, MARGIN : MARGIN + caption.shape[1]] == INK, caption)


def test_a_heading_spans_the_sheet(tmp_path):
    rows = [("A LONG HEADING OVER EVERYTHING", None), ("B", np.ones((1, 20, 20)))]
    contact_sheet(rows, tmp_path / "sheet.png", title="")
    sheet, top = read(tmp_path / "sheet.png"), 7 + 3 * MARGIN
    heading = text_picture("A LONG HEADING OVER EVERYTHING")
    np.testing.assert_array_equal(sheet[top : top + 7, MARGIN : MARGIN + heading.shape[1]] == INK, heading)
    y, x = top + 7 + MARGIN, 6 + 2 * MARGIN
    assert (sheet[y + 1 : y + 21, x + 1 : x + 21] == 255).all(), "its length does not push the pictures to the right"


def test_outline(tmp_path):
    boxes = np.array([[1, 0], [4, 0], [2, 3], [6, 3]])  # the second one is empty
    found = outline(np.ones((2, 5, 8)), boxes)
    assert found.shape == (2, 5, 8, 3) and found.dtype == np.uint8 and (found[1] == 255).all()
    red = [(y, x) for y in range(5) for x in range(8) if tuple(found[0, y, x]) == RED]
    edge = [(y, x) for y in range(1, 4) for x in range(2, 6) if y in (1, 3) or x in (2, 5)]
    assert red == edge
    contact_sheet([("", found)], tmp_path / "sheet.png", title="")
    picture = np.asarray(Image.open(tmp_path / "sheet.png"))[::SCALE, ::SCALE]
    top = 7 + 2 * MARGIN
    np.testing.assert_array_equal(picture[top + 1 : top + 6, 2 * MARGIN + 1 : 2 * MARGIN + 9], found[0])


def test_font():
    assert set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:%-+/()") == set(FONT)
    glyphs = {letter: text_picture(letter) for letter in FONT}
    assert all(glyph.shape == (7, 6) and not glyph[:, 0].any() for glyph in glyphs.values())
    assert len({glyph.tobytes() for glyph in glyphs.values()}) == len(FONT)
