"""OcclusionAware on three backbones: what moves, what is saved, what is ranked, what is refused. Runs on either host."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import yaml

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.evaluation.evaluate import evaluate
from opengait_mimic.host import CONFIGS
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import launch
from tests.models.test_mimicgait import built
from tests.variants import variant

BACKBONES = {"gaitbase": 16, "gaitgl": 64, "deepgaitv2": 16}  # parts
SMALL = {
    "gaitgl": {"model": "GaitGL", "channels": [2, 4, 4], "class_num": 8},
    "deepgaitv2": {
        "model": "DeepGaitV2",
        "Backbone": {"in_channels": 1, "mode": "p3d", "layers": [1, 1, 1, 1], "channels": [2, 4, 4, 8]},
        "SeparateBNNecks": {"class_num": 8},
    },
}


def shipped(backbone, trained, tree, folder, **changes):
    """The shipped configuration on the tiny data, three steps; GaitBase is the demo's, which is trained, the others narrower."""
    cfgs = yaml.safe_load((CONFIGS / f"occlusionaware/occlusionaware_{backbone}_walkers.yaml").read_text())
    cfgs["data_cfg"].update(dataset_root=str(tree.root), dataset_partition=str(tree.partition))
    cfgs["trainer_cfg"].update(total_iter=3, save_iter=3)
    cfgs["trainer_cfg"]["sampler"].update(batch_size=[3, 2], frames_num_fixed=4)
    cfgs["evaluator_cfg"]["restore_hint"] = 3
    cfgs["model_cfg"]["ven"]["cfgs"] = str(trained.files["VEN"])
    cfgs["model_cfg"]["SeparateBNNecks"]["class_num"] = len(tree.train)
    cfgs["model_cfg"]["backbone"] = SMALL.get(backbone, {"cfgs": str(trained.files["GaitBase (teacher)"])})
    file = folder / f"{backbone}.yaml"
    file.write_text(yaml.safe_dump(cfgs))
    return variant(file, folder, **changes)


def train(file):
    """Train as the file says: the model, the losses, and the parameters it started with."""
    losses, start = [], {}

    def before(model):
        model.loss_aggregator.register_forward_hook(lambda _, __, result: losses.append(float(result[0].detach())))
        start.update((name, p.detach().clone()) for name, p in model.named_parameters())

    model = launch(file, "train", quiet=True, before=before)
    return SimpleNamespace(model=model, losses=losses, start=start, file=file)


@pytest.fixture(scope="module", params=BACKBONES)
def aware(request, trained, tree, tmp_path_factory):
    found = train(shipped(request.param, trained, tree, tmp_path_factory.mktemp("aware")))
    found.backbone = request.param
    return found


@pytest.fixture(scope="module")
def gaitbase(trained, tree, tmp_path_factory):
    """A function: the GaitBase configuration with keys changed."""
    return lambda **changes: shipped("gaitbase", trained, tree, tmp_path_factory.mktemp("changed"), **changes)


def fed(model):
    """A training batch, and what the model makes of it."""
    model.train()
    batch = model.inputs_pretreament(next(iter(model.train_loader)))
    return batch, model(batch)


def test_three_steps_move_what_is_trained_and_nothing_else(aware):
    assert len(aware.losses) == 3 and torch.tensor(aware.losses).isfinite().all() and min(aware.losses) > 0
    still = {name for name, p in aware.model.named_parameters() if torch.equal(p, aware.start[name])}
    assert still == {name for name, p in aware.model.named_parameters() if not p.requires_grad}
    assert {name.split(".")[0] for name in still - aware.model.left_out} == {"VEN"}
    assert {"Mixer.fc_bin", "BNNecks.fc_bin"} <= aware.start.keys() - still
    assert not any(module.training for module in aware.model.VEN.modules()) and aware.model.Backbone.training


def test_the_detector_is_bit_equal_to_its_checkpoint(aware, trained):
    ven = trained.models["VEN"].VEN.state_dict()
    assert all(torch.equal(value, ven[name]) for name, value in aware.model.VEN.state_dict().items())


def test_the_checkpoint_restores_strictly_and_needs_no_other_weights(aware, tmp_path):
    file = variant(aware.file, tmp_path, model_cfg__ven__checkpoint="nowhere.pt")
    saved, back = aware.model.state_dict(), built(file, training=False).state_dict()
    assert list(saved) == list(back) and {name.split(".")[0] for name in saved} == {"Backbone", "Mixer", "VEN", "BNNecks", "_extra_state"}
    assert all(name == "_extra_state" or torch.equal(saved[name], back[name]) for name in saved)
    assert not aware.model.left_out & saved.keys()
    assert saved["_extra_state"]["role"] == "OcclusionAware" and saved["_extra_state"]["fused_channels"] is None


def test_parts_and_channels_are_read_off_the_backbone(aware):
    batch, found = fed(aware.model)
    channels, parts, _ = aware.model.embedding
    n = len(batch.labs)
    assert parts == BACKBONES[aware.backbone]
    assert aware.model.Mixer.fc_bin.shape == (parts, channels + 64, channels)
    assert found["inference_feat"]["embeddings"].shape == (n, channels, parts)
    assert found["training_feat"]["softmax"]["logits"].shape == (n, 8, parts)


@pytest.mark.slow
def test_the_rows_of_an_evaluation(aware, trained):
    rows = evaluate(aware.file, quiet=True)
    assert [(r["method"], r["occluded_side"], r["gallery_embedder"]) for r in rows] == [
        ("OcclusionAware", protocol, "own") for protocol in ("holistic", "probe", "both")
    ]
    whole = evaluate(trained.files["GaitBase (teacher)"], quiet=True)[0]["rank1"]
    for row in rows:
        if aware.backbone == "gaitbase":
            assert row["hp_rank1"] == whole and row["rp_rank1"] == (pytest.approx(row["rank1"] / whole) if whole else None)
        else:
            assert row["rp_rank1"] is None and "its whole-body run is unknown" in row["rp_reason"]
    if aware.backbone == "gaitbase":
        tested = launch(aware.file, "test", quiet=True)  # the host's own test, hidden as the YAML says
        assert tested["scalar/test_accuracy/Rank-1"] == pytest.approx(rows[2]["rank1"])


# ---------------------------------------------------------------- what it computes


@pytest.mark.parametrize("width", [None, 128])
def test_the_embedding_by_hand(gaitbase, width):
    """Per clip and part: the backbone's channels and the mean of the detector's frame features, through one linear map."""
    model = built(gaitbase(model_cfg__fused_channels=width))
    batch, _ = fed(model)
    model.eval()
    with torch.no_grad():
        got = model(batch)["inference_feat"]["embeddings"]
        bare = model.Backbone(batch.inputs(batch.occluded))["inference_feat"]["embeddings"]
        for i in (0, 5):
            feature = torch.stack([model.VEN(frame[None])[0] for frame in batch.occluded[i]]).mean(0)
            for p in (0, 15):
                expected = torch.cat([bare[i, :, p], feature]) @ model.Mixer.fc_bin[p]
                torch.testing.assert_close(got[i, :, p], expected, rtol=1e-4, atol=1e-4)
    assert got.shape[1] == (width or bare.shape[1]) == model.BNNecks.fc_bin.shape[1]


def test_the_losses_are_the_hosts_on_the_ranked_embedding(gaitbase):
    """The part triplet by a loop over all triplets; the cross-entropy by torch on cosine logits after BatchNorm."""
    model = built(gaitbase())
    batch, found = fed(model)
    fused, labels = found["inference_feat"]["embeddings"].detach(), batch.labs
    _, info = model.loss_aggregator(found["training_feat"])
    n, _, parts = fused.shape
    means = []
    for p in range(parts):
        x, above = fused[:, :, p].double(), []
        for a in range(n):
            for b in range(n):
                for c in range(n):
                    if labels[a] == labels[b] != labels[c]:  # the host counts a clip as a positive of its own
                        value = (x[a] - x[b]).norm() - (x[a] - x[c]).norm() + 0.2
                        above += [value] if value > 0 else []
        means.append(torch.stack(above).mean() if above else torch.zeros((), dtype=torch.float64))
    triplet = torch.as_tensor(info["scalar/triplet/loss"]).double().mean()
    torch.testing.assert_close(triplet.cpu(), torch.stack(means).mean(), rtol=1e-3, atol=1e-4)
    flat = fused.flatten(1).double()
    normed = (flat - flat.mean(0)) / (flat.var(0, unbiased=False) + 1e-5).sqrt()
    normed = torch.nn.functional.normalize(normed.view(fused.shape), dim=1)
    weight = torch.nn.functional.normalize(model.BNNecks.fc_bin.detach().double(), dim=1)
    logits = torch.einsum("ncp,pcd->ndp", normed, weight)
    by_hand = torch.nn.functional.cross_entropy(16 * logits, labels[:, None].expand(-1, parts), label_smoothing=0.1)
    softmax = torch.as_tensor(info["scalar/softmax/loss"]).double().mean()
    torch.testing.assert_close(softmax, by_hand, rtol=1e-3, atol=1e-3)


def test_whole_bodies_are_trained_on_binarised_as_hidden_ones(gaitbase):
    batch, _ = fed(built(gaitbase()))
    assert set(batch.occluded.unique().tolist()) <= {0.0, 1.0}


@pytest.fixture(scope="module")
def classifier(trained, tmp_path_factory):
    """A VEN without its second head, three steps: its YAML and its model."""
    only = {"loss_cfg": [{"type": "CrossEntropyLoss", "log_prefix": "kind", "scale": 1, "label_smooth": False}]}
    names = {f"{engine}_cfg__save_name": "classifier" for engine in ("trainer", "evaluator")}
    file = variant(trained.files["VEN"], tmp_path_factory.mktemp("classifier"), model_cfg__amount=False, **only, **names)
    return file, launch(file, "train", quiet=True)


@pytest.mark.parametrize("method", ["OcclusionAware", "MimicGait"])
@pytest.mark.slow
def test_a_plain_classifier_is_a_detector_too(gaitbase, trained, classifier, tmp_path, method):
    ven, alone = classifier
    changes = {f"{engine}_cfg__save_name": "by-classifier" for engine in ("trainer", "evaluator")}
    changes["model_cfg__ven__cfgs"] = str(ven)
    found = train(gaitbase(**changes) if method == "OcclusionAware" else variant(trained.files[method], tmp_path, **changes))
    assert len(found.losses) == 3 and torch.tensor(found.losses).isfinite().all() and min(found.losses) > 0
    still = {name for name, p in found.model.named_parameters() if torch.equal(p, found.start[name])}
    assert still == {name for name, p in found.model.named_parameters() if not p.requires_grad}
    assert {name.split(".")[0] for name in still - found.model.left_out} == {"VEN"} and "Mixer.fc_bin" in found.start.keys() - still
    guide, own = found.model.VEN.state_dict(), alone.VEN.state_dict()
    assert found.model.VEN.amount_head is None and list(guide) == list(own) and not any("amount" in name for name in guide)
    assert all(torch.equal(value, own[name]) for name, value in guide.items())
    saved, back = found.model.state_dict(), built(found.file, training=False).state_dict()
    assert list(saved) == list(back) and all(name == "_extra_state" or torch.equal(saved[name], back[name]) for name in saved)
    assert {(row["method"], row["occluded_side"], row["gallery_embedder"]) for row in evaluate(found.file, quiet=True)} == {
        *((method, protocol, "own") for protocol in ("holistic", "probe", "both")),
        *([(method, "probe", "teacher")] if method == "MimicGait" else []),
    }


def test_triplets_alone_need_no_head(gaitbase):
    only = [{"type": "TripletLoss", "log_prefix": "triplet", "margin": 0.2}]
    names = {f"{engine}_cfg__save_name": "headless" for engine in ("trainer", "evaluator")}
    found = train(gaitbase(loss_cfg=only, model_cfg__SeparateBNNecks=None, **names))
    assert found.model.BNNecks is None and set(fed(found.model)[1]["training_feat"]) == {"triplet"}
    assert all(torch.equal(p, found.start[name]) != p.requires_grad for name, p in found.model.named_parameters())


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_shipped_configuration_is_baseline_2_with_a_detector(backbone):
    """One recipe: what differs is the method's name and its own keys."""
    ours, theirs = (
        yaml.safe_load((CONFIGS / f"{method}/{method}_{backbone}_walkers.yaml").read_text()) for method in ("occlusionaware", "baseline2")
    )
    assert ours.pop("model_cfg") == {
        **theirs.pop("model_cfg"),
        "model": "OcclusionAware",
        "ven": {"cfgs": "configs/ven/ven_walkers.yaml", "checkpoint": "auto"},
        "SeparateBNNecks": {"class_num": 200},
        "fused_channels": None,
    }
    for engine in ("trainer_cfg", "evaluator_cfg"):
        assert ours[engine].pop("save_name") == theirs[engine].pop("save_name").replace("Baseline2", "OcclusionAware")
    assert ours == theirs


# ---------------------------------------------------------------- what is refused


TRIPLET, SOFTMAX = {"type": "TripletLoss", "log_prefix": "triplet"}, {"type": "CrossEntropyLoss", "log_prefix": "softmax"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_cfg__vne": {}}, r"model_cfg\.vne: unknown key \(did you mean 'ven'\?\)"),
        ({"model_cfg__fused_channels": 0}, r"model_cfg\.fused_channels = 0; expected a whole number of at least 1"),
        ({"model_cfg__SeparateBNNecks": {"class_nums": 8}}, r"SeparateBNNecks\.class_nums: unknown key \(did you mean 'class_num'\?\)"),
        ({"model_cfg__SeparateBNNecks": None}, r"model_cfg\.SeparateBNNecks: missing; CrossEntropyLoss of loss_cfg needs this head"),
        ({"model_cfg__SeparateBNNecks__class_num": 7}, r"SeparateBNNecks\.class_num = 7, but TRAIN_SET has 8 subjects .*: set it to 8"),
        ({"loss_cfg": [TRIPLET]}, r"model_cfg\.SeparateBNNecks: no loss of loss_cfg trains this head\. Add CrossEntropyLoss, or"),
        ({"loss_cfg": []}, r"loss_cfg: OcclusionAware is trained by TripletLoss or CrossEntropyLoss, others may be added; got nothing"),
        ({"loss_cfg": [{"type": "MiCKDLoss", "log_prefix": "m"}]}, r"loss_cfg\.type = MiCKDLoss: OcclusionAware is trained by Trip"),
        ({"loss_cfg": [SOFTMAX, {**TRIPLET, "log_prefix": "softmax"}]}, r"loss_cfg\.log_prefix = 'softmax': given twice"),
        ({"loss_cfg": [SOFTMAX, {"type": "TripletLoss"}]}, r"loss_cfg\.log_prefix missing; every loss needs a name of its own \(Trip"),
    ],
)
def test_wrong_configurations_are_refused_before_anything_is_built(gaitbase, changes, message):
    with pytest.raises(ConfigError, match=message):
        prepare(gaitbase(**changes), "train")


def test_a_missing_detector_says_what_there_is_without(gaitbase):
    with pytest.raises(ConfigError, match=r"model_cfg\.ven\.cfgs: missing; this key is required"):
        built(gaitbase(model_cfg__ven=None))


def test_a_checkpoint_of_another_method_or_width_is_refused(gaitbase, trained):
    from opengait_mimic.base.errors import CheckpointError

    mimic = trained.models["MimicGait"]
    model = built(gaitbase())
    with pytest.raises(CheckpointError, match="the checkpoint says role = 'MimicGait', this configuration says 'OcclusionAware'"):
        model.set_extra_state(mimic.get_extra_state())
    with pytest.raises(CheckpointError, match="the checkpoint says fused_channels = None, this configuration says 128"):
        built(gaitbase(model_cfg__fused_channels=128)).set_extra_state(model.get_extra_state())
