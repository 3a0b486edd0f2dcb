"""``opengait-mimic convert``: says what an old file would run, and writes what is left without it."""

from __future__ import annotations

import argparse
import os
import re

import numpy as np
import pytest
import torch

from opengait_mimic.base import checkpoint_file as checkpoints
from opengait_mimic.base.errors import CheckpointError
from opengait_mimic.cli import main
from tests.base.test_checkpoint_file import Runs
from tests.training.runs import differing

OLD = {
    "model": {"a": torch.arange(3.0)},
    "optimizer": {"lr": np.float64(0.1)},
    "args": argparse.Namespace(lr=0.1, steps=np.arange(2)),
    "iteration": np.int64(3),
}
NEW = {"model": {"a": torch.arange(3.0)}, "optimizer": {"lr": 0.1}, "args": {"lr": 0.1, "steps": torch.arange(2)}, "iteration": 3}


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}])
def test_an_old_file_is_converted_when_it_is_trusted(tmp_path, capsys, how):
    old, new = tmp_path / "old.pt", tmp_path / "new" / "new.pt"
    torch.save(OLD, old, **how)
    assert main(["convert", str(old), "--out", str(new)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{old} holds more than tensors and plain values. Reading it imports and may call:"
    assert "  argparse.Namespace" in said and any(line.startswith("  numpy.") for line in said)
    assert "the same command with --trust" in said[-1]
    assert not new.exists()
    assert main(["convert", str(old), "--out", str(new), "--trust"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"written: {new}, which is read with weights_only=True"
    assert differing(checkpoints.read(new, "test"), NEW) == []


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}])
def test_nothing_runs_and_what_torch_blocks_does_not_run_with_trust_either(tmp_path, capsys, how):
    old, new, ran = tmp_path / "old.pt", tmp_path / "new.pt", tmp_path / "ran"
    torch.save({**NEW, "hook": Runs(ran)}, old, **how)
    assert main(["convert", str(old), "--out", str(new)]) == 1
    assert f"  {os.mkdir.__module__}.mkdir\n" in capsys.readouterr().out and not ran.exists() and not new.exists()
    with pytest.raises(SystemExit, match="cannot be read by torch's safe loader: .*is blocked"):
        main(["convert", str(old), "--out", str(new), "--trust"])
    assert not ran.exists() and not new.exists()


@pytest.mark.parametrize("value", [range(3), slice(1, 2), object()])
def test_built_in_objects_are_left_out(tmp_path, capsys, value):
    old, new = tmp_path / "old.pt", tmp_path / "new.pt"
    torch.save({**NEW, "more": value}, old)
    assert main(["convert", str(old), "--out", str(new)]) == 1
    assert re.search(r"^  builtins\.\w+$", capsys.readouterr().out, re.M)
    assert main(["convert", str(old), "--out", str(new), "--trust"]) == 0
    assert differing(checkpoints.read(new, "test"), {**NEW, "more": None}) == []


def test_what_has_no_plain_form_is_named_and_left_out(tmp_path, capsys):
    old, new = tmp_path / "old.pt", tmp_path / "new.pt"
    torch.save({"model": torch.nn.Linear(2, 1), "clock": np.datetime64("2020-01-01"), "iteration": 3}, old)
    assert main(["convert", str(old), "--out", str(new), "--trust"]) == 0
    assert "left out, it has no plain form: clock: numpy.datetime64\n" in capsys.readouterr().out
    assert list(checkpoints.read(new, "test")["model"]) == ["weight", "bias"], "of a whole module its weights"


@pytest.mark.parametrize("trusted", [False, True])
def test_bare_weights_go_under_model(tmp_path, capsys, trusted):
    """A state dict needs no trust, a pickled module does; the loader says where to go with the former."""
    old, new = tmp_path / "old.pt", tmp_path / "new.pt"
    net = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.BatchNorm1d(1))
    torch.save(net if trusted else net.state_dict(), old)
    if not trusted:
        with pytest.raises(CheckpointError, match=rf"a `model` entry\).*`opengait-mimic convert {old} --out NEW.pt` writes them under"):
            checkpoints.read(old, "test")
    assert main(["convert", str(old), "--out", str(new), *["--trust"][:trusted]]) == 0
    assert "bare weights: they are written under `model`" in capsys.readouterr().out
    torch.nn.Module.load_state_dict(net, checkpoints.read(new, "test")["model"], strict=True)


@pytest.mark.parametrize("bare", [False, True])
def test_what_wraps_a_network_is_taken_off(tmp_path, capsys, bare):
    old, new = tmp_path / "old.pt", tmp_path / "new.pt"
    net = torch.nn.DataParallel(torch.nn.Linear(2, 1))
    torch.save(net.state_dict() if bare else {"model": net.state_dict(), "iteration": 3}, old)
    assert main(["convert", str(old), "--out", str(new)]) == 0
    assert "module. is taken off the names of the weights\n" in capsys.readouterr().out
    found = torch.load(new, weights_only=True)
    assert differing(dict(found["model"]), dict(net.module.state_dict())) == [] and found.get("iteration") == (None if bare else 3)


def test_what_is_no_checkpoint_is_called_none(tmp_path, capsys):
    old, new = tmp_path / "old.pt", tmp_path / "new.pt"
    one = {"a": torch.zeros(1)}
    for content in ({"epoch": 3}, {"one": one, "two": one}):
        torch.save(content, old)
        with pytest.raises(SystemExit, match="has no `model` entry. Save its weights"):
            main(["convert", str(old), "--out", str(new)])
        assert not new.exists()


def test_another_programs_entry_of_weights_goes_under_model(tmp_path, capsys):
    old, new = tmp_path / "old.pt", tmp_path / "new.pt"
    torch.save({"state_dict": {"module.a": torch.zeros(1)}, "epoch": 3}, old)
    with pytest.raises(CheckpointError, match=r"it has the keys state_dict, epoch\. It holds weights: `opengait-mimic convert "):
        checkpoints.read(old, "test")
    assert main(["convert", str(old), "--out", str(new)]) == 0
    assert list(checkpoints.read(new, "test")["model"]) == ["a"]


def test_what_needs_no_conversion_or_cannot_have_one(tmp_path, capsys, monkeypatch):
    old, new = tmp_path / "old.pt", tmp_path / "new.pt"
    torch.save(NEW, old)
    assert main(["convert", str(old), "--out", str(new)]) == 0
    assert "it is read as it is, and nothing is written" in capsys.readouterr().out and not new.exists()
    new.write_bytes(b"mine")
    with pytest.raises(SystemExit, match="--out .*new.pt exists"):
        main(["convert", str(old), "--out", str(new), "--trust"])
    assert new.read_bytes() == b"mine"
    old.write_bytes(old.read_bytes()[:500])
    for file, said in ((old, "is cut short"), (tmp_path / "nowhere.pt", "cannot be read: No such file"), (new, "is no file of torch's")):
        with pytest.raises(SystemExit, match=f"error: {file} {said}"):
            main(["convert", str(file), "--out", str(tmp_path / "x.pt"), "--trust"])
    kind = type("Gone", (), {"__module__": "numpy"})
    monkeypatch.setattr(np, "Gone", kind, raising=False)
    torch.save({"model": kind()}, old)
    monkeypatch.undo()
    with pytest.raises(SystemExit, match="needs a package that is missing: .*Gone.*PYTHONPATH"):
        main(["convert", str(old), "--out", str(tmp_path / "x.pt"), "--trust"])
