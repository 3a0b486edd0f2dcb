"""Checks that need the data set or the host's classes: what they refuse, before anything is built."""

from __future__ import annotations

import json

import pytest

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.host.config_checks import partition_of
from opengait_mimic.models.prepare import prepare
from tests.variants import variant


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


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_partition_saved_by_windows_is_read_as_the_host_reads_it(files, tree, tmp_path, encoding):
    (tmp_path / "parts.json").write_text(tree.partition.read_text(), encoding=encoding)
    cfgs = {"data_cfg": {"dataset_partition": str(tmp_path / "parts.json")}}
    assert partition_of(cfgs) == json.loads(tree.partition.read_text())
