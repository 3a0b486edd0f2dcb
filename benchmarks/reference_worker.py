"""Runs training steps of the public MimicGait code for `step.py --reference`, in its own process (see `public_code`).

One JSON line per request (``{"round": i}``) on standard input, one per answer on standard output; the first answer says what
was built. End of input ends the process.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
import yaml
from measure import commit, synchronise
from opengait_mimic.public_weights import to_public
from public_code import PUBLIC, bind_public, public_model
from reference import read_batch
from setting import Sizes, adjust, trainable
from stepping import Parts, training_step

from opengait_mimic import host as hosts


def detector(ven: Path, out: Path) -> Path:
    """Our VEN's trunk under the names of the detector inside a public mimic."""
    trunk = to_public("mimicgait", torch.load(ven, weights_only=True)["model"])
    torch.save({name.removeprefix("occ_detector."): value for name, value in trunk.items()}, out)
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
    bind_public(task["reference"], task["device"], folder / "output")
    device = hosts.device()
    file = configuration(task, folder)
    kind = public_model(yaml.safe_load(file.read_text())["model_cfg"]["model"])
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
