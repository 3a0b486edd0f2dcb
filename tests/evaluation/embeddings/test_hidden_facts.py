"""What passes say was hidden of every sequence, and what a VEN predicts; against hand, pictures and heads."""

from __future__ import annotations

import copy
import hashlib
import json

import numpy as np
import pytest
import torch

from opengait_mimic.evaluation.embeddings import embed_all, sample_frames
from opengait_mimic.occlusion import KINDS
from opengait_mimic.training.launch import build
from tests.evaluation.embeddings.scene import BLOCK, MIMIC, TEACHER


def oracle(key, count=5):
    """Uniforms by hand: the first 53 bits of SHA-256 over the parts of the key."""
    digests = [hashlib.sha256("\x1f".join([*key, str(i)]).encode()).hexdigest() for i in range(count)]
    return [int(digest[:14], 16) // 8 / 2**53 for digest in digests]


def by_hand(block, name):
    """Kind, hidden share, place and speed of a test sequence, without a line of the plugin's."""
    present = [kind for kind in ("bottom", "top", "middle", "patch", "pole") if kind in block["kinds"]]
    pick, severity, place, pace, side = oracle(["test", str(block["seed"]), "+".join(present), "walkers", *name])
    edges = np.cumsum([block["kinds"][kind] for kind in present])
    kind = present[min(int(np.searchsorted(edges / edges[-1], pick, side="right")), len(present) - 1)]
    low, high = block["hidden"]
    hidden, moves = low + (high - low) * severity, kind in ("patch", "pole")
    return kind, hidden, place if moves or kind == "middle" else 0.0, (0.5 + 0.5 * pace) * (-1 if side < 0.5 else 1) if moves else 0.0


def test_draws_are_those_of_hand_and_of_no_order(prepared, tree, tmp_path):
    """SHA-256 by hand, on this host; and the same in another order of the list, and in a part of it."""
    cfgs = prepared(TEACHER)
    (done,) = embed_all(cfgs, [BLOCK], cache=False)
    partition = json.loads(tree.partition.read_text())
    few = tmp_path / "few.json"
    few.write_text(json.dumps({**partition, "TEST_SET": partition["TEST_SET"][:0:-1]}))
    other = copy.deepcopy(cfgs)
    other["data_cfg"]["dataset_partition"] = str(few)
    (part,) = embed_all(other, [BLOCK], batch=3, cache=False)
    assert len(set(done.labels)) == len(set(part.labels)) + 1 and part.labels[0] != done.labels[0]
    for found in (done, part):
        for name, drawn in found.drawn.items():
            assert (drawn.kind, drawn.hidden, drawn.place, drawn.speed) == by_hand(BLOCK, name)
        assert [KINDS[k] for k in found.kind] == [drawn.kind for drawn in found.drawn.values()]
        assert found.hidden.tolist() == [np.float32(drawn.hidden) for drawn in found.drawn.values()]
    assert set(np.unique(done.kind)) == {1, 2, 3, 4, 5}
    assert all(done.drawn[name] == drawn for name, drawn in part.drawn.items())


def test_hidden_area_and_frames_are_those_of_the_pictures(prepared, tree):
    """Black kinds: a white picture's black share."""
    cfgs = prepared(TEACHER)
    (done,) = embed_all(cfgs, [BLOCK], cache=False)
    h, w = 64, 44
    for i, name in enumerate(zip(done.labels, done.types, done.views)):
        frames = len(np.load(next((tree.root.joinpath(*name)).glob("*.pkl")), allow_pickle=True))
        assert done.frames[i] == frames
        drawn = done.drawn[name]
        area = drawn.hidden
        if drawn.kind not in ("top", "bottom"):
            high, wide = (max(1, int(drawn.hidden * size + 0.5)) for size in (h, w))
            black = np.zeros((frames, h, w))
            for t in range(frames):
                if drawn.kind == "middle":
                    upper = int(drawn.place * (h - high + 1))
                    black[t, upper : upper + high] = 1
                else:
                    left = int(np.floor((drawn.place * (w + wide) + drawn.speed * t) % (w + wide))) - wide
                    black[t, (h - high if drawn.kind == "patch" else 0) :, max(0, left) : max(0, left + wide)] = 1
            area = black.mean()
        assert done.hidden_area[i] == pytest.approx(area, abs=1e-6)


def test_whole_bodies_hide_nothing(prepared):
    (done,) = embed_all(prepared(TEACHER), [None], cache=False)
    assert not done.kind.any() and not done.hidden.any() and not done.hidden_area.any() and not done.draws.any()


def test_what_the_ven_says_is_what_its_heads_say(prepared):
    """Sequence by sequence through the built model; a model without a VEN says nothing."""
    cfgs = prepared(MIMIC)
    (done,) = embed_all(cfgs, [BLOCK], cache=False)
    model = build(cfgs, training=False, occludable=True)
    model.hide(BLOCK)
    for i, inputs in enumerate(model.test_loader):
        with torch.no_grad():
            logits, hidden = model.VEN.heads(model.VEN(model.occluded_batch(inputs).occluded[0]))
        votes = [model.ven_kinds[k] for k in logits.argmax(1).tolist()]
        assert KINDS[done.ven_kind[i]] == max(sorted(set(votes), key=KINDS.index), key=votes.count)
        assert done.ven_hidden[i] == pytest.approx(float(hidden.mean()), abs=1e-5)
    (plain,) = embed_all(prepared("Baseline-2"), [BLOCK], cache=False)
    assert plain.ven_kind is None and plain.ven_hidden is None


def test_a_ven_that_was_taught_the_kept_share_is_read_so(prepared, monkeypatch):
    """The share that it says is 1 - hidden, and counts only in frames where it sees a kind that hides."""
    from opengait_mimic.models.ven_guided import Guided

    cfgs = prepared(MIMIC)
    (usual,) = embed_all(cfgs, [BLOCK], batch=1, cache=False)
    monkeypatch.setattr(Guided, "predicts_kept_fraction", property(lambda model: True))
    (kept,) = embed_all(cfgs, [BLOCK], batch=1, cache=False)
    assert np.array_equal(kept.ven_kind, usual.ven_kind) and not np.allclose(kept.ven_hidden, usual.ven_hidden)
    assert ((kept.ven_hidden >= 0) & (kept.ven_hidden <= 1 - usual.ven_hidden + 1e-6)).all()


def test_frames_of_are_those_the_network_sees(prepared):
    cfgs = prepared(MIMIC)
    found = sample_frames(cfgs, [(5, BLOCK), (0, None), (3, BLOCK)], count=3)
    assert found.dtype == np.uint8 and found.shape == (3, 3, 64, 44)
    model = build(cfgs, training=False, occludable=True)
    for shown, (position, block) in zip(found, [(5, BLOCK), (0, None), (3, BLOCK)]):
        model.hide(block)
        seen = model.occluded_batch(model.test_loader.collate_fn([model.test_loader.dataset[position]])).occluded[0]
        at = [0, round((len(seen) - 1) / 2), len(seen) - 1]
        assert np.array_equal(shown[[0, 2]], (255 * seen[[at[0], at[2]]]).byte().numpy())
