"""The two shapes of a batch, against plain loops."""

from __future__ import annotations

import pytest
import torch

from opengait_mimic.occlusion.clips import clip_lengths, clip_of_frame, mean_over_frames


def packed(*values):
    return torch.tensor([values], dtype=torch.int32)


def test_clip_lengths_fixed_and_packed():
    assert clip_lengths(torch.rand(3, 5, 4, 2), None) == [5, 5, 5]
    assert clip_lengths(torch.rand(1, 5, 4, 2), packed(2, 1, 1, 1)) == [2, 1, 1, 1]
    assert clip_of_frame([1, 3, 2]).tolist() == [0, 1, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("shape", "seqL", "message"),
    [
        ((2, 4, 2), None, r"\[n, s, h, w\].*got \(2, 4, 2\) with seqL None"),
        ((2, 3, 1, 4, 2), None, r"got \(2, 3, 1, 4, 2\)"),
        ((2, 3, 4, 2), packed(3, 3), r"packed \[1, s_1.*got \(2, 3, 4, 2\) with seqL \[\[3, 3\]\]"),
        ((1, 6, 4, 2), packed(3, 2), r"seqL \[\[3, 2\]\] adds up to 5 frames, the batch has 6"),
        ((1, 5, 8, 4), torch.tensor([2, 3]), r"with seqL \[2, 3\]"),
        ((1, 5, 8, 8), packed(5, 0), r"clip lengths \[5, 0\] hold a clip without frames"),
    ],
)
def test_other_shapes_are_refused(shape, seqL, message):
    with pytest.raises(ValueError, match=message):
        clip_lengths(torch.rand(shape), seqL)


@pytest.mark.parametrize("counts", [[4], [1, 1, 1], [5, 1, 3]])
@pytest.mark.parametrize("tail", [(), (6,), (3, 2)])
def test_mean_over_frames_is_the_mean_of_each_clip(counts, tail):
    values = torch.randn(sum(counts), *tail, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([part.mean(0) for part in values.split(counts)])
    torch.testing.assert_close(mean_over_frames(values, counts), expected)


def test_mean_over_frames_passes_the_gradient():
    values = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: mean_over_frames(v, [3, 1, 2]), values)


def test_mean_in_half_precision_does_not_overflow():
    assert mean_over_frames(torch.full((720, 1), 100.0).half(), [720]).item() == 100
