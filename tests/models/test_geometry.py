"""The declared geometry against the pickles there are: 128x128 give 128x88 through the cutting transform. Runs on either host."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from opengait_mimic.base.checkpoint_file import entry
from opengait_mimic.base.errors import CheckpointError, ConfigError
from opengait_mimic.evaluation.evaluate import evaluate
from opengait_mimic.host.model_cfg import geometry_of
from opengait_mimic.training.launch import launch
from opengait_mimic.training.picture_size import read_picture_size
from tests.models.roles import built, roles, train
from tests.models.served import SERVED
from tests.models.test_starts_elsewhere import weights_at
from tests.models.test_trial import STEPS
from tests.variants import variant

CASE = SERVED["DeepGaitV2 2d"]
BIG = {"model_cfg__geometry": [128, 88]}


@pytest.fixture(scope="module")
def big(few, tmp_path_factory):
    """The walkers, every pixel twice as high and wide."""
    root, theirs = tmp_path_factory.mktemp("big"), Path(few["data_cfg__dataset_root"])
    for file in theirs.rglob("*.pkl"):
        frames, copy = pickle.loads(file.read_bytes()), root / file.relative_to(theirs)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(pickle.dumps(np.kron(frames, np.ones((1, 2, 2), frames.dtype))))
    return {**few, "data_cfg__dataset_root": str(root)}


@pytest.fixture(scope="module")
def made(files, big, host, tmp_path_factory):
    """A VEN and a teacher, trained on them, and the three roles."""
    folder = tmp_path_factory.mktemp("yamls")
    names = {f"{engine}_cfg__save_name": "VEN-Big" for engine in ("trainer", "evaluator")}
    ven = variant(files["VEN"], folder, **big, **BIG, **names, trainer_cfg__sampler__batch_size=[4, 1])
    launch(ven, "train", quiet=True)
    found = {**roles(files, big, ven, folder, "Big", CASE.model_cfg, CASE.dataset, CASE.losses, **STEPS), "VEN": ven}
    train(found["teacher"])
    return found


def changed(file, tmp_path, **changes):
    (tmp_path / "changed").mkdir(exist_ok=True)
    return variant(file, tmp_path / "changed", **changes)


def test_a_mimic_trains_on_128x88_with_its_teacher_and_its_ven(made, tmp_path, capsys):
    mimic = changed(made["MimicGait"], tmp_path, **BIG)
    model = launch(mimic, "train", quiet=True, preflight=True)
    assert model.iteration == 2 and model.VEN is not None and model.get_extra_state()["geometry"] == [128, 88]
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.split()[:1] == ["geometry"]]
    assert "data 128x88 in 0..1, embeddings" in line


@pytest.mark.parametrize("role", ["MimicGait", "Baseline-2"])
def test_64x44_is_not_what_these_pickles_give(made, ven, tmp_path, role):
    of_ven = {"model_cfg__ven__cfgs": str(ven)} if role == "MimicGait" else {}
    file = changed(made[role], tmp_path, **of_ven, model_cfg__geometry=[64, 44])
    with pytest.raises(ConfigError, match=r"64, 44\].*128.*88|128x88 silhouettes where pickles are 128x128, as here; .*\[64, 44\]"):
        model = built(file)
        model.inputs_pretreament(next(iter(model.train_loader)))


def test_a_teacher_of_another_width_is_refused_with_both_sizes(made, tmp_path):
    """It leaves its pickles as they are, the mimic cuts them; and the other way round."""
    whole = [{"type": "BaseSilTransform"}]
    names = {f"{engine}_cfg__save_name": "teacher-Big" for engine in ("trainer", "evaluator")}
    (tmp_path / "wide").mkdir()
    plain = variant(made["teacher"], tmp_path / "wide", **names, evaluator_cfg__transform=whole)
    with pytest.raises(ConfigError, match=r"its YAML tests on 128x128 silhouettes where pickles are 128x128, .*geometry is \[128, 88\]"):
        built(changed(made["MimicGait"], tmp_path, **BIG, model_cfg__teacher__cfgs=str(plain)))


def test_a_checkpoint_says_the_size_it_was_trained_on(made, trained):
    sizes = {role: entry(weights_at(made[role])).get("picture_size") for role in ("teacher", "VEN")}
    assert sizes == {"teacher": [128, 88], "VEN": [128, 88]}
    assert entry(weights_at(trained.files["MimicGait"]))["picture_size"] == [64, 44]


def test_a_teacher_that_was_trained_on_another_size_is_refused(made, few, ven, tmp_path):
    """Its YAML makes 64x44 of the mimic's pickles, which are smaller than those that it was trained on."""
    changes = {**few, "model_cfg__ven__cfgs": str(ven)}
    with pytest.raises(ConfigError, match=r"its checkpoint .*teacher-Big-00002\.pt was trained on 128x88 .*geometry is \[64, 44\]"):
        built(changed(made["MimicGait"], tmp_path, **changes))


@pytest.mark.parametrize("how", ["smaller pictures", "other transforms"])
def test_a_test_on_another_size_stops(made, few, tmp_path, how):
    """The host's own model, whose network takes any size."""
    changes, size = (
        (few, "64x44") if how == "smaller pictures" else ({"evaluator_cfg__transform": [{"type": "BaseSilTransform"}]}, "128x128")
    )
    given = changed(made["teacher"], tmp_path, **changes)
    message = rf"evaluator_cfg\.restore_hint: .*teacher-Big-00002\.pt was trained on pictures of 128x88 .*this test gives it {size}\."
    for test in (lambda: launch(given, "test", quiet=True), lambda: evaluate(given, quiet=True)):
        with pytest.raises(CheckpointError, match=message):
            test()


def test_a_training_that_starts_on_another_size_is_warned(made, few, tmp_path, host, monkeypatch):
    """That may be meant: fine-tuning."""
    from utils import get_msg_mgr

    said = []
    monkeypatch.setattr(get_msg_mgr(), "log_warning", lambda text: said.append(str(text)), raising=False)
    start = {"trainer_cfg__restore_hint": str(weights_at(made["teacher"])), "trainer_cfg__save_name": "Small"}
    resets = {f"trainer_cfg__{part}_reset": True for part in ("optimizer", "scheduler")}
    built(changed(made["teacher"], tmp_path, **few, **start, **resets))
    (line,) = [line for line in said if "pictures" in line]
    assert "was trained on pictures of 128x88" in line and line.endswith("this training goes on with 64x44")
    said.clear()
    built(changed(made["teacher"], tmp_path, **start, **resets))
    assert not [line for line in said if "pictures" in line], "the same size"


def test_reading_the_size_draws_nothing(made, host):
    """The batches and the random transforms of a training stay as they are."""
    model = built(made["teacher"])
    model.trainer_trfs = [lambda clip: np.random.rand(*clip.shape) + random.random() + torch.rand(1).item()]
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    assert read_picture_size(model, True) == [128, 128]
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    assert before[:2] == after[:2] and torch.equal(before[2], after[2])


def test_a_ven_of_another_geometry_is_refused_with_both_sizes(made, ven, tmp_path):
    with pytest.raises(ConfigError, match=r"model_cfg.ven.cfgs = .* geometry \[64, 44\], .*model_cfg.geometry = \[128, 88\]"):
        built(changed(made["MimicGait"], tmp_path, **BIG, model_cfg__ven__cfgs=str(ven)))


CUT = {"type": "BaseSilCuttingTransform"}


@pytest.mark.parametrize("size", [(64, 64), (128, 128), (64, 44), (128, 88), (96, 80), (32, 32), (256, 256)])
@pytest.mark.parametrize("step", [CUT, {**CUT, "cutting": 3}, {"type": "BaseSilTransform"}])
@pytest.mark.parametrize("composed", [False, True])
def test_the_size_is_what_the_hosts_transform_makes(host, size, step, composed):
    from data.transform import get_transform

    block = [{"type": "Compose", "trf_cfg": [{"type": "RandomHorizontalFlip"}, step]}] if composed else [step]
    (transform,) = get_transform(block)
    assert geometry_of({"evaluator_cfg": {"transform": block}}, size) == transform(np.zeros((2, *size), np.uint8)).shape[1:]


@pytest.mark.parametrize("size", [(), (4096,), (64, 64, 3)])
def test_other_than_two_axes_tell_no_size(size):
    assert geometry_of({"evaluator_cfg": {"transform": [{"type": "BaseSilTransform"}]}}, size) is None
