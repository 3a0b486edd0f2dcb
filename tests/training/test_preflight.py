"""What preflight reports of a sound training, that each check finds its fault, and that nothing of it stays."""

from __future__ import annotations

import copy
import random
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from opengait_mimic.cli import main as command
from opengait_mimic.host import output as output_folder
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training import batches
from opengait_mimic.training.launch import build, start_log
from tests.host_runs import digests, good, two_processes
from tests.training.runs import differing, shared_networks
from tests.variants import variant

HOSTS, MIMIC = "GaitBase (teacher)", "MimicGait"
COMMON = ["data", "geometry", "loss", "gradients", "test batch", "checkpoint"]
LINES = {HOSTS: COMMON, "VEN": [*COMMON, "frozen"], "Baseline-2": COMMON, MIMIC: [*COMMON, "frozen", "teacher Rank-1"]}


@pytest.fixture
def built(trained, tmp_path):
    """Builds a stage for training; returns the model and its configuration."""

    def make(stage, **changes):
        cfgs = prepare(variant(trained.files[stage], tmp_path, trainer_cfg__save_name="tried", **changes), "train")
        given = copy.deepcopy(cfgs)
        start_log(cfgs, False, False, quiet=True)
        model = build(cfgs, True)
        batches.number(model, given, 0)
        return model, given

    return make


@pytest.fixture
def run(capsys):
    """Runs preflight; returns its lines by check and the error, if any."""
    from opengait_mimic.training.preflight import PreflightFailed, run_preflight

    def preflight(model, cfgs):
        error = None
        try:
            run_preflight(model, cfgs)
        except PreflightFailed as failed:
            error = failed
        lines = {line[4:19].strip(): line[28:] for line in capsys.readouterr().out.splitlines() if line.startswith("    ")}
        return lines, error

    return preflight


@pytest.mark.parametrize("stage", list(LINES))
def test_a_sound_training_passes_and_is_left_as_it_was(built, run, stage):
    model, cfgs = built(stage)
    before = copy.deepcopy(state_of(model))
    lines, error = run(model, cfgs)
    assert error is None
    assert next(reversed(lines)).startswith(f"{len(LINES[stage])} checks in")
    lines.popitem()
    assert set(lines) == set(LINES[stage]) and all(text.startswith("ok") and len(text) <= 112 for text in lines.values())
    assert differing(before, state_of(model)) == []


def state_of(model) -> dict:
    """All that a training step reads."""
    teacher = getattr(model, "teacher", None)
    nets = {"own": model, **({"teacher": teacher.net} if teacher else {})}
    return {
        "tensors": {f"{name}.{key}": value for name, net in nets.items() for key, value in net.state_dict().items()},
        "requires_grad": [p.requires_grad for p in model.parameters()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "modes": [module.training for net in nets.values() for module in net.modules()],
        "attributes": {name: sorted(vars(module)) for name, module in model.named_modules()},
        "hooks": [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()],
        "optimizer": model.optimizer.state_dict(),
        "scheduler": model.scheduler.state_dict(),
        "python": random.getstate(),
        "numpy": [part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()],
        "torch": torch.get_rng_state(),
        "files": digests(output_folder()),
    }


def test_whatever_happens_inside_is_undone(built):
    from opengait_mimic.training.preflight_trial import restored

    model, _ = built("VEN")
    before = copy.deepcopy(state_of(model))
    with pytest.raises(ZeroDivisionError), restored(model):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(1)
        model.eval().requires_grad_(False)
        model.iteration, model.more = 7, torch.ones(3)
        random.random(), np.random.rand(), torch.rand(1)
        raise ZeroDivisionError
    assert differing(before, state_of(model)) == []
    assert model.iteration == 0


def fails(run, model, cfgs, check) -> str:
    """The line of the check that must fail; no later check runs."""
    lines, error = run(model, cfgs)
    assert next(reversed(lines)) == check and lines[check].startswith("FAILED"), lines
    assert str(error).startswith(f"preflight failed at {check}: ") and "--no-preflight" in str(error)
    return lines[check]


def test_data_and_geometry(built, run, tree, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(tree.root, root)
    for file in root.rglob("*.pkl"):
        file.write_bytes(file.read_bytes()[:40])
    model, cfgs = built(HOSTS, data_cfg__dataset_root=str(root), data_cfg__cache=False)
    assert ".pkl" in fails(run, model, cfgs, "data")
    model, cfgs = built("VEN")
    model.geometry = (64, 64)
    assert "model_cfg.geometry = [64, 64]" in fails(run, model, cfgs, "geometry")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda view: view / 255, "reach only 0.0039"),
        (lambda view: view * 0, "every pixel of the batch is 0"),
        (lambda view: view * float("nan"), "not finite"),
        (lambda view: 1 - view, "background is white"),
    ],
)
def test_values_of_the_batch(built, run, monkeypatch, change, text):
    """A white background is a warning."""
    model, cfgs = built(HOSTS)
    original = type(model).inputs_pretreament

    def changed(self, inputs):
        (view, *more), *rest = original(self, inputs)
        return ([change(view), *more], *rest)

    monkeypatch.setattr(type(model), "inputs_pretreament", changed)
    if "white" not in text:
        assert text in fails(run, model, cfgs, "geometry")
        return
    lines, error = run(model, cfgs)
    assert error is None and lines["geometry"].startswith("WARNING") and text in lines["geometry"]


def test_a_loss_that_is_not_finite(built, run):
    model, cfgs = built(HOSTS)
    with torch.no_grad():
        next(model.parameters()).fill_(float("inf"))
    assert "rank 0: loss = nan" in fails(run, model, cfgs, "loss")


def test_a_parameter_without_a_gradient(built, run):
    for stage, word in ((MIMIC, "FAILED"), (HOSTS, "WARNING")):
        model, cfgs = built(stage)
        model.forgotten = torch.nn.Parameter(torch.zeros(2))
        lines, _ = run(model, cfgs)
        assert lines["gradients"].startswith(word) and "forgotten" in lines["gradients"]
    wrapper = torch.nn.Module()
    wrapper.module = model
    assert "find_unused_parameters: true" in fails(run, wrapper, cfgs, "gradients")


def test_a_frozen_network_that_is_trained_or_drifts(built, run, monkeypatch):
    model, cfgs = built(MIMIC)
    model.optimizer.add_param_group({"params": list(model.VEN.requires_grad_(True).parameters())})
    assert "trunk.0.weight" in fails(run, model, cfgs, "gradients")
    model, cfgs = built(MIMIC)
    original = type(model.teacher).__call__

    def drifting(self, inputs):
        next(self.net.buffers()).add_(1e-3)
        return original(self, inputs)

    monkeypatch.setattr(type(model.teacher), "__call__", drifting)
    assert "teacher changed in one step" in fails(run, model, cfgs, "frozen")


def test_an_embedding_that_is_not_finite_in_the_test(built, run, monkeypatch):
    model, cfgs = built(HOSTS)
    original = type(model).forward

    def forward(self, inputs):
        feats = original(self, inputs)
        if not self.training:
            feats["inference_feat"]["embeddings"] = feats["inference_feat"]["embeddings"] * float("nan")
        return feats

    monkeypatch.setattr(type(model), "forward", forward)
    assert "expected 1 finite rows" in fails(run, model, cfgs, "test batch")


def test_a_folder_that_takes_no_checkpoint(built, run, monkeypatch):
    model, cfgs = built("VEN")
    place = output_folder() / "walkers/VEN/tried"
    shutil.rmtree(place, ignore_errors=True)
    place.write_text("a file where the folder should be")
    try:
        assert "preflight.part" in fails(run, model, cfgs, "checkpoint")
    finally:
        place.unlink()
    from opengait_mimic.base import checkpoint_file

    read = checkpoint_file.read
    monkeypatch.setattr(checkpoint_file, "read", lambda *words: {**read(*words), "iteration": 1})
    assert "differs from what was written" in fails(run, model, cfgs, "checkpoint")
    assert not place.exists()


def test_the_teacher_is_compared_with_an_untrained_network(built, monkeypatch):
    """A teacher that knows every subject is clearly better; the untrained twin itself is not."""
    from opengait_mimic.training import preflight_trial as trial

    model, _ = built(MIMIC)
    count = 9
    subjects = {f"{i}": [2 * i, 2 * i + 1] for i in range(count)}
    dataset = SimpleNamespace(indices_dict=subjects, types_list=["nm-01", "nm-02"] * count, views_list=["000", "090"] * count)
    model.test_loader = SimpleNamespace(dataset=dataset)
    embeddings = torch.eye(count).repeat_interleave(2, 0)[:, :, None]  # [2 x count, c, 1]
    noise = torch.rand(2 * count, count, 1, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(trial, "_embed_whole", lambda inner, networks, i: [embeddings[i : i + 1], noise[i : i + 1]])
    score = trial.compare_teacher(model, model.teacher)
    assert (score.subjects, score.teacher, score.is_clear) == (count, 100.0, True)
    monkeypatch.setattr(trial, "_embed_whole", lambda inner, networks, i: [noise[i : i + 1]] * 2)
    assert not trial.compare_teacher(model, model.teacher).is_clear


@pytest.mark.parametrize("packed", [False, True])
def test_first_frames(packed):
    from opengait_mimic.training.preflight_trial import cut_to_frames, frame_count

    clips = [np.full((n, 2, 2), 10 * i) + np.arange(n)[:, None, None] for i, n in enumerate([5, 2, 7])]
    raw = (
        [[clips], ["a", "b", "c"], [], [], None]
        if not packed
        else [[[np.concatenate(clips)]], ["a", "b", "c"], [], [], np.array([[5, 2, 7]])]
    )
    cut = cut_to_frames(raw, 3)
    frames = np.concatenate(cut[0][0])
    assert frame_count(cut) == 8 and frames[:, 0, 0].tolist() == [0, 1, 2, 10, 11, 20, 21, 22]


def test_the_command_trains_nothing_and_leaves_nothing(host_spec, output, trained, tmp_path, capsys):
    words = ["preflight", "--host", host_spec, "--device", "cpu", "--output", str(output)]
    file = variant(trained.files[MIMIC], tmp_path, trainer_cfg__save_name="never")
    before = digests(output)
    assert command([*words, "--cfgs", str(file)]) == 0
    assert re.search(r"8 checks in [\d.]+ s, all passed", capsys.readouterr().out)
    assert digests(output) == before and not (output / "walkers/MimicGait/never").exists()


TWO = """
import sys
import torch
from opengait_mimic import host as hosts
from opengait_mimic.base.processes import rank_and_world
from opengait_mimic.training.launch import launch
hosts.bind(sys.argv[1], "cpu", sys.argv[2])
saved = []
for number, preflight in enumerate((False, True)):
    model = launch(sys.argv[3 + number], "train", quiet=True, preflight=preflight)
    saved.append([value.clone() for value in model.module.state_dict().values() if torch.is_tensor(value)])
assert rank_and_world()[1] == 2 and all(map(torch.equal, *saved)), "weights differ"
if rank_and_world()[0] == 0:
    print("equal on two processes")
hosts.leave()
"""


@pytest.mark.slow
def test_two_processes(host_spec, trained, output, tmp_path):
    files = []
    for name in ("without", "with"):
        (tmp_path / name).mkdir()
        steps = {"trainer_cfg__save_name": name, "trainer_cfg__total_iter": 2, "trainer_cfg__save_iter": 2}
        files.append(variant(trained.files[MIMIC], tmp_path / name, **steps, **shared_networks(output)))
    (tmp_path / "two.py").write_text(TWO)
    text = good(*two_processes(), tmp_path / "two.py", host_spec, tmp_path / "out", *files, cwd=tmp_path)
    assert "equal on two processes" in text
    assert text.count("preflight of MimicGait, processes: 2") == 1 and text.count("teacher Rank-1") == 1


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_its_losses_are_those_that_the_first_step_logs(host_spec, trained, output, tmp_path, processes):
    """Random transforms included. The triplet loss is scaled by the number of processes before it is summed, which neither shows."""
    steps = {"total_iter": 1, "save_iter": 1, "log_iter": 1, "save_name": f"logged{processes}", "sampler__batch_size": [2, 4]}
    file = variant(trained.files[HOSTS], tmp_path, **{f"trainer_cfg__{key}": value for key, value in steps.items()})
    words = ("-m", "opengait_mimic", "--phase", "train", "--cfgs", file, "--host", host_spec, "--output", output, "--device", "cpu")
    text = good(*(two_processes() if processes == 2 else ()), *words, cwd=tmp_path)
    tried = dict(re.findall(r"(\w+_loss) ([\d.]+)", next(line for line in text.splitlines() if line.startswith("    loss "))))
    logged = dict(re.findall(r"(\w+_loss)=([\d.]+)", next(line for line in text.splitlines() if "Iteration 00001" in line)))
    assert len(tried) == 2 and tried.items() <= logged.items()
