"""RGGait on three backbones: what it computes, what moves, what is saved, what is refused. Runs on either host."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import yaml

from opengait_mimic import host as hosts
from opengait_mimic.base.errors import CheckpointError, ConfigError
from opengait_mimic.evaluation.evaluate import evaluate
from opengait_mimic.host import CONFIGS
from opengait_mimic.training.launch import launch
from tests.models.test_mimicgait import built
from tests.models.test_starts_elsewhere import weights_at
from tests.training.runs import differing, last_of_both, shared_networks
from tests.variants import variant

TEACHER = "GaitBase (teacher)"
ALONE = {"model_cfg__ven": None}
FORMS = {  # the paper's ablation -> what it changes
    "full": {},
    "aware": {"model_cfg__adaptive": False},
    "adaptive": {"model_cfg__aware": False},
    "residual": {"model_cfg__aware": False, "model_cfg__adaptive": False, **ALONE},
}


def shipped(trained, tree, folder, **changes):
    """The shipped configuration on the tiny data with the demo's teacher and VEN, three steps."""
    cfgs = yaml.safe_load((CONFIGS / "rggait/rggait_gaitbase_walkers.yaml").read_text())
    cfgs["data_cfg"].update(dataset_root=str(tree.root), dataset_partition=str(tree.partition))
    cfgs["trainer_cfg"].update(total_iter=3, save_iter=3)
    cfgs["trainer_cfg"]["sampler"].update(batch_size=[4, 2], frames_num_fixed=4)
    cfgs["evaluator_cfg"]["restore_hint"] = 3
    cfgs["model_cfg"]["backbone"]["cfgs"] = cfgs["model_cfg"]["teacher"]["cfgs"] = str(trained.files[TEACHER])
    cfgs["model_cfg"]["ven"]["cfgs"] = str(trained.files["VEN"])
    cfgs["model_cfg"]["SeparateBNNecks"]["class_num"] = len(tree.train)
    cfgs["model_cfg"]["max_alpha_on_whole"] = None  # the VEN has had three steps
    file = folder / "rggait.yaml"
    file.write_text(yaml.safe_dump(cfgs))
    return variant(file, folder, **changes)


def train(file):
    """Train as the file says: the model, and the parameters and buffers it started with."""
    start = {}

    def before(model):
        inner = getattr(model, "module", model)
        start.update((name, value.clone()) for name, value in inner.state_dict().items() if torch.is_tensor(value))

    return SimpleNamespace(model=launch(file, "train", quiet=True, before=before), start=start, file=file)


@pytest.fixture(scope="module", params=[name if name == "full" else pytest.param(name, marks=pytest.mark.slow) for name in FORMS])
def form(request, trained, tree, tmp_path_factory):
    names = {f"{engine}_cfg__save_name": f"RG-{request.param}" for engine in ("trainer", "evaluator")}
    found = train(shipped(trained, tree, tmp_path_factory.mktemp("rg"), **FORMS[request.param], **names))
    found.name = request.param
    return found


@pytest.fixture(scope="module")
def full(trained, tree, tmp_path_factory):
    """A function: the configuration with keys changed."""
    return lambda **changes: shipped(trained, tree, tmp_path_factory.mktemp("changed"), **changes)


def fed(model, training=True):
    """A training batch, and what the model makes of it."""
    batch = model.train().inputs_pretreament(next(iter(model.train_loader)))
    return batch, model.train(training)(batch)


def test_the_equation_by_hand(form):
    """f = G(S) + alpha * T([F(S) ; O]) in its four forms, from the parts alone."""
    model = form.model
    batch, found = fed(model, training=False)
    found = found["inference_feat"]["embeddings"]
    with torch.no_grad():
        whole, twin = (net(batch.inputs(batch.occluded))["inference_feat"]["embeddings"] for net in (model.Whole, model.Backbone))
        residual = twin
        if model.VEN is not None:
            feature = model.VEN(batch.occluded.flatten(0, 1))
            n = len(batch.labs)
            guide = feature.reshape(n, -1, 64).mean(1)
            alpha = torch.sigmoid(model.VEN.amount_head(feature)).reshape(n, -1).mean(1)
        if form.name in ("full", "aware"):
            joined = torch.cat([twin, guide[:, :, None].expand(-1, -1, twin.shape[2])], 1)
            residual = torch.einsum("ncp,pcd->ndp", joined, model.Mixer.fc_bin)
        if form.name in ("full", "adaptive"):
            residual = alpha[:, None, None] * residual
    torch.testing.assert_close(found, whole + residual, rtol=1e-5, atol=1e-6)
    assert (model.Mixer is None) == (form.name in ("adaptive", "residual")) and (model.VEN is None) == (form.name == "residual")


def test_training_moves_twin_mixer_and_head_and_nothing_else(form):
    end = {name: value for name, value in form.model.state_dict().items() if torch.is_tensor(value)}
    moved = {name for name in end if not torch.equal(end[name], form.start[name])}
    expected = {"Backbone", "BNNecks"} | ({"Mixer"} if form.model.Mixer is not None else set())
    assert {name.split(".")[0] for name in moved} == expected
    trained = {name for name, p in form.model.named_parameters() if p.requires_grad}
    assert trained - form.model.left_out <= moved and not any(name.startswith(("Whole.", "VEN.")) for name in trained)
    optimised = {id(p) for group in form.model.optimizer.param_groups for p in group["params"] if p.requires_grad}
    assert optimised == {id(p) for p in form.model.parameters() if p.requires_grad}
    assert not any(module.training for module in form.model.train().Whole.modules()) and form.model.Backbone.training


@pytest.mark.parametrize("zero", ["alpha", "T"])
def test_without_a_residual_f_is_the_whole_body_network_bit_for_bit(full, zero):
    model = built(full())
    with torch.no_grad():
        if zero == "T":
            model.Mixer.fc_bin.zero_()
        else:
            model.VEN.amount_head.weight.zero_()
            model.VEN.amount_head.bias.fill_(-200.0)
    batch, found = fed(model, training=False)
    with torch.no_grad():
        whole = model.Whole(batch.inputs(batch.occluded))["inference_feat"]["embeddings"]
    assert torch.equal(found["inference_feat"]["embeddings"], whole)


def test_gradients_reach_twin_mixer_and_head_alone(full):
    model = built(full())
    _, found = fed(model)
    loss, _ = model.loss_aggregator(found["training_feat"])
    loss.backward()
    reached = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert reached == {"Backbone", "Mixer", "BNNecks"}


def test_it_starts_from_the_teachers_network_and_head(full, trained):
    state = trained.models[TEACHER].state_dict()
    model = built(full(model_cfg__init_twin="teacher"))
    for prefix, own in (("Whole.", model.Whole), ("Backbone.", model.Backbone)):
        assert all(torch.equal(value, state[name]) for name, value in own.state_dict().items() if f"{prefix}{name}" not in model.left_out)
    assert all(torch.equal(value, state[f"BNNecks.{name}"]) for name, value in model.BNNecks.state_dict().items())
    fresh = built(full(model_cfg__head="fresh"))
    assert not torch.equal(fresh.BNNecks.fc_bin, state["BNNecks.fc_bin"])


def test_the_checkpoint_restores_strictly_and_needs_no_other_weights(form, tmp_path):
    nowhere = {"model_cfg__teacher__checkpoint": "nowhere.pt"}
    if form.model.VEN is not None:
        nowhere["model_cfg__ven__checkpoint"] = "nowhere.pt"
    saved, back = form.model.state_dict(), built(variant(form.file, tmp_path, **nowhere), training=False).state_dict()
    parts = {"Backbone", "Whole", "BNNecks", "_extra_state"} | {part for part in ("Mixer", "VEN") if getattr(form.model, part) is not None}
    assert list(saved) == list(back) and {name.split(".")[0] for name in saved} == parts
    assert all(name == "_extra_state" or torch.equal(saved[name], back[name]) for name in saved)
    assert saved["_extra_state"]["role"] == "RGGait" and saved["_extra_state"]["teacher"] == "Baseline"


def test_it_does_not_go_on_with_another_teacher_or_another_form(form, full, trained, tmp_path):
    if form.name != "full":
        return
    state = torch.load(weights_at(trained.files[TEACHER]), weights_only=True)
    state["model"]["FCs.fc_bin"] += 1
    torch.save(state, tmp_path / "other.pt")
    file = variant(form.file, tmp_path, model_cfg__teacher__checkpoint=str(tmp_path / "other.pt"), trainer_cfg__restore_hint=3)
    with pytest.raises(CheckpointError, match="holds other weights than the G of the checkpoint to go on from"):
        launch(file, "train", quiet=True)
    with pytest.raises(CheckpointError, match="the checkpoint says adaptive = True, this configuration says False"):
        built(variant(form.file, tmp_path, model_cfg__adaptive=False), training=False)


def test_a_changed_teacher_is_not_saved(full):
    from opengait_mimic.models.teacher import TeacherChanged

    model = built(full())
    next(model.Whole.buffers()).add_(1)
    with pytest.raises(TeacherChanged, match="the frozen G changed during training"):
        model.save_ckpt(3)


def test_a_ven_that_takes_whole_bodies_for_hidden_stops_before_the_first_step(full):
    model = built(full(model_cfg__max_alpha_on_whole=0.1))
    with torch.no_grad():
        model.VEN.amount_head.bias.fill_(0.0)
        model.VEN.amount_head.weight.zero_()
    with pytest.raises(ConfigError, match=r"max_alpha_on_whole = 0\.1: the VEN says that 50\.0 % of whole bodies are hidden"):
        fed(model)
    with torch.no_grad():
        model.VEN.amount_head.bias.fill_(-5.0)
    assert fed(model)


def test_a_ven_of_a_narrower_range_is_warned_of(full, monkeypatch):
    """By every method; the shipped configurations name a VEN of their own range."""
    from utils import get_msg_mgr

    lines = []
    monkeypatch.setattr(get_msg_mgr(), "log_warning", lambda text: lines.append(str(text)), raising=False)
    for hidden, warned in (([0.1, 0.6], 1), ([0.45, 0.55], 0)):
        lines.clear()
        built(full(trainer_cfg__occlusion={"kinds": {"none": 0.5, "top": 0.5}, "hidden": hidden}))
        assert len([line for line in lines if "goes beyond [0.4, 0.6], which the VEN of" in line]) == warned


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_cfg__ven": None}, r"ven: missing; aware and adaptive: true needs it"),
        ({"model_cfg__aware": False, "model_cfg__adaptive": False}, r"ven: nothing reads it"),
        ({"model_cfg__head": "new"}, r"model_cfg\.head = 'new'; allowed: 'teacher', 'fresh'"),
        ({"model_cfg__SeparateBNNecks__class_num": 9}, r"head: teacher, but .* has \{'fc_bin': \[16, 64, 8\]\}.*makes \[16, 64, 9\]"),
        ({"loss_cfg": [{"type": "MiCKDLoss", "log_prefix": "m", "margin": 0.2}]}, "RGGait is trained by TripletLoss or CrossEntropyLoss"),
    ],
)
def test_what_is_refused(full, changes, message):
    with pytest.raises(ConfigError, match=message):
        built(full(**changes))


def test_the_rows_of_an_evaluation(form, trained):
    if form.name != "full":
        return
    rows = evaluate(form.file, quiet=True)
    assert [(r["method"], r["occluded_side"], r["gallery_embedder"]) for r in rows] == [
        ("RGGait", side, "own") for side in ("holistic", "probe", "both")
    ]
    whole = evaluate(trained.files[TEACHER], quiet=True)[0]["rank1"]
    assert all(row["hp_rank1"] == whole for row in rows)


def test_packed_clips_are_each_as_alone(full):
    packed = {"sample_type": "unfixed_ordered", "frames_num_min": 2, "frames_num_max": 4, "frames_skip_num": 0}
    model = built(full(**{f"trainer_cfg__sampler__{key}": value for key, value in packed.items()}))
    batch, found = fed(model, training=False)
    ends = torch.tensor(batch.lengths).cumsum(0).tolist()
    frames, got = batch.occluded.flatten(0, 1), found["inference_feat"]["embeddings"]
    with torch.no_grad():
        for i, (length, end) in enumerate(zip(batch.lengths, ends)):
            clip = SimpleNamespace(occluded=frames[None, end - length : end], lengths=[length], draws=[batch.draws[i]])
            clip.inputs = lambda view: (type(batch.inputs(batch.occluded)[0])([view]), batch.labs[:1], None, None, None)
            torch.testing.assert_close(model.embeddings(clip)[1][0], got[i], rtol=1e-4, atol=1e-5)
    assert len(set(batch.lengths)) > 1


@pytest.fixture
def longer(full, trained, output, host_spec):
    """A function: the configuration over five steps, its networks named by their files; puts back the output folder."""
    steps = {"trainer_cfg__total_iter": 5, "trainer_cfg__save_iter": 2, "evaluator_cfg__restore_hint": 4}
    yield lambda **changes: full(**steps, **shared_networks(output), **changes)
    hosts.bind(host_spec, "cpu", output)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_stop_and_resume_equals_an_uninterrupted_run(longer, host_spec, tmp_path, processes):
    assert differing(*last_of_both(longer(), tmp_path, host_spec, processes)) == []
