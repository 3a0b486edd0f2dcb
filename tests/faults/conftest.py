"""A user: commands in this process, with what they print, their exit status, and what became of what was saved."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from filelock import FileLock

from tests.faults.processes import Process
from tests.variants import variant

TEACHER = "GaitBase (teacher)"
NAMES = {TEACHER: ("Baseline", "GaitBase-seed0"), "VEN": ("VEN", "VEN-seed0"), "MimicGait": ("MimicGait", "MimicGait-seed0")}


class Outcome(NamedTuple):
    """What a command printed, and its exit status."""

    status: int
    text: str

    def refused(self, *words) -> None:
        """It ended with an error that says these words, and without a traceback."""
        assert self.status == 1 and "Traceback" not in self.text, self.text[-4000:]
        error = self.text[self.text.rindex("error: ") :]
        for word in words:
            assert str(word) in error, f"{word!r} is not in {error!r}"


def shas(folder: Path) -> dict[str, str]:
    """The checkpoints below a folder, each with its hash."""
    files = (file for file in sorted(folder.rglob("*.pt")) if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


class User:
    """Works in a folder of its own, with the trained stages' checkpoints in ``out``.

    Every command that ends with an error leaves every checkpoint as it was; `train` and `command` check it.
    """

    def __init__(self, host_spec, trained, tree, output, folder, capture):
        self.host, self.tree, self.folder, self.capture = host_spec, tree, folder, capture
        self.files, self.out, self.trained, self.output = trained.files, folder / "out", trained.kept, output
        self.count = 0

    def has(self, *stages) -> None:
        """The training of these stages is done in ``out``."""
        for stage in stages:
            shutil.copytree(self.trained / "walkers" / Path(*NAMES[stage]), self.run(stage))

    def run(self, stage=TEACHER) -> Path:
        """The folder of a training."""
        return self.out / "walkers" / Path(*NAMES[stage])

    def checkpoint(self, stage=TEACHER, iteration=3) -> Path:
        return self.run(stage) / "checkpoints" / f"{NAMES[stage][1]}-{iteration:05d}.pt"

    def data(self) -> Path:
        """A copy of the walkers, as a root to spoil; `yaml` uses it from here on."""
        root = self.folder / "walkers"
        shutil.copytree(self.tree.root, root, copy_function=os.link)
        self.root = root
        return root

    def clip(self) -> Path:
        """A sequence of the training set, the last that is read of the only ones of its subject; a copy, which may be spoilt."""
        first, *others, file = sorted(self.root.glob(f"{self.tree.train[-1]}/*/*/*.pkl"))
        for other in others:
            other.unlink()
            other.parent.rmdir()
        content = file.read_bytes()
        file.unlink()  # a link
        file.write_bytes(content)
        return file

    def yaml(self, stage=TEACHER, **changes) -> Path:
        """A stage's YAML with keys changed."""
        if hasattr(self, "root"):
            changes.setdefault("data_cfg__dataset_root", str(self.root))
        self.count += 1
        folder = self.folder / f"yaml{self.count}"
        folder.mkdir()
        return variant(self.files[stage], folder, **changes)

    def endless(self, **changes) -> Path:
        """The YAML of a training without end, which saves every second step and reads as it goes, in a worker."""
        changes = {"data_cfg__num_workers": 1, "trainer_cfg__sampler__batch_size": [6, 2], **changes}
        steps = {"trainer_cfg__total_iter": 10**6, "trainer_cfg__save_iter": 2, "trainer_cfg__log_iter": 2}
        return self.yaml(data_cfg__cache=False, **steps, **changes)

    def saved_twice(self) -> bool:
        """Whether a training without end has written its second checkpoint and the copy of its record."""
        return self.checkpoint(iteration=4).with_suffix(".run.json").is_file()

    def words(self, file, *more) -> list[str]:
        return list(map(str, ["--cfgs", file, "--device", "cpu", "--host", self.host, "--output", self.out, *more]))

    def train(self, file, *more, kept: bool = True) -> Outcome:
        """``python -m opengait_mimic``; ``kept=False``: another process writes checkpoints meanwhile."""
        from opengait_mimic.cli.launcher import main

        return self.run_main(main, self.words(file, *more), kept)

    def command(self, name, file, *more) -> Outcome:
        """``opengait-mimic NAME``."""
        from opengait_mimic.cli import main

        return self.run_main(main, [name, *self.words(file, *more)])

    def run_main(self, main, words, kept: bool = True) -> Outcome:
        from opengait_mimic import host as hosts

        before = shas(self.folder)
        logging.getLogger("opengait_mimic").handlers.clear()  # an earlier test's writes to where that one was captured
        self.capture.readouterr()
        status = 0
        try:
            status = main(words)
        except SystemExit as end:
            status = end.code
        finally:
            hosts.bind(self.host, "cpu", self.output)
        printed = "\n".join(self.capture.readouterr())
        if isinstance(status, str):
            status, printed = 1, f"{printed}\n{status}"
        if status and kept:
            after = shas(self.folder)
            assert {name: after.get(name) for name in before} == before, "a checkpoint was lost or changed"
            for lock in self.out.rglob("training.lock"):
                with FileLock(lock, timeout=0):  # raises if the command still holds it
                    pass
        return Outcome(status or 0, printed)


@pytest.fixture
def user(host_spec, trained, tree, output, tmp_path, capfd) -> User:
    return User(host_spec, trained, tree, output, tmp_path, capfd)


@pytest.fixture
def start():
    """Starts processes; none of them survives the test."""
    with contextlib.ExitStack() as stack:

        def start_process(module, words, log) -> Process:
            process = Process(module, words, log)
            stack.callback(process.kill)
            return process

        yield start_process
