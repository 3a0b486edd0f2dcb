"""Top and bottom against numpy, torch and kornia; what every kind has in common."""

from __future__ import annotations

import kornia
import numpy as np
import pytest
import torch

from opengait_mimic import Draw, Occlusion, apply, draw
from opengait_mimic.occlusion import binarise

PAPER = Occlusion({"none": 0.2, "bottom": 0.4, "top": 0.4}, (0.4, 0.6))
FRACTIONS = [0.0, 1 / 64, 0.25, 0.4, 0.4375, 0.47, 0.5, 0.5123, 0.6, 0.75, 0.93, 0.95]


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


def test_none_is_the_identity_bit_for_bit():
    sils = clips(3, 4, 64, 44) * 1e6 - 5e5
    found = apply(sils, [Draw("none", 0.0)] * 3)
    assert torch.equal(found, sils) and found.dtype == sils.dtype


def test_nothing_hidden_is_the_identity():
    sils = clips(2, 2, 16, 4)
    torch.testing.assert_close(apply(sils, [Draw("top", 0.0), Draw("bottom", 0.0)]), sils)


MIXED = [Draw("top", 0.47), Draw("none", 0.0), Draw("bottom", 0.6), Draw("bottom", 0.4123)]


def test_packed_is_fixed_bit_for_bit():
    sils = clips(4, 5, 64, 44)
    packed = apply(sils.reshape(1, 20, 64, 44), MIXED, torch.tensor([[5, 5, 5, 5]]))
    assert packed.shape == (1, 20, 64, 44)
    assert torch.equal(packed.reshape(4, 5, 64, 44), apply(sils, MIXED))


def test_a_packed_batch_is_its_clips_one_by_one():
    lengths = [3, 1, 6, 2]
    sils = clips(1, sum(lengths), 32, 10)
    alone = [apply(clip, [one]) for clip, one in zip(sils.split(lengths, 1), MIXED)]
    assert torch.equal(apply(sils, MIXED, torch.tensor([lengths])), torch.cat(alone, 1))


def test_frames_of_one_clip_share_the_draw_and_clips_do_not():
    frame = clips(64, 44)
    found = apply(frame.expand(4, 6, 64, 44), MIXED)
    for clip in found:
        assert all(torch.equal(shown, clip[0]) for shown in clip)
    assert len({tuple(clip[0].flatten().tolist()) for clip in found}) == 4


def test_replay_from_the_draw():
    sils = clips(3, 4, 64, 44)
    draws = [draw(PAPER, ("k", i)) for i in range(3)]
    first = apply(sils, draws)
    again = [eval(repr(d), {"Draw": Draw}) for d in draws]  # as text and back
    assert torch.equal(first, apply(sils, again))


def test_the_input_is_not_written_to():
    sils = clips(4, 2, 16, 6)
    before = sils.clone()
    apply(sils, MIXED).fill_(-1)
    apply(sils, [Draw("none", 0.0)] * 4).fill_(-1)
    assert torch.equal(sils, before)


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


def test_every_visible_row_shows():
    sils = torch.eye(64)[:, None, :, None].expand(64, 1, 64, 1)  # clip i: row i alone is lit
    for kind in ("top", "bottom"):
        lit = apply(sils, [Draw(kind, 0.5)] * 64).flatten(1).amax(1) > 0
        assert lit.nonzero().flatten().tolist() == visible(kind, 0.5, 64)


def test_top_hides_the_head_and_bottom_the_feet():
    ramp = torch.arange(64.0)[None, None, :, None].expand(1, 1, 64, 3) / 63
    assert apply(ramp, [Draw("top", 0.5)]).min() > 0.49  # only the lower half of the picture is left
    assert apply(ramp, [Draw("bottom", 0.5)]).max() < 0.51


def test_the_range_of_values_is_kept():
    sils = clips(200, 1, 64, 4).round()
    found = apply(sils, [draw(PAPER, ("range", i)) for i in range(200)])
    assert found.min() >= 0 and found.max() <= 1


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


@pytest.mark.parametrize(
    ("sils", "count", "seqL", "message"),
    [
        ((3, 2, 8, 4), 2, None, r"^2 draws for 3 clips: one draw per clip is needed$"),
        ((1, 6, 8, 4), 1, [[2, 4]], r"^1 draws for 2 clips"),
        ((3, 8, 4), 3, None, r"silhouettes must be \[n, s, h, w\].*got \(3, 8, 4\)"),
        ((1, 6, 8, 4), 2, [[2, 3]], r"seqL \[\[2, 3\]\] adds up to 5 frames, the batch has 6"),
    ],
)
def test_apply_refuses(sils, count, seqL, message):
    with pytest.raises(ValueError, match=message):
        apply(torch.rand(sils), [Draw("top", 0.5)] * count, None if seqL is None else torch.tensor(seqL))


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
