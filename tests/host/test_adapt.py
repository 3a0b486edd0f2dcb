"""What the adaptation may touch, and that both hosts then compute the same."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml

from opengait_mimic import host as hosts
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import build, launch, start_log
from tests.host_runs import script

TEACHER = "GaitBase (teacher)"
TOP = {"kinds": {"top": 1.0}, "hidden": [0.5, 0.5], "occluded_side": "probe", "seed": 0}


def variant(file, tmp_path, **changes):
    """A stage's YAML with dotted keys changed, in a folder of its own."""
    cfgs = yaml.safe_load(file.read_text())
    for key, value in changes.items():
        block, name = key.split("__")
        cfgs[block][name] = value
    made = tmp_path / file.name
    made.write_text(yaml.safe_dump(cfgs))
    return made


def built(file, training=False, **how):
    cfgs = prepare(file, "train" if training else "test")
    start_log(cfgs, training, False, quiet=True)
    return build(cfgs, training, **how)


UNTOUCHED = """
import builtins, importlib, os.path, sys, types
import torch, torch.distributed, torch.cuda.amp, torch.amp, torch.optim, torch.utils.data
import torch._dynamo  # torch imports it on the first optimiser step, and then wraps torch.manual_seed itself
import numpy, random
names = ("torch", "torch.cuda", "torch.distributed", "torch.nn", "torch.nn.functional", "torch.amp", "torch.cuda.amp", "torch.autograd",
         "torch.optim", "torch.utils.data", "os.path", "builtins", "numpy", "random")
spaces = [importlib.import_module(name) for name in names]
spaces += [torch.Tensor, torch.nn.Module, torch.nn.Parameter, torch.nn.parallel.DistributedDataParallel, torch.nn.SyncBatchNorm,
           torch.optim.Optimizer, torch.utils.data.DataLoader]
before = [dict(vars(space)) for space in spaces]

from opengait_mimic import host as hosts
from opengait_mimic.training.launch import launch
hosts.bind(sys.argv[1], "cpu", "out")
assert launch(sys.argv[2], "train", quiet=True).iteration == 3
assert "scalar/test_accuracy/Rank-1" in launch(sys.argv[2], "test", quiet=True)

state = {"_initialized", "_queued_calls"}  # what torch itself notes of its own start
for space, then in zip(spaces, before):
    for name, value in then.items():
        assert name in vars(space), f"{space.__name__}.{name} is gone"
        assert vars(space)[name] is value or name in state, f"{space.__name__}.{name} was {value!r}, is {vars(space)[name]!r}"
assert builtins.open is open and os.path.join.__module__ in ("posixpath", "ntpath")
"""


@pytest.mark.slow
def test_torch_and_python_stay_as_they_are(host_spec, files, tmp_path):
    """Every name in torch's modules and main classes is the same object after bind, three training steps and a test."""
    script(tmp_path, UNTOUCHED, host_spec, files[TEACHER])


@pytest.mark.slow
def test_results_go_to_the_output_folder_alone(trained, output, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    file = variant(trained.files[TEACHER], tmp_path / "configs", trainer_cfg__save_name="elsewhere")
    launch(file, "train", quiet=True)
    assert (output / "walkers/Baseline/elsewhere/checkpoints/elsewhere-00003.pt").is_file()
    assert [p.name for p in tmp_path.iterdir()] == ["configs"]


def test_a_second_bind_rebinds_nothing_again(host, host_spec, output):
    base = sys.modules["modeling.base_model"]
    before = {name: vars(base)[name] for name in ("torch", "BaseModel")} | {"load": base.BaseModel._load_ckpt}
    hosts.bind(host_spec, "cpu", output)
    assert {name: vars(base)[name] for name in ("torch", "BaseModel")} | {"load": base.BaseModel._load_ckpt} == before


def test_a_caller_hands_in_rebindings_that_are_listed(host, host_spec, output):
    calls = []

    def build(original):
        calls.append(original)
        return 2 * original

    sys.modules["utils"].of_this_test = 21
    row = hosts.Rebinding("utils", "of_this_test", build, "a test")
    for _ in range(2):
        hosts.bind(host_spec, "cpu", output, rebindings=(row,))
    assert sys.modules["utils"].of_this_test == 42 and calls == [21]
    assert ("utils.of_this_test", "both hosts", "a test") in hosts.rebinding_table()


# ---------------------------------------------------------------- the host's own models


def watched(file, phase="test"):
    """Run a host model; returns what its forward was given in eval mode, clip by clip: (silhouettes [s, h, w], type)."""
    seen = []

    def before(model):
        forward = model.forward  # a host calls it by name in a test, so no hook would run

        def noting(ipts):
            if not model.training:
                seen.append((ipts[0][0][0].clone(), ipts[2][0]))
            return forward(ipts)

        model.forward = noting

    launch(file, phase, quiet=True, before=before)
    return seen


def overlap(a, b):
    """Intersection over union of two silhouette clips."""
    a, b = a > 0.5, b > 0.5
    return float((a & b).sum() / (a | b).sum())


def test_a_host_model_is_tested_under_occlusion(trained, tmp_path):
    """Probes lose their upper half and what is left is stretched; the gallery is the host's tensor, grey values and all."""
    whole = watched(trained.files[TEACHER])
    hidden = watched(variant(trained.files[TEACHER], tmp_path, evaluator_cfg__occlusion=TOP))
    assert len(whole) == len(hidden) > 20 and [t for _, t in whole] == [t for _, t in hidden]
    for (plain, type_), (seen, _) in zip(whole, hidden):
        if type_ == "nm-01":
            assert torch.equal(plain, seen)
            continue
        upper, lower = (F.interpolate(half[:, None], size=(64, 44), mode="bilinear")[:, 0] for half in (plain[:, :32], plain[:, 32:]))
        assert overlap(seen, lower) > 0.9 > overlap(seen, upper)


def test_a_host_model_is_not_trained_under_our_occlusion(trained, tmp_path):
    file = variant(trained.files[TEACHER], tmp_path, trainer_cfg__occlusion={"kinds": {"top": 1.0}})
    with pytest.raises(ConfigError, match=r"trainer_cfg\.occlusion: Baseline is the host's own.*model: Baseline2.*OcclusionAugmentation"):
        launch(file, "train", quiet=True)


AUGMENTED = [
    {
        "type": "Compose",
        "trf_cfg": [{"type": "BaseSilCuttingTransform"}, {"type": "OcclusionAugmentation", "kinds": {"top": 1.0}, "hidden": [0.5, 0.5]}],
    }
]


@pytest.fixture(scope="module")
def augmented(trained, tmp_path_factory):
    """A host model trained for three steps with our transform, and the batches it met."""
    folder, seen = tmp_path_factory.mktemp("augmented"), []
    file = variant(trained.files[TEACHER], folder, trainer_cfg__transform=AUGMENTED, trainer_cfg__save_name="augmented",
                   evaluator_cfg__save_name="augmented")  # fmt: skip

    def before(model):
        model.register_forward_pre_hook(lambda _, args: seen.append(args[0][0][0].clone()) and None)

    model = launch(file, "train", quiet=True, before=before)
    return file, model, seen


def test_a_host_model_trains_with_our_transform(augmented, trained):
    _, model, seen = augmented
    assert model.iteration == len(seen) == 3
    plain = next(iter(trained.models[TEACHER].train_loader))[0][0]
    head = np.mean([(clip[:, :2] > 127).mean() for clip in plain])  # the head is narrow, the hips are not
    assert all(set(batch.unique().tolist()) == {0.0, 1.0} for batch in seen)
    assert all(float(batch[:, :, :2].mean()) > 1.5 * head for batch in seen)


def test_a_host_model_trained_with_our_transform_can_be_evaluated(augmented):
    """The transform belongs to training; the test's occlusion is another matter."""
    from opengait_mimic.evaluation.evaluate import evaluate

    rows = evaluate(augmented[0], quiet=True)
    assert [r["occluded_side"] for r in rows] == ["holistic", "probe", "both"]
    assert "Baseline-1" not in {r["method"] for r in rows}, "Baseline-1 was trained on whole bodies"
    assert all(r["rp_rank1"] is None and "--reference" in r["rp_reason"] for r in rows)


def test_a_test_during_training_meets_the_occlusion_too(trained, tmp_path):
    """``evaluator_cfg.occlusion`` says what a test hides; a host model's test between two steps is no exception."""
    engine = {"trainer_cfg__with_test": True, "trainer_cfg__save_name": "between"}
    file = variant(trained.files[TEACHER], tmp_path, evaluator_cfg__occlusion=TOP, **engine)
    seen = watched(file, "train")
    wanted = watched(variant(trained.files[TEACHER], tmp_path, evaluator_cfg__occlusion=TOP))
    assert len(seen) == len(wanted) > 20
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(seen, wanted))


# ---------------------------------------------------------------- the two hosts agree

OTHER = """
import hashlib, json, sys
import numpy as np, torch
from opengait_mimic import host as hosts
from opengait_mimic.training.launch import build, launch, start_log
from opengait_mimic.models.prepare import prepare
host, teacher, baseline2, theirs, out = sys.argv[1:]
hosts.bind(host, "cpu", out)

def embeddings(checkpoint):
    cfgs = prepare(teacher, "test")
    cfgs["evaluator_cfg"]["restore_hint"] = checkpoint
    start_log(cfgs, False, False, quiet=True)
    model = build(cfgs, False)
    assert model.engine_cfg["restore_ckpt_strict"]
    with torch.no_grad():
        return model.inference(0)["embeddings"]

launch(teacher, "train", quiet=True)
own = f"{out}/walkers/Baseline/GaitBase-seed0/checkpoints/GaitBase-seed0-00003.pt"
np.savez(f"{out}/embeddings.npz", own=embeddings(own), theirs=embeddings(theirs))

cfgs = prepare(baseline2, "test")
start_log(cfgs, False, False, quiet=True)
cfgs["evaluator_cfg"]["restore_hint"] = 0
from opengait_mimic.models.prepare import model_class
model = model_class(cfgs)(cfgs, False).eval()
found = {}
for inputs in model.test_loader:
    batch = model.occluded_batch(inputs)
    key = "/".join([model.test_loader.dataset.label_set[inputs[1][0]], batch.typs[0], batch.vies[0]])
    found[key] = [hashlib.sha256(batch.occluded.float().numpy().tobytes()).hexdigest(), *batch.draws[0]]
json.dump({"root": str(hosts.current().root), "clips": found}, open(f"{out}/clips.json", "w"))
"""


def own_checkpoint(output):
    return output / "walkers/Baseline/GaitBase-seed0/checkpoints/GaitBase-seed0-00003.pt"


@pytest.fixture(scope="module")
def other(host, host_spec, request, trained, output, tmp_path_factory):
    """The other host, in its own process: its checkpoint, embeddings and occluded test clips."""
    import json

    spec = "embedded" if host.name != "embedded" else request.getfixturevalue("checkout")
    folder = tmp_path_factory.mktemp("other")
    out = folder / "out"
    script(folder, OTHER, spec, trained.files[TEACHER], trained.files["Baseline-2"], own_checkpoint(output), out)
    found = json.loads((out / "clips.json").read_text())
    assert found["root"] != str(host.root)
    return {"clips": found["clips"], "checkpoint": own_checkpoint(out), **np.load(out / "embeddings.npz")}


def occluded_clips(file):
    """sha256 of every occluded test clip here, with its kind and amount."""
    import hashlib

    model = built(file)
    found = {}
    for inputs in model.test_loader:
        batch = model.occluded_batch(inputs)
        key = "/".join([model.test_loader.dataset.label_set[inputs[1][0]], batch.typs[0], batch.vies[0]])
        digest = hashlib.sha256(batch.occluded.float().numpy().tobytes()).hexdigest()
        found[key] = [digest, *batch.draws[0]]
    return found


def test_occluded_test_clips_are_bit_equal_on_both_hosts(trained, other):
    here = occluded_clips(trained.files["Baseline-2"])
    assert len(here) > 20 and {kind for _, kind, *_ in here.values()} == {"bottom", "top"}
    assert here == other["clips"]


@pytest.mark.parametrize("which", ["theirs", "own"])
def test_checkpoints_move_both_ways(trained, output, other, which):
    """``theirs``: trained here, restored there. ``own``: trained there, restored here. Strictly, and to 1e-5."""
    cfgs = prepare(trained.files[TEACHER], "test")
    cfgs["evaluator_cfg"]["restore_hint"] = str(own_checkpoint(output) if which == "theirs" else other["checkpoint"])
    start_log(cfgs, False, False, quiet=True)
    model = build(cfgs, False)
    with torch.no_grad():
        found = model.inference(0)["embeddings"]
    assert found.shape == other[which].shape and np.abs(found).max() > 0.01
    np.testing.assert_allclose(found, other[which], rtol=0, atol=1e-5)


def test_test_draws_do_not_depend_on_the_order(trained):
    """Backwards, and one clip alone: the same draw."""
    model = built(trained.files["Baseline-2"])
    data = model.test_loader.dataset
    clips = [(data.label_set.index(label), type_, view) for label, type_, view, _ in data.seqs_info]
    forwards = [model.test_draw(*clip) for clip in clips]
    backwards = [model.test_draw(*clip) for clip in reversed(clips)]
    assert forwards == backwards[::-1]
    assert built(trained.files["Baseline-2"]).test_draw(*clips[-1]) == forwards[-1]
    assert len({draw.hidden for _, draw in forwards}) > len(clips) // 2
