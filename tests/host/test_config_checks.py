"""Checks that need the data set or the host's classes: what they refuse, before anything is built."""

from __future__ import annotations

import json
import re

import pytest

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.host import load_cfgs
from opengait_mimic.host.config_checks import partition_of
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import launch, try_out
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


@pytest.mark.parametrize(
    ("engine", "change", "text"),
    [
        ("trainer_cfg", {"sample_type": "fixed_ordered"}, "frames_skip_num: missing; sample_type fixed_ordered needs it; 0 draws frames"),
        ("trainer_cfg", {"sample_type": "fixed_random"}, "sample_type = 'fixed_random'; allowed: "),
        ("trainer_cfg", {"sample_type": "unfixed_ordered", "frames_num_min": 9, "frames_num_max": 4}, "frames_skip_num: missing; "),
        ("trainer_cfg", {"sample_type": "unfixed_unordered", "frames_num_min": 9, "frames_num_max": 4}, "frames_num_min = 9 is above "),
        ("evaluator_cfg", {"sample_type": "fixed_ordered", "frames_num_fixed": 4}, "frames_skip_num: missing; sample_type fixed_ordered"),
    ],
)
def test_frame_sampling_that_the_host_does_not_take(files, tmp_path, engine, change, text):
    """The host's own collate function is asked, before the first step, for a host's model and for ours."""
    for stage in ("GaitBase (teacher)", "MimicGait"):
        changes = {"frames_skip_num": ..., **change}
        file = variant(files[stage], tmp_path, **{f"{engine}__sampler__{key}": value for key, value in changes.items()})
        with pytest.raises(ConfigError, match=re.escape(f"{file}: {engine}.sampler.{text}")):
            prepare(file, "train")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"SeparateBNNecks__dropout_rate": 0.3},
            "model_cfg.SeparateBNNecks.dropout_rate: SeparateBNNecks takes no dropout_rate; it takes parts_num, in_channels",
        ),
        ({"SeparateFCs": ...}, "cannot be built: it asks for the key 'SeparateFCs'"),
        ({"backbone_cfg__type": "ResNet99"}, "cannot be built: model_cfg.backbone_cfg.type = ResNet99: AttributeError in "),
        ({"SeparateFCs__in_channels": "32"}, "cannot be built: TypeError in modules.py, line "),
    ],
)
@pytest.mark.parametrize("phase", ["train", "preflight"])
def test_a_host_model_that_cannot_be_built(files, tmp_path, change, text, phase):
    """Its key is named, without a request to report it."""
    file = variant(files["GaitBase (teacher)"], tmp_path, **{f"model_cfg__{key}": value for key, value in change.items()})
    with pytest.raises(ConfigError, match=re.escape(text)) as error:
        launch(file, "train") if phase == "train" else try_out(file)
    assert str(error.value).startswith(f"{file}: model_cfg.model = Baseline ") and "report" not in str(error.value)


def test_model_keys_without_effect_are_named(files, tmp_path, caplog):
    changes = {"model_cfg__dropout": 0.2, "model_cfg__backbone_cfg__dropout": 0.1}
    load_cfgs(variant(files["GaitBase (teacher)"], tmp_path, **changes))
    assert caplog.text.strip().endswith("unless the model does: model_cfg.dropout, model_cfg.backbone_cfg.dropout")
