"""MimicGait: what is frozen, what is saved, what is ranked, what is refused. Runs on either host."""

import pytest
import torch

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.evaluation.evaluate import evaluate
from opengait_mimic.models.prepare import prepare
from opengait_mimic.published.switches import On
from opengait_mimic.training.launch import build, launch, start_log
from tests.variants import variant

STAGE = "MimicGait"


def built(file, training=True):
    cfgs = prepare(file, "train" if training else "test")
    start_log(cfgs, training, False, quiet=True)
    return build(cfgs, training)


@pytest.fixture(scope="module")
def mimic(trained):
    return trained.models[STAGE]


@pytest.fixture()
def batch(mimic):
    mimic.train()
    return mimic.inputs_pretreament(next(iter(mimic.train_loader)))


def test_every_stage_trains_and_losses_are_finite(trained):
    for stage, losses in trained.losses.items():
        assert len(losses) == 3, stage
        assert torch.tensor(losses).isfinite().all(), stage


def test_teacher_is_bit_equal_to_its_checkpoint_after_training(trained, mimic):
    from opengait_mimic.base.checkpoint_file import read_weights
    from opengait_mimic.host.run_paths import checkpoint_file

    cfgs = prepare(trained.files["GaitBase (teacher)"], "test")
    saved = read_weights(checkpoint_file("auto", cfgs, "teacher"), "teacher")
    now = mimic.teacher.net.state_dict()
    compared = [name for name in now if name not in mimic.teacher.embedding.unreached]
    assert any("running_mean" in name for name in compared)
    for name in compared:
        assert torch.equal(now[name], saved[name]), name


def test_teacher_stays_frozen_through_steps_and_a_test_between(trained, tmp_path):
    file = variant(trained.files[STAGE], tmp_path, trainer_cfg__with_test=True, trainer_cfg__save_iter=2, trainer_cfg__save_name="between",
                   trainer_cfg__total_iter=4, evaluator_cfg__save_name="between")  # fmt: skip
    hashes = []

    def before(model):
        hashes.append(model.teacher.hash)

    from opengait_mimic.models.upstream_weights import fingerprint

    model = launch(file, "train", quiet=True, before=before)
    assert model.iteration == 4
    assert fingerprint(model.teacher.net) == hashes[0]
    assert not any(m.training for m in model.teacher.net.modules())
    assert not any(m.training for m in model.VEN.modules())
    assert model.Mimic.training


def test_a_changed_teacher_stops_the_save(mimic):
    from opengait_mimic.models.teacher import TeacherChanged

    bn = next(m for m in mimic.teacher.net.modules() if isinstance(m, torch.nn.BatchNorm2d))
    kept = bn.running_mean.clone()
    bn.running_mean[0] += 1e-3
    try:
        with pytest.raises(TeacherChanged, match="nothing is saved"):
            mimic.save_ckpt(99)
    finally:
        bn.running_mean.copy_(kept)
    mimic.teacher.verify()


def test_teacher_and_frozen_ven_are_out_of_the_optimiser(mimic):
    trained_ids = {id(p) for group in mimic.optimizer.param_groups for p in group["params"]}
    assert not trained_ids & {id(p) for p in mimic.teacher.net.parameters()}
    assert not trained_ids & {id(p) for p in mimic.VEN.parameters()}
    assert {id(p) for p in mimic.Mixer.parameters()} <= trained_ids


def test_ven_is_bit_equal_to_its_checkpoint(trained, mimic):
    ven = trained.models["VEN"].VEN.state_dict()
    for name, value in mimic.VEN.state_dict().items():
        assert torch.equal(value, ven[name]), name


def test_checkpoint_holds_mimic_mixer_ven_and_plain_facts_only(mimic):
    from opengait_mimic.base.checkpoint_file import read_weights

    file = f"{mimic.save_path}/checkpoints/{mimic.engine_cfg['save_name']}-00003.pt"
    state = read_weights(file, "test")
    assert {name.split(".")[0] for name in state} == {"Mimic", "Mixer", "VEN", "_extra_state"}
    assert not any("BNNecks" in name for name in state)
    assert state["_extra_state"]["role"] == "MimicGait"
    assert state["_extra_state"]["teacher_weights"] == mimic.teacher.weights
    assert state["_extra_state"]["geometry"] == [64, 44]


def test_test_phase_needs_neither_teacher_nor_ven_weights(trained, tmp_path):
    file = variant(trained.files[STAGE], tmp_path, model_cfg__teacher__checkpoint="nowhere.pt", model_cfg__ven__checkpoint="nowhere.pt")
    model = built(file, training=False)
    assert model.teacher is None
    ours = trained.models[STAGE].state_dict()
    restored = model.state_dict()
    assert set(ours) == set(restored)
    for name, value in ours.items():
        assert name == "_extra_state" or torch.equal(value, restored[name]), name


def test_embedding_is_mixer_of_mimic_and_mean_ven_feature(mimic, batch):
    """Equation 1 by hand: a loop over clips and parts."""
    mimic.eval()
    with torch.no_grad():
        got = mimic(batch)["inference_feat"]["embeddings"]
        bare = mimic.Mimic(batch.inputs(batch.occluded))["inference_feat"]["embeddings"]
        for i in (0, 7):
            feature = torch.stack([mimic.VEN(frame[None])[0] for frame in batch.occluded[i]]).mean(0)
            for p in (0, 5, 15):
                joined = torch.cat([bare[i, :, p], feature])
                torch.testing.assert_close(got[i, :, p], joined @ mimic.Mixer.fc_bin[p], rtol=1e-4, atol=1e-4)


def test_gradient_reaches_mimic_and_mixer_only(mimic, batch):
    mimic.train()
    mimic.zero_grad()
    loss, _ = mimic.loss_aggregator(mimic(batch)["training_feat"])
    loss.backward()
    for name, parameter in mimic.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        else:
            assert parameter.grad is None, name
    assert all(p.grad is None for p in mimic.teacher.net.parameters())
    mimic.zero_grad()


def test_views_whole_is_the_hosts_tensor_and_occluded_is_binary(mimic, batch):
    raw = next(iter(mimic.train_loader))
    mimic.train()
    assert set(batch.occluded.unique().tolist()) <= {0.0, 1.0}
    assert not batch.whole.requires_grad and not batch.occluded.requires_grad
    # the host's own pretreatment of the same raw batch, with the same transform draws
    import random

    random.seed(3)
    ours = mimic.inputs_pretreament(raw).whole
    random.seed(3)
    theirs = super(type(mimic).__mro__[1], mimic).inputs_pretreament(raw)[0][0]
    assert torch.equal(ours, theirs.detach())


def test_draws_of_a_step_depend_on_iteration_and_position_alone(mimic):
    raw = next(iter(mimic.train_loader))
    mimic.train()
    kept = mimic.iteration
    first, again = mimic.inputs_pretreament(raw), mimic.inputs_pretreament(raw)
    assert torch.equal(first.kind, again.kind) and torch.equal(first.hidden, again.hidden)
    try:
        mimic.iteration = kept + 1
        later = mimic.inputs_pretreament(raw)
    finally:
        mimic.iteration = kept
    assert not torch.equal(first.hidden, later.hidden)
    hiding = [d.hidden for d in first.draws if d.kind != "none"]
    assert len(set(hiding)) == len(hiding) > 1, "one draw per clip"


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_draws_for_the_places_of_its_clips_in_the_global_batch(mimic, monkeypatch, rank):
    """Clip i of process r of two is clip 2 i + r of one process with the whole batch."""
    raw = next(iter(mimic.train_loader))
    mimic.train()
    one = mimic.inputs_pretreament(raw).draws
    monkeypatch.setattr("opengait_mimic.models.occluded_input.rank_and_world", lambda: (rank, 2))
    half = mimic.inputs_pretreament(raw).draws[: len(one) // 2]
    assert len({d.hidden for d in half}) > 1 and half == one[rank::2]


def test_init_mimic_starts_as_the_teacher(trained, tmp_path):
    model = built(variant(trained.files[STAGE], tmp_path, model_cfg__init_mimic=True, trainer_cfg__save_name="warm"))
    raw = next(iter(model.train_loader))
    model.eval()
    model.train_loader, batch = None, model.train().inputs_pretreament(raw)
    model.eval()
    inputs = batch.inputs(batch.whole)
    whole = batch._replace(occluded=batch.whole)
    with torch.no_grad():
        torch.testing.assert_close(model(whole)["inference_feat"]["embeddings"], model.teacher(inputs), rtol=1e-5, atol=1e-5)


def test_vanilla_mimic_without_ven(trained, tmp_path):
    model = built(variant(trained.files[STAGE], tmp_path, model_cfg__ven=None, trainer_cfg__save_name="vanilla"))
    assert model.VEN is None and model.Mixer is None
    assert {name.split(".")[0] for name in model.state_dict()} == {"Mimic", "_extra_state"}
    batch = model.inputs_pretreament(next(iter(model.train_loader)))
    loss, info = model.loss_aggregator(model(batch)["training_feat"])
    assert loss.isfinite() and "scalar/mickd/active" in info


def test_compat_rank_bare_gives_the_backbone_output(mimic, batch):
    mimic.eval()
    kept = mimic.hooks.on
    mimic.hooks.on = {"rank": On("bare", ("test",))}
    try:
        with torch.no_grad():
            got = mimic(batch)["inference_feat"]["embeddings"]
            bare = mimic.Mimic(batch.inputs(batch.occluded))["inference_feat"]["embeddings"]
        assert torch.equal(got, bare)
    finally:
        mimic.hooks.on = kept


@pytest.mark.parametrize(("steps", "level"), [(100, "warning"), (99, "info")])
def test_health_is_told_before_the_first_step_and_warns_when_dead(trained, tmp_path, monkeypatch, steps, level):
    dead = {"trainer_cfg__save_name": "dead", "trainer_cfg__total_iter": steps}
    file = variant(trained.files[STAGE], tmp_path, loss_cfg__0__margin=1e5, **dead)
    model = built(file)
    said = {"info": [], "warning": []}
    for each in said:
        monkeypatch.setattr(model.msg_mgr, f"log_{each}", lambda text, each=each: said[each].append(str(text)))
    batch = model.inputs_pretreament(next(iter(model.train_loader)))
    model(batch)
    model(batch)
    assert len([t for t in said["info"] if "before step 3" in t or "before step 0" in t]) == 1
    assert len([t for t in said[level] if "fewer than 5 % of the teacher's own triplets" in t]) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_cfg__tacher": {}}, r"model_cfg\.tacher: unknown key \(did you mean 'teacher'\?\)"),
        ({"model_cfg__geometry": [64, 64]}, r"64x44 silhouettes.*geometry|must see the same input"),
        ({"model_cfg__reference_compat": {"rank": "bear"}}, r"rank = 'bear' \(did you mean 'bare'\?\)"),
        ({"model_cfg__backbone": {"model": "MimicGait"}, "model_cfg__teacher__cfgs": None}, "give the OpenGait backbone itself"),
        ({"model_cfg__binarise": 3}, r"model_cfg\.binarise = 3; expected a number from 0 to 1"),
        ({"trainer_cfg__occlusion": {"kinds": {"topp": 1.0}}}, r"kinds\.topp: unknown key \(did you mean 'top'\?\)"),
        ({"trainer_cfg__transform": [{"type": "OcclusionAugmentation"}]}, "would hide the whole view too"),
        ({"loss_cfg": [{"type": "TripletLoss", "log_prefix": "t", "margin": 0.2}]}, "MimicGait is trained by MiCKDLoss"),
    ],
)
def test_wrong_configurations_are_refused_by_name(trained, tmp_path, change, message):
    with pytest.raises(ConfigError, match=message):
        built(variant(trained.files[STAGE], tmp_path, **change))


def test_missing_or_wrong_checkpoints_are_refused_with_the_way_out(trained, tmp_path):
    from opengait_mimic.base.errors import CheckpointError

    mimic = trained.models[STAGE]
    own = f"{mimic.save_path}/checkpoints/{mimic.engine_cfg['save_name']}-00003.pt"
    with pytest.raises(CheckpointError, match="holds a MimicGait, not a plain OpenGait model"):
        built(variant(trained.files[STAGE], tmp_path, model_cfg__teacher__checkpoint=own))
    with pytest.raises(CheckpointError, match="is not a VEN of ours"):
        built(variant(trained.files[STAGE], tmp_path, model_cfg__ven__checkpoint=own))
    with pytest.raises(CheckpointError, match="not found; tried"):
        built(variant(trained.files[STAGE], tmp_path, model_cfg__teacher__checkpoint="nowhere.pt"))
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(CheckpointError, match=r"model_cfg\.teacher\.checkpoint: .*broken\.pt is cut short"):
        built(variant(trained.files[STAGE], tmp_path, model_cfg__teacher__checkpoint=str(broken)))


def test_rows_of_an_evaluation(trained):
    rows = evaluate(trained.files[STAGE], quiet=True)
    cells = [(r["occluded_side"], r["gallery_embedder"]) for r in rows]
    assert cells == [("holistic", "own"), ("probe", "own"), ("both", "own"), ("probe", "teacher")]
    teacher = evaluate(trained.files["GaitBase (teacher)"], quiet=True)
    assert {r["hp_rank1"] for r in rows} == {teacher[0]["rank1"]}, "HP is the teacher's whole-body score in every row"
    for r in rows:
        assert r["holistic_rank1"] == rows[0]["rank1"]
        assert r["rp_rank1"] == pytest.approx(r["rank1"] / r["hp_rank1"]) if r["hp_rank1"] else r["rp_rank1"] is None
