"""Bad YAML and partition files: refused with the file, the key and a way out, before anything is written."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("data_cfg:\n\tdataset_name: x\n", ["cannot read"]),
        ("", ["mapping"]),
        ("data_cfg: !!python/object/apply:os.mkdir [was_run]\n", ["cannot read", "os.mkdir"]),
    ],
    ids=["a tab", "empty", "code"],
)
def test_a_file_that_is_no_configuration(user, text, words):
    file = user.folder / "mine.yaml"
    file.write_text(text)
    user.train(file).refused(file.name, *words)
    assert not (user.folder / "was_run").exists() and not user.out.exists()


def test_a_file_that_is_not_there_and_a_folder_in_its_place(user):
    user.train("nowhere.yaml").refused("--cfgs", "nowhere.yaml not found")
    (user.folder / "mine.yaml").mkdir()
    user.train(user.folder / "mine.yaml").refused("mine.yaml")


CHANGES = {
    "unknown key": ({"trainer_cfg__total_iters": 5}, ["trainer_cfg.total_iters", "total_iter"]),
    "out of range": ({"loss_cfg__0__margin": -1}, ["margin", "-1"]),
    "an unknown model": ({"model_cfg__model": "MimikGait"}, ["MimikGait", "MimicGait"]),
    "P x K that cannot be": ({"trainer_cfg__sampler__batch_size": [400, 4]}, ["batch_size", "400"]),
    "no such data": ({"data_cfg__dataset_root": "/nowhere"}, ["data_cfg.dataset_root", "/nowhere"]),
    "no such teacher": ({"model_cfg__teacher__cfgs": "nowhere.yaml"}, ["model_cfg.teacher", "nowhere.yaml"]),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_wrong_value(user, case):
    changes, words = CHANGES[case]
    user.train(user.yaml("MimicGait", **changes)).refused(*words)


@pytest.mark.parametrize(
    ("text", "words"),
    [('{"TRAIN_SET": [', ["parts.json"]), ('{"TRAIN_SET": ["9001"], "TEST_SET": ["9002"]}', ["TRAIN_SET", "9001"])],
    ids=["not JSON", "of other identities"],
)
def test_a_wrong_partition(user, text, words):
    file = user.folder / "parts.json"
    file.write_text(text)
    user.train(user.yaml(data_cfg__dataset_partition=str(file))).refused(*words)
