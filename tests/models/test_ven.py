"""VEN: targets, heads, test phase."""

import logging

import numpy as np
import pytest
import torch
import yaml

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.occlusion import drawn_times, training_key
from opengait_mimic.training.launch import launch
from tests.models.test_mimicgait import built
from tests.variants import variant

STAGE = "VEN"


def test_targets_repeat_the_clips_draw_for_every_frame(trained):
    model = trained.models[STAGE].train()
    batch = model.inputs_pretreament(next(iter(model.train_loader)))
    feats = model(batch)["training_feat"]
    n, s = batch.occluded.shape[:2]
    assert feats["kind"]["logits"].shape == (n * s, 3, 1)
    draws = [d for d in batch.draws for _ in range(s)]
    assert feats["kind"]["labels"].tolist() == [["none", "bottom", "top"].index(d.kind) for d in draws]
    torch.testing.assert_close(feats["hidden"]["target"], torch.tensor([d.hidden for d in draws]))
    assert set(batch.kind.tolist()) == {0, 1, 2}, "whole bodies are drawn as well"
    assert torch.equal(batch.hidden == 0, batch.kind == 0)


def test_logits_are_not_probabilities(trained):
    """A softmax before the cross-entropy (as in the public code) would put every row's sum at 1."""
    model = trained.models[STAGE].train()
    logits = model(model.inputs_pretreament(next(iter(model.train_loader))))["training_feat"]["kind"]["logits"]
    assert not torch.allclose(logits.sum(1), torch.ones(()), atol=1e-3)


@pytest.mark.parametrize(
    ("loss", "keys", "off"),
    [("CrossEntropyLoss", {"kind"}, {"model_cfg__amount": False}), ("HiddenFractionLoss", {"hidden"}, {"model_cfg__kinds": None})],
)
def test_either_loss_alone(trained, tmp_path, loss, keys, off):
    cfgs = yaml.safe_load(trained.files[STAGE].read_text())
    kept = [c for c in cfgs["loss_cfg"] if c["type"] == loss]
    with pytest.raises(ConfigError, match="no loss of loss_cfg trains this head"):
        built(variant(trained.files[STAGE], tmp_path, loss_cfg=kept))
    model = built(variant(trained.files[STAGE], tmp_path, loss_cfg=kept, trainer_cfg__save_name=f"only-{loss}", **off))
    assert all(p.grad is None for p in model.parameters())
    retval = model(model.inputs_pretreament(next(iter(model.train_loader))))
    assert set(retval["training_feat"]) == keys
    total, _ = model.loss_aggregator(retval["training_feat"])
    assert model.train_step(total)
    assert all(p.grad is not None for p in model.parameters()), "a parameter without gradient would stop DDP"


def test_a_loss_without_its_head_is_refused(trained, tmp_path):
    with pytest.raises(ConfigError, match="each with its head"):
        built(variant(trained.files[STAGE], tmp_path, model_cfg__amount=False))
    with pytest.raises(ConfigError, match="does not name"):
        built(variant(trained.files[STAGE], tmp_path, model_cfg__kinds=["none", "top"]))


def test_test_phase_prints_confusion_and_amount_error_with_class_none(trained, caplog):
    logger = logging.getLogger("opengait")
    seen = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(record.getMessage())
    result = launch(trained.files[STAGE], "test", before=lambda model: logger.addHandler(handler))
    logger.removeHandler(handler)
    text = next(t for t in seen if "visibility on walkers" in t)
    assert "none" in text and "top" in text and "bottom" in text and "MAE" in text
    assert 0 <= result["scalar/test_accuracy/frame"] <= 100
    assert 0 <= result["scalar/test_accuracy/hidden_mae"] <= 1


def test_every_frame_is_counted(trained):
    model = built(trained.files[STAGE], training=False)
    with torch.no_grad():
        found = model.inference(0)
    lengths = [len(np.load(paths[0], allow_pickle=True)) for *_, paths in model.test_loader.dataset.seqs_info]
    assert np.array_equal(found["confusion"].sum((1, 2)), lengths)
    assert np.array_equal(found["amount"][:, :, 0], found["confusion"].sum(2))
    assert (found["amount"][:, 0, 1] == 0).all() and (found["amount"][:, 1:3, 1] > 0).any(), "class none hides nothing"


ALL = {"kinds": {"none": 0.1, "bottom": 0.1, "top": 0.1, "middle": 0.1, "patch": 0.3, "pole": 0.3}, "hidden": [0.4, 0.6]}


def test_moving_kinds_are_learnt_frame_by_frame(trained, tmp_path):
    """Labels and amounts redone from the pixels: what the occluded view lost of the whole one."""
    names = ["none", "bottom", "top", "middle", "patch", "pole"]
    changes = {"model_cfg__kinds": names, "trainer_cfg__occlusion": ALL, "evaluator_cfg__occlusion": {**ALL, "occluded_side": "both"}}
    file = variant(trained.files[STAGE], tmp_path, trainer_cfg__save_name="six", evaluator_cfg__save_name="six", **changes)
    model = built(file)
    raw = next(iter(model.train_loader))
    raw[0][0] = [np.full_like(clip, 255) for clip in raw[0][0]]  # white frames: every hidden pixel is seen
    names_seen = {name: set() for name in names}
    for model.iteration in range(20):
        batch = model.inputs_pretreament(raw)
        inside = batch.whole.flatten(0, 1) == 1  # turned pictures have dark corners
        for i, d in enumerate(d for d, length in zip(batch.draws, batch.lengths) for _ in range(length)):
            kind, hidden = int(batch.kind[i]), float(batch.hidden[i])
            names_seen[d.kind].add(names[kind])
            if d.kind in ("middle", "patch", "pole"):
                gone = ((batch.occluded.flatten(0, 1)[i] == 0) & inside[i]).double().mean()
                assert abs(float(gone) - hidden) < 1e-6 and names[kind] == (d.kind if gone > 0 else "none")
            else:
                assert names[kind] == d.kind and abs(hidden - d.hidden) < 1e-6
    assert names_seen["pole"] == {"pole", "none"} and names_seen["patch"] == {"patch", "none"}, "some frames are untouched"
    assert names_seen["middle"] == {"middle"}
    feats = model(batch)["training_feat"]
    assert feats["kind"]["logits"].shape[1] == 6 and torch.equal(feats["kind"]["labels"], batch.kind)
    launch(file, "train", quiet=True)
    result = launch(file, "test", quiet=True)
    assert np.isfinite(list(result.values())).all()


def test_moving_kinds_need_class_none(trained, tmp_path):
    pole = {"kinds": {"pole": 1.0}}
    with pytest.raises(ConfigError, match=r"trainer_cfg.occlusion.kinds draws \['none'\], which model_cfg.kinds"):
        built(
            variant(
                trained.files[STAGE],
                tmp_path,
                model_cfg__kinds=["bottom", "pole"],
                trainer_cfg__occlusion=pole,
                evaluator_cfg__occlusion={**pole, "occluded_side": "both"},
            )
        )


@pytest.mark.parametrize("sampling", ["fixed_unordered", "fixed_ordered", "unfixed_unordered", "unfixed_ordered"])
def test_times_are_positions_where_sampling_is_ordered(trained, tmp_path, sampling):
    lengths = {"frames_num_fixed": 5, "frames_num_min": 3, "frames_num_max": 6, "frames_skip_num": 0}
    sampler = {**yaml.safe_load(trained.files[STAGE].read_text())["trainer_cfg"]["sampler"], **lengths, "sample_type": sampling}
    occlusion = {"kinds": {"none": 0.2, "pole": 0.8}, "time_axis": 50}
    changes = {"model_cfg__kinds": ["none", "pole"], "trainer_cfg__occlusion": occlusion, "trainer_cfg__sampler": sampler}
    changes["trainer_cfg__with_test"] = True  # builds the test loader too
    model = built(variant(trained.files[STAGE], tmp_path, evaluator_cfg__occlusion={"kinds": {"pole": 1.0}}, **changes))
    batch = model.inputs_pretreament(next(iter(model.train_loader)))
    for i, (times, d) in enumerate(zip(batch.times.split(batch.lengths), batch.draws)):
        positions = list(range(batch.lengths[i]))
        if sampling.endswith("unordered") and d.kind == "pole":
            assert times.tolist() == drawn_times(training_key(0, model.iteration, i), len(positions), 50) != positions
        else:
            assert times.tolist() == positions
    model.eval()
    test = model.inputs_pretreament(next(iter(model.test_loader)))  # all_ordered
    assert test.times.tolist() == list(range(test.lengths[0])) and test.draws[0].kind == "pole"
