"""Checks that need the data set or the host's classes: what they refuse, before anything is built."""

from __future__ import annotations

import json

import pytest

from opengait_mimic.base.errors import ConfigError, HostError
from opengait_mimic.host import config_checks
from opengait_mimic.host.config_checks import partition_of
from opengait_mimic.models.prepare import prepare
from tests.variants import variant


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trainer_cfg__sampler__type": "TripletSamplr"}, r"trainer_cfg\.sampler\.type: 'TripletSamplr' .*did you mean 'TripletSampler'"),
        ({"evaluator_cfg__sampler__type": "Inference"}, r"evaluator_cfg\.sampler\.type: 'Inference' .*InferenceSampler"),
        (
            {"evaluator_cfg__transform": [{"type": "BaseSilCutingTransform"}]},
            r"evaluator_cfg\.transform\[0\]\.type: 'BaseSilCutingTransform' .*did you mean 'BaseSilCuttingTransform'",
        ),
        (
            {"trainer_cfg__transform": [{"type": "Compose", "trf_cfg": [{"type": "RandomRotat"}]}]},
            r"trainer_cfg\.transform\[0\]\.trf_cfg\[0\]\.type: 'RandomRotat' .*did you mean 'RandomRotate'",
        ),
        ({"optimizer_cfg__solver": "Adm"}, r"optimizer_cfg\.solver: 'Adm' .*did you mean 'Adam'"),
        ({"scheduler_cfg__scheduler": "MultiStepL"}, r"scheduler_cfg\.scheduler: 'MultiStepL' .*did you mean 'MultiStepLR'"),
    ],
)
def test_an_unknown_name(files, tmp_path, changes, message):
    with pytest.raises(HostError, match=message):
        prepare(variant(files["MimicGait"], tmp_path, **changes), "train")


def test_a_head_with_too_few_classes(files, tree, tmp_path):
    """In the host's own model and in the backbone of ours. An empty folder is no subject; without a cross-entropy no class is needed."""
    message = r"SeparateBNNecks\.class_num = 7, but TRAIN_SET has 8 subjects in .*, and CrossEntropyLoss needs .*: set it to 8"
    teacher = variant(files["GaitBase (teacher)"], tmp_path, model_cfg__SeparateBNNecks__class_num=7)
    with pytest.raises(ConfigError, match=rf": model_cfg\.{message}"):
        prepare(teacher, "train")
    with pytest.raises(ConfigError, match=rf": model_cfg\.backbone\.{message}"):
        prepare(variant(files["Baseline-2"], tmp_path, model_cfg__backbone={"cfgs": str(teacher)}), "train")
    prepare(teacher, "test")
    only = [{"type": "TripletLoss", "log_prefix": "triplet", "margin": 0.2}]
    prepare(variant(teacher, tmp_path, loss_cfg=only), "train")
    partition = json.loads(tree.partition.read_text())
    (tmp_path / "root").mkdir()
    for label in tree.train:
        (tmp_path / "root" / label).symlink_to(tree.root / label)
    (tmp_path / "root/empty").mkdir()
    partition["TRAIN_SET"].append("empty")
    (tmp_path / "parts.json").write_text(json.dumps(partition))
    data = {"data_cfg__dataset_root": str(tmp_path / "root"), "data_cfg__dataset_partition": str(tmp_path / "parts.json")}
    prepare(variant(files["GaitBase (teacher)"], tmp_path, **data), "train")


def changed(files, folder, **changes):
    return variant(files["MimicGait"], folder, **changes)


def test_a_root_without_sequences(files, tree, tmp_path):
    (tmp_path / "empty").mkdir()
    for phase, half in (("train", "TRAIN_SET"), ("test", "TEST_SET")):
        with pytest.raises(ConfigError, match=rf"empty: no sequence of {half} found \(0 of its [48] subjects have a folder\)"):
            prepare(changed(files, tmp_path, data_cfg__dataset_root=str(tmp_path / "empty")), phase)
    for label in tree.train:
        (tmp_path / "empty" / label / "nm-01" / "090").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"\(8 of its 8 subjects have a folder\)"):
        prepare(changed(files, tmp_path, data_cfg__dataset_root=str(tmp_path / "empty")), "train")


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"TEST_SET": []}), json.dumps({"TRAIN_SET": [1], "TEST_SET": []})])
def test_a_wrong_partition(files, tmp_path, text):
    (tmp_path / "parts.json").write_text(text)
    with pytest.raises(ConfigError, match=r"parts\.json: not a JSON file with the lists TRAIN_SET and TEST_SET"):
        prepare(changed(files, tmp_path, data_cfg__dataset_partition=str(tmp_path / "parts.json")), "train")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_partition_saved_by_windows_is_read_as_the_host_reads_it(files, tree, tmp_path, encoding):
    (tmp_path / "parts.json").write_text(tree.partition.read_text(), encoding=encoding)
    cfgs = {"data_cfg": {"dataset_partition": str(tmp_path / "parts.json")}}
    assert partition_of(cfgs) == json.loads(tree.partition.read_text())


@pytest.mark.parametrize(
    ("size", "message"),
    [([9, 2], r"\[9, 2\] asks for 9 subjects in a batch, but TRAIN_SET has 8"), (16, "16; TripletSampler takes"), ([4, 0], "takes")],
)
def test_an_impossible_batch(files, tmp_path, size, message):
    with pytest.raises(ConfigError, match=rf"trainer_cfg\.sampler\.batch_size = .*{message}"):
        prepare(changed(files, tmp_path, trainer_cfg__sampler__batch_size=size), "train")
    prepare(changed(files, tmp_path, trainer_cfg__sampler__batch_size=size), "embed")  # a test draws no such batch


def test_a_batch_that_cannot_be_dealt_to_the_processes(files, tmp_path, monkeypatch):
    monkeypatch.setattr(config_checks, "rank_and_world", lambda: (0, 3))
    with pytest.raises(ConfigError, match=r"batch_size = \[4, 2\]: its 8 clips cannot be dealt to 3 processes"):
        prepare(changed(files, tmp_path, trainer_cfg__sampler__batch_size=[4, 2]), "train")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scheduler_cfg__milestones": "20000, 40000"}, r"milestones = '20000, 40000'; expected a list of steps"),
        ({"scheduler_cfg__milestones": [2.5]}, r"milestones = \[2\.5\]; expected a list of steps"),
        ({"optimizer_cfg__lr": "0.002"}, r"optimizer_cfg: Adam with lr = '0\.002', .*cannot be made"),
        ({"scheduler_cfg": {"scheduler": "OneCycleLR"}}, r"scheduler_cfg: OneCycleLR with no arguments cannot be made: .*max_lr"),
    ],
)
def test_a_schedule_that_torch_cannot_make(files, tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        prepare(changed(files, tmp_path, **changes), "train")
