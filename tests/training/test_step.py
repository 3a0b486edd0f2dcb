"""A step that is not finite leaves nothing, against a run without its batch; what is logged, and when the run ends."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from opengait_mimic.base.errors import TrainingStopped
from opengait_mimic.training import step
from opengait_mimic.training.launch import launch
from tests.training.faults import FAULTS, inf_loss, loop, model_of, nan_clip, nan_gradient, state_of
from tests.training.runs import differing
from tests.variants import variant

TEACHER = "GaitBase (teacher)"


@pytest.fixture
def logged(host, monkeypatch):
    """Every warning and message of the host's manager."""
    from utils import get_msg_mgr

    found = {"warning": [], "info": []}
    for level, lines in found.items():
        monkeypatch.setattr(get_msg_mgr(), f"log_{level}", lambda text, lines=lines: lines.append(str(text)))
    return found


def skips(found):
    return [text for text in found["warning"] + found["info"] if "is skipped" in text]


# ---------------------------------------------------------------- nothing of it stays


@pytest.mark.parametrize("stage", [TEACHER, pytest.param("MimicGait", marks=pytest.mark.slow)])
def test_a_bad_step_leaves_nothing(trained, stage):
    """OpenGait's own Baseline and MimicGait end where the host's own steps without that batch end, bit for bit: weights, statistics,
    momenta, schedule and iteration.
    """
    oracle = model_of(trained.files[stage], guarded=False)
    assert loop(oracle, 3, without=(1,)) == [True, True]
    for fault, put in FAULTS.items():
        faulty = model_of(trained.files[stage])
        put(faulty, at=(1,))
        assert loop(faulty, 3) == [True, False, True] and faulty.skipped == 1
        assert not differing(state_of(faulty), state_of(oracle)), fault


class Averaged:
    """A host model with its own step, as OpenGait's FoundationGait: an average follows the weights."""

    averaged = ()

    def train_step(self, loss):
        for parameter in self.parameters():
            parameter.grad = None
        loss.backward()
        for moved in (self.optimizer, self.scheduler):
            moved.step()
        self.iteration = self.iteration + 1
        self.averaged = [*self.averaged, self.iteration]
        return True


@pytest.mark.parametrize("fault", FAULTS)
def test_a_model_with_a_step_of_its_own_is_guarded_too(trained, fault):
    model = model_of(trained.files[TEACHER], guarded=False)
    model.__class__ = type("Averaged", (Averaged, type(model)), {})
    step.attach(model, model.cfgs)
    FAULTS[fault](model, at=(1,))
    assert loop(model, 3) == [True, False, True] and model.averaged == [1, 2]


# ---------------------------------------------------------------- float16


def test_the_scaler_s_steps_are_counted_and_grown_scales_are_not(trained, logged):
    model = model_of(trained.files["Baseline-2"], guarded=False)
    model.engine_cfg = {**model.engine_cfg, "enable_float16": True}
    model.Scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
    step.attach(model, model.cfgs)
    weight = next(p for p in model.parameters() if p.requires_grad)

    def take(loss):
        kept = weight.detach().clone()
        model.train_step(loss)
        return model.skipped, torch.equal(weight, kept), model.Scaler.get_scale()

    assert take((weight * 0).sum().sqrt() + 1) == (1, True, 512.0), "a gradient of NaN"
    assert "scaler goes down to 512 (a few such steps at the start are ordinary)" in skips(logged)[0]
    assert [take(weight.sum().abs()) for _ in range(3)] == [(1, False, 512.0), (1, False, 1024.0), (1, False, 1024.0)]
    assert take(weight.sum() * float("nan")) == (2, True, 1024.0), "the scale does not help a loss that is NaN before it"
    assert take(weight.sum() * 1e30)[:2] == (3, True), "finite gradients, whose norm is beyond float32"
    assert take(weight.sum().abs())[:2] == (3, False)


def test_a_fused_optimiser_gets_the_scaler_s_steps_too(trained):
    """With an overflow and with norms to clip: against the plain kernels, whose gradients the scaler unscales before the step."""
    ends = []
    for fused in (False, True):
        model = model_of(trained.files[TEACHER], guarded=False, clip_gradients=1e-3)
        model.engine_cfg = {**model.engine_cfg, "enable_float16": True}
        model.Scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        model.optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, fused=fused)
        model.scheduler = torch.optim.lr_scheduler.MultiStepLR(model.optimizer, [9])
        step.attach(model, model.cfgs)
        nan_gradient(model, at=(0,))
        assert loop(model, 3) == [False, True, True] and model.Scaler.get_scale() == 512.0
        ends.append({key: value for key, value in state_of(model).items() if torch.is_tensor(value) and value.is_floating_point()})
    plain, fused = ends
    assert all(torch.allclose(value, fused[key], rtol=1e-4, atol=1e-6) for key, value in plain.items())


# ---------------------------------------------------------------- what is logged


def test_the_first_bad_step_names_the_clips(trained, logged):
    model = model_of(trained.files["MimicGait"])
    nan_clip(model, at=(1, 3))
    names = []
    for raw in model.train_loader:
        names.append(model.train_loader.names())
        model.train_step(model.loss_aggregator(model(model.inputs_pretreament(raw))["training_feat"])[0])
        if len(names) == 4:
            break
    assert len(skips(logged)) == 2
    assert skips(logged)[0].startswith("The step after iteration 1 (batch 1) is skipped: the loss is not finite. It leaves weights and")
    assert skips(logged)[0].endswith(f"its input is not finite; clips: {names[1][1]}") and "loss = nan" in skips(logged)[0]
    assert skips(logged)[1] == "The step after iteration 2 (batch 3) is skipped, number 2: the loss is not finite"


def test_where_the_input_is_whole_every_clip_of_the_batch_is_named(trained, logged):
    model = model_of(trained.files[TEACHER])
    nan_gradient(model, at=(0,))
    loop(model, 1)
    parameter = next(name for name, p in model.named_parameters() if p.requires_grad)
    assert f"gradients are not finite: {parameter}. " in skips(logged)[0]
    assert skips(logged)[0].endswith(f"all finite here; clips: {', '.join(model.train_loader.names())}")


def test_packed_clips_are_told_apart():
    """Fixed and packed; NaN in the third clip."""
    from opengait_mimic.training.nonfinite_report import clips_not_finite

    packed = torch.zeros(1, 9, 4, 4)
    packed[0, 5, 0, 0] = float("nan")
    assert clips_not_finite(([packed], None, None, None, torch.tensor([[3, 2, 4]]))) == [2]
    fixed = torch.zeros(3, 5, 4, 4)
    fixed[2, 0, 1, 1] = float("inf")
    assert clips_not_finite(([torch.zeros(3, 5, 2), fixed], None, None, None, None)) == [2]


# ---------------------------------------------------------------- in a row


def test_bad_steps_in_a_row_stop_the_run_and_leave_its_checkpoints(trained, tmp_path, output):
    name = {f"{engine}_cfg__save_name": "stopped" for engine in ("trainer", "evaluator")}
    file = variant(trained.files[TEACHER], tmp_path, **name, trainer_cfg__save_iter=1, trainer_cfg__total_iter=9, trainer_cfg__bad_steps=3)
    models, digests = [], {}

    def before(model):
        models.append(model)
        inf_loss(model, at=(0, 1, 4, 5, 6, 7))
        model.optimizer.register_step_post_hook(lambda *_: digests.update(hashes()))

    def hashes():
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.pt")}

    folder = Path(output) / "walkers/Baseline/stopped/checkpoints"
    with pytest.raises(TrainingStopped) as caught:
        launch(file, "train", quiet=True, before=before)
    text, last = str(caught.value), folder / "stopped-00002.pt"
    assert text.startswith("3 steps in a row could not train (trainer_cfg.bad_steps = 3), the last after iteration 2: the loss is not")
    assert f"The last good checkpoint is {last}: go on from it with --iter 2 and trainer_cfg.clip_gradients (5.0, for example) or" in text
    assert "It restores its learning rate" in text and "check data" not in text, "the clips are whole"
    assert models[0].skipped == 5 and models[0].iteration == 2
    assert sorted(hashes()) == ["stopped-00001.pt", "stopped-00002.pt"] and digests.items() <= hashes().items()
    kept = torch.load(last, weights_only=True)
    assert all(torch.equal(value, models[0].state_dict()[key]) for key, value in kept["model"].items())


def test_the_end_of_a_run_that_saved_nothing_is_a_message(trained, tmp_path, capsys):
    from opengait_mimic.base.command_exit import friendly_errors

    file = variant(trained.files[TEACHER], tmp_path, trainer_cfg__save_name="never", trainer_cfg__bad_steps=1)
    with pytest.raises(SystemExit) as caught, friendly_errors():
        launch(file, "train", quiet=True, before=lambda model: inf_loss(model, at=(0,)))
    assert "error: 1 steps in a row" in str(caught.value) and "Nothing was saved yet: start again with a lower" in str(caught.value)


def test_clips_that_are_not_finite_send_to_check_data(trained, tmp_path):
    file = variant(trained.files[TEACHER], tmp_path, trainer_cfg__save_name="broken", trainer_cfg__bad_steps=2)
    with pytest.raises(TrainingStopped, match="Nothing was saved yet: .*is not finite: `opengait-mimic check data --cfgs`"):
        launch(file, "train", quiet=True, before=lambda model: nan_clip(model, at=(0, 1)))
