"""`reference_compat` in the models: what a batch, a teacher and a VEN are with each switch. Runs on either host."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.models.prepare import prepare
from opengait_mimic.occlusion import Draw, Occlusion, draw, training_key
from opengait_mimic.published.one_draw_per_batch import SharedDraw
from opengait_mimic.training.launch import build, launch, start_log
from tests.models.test_mimicgait import built
from tests.variants import variant

BASE, MIMIC, VEN, TEACHER = "Baseline-2", "MimicGait", "VEN", "GaitBase (teacher)"
PACKED = {"sample_type": "unfixed_unordered", "frames_num_min": 3, "frames_num_max": 9}
MOVES = {"kinds": {"patch": 0.5, "pole": 0.5}}
SHARED = {"shared_draw": {"processes": 3, "test_batch": 9}, "moving": True}


def sampled(file, **changes) -> dict:
    """The training sampler of a stage with other keys, as a change of its YAML."""
    import yaml

    return {"trainer_cfg__sampler": {**yaml.safe_load(file.read_text())["trainer_cfg"]["sampler"], **changes}}


def made(trained, tmp_path, stage, **changes):
    return built(variant(trained.files[stage], tmp_path, trainer_cfg__save_name="published", **changes))


def raw_batch(model):
    return next(iter(model.train_loader))


# ---------------------------------------------------------------- shared draws


def test_packed_training_clips_share_by_published_process(trained, tmp_path):
    file = trained.files[BASE]
    model = made(trained, tmp_path, BASE, trainer_cfg__occlusion=MOVES, model_cfg__reference_compat=SHARED, **sampled(file, **PACKED))
    raw = raw_batch(model)
    draws = set()
    for model.iteration in range(6):
        batch = model.occluded_batch(raw)
        for rank in range(3):
            held = list(range(len(batch.lengths)))[rank::3]
            assert len({batch.draws[i] for i in held}) == 1
            joined = torch.cat([batch.times.split(batch.lengths)[i] for i in held])
            assert joined.tolist() == list(range(sum(batch.lengths[i] for i in held))), "one time axis over the joined clips"
        assert len(set(batch.draws)) == 3
        draws |= set(batch.draws)
    assert len(draws) == 18 and {d.kind for d in draws} == {"patch", "pole"}


def test_as_many_processes_as_clips_is_no_sharing(trained, tmp_path):
    """The group of a clip is then the clip: bit for bit the batch without the switch."""
    file = trained.files[BASE]
    changes = {**sampled(file, **PACKED), "trainer_cfg__transform": [{"type": "BaseSilCuttingTransform"}]}
    plain = made(trained, tmp_path, BASE, **changes)
    raw = raw_batch(plain)
    clips = len(raw[1])
    shared = {"shared_draw": {"processes": clips, "test_batch": clips}}
    own = {"kinds": {"none": 0.2, "top": 0.4, "bottom": 0.4}, "hidden": [0.4, 0.6]}
    apart = made(trained, tmp_path, BASE, **changes, trainer_cfg__occlusion=own, model_cfg__reference_compat=shared)
    again = made(trained, tmp_path, BASE, **changes, trainer_cfg__occlusion=own, model_cfg__reference_compat={})
    expected = plain.occluded_batch(raw)
    for model in (apart, again):
        found = model.occluded_batch(raw)
        assert found.draws == expected.draws and torch.equal(found.occluded, expected.occluded)
        assert torch.equal(found.times, expected.times)


def test_fixed_sampling_shares_nothing_and_says_so(trained, tmp_path, monkeypatch):
    changes = {"trainer_cfg__occlusion": {"kinds": {"top": 1.0}}, "model_cfg__reference_compat": {"shared_draw": True}}
    model, said = made(trained, tmp_path, BASE, **changes), []
    monkeypatch.setattr(model.msg_mgr, "log_info", lambda text: said.append(str(text)))
    raw = raw_batch(model)
    batch = model.occluded_batch(raw)
    model.occluded_batch(raw)
    assert len(set(batch.draws)) == len(batch.draws) > 1
    assert [text for text in said if "clip by clip; nothing is shared" in text] == said[:1] and len(said) == 1


@pytest.mark.parametrize("limit", [None, 7])
def test_test_clips_share_with_their_neighbours_in_the_list(trained, tmp_path, limit):
    occlusion = {**MOVES, "occluded_side": "both", "seed": 4}
    changes = {} if limit is None else {"evaluator_cfg__sampler__frames_all_limit": limit}
    changes["model_cfg__reference_compat"] = SHARED
    model = built(variant(trained.files[BASE], tmp_path, evaluator_cfg__occlusion=occlusion, **changes), training=False)
    infos = model.test_loader.dataset.seqs_info
    lengths = [min(len(np.load(paths[0], allow_pickle=True)), limit or 999) for *_, paths in infos]
    raw, seen = list(model.test_loader), {}
    for inputs in reversed(raw):  # whatever the order
        batch = model.occluded_batch(inputs)
        seen[model.test_loader.dataset.label_set[inputs[1][0]], batch.typs[0], batch.vies[0]] = batch
    seen = [seen[label, type_, view] for label, type_, view, _ in infos]
    for first in range(0, len(seen), 3):
        block = seen[first : first + 3]
        assert len({batch.draws[0] for batch in block}) == 1
        joined = torch.cat([batch.times for batch in block]).tolist()
        assert joined == list(range(sum(lengths[first : first + 3])))
    assert len({batch.draws[0] for batch in seen}) == -(-len(seen) // 3) > 3
    alone = built(variant(trained.files[BASE], tmp_path, evaluator_cfg__occlusion=occlusion, **changes), training=False)
    again = alone.occluded_batch(raw[-1])
    assert torch.equal(again.occluded, seen[-1].occluded) and torch.equal(again.times, seen[-1].times)


def test_without_moving_kinds_no_neighbour_is_read(trained, tmp_path, monkeypatch):
    changes = {"evaluator_cfg__occlusion": {"kinds": {"top": 0.5, "middle": 0.5}}, "model_cfg__reference_compat": SHARED}
    model = built(variant(trained.files[BASE], tmp_path, **changes), training=False)
    monkeypatch.setattr(SharedDraw, "earlier", None)
    assert [model.occluded_batch(inputs).draws[0].kind for inputs in model.test_loader]


def test_probes_alone_may_be_hidden_with_a_groups_draw(trained, tmp_path):
    shared = {"model_cfg__reference_compat": {"shared_draw": {"processes": 1, "test_batch": 4}}}
    occlusion = {"kinds": {"top": 1.0}}
    both, probe = (
        built(variant(trained.files[BASE], tmp_path, **shared, evaluator_cfg__occlusion={**occlusion, "occluded_side": p}), training=False)
        for p in ("both", "probe")
    )
    data = both.test_loader.dataset
    clips = [(data.label_set.index(label), type_, view) for label, type_, view, _ in data.seqs_info]
    found = [(both.test_draw(*clip)[1], probe.test_draw(*clip)[1]) for clip in clips]
    assert {b.kind for b, _ in found} == {"top"} and {p.kind for _, p in found} == {"top", "none"}
    assert all(p in (b, Draw("none", 0.0)) for b, p in found)


def test_a_test_that_draws_how_many_frames_it_takes_is_refused(trained, tmp_path):
    changes = {f"evaluator_cfg__sampler__{key}": value for key, value in PACKED.items()}
    changes.update(evaluator_cfg__occlusion=MOVES, model_cfg__reference_compat=SHARED)
    model = built(variant(trained.files[BASE], tmp_path, **changes), training=False)
    with pytest.raises(ConfigError, match=r"sample_type = 'unfixed_unordered': .* choose all_ordered$"):
        for inputs in model.test_loader:
            model.occluded_batch(inputs)


# ---------------------------------------------------------------- MimicGait


@pytest.mark.slow
def test_all_of_mimicgait_trains_and_tests(trained, tmp_path):
    five = {kind: 0.2 for kind in ("top", "bottom", "middle", "patch", "pole")}
    from opengait_mimic.models.backbone_probe import embed

    occlusion = {"kinds": five}
    file = variant(
        trained.files[MIMIC], tmp_path, trainer_cfg__save_name="all", evaluator_cfg__save_name="all", model_cfg__reference_compat="all",
        trainer_cfg__occlusion=occlusion,
        evaluator_cfg__occlusion={**occlusion, "occluded_side": "both"},
    )  # fmt: skip
    model = launch(file, "train", quiet=True)
    assert model.iteration == 3
    assert np.isfinite(list(launch(file, "test", quiet=True).values())).all()
    tested = built(file, training=False).eval()
    batch = tested.inputs_pretreament(next(iter(tested.test_loader)))
    with torch.no_grad():
        bare = embed(tested.Mimic, batch.inputs(batch.occluded))
        assert torch.equal(tested(batch)["inference_feat"]["embeddings"], bare), "ranked is the backbone's own"
        assert not torch.allclose(tested.embeddings(batch)[1], bare)


def test_a_live_teacher_is_in_training_mode_and_drifts(trained, tmp_path):
    from opengait_mimic.models.teacher import TeacherChanged

    model = made(trained, tmp_path, MIMIC, model_cfg__reference_compat={"live_teacher": True})
    net = model.teacher.net
    assert net.training and not any(p.requires_grad for p in net.parameters())
    norm = next(m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d))
    before = norm.running_mean.clone()
    batch, fed = model.inputs_pretreament(raw_batch(model)), []
    hook = norm.register_forward_hook(lambda _, inputs, out: fed.append((inputs[0].clone(), out.clone())))  # ReLU works in place
    model(batch)
    hook.remove()
    (x, out), axes = fed[0], (0, 2, 3)
    mean, var = x.double().mean(axes), x.double().var(axes, unbiased=False)
    shape = (1, -1, 1, 1)
    by_hand = (x.double() - mean.view(shape)) / (var + norm.eps).sqrt().view(shape) * norm.weight.view(shape) + norm.bias.view(shape)
    torch.testing.assert_close(out.double(), by_hand.detach(), atol=2e-2, rtol=1e-2)  # torch's own float32
    torch.testing.assert_close(norm.running_mean, 0.9 * before + 0.1 * mean.float(), atol=1e-5, rtol=1e-4)
    assert not torch.equal(norm.running_mean, before)
    model.teacher.verify()
    with torch.no_grad():
        norm.weight[0] += 1e-3
    with pytest.raises(TeacherChanged):
        model.teacher.verify()


@pytest.fixture()
def said(host, monkeypatch):
    """What building a teacher warns of."""
    from opengait_mimic.models import teacher

    texts = []
    monkeypatch.setattr(teacher, "get_msg_mgr", lambda: SimpleNamespace(log_warning=texts.append))
    return texts


def test_what_a_live_teacher_means_is_said(trained, tmp_path, said):
    made(trained, tmp_path, MIMIC)
    assert not said
    made(trained, tmp_path, MIMIC, model_cfg__reference_compat={"live_teacher": True})
    assert any("live_teacher" in text and "its hash covers parameters only" in text for text in said)


def test_a_live_teacher_of_fixed_statistics_is_refused(trained, tmp_path):
    with pytest.raises(ConfigError, match="fix_BN: true holds the statistics"):
        made(trained, tmp_path, MIMIC, trainer_cfg__fix_BN=True, model_cfg__reference_compat={"live_teacher": True})


WIDE = {"trainer_cfg__transform": [{"type": "BaseSilTransform"}], "evaluator_cfg__transform": [{"type": "BaseSilTransform"}]}


def test_any_geometry_accepts_a_teacher_of_another_width(trained, tmp_path, said):
    wide = {**WIDE, "model_cfg__geometry": [64, 64], "model_cfg__ven": None}
    with pytest.raises(ConfigError, match="its YAML tests on 64x44 silhouettes"):
        made(trained, tmp_path, MIMIC, **wide)
    model = made(trained, tmp_path, MIMIC, **wide, model_cfg__reference_compat={"any_geometry": True})
    assert any("any_geometry: the teacher's YAML tests on 64x44 silhouettes" in text and text.endswith("it is fed 64x64") for text in said)
    batch = model.inputs_pretreament(raw_batch(model))
    assert batch.whole.shape[-2:] == (64, 64)
    assert model.loss_aggregator(model(batch)["training_feat"])[0].isfinite()


def test_any_geometry_asks_the_backbones_quirks_all_the_same(trained, tmp_path):
    """DeepGaitV2 takes widths of 44 and 88 alone."""
    import sys

    if not hasattr(sys.modules["modeling.models"], "DeepGaitV2"):
        pytest.skip("the host has no DeepGaitV2")
    block = {"in_channels": 1, "mode": "p3d", "layers": [1, 1, 1, 1], "channels": [4, 8, 8, 16]}
    deep = {"model": "DeepGaitV2", "Backbone": block, "SeparateBNNecks": {"class_num": 8}}
    wide = {**WIDE, "model_cfg__geometry": [64, 64], "model_cfg__ven": None, "model_cfg__backbone": deep}
    teacher = {"cfgs": str(trained.files[TEACHER]), "checkpoint": "auto"}
    with pytest.raises(ConfigError, match="takes silhouettes of 64x44 or 128x88"):
        made(trained, tmp_path, MIMIC, **wide, model_cfg__teacher=teacher, model_cfg__reference_compat={"any_geometry": True})
    yours = variant(trained.files[TEACHER], tmp_path, model_cfg=deep)
    with pytest.raises(ConfigError, match=r"model_cfg\.teacher.*(64x64|takes silhouettes of 64x44)"):
        own = {**wide, "model_cfg__backbone": {"cfgs": str(trained.files[TEACHER])}, "model_cfg__teacher": {"cfgs": str(yours)}}
        made(trained, tmp_path, MIMIC, **own, model_cfg__reference_compat={"any_geometry": True})


@pytest.mark.parametrize("stage", [MIMIC, BASE])
def test_grey_whole_binarises_top_bottom_and_middle_alone(trained, tmp_path, stage):
    kinds = {kind: 1 / 6 for kind in ("none", "top", "bottom", "middle", "patch", "pole")}
    hidden = {"kinds": kinds}
    models = [
        made(trained, tmp_path, stage, trainer_cfg__occlusion=hidden, evaluator_cfg__occlusion=hidden, **compat)
        for compat in ({"model_cfg__reference_compat": {"grey_whole": on}} for on in (False, True))
    ]
    raw = raw_batch(models[0])
    raw[0][0] = [np.random.default_rng(0).integers(0, 256, clip.shape).astype(np.uint8) for clip in raw[0][0]]
    transform = models[0].trainer_trfs
    models[1].trainer_trfs = transform
    seen = set()
    for iteration in range(12):
        batches = []
        for model in models:
            import random

            random.seed(iteration), np.random.seed(iteration)
            model.iteration = iteration
            batches.append(model.occluded_batch(raw))
        off, on = batches
        assert torch.equal(off.whole, on.whole) and off.draws == on.draws
        for i, d in enumerate(on.draws):
            seen.add(d.kind)
            if d.kind in ("top", "bottom", "middle"):
                assert torch.equal(on.occluded[i], off.occluded[i])
            else:
                kept = on.occluded[i] != 0
                assert torch.equal(on.occluded[i][kept], on.whole[i][kept]) and on.occluded[i].unique().numel() > 2
                assert torch.equal((on.occluded[i] > 0.5).float(), off.occluded[i])
    assert seen == set(kinds)


GREY = {"model_cfg__reference_compat": {"grey_whole": True}}


def test_both_phases_see_grey_or_neither(trained, tmp_path):
    with pytest.raises(ConfigError, match=r"grey_whole = 'test': a network is tested on the input it was trained on; expected true"):
        made(trained, tmp_path, BASE, model_cfg__reference_compat={"grey_whole": "test"})
    for on, expected in ((True, ("none", "patch", "pole")), (False, ("none",))):  # of a model whose training is the host's own
        cfgs = prepare(trained.files[TEACHER], "embed")
        cfgs["evaluator_cfg"]["occlusion"] = {"kinds": {"top": 1.0}}
        cfgs["model_cfg"]["reference_compat"] = {"grey_whole": on}
        start_log(cfgs, False, False, quiet=True)
        assert build(cfgs, training=False, occludable=True).grey == expected


def test_a_checkpoint_is_not_read_with_another_grey(trained, tmp_path):
    from opengait_mimic.base.errors import CheckpointError

    grey, plain = (made(trained, tmp_path, MIMIC, **more) for more in (GREY, {}))
    with pytest.raises(CheckpointError, match="says grey_whole = True, this configuration says None"):
        plain.load_state_dict(grey.state_dict())
    with pytest.raises(CheckpointError, match="says grey_whole = None, this configuration says True"):
        grey.load_state_dict(plain.state_dict())


# ---------------------------------------------------------------- what a checkpoint and a row say


@pytest.mark.slow
def test_a_checkpoint_says_what_it_was_trained_with_and_its_ven_too(trained, tmp_path):
    """Whatever the YAML of the test says; a file of before says nothing."""
    (tmp_path / "ven").mkdir()
    trimmed = {"model_cfg__reference_compat": {"trim_columns": "train", "double_softmax": True}}
    ven = variant(trained.files[VEN], tmp_path / "ven", trainer_cfg__save_name="trimmed", evaluator_cfg__save_name="trimmed", **trimmed)
    launch(ven, "train", quiet=True)
    of_ven = {"model_cfg.reference_compat.trim_columns": "train", "model_cfg.reference_compat.double_softmax": True}
    name = {
        "trainer_cfg__save_name": "said",
        "evaluator_cfg__save_name": "said",
        "model_cfg__ven": {"cfgs": str(ven), "checkpoint": "auto"},
    }
    own = {"model_cfg__reference_compat": {"live_teacher": True, "rank": "bare", "teacher_anchors": True}}
    launch(variant(trained.files[MIMIC], tmp_path, **name, **own), "train", quiet=True)
    other = {"model_cfg__reference_compat": {"any_geometry": True, "sizes": "test"}}
    tested = built(variant(trained.files[MIMIC], tmp_path, **name, **other), training=False)
    said = {
        "model_cfg.reference_compat.live_teacher": True,
        "model_cfg.reference_compat.teacher_anchors": True,
        **{f"ven.{key}": value for key, value in of_ven.items()},
    }
    assert tested.trained_with == tested.get_extra_state()["switches"] == said
    assert tested.tested_with == {"model_cfg.reference_compat.sizes": "test"}
    old = {key: value for key, value in tested.get_extra_state().items() if key not in ("switches", "grey_whole")}
    tested.set_extra_state(old)
    assert tested.trained_with == {"model_cfg.reference_compat.any_geometry": True, **{f"ven.{key}": v for key, v in of_ven.items()}}


def test_a_row_of_whole_bodies_names_no_switch_of_the_hiding(trained, tmp_path):
    from opengait_mimic.evaluation.evaluate import evaluate

    changes = {"model_cfg__reference_compat": {"rank": "bare", "moving": "test"}}
    found = evaluate(variant(trained.files[MIMIC], tmp_path, **changes), quiet=True)
    of_ranks = {"model_cfg.reference_compat.rank": "bare"}
    assert [r["occluded_side"] for r in found] == ["holistic", "probe", "both", "probe"] and found[0]["reference_compat"] == of_ranks
    assert all(r["reference_compat"] == {**of_ranks, "model_cfg.reference_compat.moving": "test"} for r in found[1:])


def test_what_is_tested_clip_by_clip_shares_nothing_and_says_so(trained, tmp_path, monkeypatch):
    """GaitGL: the public code's takes one clip at a time."""
    import sys

    if not hasattr(sys.modules["modeling.models"], "GaitGL"):
        pytest.skip("the host has no GaitGL")
    gaitgl = {"model": "GaitGL", "channels": [4, 8, 8], "class_num": 8}
    changes = {"model_cfg__backbone": gaitgl, "evaluator_cfg__occlusion": {"kinds": {"top": 0.5, "pole": 0.5}}}
    changes["model_cfg__reference_compat"] = {"all": True, "grey_whole": False}
    file = variant(trained.files[BASE], tmp_path, trainer_cfg__save_name="single", evaluator_cfg__save_name="single", **changes)
    launch(file, "train", quiet=True)
    model, said = built(file, training=False), []
    monkeypatch.setattr(model.msg_mgr, "log_info", lambda text: said.append(str(text)))
    raw = list(model.test_loader)
    draws = [model.occluded_batch(inputs).draws[0] for inputs in raw]
    assert len(set(draws)) == len(raw) == len(model.test_loader.dataset), "as many draws as clips"
    assert len(said) == 1 and "tests this backbone one clip at a time; nothing is shared" in said[0]
    assert not any(key.endswith("shared_draw") for key in model.tested_with)


# ---------------------------------------------------------------- VEN


def ven_batches(trained, tmp_path, **compat):
    """The same batch in the VEN without and with switches, with equal weights."""
    plain, other = (made(trained, tmp_path, VEN, model_cfg__reference_compat=on) for on in ({}, compat))
    other.VEN.load_state_dict(plain.VEN.state_dict())
    batch = plain.inputs_pretreament(raw_batch(plain))
    return SimpleNamespace(plain=plain, other=other, batch=batch, before=plain(batch), after=other(batch))


def test_input_255_is_for_the_vens_own_training_and_test(trained, tmp_path):
    found = ven_batches(trained, tmp_path, input_255=True)
    frames = found.batch.occluded.flatten(0, 1)
    logits = found.plain.VEN.heads(found.plain.VEN(frames * 255))[0]
    assert torch.equal(found.after["training_feat"]["kind"]["logits"][:, :, 0], logits)
    assert not torch.allclose(found.before["training_feat"]["kind"]["logits"][:, :, 0], logits)
    found.other.eval(), found.plain.eval()
    with torch.no_grad():
        tested = [model(found.batch)["inference_feat"]["embeddings"] for model in (found.other, found.plain)]
        scaled = found.plain(found.batch._replace(occluded=255 * found.batch.occluded))["inference_feat"]["embeddings"]
    assert torch.equal(tested[0], scaled) and not torch.allclose(tested[0], tested[1])


def test_kept_amount_is_what_stays_and_0_for_whole_frames(trained, tmp_path):
    found = ven_batches(trained, tmp_path, kept_amount=True)
    feats, batch = found.after["training_feat"]["hidden"], found.batch
    draws = [d for d, length in zip(batch.draws, batch.lengths) for _ in range(length)]
    expected = torch.tensor([0.0 if d.kind == "none" else 1 - d.hidden for d in draws])
    torch.testing.assert_close(feats["target"], expected, atol=1e-6, rtol=0)
    assert torch.equal(feats["prediction"], found.before["training_feat"]["hidden"]["prediction"])
    amount = found.after["inference_feat"]["amount"].sum((0, 1))
    torch.testing.assert_close(amount[1], expected.sum(), atol=1e-4, rtol=0)
    torch.testing.assert_close(amount[3], (feats["prediction"] - expected).square().sum(), atol=1e-4, rtol=1e-5)


def test_double_softmax_goes_before_a_cross_entropy_that_has_its_own(trained, tmp_path):
    found = ven_batches(trained, tmp_path, double_softmax=True)
    logits, labels = found.before["training_feat"]["kind"]["logits"][:, :, 0], found.before["training_feat"]["kind"]["labels"]
    assert torch.equal(found.before["inference_feat"]["confusion"], found.after["inference_feat"]["confusion"])
    _, info = found.other.loss_aggregator(found.after["training_feat"])
    twice = -torch.log_softmax(torch.softmax(logits, 1), 1)[range(len(labels)), labels].mean()
    torch.testing.assert_close(torch.as_tensor(info["scalar/kind/loss"]).float(), twice.detach(), atol=1e-5, rtol=0)
    assert abs(float(twice.detach()) - float(F.cross_entropy(logits, labels).detach())) > 1e-4


def test_trimmed_columns_in_the_vens_block(trained, tmp_path):
    """`all` trims in a VEN's configuration and shares nothing; the VEN learns the drawn share."""
    kinds = {"none": 0.2, "top": 0.4, "bottom": 0.4}
    model = made(trained, tmp_path, VEN, trainer_cfg__occlusion={"kinds": kinds}, model_cfg__reference_compat="all")
    batch = model.inputs_pretreament(raw_batch(model))
    assert {d.trimmed > 0 for d in batch.draws if d.kind != "none"} == {True} and len(set(batch.draws)) > 3
    drawn = Occlusion.from_cfg({"kinds": kinds}, "plain")
    keys = [training_key(model.seed, model.iteration, i) for i in range(len(batch.draws))]
    kept = torch.tensor([0.0 if d.kind == "none" else 1 - d.hidden for d in (draw(drawn, key) for key in keys)])
    target = model(batch)["training_feat"]["hidden"]["target"]
    torch.testing.assert_close(target, kept.repeat_interleave(torch.tensor(batch.lengths)), atol=1e-6, rtol=0)


def test_a_checkpoint_says_which_switches_its_weights_mean(trained, tmp_path):
    from opengait_mimic.base.errors import CheckpointError

    both = {"input_255": True, "kept_amount": True, "double_softmax": True}
    found = ven_batches(trained, tmp_path, **both)
    assert found.plain.get_extra_state()["reference_compat"] is None
    assert found.other.get_extra_state()["reference_compat"] == ["input_255", "kept_amount"]
    with pytest.raises(CheckpointError, match=r"says reference_compat = None, this configuration says \['input_255', 'kept_amount'\]"):
        found.other.load_state_dict(found.plain.state_dict())
    with pytest.raises(CheckpointError, match=r"says reference_compat = \['input_255', 'kept_amount'\], this configuration says None"):
        found.plain.load_state_dict(found.other.state_dict())
    old = {**found.plain.get_extra_state()}
    del old["reference_compat"]
    found.plain.set_extra_state(old)  # of before there were switches


def test_a_mimic_reads_the_switches_of_its_vens_yaml(trained, tmp_path):
    from opengait_mimic.base.errors import CheckpointError

    (tmp_path / "ven").mkdir()
    theirs = variant(trained.files[VEN], tmp_path / "ven", model_cfg__reference_compat={"input_255": True})
    with pytest.raises(CheckpointError, match="says reference_compat = None, this configuration says"):
        made(trained, tmp_path, MIMIC, model_cfg__ven={"cfgs": str(theirs), "checkpoint": "auto"})
