"""What holds for every draw, clip length and picture size."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from opengait_mimic import KINDS, Draw, Occlusion, apply, draw
from opengait_mimic.occlusion import clip_times, targets

SETTINGS = settings(max_examples=60)
kinds = st.sampled_from(KINDS[1:])
sizes = st.tuples(st.integers(8, 40), st.integers(8, 30))
ranges = st.tuples(st.floats(0.05, 0.9), st.floats(0, 1)).map(lambda p: (p[0], p[0] + (0.95 - p[0]) * p[1]))
batches = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 6), st.integers(0, 10**6)), min_size=1, max_size=5)


def drawn(batch, hidden=(0.1, 0.9)):
    """Draws, keys and lengths of a batch of (kind, frames, seed)."""
    keys = [("property", seed) for _, _, seed in batch]
    draws = [draw(Occlusion({kind: 1.0}, hidden, (0.0, 20.0)), key) for (kind, _, _), key in zip(batch, keys)]
    return draws, keys, [length for _, length, _ in batch]


@SETTINGS
@given(kinds, ranges, sizes, st.integers(0, 10**6))
def test_the_hidden_share_is_within_the_stated_range(kind, hidden, size, seed):
    """Of the height, the width, or both, as the kind says; to half a pixel, since pictures have whole ones."""
    (h, w), (low, high) = size, hidden
    d = draw(Occlusion({kind: 1.0}, hidden, (0.5, 20.0)), ("share", seed))
    assert low - 1e-12 <= d.hidden <= high + 1e-12
    frames = 200
    ramp = torch.arange(1.0, h + 1)[None, None, :, None].expand(1, frames, h, w)  # row y holds y + 1
    found = apply(ramp, [d])[0]
    if kind in ("top", "bottom"):  # the slope of the stretched ramp is the share that stayed visible
        inner = found[0, h // 2 - 1 : h // 2 + 1, 0]
        visible = float(inner[1] - inner[0])
        assert 1 - high - 1e-3 <= visible <= 1 - low + 1e-3
        return
    gone = found == 0
    rows, columns = gone.any(2).sum(1) / h, gone.any(1).sum(1) / w  # of each frame
    tall, wide = {"middle": (True, False), "pole": (False, True), "patch": (True, True)}[kind]
    reached = columns.max(), rows.max()  # while the whole of it is inside the picture
    for asked, share, size in ((wide, reached[0], w), (tall, reached[1], h)):
        least = 1 / size  # one pixel at least
        if asked:
            assert max(low - 0.5 / size, least) - 1e-6 <= float(share) <= max(high + 0.5 / size, least) + 1e-6
        else:
            assert float(share) == 1


@SETTINGS
@given(batches, sizes)
def test_packed_is_fixed(batch, size):
    draws, keys, _ = drawn(batch)
    s, n = batch[0][1], len(batch)
    sils = torch.rand(n, s, *size)
    times = clip_times(draws, keys, [s] * n, ordered=False)
    packed = apply(sils.reshape(1, n * s, *size), draws, torch.tensor([[s] * n]), times)
    assert torch.equal(packed.reshape(sils.shape), apply(sils, draws, None, times))


@SETTINGS
@given(batches, sizes)
def test_a_packed_batch_is_its_clips_one_by_one(batch, size):
    draws, keys, lengths = drawn(batch)
    sils, times = torch.rand(1, sum(lengths), *size), clip_times(draws, keys, lengths, ordered=False)
    parts = zip(sils.split(lengths, 1), draws, times.split(lengths))
    alone = torch.cat([apply(clip, [d], None, t) for clip, d, t in parts], 1)
    assert torch.equal(apply(sils, draws, torch.tensor([lengths]), times), alone)


@SETTINGS
@given(batches, sizes)
def test_replay_from_the_draws_text(batch, size):
    draws, _, lengths = drawn(batch)
    sils, seqL = torch.rand(1, sum(lengths), *size), torch.tensor([lengths])
    again = [eval(repr(d), {"Draw": Draw}) for d in draws]
    assert torch.equal(apply(sils, draws, seqL), apply(sils, again, seqL))


@SETTINGS
@given(st.sampled_from(KINDS[:3]), batches, sizes)
def test_nothing_hidden_is_the_identity(kind, batch, size):
    sils = torch.rand(len(batch), 2, *size)
    found = apply(sils, [Draw(kind, 0.0)] * len(batch))
    assert torch.equal(found, sils) if kind == "none" else torch.allclose(found, sils, atol=1e-6)


@SETTINGS
@given(batches, sizes)
def test_whole_clips_of_a_batch_come_through_bit_for_bit_and_the_input_is_not_written_to(batch, size):
    draws, _, lengths = drawn(batch)
    draws, lengths = [*draws, Draw("none", 0.0)], [*lengths, 3]
    sils = torch.rand(1, sum(lengths), *size)
    before = sils.clone()
    found = apply(sils, draws, torch.tensor([lengths]))
    assert torch.equal(found[:, -3:], before[:, -3:])
    found.fill_(-1)
    assert torch.equal(sils, before)


@SETTINGS
@given(batches, sizes)
def test_targets_say_what_was_hidden(batch, size):
    draws, keys, lengths = drawn(batch)
    times = clip_times(draws, keys, lengths, ordered=False)
    black = (apply(torch.ones(1, sum(lengths), *size), draws, torch.tensor([lengths]), times)[0] == 0).double().mean((1, 2))
    kind, hidden = targets(draws, lengths, *size, times)
    frame = 0
    for d, length in zip(draws, lengths):
        for i in range(frame, frame + length):
            if d.kind in ("top", "bottom"):
                assert int(kind[i]) == KINDS.index(d.kind) and abs(float(hidden[i]) - d.hidden) < 1e-6
            else:
                assert abs(float(hidden[i]) - float(black[i])) < 1e-6
                assert int(kind[i]) == (KINDS.index(d.kind) if black[i] > 0 else 0)
        frame += length
