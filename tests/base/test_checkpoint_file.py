"""Checkpoint files: whole or not there; read without running anything; what is told of one that cannot be read."""

from __future__ import annotations

import argparse
import os
import resource
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch

from opengait_mimic.base import checkpoint_file as checkpoints
from opengait_mimic.base.errors import CheckpointError, HostError
from opengait_mimic.base.files import replacing
from opengait_mimic.base.plain_values import to_plain
from opengait_mimic.base.restore_errors import with_reasons
from tests.training.runs import differing

CONTENT = {"model": {"a": torch.arange(3000.0)}, "optimizer": {"lr": 0.1}, "iteration": 3}


class Runs:
    """Would leave a file behind if it were read."""

    def __init__(self, file):
        self.file = str(file)

    def __reduce__(self):
        return os.mkdir, (self.file,)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "some.pt"


def refused(file, key="model_cfg.teacher.checkpoint"):
    """The message of `read` after the file's name."""
    with pytest.raises(CheckpointError) as caught:
        checkpoints.read(file, key)
    message = str(caught.value)
    assert message.startswith(f"{key}: {file} ")
    return message.removeprefix(f"{key}: {file} ")


# ---------------------------------------------------------------- written


def test_what_is_written_is_read_back_and_numpys_numbers_are_pythons(file):
    given = {
        "model": OrderedDict(a=torch.nn.Parameter(torch.randn(3)), b=torch.zeros(2, dtype=torch.bfloat16), _extra_state={"kinds": ["top"]}),
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "lr": np.float64(0.1), "betas": (0.9, np.float32(0.5))},
        "scheduler": {"milestones": Counter([2, 2]), "last": np.int64(4), "flag": np.bool_(True)},
        "iteration": 3,
    }
    checkpoints.write(file, given)
    found = checkpoints.read(file, "test")
    plainly = {
        "model": OrderedDict(a=given["model"]["a"].detach(), b=given["model"]["b"], _extra_state={"kinds": ["top"]}),
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "lr": 0.1, "betas": (0.9, 0.5)},
        "scheduler": {"milestones": Counter([2, 2]), "last": 4, "flag": True},
        "iteration": 3,
    }
    assert differing(found, plainly) == []
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    torch.save(given, file)
    assert refused(file).startswith("holds more than tensors and plain values (numpy."), "as torch.save alone would have it"


def test_the_entry_is_read_without_the_weights(file):
    own = {"format": checkpoints.FORMAT, "batch": 7, "scaler": None, "loss_values": {"first": torch.tensor([0.5, 0.25]), "most": 2}}
    checkpoints.write(file, {**CONTENT, checkpoints.ENTRY: own})
    assert differing(checkpoints.entry(file), own) == []
    checkpoints.write(file, {**CONTENT, checkpoints.ENTRY: {**own, "format": checkpoints.FORMAT + 1}})
    with pytest.raises(CheckpointError, match="newer opengait_mimic .format 3, this one knows 2.: update"):
        checkpoints.entry(file)
    for content in (CONTENT, {**CONTENT, checkpoints.ENTRY: {"format": 1, "record": "{}"}}, {**CONTENT, checkpoints.ENTRY: 7}):
        torch.save(content, file)
        assert checkpoints.entry(file) == {}, "OpenGait's own, an older format, another program's"
    assert checkpoints.entry(file.parent / "nowhere.pt") == {}


def test_what_could_not_be_read_back_is_not_written(file):
    checkpoints.write(file, CONTENT)
    before = file.read_bytes()
    with pytest.raises(CheckpointError, match=r"is not written: .*would hold scheduler\.args: opengait\S+Odd"):
        odd = type("Odd", (), {"__module__": "opengait.x"})()
        checkpoints.write(file, {**CONTENT, "scheduler": {"args": odd}})
    assert file.read_bytes() == before


@pytest.fixture
def small_files():
    """No file of this process may be longer than 8 kB: the system's own error in the middle of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_fails_leaves_the_file_as_it_was_and_nothing_beside_it(file, small_files):
    file.write_bytes(b"before")
    with pytest.raises(HostError, match=rf"cannot write {file}: .*File too large \([\d,.]+ MB free there\)\. Make room, or .*--output"):
        checkpoints.write(file, CONTENT)
    assert file.read_bytes() == b"before" and list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_is_stopped_leaves_the_file_as_it_was(file, call, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    checkpoints.write(file, CONTENT)
    before = file.read_bytes()
    monkeypatch.setattr(os, call, stop)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.write(file, {**CONTENT, "iteration": 4})
    assert file.read_bytes() == before and list(file.parent.iterdir()) == [file]


class Interrupted:
    """A file in whose third write Ctrl-C is pressed, which torch's writer answers with an error of its own."""

    def __init__(self, stream):
        self.stream, self.left, self.flush = stream, 3, stream.flush

    def write(self, data):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return self.stream.write(data)


def test_ctrl_c_in_the_middle_of_a_write_is_ctrl_c(file):
    with pytest.raises(KeyboardInterrupt), replacing(file) as stream:
        torch.save(CONTENT, Interrupted(stream))
    assert not list(file.parent.iterdir())


def test_the_disk_has_it_before_it_has_its_name(file, monkeypatch):
    did = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *words, name=name, real=real: (did.append(name), real(*words))[1])
    checkpoints.write(file, CONTENT)
    assert did == ["fsync", "replace", "fsync"], "the file, its name, the folder that holds the name"


# ---------------------------------------------------------------- read


@pytest.mark.parametrize("zipped", [True, False])
def test_every_beginning_of_a_checkpoint_is_cut_short(file, zipped):
    torch.save(CONTENT, file, _use_new_zipfile_serialization=zipped)
    assert differing(checkpoints.read(file, "test"), CONTENT) == []
    whole = file.read_bytes()
    for length in (20, 100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        assert refused(file).startswith(f"is cut short: it ends after {length} bytes"), length
    file.write_bytes(b"")
    assert refused(file).startswith("is empty (0 bytes)")


def test_a_changed_bit_is_damage(file):
    checkpoints.write(file, CONTENT)
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 16
    file.write_bytes(whole)
    assert refused(file).startswith("is damaged: ") and "does not match its checksum" in refused(file)


def test_a_compressed_archive_that_cannot_be_unpacked_is_damaged(file):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", os.urandom(2000))
    whole = bytearray(file.read_bytes())
    whole[40] |= 7  # of the first block's header: no such kind of block
    file.write_bytes(whole)
    assert refused(file).startswith("is damaged: ")


@pytest.mark.parametrize(
    ("bytes_", "said"),
    [
        (b"hello", "is no file of torch's"),
        (b"\n<!DOCTYPE html><html>", "is no file of torch's, but a web page"),
        (b"version git-lfs/spec/v1\noid sha256:0", "is no file of torch's, but a pointer of Git LFS"),
        (b"\x80\x04}\x94.", "is no file of torch's, but a pickle that another program wrote"),
    ],
)
def test_foreign_files_are_named(file, bytes_, said):
    file.write_bytes(bytes_)
    assert refused(file).startswith(said)


def test_other_archives_missing_files_and_folders_are_named(file, tmp_path):
    np.savez(file.with_suffix(".npz"), a=1)
    assert refused(file.with_suffix(".npz")) == "is a zip archive, but not one that torch.save wrote"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x/data.pkl", b"}.")
        archive.writestr("x/constants.pkl", b"}.")
    assert refused(file) == "is a TorchScript program, not a checkpoint"
    assert refused(tmp_path / "nowhere.pt") == "cannot be read: No such file or directory"
    assert refused(tmp_path) == "cannot be read: Is a directory"


def test_weights_of_a_training_that_diverged_are_refused(file):
    """OpenGait trains on after a NaN and saves it; its test of such weights prints a number at chance."""
    weights = {"a": torch.zeros(2), "b": torch.tensor([1.0, float("nan")]), "mask": torch.tensor(float("-inf"))}
    torch.save({"model": weights}, file)
    assert refused(file).startswith("has NaN in 1 of 3 tensors, such as b: the training that wrote it diverged")


@pytest.mark.parametrize("content", [{"state_dict": {}}, [1, 2], {"model": 3}, {}])
def test_files_without_weights_are_no_checkpoints(file, content):
    torch.save(content, file)
    assert refused(file).startswith("is not an OpenGait checkpoint (a file with a `model` entry): ")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_would_run_something_is_named_and_not_run(file, tmp_path, zipped):
    content = {**CONTENT, "args": Runs(tmp_path / "ran")}
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    assert refused(file) == (
        f"holds more than tensors and plain values ({os.mkdir.__module__}.mkdir). Reading it could run code, so it is not read. If you"
        f" trust its origin: `opengait-mimic convert {file} --out NEW.pt`"
    )
    torch.save(content, file, pickle_protocol=4)
    assert "Unsupported" in refused(file)
    assert not (tmp_path / "ran").exists()


def test_a_plain_value_is_one_that_torch_reads(file):
    """What `plain` lets through is what ``weights_only`` admits; everything else is named."""
    left = []
    values = [1, 0.5, "a", b"b", None, True, 1j, (1, [2]), {1, 2}, torch.float16, torch.Size([2]), torch.device("cpu"), Counter("ab")]
    made = to_plain([*values, argparse.Namespace(a=np.arange(2)), torch.nn.Linear(1, 1), print], "x", left)
    assert left == [f"x.{len(values) + 2}: builtins.builtin_function_or_method"]
    torch.save(made, file)
    found = torch.load(file, weights_only=True)
    assert found[: len(values)] == values and torch.equal(found[len(values)]["a"], torch.arange(2)) and "weight" in found[len(values) + 1]


@pytest.mark.parametrize(
    ("names", "bare", "prefix"),
    [
        (["module.a", "module.b.c"], ["a", "b.c"], "module."),
        (["module.module.a"], ["a"], "module.module."),
        (["_orig_mod.module.a", "_orig_mod.module._extra_state"], ["a", "_extra_state"], "_orig_mod.module."),
        (["Net._orig_mod.a", "b"], ["Net.a", "b"], "_orig_mod."),
        (["module.Net._orig_mod.a"], ["Net.a"], "module. and _orig_mod."),
        (["module.a", "b"], ["module.a", "b"], ""),
        (["modules.a", "Net.module.a"], ["modules.a", "Net.module.a"], ""),
        (["Net._orig_mod.a", "Net.a"], ["Net._orig_mod.a", "Net.a"], ""),
        ([], [], ""),
    ],
)
def test_what_wraps_a_network_is_taken_off_its_names(file, caplog, names, bare, prefix):
    caplog.set_level("INFO", "opengait_mimic")
    logger = checkpoints.logging.getLogger("opengait_mimic")
    logger.addHandler(caplog.handler)
    try:
        checkpoints.write(file, {"model": {name: torch.tensor(float(at)) for at, name in enumerate(names)}})
        for _ in range(2):
            found = checkpoints.read(file, "some key")["model"]
    finally:
        logger.removeHandler(caplog.handler)
    assert {name: int(value) for name, value in found.items()} == {name: at for at, name in enumerate(bare)}
    said = {record.message for record in caplog.records}
    assert len(said) == bool(prefix) and all(text.startswith(f"some key: {file}: ") and f" {prefix} in front" in text for text in said)


class Restoring:
    """As a host's model: an optimiser and a schedule, restored from the parts of a checkpoint."""

    def __init__(self):
        self.optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], 0.1)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, 1)

    @with_reasons
    def load(self, parts):
        self.optimizer.load_state_dict(parts["optimizer"])
        self.scheduler.load_state_dict(parts["scheduler"])


@pytest.mark.parametrize(("part", "state"), [("optimizer", {"param_groups": []}), ("scheduler", {})])
def test_a_part_that_does_not_fit_is_named_with_the_key_that_resets_it(part, state):
    model = Restoring()
    parts = {"optimizer": model.optimizer.state_dict(), "scheduler": model.scheduler.state_dict()}
    model.load(parts)
    with pytest.raises(CheckpointError, match=rf"its {part} cannot be restored .*trainer_cfg\.{part}_reset: true"):
        model.load({**parts, part: state})
