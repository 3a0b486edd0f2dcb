"""Runs of their own process: a host can be bound once per process, so whatever needs a fresh one goes through here."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

import opengait_mimic

REPO = Path(opengait_mimic.__file__).resolve().parents[1]


def environment(**more) -> dict:
    """This environment, single-threaded, without a GPU or a host chosen from outside, and with this package importable."""
    path = os.pathsep.join(filter(None, (str(REPO), os.environ.get("PYTHONPATH"))))
    fixed = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "TQDM_DISABLE": "1"}
    left = {key: value for key, value in os.environ.items() if key not in ("OPENGAIT_ROOT", "RANK", "WORLD_SIZE", "LOCAL_RANK")}
    return {**left, **fixed, **{key: str(value) for key, value in more.items()}}


def python(*words, cwd, timeout: int = 240, **env) -> subprocess.CompletedProcess:
    """``python words...`` in ``cwd``; both streams as text."""
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=environment(**env), capture_output=True, text=True, timeout=timeout)


def good(*words, cwd, timeout: int = 240, **env) -> str:
    """As `python`, but it must exit with 0; returns both streams joined."""
    done = python(*words, cwd=cwd, timeout=timeout, **env)
    assert done.returncode == 0, f"{words} exited with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


def script(folder: Path, text: str, *words, name: str = "script.py", **env) -> str:
    """Write a script into ``folder`` and run it there; it must exit with 0."""
    file = folder / name
    file.write_text(text)
    return good(file, *words, cwd=folder, **env)


def worker(file: Path, host_folder: Path, inputs: Path, out: Path) -> tuple[dict, dict]:
    """Run a worker on a host's folder: the arrays it wrote to ``out`` and the weights beside it."""
    good(file, host_folder, inputs, out, cwd=out.parent)
    return dict(np.load(out)), torch.load(f"{out}.pt", weights_only=True)


def two_processes() -> list[str]:
    """The words before ``-m opengait_mimic`` or a script that start it twice, under torchrun."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return ["-m", "torch.distributed.run", "--nproc_per_node=2", "--master_addr=127.0.0.1", f"--master_port={port}"]


def rank1(text: str) -> str:
    """The Rank-1 that `evaluate_walkers` printed."""
    return text.split("Rank-1 ")[1].split(" %")[0]


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder, but git's own, with the hash of its bytes."""
    kept = (file for file in sorted(folder.rglob("*")) if file.is_file() and ".git" not in file.relative_to(folder).parts)
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in kept}
