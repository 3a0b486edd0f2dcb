"""Middle, patch and pole pixel by pixel against the documentation; what is hidden of every frame."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from opengait_mimic import KINDS, Draw, Occlusion, apply, draw
from opengait_mimic.occlusion import clip_times, drawn_times, targets, uniforms

BLACK = ("middle", "patch", "pole")
DYNAMIC = Occlusion({"middle": 0.2, "patch": 0.4, "pole": 0.4}, (0.4, 0.6))


def slow(d: Draw, t: int, h: int, w: int) -> np.ndarray:
    """Which pixels one frame loses, by loops."""
    gone = np.zeros((h, w), dtype=bool)
    high, wide = max(1, math.floor(d.hidden * h + 0.5)), max(1, math.floor(d.hidden * w + 0.5))
    for y in range(h):
        for x in range(w):
            if d.kind == "middle":
                start = math.floor(d.place * (h - high + 1))
                gone[y, x] = start <= y < start + high
            elif d.kind in ("patch", "pole"):
                left = math.floor((d.place * (w + wide) + d.speed * h / 64 * t) % (w + wide)) - wide
                gone[y, x] = left <= x < left + wide and (d.kind == "pole" or y >= h - high)
    return gone


@pytest.mark.parametrize("kind", BLACK)
@pytest.mark.parametrize(("h", "w"), [(64, 44), (16, 11), (8, 8)])
def test_pixels_against_a_slow_loop(kind, h, w):
    draws = [draw(Occlusion({kind: 1.0}, (0.05, 0.95), (0.0, 9.0)), ("pixels", i)) for i in range(5)]
    frames = 7
    sils = torch.rand(len(draws), frames, h, w) + 0.1
    found = apply(sils, draws).numpy()
    for clip, d, before in zip(found, draws, sils.numpy()):
        for t in range(frames):
            np.testing.assert_array_equal(clip[t], np.where(slow(d, t, h, w), 0, before[t]))


@pytest.mark.parametrize("kind", BLACK)
def test_labels_and_amounts_come_from_the_applied_mask(kind):
    draws = [draw(Occlusion({kind: 1.0}, (0.3, 0.7), (0.5, 3.0)), ("labels", i)) for i in range(6)] + [Draw("none", 0.0)]
    lengths = [9, 1, 30, 4, 60, 2, 5]
    sils = torch.ones(1, sum(lengths), 32, 22)
    times = torch.randint(0, 500, (sum(lengths),), generator=torch.Generator().manual_seed(0))
    share = (apply(sils, draws, torch.tensor([lengths]), times) == 0).double().mean((0, 2, 3))
    found_kind, hidden = targets(draws, lengths, 32, 22, times)
    torch.testing.assert_close(hidden.double(), share, atol=1e-7, rtol=0)
    expected = [KINDS.index(kind) if s > 0 else 0 for s in share.tolist()]
    assert found_kind.tolist() == expected and found_kind.dtype == torch.long
    if kind != "middle":
        assert 0 in expected[:-5] and KINDS.index(kind) in expected, "some frames are touched, some are not"


def test_targets_of_kinds_that_stand_still():
    draws = [Draw("top", 0.5), Draw("none", 0.0), Draw("bottom", 0.4), Draw("middle", 0.25)]
    kind, hidden = targets(draws, [2, 1, 1, 1], 64, 44)
    assert kind.tolist() == [2, 2, 0, 1, 3]
    torch.testing.assert_close(hidden, torch.tensor([0.5, 0.5, 0.0, 0.4, 0.25]))
    assert KINDS == ("none", "bottom", "top", "middle", "patch", "pole")


def test_a_moving_one_leaves_and_comes_back_and_covers_every_column_alike():
    sils = torch.ones(1, 55, 64, 44)
    found = apply(sils, [Draw("pole", 0.25, 0.0, 1.0)])[0]  # 55 frames are one whole path
    black = (found[:, 0] == 0).sum(1)
    assert black[0] == 0 and black.max() == 11 and (black == 11).sum() == 34
    assert ((found[:, 0] == 0).sum(0) == 11).all(), "every column is hidden for as many frames as the pole is wide"
    again = apply(torch.ones(1, 110, 64, 44), [Draw("pole", 0.25, 0.0, 1.0)])[0]
    assert torch.equal(again[:55], found) and torch.equal(again[55:], found)


def test_a_moving_draw_follows_the_documented_uniforms():
    for i in range(100):
        _, severity, place, pace, side = uniforms(("doc", i), 5)
        d = draw(Occlusion({"pole": 1.0}, (0.4, 0.6), (0.5, 2.0)), ("doc", i))
        expected = ("pole", 0.4 + 0.2 * severity, place, (0.5 + 1.5 * pace) * (-1 if side < 0.5 else 1))
        assert tuple(d[:4]) == pytest.approx(expected, abs=1e-15) and d == Draw(*d[:4])


# ---------------------------------------------------------------- times


def test_drawn_times_are_a_fisher_yates_shuffle():
    for i in range(50):
        axis, count = 10 + i, 10
        order = list(range(axis))
        for place, u in enumerate(uniforms(("k", i, "time"), count)):
            other = place + math.floor(u * (axis - place))
            order[place], order[other] = order[other], order[place]
        assert drawn_times(("k", i), count, axis) == order[:count]
    assert drawn_times(("k", 0), 4, 10) == [8, 4, 3, 9], "the docstring's example"
    assert sorted(drawn_times(("long",), 130)) == list(range(130)), "a clip longer than the axis stretches it"


def test_clip_times():
    draws, keys = [Draw("pole", 0.5), Draw("top", 0.5), Draw("patch", 0.5)], [("a",), ("b",), ("c",)]
    lengths = [4, 3, 5]
    assert clip_times(draws, keys, lengths, ordered=True).tolist() == [0, 1, 2, 3, 0, 1, 2, 0, 1, 2, 3, 4]
    drawn = clip_times(draws, keys, lengths, ordered=False, axis=50).tolist()
    assert drawn == drawn_times(("a",), 4, 50) + [0, 1, 2] + drawn_times(("c",), 5, 50)


def test_without_times_the_position_in_the_clip_counts():
    draws, lengths = [draw(DYNAMIC, ("pos", i)) for i in range(4)], [5, 1, 8, 3]
    sils = torch.rand(1, sum(lengths), 32, 22)
    times = torch.cat([torch.arange(length) for length in lengths])
    seqL = torch.tensor([lengths])
    assert torch.equal(apply(sils, draws, seqL), apply(sils, draws, seqL, times))


def test_times_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"times of shape \(3,\) for 4 frames"):
        apply(torch.rand(2, 2, 8, 8), [Draw("pole", 0.5)] * 2, None, torch.arange(3))


@pytest.mark.parametrize("bad", [Draw("middle", 0.5, 1.0), Draw("pole", 0.5, -0.1, 1.0), Draw("pole", 0.5, 0.1, float("nan"))])
def test_a_place_or_speed_that_is_none_is_refused(bad):
    with pytest.raises(ValueError, match="expected a kind of none, bottom, top, middle, patch, pole"):
        apply(torch.rand(1, 2, 8, 8), [bad])
