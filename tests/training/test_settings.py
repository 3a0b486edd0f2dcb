"""The keys of ``trainer_cfg`` that every step reads: clipping, warm-up and bfloat16 against plain loops and values by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.models.prepare import prepare
from tests.training.faults import loop, model_of, state_of
from tests.training.runs import differing
from tests.variants import variant

TEACHER = "GaitBase (teacher)"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("seed", -1, r"seed = -1; expected a whole number"),
        ("seed", 0.5, r"seed = 0.5; expected a whole number"),
        ("keep_last", 0, r"keep_last = 0; expected a whole number of at least 1"),
        ("keep_best", "test_accuracy/Rank-1", r"keep_best = 'test_accuracy/Rank-1' needs trainer_cfg\.with_test: true"),
        ("clip_gradients", 0, r"clip_gradients = 0; expected a number"),
        ("warm_up", 2.5, r"warm_up = 2.5; expected a whole number"),
        ("bad_steps", 0, r"bad_steps = 0; expected a whole number of at least 1"),
        ("bfloat16", 1, r"bfloat16 = 1; expected true or false"),
        ("clip_gradient", 1.0, r"clip_gradient: unknown key \(did you mean 'clip_gradients'\?\)"),
    ],
)
def test_wrong_keys_are_refused_for_the_host_s_own_models_too(trained, tmp_path, key, value, message):
    with pytest.raises(ConfigError, match=rf"trainer_cfg\.{message}"):
        prepare(variant(trained.files[TEACHER], tmp_path, **{f"trainer_cfg__{key}": value}), "train")


def test_one_half_precision_at_a_time(trained, tmp_path):
    file = variant(trained.files[TEACHER], tmp_path, trainer_cfg__bfloat16=True, trainer_cfg__enable_float16=True)
    with pytest.raises(ConfigError, match="trainer_cfg.bfloat16 = true, trainer_cfg.enable_float16 = true: choose one"):
        prepare(file, "train")


@pytest.mark.slow
def test_under_opengait_s_own_main_our_models_say_which_keys_have_no_effect(trained, monkeypatch):
    from utils import get_msg_mgr

    logged = []
    monkeypatch.setattr(get_msg_mgr(), "log_warning", logged.append)
    model = model_of(trained.files["MimicGait"], guarded=False, warm_up=5, clip_gradients=1.0)
    loop(model, 2)
    lines = [text for text in logged if "no effect here" in text]
    assert lines == ["trainer_cfg.clip_gradients, trainer_cfg.warm_up: only our own launcher reads these keys; no effect here"]
    guarded = model_of(trained.files["MimicGait"], warm_up=5)
    loop(guarded, 1)
    assert len([text for text in logged if "no effect here" in text]) == 1


@pytest.mark.slow
def test_gradients_are_clipped_as_torch_clips_them(trained):
    """Three steps, against `torch.nn.utils.clip_grad_norm_` in a plain loop."""
    clipped, plain = (model_of(trained.files["MimicGait"], guarded=i == 0, clip_gradients=0.05) for i in range(2))
    loop(clipped, 3)
    norms = []
    trained_ones = [p for group in plain.optimizer.param_groups for p in group["params"]]
    hook = lambda *_: norms.append(float(nn.utils.clip_grad_norm_(trained_ones, 0.05)))  # noqa: E731
    plain.optimizer.register_step_pre_hook(hook)
    loop(plain, 3)
    assert min(norms) > 0.05, "there is something to clip"
    assert not differing(state_of(clipped), state_of(plain))


# ---------------------------------------------------------------- warm-up


def rates_of(model):
    """The rate that every step of the optimiser really uses."""
    found = []
    model.optimizer.register_step_pre_hook(lambda optimizer, *_: found.append([group["lr"] for group in optimizer.param_groups]))
    return found


@pytest.mark.slow
def test_the_rate_rises_to_the_schedule_s(trained, tmp_path):
    """By hand: 0.1, a tenth of it after two steps, over four steps of warm-up; the schedule and the checkpoint do not know of it."""
    schedule = {"scheduler_cfg": {"scheduler": "MultiStepLR", "milestones": [2], "gamma": 0.1}, "optimizer_cfg__lr": 0.1}
    file = variant(trained.files[TEACHER], tmp_path, **schedule)
    model = model_of(file, warm_up=4)
    rates = rates_of(model)
    loop(model, 6)
    assert [rate for (rate,) in rates] == pytest.approx([0.1 / 4, 0.1 * 2 / 4, 0.01 * 3 / 4, 0.01, 0.01, 0.01], rel=1e-12)
    plain = model_of(file, guarded=False)
    loop(plain, 6)
    assert model.optimizer.state_dict()["param_groups"] == plain.optimizer.state_dict()["param_groups"]
    assert model.scheduler.state_dict() == plain.scheduler.state_dict()


def test_a_training_that_goes_on_is_as_warm_as_it_was(trained):
    model = model_of(trained.files[TEACHER], warm_up=4)
    rates, whole = rates_of(model), model.optimizer.param_groups[0]["lr"]
    model.iteration = model.batches_drawn = 2
    loop(model, 1)
    assert rates == [[whole * 3 / 4]]


# ---------------------------------------------------------------- bfloat16


@pytest.mark.parametrize("stage", [pytest.param(TEACHER, marks=pytest.mark.slow), "MimicGait", "VEN"])
@pytest.mark.slow
def test_bfloat16_in_the_forward_float32_everywhere_else(trained, stage):
    """The convolutions compute in bfloat16; losses, weights, gradients and the test do not. The loss is near that of float32."""
    half, full = model_of(trained.files[stage], bfloat16=True), model_of(trained.files[stage])
    kinds = {model: {"inside": set(), "losses": set()} for model in (half, full)}
    values = {model: [] for model in (half, full)}
    for model, seen in kinds.items():
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(lambda _, __, found, seen=seen: seen["inside"].add(found.dtype))

        def note(_, given, found, seen=seen, model=model):
            tensors = [value for feats in given[0].values() for value in feats.values() if torch.is_floating_point(value)]
            seen["losses"].update({*(tensor.dtype for tensor in tensors), found[0].dtype})
            values[model].append(float(found[0].detach()))

        model.loss_aggregator.register_forward_hook(note)
        before = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
        assert loop(model, 2) == [True, True]
        assert all(p.dtype == torch.float32 and p.grad.dtype == torch.float32 for p in model.parameters() if p.requires_grad)
        assert any(not torch.equal(before[name], p) for name, p in model.named_parameters() if p.requires_grad)
    assert kinds[half] == {"inside": {torch.bfloat16}, "losses": {torch.float32}}
    assert kinds[full] == {"inside": {torch.float32}, "losses": {torch.float32}}
    assert values[half] == pytest.approx(values[full], rel=0.05) and values[half] != values[full]
    kinds[half]["inside"].clear()
    raw = next(iter(half.train_loader))
    batch = half.inputs_pretreament(raw)
    with torch.no_grad():
        half.eval()(batch)
    assert kinds[half]["inside"] == {torch.float32}, "a test computes in float32"
