"""Bad checkpoints: refused with the file and what is wrong with it, wherever they are named; none is run."""

from __future__ import annotations

import os

import pytest
import torch

from tests.faults.conftest import TEACHER


class Malicious:
    """Makes a folder when it is read."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def flipped(file, _):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def folder(file, _):
    file.unlink()
    file.mkdir()


def malicious(file, marker):
    state = torch.load(file, weights_only=True)
    torch.save({**state, "note": Malicious(marker)}, file)


def without_weights(file, _):
    torch.save({"epoch": 3}, file)


def other_widths(file, _):
    state = torch.load(file, weights_only=True)
    state["model"] = {name: value[:1] if value.dim() else value for name, value in state["model"].items()}
    torch.save(state, file)


BAD = {
    "truncated": (lambda file, _: os.truncate(file, file.stat().st_size // 2), "cut short"),
    "zero bytes": (lambda file, _: os.truncate(file, 0), "0 bytes"),
    "a flipped bit": (flipped, "damaged"),
    "a folder": (folder, ""),
    "a web page": (lambda file, _: file.write_text("<!doctype html>"), "web page"),
    "another program's": (lambda file, _: file.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64)), "torch"),
    "a list": (lambda file, _: torch.save([1, 2], file), "checkpoint"),
    "no weights": (without_weights, "model"),
    "malicious": (malicious, "mkdir"),
    "of other widths": (other_widths, ""),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("where", ["test", "teacher"])
def test_a_file_that_is_no_checkpoint(user, case, where):
    spoil, word = BAD[case]
    user.has(TEACHER, "VEN")
    file, marker = user.checkpoint(TEACHER), user.folder / "was run"
    spoil(file, marker)
    if where == "test":
        outcome = user.train(user.yaml(), "--phase", "test", "--iter", 3)
    else:
        outcome = user.train(user.yaml("MimicGait", model_cfg__teacher__checkpoint=str(file)))
    outcome.refused(file.name, word)
    assert not marker.exists(), "the checkpoint was run"


ROLES = {
    "a VEN as teacher": ("VEN", "model_cfg__teacher__checkpoint"),
    "a teacher as VEN": (TEACHER, "model_cfg__ven__checkpoint"),
    "a mimic as teacher": ("MimicGait", "model_cfg__teacher__checkpoint"),
    "a teacher to go on from": (TEACHER, "trainer_cfg__restore_hint"),
}


@pytest.mark.parametrize("case", ROLES)
def test_a_checkpoint_of_the_wrong_role(user, case):
    given, key = ROLES[case]
    user.has(TEACHER, "VEN", "MimicGait")
    user.train(user.yaml("MimicGait", **{key: str(user.checkpoint(given))})).refused(".".join(key.split("__")[:2]))


def test_a_checkpoint_that_is_not_there(user):
    user.has(TEACHER)
    user.train(user.yaml(), "--phase", "test", "--iter", 7).refused("00007.pt", "GaitBase-seed0-00003.pt")


@pytest.mark.slow
def test_resume_auto_passes_a_damaged_one_by(user):
    """The newest is half written; the training goes on from the one before, and says which it leaves out."""
    user.has(TEACHER)
    older = user.checkpoint().read_bytes()
    more = user.yaml(trainer_cfg__total_iter=6)
    assert user.train(more, "--resume", "auto").status == 0
    assert user.checkpoint().read_bytes() == older
    whole = torch.load(user.checkpoint(iteration=6), weights_only=True)["model"]
    os.truncate(user.checkpoint(iteration=6), 1000)
    outcome = user.train(more, "--resume", "auto")
    assert outcome.status == 0 and "GaitBase-seed0-00006.pt" in outcome.text and "iteration 3" in outcome.text
    again = torch.load(user.checkpoint(iteration=6), weights_only=True)["model"]
    assert all(torch.equal(whole[name], again[name]) for name in whole)


PARTS = [*(("optimizer", value) for value in ({}, 3)), *(("scheduler", value) for value in (None, {}, {"last_epoch": "x"}))]


@pytest.mark.parametrize(("key", "value"), PARTS, ids=[f"{key}={value!r}" for key, value in PARTS])
def test_an_optimiser_or_a_schedule_that_does_not_fit(user, key, value):
    user.has(TEACHER)
    state = torch.load(user.checkpoint(), weights_only=True)
    torch.save({**state, key: value}, user.checkpoint())
    user.train(user.yaml(trainer_cfg__total_iter=6), "--resume", "auto").refused(user.checkpoint(), key)
