"""A full disk: what was saved stays, what did not fit is reported and leaves nothing half written.

The disk is a small tmpfs. Where none can be mounted, the largest size of a file is limited instead (`RLIMIT_FSIZE`), which the system
answers with "File too large" in place of "No space left on device"; it holds for root too.
"""

from __future__ import annotations

import contextlib
import resource
import shutil
import subprocess

import pytest

from tests.faults.conftest import TEACHER


@contextlib.contextmanager
def small(folder, size):
    """Only so many bytes fit into a folder, or into a file of it."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True).returncode == 0
    if mounted:
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    else:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def refused_for_room(outcome) -> str:
    """The error, which says that there is no room."""
    outcome.refused()
    error = outcome.text[outcome.text.rindex("error: ") :]
    assert "No space left" in error or "File too large" in error, error
    return error


@pytest.fixture(scope="module")
def size(trained, output):
    """Bytes of a checkpoint."""
    return (output / "walkers/Baseline/GaitBase-seed0/checkpoints/GaitBase-seed0-00003.pt").stat().st_size


@pytest.mark.slow
def test_the_next_checkpoint_does_not_fit(user, size):
    """The training ends at once and names the file; the one before is whole, and the command goes on from it where there is room."""
    with small(user.out, int(1.5 * size)):
        user.run().mkdir(parents=True)
        user.checkpoint().parent.mkdir()
        source = user.trained / "walkers/Baseline/GaitBase-seed0"
        with contextlib.suppress(OSError):  # a limited file size holds for this copy too
            shutil.copy(source / "checkpoints" / user.checkpoint().name, user.checkpoint())
        more = user.yaml(trainer_cfg__total_iter=6)
        error = refused_for_room(user.train(more, "--resume", "auto", "--no-preflight"))
        assert "GaitBase-seed0-0000" in error and "--output" in error
        assert not list(user.out.rglob("*.part")) and "00006" not in str(list(user.out.rglob("*.pt")))


def test_the_first_checkpoint_does_not_fit(user, size):
    with small(user.out, size // 2):
        error = refused_for_room(user.train(user.yaml(), "--no-preflight"))
        assert "GaitBase-seed0-00003.pt" in error
        assert not list(user.out.rglob("*.pt")) and not list(user.out.rglob("*.part"))


def test_preflight_refuses_before_the_first_step(user, size):
    """Nothing is trained that could not be kept."""
    with small(user.out, size // 5):
        outcome = user.train(user.yaml())
        outcome.refused("preflight failed at ")
        assert " FAILED " in outcome.text and "--output" in outcome.text
        assert "Iteration" not in outcome.text and not list(user.out.rglob("*.pt")) and not list(user.out.rglob("*.part"))


@pytest.mark.parametrize("words", [["--json"], ["--save-manifest"], ["--out"]], ids=" ".join)
def test_results_that_do_not_fit(user, words):
    user.has(TEACHER)
    with small(user.folder / "small", 1024):
        with contextlib.suppress(OSError):
            (user.folder / "small" / "other").write_bytes(bytes(4096))  # a tmpfs has a page at least
        for _ in range(2):  # the second finds nothing half written of the first
            refused_for_room(user.command("evaluate", user.yaml(), *words, user.folder / "small" / "result.json"))


def test_walkers_that_do_not_fit(user):
    from opengait_mimic.cli import main

    with small(user.folder / "small", 64 * 1024):
        refused_for_room(user.run_main(main, ["walkers", "--out", str(user.folder / "small" / "walkers"), "--subjects", "12"]))
