"""Killed runs: Ctrl-C, SIGTERM, kill -9, a killed loader worker. No saved file is lost, and no process stays."""

from __future__ import annotations

import os
import re
import signal
from types import SimpleNamespace

import pytest
import torch

from opengait_mimic.base.locks import refuse_locked
from tests.faults.conftest import shas

pytestmark = pytest.mark.slow


def whole(user):
    """Every checkpoint can be read; their hashes."""
    for file in user.out.rglob("*.pt"):
        torch.load(file, weights_only=True)
    return shas(user.out)


@pytest.fixture
def runs(user, start):
    """Starts a training without end, with two workers, and waits for its second checkpoint."""
    file = user.endless(data_cfg__num_workers=2)

    def start_training(name, *words):
        process = start("opengait_mimic", user.words(file, "--no-preflight", *words), user.folder / f"{name}.log")
        process.until(lambda: "Iteration" in process.text and user.saved_twice())
        assert len(process.children()) == 2
        return process

    return SimpleNamespace(start=start_training, file=file)


def stopped(user, run, status, word):
    """It ended at once, with one line that names the next command; no process and no lock stay."""
    assert run.wait(20) == status
    run.gone(5)
    assert "Traceback" not in run.text and run.text.count("stopped") == 1
    last = re.fullmatch(
        rf"{word} last checkpoint: iteration (\d+) of GaitBase-seed0; the same command with --resume auto continues from there",
        run.text.strip().splitlines()[-1],
    )
    newest = max(int(file.stem[-5:]) for file in user.run().glob("checkpoints/*.pt"))
    assert last and newest - int(last[1]) in (0, 2), "2: it was stopped between writing and knowing"
    refuse_locked(user.run())
    return whole(user)


def test_ctrl_c(user, runs):
    """A terminal sends it to the workers too."""
    run = runs.start("run")
    run.send(signal.SIGINT, group=True)
    assert len(stopped(user, run, 130, "stopped;")) >= 2


def test_sigterm_to_all_processes(user, runs):
    """As a cluster ends a job: the workers may end before the process they work for."""
    run = runs.start("run")
    for pid in (*run.children(), run.pid):
        os.kill(pid, signal.SIGTERM)
    stopped(user, run, 143, "stopped by SIGTERM;")


def test_a_run_that_is_killed_and_the_next(user, runs):
    """While it runs a second training is refused. Its workers and its lock end with it, and the next one resumes."""
    run = runs.start("first")
    user.train(runs.file, kept=False).refused("is being trained by another process", user.run())
    run.send(signal.SIGKILL)
    assert run.wait(20) == -signal.SIGKILL
    run.gone(5)
    before = whole(user)
    run = runs.start("next", "--resume", "auto")
    assert "--resume auto: goes on from iteration" in run.text
    run.send(signal.SIGTERM)
    after = stopped(user, run, 143, "stopped by SIGTERM;")
    assert {name: after[name] for name in before} == before


def test_a_worker_that_is_killed(user, runs):
    """As the system does when memory runs out."""
    run = runs.start("run")
    os.kill(run.children()[0], signal.SIGKILL)
    assert run.wait(60) == 1
    run.gone(5)
    last = run.text.strip().splitlines()[-1]
    assert last.startswith("error: a loader worker died") and "data_cfg.num_workers" in last and "Traceback" not in run.text
    whole(user)
