"""Output that cannot be written, also by root: a file in the place of a folder, a folder in the place of a file, a read-only disk."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import torch

from tests.faults.conftest import TEACHER


@pytest.mark.parametrize("where", ["output", "the run", "its checkpoints", "its log"])
def test_a_file_in_the_place_of_a_folder(user, where):
    run = user.run()
    place = {"output": user.out, "the run": run, "its checkpoints": run / "checkpoints", "its log": run / "logs"}[where]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("mine")
    user.train(user.yaml(), "--log_to_file").refused(place, *["is a file, not a folder"] * (where == "output"))
    assert place.read_text() == "mine"


def test_a_folder_in_the_place_of_a_checkpoint(user):
    (user.checkpoint() / "mine").mkdir(parents=True)
    user.train(user.yaml()).refused(user.checkpoint().name)


def test_a_folder_in_the_place_of_the_record(user):
    (user.checkpoint().with_suffix(".run.json") / "mine").mkdir(parents=True)
    user.train(user.yaml()).refused("GaitBase-seed0-00003.run.json")
    assert torch.load(user.checkpoint(), weights_only=True)["iteration"] == 3, "the checkpoint, which has the record, is written first"


@pytest.mark.parametrize("word", ["--json", "--save-manifest", "--out"])
def test_results_below_a_file(user, word):
    user.has(TEACHER)
    (user.folder / "file").write_text("mine")
    user.command("evaluate", user.yaml(), word, user.folder / "file" / "result.json").refused(user.folder / "file")


def test_kept_embeddings_below_a_file(user):
    user.has(TEACHER)
    (user.run() / "embeddings").write_text("mine")
    user.command("evaluate", user.yaml()).refused("embeddings")


def test_a_read_only_disk(user):
    """As a full or failing disk is often mounted again; root cannot write there either."""
    user.out.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(user.out)], capture_output=True).returncode:
        pytest.skip("mounting needs rights that this user lacks")
    try:
        shutil.copytree(user.trained / "walkers/Baseline/GaitBase-seed0", user.run(), ignore=shutil.ignore_patterns("training.lock"))
        subprocess.run(["mount", "-o", "remount,ro", str(user.out)], check=True)
        user.train(user.yaml(trainer_cfg__total_iter=6), "--resume", "auto").refused(user.run(), "Read-only")
    finally:
        subprocess.run(["umount", "-l", str(user.out)], check=True)
