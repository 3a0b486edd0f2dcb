"""Run sheets: what stands beside a checkpoint and a result, and what becomes of it when a training goes on."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from opengait_mimic import run_sheet
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.base.versions import UNKNOWN, commit_of, is_dirty
from opengait_mimic.models.prepare import prepare
from opengait_mimic.run_sheet import beside, of_checkpoint, read_sheet
from opengait_mimic.run_sheet.machine import command as command_line
from opengait_mimic.run_sheet.plans import batch
from opengait_mimic.training.inputs import checkpoint_at, sha256, training_inputs
from opengait_mimic.training.launch import launch
from opengait_mimic.training.trained_on import history

TEACHER = "GaitBase (teacher)"


def checkpoint(file, at: int = 3) -> Path:
    return checkpoint_at(prepare(file, "train"), at)


@pytest.fixture(scope="module")
def sheets(trained):
    """The sheet beside every stage's checkpoint."""
    return {stage: json.loads(beside(checkpoint(file)).read_text()) for stage, file in trained.files.items()}


def test_every_checkpoint_has_a_sheet_of_its_own(sheets, trained, host):
    for stage, file in trained.files.items():
        sheet, cfgs = sheets[stage], prepare(file, "train")
        written = yaml.safe_load(file.read_text())
        assert sheet["what"] == "training" and (sheet["iteration"], sheet["of"]) == (3, 3)
        assert sheet["checkpoint"] == sha256(checkpoint(file)) == run_of(file)["checkpoints"]["3"]
        assert sheet["inputs"] == training_inputs(cfgs) == run_of(file)["inputs"] and sheet["trained_on"] == history(cfgs)
        p, k = written["trainer_cfg"]["sampler"]["batch_size"]
        seen = "no such layer" if stage == "VEN" else p * k
        assert sheet["batch"] == {"clips": p * k, "P": p, "K": k, "per_process": p * k, "batchnorm": seen}
        assert (sheet["precision"], sheet["seed"]) == ("float32", 0)
        assert sheet["config"]["optimizer_cfg"]["lr"] == written["optimizer_cfg"]["lr"]
        (start,) = sheet["starts"]
        assert (start["iteration"], start["processes"], start["changed"]) == (0, 1, [])
        machine = sheet["machine"]
        for name in ("numpy", "kornia"):
            assert machine["versions"][name] == importlib.metadata.version(name)
        assert machine["versions"]["torch"] == torch.__version__ and machine["devices"] == ["cpu"]
        assert machine["threads"] == torch.get_num_threads()
        assert (machine["host"]["name"], machine["host"]["commit"]) == (host.name, host.commit)


def run_of(file) -> dict:
    """The record in the folder of a configuration's training."""
    return json.loads((checkpoint(file).parents[1] / "training.json").read_text())


def test_a_mimics_sheet_tells_how_its_teacher_and_ven_were_trained(sheets, trained):
    upstream = sheets["MimicGait"]["upstream"]
    for key, stage in (("teacher", TEACHER), ("ven", "VEN")):
        assert upstream[key]["checkpoint"] == sha256(checkpoint(trained.files[stage]))
        for fact in ("inputs", "starts", "machine", "iteration"):
            assert upstream[key][fact] == sheets[stage][fact]
    assert sheets[TEACHER]["upstream"] == sheets["Baseline-2"]["upstream"] == {}


def test_a_save_reads_nothing_again(trained, sheets, monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise AssertionError("read again")

    for name in ("training_inputs", "sha256", "machine", "history", "of_test"):
        monkeypatch.setattr(run_sheet.training, name, refuse)
    cfgs, model = prepare(trained.files["MimicGait"], "train"), trained.models["MimicGait"]
    run_sheet.write_beside(tmp_path / "x-00003.pt", cfgs, getattr(model, "module", model), "sha256:0")
    found = read_sheet(tmp_path / "x-00003.run.json")
    assert {key for key in found if found[key] != sheets["MimicGait"][key]} <= {
        "checkpoint",
        "date",
        "batches",
    }  # other tests draw from its loader


def test_a_training_that_goes_on_keeps_its_history_and_says_what_changed(files, host, tmp_path):
    cfgs = yaml.safe_load(files["VEN"].read_text())
    cfgs["trainer_cfg"].update(save_name="VEN-history", total_iter=2, save_iter=1)
    cfgs["evaluator_cfg"].update(save_name="VEN-history", restore_hint=2)
    file = tmp_path / "ven.yaml"
    file.write_text(yaml.safe_dump(cfgs))
    launch(file, "train", quiet=True)
    first = of_checkpoint(checkpoint(file, 1))
    launch(file, "train", 1, quiet=True, resume=True)
    again = of_checkpoint(checkpoint(file, 2))
    assert again["inputs"] == first["inputs"] and again["starts"][:-1] == first["starts"]
    assert (again["starts"][-1]["iteration"], again["starts"][-1]["changed"]) == (1, [])
    cfgs["optimizer_cfg"]["lr"] = 0.5
    file.write_text(yaml.safe_dump(cfgs))
    launch(file, "train", 1, quiet=True, resume=True)
    other = of_checkpoint(checkpoint(file, 2))
    assert [start["changed"] for start in other["starts"]] == [[], ["optimizer_cfg.lr: 0.001 -> 0.5"]]
    assert other["inputs"]["optimizer_cfg"]["lr"] == 0.001  # what it began with
    for kept in (beside(checkpoint(file, 1)), checkpoint(file, 1).parents[1] / "training.json"):
        kept.unlink()
    launch(file, "train", 1, quiet=True, resume=True)
    (start,) = of_checkpoint(checkpoint(file, 2))["starts"]
    assert (start["iteration"], start["changed"]) == (1, None)  # of what made it nothing is known


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda sheet: sheet.pop("inputs"), "inputs: missing"),
        (lambda sheet: sheet["inputs"]["trainer_cfg"].pop("restore_hint"), "inputs.trainer_cfg.restore_hint: missing"),
        (lambda sheet: sheet.update(starts=3), "starts = 3; expected a list"),
    ],
)
def test_a_sheet_that_was_edited_is_told_by_file_and_key(sheets, trained, tmp_path, edit, told):
    file = checkpoint_at(prepare(trained.files["MimicGait"], "train"), 3)
    shutil.copy(file, tmp_path / "x.pt")
    sheet = json.loads(beside(file).read_text())
    edit(sheet)
    beside(tmp_path / "x.pt").write_text(json.dumps(sheet))
    with pytest.raises(ConfigError) as caught:
        of_checkpoint(tmp_path / "x.pt")
    assert str(caught.value).startswith(f"{tmp_path / 'x.run.json'}: {told}") and "delete it" in str(caught.value)


def test_a_record_stands_in_for_a_sheet_that_is_gone_or_of_another_file(trained, sheets, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(checkpoint(trained.files["MimicGait"]).parents[1], folder)
    (file,) = (folder / "checkpoints").glob("*.pt")
    whole = sheets["MimicGait"]
    assert of_checkpoint(file) == whole
    beside(file).write_text(json.dumps({**whole, "checkpoint": "sha256:1"}))
    found = of_checkpoint(file)
    for key in ("inputs", "iteration", "trained_on", "batch", "seed"):
        assert found[key] == whole[key]
    assert found["starts"] == [] and found["machine"]["processes"] == 1
    (folder / "training.json").unlink()
    assert of_checkpoint(file) is None
    beside(file).write_text("{")
    with pytest.raises(ConfigError, match="run.json: not JSON"):
        of_checkpoint(file)
    beside(file).write_text('{"format": "opengait-mimic run", "format_version": 9}')
    with pytest.raises(ConfigError, match="format_version = 9; this version reads 1"):
        of_checkpoint(file)
    beside(file).write_text("[]")
    with pytest.raises(ConfigError, match='not a run sheet; expected "format"'):
        of_checkpoint(file)


def test_a_result_says_what_was_tested_and_what_trained_it(command, trained, sheets, tmp_path):
    assert command(trained.files["MimicGait"], "--out", tmp_path / "out", "--json", tmp_path / "mimic.json") == 0
    for result, sheet in (("out/results.json", "out/run.json"), ("mimic.json", "mimic.run.json")):
        found = read_sheet(tmp_path / sheet)
        assert found["what"] == "test" and found["training"] == sheets["MimicGait"]
        assert found["provenance"] == json.loads((tmp_path / result).read_text())["provenance"]
        assert found["checkpoint"] == found["provenance"]["checkpoint"] == sheets["MimicGait"]["checkpoint"]
        assert found["test"] == sheets["MimicGait"]["test"]


@pytest.mark.parametrize(
    ("size", "sync", "processes", "wanted"),
    [
        ([32, 4], True, 4, (128, 32, 128)),
        ([32, 4], False, 4, (128, 32, 32)),
        ([32, 4], True, None, (128, None, 128)),
        ([32, 4], False, None, (128, None, None)),
        (48, False, 2, (48, 24, 24)),
    ],
)
def test_the_batch_that_a_step_and_a_batchnorm_see(size, sync, processes, wanted):
    found = batch({"trainer_cfg": {"sampler": {"batch_size": size}, "sync_BN": sync}}, processes)
    assert (found["clips"], found["per_process"], found["batchnorm"]) == wanted


def test_git_tells_a_changed_file_from_a_new_one(tmp_path):
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


def test_the_command_is_kept_as_it_was_given(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.setattr(sys, "argv", ["/some/where/opengait_mimic/__main__.py", "--cfgs", "a b.yaml", "--iter", "3"])
    assert command_line() == {"command": ["python -m opengait_mimic", "--cfgs", "a b.yaml", "--iter", "3"], "launcher": None}
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setattr(sys, "argv", ["/bin/opengait-mimic", "pipeline"])
    assert command_line() == {"command": ["opengait-mimic", "pipeline"], "launcher": "torchrun"}
