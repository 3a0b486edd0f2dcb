"""The two shapes of a batch, against plain loops."""

from __future__ import annotations

import pytest
import torch

from opengait_mimic import Draw, apply
from opengait_mimic.clips import clip_count, mean_over_frames, owners


def lengths(*values):
    return torch.tensor([values], dtype=torch.int32)


def test_clip_count():
    assert clip_count(torch.rand(3, 5, 4, 2), None) == 3
    assert clip_count(torch.rand(1, 5, 4, 2), lengths(2, 1, 1, 1)) == 4


def test_owners_fixed_and_packed():
    assert owners(torch.rand(3, 2, 4, 2), None).tolist() == [0, 0, 1, 1, 2, 2]
    packed = owners(torch.rand(1, 6, 4, 2), lengths(1, 3, 2))
    assert packed.tolist() == [0, 1, 1, 1, 2, 2] and packed.dtype == torch.long


def test_packed_with_equal_lengths_is_fixed():
    sils = torch.rand(4, 7, 2, 2)
    assert torch.equal(owners(sils, None), owners(sils.reshape(1, 28, 2, 2), lengths(7, 7, 7, 7)))


@pytest.mark.parametrize(
    ("shape", "seqL", "message"),
    [
        ((2, 4, 2), None, r"\[n, s, h, w\].*got \(2, 4, 2\) with seqL None"),
        ((2, 3, 1, 4, 2), None, r"got \(2, 3, 1, 4, 2\)"),
        ((2, 3, 4, 2), lengths(3, 3), r"packed \[1, s_1.*got \(2, 3, 4, 2\) with seqL \[\[3, 3\]\]"),
        ((1, 6, 4, 2), lengths(3, 2), r"seqL \[\[3, 2\]\] adds up to 5 frames, the batch has 6"),
        ((1, 6, 4, 2), lengths(3, 4), r"seqL \[\[3, 4\]\] adds up to 7 frames, the batch has 6"),
    ],
)
def test_owners_refuses_other_shapes(shape, seqL, message):
    with pytest.raises(ValueError, match=message):
        owners(torch.rand(shape), seqL)


@pytest.mark.parametrize("counts", [(4,), (1, 1, 1), (5, 1, 3)])
@pytest.mark.parametrize("tail", [(), (6,), (3, 2)])
def test_mean_over_frames_is_the_mean_of_each_clip(counts, tail):
    values = torch.randn(sum(counts), *tail, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([part.mean(0) for part in values.split(list(counts))])
    owner = owners(torch.zeros(1, sum(counts), 1, 1), lengths(*counts))
    torch.testing.assert_close(mean_over_frames(values, owner, len(counts)), expected)


def test_mean_over_frames_does_not_need_frames_in_order():
    values, owner = torch.tensor([[1.0], [10.0], [3.0], [20.0]]), torch.tensor([0, 1, 0, 1])
    assert mean_over_frames(values, owner, 2).tolist() == [[2.0], [15.0]]


def test_mean_over_frames_passes_the_gradient():
    values = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    owner = torch.tensor([0, 0, 0, 1, 2, 2])
    assert torch.autograd.gradcheck(lambda v: mean_over_frames(v, owner, 3), values)


def test_guide_mean_in_half_precision_does_not_overflow():
    v = torch.full((720, 1), 100.0).half()
    assert mean_over_frames(v, torch.zeros(720, dtype=torch.long), 1).item() == 100


def test_seqL_of_one_axis_is_named():
    with pytest.raises(ValueError, match="seqL"):
        apply(torch.rand(1, 5, 8, 4), [Draw("top", 0.5)] * 2, torch.tensor([2, 3]))


def test_an_empty_clip_is_refused():
    with pytest.raises(ValueError):
        owners(torch.rand(1, 5, 8, 8), torch.tensor([[5, 0]]))
