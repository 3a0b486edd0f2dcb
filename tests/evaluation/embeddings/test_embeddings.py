"""Passes over the test set: the host's own embeddings, one by one or packed."""

from __future__ import annotations

import copy
import random

import numpy as np
import pytest
import torch

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.base.processes import rank_and_world
from opengait_mimic.evaluation.embeddings import batching, embed_all
from opengait_mimic.evaluation.embeddings import embed as embed_module
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import build, start_log
from tests.evaluation.embeddings.scene import BLOCK, MIMIC, TEACHER
from tests.variants import variant


def hosts_own(cfgs, block):
    """What the host's test loop gives, one sequence at a time, as the YAML's own test would run it."""
    cfgs = copy.deepcopy(cfgs)
    cfgs["evaluator_cfg"].pop("occlusion", None)
    if block is not None:
        cfgs["evaluator_cfg"]["occlusion"] = {**block, "occluded_side": "both"}
    model = build(cfgs, training=False, occludable=True)
    with torch.no_grad():
        return model.inference(rank_and_world()[0])["embeddings"]


@pytest.mark.parametrize("stage", [TEACHER, MIMIC])
def test_one_by_one_is_the_hosts_own_test_bit_for_bit(prepared, stage):
    cfgs = prepared(stage)
    found = embed_all(cfgs, [None, BLOCK], batch=1, cache=False)
    for block, done in zip((None, BLOCK), found):
        own = hosts_own(cfgs, block)
        assert done.embeddings.dtype == np.float32 and np.array_equal(done.embeddings, own)
    assert not np.array_equal(found[0].embeddings, found[1].embeddings)


@pytest.mark.parametrize(("stage", "together"), [(TEACHER, 30), (MIMIC, 1000)])
def test_several_at_a_time_are_each_as_alone(prepared, monkeypatch, stage, together):
    """GaitBase takes several; on the data's own sequences, to 1e-5 of the largest value."""
    monkeypatch.setattr(embed_module, "FRAMES", {"cpu": together})
    cfgs = prepared(stage)
    alone, packed = (embed_all(cfgs, [None, BLOCK], batch=batch, cache=False) for batch in (1, None))
    for one, several in zip(alone, packed):
        assert (one.meta["batch"], several.meta["batch"]) == (1, batching.SEQUENCES)
        assert np.abs(one.embeddings - several.embeddings).max() <= 1e-5 * np.abs(one.embeddings).max()
        for name in ("kind", "hidden", "hidden_area", "frames", "draws"):
            assert np.array_equal(getattr(one, name), getattr(several, name))


SINGLE = {
    "GaitGL": {"model": "GaitGL", "channels": [4, 8, 8], "class_num": 8},
    "DeepGaitV2": {
        "model": "DeepGaitV2",
        "Backbone": {"in_channels": 1, "mode": "p3d", "layers": [1, 1, 1, 1], "channels": [4, 8, 8, 16]},
        "SeparateBNNecks": {"class_num": 8},
    },
}


@pytest.mark.parametrize(("name", "mode", "why"), [("GaitGL", None, "one sequence in a test"), ("DeepGaitV2", "p3d", "differ from each"),
                                                   ("DeepGaitV2", "3d", "differ from each"), ("DeepGaitV2", "2d", "")])  # fmt: skip
def test_models_that_mix_sequences_take_one_at_a_time(trained, host, tmp_path, name, mode, why):
    import modeling.models

    if not hasattr(modeling.models, name):
        pytest.skip(f"this host has no {name}")
    model_cfg = copy.deepcopy(SINGLE[name])
    if mode:
        model_cfg["Backbone"]["mode"] = mode
    save = f"single-{name}-{mode}"
    file = variant(trained.files[TEACHER], tmp_path, model_cfg=model_cfg, trainer_cfg__save_name=save, evaluator_cfg__save_name=save)
    start_log(prepare(file, "train"), True, False, quiet=True)
    build(prepare(file, "train"), True).save_ckpt(3)
    model = build(prepare(file, "embed"), False, occludable=True)
    model.hide(None)
    found = batching.reason_for_single(model)
    assert why in found and bool(found) == bool(why)
    assert bool(batching.try_several(model)) == bool(why), "without the table GaitGL refuses by itself"


def test_a_number_that_the_trial_refuses_is_not_taken(prepared, monkeypatch, warned):
    monkeypatch.setattr(embed_module, "reason_for_single", lambda model: "it mixes")
    assert embed_all(prepared(TEACHER), [None], batch=4, cache=False)[0].meta["batch"] == 1
    assert warned == ["The test set is embedded one sequence at a time: it mixes"]
    with pytest.raises(ConfigError, match="batch = 0"):
        embed_all(prepared(TEACHER), [None], batch=0, cache=False)


def test_pieces_keep_every_clip_and_the_limit():
    """Against a slow cut; packed and fixed."""
    rng = random.Random(0)
    for case in range(200):
        packed, limit = case % 2 == 0, rng.randint(1, 30)
        lengths = [rng.randint(1, 12) if packed else 4 for _ in range(rng.randint(1, 9))]
        clips = [np.full((length, 2, 2), i) for i, length in enumerate(lengths)]
        names = [(i, f"t{i}", f"v{i}") for i in range(len(lengths))]
        found = batching.cut_batch(batching.join_clips(clips, names, packed), limit)
        seen = []
        for piece in found:
            n = len(piece.labels)
            own = [len(clip) for clip in piece.inputs[0]] if not packed else piece.seqL[0].tolist()
            assert len(own) == n and (sum(own) <= limit or n == 1)
            flat = np.concatenate(piece.inputs[0])
            assert flat[:, 0, 0].tolist() == [i for i, length in zip(piece.labels, own) for _ in range(length)]
            seen += list(zip(piece.labels, piece.types, piece.views))
        assert seen == names
        expected, held = 1, 0
        for i, length in enumerate(lengths):
            if i and held + length > limit:
                expected, held = expected + 1, 0
            held += length
        assert len(found) == expected
