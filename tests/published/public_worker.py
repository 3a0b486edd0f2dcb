"""Runs the public MimicGait code on given weights and clips, for tests/published/test_public_code.py: ``public_worker.py ROOT JOB...``.

A job is a folder. Read: ``job.json`` (which model, which keys of its public configuration differ, where the data set's name
matters), ``weights.pt`` (a complete state dict under public names), ``train.npz`` and ``test-*.npz`` (batches after the
transforms: the views, labels, seqL). Written: ``float32.npz``, ``float64.npz`` and ``checkpoint.pt``, the public code's own.
A folder with ``frames.npy`` alone asks for the occlusion detector: written are ``detector.npz`` and ``detector.pth``. One with
``clips.npz`` or ``frames.npz`` asks for the generators of occlusion (see tests/published/public_hiding.py): written is ``hidden.npz``,
and for the VEN's what a training step finds.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
import yaml

from benchmarks.public_step import PUBLIC, bind_public, public_model
from opengait_mimic.host import load_cfgs
from opengait_mimic.training.launch import start_log

FIVE_KINDS = "configs/gaitbase/gaitbase_da_grew_occ_5types_mimic_full_guided.yaml"


def built(root: Path, folder: Path):
    """The public model of a job, without loaders and without the files its constructor reads."""
    job = json.loads((folder / "job.json").read_text())
    cfgs = yaml.safe_load((root / PUBLIC[job["backbone"]]).read_text())
    cfgs["model_cfg"].update(job["model_cfg"])
    cfgs["loss_cfg"] = job.get("loss_cfg", cfgs["loss_cfg"])
    cfgs["data_cfg"].update(job.get("data_cfg", {}))
    cfgs["trainer_cfg"].update(enable_float16=False, sync_BN=False, with_test=False, restore_hint=0)
    (folder / "public.yaml").write_text(yaml.safe_dump(cfgs))
    cfgs = load_cfgs(folder / "public.yaml")
    kind = public_model(cfgs["model_cfg"]["model"])

    class Bare(kind):
        def get_loader(self, *_, **__):
            return None

        def init_parameters(self):
            return None

    start_log(cfgs, True, False, quiet=True)
    logging.getLogger("opengait").setLevel(logging.ERROR)
    return Bare(cfgs, True)


def inputs_of(file: Path, dtype: torch.dtype):
    """A batch as the public forward takes it; two views are stacked on the last axis."""
    with np.load(file) as kept:
        views = torch.from_numpy(kept["views"]).to(dtype)  # [1 or 2, n, s, h, w]
        sils = views[0] if len(views) == 1 else torch.stack(tuple(views), -1)
        seqL = torch.from_numpy(kept["seqL"]) if "seqL" in kept else None
        labs = torch.from_numpy(kept["labs"])
    return [sils], labs, [""] * len(labs), [""] * len(labs), seqL


def found(model, folder: Path, dtype: torch.dtype) -> dict:
    """One training step's numbers, and with the weights as before it the ranked embeddings."""
    weights = torch.load(folder / "weights.pt", weights_only=True)
    model.to(dtype).train().load_state_dict(weights)
    model.zero_grad()
    feats = model(inputs_of(folder / "train.npz", dtype))["training_feat"]
    loss, _ = model.loss_aggregator(feats)
    loss.backward()
    kept = {"loss": loss.detach()}
    kept.update({f"feat {of}.{key}": value.detach() for of, terms in feats.items() for key, value in terms.items()})
    kept.update({f"grad {name}": p.grad for name, p in model.named_parameters() if p.grad is not None})
    kept.update({f"after {name}": value.clone() for name, value in model.named_buffers()})
    model.eval().load_state_dict(weights)
    with torch.no_grad():
        tests = [model(inputs_of(file, dtype)) for file in sorted(folder.glob("test-*.npz"))]
    return {**kept, "ranked": torch.cat([test["inference_feat"]["embeddings"] for test in tests])}


def run(root: Path, folder: Path) -> None:
    """A job in both precisions; then the checkpoint, in the usual one."""
    model = built(root, folder)
    for dtype in (torch.float64, torch.float32):
        numbers = found(model, folder, dtype)
        np.savez(folder / f"{str(dtype).removeprefix('torch.')}.npz", **{name: value.numpy() for name, value in numbers.items()})
    model.save_ckpt(7)
    shutil.copy(f"{model.save_path}/checkpoints/{model.engine_cfg['save_name']}-00007.pt", folder / "checkpoint.pt")


def detectors_file(root: Path, name: str):
    """A module of the public detector's folder, which is no package."""
    spec = importlib.util.spec_from_file_location(f"public_detector_{name}", root / "occlusion_detector" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def detector(root: Path, folder: Path) -> None:
    """A fresh public occlusion detector on frames, and its weights as its training saves them: plain, with ``module.``."""
    torch.manual_seed(0)
    net = detectors_file(root, "model").Occ_Detector().eval()
    with torch.no_grad():
        kinds, amount = net(torch.from_numpy(np.load(folder / "frames.npy"))[:, None])
    np.savez(folder / "detector.npz", kinds=kinds.numpy(), amount=amount.numpy())
    torch.save({f"module.{name}": value for name, value in net.state_dict().items()}, folder / "detector.pth")


class Script:
    """In the place of the module `random`: gives the numbers it was told, each call one of them."""

    def __init__(self, numbers: list, plain: bool = False):
        """With ``plain`` a uniform number is given as it is, else it is a share of the range."""
        self.numbers, self.plain = list(numbers), plain

    def uniform(self, low, high):
        value = self.numbers.pop(0)
        return value if self.plain else low + (high - low) * value

    def random(self):
        return self.numbers.pop(0)

    def randint(self, *_):
        return self.numbers.pop(0)


def given(folder: Path, name: str) -> list:
    """Arrays and scripts of `tests.published.public_hiding.write`."""
    with np.load(folder / f"{name}.npz") as kept:
        return [(kept[str(i)], script) for i, script in enumerate(json.loads((folder / f"{name}.json").read_text()))]


def hide(root: Path, folder: Path) -> None:
    """The public wrapper as its configuration of five kinds describes it; it sees float64, as after its division by 255."""
    transforms = importlib.import_module("data.transform")
    steps = yaml.safe_load((root / FIVE_KINDS).read_text())["trainer_cfg"]["transform"][0]["trf_cfg"]
    wrapper = transforms.get_transform(next(step for step in steps if step["type"] == "MimicOcclusionWrapper"))
    found = {}
    for i, (clip, script) in enumerate(given(folder, "clips")):
        transforms.random = Script(script)
        found[str(i)] = wrapper(clip.astype(np.float64))[..., 0]
        assert not transforms.random.numbers
    np.savez(folder / "hidden.npz", **found)


def detector_step(root: Path, folder: Path) -> None:
    """The detector's generator on frames of 0..255, and the loss of its training: cross-entropy + 10 x squared error."""
    module = detectors_file(root, "data_grew")
    data, pictures, kinds, portions = object.__new__(module.GREW_frames), [], [], []
    for frame, script in given(folder, "frames"):
        module.random = Script(script, plain=True)
        picture, kind, portion = data.random_occlude((255 * frame[0]).round().astype(np.uint8))
        pictures, kinds, portions = [*pictures, picture], [*kinds, kind], [*portions, portion]
    np.savez(folder / "hidden.npz", frames=np.stack(pictures), kinds=kinds, portions=portions)
    net = detectors_file(root, "model").Occ_Detector().double()
    weights = torch.load(folder / "ven.pt", weights_only=True)  # under the names of older detectors as well
    net.load_state_dict({name: weights[name] for name in net.state_dict()})
    said, amounts = net(torch.from_numpy(np.stack(pictures)).double()[:, None])
    loss = torch.nn.CrossEntropyLoss()(said, torch.tensor(kinds))
    loss = loss + 10 * torch.nn.MSELoss()(amounts, torch.tensor(portions, dtype=torch.float64))
    loss.backward()
    numbers = {"loss": loss.detach().numpy(), **{f"grad {name}": p.grad.numpy() for name, p in net.named_parameters()}}
    np.savez(folder / "step.npz", **numbers)


KINDS_OF_JOB = {"job.json": run, "clips.npz": hide, "frames.npz": detector_step, "frames.npy": detector}

if __name__ == "__main__":
    place, *jobs = (Path(word).resolve() for word in sys.argv[1:])
    os.chdir(jobs[0])
    bind_public(place, "cpu", jobs[0] / "output")
    for job in jobs:
        next(do for file, do in KINDS_OF_JOB.items() if (job / file).exists())(place, job)
