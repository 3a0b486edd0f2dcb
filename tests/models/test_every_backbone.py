"""Every silhouette model of OpenGait's as teacher, Baseline-2 and MimicGait; with ``-s`` it prints what it met."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from opengait_mimic.evaluation.evaluate import evaluate
from opengait_mimic.training.launch import launch
from tests.models.roles import SAMPLER, built, clips, roles, train
from tests.models.served import AXES, REFUSED, SERVED, UNTRIED
from tests.variants import variant

pytestmark = pytest.mark.slow

STEPS = {"trainer_cfg__total_iter": 2, "trainer_cfg__save_iter": 2, "evaluator_cfg__restore_hint": 2}
MATRIX: list[str] = []
REASONS: list[str] = []


def models_of_the_host() -> set[str]:
    """Every model class a YAML may name, but ours."""
    import modeling.models
    from modeling.base_model import BaseModel

    from opengait_mimic.host import is_ours

    found = {name: value for name, value in vars(modeling.models).items() if isinstance(value, type) and issubclass(value, BaseModel)}
    return {name for name, value in found.items() if value is not BaseModel and not is_ours(value)}


@pytest.fixture(scope="module", params=SERVED)
def trained(request, files, few, ven, tmp_path_factory):
    """A backbone in every role after two steps."""
    case = SERVED[request.param]
    if case.model_cfg["model"] not in models_of_the_host():
        pytest.skip(f"this host has no {case.model_cfg['model']}")
    folder = tmp_path_factory.mktemp("every")
    made = roles(files, few, ven, folder, request.param, case.model_cfg, case.dataset, case.losses, **STEPS, **case.changes)
    found = SimpleNamespace(name=request.param, case=case, files=made, models={}, losses={}, start={}, packed="not run")
    for role, file in made.items():
        found.models[role], found.losses[role], found.start[role] = train(file)
    return found


@pytest.fixture(scope="module", autouse=True)
def matrix():
    """The table, at the end."""
    yield
    head = "| backbone | parts x channels | teacher's losses | Baseline-2's | MimicGait's | packed | checkpoints | Rank-1 |"
    print("\n" + "\n".join([head, "|" + " --- |" * 8, *MATRIX, "", "| refused | said |", "| --- | --- |", *REASONS]))


def test_every_model_of_the_host_is_served_or_refused(host):
    """A model that OpenGait gains shows up here: try it, then enter it in tests/models/served.py."""
    known = {case.model_cfg["model"] for case in SERVED.values()} | set(REFUSED) | set(UNTRIED)
    assert models_of_the_host() <= known, f"not in tests/models/served.py: {sorted(models_of_the_host() - known)}"


def test_two_steps_train_all_that_should_be_trained(trained):
    for role, model in trained.models.items():
        losses = torch.tensor(trained.losses[role])
        assert len(losses) == 2 and losses.isfinite().all() and (losses > 0).all(), (role, losses)
        still = {name for name, p in model.named_parameters() if torch.equal(p, trained.start[role][name])}
        frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
        ungiven = {name for name, p in model.named_parameters() if p.requires_grad and p.grad is None}
        assert not ungiven, (role, ungiven)
        zero = {name for name, p in model.named_parameters() if p.requires_grad and not p.grad.any()}
        assert not zero, (role, zero)
        assert still == frozen, (role, still ^ frozen)
        if role == "MimicGait":
            assert {name.split(".")[1] for name in frozen if name.startswith("Mimic.")} == set(trained.case.heads)
            assert {name.split(".")[0] for name in frozen} <= {"Mimic", "VEN"}
            kept = {id(p) for group in model.optimizer.param_groups for p in group["params"]}
            assert all(id(p) in kept for p in model.parameters() if p.requires_grad)


def test_the_mixer_has_the_size_of_the_embedding(trained):
    mimic, case = trained.models["MimicGait"], trained.case
    assert mimic.Mixer.fc_bin.shape == (case.parts, case.channels + 64, case.channels)
    assert mimic.teacher.embedding[:2] == (case.channels, case.parts)


def test_a_frozen_teacher_of_many_clips_equals_the_hosts_eval_clip_by_clip(trained):
    alone, batch = built(trained.files["teacher"], "test").eval(), clips(3)
    found = trained.models["MimicGait"].teacher(batch)
    for i in range(3):
        with torch.no_grad():
            one = alone(([batch[0][0][i : i + 1]], batch[1][i : i + 1], ["-"], ["-"], None))["inference_feat"]["embeddings"]
        assert (found[i : i + 1] - one).abs().max() < 1e-5 * one.abs().max()


def test_a_teacher_that_is_run_whole_equals_the_hosts_own_test(trained):
    """Without its heads' weights, bit for bit."""
    from opengait_mimic.evaluation.embeddings import embed_all
    from opengait_mimic.evaluation.rp_reference import reference_cfgs
    from opengait_mimic.models.prepare import prepare

    (found,) = embed_all(reference_cfgs(prepare(trained.files["MimicGait"], "embed"))[0], [None], cache=False, as_teacher=True)
    (plain,) = embed_all(prepare(trained.files["teacher"], "embed"), [None], cache=False)
    assert found.embeddings.any() and np.array_equal(found.embeddings, plain.embeddings)


def test_packed_clips_of_any_length_train_or_are_refused(trained, tmp_path):
    """One step of the mimic on clips of 3 to 6 frames, laid one after the other."""
    from opengait_mimic.base.errors import ConfigError

    packed = {**SAMPLER, "sample_type": "unfixed_ordered", "frames_num_min": 3, "frames_num_max": 6}
    names = {f"{engine}_cfg__save_name": f"packed-{trained.name.replace(' ', '-')}" for engine in ("trainer", "evaluator")}
    file = variant(trained.files["MimicGait"], tmp_path, **names, trainer_cfg__sampler=packed, trainer_cfg__total_iter=1)
    if trained.case.unpacked:
        with pytest.raises(ConfigError, match=r"sample_type = 'unfixed_ordered': model_cfg\..* strides over time and takes clips of one"):
            built(file)
        trained.packed = "refused"
        return
    met, losses = [], []

    def before(model):
        model.Mimic.register_forward_pre_hook(lambda _, inputs: met.append(inputs[0]))
        model.loss_aggregator.register_forward_hook(lambda _, __, result: losses.append(float(result[0].detach())))

    model = launch(file, "train", quiet=True, before=before)
    (inputs,), (loss,) = met, losses
    silhouettes, lengths = inputs[0][0], inputs[4]
    assert silhouettes.shape[0] == 1 and lengths.shape == (1, 6) and silhouettes.shape[1] == int(lengths.sum())
    assert len(set(lengths.flatten().tolist())) > 1 and 0 < loss < float("inf")
    zero = {name for name, p in model.named_parameters() if p.requires_grad and not p.grad.any()}
    assert not zero, zero
    trained.packed = f"{loss:.3f}"


def test_checkpoints_restore_strictly_and_a_test_runs(trained):
    for role, model in trained.models.items():
        saved, now = model.state_dict(), built(trained.files[role], "test").state_dict()
        assert list(saved) == list(now)
        assert all(name == "_extra_state" or torch.equal(saved[name], now[name]) for name in saved), role
    rows = {role: evaluate(file, quiet=True) for role, file in trained.files.items()}
    for role, file in trained.files.items():  # the host's own test; the teacher's sees whole bodies, the others' hides both sides
        (same,) = (row for row in rows[role] if row["occluded_side"] == ("holistic" if role == "teacher" else "both"))
        assert launch(file, "test", quiet=True)["scalar/test_accuracy/Rank-1"] == same["rank1"], role
    losses = [" ".join(f"{loss:.3f}" for loss in trained.losses[role]) for role in trained.models]
    ranks = " / ".join(f"{found[0]['rank1']:.0f}" for found in rows.values())
    size = f"{trained.case.parts} x {trained.case.channels}"
    MATRIX.append(f"| {trained.name} | {size} | {' | '.join(losses)} | {trained.packed} | strict, equal | {ranks} |")


# ---------------------------------------------------------------- refused, before the first step


def reason(files, few, folder, stage, **changes) -> str:
    """What building a role says."""
    from opengait_mimic.base.errors import ConfigError

    folder.mkdir(exist_ok=True)
    file = variant(files[stage], folder, **{**few, "trainer_cfg__sampler": SAMPLER, **changes})
    with pytest.raises(ConfigError) as caught:
        built(file)
    return str(caught.value)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_serve_is_refused_with_the_reason(files, few, tmp_path, name, checkout):
    """From OpenGait's own YAML of it, in every role."""
    from opengait_mimic.base.errors import ConfigError
    from opengait_mimic.host import load_cfgs
    from opengait_mimic.host.model_cfg import geometry_of
    from opengait_mimic.models.teacher import Teacher

    if name not in models_of_the_host():
        pytest.skip(f"this host has no {name}")
    shipped, pattern = REFUSED[name]
    own = {"model_cfg__backbone": {"cfgs": str(checkout / "configs" / shipped)}}
    triplet = {"type": "TripletLoss", "log_prefix": "triplet", "margin": 0.2, "loss_term_weight": 1.0}  # needs no head
    said = {"Baseline-2": reason(files, few, tmp_path / "b2", "Baseline-2", **own, loss_cfg=[triplet])}
    if name != "GaitSSB_Pretrain":  # which serves as a teacher, see below; as a mimic it would first need such a teacher
        said["MimicGait"] = reason(files, few, tmp_path / "m", "MimicGait", **own, model_cfg__ven=None)
        cfgs = load_cfgs(str(checkout / "configs" / shipped), "test")
        with pytest.raises(ConfigError) as caught:
            Teacher(cfgs, "auto", geometry_of(cfgs) or (64, 44))
        said["teacher"] = str(caught.value)
    for role, text in said.items():
        assert re.search(pattern, text) and f"{name}" in text and "model_cfg." in text, (role, text)
    assert all("hoose " in text for text in said.values())
    REASONS.append(f"| {name} | {said['Baseline-2']} |")


@pytest.mark.parametrize(
    ("shipped", "pattern"),
    [
        ("smplgait/smplgait.yaml", r"SMPLGait\) cannot embed 64x44 silhouettes: it reads a further input \(number 2\)"),
        ("denoisinggait/denoisinggait_ccpg.yaml", r"a further input \(number 2\)"),
        ("gaitedge/phase1_seg.yaml", r"a further input \(number 2\)"),
        ("skeletongait/skeletongait_Gait3D.yaml", r"DeepGaitV2\).* takes 2 channels and gets 1"),
        ("gaitedge/phase2_e2e.yaml", r"GaitEdge\) cannot be built: it asks for the key 'kernel_size', which"),
        ("biggergait/biggergait__DINOv2_CCPG.yaml", r"needs the package 'transformers'|loads pretrained weights"),
        ("gaitgraph1/gaitgraph1_phase1.yaml", AXES),
        ("gaitgraph2/gaitgraph2.yaml", AXES),
        ("gaittr/gaittr_CCPG.yaml", AXES),
        ("lidargaitv2/lidargaitv2_sustech1k.yaml", "takes 4 channels and gets 44"),
        ("msgg/msgg_SUSTech1K.yaml", "takes 3 channels and gets 44"),
        ("parsinggait/parsinggait_gait3d_parsing.yaml", r"takes maps of body parts \(0..11\), not silhouettes"),
        ("biggait/BigGait_CCPG.yaml", r"model_cfg.backbone.pretrained_dinov2 = .*pth.* is not there"),
    ],
)
def test_an_inline_model_cfg_is_refused_by_trying_it(files, few, tmp_path, shipped, pattern, checkout, host):
    """Without the YAML around it, whose transforms would tell."""
    from opengait_mimic.host import load_cfgs

    if "SMPLGait" not in models_of_the_host():
        pytest.skip("needs OpenGait's own models")
    inline = load_cfgs(str(checkout / "configs" / shipped), "test")["model_cfg"]
    text = reason(files, few, tmp_path / "b2", "Baseline-2", model_cfg__backbone=inline)
    assert re.search(pattern, text), text


def test_multigait_with_the_key_its_yaml_lacks_takes_silhouettes_and_parsing(files, few, tmp_path, checkout, host):
    """It halves its input's channels; of silhouettes alone the second half is empty."""
    from opengait_mimic.host import load_cfgs

    if "MultiGaitpp" not in models_of_the_host():
        pytest.skip("this host has no MultiGaitpp")
    inline = load_cfgs(str(checkout / "configs/multigaitpp/multigaitpp_gait3d.yaml"), "test")["model_cfg"]
    inline["Backbone"]["in_channels"] = 2
    text = reason(files, few, tmp_path / "b2", "Baseline-2", model_cfg__backbone=inline)
    assert re.search(r"MultiGaitpp\) cannot embed 64x44 silhouettes: it cuts a part off its input", text), text
    REASONS.append(f"| MultiGaitpp with in_channels | {text} |")


def test_a_pretraining_model_serves_as_teacher_alone(tmp_path, checkout, host):
    from opengait_mimic.host import load_cfgs
    from opengait_mimic.models.nested_backbone import build
    from opengait_mimic.models.teacher import Teacher

    if "GaitSSB_Pretrain" not in models_of_the_host():
        pytest.skip("this host has no GaitSSB_Pretrain")
    cfgs = load_cfgs(str(checkout / "configs/gaitssb/pretrain_test_on_gait3d.yaml"), "test")
    cfgs["model_cfg"]["backbone_cfg"]["channels"] = [2, 4, 4, 8]
    alone, file = build(cfgs["model_cfg"], cfgs, "test").eval(), tmp_path / "ssb.pt"
    torch.save({"model": alone.state_dict()}, file)
    found, batch = Teacher(cfgs, str(file), (64, 44))(clips(3)), clips(3)
    assert found.shape == (3, 8, 31)
    with torch.no_grad():
        one = alone(([batch[0][0][1:2]], batch[1][1:2], ["-"], ["-"], None))["inference_feat"]["embeddings"]
    assert (found[1:2] - one).abs().max() < 1e-5


def test_a_key_of_the_run_that_a_model_reads_is_asked_for(files, few, tmp_path, host):
    if "SwinGait" not in models_of_the_host():
        pytest.skip("this host has no SwinGait")
    for stage in ("Baseline-2", "MimicGait"):
        text = reason(files, few, tmp_path / stage, stage, model_cfg__backbone=SERVED["SwinGait"].model_cfg)
        assert re.search(r"SwinGait\) cannot be built: it asks for the key 'T_max_iter', which", text), text


@pytest.mark.parametrize("inherited", [False, True], ids=["SwinGait", "a class of it"])
def test_a_key_of_the_run_that_a_model_reads_is_known_and_reaches_it(files, few, ven, tmp_path, monkeypatch, inherited, host):
    """Of whatever name: the backbone's own YAML has it."""
    import modeling.models

    if "SwinGait" not in models_of_the_host():
        pytest.skip("this host has no SwinGait")
    if inherited:
        wide = type("SwinGaitWide", (modeling.models.SwinGait,), {"__module__": modeling.models.SwinGait.__module__})
        monkeypatch.setattr(modeling.models, "SwinGaitWide", wide, raising=False)
    name = "SwinGaitWide" if inherited else "SwinGait"
    case = SERVED["SwinGait"]
    made = roles(files, few, ven, tmp_path, name, {**case.model_cfg, "model": name}, losses=case.losses, **STEPS, **case.changes)
    assert train(made["teacher"])[0].T_max_iter == 100
    for role, net in (("Baseline-2", lambda model: model), ("MimicGait", lambda model: model.Mimic)):
        (tmp_path / role).mkdir()
        model = built(variant(made[role], tmp_path / role, trainer_cfg__T_max_iter=70))
        assert net(model).T_max_iter == 70 and name in {base.__name__ for base in type(net(model)).__mro__}
        text = reason(made, few, tmp_path / f"{role} wrong", role, trainer_cfg__T_max_itr=70)
        assert "trainer_cfg.T_max_itr: unknown key (did you mean 'T_max_iter'?)" in text


def test_a_second_phase_serves_as_a_mimic_and_its_own_loss_is_refused(files, few, ven, tmp_path, host):
    """GLN's logits are [n, 1, classes], and OpenGait's CrossEntropyLoss takes the axis of one for the classes."""
    if "GLN" not in models_of_the_host():
        pytest.skip("this host has no GLN")
    phase2 = {**SERVED["GLN"].model_cfg, "Lateral_pretraining": False}
    made = roles(files, few, ven, tmp_path, "GLN two", SERVED["GLN"].model_cfg, losses=("triplet",), **STEPS)
    train(made["teacher"])
    (tmp_path / "two").mkdir()
    mimic, losses, _ = train(variant(made["MimicGait"], tmp_path / "two", model_cfg__backbone=phase2))
    heads = {name.split(".")[1] for name, p in mimic.named_parameters() if name.startswith("Mimic.") and not p.requires_grad}
    assert len(losses) == 2 and heads == {"encoder_bn", "reduce_bn", "reduce_fc", "reduce_cls"}
    text = reason(files, few, tmp_path / "b2", "Baseline-2", model_cfg__backbone=phase2)
    assert re.search(r"GLN\) cannot be trained on silhouettes by this loss_cfg: IndexError .*out of bounds", text), text


@pytest.mark.parametrize(("name", "pattern"), [("SeparateFCs", "a building block"), ("BaseModel", "a building block")])
def test_a_building_block_is_no_backbone(files, few, tmp_path, name, pattern):
    for stage in ("Baseline-2", "MimicGait"):
        assert pattern in reason(files, few, tmp_path / stage, stage, model_cfg__backbone={"model": name})
