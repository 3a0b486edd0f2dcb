"""A mimic that starts from another run's weights: backbone and T are that run's, the VEN is that of its own YAML."""

from __future__ import annotations

import pytest
import torch
import yaml

from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import build, launch, start_log
from tests.variants import variant

KINDS = {"none": 0.4, "top": 0.2, "bottom": 0.2, "middle": 0.2}


@pytest.fixture(scope="module")
def adapting(trained, tmp_path_factory):
    """The mimic's YAML with a VEN that knows one kind more, to start from the trained mimic; and that VEN's YAML."""
    folder = tmp_path_factory.mktemp("adapting")
    name = {f"{engine}__save_name": "wider" for engine in ("trainer_cfg", "evaluator_cfg")}
    drawn = {f"{engine}__occlusion__kinds": KINDS for engine in ("trainer_cfg", "evaluator_cfg")}
    ven = variant(trained.files["VEN"], folder, model_cfg__kinds=list(KINDS), **name, **drawn)
    launch(ven, "train", quiet=True)
    weights = weights_at(trained.files["MimicGait"])
    start = {"restore_hint": str(weights), "optimizer_reset": True, "scheduler_reset": True}
    changes = {**name, "model_cfg__ven__cfgs": str(ven), **{f"trainer_cfg__{key}": value for key, value in start.items()}}
    return variant(trained.files["MimicGait"], folder, **changes, **drawn), ven, weights


def weights_at(file):
    """The checkpoint that a YAML's test reads."""
    from opengait_mimic.host.run_paths import checkpoint_file

    return checkpoint_file("auto", prepare(file, "test"), "the test")


def read(file):
    from opengait_mimic.base.checkpoint_file import read_weights

    return read_weights(file, "the test")


def refused(what):
    from opengait_mimic.base.errors import CheckpointError

    return pytest.raises(CheckpointError, match=what)


def built(file, phase="train"):
    cfgs = prepare(file, phase)
    start_log(cfgs, phase == "train", False, quiet=True)
    return build(cfgs, phase == "train")


def test_backbone_and_mixer_are_the_other_runs_and_the_ven_is_its_own(adapting):
    file, ven, weights = adapting
    now, base = built(file).state_dict(), read(weights)
    guide = read(weights_at(ven))
    names = [name for name in now if name != "_extra_state"]
    assert {name.split(".")[0] for name in names} == {"Mimic", "Mixer", "VEN"}
    for name in names:
        assert torch.equal(now[name], (guide if name.startswith("VEN.") else base)[name]), name
    assert any(not torch.equal(guide[n], base[n]) for n in names if n.startswith("VEN.") and guide[n].shape == base[n].shape)


@pytest.mark.slow
def test_it_trains_from_iteration_0_and_its_test_has_its_own_ven(adapting):
    file, ven, _ = adapting
    assert launch(file, "train", quiet=True).iteration == 3
    model = built(file, "test")
    assert model.get_extra_state()["ven_kinds"] == ["none", "bottom", "top", "middle"]
    guide = read(weights_at(ven))
    assert all(torch.equal(value, guide[name]) for name, value in model.state_dict().items() if name.startswith("VEN."))


def test_another_ven_is_still_refused_when_the_run_goes_on_or_is_tested(adapting, trained, tmp_path):
    """From an iteration, or in a test, the checkpoint's VEN must be the configuration's."""
    _, ven, weights = adapting
    file = variant(trained.files["MimicGait"], tmp_path, model_cfg__ven__cfgs=str(ven))
    with refused("ven_kinds"):
        built(file, "test")
    with refused("ven_kinds"):
        launch(file, "train", 3, quiet=True)


def test_another_role_is_refused_all_the_same(adapting, tmp_path):
    file, ven, _ = adapting
    other = weights_at(ven)
    with refused("role"):
        built(variant(file, tmp_path, trainer_cfg__restore_hint=str(other)))


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("role", ["MimicGait", "OcclusionAware"])
def test_a_plain_opengait_file_is_refused_and_not_skipped(trained, tmp_path, role, strict):
    """OpenGait's lenient loading would drop every tensor of it and train from random weights."""
    changes = {
        "trainer_cfg__restore_hint": str(weights_at(trained.files["GaitBase (teacher)"])),
        "trainer_cfg__restore_ckpt_strict": strict,
    }
    if role == "OcclusionAware":
        losses = [{"type": "TripletLoss", "log_prefix": "triplet", "margin": 0.2, "loss_term_weight": 1.0}]
        changes.update(model_cfg__model=role, model_cfg__reference_compat=None, loss_cfg=losses)
    file = variant(trained.files["MimicGait"], tmp_path, **changes)
    if role == "OcclusionAware":
        cfgs = yaml.safe_load(file.read_text())
        cfgs["model_cfg"] = {key: value for key, value in cfgs["model_cfg"].items() if key not in ("reference_compat", "init_mimic")}
        file.write_text(yaml.safe_dump(cfgs))
    with refused(rf"trainer_cfg\.restore_hint = .*: no checkpoint of a {role} .*would not be loaded.*init_mimic: true"):
        built(file)


def test_lenient_loading_names_what_it_leaves_out(trained, tmp_path, monkeypatch):
    from utils import get_msg_mgr

    loaded, said = torch.load(weights_at(trained.files["MimicGait"]), weights_only=True), []
    count = sum(isinstance(value, torch.Tensor) and not name.startswith("VEN.") for name, value in loaded["model"].items())
    loaded["model"]["Mimic.extra"] = loaded["model"].pop("Mixer.fc_bin")
    torch.save(loaded, tmp_path / "part.pt")
    changes = {"trainer_cfg__restore_hint": str(tmp_path / "part.pt"), "trainer_cfg__restore_ckpt_strict": False}
    monkeypatch.setattr(get_msg_mgr(), "log_warning", lambda text: said.append(str(text)), raising=False)
    built(variant(trained.files["MimicGait"], tmp_path, **changes))
    assert [line.partition("false: ")[2] for line in said if "restore_ckpt_strict" in line] == [
        f"{count - 1} of {count} tensors restored; 1 left random: Mixer (1); 1 of the file not of this model: Mimic (1)"
    ]
