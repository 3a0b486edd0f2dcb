"""The losses MimicGait takes: L2 distillation, some of MiCKD's pairs, a cross-entropy and a triplet beside them. Runs on either host."""

from __future__ import annotations

import pytest
import torch

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import launch
from tests.models.test_mimicgait import built
from tests.variants import variant

MICKD = {"type": "MiCKDLoss", "log_prefix": "mickd", "margin": 0.2, "distance": "parts", "loss_term_weight": 1.0}
PAIRS = {**MICKD, "positives": ["own_teacher"]}
L2 = {"type": "L2DistillationLoss", "log_prefix": "l2", "loss_term_weight": 2.0}
SOFTMAX = {"type": "CrossEntropyLoss", "log_prefix": "softmax", "scale": 16, "log_accuracy": True, "loss_term_weight": 0.5}
TRIPLET = {"type": "TripletLoss", "log_prefix": "triplet", "margin": 0.2, "loss_term_weight": 0.25}
SETS = {"l2": [L2], "own": [PAIRS], "mickd+ce": [MICKD, SOFTMAX], "mickd+triplet": [MICKD, TRIPLET], "all": [MICKD, L2, SOFTMAX, TRIPLET]}


def configured(trained, folder, losses, name, **changes):
    head = {"class_num": 8} if SOFTMAX in losses else None
    names = {f"{engine}_cfg__save_name": f"losses-{name}" for engine in ("trainer", "evaluator")}
    return variant(trained.files["MimicGait"], folder, loss_cfg=losses, **{"model_cfg__SeparateBNNecks": head, **names, **changes})


@pytest.mark.parametrize("name", [name if name in ("own", "all") else pytest.param(name, marks=pytest.mark.slow) for name in SETS])
@pytest.mark.slow
def test_three_steps_move_what_is_trained_and_restore_strictly(trained, tmp_path, name):
    file, start, sums = configured(trained, tmp_path, SETS[name], name), {}, []

    def watch(_, args, result):
        total, info = result
        weights = {loss["log_prefix"]: loss["loss_term_weight"] for loss in SETS[name]}
        assert args[0].keys() == weights.keys()
        by_hand = sum(weight * torch.as_tensor(info[f"scalar/{prefix}/loss"]).float().mean() for prefix, weight in weights.items())
        sums.append((total.detach(), by_hand))

    def before(model):
        model.loss_aggregator.register_forward_hook(watch)
        start.update((each, p.detach().clone()) for each, p in model.named_parameters())

    model = launch(file, "train", quiet=True, before=before)
    assert len(sums) == 3 and all(total.isfinite() for total, _ in sums)
    for total, by_hand in sums:
        torch.testing.assert_close(total, by_hand.to(total), rtol=1e-4, atol=1e-5)
    for each, p in model.named_parameters():
        assert torch.equal(p, start[each]) != p.requires_grad, each
    assert any(each.startswith("BNNecks.") for each in start) == (SOFTMAX in SETS[name])
    saved, back = model.state_dict(), built(file, training=False).state_dict()
    assert list(saved) == list(back)
    assert all(each == "_extra_state" or torch.equal(saved[each], back[each]) for each in saved)


def test_what_each_loss_is_fed(trained, tmp_path):
    """The distillation and the triplet get the ranked embedding, the cross-entropy the head's logits of it, the teacher is detached."""
    model = built(configured(trained, tmp_path, SETS["all"], "fed"))
    batch = model.inputs_pretreament(next(iter(model.train_loader)))
    found = model(batch)
    fused, fed = found["inference_feat"]["embeddings"], found["training_feat"]
    assert fed["mickd"]["mimic"] is fed["l2"]["mimic"] is fed["triplet"]["embeddings"] is fused
    assert fed["mickd"]["teacher"] is fed["l2"]["teacher"] and not fed["l2"]["teacher"].requires_grad
    assert torch.equal(fed["l2"]["teacher"], model.teacher(batch.inputs(batch.whole)))
    assert fed["softmax"]["logits"].shape == (len(batch.labs), 8, 16)
    _, info = model.loss_aggregator(fed)
    torch.testing.assert_close(
        info["scalar/l2/loss"], ((fused - fed["l2"]["teacher"]) ** 2).sum().detach() / fused.numel(), rtol=1e-5, atol=1e-6
    )


def test_a_mimic_that_starts_as_its_teacher_has_no_l2_loss_on_whole_bodies(trained, tmp_path):
    changes = {"model_cfg__init_mimic": True, "model_cfg__binarise": None, "trainer_cfg__occlusion": {"kinds": {"none": 1.0}}}
    ven = {"model_cfg__ven": None}
    model = built(configured(trained, tmp_path, [L2], "none", **changes, **ven))
    model.eval()
    object.__setattr__(model, "training", True)  # the mimic's BatchNorms as the teacher's; the teacher runs in training alone
    found = model(model.inputs_pretreament(next(iter(model.train_loader))))["training_feat"]
    loss, _ = model.loss_aggregator(found)
    assert loss.abs() < 1e-8


@pytest.mark.parametrize(
    ("losses", "changes", "message"),
    [
        ([SOFTMAX, TRIPLET], {}, r"MimicGait is trained by MiCKDLoss or L2DistillationLoss, others may be added; got CrossEntropyLoss, T"),
        ([], {}, r"MimicGait is trained by MiCKDLoss or L2DistillationLoss, others may be added; got nothing"),
        (
            [MICKD, {"type": "HiddenFractionLoss", "log_prefix": "h"}],
            {},
            r"loss_cfg\.type = HiddenFractionLoss: MimicGait is trained by MiCKDLoss, L2DistillationLoss, CrossEntropyLoss or TripletLoss$",
        ),
        ([MICKD, SOFTMAX], {"model_cfg__SeparateBNNecks": None}, r"SeparateBNNecks: missing; CrossEntropyLoss of loss_cfg needs this head"),
        ([MICKD], {"model_cfg__SeparateBNNecks": {"class_num": 8}}, r"no loss of loss_cfg trains this head\. Add CrossEntropyLoss, or"),
        ([MICKD, SOFTMAX], {"model_cfg__SeparateBNNecks": {"class_num": 5}}, r"class_num = 5, but TRAIN_SET has 8 subjects in .*set it"),
        ([MICKD, SOFTMAX], {"model_cfg__SeparateBNNecks": {}}, r"model_cfg\.SeparateBNNecks\.class_num: missing; this key is required"),
        ([MICKD, {**L2, "log_prefix": "mickd"}], {}, r"loss_cfg\.log_prefix = 'mickd': given twice"),
        ([{**MICKD, "positives": []}], {}, r"loss_cfg\[0\]\.positives = \[\]; expected a list of at least one"),
    ],
)
def test_wrong_losses_are_refused_before_anything_is_built(trained, tmp_path, losses, changes, message):
    with pytest.raises(ConfigError, match=message):
        prepare(configured(trained, tmp_path, losses, "wrong", **changes), "train")
