"""Data that changes under a run: between its start and a batch, between saving and resuming, between training and the test."""

from __future__ import annotations

import json
import os
import pickle

import numpy as np
import pytest

from tests.faults.conftest import TEACHER


def removed(file):
    file.unlink()


def truncated(file):
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[: len(content) // 2])


def of_another_size(file):
    file.unlink()
    file.write_bytes(pickle.dumps(np.zeros((12, 40, 30), np.uint8)))


def a_folder(file):
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("workers", [0, 2], ids="{} workers".format)
@pytest.mark.parametrize("change", [removed, truncated, of_another_size, a_folder], ids=lambda change: change.__name__)
def test_a_file_changes_while_it_trains(user, monkeypatch, change, workers):
    """Every sequence of a subject, after the list of them was made and before the first batch."""
    from opengait_mimic.training import launch

    user.data()
    files = sorted(user.root.glob(f"{user.tree.train[0]}/*/*/*.pkl"))
    made = launch.build

    def build(*words, **named):
        model = made(*words, **named)
        for file in files:
            change(file)
        return model

    monkeypatch.setattr(launch, "build", build)
    whole = {"trainer_cfg__sampler__batch_size": [len(user.tree.train), 4]}  # so that it is in the first batch
    user.train(user.yaml(data_cfg__cache=False, data_cfg__num_workers=workers, **whole)).refused(f"{user.tree.train[0]}/")


def test_the_partition_is_edited_before_it_goes_on(user):
    """Other identities are other classes: another training, not this one's rest."""
    user.has(TEACHER)
    parts = json.loads(user.tree.partition.read_text())
    parts["TRAIN_SET"][-1], parts["TEST_SET"][0] = parts["TEST_SET"][0], parts["TRAIN_SET"][-1]
    file = user.folder / user.tree.partition.name
    file.write_text(json.dumps(parts))
    outcome = user.train(user.yaml(trainer_cfg__total_iter=6, data_cfg__dataset_partition=str(file)), "--resume", "auto")
    outcome.refused("data.identities", "changed since")


def test_data_are_taken_away_before_it_goes_on(user):
    user.has(TEACHER)
    user.data()
    for file in user.root.glob(f"{user.tree.train[0]}/*/*/*.pkl"):
        os.remove(file)
    outcome = user.train(user.yaml(trainer_cfg__total_iter=6), "--resume", "auto")
    outcome.refused("data.clips", "changed since")


def test_the_teacher_is_trained_again_before_the_mimic_goes_on(user):
    """A mimic knows its teacher by a hash of its weights."""
    user.has(TEACHER, "VEN", "MimicGait")
    user.checkpoint().unlink()
    assert user.train(user.yaml(trainer_cfg__seed=5)).status == 0
    user.train(user.yaml("MimicGait", trainer_cfg__total_iter=6), "--iter", 3).refused("teacher")


def test_a_test_sequence_is_taken_away_between_two_evaluations(user):
    """Kept embeddings of the whole test set are not taken for those of the rest."""
    user.has(TEACHER)
    user.data()
    assert user.command("evaluate", user.yaml(), "--json", user.folder / "a.json").status == 0
    gone = [file for file in user.root.glob(f"{user.tree.test[0]}/*/*/*.pkl") if file.parts[-3] != "nm-01"][0]
    gone.unlink()
    gone.parent.rmdir()
    assert user.command("evaluate", user.yaml(), "--json", user.folder / "b.json").status == 0
    a, b = (json.loads((user.folder / name).read_text()) for name in ("a.json", "b.json"))
    assert b["rows"][0]["probes"] == a["rows"][0]["probes"] - 1
