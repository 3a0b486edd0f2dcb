"""Top and bottom against numpy, torch and kornia; what every kind has in common."""

from __future__ import annotations

import kornia
import numpy as np
import pytest
import torch

from opengait_mimic import Draw, Occlusion, apply, draw
from opengait_mimic.occlusion import binarise

FRACTIONS = [0.0, 1 / 64, 0.4, 0.47, 0.5123, 0.95]


MIXED = [Draw("top", 0.47), Draw("none", 0.0), Draw("bottom", 0.6), Draw("bottom", 0.4123)]


def clips(*shape, seed=0, dtype=torch.float32):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def visible(kind: str, hidden: float, h: int) -> list[int]:
    """The rows of which at least a part stays visible."""
    start, stop = (hidden * h, h) if kind == "top" else (0, (1 - hidden) * h)
    return [row for row in range(h) if min(row + 1, stop) - max(row, start) > 0]


def slow(frame: np.ndarray, kind: str, hidden: float) -> np.ndarray:
    """One frame, column by column: linear between the centres of the visible rows, constant beyond the outermost."""
    h, w = frame.shape
    if kind == "none":
        return frame
    rows, start = visible(kind, hidden, h), hidden * h if kind == "top" else 0
    centres = [start + (i + 0.5) * (1 - hidden) for i in range(h)]  # of the result's rows, in the source
    return np.stack([np.interp(centres, np.array(rows) + 0.5, frame[rows, j]) for j in range(w)], 1)


@pytest.mark.parametrize("hidden", FRACTIONS)
@pytest.mark.parametrize("kind", ["top", "bottom"])
@pytest.mark.parametrize("h", [64, 30, 8])
def test_apply_against_a_slow_loop(kind, hidden, h):
    sils = clips(2, 3, h, 5, dtype=torch.float64)
    found = apply(sils, [Draw(kind, hidden)] * 2)
    expected = np.array([[slow(frame, kind, hidden) for frame in clip] for clip in sils.numpy()])
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("rows", [1, 16, 26, 32, 38, 48, 60])
@pytest.mark.parametrize("kind", ["top", "bottom"])
def test_whole_rows_are_torchs_bilinear_resize_of_the_crop(kind, rows):
    sils = clips(2, 3, 64, 44)
    crop = sils[:, :, rows:] if kind == "top" else sils[:, :, : 64 - rows]
    expected = torch.nn.functional.interpolate(crop, size=(64, 44), mode="bilinear", align_corners=False)
    torch.testing.assert_close(apply(sils, [Draw(kind, rows / 64)] * 2), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("hidden", [0.4, 0.47, 0.5123, 0.6])
@pytest.mark.parametrize("kind", ["top", "bottom"])
def test_crops_within_a_row_against_kornia(kind, hidden):
    h, w = 64, 12
    sils = clips(1, 2, h, w, dtype=torch.float64)
    start, stop = (hidden * h, h) if kind == "top" else (0.0, (1 - hidden) * h)
    step = (stop - start) / h  # kornia's box runs through the centres of the first and the last row of the result
    y0, y1 = start + step / 2 - 0.5, stop - step / 2 - 0.5
    box = torch.tensor([[[0, y0], [w - 1, y0], [w - 1, y1], [0, y1]]], dtype=torch.float64)
    expected = kornia.geometry.transform.crop_and_resize(sils, box, (h, w), padding_mode="border")
    inner = slice(2, h - 2)  # at the cut kornia would look at hidden rows
    torch.testing.assert_close(apply(sils, [Draw(kind, hidden)])[:, :, inner, 1:-1], expected[:, :, inner, 1:-1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("h", [64, 128, 30])
def test_no_hidden_row_shows(h):
    draws = [draw(Occlusion({"bottom": 0.5, "top": 0.5}, (0.0, 0.95)), ("leak", i)) for i in range(200)]
    draws += [Draw(kind, rows / h) for kind in ("top", "bottom") for rows in range(h - h // 16)] if h != 30 else []
    sils = clips(len(draws), 1, h, 2)
    for clip, (kind, hidden, *_) in zip(sils, draws):
        seen = visible(kind, hidden, h)
        clip[:, [row for row in range(h) if row not in seen]] = 1000.0
    assert sils.max() == 1000
    assert apply(sils, draws).max() <= 1


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
def test_other_float_types(dtype, tolerance):
    sils = clips(4, 2, 64, 8)
    found = apply(sils.to(dtype), MIXED)
    assert found.dtype == dtype
    torch.testing.assert_close(found.float(), apply(sils, MIXED), atol=tolerance, rtol=0)
    assert torch.equal(apply(sils.to(dtype), [Draw("none", 0.0)] * 4), sils.to(dtype))


def test_gradcheck():
    sils = clips(4, 1, 6, 2, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: apply(x, MIXED), sils)


def test_strided_input():
    sils = clips(6, 2, 4, 16).permute(2, 1, 3, 0)  # [4, 2, 16, 6] of another memory order
    assert not sils.is_contiguous()
    assert torch.equal(apply(sils, MIXED), apply(sils.contiguous(), MIXED))


def test_apply_refuses_another_number_of_draws():
    for shape, seqL in [((3, 2, 8, 4), None), ((1, 6, 8, 4), torch.tensor([[2, 3, 1]]))]:
        with pytest.raises(ValueError, match="^2 draws for 3 clips: one draw per clip is needed$"):
            apply(torch.rand(shape), [Draw("top", 0.5)] * 2, seqL)


def test_binarise():
    sils = torch.tensor([0.0, 0.49, 0.5, 0.51, 1.0])
    assert binarise(sils, 0.5).tolist() == [0, 0, 0, 1, 1]
    assert binarise(sils.half(), 0.2).dtype == torch.float16
    assert binarise(sils, None) is sils


@pytest.mark.parametrize(("kind", "hidden", "h"), [("bottom", 0.7, 10), ("top", 0.29, 100), ("bottom", 0.7, 30)])
def test_a_hidden_row_does_not_show_through_rounding(kind, hidden, h):
    sils, gone = torch.zeros(1, 1, h, 2), round(hidden * h)
    (sils[:, :, :gone] if kind == "top" else sils[:, :, h - gone :])[:] = 1000
    assert apply(sils, [Draw(kind, hidden)]).max() < 1e-3


@pytest.mark.parametrize("bad", [Draw("botom", 0.5), Draw("top", 1.0), Draw("bottom", 1.5), Draw("top", float("nan"))])
def test_a_draw_that_is_none_is_refused(bad):
    with pytest.raises(ValueError):
        apply(torch.rand(2, 2, 8, 4), [bad] * 2)
