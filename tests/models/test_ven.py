"""VEN: targets, heads, test phase."""

import logging

import numpy as np
import pytest
import torch
import yaml

from opengait_mimic.config import ConfigError
from opengait_mimic.launch import launch
from tests.models.test_mimicgait import built
from tests.variants import variant

STAGE = "VEN"


def test_targets_repeat_the_clips_draw_for_every_frame(trained):
    model = trained.models[STAGE].train()
    batch = model.inputs_pretreament(next(iter(model.train_loader)))
    feats = model(batch)["training_feat"]
    n, s = batch.occluded.shape[:2]
    assert feats["kind"]["logits"].shape == (n * s, 3, 1)
    assert torch.equal(feats["kind"]["labels"], batch.kind.repeat_interleave(s))
    assert torch.equal(feats["hidden"]["target"], batch.hidden.repeat_interleave(s))
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


def test_votes_count_every_frame(trained):
    model = built(trained.files[STAGE], training=False)
    with torch.no_grad():
        found = model.inference(0)
    lengths = [len(np.load(paths[0], allow_pickle=True)) for *_, paths in model.test_loader.dataset.seqs_info]
    assert np.array_equal(found["votes"].sum(1), lengths)
    assert ((found["hidden"] == 0) == (found["kind"] == 0)).all()
