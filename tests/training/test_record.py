"""The record in a checkpoint: what made it, what it builds on, what became of a training that went on. Either host."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys

import pytest
import torch
import yaml

from opengait_mimic import __version__
from opengait_mimic import host as hosts
from opengait_mimic.base import checkpoint_file
from opengait_mimic.base.files import sha256
from opengait_mimic.base.plain_values import differences
from opengait_mimic.base.versions import UNKNOWN, commit_of, is_dirty
from opengait_mimic.host.run_paths import checkpoint_at
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import launch
from opengait_mimic.training.recipe import read_recipe, read_yaml_recipe
from opengait_mimic.training.record import Record, readable, run_json
from tests.variants import variant

TEACHER = "GaitBase (teacher)"


def checkpoint(trained, stage, iteration=3):
    """Of the shared trainings, as they were left."""
    return next(trained.kept.rglob(f"{ {TEACHER: 'GaitBase', 'Baseline-2': 'Baseline2'}.get(stage, stage) }-seed0-{iteration:05d}.pt"))


@pytest.fixture(scope="module")
def entries(trained):
    """The entry of every stage's checkpoint."""
    return {stage: checkpoint_file.entry(checkpoint(trained, stage)) for stage in trained.files}


def test_every_checkpoint_says_what_made_it(entries, trained, host):
    for stage, file in trained.files.items():
        entry, written = entries[stage], yaml.safe_load(file.read_text())
        assert (entry["iteration"], entry["total_iter"], entry["batch"], entry["skipped"]) == (3, 3, 3, 0)
        assert entry["batch_size"] == written["trainer_cfg"]["sampler"]["batch_size"] and entry["seed"] == 0
        assert entry["config"]["optimizer_cfg"]["lr"] == written["optimizer_cfg"]["lr"]
        assert not differences(entry["recipe"], read_recipe(prepare(file, "train")))
        (start,) = entry["starts"]
        assert (start["iteration"], start["processes"], start["changed"]) == (0, 1, [])
        assert (entry["precision"], entry["device"], entry["processes"]) == ("float32", "cpu", 1)
        assert entry["plugin"]["version"] == __version__
        assert (entry["host"]["name"], entry["host"]["commit"]) == (host.name, host.commit)
        assert {name: entry["versions"][name] for name in ("numpy", "kornia")} == {
            name: importlib.metadata.version(name) for name in ("numpy", "kornia")
        }
        seen = [value for value in trained.losses[stage]]
        assert entry["losses"] == [round(seen[0], 4), round(seen[-1], 4)], "a tenth of three steps is one step"


def test_a_mimic_names_the_bytes_of_its_teacher_and_its_ven(entries, trained):
    depends = entries["MimicGait"]["recipe"]["depends"]
    assert depends == {"teacher": sha256(checkpoint(trained, TEACHER)), "ven": sha256(checkpoint(trained, "VEN"))}
    assert entries[TEACHER]["recipe"]["depends"] == entries["Baseline-2"]["recipe"]["depends"] == {}


def test_the_copy_for_people_has_no_tensor(entries, trained):
    for stage in trained.files:
        copy = json.loads(run_json(checkpoint(trained, stage)).read_text())
        assert copy == json.loads(json.dumps(readable(entries[stage]))) and copy["losses"] == entries[stage]["losses"]


def test_a_training_that_goes_on_keeps_its_history(files, host, tmp_path):
    """Also where something changed on the way, and where nothing is known of the start."""
    steps = {"trainer_cfg__save_name": "VEN-history", "trainer_cfg__total_iter": 2, "trainer_cfg__save_iter": 1}
    steps.update(evaluator_cfg__save_name="VEN-history", evaluator_cfg__restore_hint=2)
    file = variant(files["VEN"], tmp_path, **steps)
    place = [None, *(checkpoint_at(prepare(file, "train"), at) for at in (1, 2))]
    launch(file, "train", quiet=True)
    first, whole = (checkpoint_file.entry(each) for each in place[1:])
    launch(file, "train", 1, quiet=True, resume=True)
    again = checkpoint_file.entry(place[2])
    assert again["run"] == first["run"] and again["starts"][:-1] == first["starts"]
    assert (again["starts"][-1]["iteration"], again["starts"][-1]["changed"]) == (1, [])
    assert (again["recipe"], again["config"], again["losses"]) == (whole["recipe"], whole["config"], whole["losses"])
    changed = variant(file, tmp_path, optimizer_cfg__lr=0.5)
    launch(changed, "train", 1, quiet=True, resume=True)
    other = checkpoint_file.entry(place[2])
    assert [start["changed"] for start in other["starts"]] == [[], ["optimizer_cfg.lr: 0.001 -> 0.5"]]
    assert other["run"] != first["run"] and other["recipe"]["depends"]["start"] == sha256(place[1])
    found = torch.load(place[1], weights_only=True)
    del found[checkpoint_file.ENTRY]
    torch.save(found, place[1])
    launch(changed, "train", 1, quiet=True, resume=True)
    (start,) = checkpoint_file.entry(place[2])["starts"]
    assert (start["iteration"], start["changed"]) == (1, None)


@pytest.mark.parametrize("changes", [{}, {"trainer_cfg__seed": 1}], ids=["equal", "another seed"])
def test_one_fingerprint_for_moved_data_and_another_for_changed_ones(trained, tree, tmp_path, changes):
    own = read_yaml_recipe(trained.files["VEN"])[1]
    root = shutil.copytree(tree.root, tmp_path / "again")
    moved = variant(trained.files["VEN"], tmp_path, data_cfg__dataset_root=str(root), **changes)
    assert differences(own, read_yaml_recipe(moved)[1]) == ["trainer_cfg.seed: 0 -> 1"] * len(changes)
    clip = min(root.glob(f"{sorted(tree.train)[0]}/*/*/*.pkl"))
    clip.write_bytes(clip.read_bytes()[:-1] + b"x")
    (line, *_) = differences(own["data"], read_yaml_recipe(moved)[1]["data"])
    assert line.startswith("clips: sha256:")


def test_a_recipe_does_not_need_its_data(trained, tmp_path):
    file = variant(trained.files["MimicGait"], tmp_path, data_cfg__dataset_root="nowhere", model_cfg__ven__checkpoint="gone.pt")
    found = read_yaml_recipe(file)[1]
    assert found["data"]["clips"] is None and found["data"]["identities"] and found["depends"]["ven"] is None


def test_the_command_is_kept_as_it_was_given(trained, host, monkeypatch):
    cfgs = prepare(trained.files["VEN"], "train")
    recipe = read_recipe(cfgs)
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.setattr(sys, "argv", ["/bin/opengait-mimic", "--cfgs", "a b.yaml"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    assert Record(cfgs, {}, recipe).facts["command"] == ["opengait-mimic", "--cfgs", "a b.yaml"]
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert Record(cfgs, {}, recipe).facts["command"][0] == "torchrun"


def test_git_reports_changed_files_and_not_new_ones(tmp_path):
    assert (commit_of(tmp_path), is_dirty(tmp_path)) == (UNKNOWN, None)
    (tmp_path / "a.py").write_text("1")
    author = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "all"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    assert commit_of(tmp_path) != UNKNOWN and is_dirty(tmp_path) is False
    (tmp_path / "b.py").write_text("1")
    assert is_dirty(tmp_path) is False
    (tmp_path / "a.py").write_text("2")
    assert is_dirty(tmp_path) is True
    assert hosts.current().commit
