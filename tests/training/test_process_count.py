"""Training and test in two processes equal those in one; three steps of every backbone and method in two processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from opengait_mimic.cli import main
from tests.host_runs import environment, good, two_processes
from tests.training import processes_worker
from tests.training.processes_jobs import BACKBONES, CUT, METHODS, PUBLISHED, SHARED, STEPS, TESTS, checkpoint, three_steps
from tests.variants import variant

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def batches(tree):
    """Two global batches of 8 clips of 4 subjects: of equal length, and of lengths that differ on each process."""
    files = sorted(tree.root.rglob("*.pkl"))
    subjects = sorted({file.parts[-4] for file in files})[:4]
    chosen = [[file for file in files if file.parts[-4] == subject][pick] for pick in range(2) for subject in subjects]

    def batch(lengths):
        clips = [np.load(file, allow_pickle=True)[:length] for file, length in zip(chosen, lengths)]
        assert [len(clip) for clip in clips] == lengths
        return clips, [subjects.index(f.parts[-4]) for f in chosen], [f.parts[-3] for f in chosen], [f.parts[-2] for f in chosen]

    return {"fixed": batch([4] * 8), "packed": batch([3, 7, 4, 6, 2, 5, 3, 8])}


@pytest.fixture(scope="module")
def stages(trained, output, tmp_path_factory):
    """A stage's YAML without random transforms, and with teacher and VEN given as files."""

    def make(stage, name, **changes):
        folder = tmp_path_factory.mktemp("stage")
        if stage == "MimicGait":
            if "model_cfg__teacher" not in changes:
                changes["model_cfg__teacher__checkpoint"] = str(checkpoint(output, "Baseline", "GaitBase-seed0"))
            changes["model_cfg__ven__checkpoint"] = str(checkpoint(output, "VEN", "VEN-seed0"))
        return variant(trained.files[stage], folder, trainer_cfg__save_name=name, evaluator_cfg__save_name=name,
                       trainer_cfg__transform=CUT, trainer_cfg__sync_BN=True, **changes)  # fmt: skip

    return make


@pytest.fixture(scope="module")
def odd(tree, tmp_path_factory):
    """The walkers without one test clip, so that the test set does not divide by two; as changes of a YAML."""
    root = tmp_path_factory.mktemp("odd") / "walkers"
    shutil.copytree(tree.root, root)
    shutil.rmtree(next(path for path in sorted((root / tree.test[-1]).iterdir()) if path.name != "nm-01") / "054")
    return {"data_cfg__dataset_root": str(root)}


@pytest.fixture(scope="module")
def ran(stages, batches, odd, output, host_spec, host, tmp_path_factory):
    """The job in this process, and in two."""
    models = sys.modules["modeling.models"]
    folder = tmp_path_factory.mktemp("processes")
    job = {"steps": {}, "train": {}, "test": {stage: stages(stage, f"{name}-seed0", **odd) for stage, name in TESTS.items()}}
    own = {"model_cfg__reference_compat": {**SHARED, "grey_whole": False}}  # the checkpoint was trained without grey_whole
    job["test"]["published"] = stages("MimicGait", "MimicGait-seed0", **{**PUBLISHED, **own}, **odd)
    for stage, sampling, norm in STEPS:
        more = {"trainer_cfg__log_iter": 1, **({"model_cfg__init_mimic": False} if stage == "MimicGait" else {})}
        more.update(PUBLISHED if norm == "published" else {})
        kind = "unfixed_unordered" if sampling == "packed" else "fixed_unordered"
        file = stages(stage, "step", trainer_cfg__fix_BN=norm == "eval", trainer_cfg__sampler__sample_type=kind,
                      trainer_cfg__sampler__frames_num_min=2, trainer_cfg__sampler__frames_num_max=8, **more)  # fmt: skip
        job["steps"][stage, sampling, norm] = file, batches[sampling], sampling == "packed"
    one = processes_worker.run(job)
    for backbone in (name for name in BACKBONES if hasattr(models, name)):
        job["train"].update(three_steps(stages, backbone, output=folder / "out"))
    torch.save(job, folder / "job.pt")
    shutil.copytree(output / "walkers", folder / "out" / "walkers")  # what is tested, and where three_steps' own go
    good(*two_processes(), "-m", "tests.training.processes_worker", host_spec, folder / "out", folder / "job.pt", folder, cwd=folder)
    two = [torch.load(folder / f"rank{rank}.pt", weights_only=False) for rank in range(2)]
    return SimpleNamespace(one=one, two=two, folder=folder, job=job)


# ---------------------------------------------------------------- one step on a given global batch


@pytest.mark.parametrize("case", STEPS, ids="-".join)
def test_two_processes_see_the_clips_of_one(ran, case):
    """Hidden alike, bit for bit: clip i * 2 + rank of the one process is clip i of this rank."""
    one = ran.one[case]
    assert one["hidden"] is not False
    for rank, seen in enumerate(found[case] for found in ran.two):
        if one["frames"] is None:
            assert torch.equal(seen["seen"], one["seen"][rank::2])
        else:
            assert seen["frames"] == one["frames"][rank::2] and 2 * sum(seen["frames"]) != sum(one["frames"])
            assert torch.equal(seen["seen"], torch.cat(one["seen"][0].split(one["frames"])[rank::2])[None])


@pytest.mark.parametrize("case", STEPS, ids="-".join)
def test_two_processes_have_the_gradient_of_one(ran, case):
    """After DDP's averaging, to 1e-6 (of the largest entry, where that is above 1)."""
    one = ran.one[case]["grad"]
    most = max(float(grad.abs().max()) for grad in one.values())
    assert most > 1e-3 and len(one) > 10
    for seen in ran.two:
        assert list(seen[case]["grad"]) == list(one)
        for name, grad in one.items():
            assert float((seen[case]["grad"][name] - grad).abs().max()) <= 1e-6 * max(1.0, most), name
    assert all(torch.equal(ran.two[0][case]["grad"][name], ran.two[1][case]["grad"][name]) for name in one)


@pytest.mark.parametrize("case", STEPS, ids="-".join)
def test_two_processes_have_the_losses_and_statistics_of_one(ran, case):
    """MiCKD and the host's triplets see the clips of all processes; the host's cross entropy is averaged. BatchNorm and scalars agree."""
    one, two = ran.one[case], [found[case] for found in ran.two]
    gathered = {"MimicGait": ["mickd"], "Baseline-2": ["triplet"], "VEN": []}[case[0]]
    watched = {"Baseline-2": set(), "VEN": {"ven_accuracy", "amount_error"}, "MimicGait": {"ven_accuracy", "teacher_cosine", "own_pair"}}
    assert {name.rpartition("/")[2] for name in one["watch"]} == {"hidden_share", "skipped_steps", *watched[case[0]]}
    assert any(name.endswith("running_var") for name in one["buffers"]) or case[0] == "VEN"
    for seen in two:
        for name in gathered:
            torch.testing.assert_close(seen["info"][f"scalar/{name}/loss"], one["info"][f"scalar/{name}/loss"], atol=1e-6, rtol=1e-6)
        for name, value in one["watch"].items():
            torch.testing.assert_close(seen["watch"][name], value, atol=1e-6, rtol=1e-6, msg=name)
        for name, value in one["buffers"].items():
            torch.testing.assert_close(seen["buffers"][name], value, atol=1e-6, rtol=1e-5)
        if case[0] == "MimicGait":  # DDP averages
            torch.testing.assert_close(seen["loss"], 2 * one["loss"], atol=1e-6, rtol=1e-6)
    if case[0] == "Baseline-2":
        parts = [seen["info"]["scalar/softmax/loss"] for seen in two]
        torch.testing.assert_close(sum(parts) / 2, one["info"]["scalar/softmax/loss"], atol=1e-6, rtol=1e-6)
        assert parts[0] != parts[1]


def test_a_live_teachers_statistics_are_those_of_one_process(ran):
    """It is no part of the model that sync_BN converts."""
    one, kept = (ran.one["MimicGait", "packed", norm]["teacher"] for norm in ("published", "gathered"))
    moved = [name for name, value in one.items() if name.endswith("running_mean") and not torch.equal(value, kept[name])]
    assert moved
    for seen in ran.two:
        for name, value in one.items():
            torch.testing.assert_close(seen["MimicGait", "packed", "published"]["teacher"][name], value, atol=1e-6, rtol=1e-5)


# ---------------------------------------------------------------- three steps


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_three_steps_with_two_processes(ran, host, backbone, method):
    """No parameter is left without a gradient (DDP would stop at the second step), and all ranks end with the same state."""
    zero, one = (found[backbone, method] for found in ran.two)
    assert len(zero["losses"]) == 3 and np.isfinite(zero["losses"]).all() and np.isfinite(one["losses"]).all()
    assert zero["state"].keys() == one["state"].keys()
    assert all(torch.equal(zero["state"][key], one["state"][key]) for key in zero["state"])
    assert any("Gathered" in norm for norm in zero["norms"])
    model = backbone if method == "Baseline-1" else method.replace("-", "")
    saved = torch.load(checkpoint(ran.folder / "out", model, f"three-{backbone}"), weights_only=True)
    assert saved["iteration"] == 3
    assert all(torch.equal(saved["model"][key], zero["state"][key]) for key in zero["state"])


# ---------------------------------------------------------------- the test


def clips(root, tree):
    """The test clips on the disk: (label, type, view)."""
    return [file.parts[-4:-1] for file in root.rglob("*.pkl") if file.parts[-4] in tree.test]


@pytest.mark.parametrize("stage", [*TESTS, "published"])
def test_an_odd_test_set_gives_the_same_numbers(ran, odd, tree, stage):
    """Whole bodies (the teacher), hidden ones (MimicGait) and the VEN's tables: every clip once, the padding dropped."""
    one, (zero, other) = ran.one[stage], (found[stage] for found in ran.two)
    count = len(clips(Path(odd["data_cfg__dataset_root"]), tree))
    assert count % 2 and len(one["embeddings"]) == len(zero["embeddings"]) == count
    for key in one.keys() - {"result"}:
        assert torch.equal(zero[key], other[key])
        torch.testing.assert_close(zero[key], one[key], atol=1e-6, rtol=1e-5)
    assert one["result"] and zero["result"] == pytest.approx(one["result"], abs=1e-6) and other["result"] is None


def test_evaluate_writes_the_result_of_one_process(ran, stages, odd, tree, host_spec, output, tmp_path):
    """A preset over two seeds without kept passes: rows, summary and manifest; probes are those on the disk."""
    file = stages("MimicGait", "MimicGait-seed0", **odd)
    words = ["evaluate", "--cfgs", file, "--host", host_spec, "--device", "cpu", "--output", output, "--no-cache"]
    words += ["--preset", "paper-table1", "--seeds", "0-1"]
    to = {name: ["--out", tmp_path / name, "--save-manifest", tmp_path / f"{name}.json"] for name in ("one", "two")}
    assert main([*map(str, [*words, *to["one"]])]) == 0
    text = good(*two_processes(), "-m", "opengait_mimic.cli", *words, *to["two"], cwd=tmp_path)
    assert text.count("written: ") == 1
    one, two = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("one", "two"))
    assert two["rows"] == one["rows"] and two["summary"] == one["summary"] and len(one["rows"]) == 7
    assert (one["provenance"]["processes"], two["provenance"]["processes"]) == (1, 2)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    probes = [clip for clip in clips(Path(odd["data_cfg__dataset_root"]), tree) if clip[1] != "nm-01"]
    assert {row["probes"] for row in two["rows"]} == {len(probes)}


# ---------------------------------------------------------------- two machines


def test_two_nodes_train_as_two_processes_of_one(ran, host_spec, tmp_path):
    """Two torchruns on this machine, one process each: both are LOCAL_RANK 0, and one checkpoint is written."""
    file, out = ran.job["train"]["Baseline", "Baseline-1"], tmp_path / "out"
    nodes = []
    address = two_processes()[-2:]
    for rank in range(2):
        words = ["-m", "torch.distributed.run", "--nnodes=2", f"--node_rank={rank}", "--nproc_per_node=1", *address]
        words += ["-m", "opengait_mimic", "--cfgs", str(file), "--device", "cpu", "--host", host_spec, "--output", str(out)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        nodes.append(subprocess.Popen([sys.executable, *words], cwd=tmp_path, env=environment(), **pipes))
    printed = [node.communicate(timeout=240)[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], printed
    assert "Iteration 00003, " in printed[0] and "Iteration" not in printed[1], "rank 0 reports"
    written = list(out.rglob("*.pt"))
    assert [file.name for file in written] == ["three-Baseline-00003.pt"]
    weights = torch.load(written[0], weights_only=True)["model"]
    expected = ran.two[0]["Baseline", "Baseline-1"]["state"]
    assert weights.keys() == expected.keys() and all(torch.equal(weights[key], expected[key]) for key in weights)
