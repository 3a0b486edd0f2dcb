"""The public MimicGait code (github.com/Ayush-00/mimicgait) in its own process: its training step for `step.py --reference`.

It is a fork of OpenGait with the same module names, so it needs a process of its own, and our host layer can bind it like a checkout.
Nothing of it is copied or changed on disk. The worker answers one JSON line per request (``{"round": i}``); its first line describes what
it built; end of input ends it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import torch
import yaml

from opengait_mimic import host as hosts
from opengait_mimic.base.errors import HostError
from opengait_mimic.base.versions import commit_of
from opengait_mimic.host.adapt import torch_on_device

PUBLIC = {  # backbone -> the public training configuration of its guided mimic
    "gaitbase": "configs/gaitbase/gaitbase_da_gait3d_occ_2types_mimic_full_guided.yaml",
    "gaitgl": "configs/gaitgl/gaitgl_gait3d_mimic_guided.yaml",
}
REST = 0.3  # seconds: threads of the process that worked last stop spinning


def check_public_code(path: str, backbone: str) -> None:
    """Raise HostError unless ``path`` is the public code and has a guided mimic of the backbone."""
    if backbone not in PUBLIC:
        raise HostError(f"--reference: the public code has no guided mimic of {backbone}; it has {', '.join(PUBLIC)}")
    if not (Path(path) / PUBLIC[backbone]).is_file():
        raise HostError(f"--reference {path}: {PUBLIC[backbone]} is not there; give a clone of github.com/Ayush-00/mimicgait")


def bind_public(root: str | Path, device: str, output: Path) -> None:
    """Make the public code this process's host. Raises HostError if it cannot be imported."""
    if importlib.util.find_spec("wandb") is None:  # imported at the top, used only where logging to it is switched on
        sys.modules["wandb"] = types.ModuleType("wandb")
    hosts.bind(root, device, output)


def public_model(name: str) -> type:
    """A model class of the bound public code, with the CUDA device that it names by rank replaced by the bound one."""
    kind = hosts.lookup("modeling.models", name, "model_cfg.model")
    sys.modules[kind.__module__].torch = torch_on_device(torch)
    return kind


def write_batch(file: Path, batch: list) -> None:
    """Write a collated batch of one input: n clips ``[s, h, w]``, or one packed ``[S, h, w]`` with seqL ``[1, n]``."""
    inputs, labels, types_, views, seqL = batch
    np.savez(file, inputs=np.stack(inputs[0]), labs=labels, typs=types_, vies=views, **({} if seqL is None else {"seqL": seqL}))


def read_batch(file: Path) -> list:
    """Read what `write_batch` wrote."""
    with np.load(file) as saved:
        seqL = saved["seqL"] if "seqL" in saved else None
        return [[list(saved["inputs"])], saved["labs"].tolist(), saved["typs"].tolist(), saved["vies"].tolist(), seqL]


class PublicStep:
    """A worker process with the public code's model; ``facts``: what it built, ``loss``: of its last step.

    Args:
        folder: holds ``output`` with the weights; takes the files that the worker reads.
        batch: a collated batch.
        task: paths, sizes and clock, see `configuration`.
    """

    def __init__(self, folder: Path, batch: list, task: dict):
        write_batch(folder / "batch.npz", batch)
        (folder / "task.json").write_text(json.dumps(task))
        path = os.pathsep.join(filter(None, (str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH"))))
        self._log = open(folder / "public.log", "w+")  # noqa: SIM115 - as long-lived as the worker
        self._worker = subprocess.Popen(
            [sys.executable, __file__, str(folder / "task.json")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        self.loss, self.facts = float("nan"), self._answer()

    def _answer(self) -> dict:
        line = self._worker.stdout.readline()
        if not line:
            self._log.seek(0)
            raise HostError("--reference: its process ended:\n" + self._log.read()[-2000:])
        return json.loads(line)

    def step(self, i: int) -> float:
        """One training step with the seed of round i; returns the seconds that the worker measured."""
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
        self._log.close()


# ---------------------------------------------------------------- the worker


def configuration(task: dict, folder: Path) -> Path:
    """The public configuration with this run's data, sizes and weights, and our VEN's trunk under the public names."""
    from common import Sizes, adjust

    from tests.published.public_weights import to_public

    cfgs = yaml.safe_load((Path(task["reference"]) / PUBLIC[task["backbone"]]).read_text())
    adjust(cfgs, task["data"], Sizes(*task["sizes"]), task["amp"])
    trunk = to_public("mimicgait", torch.load(task["ven"], weights_only=True)["model"])
    torch.save({name.removeprefix("occ_detector."): value for name, value in trunk.items()}, folder / "detector.pt")
    teacher = Path(task["teacher"])  # <output>/<data set>/<model>/<name>/checkpoints/<name>-00001.pt
    cfgs["data_cfg"]["dataset_name"] = teacher.parents[3].name
    cfgs["model_cfg"]["occ_detector_path"] = str(folder / "detector.pt")
    names = {"teacher_model_name": teacher.parents[2].name, "teacher_save_name": teacher.parents[1].name, "teacher_model_iter": 1}
    cfgs["model_cfg"]["mimic_cfg"].update(names)
    (folder / "public.yaml").write_text(yaml.safe_dump(cfgs))
    return folder / "public.yaml"


def work(task_file: Path) -> None:
    """Build the public model, then answer requests."""
    from common import seed, synchronise, trainable, training_step

    task, folder = json.loads(task_file.read_text()), task_file.resolve().parent
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what that code prints goes to the error stream
    os.chdir(folder)  # its paths are relative to the working folder
    bind_public(task["reference"], task["device"], folder / "output")
    device, file = hosts.device(), configuration(task, folder)
    kind = public_model(yaml.safe_load(file.read_text())["model_cfg"]["model"])
    model, batch, clock = trainable(file), read_batch(folder / "batch.npz"), getattr(time, task["clock"])
    losses = {name: type(loss).__name__ for name, loss in model.loss_aggregator.losses.items()}
    facts = {
        "class": kind.__name__,
        "configuration": PUBLIC[task["backbone"]],
        "losses": losses,
        "commit": commit_of(Path(task["reference"])),
    }
    print(json.dumps(facts), file=answers, flush=True)
    for line in sys.stdin:
        seed(json.loads(line)["round"])
        synchronise(device)
        start = clock()
        loss = training_step(model, batch, device)
        synchronise(device)
        print(json.dumps({"seconds": clock() - start, "loss": loss}), file=answers, flush=True)


if __name__ == "__main__":
    work(Path(sys.argv[1]))
