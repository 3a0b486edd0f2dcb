"""The public code's way of hiding (`reference_compat`) against loops written from its description; off, nothing changes."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from opengait_mimic import Draw, Occlusion, apply, draw
from opengait_mimic.occlusion import clip_times, draws, uniforms
from opengait_mimic.occlusion.apply import frame_boxes
from opengait_mimic.published import hiding
from opengait_mimic.published.hiding import PublishedDraw, PublishedHiding

MOVING = PublishedHiding(moving=True, sizes=True)
SIZES, MOVES, TRIMS = PublishedHiding(sizes=True), PublishedHiding(moving=True), PublishedHiding(trim_columns=True)
OFF = PublishedHiding()


def drawn(kinds: dict, count: int, how: PublishedHiding = OFF) -> tuple[list[PublishedDraw], list[tuple]]:
    keys, occlusion = [("published", i) for i in range(count)], Occlusion.from_cfg({"kinds": kinds}, "occlusion")
    return [how.draw(occlusion, key) for key in keys], keys


# ---------------------------------------------------------------- off


def test_without_switches_draws_and_times_are_those_of_the_first_release():
    plain = Occlusion.from_cfg(
        {"kinds": {"none": 0.1, "bottom": 0.2, "top": 0.2, "middle": 0.2, "patch": 0.15, "pole": 0.15}, "hidden": [0.3, 0.7]}, "a"
    )
    keys = [("gold", i) for i in range(400)]
    found = [draw(plain, key) for key in keys]
    times = clip_times(found, keys, [1 + i % 7 for i in range(400)], ordered=False)
    digests = [hashlib.sha256(repr(seen).encode()).hexdigest()[:16] for seen in ([tuple(d) for d in found], times.tolist())]
    assert digests == ["67fd5f5dc9f0967c", "17bce5627064c1b6"]


@pytest.mark.parametrize("switch", ["moving", "sizes", "trim_columns"])
def test_a_switch_leaves_the_kind_and_the_other_kinds_alone(switch):
    shares = {kind: 1 / 6 for kind in ("none", "bottom", "top", "middle", "patch", "pole")}
    hides = {"patch", "pole", "middle", "top", "bottom"}
    reach = {"moving": {"patch", "pole"}, "sizes": hides, "trim_columns": {"top", "bottom"}}[switch]
    before, _ = drawn(shares, 300)
    after, _ = drawn(shares, 300, PublishedHiding(**{switch: True}))
    assert [d.kind for d in before] == [d.kind for d in after]
    assert {a.kind for a, b in zip(before, after) if a != b} == reach


def test_without_switches_it_hides_as_ours():
    shares = {kind: 1 / 6 for kind in ("none", "bottom", "top", "middle", "patch", "pole")}
    found, keys = drawn(shares, 60)
    ours = [draw(Occlusion.from_cfg({"kinds": shares}, "occlusion"), key) for key in keys]
    sils, lengths = torch.rand(60, 4, 64, 44), [4] * 60
    times = PublishedHiding().clip_times(found, keys, lengths, False)
    assert torch.equal(times, clip_times(ours, keys, lengths, False))
    assert torch.equal(PublishedHiding().apply(sils, found, times=times), apply(sils, ours, times=times))


# ---------------------------------------------------------------- moving kinds and the middle


def by_hand(kind: str, key: tuple, count: int, first: int) -> np.ndarray:
    """Which pixels of frames ``first`` ... of the array lose: the left edge is at int(i * v), and never comes back."""
    _, one, _, pace, _, across = uniforms(key, 6)
    speed, gone = 0.5 + 0.5 * pace, np.zeros((count, 64, 64), dtype=bool)
    high = int((0.3 + 0.2 * one) * 64) if kind == "patch" else 64
    wide = int((0.3 + 0.2 * across) * 64) if kind == "patch" else int((0.2 + 0.2 * one) * 64)
    for i in range(count):
        left = int((first + i) * speed)
        for x in range(left, min(left + wide, 64)):
            gone[i, 64 - high :, x] = True
    return gone


@pytest.mark.parametrize("kind", ["patch", "pole"])
@pytest.mark.parametrize("ordered", [True, False])
def test_moving_kinds_start_inside_at_the_left_and_leave_for_good(kind, ordered):
    found, keys = drawn({kind: 1.0}, 6, MOVING)
    lengths, starts = [150, 30, 1, 90, 4, 20], [0, 100, 300, 7, 0, 61]
    times = MOVING.clip_times(found, keys, lengths, ordered, 100, starts)
    black = MOVING.apply(torch.ones(1, sum(lengths), 64, 64), found, torch.tensor([lengths]), times)[0] == 0
    expected = np.concatenate([by_hand(kind, *clip) for clip in zip(keys, lengths, starts)])
    np.testing.assert_array_equal(black.numpy(), expected)
    assert (MOVING.targets(found, lengths, 64, 64, times)[0] > 0).tolist() == expected.any((1, 2)).tolist()
    np.testing.assert_allclose(MOVING.targets(found, lengths, 64, 64, times)[1], expected.mean((1, 2)), atol=1e-6)
    assert expected[0].any() and not expected[149].any(), "all of it is there in frame 0; in the end nothing is hidden"


def test_without_starts_every_clip_is_an_array_of_its_own():
    found, keys = drawn({"pole": 1.0}, 3, MOVES)
    assert MOVES.clip_times(found, keys, [3, 2, 4], ordered=False).tolist() == [0, 1, 2, 0, 1, 0, 1, 2, 3]


def test_published_sizes_with_our_own_path():
    """D11 without D10: width and height of a patch apart, and it comes in again from outside."""
    found, _ = drawn({"patch": 1.0}, 40, SIZES)
    assert {d.speed > 0 for d in found} == {True, False} and all(d.place > 0 and not d.once for d in found)
    high, wide = np.array([[64 * d.height, 64 * d.width] for d in found]).T
    assert (high % 1 == 0).all() and (wide % 1 == 0).all() and (high != wide).any()
    assert min(high.min(), wide.min()) >= 19 and max(high.max(), wide.max()) <= 31  # int(0.3 * 64) to below 0.5 * 64
    black = SIZES.apply(torch.ones(len(found), 300, 64, 64), found) == 0
    rows, columns = black.any(3).sum(2), black.any(2).sum(2)
    assert rows.amax(1).tolist() == high.tolist() and columns.amax(1).tolist() == wide.tolist()


def test_the_published_middle_is_half_of_the_height_at_mid_height():
    found, _ = drawn({"middle": 1.0}, 20, SIZES)
    black = SIZES.apply(torch.ones(20, 2, 64, 64), found) == 0
    assert black[:, :, 16:48].all() and black.sum() == 20 * 2 * 32 * 64


FADE = {  # frames of the array -> frames touched, mean width hidden of a patch and of a pole; the project's notes, section 1.2
    30: (1.00, 0.39, 0.29),
    64: (1.00, 0.37, 0.28),
    100: (0.86, 0.28, 0.22),
    200: (0.45, 0.14, 0.11),
    480: (0.19, 0.06, 0.05),
    960: (0.09, 0.03, 0.02),
}


@pytest.mark.parametrize("frames", FADE)
def test_how_fast_moving_occluders_fade(monkeypatch, frames):
    """To the two decimals of the table, over evenly spread numbers in place of random ones.

    Its 0.86 is a rounded simulation: the expectation of min(100, ceil(64 / v)) / 100 is 0.8549, so half a unit is not enough.
    """
    clips = 2000

    def spread(key, count):
        i = key[1]
        return [0.0, (i * 0.7548776662466927) % 1, 0.0, (i + 0.5) / clips, 0.0, (i * 0.5698402909980532) % 1][:count]

    monkeypatch.setattr(draws, "uniforms", spread)
    monkeypatch.setattr(hiding, "uniforms", spread)
    for kind, width in (("patch", FADE[frames][1]), ("pole", FADE[frames][2])):
        occlusion = Occlusion.from_cfg({"kinds": {kind: 1.0}}, "occlusion")
        found = [hiding._rectangle(MOVING.draw(occlusion, (kind, i)), 64, 64) for i in range(clips)]
        _, _, left, right = frame_boxes(found, [frames] * clips, 64)
        hidden = (right - left).double() / 64
        assert abs(float((hidden > 0).double().mean()) - FADE[frames][0]) < 0.0055
        assert abs(float(hidden.mean()) - width) < 0.0055


# ---------------------------------------------------------------- the VEN's generator


@pytest.mark.parametrize(("hidden", "size"), [(0.6, (25, 40)), (0.5, (32, 32)), (0.4, (38, 26))])
@pytest.mark.parametrize("kind", ["top", "bottom"])
def test_trimmed_columns_against_crop_and_resize(kind, hidden, size):
    """The kept sizes of the public generator, stretched by torch's bilinear resize."""
    occlusion = Occlusion.from_cfg({"kinds": {kind: 1.0}, "hidden": [hidden, hidden]}, "a")
    d, (rows, columns) = TRIMS.draw(occlusion, ("trim",)), size
    sils = torch.rand(1, 3, 64, 64)
    side = (64 - columns) // 2
    crop = sils[:, :, :rows] if kind == "bottom" else sils[:, :, 64 - rows :]
    expected = F.interpolate(crop[..., side : 64 - side], (64, 64), mode="bilinear", align_corners=False)
    torch.testing.assert_close(TRIMS.apply(sils, [d]), expected, atol=1e-5, rtol=0)
    assert TRIMS.targets([d], [1], 64, 64)[1].item() == pytest.approx(hidden), "as it was drawn"


@pytest.mark.parametrize("kind", ["top", "bottom"])
def test_published_sizes_cut_whole_rows_off(kind):
    """By slices: bottom keeps int((1 - p) * 64) rows, top all but int(p * 64); the columns stay, and so does what a VEN is taught."""
    found, keys = drawn({kind: 1.0}, 50, SIZES)
    plain, _ = drawn({kind: 1.0}, 50)
    sils, portions = torch.rand(50, 2, 64, 64), [0.4 + 0.2 * uniforms(key, 2)[1] for key in keys]
    for i, (d, p) in enumerate(zip(found, portions)):
        crop = sils[i : i + 1, :, : int((1 - p) * 64)] if kind == "bottom" else sils[i : i + 1, :, int(p * 64) :]
        expected = F.interpolate(crop, (64, 64), mode="bilinear", align_corners=False)
        torch.testing.assert_close(SIZES.apply(sils[i : i + 1], [d]), expected, atol=1e-5, rtol=0)
    np.testing.assert_allclose(SIZES.targets(found, [1] * 50, 64, 64)[1], portions, atol=1e-6)
    torch.testing.assert_close(SIZES.targets(found, [1] * 50, 64, 64), SIZES.targets(plain, [1] * 50, 64, 64))
    assert {d.trimmed for d in found} == {0.0} and any(d.height != p.height for d, p in zip(found, plain))


def test_trimmed_columns_and_published_sizes_keep_the_rows_of_the_vens_generator():
    """Its two ends keep int(kept * 64) rows, where the main generator's top keeps 64 - int(hidden * 64)."""
    for kind in ("top", "bottom"):
        found, keys = drawn({kind: 1.0}, 50, PublishedHiding(sizes=True, trim_columns=True))
        kept = [int((1 - (0.4 + 0.2 * uniforms(key, 2)[1])) * 64) for key in keys]
        assert [64 * (1 - d.height) for d in found] == kept and [32 * d.trimmed for d in found] == [rows // 2 for rows in kept]


def test_other_clips_of_a_trimmed_batch_come_through_bit_for_bit():
    (d,), _ = drawn({"top": 1.0}, 1, TRIMS)
    none, pole = PublishedDraw("none", 0.0, 0.0, 0.0, 0.0, 0.0), PublishedDraw("pole", 0.25, 0.3, 1.0, 0.25, 0.25)
    sils = torch.rand(3, 2, 64, 44)
    found = TRIMS.apply(sils, [none, d, pole])
    assert torch.equal(found[0], sils[0]) and torch.equal(found[2], apply(sils[2:], [Draw("pole", 0.25, 0.3, 1.0)])[0])
    assert found.shape == sils.shape and not torch.equal(found[1], TRIMS.apply(sils[1:2], [d._replace(trimmed=0.0)])[0])


def test_a_published_draw_is_replayed_from_its_text():
    how = PublishedHiding(True, True, True)
    found, _ = drawn({kind: 0.2 for kind in ("bottom", "top", "middle", "patch", "pole")}, 30, how)
    again = [eval(repr(d), {"PublishedDraw": PublishedDraw}) for d in found]
    sils = torch.rand(30, 3, 64, 44)
    assert again == found and torch.equal(how.apply(sils, found), how.apply(sils, again))
