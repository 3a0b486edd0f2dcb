"""GaitGL and DeepGaitV2 as teacher, Baseline-2 and MimicGait: trained, saved, restored, tested, scored. Runs on either host."""

from __future__ import annotations

import contextlib
import sys
from types import SimpleNamespace

import pytest
import torch

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.evaluation.evaluate import evaluate
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import launch
from tests.models.roles import ROLES, SAMPLER, built, clips, roles, train
from tests.variants import variant

GL = {"model": "GaitGL", "channels": [2, 4, 4], "class_num": 4}
V2 = {"model": "DeepGaitV2", "SeparateBNNecks": {"class_num": 4}}
BLOCKS = {"in_channels": 1, "layers": [1, 1, 1, 1], "channels": [2, 4, 4, 8]}
NECKS = {"class_num": 4, "in_channels": 4, "parts_num": 64}
BACKBONES = {  # name -> data_cfg.dataset_name of the teacher's YAML, model_cfg, parts, what the embedding does not reach
    "GaitGL": ("walkers", GL, 64, {"Head1"}),
    "GaitGL necks": ("walkers", {**GL, "SeparateBNNecks": NECKS}, 64, {"BNNecks"}),
    "GaitGL deep": ("GREW", {**GL, "channels": [2, 4, 4, 4]}, 64, {"Head1"}),
    "GaitGL deep necks": ("OUMVLP", {**GL, "channels": [2, 4, 4, 4], "SeparateBNNecks": NECKS}, 64, {"BNNecks"}),
    **{f"DeepGaitV2 {mode}": ("walkers", {**V2, "Backbone": {**BLOCKS, "mode": mode}}, 16, {"BNNecks"}) for mode in ("2d", "p3d", "3d")},
}
PACKED = {**SAMPLER, "sample_type": "unfixed_ordered"}


def files_of(files, few, ven, folder, backbone):
    """The three YAMLs of a backbone."""
    dataset, model_cfg = BACKBONES[backbone][:2]
    return roles(files, few, ven, folder, backbone, model_cfg, dataset)


IN_DEFAULT = ("GaitGL", "DeepGaitV2 p3d")


@pytest.fixture(scope="module", params=[name if name in IN_DEFAULT else pytest.param(name, marks=pytest.mark.slow) for name in BACKBONES])
def trained(request, files, few, ven, tmp_path_factory):
    """Every role of a backbone after three steps: models, losses, and the weights they started with."""
    made = files_of(files, few, ven, tmp_path_factory.mktemp("roles"), request.param)
    found = SimpleNamespace(name=request.param, files=made, models={}, losses={}, start={})
    for role, file in made.items():
        found.models[role], found.losses[role], found.start[role] = train(file)
    return found


def test_three_steps_move_every_parameter_that_is_trained(trained):
    for role, model in trained.models.items():
        losses = torch.tensor(trained.losses[role])
        assert len(losses) == 3 and losses.isfinite().all() and (losses > 0).all(), (role, losses)
        moved, still = set(), set()
        for name, parameter in model.named_parameters():
            same = torch.equal(parameter, trained.start[role][name])
            assert same != parameter.requires_grad, (role, name)
            (still if same else moved).add(name)
        assert moved
        if role == "MimicGait":
            dead = {name.split(".")[1] for name in still if name.startswith("Mimic.")}
            assert dead == BACKBONES[trained.name][3] and all(name.startswith(("Mimic.", "VEN.")) for name in still)
        else:
            assert not still, role


def test_a_role_is_the_hosts_own_class_and_sees_what_it_should(trained):
    from opengait_mimic.host import lookup

    _, model_cfg, parts, _ = BACKBONES[trained.name]
    backbone = lookup("modeling.models", model_cfg["model"], "test")
    assert type(trained.models["teacher"]) is backbone and isinstance(trained.models["Baseline-2"], backbone)
    mimic = trained.models["MimicGait"]
    assert type(mimic.Mimic) is type(mimic.teacher.net) and isinstance(mimic.Mimic, backbone)
    assert mimic.teacher.embedding.parts == parts == mimic.Mixer.fc_bin.shape[0]
    deep = trained.name.startswith("GaitGL deep")
    for net in (trained.models["teacher"], trained.models["Baseline-2"], mimic.Mimic, mimic.teacher.net):
        assert ("conv3d.2.conv3d.weight" in net.state_dict()) == deep, "the depth is that of the YAML the network comes from"


def test_the_teacher_is_frozen_whatever_its_class(trained):
    from opengait_mimic.base.checkpoint_file import read_weights
    from opengait_mimic.host.run_paths import checkpoint_file
    from opengait_mimic.models.upstream_weights import fingerprint

    teacher = trained.models["MimicGait"].teacher
    assert fingerprint(teacher.net) == teacher.hash
    saved = read_weights(checkpoint_file("auto", prepare(trained.files["teacher"], "test"), "teacher"), "teacher")
    compared = {name: value for name, value in teacher.net.state_dict().items() if name not in teacher.embedding.unreached}
    assert any("running_mean" in name for name in compared) or trained.name.startswith("GaitGL")
    assert all(torch.equal(value, saved[name]) for name, value in compared.items())
    flagged = [module for module in teacher.net.modules() if module.training]
    assert flagged == ([teacher.net] if trained.name.startswith("GaitGL") else [])
    assert not any(p.requires_grad for p in teacher.net.parameters())


@pytest.mark.parametrize("s", [2, 7])
def test_a_frozen_teacher_of_many_clips_equals_eval_clip_by_clip(trained, s):
    """Independent: the host's own test model, in eval mode, one clip at a time."""
    alone = built(trained.files["teacher"], "test").eval()
    batch = clips(3, s)
    found = trained.models["MimicGait"].teacher(batch)
    with torch.no_grad():
        for i in range(3):
            one = alone(([batch[0][0][i : i + 1]], batch[1][i : i + 1], ["-"], ["-"], None))["inference_feat"]["embeddings"]
            assert (found[i : i + 1] - one).abs().max() < 1e-5 * one.abs().max()
    assert (found[0] - found[1]).abs().max() > 0.1 * found.abs().max(), "clips that differ, or it would say nothing"


@pytest.mark.parametrize("role", ROLES)
def test_checkpoints_restore_strictly(trained, role):
    model, back = trained.models[role], built(trained.files[role], "test")
    saved, now = model.state_dict(), back.state_dict()
    assert list(saved) == list(now)
    assert all(name == "_extra_state" or torch.equal(saved[name], now[name]) for name in saved)
    if role == "MimicGait":
        dead = BACKBONES[trained.name][3]
        assert not any(name.startswith(tuple(f"Mimic.{module}." for module in dead)) for name in saved)
        assert {name.split(".")[0] for name in saved} == {"Mimic", "Mixer", "VEN", "_extra_state"}


def test_heads_that_are_left_out_are_named_in_the_log(trained, monkeypatch):
    from utils import get_msg_mgr

    said = []
    monkeypatch.setattr(get_msg_mgr(), "log_info", lambda text: said.append(str(text)))
    built(trained.files["MimicGait"], "test")
    line = next(text for text in said if text.startswith("Frozen and not saved"))
    assert all(f"{module}." in line for module in BACKBONES[trained.name][3]) and "conv" not in line


def test_a_test_and_the_rows_of_an_evaluation(trained):
    rows = {role: evaluate(file, quiet=True) for role, file in trained.files.items()}
    hp = rows["teacher"][0]["rank1"]
    for role, found in rows.items():
        cells = [(r["occluded_side"], r["gallery_embedder"]) for r in found]
        assert cells == [("holistic", "own"), ("probe", "own"), ("both", "own")] + [("probe", "teacher")] * (role == "MimicGait")
        assert {r["backbone"] for r in found} == {trained.name.split()[0]} and {r["hp_rank1"] for r in found} == {hp}
        for r in found:
            assert 0 <= r["rank1"] <= r["rank5"] <= 100
            assert r["rp_rank1"] == (pytest.approx(r["rank1"] / hp) if hp else None)
        result = launch(trained.files[role], "test", quiet=True)  # the host's own test: what its YAML hides
        shown = found[0] if role == "teacher" else found[2]
        assert result["scalar/test_accuracy/Rank-1"] == pytest.approx(shown["rank1"])


def test_init_mimic_starts_as_the_teacher(trained, tmp_path):
    changes = {"model_cfg__init_mimic": True, "trainer_cfg__save_name": "warm"}
    model = built(variant(trained.files["MimicGait"], tmp_path, **changes))
    batch = model.inputs_pretreament(next(iter(model.train_loader)))
    one = batch._replace(
        occluded=batch.whole[:1], whole=batch.whole[:1], labs=batch.labs[:1], lengths=batch.lengths[:1], typs=["-"], vies=["-"]
    )
    model.eval()
    with torch.no_grad():
        found = model(one)["inference_feat"]["embeddings"]
    torch.testing.assert_close(found, model.teacher(one.inputs(one.whole)), rtol=1e-5, atol=1e-5)


# ---------------------------------------------------------------- what a backbone does not take


@pytest.mark.parametrize("role", ["Baseline-2", "MimicGait"])
@pytest.mark.parametrize(
    ("backbone", "changes", "message"),
    [
        ("GaitGL", {"trainer_cfg__sampler": PACKED}, r"sample_type = 'unfixed_ordered': .*GaitGL.* fixed_"),
        ("DeepGaitV2 p3d", {"model_cfg__geometry": [64, 64]}, r"geometry = \[64, 64\]: .*DeepGaitV2.* 64x44 or 128x88"),
    ],
)  # fmt: skip
def test_what_a_backbone_does_not_take_is_refused_before_the_first_step(files, few, ven, tmp_path, role, backbone, changes, message):
    (tmp_path / "changed").mkdir()
    file = variant(files_of(files, few, ven, tmp_path, backbone)[role], tmp_path / "changed", **changes)
    with pytest.raises(ConfigError, match=message):
        built(file)


@pytest.mark.parametrize("role", ["Baseline-2", "MimicGait"])
@pytest.mark.parametrize(
    ("backbone", "sampler", "said"),
    [("DeepGaitV2 p3d", PACKED, True), ("DeepGaitV2 2d", PACKED, False), ("DeepGaitV2 p3d", SAMPLER, False)],
)
def test_packed_clips_that_mix_over_time_are_said(files, few, ven, tmp_path, monkeypatch, role, backbone, sampler, said):
    from opengait_mimic.base.errors import CheckpointError

    (tmp_path / "changed").mkdir()
    changes = {"trainer_cfg__sampler": {**sampler, "frames_num_min": 3, "frames_num_max": 6}, "trainer_cfg__save_name": "mixed"}
    file = variant(files_of(files, few, ven, tmp_path, backbone)[role], tmp_path / "changed", **changes)
    warnings = []
    monkeypatch.setattr(sys.modules["utils"].get_msg_mgr(), "log_warning", warnings.append, raising=False)
    with contextlib.suppress(CheckpointError):  # the mimic's teacher is not trained here
        built(file)
    assert any("mixed with those of its neighbours" in text and "DeepGaitV2" in text for text in warnings) == said
