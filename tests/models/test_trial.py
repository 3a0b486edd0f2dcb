"""What a host model may do as a part of ours, on models made up for it. Runs on either host."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from opengait_mimic.base.errors import ConfigError
from tests.models.roles import SAMPLER, built, roles, train
from tests.models.served import SERVED
from tests.variants import variant

STEPS = {"trainer_cfg__total_iter": 2, "trainer_cfg__save_iter": 2, "evaluator_cfg__restore_hint": 2}


@pytest.fixture
def made(files, few, ven, host, tmp_path, monkeypatch):
    """Enter a class made on the host's Baseline for one test; gives the YAMLs of its three roles."""
    import modeling.models

    def made(of, **changes):
        model = of(modeling.models.Baseline)
        model.__module__ = "modeling.models.made_up"
        monkeypatch.setattr(modeling.models, model.__name__, model, raising=False)
        model_cfg = {**SERVED["Baseline"].model_cfg, "model": model.__name__}
        return roles(files, few, ven, tmp_path, model.__name__, model_cfg, **{**STEPS, **changes})

    return made


def changed(file, tmp_path, **changes):
    (tmp_path / "changed").mkdir(exist_ok=True)
    return variant(file, tmp_path / "changed", **changes)


def paced(Baseline):
    class Paced(Baseline):
        """As SwinGait: its own constructor, its own groups, and a forward that sets the learning rate of the run."""

        def __init__(self, cfgs, training):
            self.until = cfgs["trainer_cfg"]["total_iter"]
            super().__init__(cfgs, training)

        def get_optimizer(self, optimizer_cfg):
            groups = [{"params": self.Backbone.parameters(), "lr": optimizer_cfg["lr"] * 0.1}]
            return torch.optim.AdamW([*groups, {"params": self.BNNecks.parameters(), "lr": 1.0}])

        def forward(self, inputs):
            if self.training:
                self.optimizer.param_groups[0]["lr"] = 0.0001 * (self.until + self.iteration)
            return super().forward(inputs)

    return Paced


def test_a_backbones_own_groups_are_kept_and_all_the_rest_is_trained_beside_them(made):
    files = made(paced, optimizer_cfg={"solver": "AdamW", "lr": 0.003, "weight_decay": 0.25}, scheduler_cfg__milestones=[9])
    train(files["teacher"])
    mimic, losses, start = train(files["MimicGait"])
    own, necks, rest = mimic.optimizer.param_groups
    assert [id(p) for p in own["params"]] == [id(p) for p in mimic.Mimic.Backbone.parameters()]
    assert len(losses) == 2 and own["lr"] == pytest.approx(0.0001 * (2 + 1)), "the second step's forward saw iteration 1"
    assert (necks["lr"], rest["lr"], rest["weight_decay"]) == (1.0, 0.003, 0.25)
    assert {id(p) for p in rest["params"]} == {id(mimic.Mimic.FCs.fc_bin), id(mimic.Mixer.fc_bin)}, "T and what the class forgot"
    still = {name for name, p in mimic.named_parameters() if torch.equal(p, start[name])}
    assert {name.split(".")[0] if name.startswith("VEN") else name.rpartition(".")[0] for name in still} == {
        "VEN",
        "Mimic.BNNecks",
        "Mimic.BNNecks.bn1d",
    }
    kept = mimic.optimizer.state_dict()["param_groups"]
    assert [len(group["params"]) for group in kept] == [len(group["params"]) for group in mimic.optimizer.param_groups]


def test_baseline2_says_what_its_class_leaves_untrained(made, monkeypatch):
    from utils import get_msg_mgr

    files, said = made(paced, optimizer_cfg={"solver": "AdamW", "lr": 0.003}), []
    built(files["Baseline-2"])
    monkeypatch.setattr(get_msg_mgr(), "log_warning", lambda text: said.append(str(text)), raising=False)
    built(files["Baseline-2"])
    (line,) = [text for text in said if "does not train" in text]
    assert line.startswith("model_cfg.backbone (Paced) does not train FCs, whose start is random") and "restore_hint" in line


def sleeper(Baseline):
    class Sleeper(Baseline):
        """As GaitSSB: its stem never gets a gradient, and is used all the same."""

        def build_network(self, model_cfg):
            super().build_network(model_cfg)
            stem = self.Backbone.forward
            self.Backbone.forward = lambda sils: stem(sils).detach()

    return Sleeper


@pytest.mark.slow
def test_what_is_used_without_a_gradient_is_no_head(made, tmp_path):
    """It must not be left out of the checkpoint; a mimic from random weights is refused, one from its teacher's is not."""
    files = made(sleeper)
    train(files["teacher"])
    pattern = r"backbone \(Sleeper\) gives no gradient to Backbone\..*, which would stay at their random start\. .*init_mimic: true"
    with pytest.raises(ConfigError, match=pattern):
        built(files["MimicGait"])
    file = changed(files["MimicGait"], tmp_path, model_cfg__init_mimic=True)
    mimic, losses, start = train(file)
    assert len(losses) == 2 and any(name.startswith("Mimic.Backbone.") for name in mimic.state_dict())
    back = built(file, "test").state_dict()
    assert all(name == "_extra_state" or torch.equal(value, back[name]) for name, value in mimic.state_dict().items())
    still = {name for name, p in mimic.named_parameters() if torch.equal(p, start[name])}
    assert {name.split(".")[1] for name in still if name.startswith("Mimic.")} == {"Backbone", "BNNecks"}


def forgetful(Baseline):
    class Forgetful(Baseline):
        """Stops training after a while, as GaitSSB does after its first evaluation."""

        forwards = 0

        def forward(self, inputs):
            found = super().forward(inputs)
            self.forwards += self.training
            if self.forwards > 2:  # the trial, and the first step
                found["inference_feat"]["embeddings"] = found["inference_feat"]["embeddings"].detach()
            return found

    return Forgetful


def test_a_step_that_leaves_something_untrained_stops_the_run(made):
    from opengait_mimic.models.nested_backbone import Untrained

    files = made(forgetful)
    train(files["teacher"])
    with pytest.raises(Untrained, match=r"\d+ parameters got no gradient in this step .*Mimic\..*with_test: false"):
        train(files["MimicGait"])


def in_sixes(Baseline):
    class InSixes(Baseline):
        """As FoundationGait: takes a batch that can be cut into pieces."""

        def forward(self, inputs):
            assert not self.training or len(inputs[1]) % 6 == 0
            return super().forward(inputs)

    return InSixes


def test_a_batch_of_the_runs_own_size_is_tried_before_a_refusal(made, tmp_path):
    files = made(in_sixes)
    assert built(files["Baseline-2"]).training, "3 subjects x 2 clips"
    file = changed(files["Baseline-2"], tmp_path, trainer_cfg__sampler={**SAMPLER, "batch_size": [4, 2]})
    with pytest.raises(ConfigError, match=r"InSixes\) cannot be trained .*: AssertionError in test_trial.py, line "):
        built(file)


def flat(Baseline):
    class Flat(Baseline):
        def forward(self, inputs):
            found = super().forward(inputs)
            found["inference_feat"]["embeddings"] = found["inference_feat"]["embeddings"].flatten(1)
            return found

    return Flat


def bare(Baseline):
    class Bare(Baseline):
        def forward(self, inputs):
            return {"inference_feat": {"feature": super().forward(inputs)["inference_feat"]["embeddings"]}}

    return Bare


def narrow(Baseline):
    class Narrow(Baseline):
        def forward(self, inputs):
            assert inputs[0][0].shape[-1] == 64
            return super().forward(inputs)

    return Narrow


def second(Baseline):
    class Second(Baseline):
        def forward(self, inputs):
            return super().forward((inputs[0][1:2] or [inputs[0][1]], *inputs[1:]))

    return Second


@pytest.mark.parametrize(
    ("of", "pattern"),
    [
        (flat, r"backbone \(Flat\) cannot embed 64x44 silhouettes: its embedding has shape \[1, 64\], expected \[n, c, p\]"),
        (bare, r"backbone \(Bare\) cannot embed 64x44 silhouettes: it returns no inference_feat.embeddings"),
        (narrow, r"model_cfg.geometry = \[64, 44\]: model_cfg.backbone \(Narrow\) takes silhouettes of 64x64, not of 64x44"),
        (second, r"backbone \(Second\) cannot embed 64x44 silhouettes: it reads a further input \(number 2\)"),
    ],
)
@pytest.mark.parametrize("role", ["Baseline-2", "MimicGait"])
def test_a_reason_is_found_by_trying(made, of, pattern, role):
    with pytest.raises(ConfigError) as caught:
        built(made(of)[role])
    assert re.search(pattern, str(caught.value)), caught.value


def test_trying_leaves_no_trace(made):
    """Buffers, random states and weights: a run that was tried equals one that was not."""
    from opengait_mimic.models import backbone_probe as trial
    from opengait_mimic.models.nested_backbone import build

    cfgs = {"data_cfg": {"dataset_name": "walkers"}, "trainer_cfg": {"total_iter": 2}}
    net = build(SERVED["Baseline"].model_cfg, cfgs, "test")
    before, random = {name: value.clone() for name, value in net.state_dict().items()}, torch.get_rng_state()
    found = trial.inspect(net, (64, 44), "test")
    assert trial.rehearse(net, (64, 44), "test") == [name for name, _ in net.named_parameters() if name in found.unreached]
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random) and net.training and all(p.grad is None for p in net.parameters())


def test_a_model_that_draws_leaves_no_trace_either():
    """On what numpy and Python draw next: a run that was tried goes on as one that was not."""
    import random

    from opengait_mimic.models import backbone_probe as trial

    class Draws(torch.nn.Linear):
        def forward(self, inputs):
            factor = np.random.rand() * random.random()
            return {"inference_feat": {"embeddings": super().forward(inputs[0][0].mean((1, 2))[:, None]) * factor}}

    def next_ones():
        return [np.random.rand(), random.random(), float(torch.rand(()))]

    def seeded():
        np.random.seed(5), random.seed(5), torch.manual_seed(5)

    net = Draws(44, 3)
    seeded()
    wanted = next_ones()
    seeded()
    assert trial.rehearse(net, (64, 44), "test") == []
    assert next_ones() == wanted


@pytest.mark.parametrize("stops", [torch.cuda.OutOfMemoryError("CUDA out of memory"), MemoryError(), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["build_network", "forward"])
@pytest.mark.parametrize("role", ["Baseline-2", "MimicGait"])
def test_a_full_memory_and_a_stop_are_no_fault_of_the_models(made, stops, where, role):
    def full(Baseline):
        def stop(self, *_):
            raise stops

        return type("Full", (Baseline,), {where: stop})

    with pytest.raises(type(stops)) as caught:
        built(made(full)[role])
    assert caught.value is stops


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModuleNotFoundError("No module named 'timm.layers'", name="timm.layers"), "it needs the package 'timm': pip install timm. Choose"),
        (ImportError("needs a newer einops"), "an import of it fails: needs a newer einops. Choose"),
        (ImportError("cannot import name 'x'", name="timm"), "an import of it fails: cannot import name 'x'. Choose"),
        (KeyError("depth"), "it asks for the key 'depth', which its model_cfg or the configuration around it lacks: copy it"),
    ],
)
def test_the_reason_of_a_failed_constructor(made, error, said):
    def broken(Baseline):
        def build_network(self, model_cfg):
            raise error

        return type("Broken", (Baseline,), {"build_network": build_network})

    with pytest.raises(ConfigError) as caught:
        built(made(broken)["MimicGait"])
    assert f"model_cfg.backbone (Broken) cannot be built: {said}" in str(caught.value)


def test_a_reason_quotes_no_source_line_of_the_host(made):
    def asserts(Baseline):
        class Asserts(Baseline):
            def forward(self, inputs):
                raise AssertionError  # as of an `assert` without a text

        return Asserts

    with pytest.raises(
        ConfigError, match=r"silhouettes: AssertionError in test_trial.py, line \d+ \(its YAML feeds it through \w+\)\. Choose"
    ):
        built(made(asserts)["Baseline-2"])


def test_a_live_teacher_that_needs_a_run_of_its_own_is_refused(made, tmp_path):
    """`Paced` sets its run's learning rate as SwinGait does; frozen in eval mode it serves."""
    files = made(paced, optimizer_cfg={"solver": "AdamW", "lr": 0.003, "weight_decay": 0.25}, scheduler_cfg__milestones=[9])
    train(files["teacher"])
    assert built(files["MimicGait"]).teacher is not None
    pattern = r"live_teacher .*training mode\. model_cfg\.teacher \(Paced\) .*it reads the `iteration` of the run .*leave the switch out"
    with pytest.raises(ConfigError, match=pattern):
        built(changed(files["MimicGait"], tmp_path, model_cfg__reference_compat={"live_teacher": True}))


def test_a_teacher_whose_geometry_is_not_known_is_told(made, tmp_path, monkeypatch):
    """Its YAML resizes by itself, and its checkpoint is of a version that did not write the size."""
    from utils import get_msg_mgr

    from tests.models.test_starts_elsewhere import weights_at

    files, said = made(lambda Baseline: type("Plain", (Baseline,), {})), []
    train(files["teacher"])
    weights = torch.load(weights_at(files["teacher"]), weights_only=True)
    assert weights["opengait_mimic"].pop("picture_size") == [64, 44]
    torch.save(weights, weights_at(files["teacher"]))
    names = {f"{engine}_cfg__save_name": "teacher-Plain" for engine in ("trainer", "evaluator")}
    other = changed(files["teacher"], tmp_path, **names, evaluator_cfg__transform=[{"type": "BaseSilTransform", "img_shape": [64, 44]}])
    monkeypatch.setattr(get_msg_mgr(), "log_info", lambda text: said.append(str(text)), raising=False)
    built(files["MimicGait"])
    assert not [line for line in said if "is not checked" in line]
    (tmp_path / "unknown").mkdir()
    built(variant(files["MimicGait"], tmp_path / "unknown", model_cfg__teacher__cfgs=str(other)))
    (line,) = [line for line in said if "is not checked" in line]
    assert line.startswith("model_cfg.teacher: ") and "64x44" in line


def test_a_teacher_of_other_classes_loads_and_says_what_it_dropped(made, tmp_path, monkeypatch):
    """The checkpoint has 4 classes, the YAML that the mimic names has 9."""
    from utils import get_msg_mgr

    files = made(lambda Baseline: type("Plain", (Baseline,), {}))
    train(files["teacher"])
    names = {f"{engine}_cfg__save_name": "teacher-Plain" for engine in ("trainer", "evaluator")}
    nine = changed(
        files["teacher"], tmp_path, **names, model_cfg__SeparateBNNecks={**SERVED["Baseline"].model_cfg["SeparateBNNecks"], "class_num": 9}
    )
    said = []
    monkeypatch.setattr(get_msg_mgr(), "log_info", lambda text: said.append(str(text)))
    (tmp_path / "nine").mkdir()
    mimic = built(variant(files["MimicGait"], tmp_path / "nine", model_cfg__teacher__cfgs=str(nine)))
    (line,) = [text for text in said if "tensors from" in text]
    assert "dropped: BNNecks.bn1d.bias" in line and "BNNecks.fc_bin" in line and "FCs.fc_bin" not in line
    saved = torch.load(next(iter(re.findall(r"from (\S+\.pt)", line))), weights_only=True)["model"]
    assert saved["BNNecks.fc_bin"].shape[-1] == 4 and torch.equal(saved["FCs.fc_bin"], mimic.teacher.net.FCs.fc_bin)
