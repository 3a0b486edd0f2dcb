"""Bad YAML and partition files: refused with the file, the key and a way out, before anything is written."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.fault("bad YAML")

TEXTS = {
    "a tab": ("data_cfg:\n\tdataset_name: x\n", ["cannot read"]),
    "an open bracket": ("data_cfg: {dataset_name: [x\n", ["cannot read"]),
    "a list": ("- data_cfg\n", ["mapping"]),
    "empty": ("", ["mapping"]),
    "not text": (b"\xff\xfe\x00\x01\x80", ["cannot read"]),
    "code": ("data_cfg: !!python/object/apply:os.mkdir [was_run]\n", ["cannot read", "os.mkdir"]),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_file_that_is_no_configuration(user, case):
    text, words = TEXTS[case]
    file = user.folder / "mine.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    user.train(file).refused(file.name, *words)
    assert not (user.folder / "was_run").exists() and not user.out.exists()


def test_a_folder_in_the_place_of_the_file(user):
    (user.folder / "mine.yaml").mkdir()
    user.train(user.folder / "mine.yaml").refused("mine.yaml")


def test_a_file_that_is_not_there(user):
    user.train("nowhere.yaml").refused("--cfgs", "nowhere.yaml not found")


CHANGES = {
    "unknown key": ("MimicGait", {"trainer_cfg__total_iters": 5}, ["trainer_cfg.total_iters", "total_iter"]),
    "wrong type": ("MimicGait", {"trainer_cfg__total_iter": "many"}, ["trainer_cfg.total_iter", "many"]),
    "out of range": ("MimicGait", {"loss_cfg__0__margin": -1}, ["margin", "-1"]),
    "an unknown loss": ("MimicGait", {"loss_cfg__0__type": "MickyLoss"}, ["MickyLoss"]),
    "an unknown model": ("MimicGait", {"model_cfg__model": "MimikGait"}, ["MimikGait", "MimicGait"]),
    "a block that is none": ("MimicGait", {"trainer_cfg__sampler": 7}, ["trainer_cfg.sampler", "7"]),
    "P x K that cannot be": ("MimicGait", {"trainer_cfg__sampler__batch_size": [400, 4]}, ["batch_size", "400"]),
    "no such data": ("MimicGait", {"data_cfg__dataset_root": "/nowhere"}, ["data_cfg.dataset_root", "/nowhere"]),
    "the placeholder": ("MimicGait", {"data_cfg__dataset_root": "your_path"}, ["data_cfg.dataset_root", "your_path"]),
    "no such teacher": ("MimicGait", {"model_cfg__teacher__cfgs": "nowhere.yaml"}, ["model_cfg.teacher", "nowhere.yaml"]),
    "no such iteration": ("MimicGait", {"trainer_cfg__restore_hint": 77}, ["restore_hint", "77"]),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_wrong_value(user, case):
    stage, changes, words = CHANGES[case]
    user.train(user.yaml(stage, **changes)).refused(*words)


def test_a_repeated_key(user):
    file = user.yaml("MimicGait")
    file.write_text(file.read_text() + "trainer_cfg: {}\n")
    user.train(file).refused("trainer_cfg", file.name)


PARTITIONS = {
    "not JSON": ('{"TRAIN_SET": [', ["parts.json"]),
    "a list": ("[]", ["parts.json"]),
    "without TRAIN_SET": ('{"TEST_SET": ["0001"]}', ["parts.json", "TRAIN_SET"]),
    "of other identities": ('{"TRAIN_SET": ["9001"], "TEST_SET": ["9002"]}', ["TRAIN_SET", "9001"]),
}


@pytest.mark.parametrize("case", PARTITIONS)
def test_a_wrong_partition(user, case):
    text, words = PARTITIONS[case]
    file = user.folder / "parts.json"
    file.write_text(text)
    user.train(user.yaml(data_cfg__dataset_partition=str(file))).refused(*words)
