"""Runs training steps of the public MimicGait code (github.com/Ayush-00/mimicgait) for `step.py --reference`, in its own process.

That code is a fork of OpenGait with OpenGait's top-level names, so it needs a process of its own, and our host layer can start
it: it is bound like an OpenGait checkout and adapted by rebinding names inside its modules. Nothing of it is copied or changed
on disk. One JSON line per request (``{"round": i}``) on standard input, one per answer on standard output; the first answer
says what was built. End of input ends the process.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import sys
import time
import types
from pathlib import Path

import numpy as np
import torch
import yaml
from measure import commit, synchronise
from reference import PUBLIC, read_batch
from setting import Sizes, adjust, trainable
from stepping import Parts, training_step

from opengait_mimic import host as hosts
from opengait_mimic.host.adapt import _torch_on

NAMES = {"trunk.0": ["layer1.0"], "trunk.3": ["layer2.0"], "trunk.6": ["layer3.0"], "fc": ["fc1", "layer4.0"]}
"""A layer of our VEN -> the names of the same layer in the public occlusion detector."""


def detector(ven: Path, out: Path) -> Path:
    """Our VEN's weights under the public names."""
    state = torch.load(ven, weights_only=True)["model"]
    renamed = {
        f"{name}.{kind}": state[f"VEN.{layer}.{kind}"] for layer, names in NAMES.items() for name in names for kind in ("weight", "bias")
    }
    torch.save(renamed, out)
    return out


def configuration(task: dict, folder: Path) -> Path:
    """The public configuration with this run's data, sizes and weights."""
    cfgs = yaml.safe_load((Path(task["reference"]) / PUBLIC[task["backbone"]]).read_text())
    adjust(cfgs, task["data"], Sizes(*task["sizes"]), task["amp"])
    teacher = Path(task["teacher"])  # <output>/<data set>/<model>/<name>/checkpoints/<name>-00001.pt
    cfgs["data_cfg"]["dataset_name"] = teacher.parents[3].name
    cfgs["model_cfg"]["occ_detector_path"] = str(detector(Path(task["ven"]), folder / "detector.pt"))
    cfgs["model_cfg"]["mimic_cfg"].update(
        teacher_model_name=teacher.parents[2].name, teacher_save_name=teacher.parents[1].name, teacher_model_iter=1
    )
    file = folder / "public.yaml"
    file.write_text(yaml.safe_dump(cfgs))
    return file


def main() -> None:
    task = json.loads(Path(sys.argv[1]).read_text())
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever that code prints goes to the error stream
    folder = Path(sys.argv[1]).resolve().parent
    os.chdir(folder)  # its paths are relative to the working folder
    if importlib.util.find_spec("wandb") is None:  # imported at the top, used only when logging there is switched on
        sys.modules["wandb"] = types.ModuleType("wandb")
    hosts.bind(task["reference"], task["device"], folder / "output")
    device = hosts.device()
    file = configuration(task, folder)
    kind = hosts.lookup("modeling.models", yaml.safe_load(file.read_text())["model_cfg"]["model"], "model_cfg.model")
    sys.modules[kind.__module__].torch = _torch_on(device)  # it names CUDA devices by rank
    model = trainable(file)
    batch, parts, clock = read_batch(folder / "batch.npz"), Parts(device), getattr(time, task["clock"])
    losses = {name: type(loss).__name__ for name, loss in model.loss_aggregator.losses.items()}
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    facts = {
        "class": kind.__name__,
        "configuration": PUBLIC[task["backbone"]],
        "losses": losses,
        "commit": commit(Path(task["reference"])),
        "trained_parameters": trained,
    }
    print(json.dumps(facts), file=answers, flush=True)
    for line in sys.stdin:
        seed = json.loads(line)["round"]
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        synchronise(device)
        begin = clock()
        loss = training_step(model, batch, device, parts)
        synchronise(device)
        print(json.dumps({"seconds": clock() - begin, "loss": loss}), file=answers, flush=True)


if __name__ == "__main__":
    main()
