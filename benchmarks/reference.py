"""The other end of `reference_worker.py`: starts it, asks it for a step, takes its seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from public_code import PUBLIC

import opengait_mimic
from opengait_mimic.base.errors import HostError

REST = 0.3  # seconds: threads of the process that worked last stop spinning


def check(path: str, backbone: str) -> None:
    """Refuse a folder that is not the public code, and a backbone it has no guided mimic of.

    Raises:
        HostError: says which.
    """
    if backbone not in PUBLIC:
        raise HostError(f"--reference: the public code has no guided mimic of {backbone}; it has {', '.join(PUBLIC)}")
    if not (Path(path) / PUBLIC[backbone]).is_file():
        raise HostError(f"--reference {path}: {PUBLIC[backbone]} is not there; give a clone of github.com/Ayush-00/mimicgait")


def write_batch(file: Path, batch: list) -> None:
    """Keep a collated batch of one input: n clips ``[s, h, w]``, or one packed ``[S, h, w]`` with seqL ``[1, n]``."""
    inputs, labs, typs, vies, seqL = batch
    more = {} if seqL is None else {"seqL": seqL}
    np.savez(file, inputs=np.stack(inputs[0]), labs=labs, typs=typs, vies=vies, **more)


def read_batch(file: Path) -> list:
    """What `write_batch` kept."""
    with np.load(file) as kept:
        seqL = kept["seqL"] if "seqL" in kept else None
        return [[list(kept["inputs"])], kept["labs"].tolist(), kept["typs"].tolist(), kept["vies"].tolist(), seqL]


class Reference:
    """A process that holds the public code's model.

    Args:
        folder: holds ``output`` with the weights; takes the files the worker reads.
        batch: a collated batch.
        task: what `reference_worker.configuration` needs.

    Attributes:
        facts: what the worker built.
        loss: the loss of its last step.

    Raises:
        HostError: the worker ended; its error stream says why.
    """

    def __init__(self, folder: Path, batch: list, task: dict):
        """Write batch and task, start the worker, wait until its model is built."""
        write_batch(folder / "batch.npz", batch)
        (folder / "task.json").write_text(json.dumps(task))
        ours = Path(opengait_mimic.__file__).resolve().parents[1]
        path = os.pathsep.join(filter(None, (str(ours), os.environ.get("PYTHONPATH"))))
        self._errors = open(folder / "reference.log", "w+")  # noqa: SIM115 - as long-lived as the worker
        self._worker = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("reference_worker.py")), str(folder / "task.json")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.loss = float("nan")
        self.facts = self._answer()

    def _answer(self) -> dict:
        line = self._worker.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise HostError("--reference: its process ended:\n" + self._errors.read()[-2000:])
        return json.loads(line)

    def step(self, i: int) -> float:
        """One training step with the seed of round i; its seconds as the worker measured them."""
        time.sleep(REST)
        self._worker.stdin.write(json.dumps({"round": i}) + "\n")
        self._worker.stdin.flush()
        answer = self._answer()
        time.sleep(REST)
        self.loss = answer["loss"]
        return answer["seconds"]

    def close(self) -> None:
        """End the worker."""
        self._worker.stdin.close()
        self._worker.wait(timeout=60)
        self._errors.close()
