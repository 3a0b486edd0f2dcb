"""Nothing of preflight stays: a training with it is, bit for bit, the training without it."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from opengait_mimic.base import checkpoint_file
from opengait_mimic.host import output as output_folder
from opengait_mimic.preflight.same import same
from opengait_mimic.preflight.untouched import untouched
from opengait_mimic.training.launch import launch
from tests.host_runs import digests, good, two_processes
from tests.variants import variant

STAGES = ["GaitBase (teacher)", "VEN", "Baseline-2", "MimicGait"]


def everything(model) -> dict:
    """All that a step reads."""
    teacher = getattr(model, "teacher", None)
    nets = {"own": model, **({"teacher": teacher.net} if teacher else {})}
    return {
        "state": {f"{name}.{key}": value for name, net in nets.items() for key, value in net.state_dict().items()},
        "asked": [p.requires_grad for p in model.parameters()],
        "gradients": [p.grad for p in model.parameters()],
        "modes": [module.training for net in nets.values() for module in net.modules()],
        "attributes": {name: sorted(vars(module)) for name, module in model.named_modules()},
        "hooks": [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()],
        "plain": {
            key: set(value) if isinstance(value, set) else value
            for key, value in vars(model).items()
            if isinstance(value, (int, float, str, set, bool))
        },
        "optimizer": model.optimizer.state_dict(),
        "scheduler": model.scheduler.state_dict(),
        "python": random.getstate(),
        "numpy": [part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()],
        "torch": torch.get_rng_state(),
        "files": digests(output_folder()),
    }


@pytest.mark.parametrize("stage", STAGES)
def test_everything_is_as_before_also_after_a_failure(built, tried, stage, monkeypatch):
    model, cfgs = built(stage)
    before = copied(everything(model))
    assert tried(model, cfgs) and tried.failed is None
    now = everything(model)
    assert [key for key in before if not same(before[key], now[key])] == []
    monkeypatch.setattr("opengait_mimic.preflight.room.state_bytes", lambda _: 1 << 60)
    tried(model, cfgs)
    assert "disk" in str(tried.failed)
    now = everything(model)
    assert [key for key in before if not same(before[key], now[key])] == []


def copied(value):
    """A deep copy that holds no tensor of the model."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    return type(value)(map(copied, value)) if isinstance(value, (list, tuple)) else value


def test_whatever_is_done_inside_is_undone(built):
    """Also what no check of ours does: weights, settings, plain tensors, new attributes."""
    model, _ = built("VEN")
    before = copied(everything(model))
    with untouched(model):
        with torch.no_grad():
            for value in model.state_dict().values():
                if isinstance(value, torch.Tensor):
                    value.add_(1)
        model.eval().requires_grad_(False)
        model.iteration, model.more = 7, torch.ones(3)
        model._seen.add("x")
        model.optimizer.param_groups[0]["lr"] = 9.0
        model.scheduler.last_epoch = 5
        random.random(), np.random.rand(), torch.rand(1)
    now = everything(model)
    assert [key for key in before if not same(before[key], now[key])] == []


@pytest.mark.parametrize("stage", ["GaitBase (teacher)", "MimicGait"])
def test_a_training_with_preflight_is_the_training_without(trained, tmp_path, stage):
    """Weights, optimiser, next batch and losses."""
    found = []
    from opengait_mimic.preflight.run import run_preflight

    for number, preflight in enumerate((None, run_preflight)):
        changes = {"trainer_cfg__save_name": f"run{number}", "trainer_cfg__log_iter": 1}
        model = launch(variant(trained.files[stage], tmp_path, **changes), "train", quiet=True, preflight=preflight)
        folder = output_folder() / "walkers" / model.cfgs["model_cfg"]["model"] / f"run{number}"
        files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and "summary" not in file.parts)
        saved = torch.load(folder / f"checkpoints/run{number}-00003.pt", weights_only=True)
        own = saved.pop(checkpoint_file.ENTRY)  # the record, which has times
        found.append((saved, own["batch"], own["losses"], [file.replace(f"run{number}", "run") for file in files]))
    assert same(*found)


TWO = """
import sys
import torch
from opengait_mimic import host as hosts
from opengait_mimic.base.processes import rank_and_world
from opengait_mimic.preflight.run import run_preflight
from opengait_mimic.training.launch import launch
from opengait_mimic.preflight.same import same
hosts.bind(sys.argv[1], "cpu", sys.argv[2])
saved = []
for number, preflight in enumerate((None, run_preflight)):
    model = launch(sys.argv[3 + number], "train", quiet=True, preflight=preflight)
    saved.append([value.clone() for value in model.module.state_dict().values() if torch.is_tensor(value)])
assert rank_and_world()[1] == 2 and same(*saved), "weights differ"
if rank_and_world()[0] == 0:
    print("equal on two processes")
hosts.leave()
"""


def test_in_two_processes_as_well(host_spec, trained, output, tmp_path):
    folders = [tmp_path / name for name in ("plain", "tried")]
    files = []
    for folder in folders:
        folder.mkdir()
        weights = {
            "model_cfg__teacher__checkpoint": str(output / "walkers/Baseline/GaitBase-seed0/checkpoints/GaitBase-seed0-00003.pt"),
            "model_cfg__ven__checkpoint": str(output / "walkers/VEN/VEN-seed0/checkpoints/VEN-seed0-00003.pt"),
        }
        files.append(variant(trained.files["MimicGait"], folder, trainer_cfg__save_name=folder.name, trainer_cfg__total_iter=2,
                             trainer_cfg__save_iter=2, **weights))  # fmt: skip
    (tmp_path / "two.py").write_text(TWO)
    said = good(*two_processes(), tmp_path / "two.py", host_spec, tmp_path / "out", *files, cwd=tmp_path)
    assert "equal on two processes" in said
    assert said.count("preflight of MimicGait, processes: 2") == 1 and said.count("teacher Rank-1") == 1
    assert "2 sequences of TEST_SET, 16 frames at most: embeddings 2x" in said
