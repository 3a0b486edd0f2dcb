"""``opengait-mimic pipeline``: what is done stays, what is half done goes on, what does not match is refused or redone."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml

from opengait_mimic import host as hosts
from opengait_mimic.base import checkpoint_file as checkpoints
from opengait_mimic.base import stopped
from opengait_mimic.base.errors import ConfigError, HostError
from opengait_mimic.base.plain_values import differences
from opengait_mimic.evaluation import test_inputs
from opengait_mimic.evaluation.evaluate import evaluate
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training import recipe as recipes
from opengait_mimic.training.launch import launch
from opengait_mimic.workflows import stages
from opengait_mimic.workflows.pipeline import plan_stages, run_pipeline
from tests.conftest import write_demo_files
from tests.host_runs import digests, environment, good, python, two_processes
from tests.variants import variant

STEPS = {"GaitBase (teacher)": 2, "VEN": 2, "Baseline-2": 2, "MimicGait": 4}  # each saves every 2
TEACHER, VEN, MIMIC = "teacher Baseline", "VEN", "MimicGait"


@pytest.fixture(scope="module")
def yamls(host, tree, tmp_path_factory):
    """The four configurations: stage name -> YAML."""
    files = write_demo_files(tmp_path_factory.mktemp("yamls"), tree, 2, 2)
    for stage, file in files.items():
        cfgs = yaml.safe_load(file.read_text())
        cfgs["trainer_cfg"].update(save_iter=2, total_iter=STEPS[stage])
        cfgs["evaluator_cfg"]["restore_hint"] = STEPS[stage]
        cfgs["trainer_cfg"]["sampler"].update(
            batch_size=[4, 2], frames_num_fixed=min(2, cfgs["trainer_cfg"]["sampler"]["frames_num_fixed"])
        )
        file.write_text(yaml.safe_dump(cfgs))
    return files


def copied(yamls, folder, **changes):
    """The configurations in a folder of their own, with dotted keys of stages changed: ``MimicGait={"a__b": 1}``."""
    folder.mkdir(exist_ok=True)
    for file in yamls.values():
        shutil.copy(file, folder)
    for stage, keys in changes.items():
        name = {"Teacher": "GaitBase (teacher)"}.get(stage, stage)
        made = variant(folder / yamls[name].name, folder, **keys)
        assert made == folder / yamls[name].name
    return folder / yamls["MimicGait"].name


@pytest.fixture(scope="module")
def bound(host, host_spec, output):
    """Run a pipeline here, then put back what it bound."""
    logger = logging.getLogger("opengait_mimic")
    level = logger.level

    def call(cfgs, out, retrain=False):
        return run_pipeline(SimpleNamespace(cfgs=cfgs, host=host_spec, device="cpu", output=out, retrain=retrain, no_preflight=True))

    yield call
    hosts.bind(host_spec, "cpu", output)
    logger.setLevel(level)


@pytest.fixture(scope="module")
def done(bound, yamls, tmp_path_factory):
    """The output folder of a whole run."""
    out = tmp_path_factory.mktemp("pipeline") / "out"
    assert bound(yamls["MimicGait"], out) == 0
    return out


@pytest.fixture
def again(bound, done, tmp_path, capsys):
    """Run on a copy of what is done; returns what it said."""
    out = tmp_path / "out"
    shutil.copytree(done, out)

    def call(cfgs, retrain=False):
        capsys.readouterr()
        assert bound(cfgs, out, retrain) == 0
        return capsys.readouterr().out

    call.out = out
    return call


def line(said, name):
    """The line of a finished stage."""
    return next(text for text in reversed(said.splitlines()) if text.startswith(f"  {name} "))


def weights(out):
    return {name: value for name, value in digests(out).items() if name.endswith(".pt")}


def mimic_folder(out):
    return out / "walkers/MimicGait/MimicGait-seed0"


def as_opengait_writes(folder):
    """The checkpoints of a folder without what ours keep beside OpenGait's own."""
    for file in (folder / "checkpoints").glob("*.pt"):
        found = torch.load(file, weights_only=True)
        del found[checkpoints.ENTRY]
        torch.save(found, file)


def records(folder):
    """Iteration -> the record in that checkpoint."""
    files = sorted((folder / "checkpoints").glob("*.pt"))
    return {int(file.stem[-5:]): torch.load(file, weights_only=True)["opengait_mimic"] for file in files}


def record(folder):
    """The record of the newest checkpoint."""
    found = records(folder)
    return found[max(found)]


@pytest.fixture
def steps(monkeypatch):
    """Follows every training: ``of`` model name -> [iteration before the first step, steps], ``labels`` iteration -> those of the
    mimic's batches; ``stop_at`` interrupts a mimic's."""
    seen = SimpleNamespace(of={}, labels={}, stop_at=None)

    def following(path, phase, iteration=0, *words, before=lambda model: None, **named):
        def hook(model):
            before(model)
            if phase == "train":
                name = model.cfgs["model_cfg"]["model"]
                mine = seen.of[name] = [model.iteration, 0]

                def count(*_):
                    mine[1] += 1
                    if name == "MimicGait" and model.iteration == seen.stop_at:
                        raise KeyboardInterrupt

                model.loss_aggregator.register_forward_hook(count)
                if name == "MimicGait":
                    model.register_forward_pre_hook(lambda _, args: seen.labels.setdefault(iteration, []).append(args[0].labs.tolist()))

        return launch(path, phase, iteration, *words, before=hook, **named)

    monkeypatch.setattr(stages, "launch", following)
    return seen


@pytest.fixture
def unscored(monkeypatch, done):
    """Trainings alone: the evaluation gives the rows of the whole run."""
    rows = json.loads((done / "walkers/pipeline/MimicGait-MimicGait-seed0/results.json").read_text())["rows"]
    monkeypatch.setattr(stages, "measure", lambda *_, **__: SimpleNamespace(rows=rows, provenance=None))


# ---------------------------------------------------------------- a whole run


def test_a_whole_run_trains_and_scores_everything(done, yamls, bound, host):
    found = json.loads((done / "walkers/pipeline/MimicGait-MimicGait-seed0/results.json").read_text())
    cells = [(r["method"], r["occluded_side"], r["gallery_embedder"]) for r in found["rows"]]
    own = [(method, protocol, "own") for method in ("Baseline-1", "MimicGait") for protocol in ("holistic", "probe", "both")]
    assert cells == [*own, ("MimicGait", "probe", "teacher")]
    assert list(found["stages"]) == [TEACHER, VEN, MIMIC] and found["host"] == host.name
    assert 0 <= found["stages"][VEN]["visibility"]["scalar/test_accuracy/frame"] <= 100
    assert all(len(s["losses"]) == 2 and s["seconds"][0] >= 0 for s in found["stages"].values())
    hosts.bind(None, "cpu", done)
    scored = [row for stage in ("GaitBase (teacher)", "MimicGait") for row in evaluate(yamls[stage], quiet=True)]
    assert scored == found["rows"], "as `evaluate` scores each configuration by itself"


def test_the_record_names_the_bytes_of_what_it_builds_on(done):
    teacher = weights(done)["walkers/Baseline/GaitBase-seed0/checkpoints/GaitBase-seed0-00002.pt"]
    ven = weights(done)["walkers/VEN/VEN-seed0/checkpoints/VEN-seed0-00002.pt"]
    found = records(mimic_folder(done))
    assert list(found) == [2, 4]
    for each in found.values():
        assert each["recipe"]["depends"] == {"teacher": f"sha256:{teacher}", "ven": f"sha256:{ven}"}


def test_a_second_run_does_nothing(again, yamls, steps):
    before = digests(again.out)
    said = again(yamls["MimicGait"])
    assert all(line(said, name).endswith("done before") for name in (TEACHER, VEN, MIMIC))
    changed = {name for name, value in digests(again.out).items() if before.get(name) != value}
    assert {Path(name).name for name in changed} == {"results.json"} and not steps.of
    assert re.search(r"MimicGait +probe +teacher ", said)


def test_keys_that_change_no_weight_and_the_place_of_the_data_do_not_matter(again, yamls, tree, tmp_path):
    moved = shutil.copytree(tree.root, tmp_path / "elsewhere")
    mine = {"trainer_cfg__log_iter": 1, "data_cfg__num_workers": 1, "data_cfg__dataset_root": str(moved), "trainer_cfg__save_iter": 1}
    said = again(copied(yamls, tmp_path / "y", MimicGait=mine))
    assert all(line(said, name).endswith("done before") for name in (TEACHER, VEN, MIMIC))


# ---------------------------------------------------------------- what does not match


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"MimicGait": {"optimizer_cfg__lr": 0.5}}, r"MimicGait: changed since \S+ was trained: optimizer_cfg\.lr: 0\.002 -> 0\.5\n"),
        ({"MimicGait": {"loss_cfg__0__margin": 0.3}}, r"MimicGait: .*: loss_cfg\[0\]\.margin: 0\.2 -> 0\.3\n"),
        ({"MimicGait": {"trainer_cfg__occlusion__hidden": [0.1, 0.6]}}, r"trainer_cfg\.occlusion\.hidden\[0\]: 0\.4 -> 0\.1\n"),
        ({"MimicGait": {"model_cfg__init_mimic": False}}, r"model_cfg\.init_mimic: true -> false"),
        ({"MimicGait": {"model_cfg__ven": None}}, r"depends\.ven: .* -> null"),
        (
            {"Teacher": {"trainer_cfg__seed": 7}},
            r"(?s)teacher Baseline: .*trainer_cfg\.seed: 0 -> 7\n.*MimicGait: .*teacher Baseline, which",
        ),
    ],
)
def test_a_changed_key_is_refused_by_name(again, yamls, tmp_path, steps, changes, named):
    before = digests(again.out)
    with pytest.raises(HostError, match=named) as caught:
        again(copied(yamls, tmp_path / "y", **changes))
    for way in ("another save_name", "move the folder away", "--retrain"):
        assert way in str(caught.value)
    assert digests(again.out) == before and not steps.of


def test_other_data_are_refused(again, yamls, tree, tmp_path):
    other = shutil.copytree(tree.root, tmp_path / "other")
    first = min(other.glob(f"{sorted(tree.train)[0]}/*/*/*.pkl"))
    first.write_bytes(next(file for file in sorted(other.glob("*/*/*/*.pkl")) if file.read_bytes() != first.read_bytes()).read_bytes())
    with pytest.raises(HostError, match=r"data\.clips: sha256:\w+ -> sha256:\w+"):
        again(copied(yamls, tmp_path / "y", MimicGait={"data_cfg__dataset_root": str(other)}))


def test_with_retrain_a_changed_teacher_takes_its_mimic_along(again, yamls, tmp_path, steps, unscored):
    before = weights(again.out)
    said = again(copied(yamls, tmp_path / "y", Teacher={"optimizer_cfg__lr": 0.01}), retrain=True)
    assert steps.of == {"Baseline": [0, 2], "MimicGait": [0, 4]}
    assert line(said, VEN).endswith("done before") and "loss " in line(said, TEACHER) and " steps/s" in line(said, MIMIC)
    after = weights(again.out)
    for name in before:
        if "VEN" in name:
            assert after[name] == before[name]
        else:
            model, run = name.split("/")[1:3]
            assert after[name] != before[name] and after[name.replace(run, f"{run}.before-1", 1)] == before[name], model
    teacher = after["walkers/Baseline/GaitBase-seed0/checkpoints/GaitBase-seed0-00002.pt"]
    assert record(mimic_folder(again.out))["recipe"]["depends"]["teacher"] == f"sha256:{teacher}"


def test_weights_of_unknown_origin_are_refused_or_named_by_path(again, yamls, tmp_path, steps):
    """OpenGait's own main.py writes the same checkpoints without a record."""
    folder = again.out / "walkers/Baseline/GaitBase-seed0"
    file = folder / "checkpoints/GaitBase-seed0-00002.pt"
    own = shutil.copy(file, tmp_path / "mine.pt")
    as_opengait_writes(folder)
    with pytest.raises(HostError, match="(?s)teacher Baseline: .*GaitBase-seed0-00002.pt without a record .*model_cfg.teacher.checkpoint"):
        again(yamls["MimicGait"])
    file = shutil.copy(own, tmp_path / "given.pt")
    said = again(copied(yamls, tmp_path / "y", MimicGait={"model_cfg__teacher__checkpoint": str(file)}))
    assert f"given: {file}   holistic " in line(said, TEACHER)
    assert line(said, MIMIC).endswith("done before") and not steps.of, "the same bytes, wherever they were named"


def test_another_test_is_a_test_alone(again, yamls, tmp_path, steps):
    before = weights(again.out)
    said = again(copied(yamls, tmp_path / "y", MimicGait={"evaluator_cfg__occlusion__seed": 5}))
    assert line(said, TEACHER).endswith("trained before") and line(said, MIMIC).endswith("trained before")
    assert line(said, VEN).endswith("done before"), "its own YAML tests it"
    found = json.loads((again.out / "walkers/pipeline/MimicGait-MimicGait-seed0/results.json").read_text())
    assert {r["seed"] for r in found["rows"]} == {5}, "the teacher under the mimic's draws"
    assert weights(again.out) == before and not steps.of


# ---------------------------------------------------------------- half done


def test_a_stopped_training_goes_on_from_its_last_checkpoint(bound, yamls, again, steps, unscored):
    shutil.rmtree(mimic_folder(again.out))
    steps.stop_at = 3
    with pytest.raises(KeyboardInterrupt):  # which the console knows from SIGTERM
        bound(yamls["MimicGait"], again.out)
    assert stopped.again() == "last checkpoint: iteration 2 of MimicGait-seed0; the same command continues from there"
    assert list(records(mimic_folder(again.out))) == [2]
    assert not list(again.out.rglob("*.lock")), "an interrupted training lets go of its folder"
    first = record(mimic_folder(again.out))["losses"][0]
    steps.stop_at = None
    said = again(yamls["MimicGait"])
    assert "MimicGait: goes on from iteration 2 of 4" in said and steps.of["MimicGait"] == [2, 2]
    assert steps.labels[2] == steps.labels[0][2:], "the batches that an uninterrupted run draws"
    saved = torch.load(mimic_folder(again.out) / "checkpoints/MimicGait-seed0-00004.pt", weights_only=True)
    assert saved["iteration"] == saved["scheduler"]["last_epoch"] == 4
    assert {int(state["step"]) for state in saved["optimizer"]["state"].values()} == {4}, "Adam's own count: it was restored"
    kept = record(mimic_folder(again.out))
    assert list(records(mimic_folder(again.out))) == [2, 4] and kept["losses"][0] == first
    assert line(again(yamls["MimicGait"]), MIMIC).endswith("done before")


def test_a_checkpoint_cut_short_gives_way_to_the_one_before(again, yamls, steps, unscored):
    newest = mimic_folder(again.out) / "checkpoints/MimicGait-seed0-00004.pt"
    newest.write_bytes(newest.read_bytes()[:1000])
    said = again(yamls["MimicGait"])
    assert "goes on from iteration 2 of 4; MimicGait-seed0-00004.pt: damaged or incomplete, written again" in said
    assert steps.of == {"MimicGait": [2, 2]}
    assert torch.load(newest, weights_only=True)["iteration"] == 4


def test_no_checkpoint_left_starts_anew(again, yamls, steps, unscored):
    for file in (mimic_folder(again.out) / "checkpoints").glob("*.pt"):
        file.write_bytes(b"")
    said = again(yamls["MimicGait"])
    assert "starts again; MimicGait-seed0-00002.pt, MimicGait-seed0-00004.pt: damaged or incomplete" in said
    assert steps.of == {"MimicGait": [0, 4]}


def test_checkpoints_without_a_record_are_not_overwritten(again, yamls, steps, unscored):
    as_opengait_writes(mimic_folder(again.out))
    before = weights(again.out)
    named = r"MimicGait-seed0-00002\.pt, MimicGait-seed0-00004\.pt without a record of this version"
    with pytest.raises(HostError, match=f"(?s)MimicGait: .*{named}.*--retrain"):
        again(yamls["MimicGait"])
    assert weights(again.out) == before and not steps.of
    again(yamls["MimicGait"], retrain=True)
    after = weights(again.out)
    moved = {name.replace("MimicGait-seed0/", "MimicGait-seed0.before-1/"): value for name, value in before.items() if "MimicGait" in name}
    assert moved.items() <= after.items() and steps.of == {"MimicGait": [0, 4]}


def test_more_iterations_train_the_rest(again, yamls, tmp_path, steps, unscored):
    longer = {"trainer_cfg__total_iter": 6, "evaluator_cfg__restore_hint": 6}
    said = again(copied(yamls, tmp_path / "y", MimicGait=longer))
    assert "goes on from iteration 4 of 6" in said and steps.of == {"MimicGait": [4, 2]}


KILLER = """
import os, signal, sys
from opengait_mimic import cli
from opengait_mimic.training import saving
keep = saving.write_run_json
def write_run_json(file, entry):
    keep(file, entry)
    if "MimicGait" in str(file):
        os.kill(os.getpid(), signal.SIGKILL)
saving.write_run_json = write_run_json
cli.main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_killed_process_is_resumed_by_two(yamls, done, bound, host_spec, tmp_path, capsys):
    """Killed right after the mimic's first checkpoint; two processes refuse another configuration together, and do the rest of this one;
    one process finds nothing left to do."""
    out = shutil.copytree(done, tmp_path / "out")
    shutil.rmtree(mimic_folder(out))
    words = ["--host", host_spec, "--device", "cpu", "--output", str(out)]
    (tmp_path / "killer.py").write_text(KILLER)
    dead = python(tmp_path / "killer.py", "pipeline", "--cfgs", yamls["MimicGait"], *words, cwd=tmp_path)
    assert dead.returncode == -9 and list(records(mimic_folder(out))) == [2]
    other = copied(yamls, tmp_path / "y", MimicGait={"optimizer_cfg__lr": 0.5})
    refused = python(*two_processes(), "-m", "opengait_mimic.cli", "pipeline", "--cfgs", other, *words, cwd=tmp_path)
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1 and said.count("\nerror: rank 0: nothing was run") == 1 and "optimizer_cfg.lr: 0.002 -> 0.5" in said
    assert "exitcode  : 1 " in said and list(records(mimic_folder(out))) == [2], "torchrun ends the other rank"
    said = good(*two_processes(), "-m", "opengait_mimic.cli", "pipeline", "--cfgs", yamls["MimicGait"], *words, cwd=tmp_path)
    assert "processes: 2; teacher Baseline, VEN, MimicGait" in said
    assert line(said, TEACHER).endswith("done before") and line(said, VEN).endswith("done before")
    assert said.count("goes on from iteration 2 of 4; was trained by 1 process(es) (now 2)\n") == 1, "rank 0 alone speaks"
    assert list(records(mimic_folder(out))) == [2, 4] and record(mimic_folder(out))["processes"] == 2
    before = weights(out)
    bound(yamls["MimicGait"], out)
    said = capsys.readouterr().out
    assert all(line(said, name).endswith("done before") for name in (TEACHER, VEN, MIMIC)) and weights(out) == before


# ---------------------------------------------------------------- nothing is lost


@pytest.mark.parametrize("recorded", [True, False])
def test_an_aborted_launch_leaves_what_was_trained(again, yamls, tmp_path, recorded):
    """Another configuration, or OpenGait's own main.py, trained there; a launch that ends before its first checkpoint is nothing."""
    folder = again.out / "walkers/VEN/VEN-seed0"
    if not recorded:
        as_opengait_writes(folder)
    hosts.bind(None, "cpu", again.out)
    before = {name: value for name, value in digests(folder).items() if "summary" not in name}

    def stop(model):
        assert (folder / "training.lock").is_file()
        raise KeyboardInterrupt

    other = copied(yamls, tmp_path / "y", VEN={"optimizer_cfg__lr": 0.5}).parent / yamls["VEN"].name
    with pytest.raises(KeyboardInterrupt):
        launch(other, "train", quiet=True, before=stop)
    assert {name: value for name, value in digests(folder).items() if "summary" not in name} == before
    if recorded:
        assert line(again(yamls["MimicGait"]), VEN).endswith("done before")
    else:
        with pytest.raises(HostError, match="VEN: .*VEN-seed0-00002.pt without a record"):
            again(yamls["MimicGait"])
    launch(other, "train", quiet=True)
    assert record(folder)["recipe"]["optimizer_cfg"]["lr"] == 0.5, "its first checkpoint replaces the other"


def test_a_first_checkpoint_cut_short_starts_again_a_whole_one_is_kept(again, yamls, steps, unscored):
    folder = again.out / "walkers/VEN/VEN-seed0"
    file = folder / "checkpoints/VEN-seed0-00002.pt"
    as_opengait_writes(folder)
    with pytest.raises(HostError, match="VEN: .*VEN-seed0-00002.pt without a record of this version"):
        again(yamls["VEN"])
    file.write_bytes(file.read_bytes()[:1000])
    assert "VEN: starts again; VEN-seed0-00002.pt: damaged or incomplete" in again(yamls["VEN"])
    assert steps.of == {"VEN": [0, 2]}


def test_checkpoints_of_an_older_format_are_of_unknown_origin(again, yamls):
    for file in (mimic_folder(again.out) / "checkpoints").glob("*.pt"):
        found = torch.load(file, weights_only=True)
        torch.save({**found, checkpoints.ENTRY: {"format": 1, "record": "{}"}}, file)
    with pytest.raises(HostError, match="MimicGait: .*MimicGait-seed0-00002.pt, MimicGait-seed0-00004.pt without a record of this version"):
        again(yamls["MimicGait"])


HOLD = """
import sys
from pathlib import Path
from opengait_mimic.base.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_process():
    """Starts a process that trains in a folder, as far as the lock goes; returns a function that ends it."""
    started = []

    def start(folder):
        words = [sys.executable, "-c", HOLD, str(folder)]
        started.append(subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), text=True))
        assert started[0].stdout.readline() == "held\n"
        return lambda: started[0].communicate("")

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_folder_is_trained_by_one_at_a_time(again, yamls, other_process, steps, unscored):
    end = other_process(mimic_folder(again.out))
    assert line(again(yamls["MimicGait"]), MIMIC).endswith("done before"), "it is not trained, so the lock does not matter"
    (mimic_folder(again.out) / "checkpoints/MimicGait-seed0-00004.pt").unlink()
    for run in (again, lambda file: launch(file, "train", quiet=True)):
        with pytest.raises(HostError, match="MimicGait-seed0 is being trained by another process.*same command again.*save_name"):
            run(yamls["MimicGait"])
    assert not steps.of
    end()
    again(yamls["MimicGait"])
    assert steps.of == {"MimicGait": [2, 2]}


def test_a_held_folder_is_refused_before_anything_is_moved(again, yamls, tmp_path, other_process):
    folder = again.out / "walkers/VEN/VEN-seed0"
    other_process(folder)
    before = digests(again.out)
    with pytest.raises(HostError, match="VEN-seed0 is being trained by another process"):
        again(copied(yamls, tmp_path / "y", VEN={"optimizer_cfg__lr": 0.5}).parent / yamls["VEN"].name, retrain=True)
    assert digests(again.out) == before


def test_what_another_run_trained_meanwhile_is_not_trained_again(again, yamls, steps, unscored, monkeypatch):
    plan = stages.plan
    monkeypatch.setattr(stages, "plan", lambda *words: {**plan(*words), "MimicGait": stages.Plan("train")})
    said = again(yamls["MimicGait"])
    assert "MimicGait: found trained by now" in said and line(said, MIMIC).endswith("done before") and not steps.of


# ---------------------------------------------------------------- what a test depends on


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("transform", [{"type": "BaseSilCuttingTransform", "cutting": 10}], r"teacher\.evaluator_cfg\.transform\[0\]\.cutting: null -> 10"),
        ("metric", "cos", r"teacher\.evaluator_cfg\.metric: euc -> cos"),
    ],
)
def test_another_test_of_the_teacher_is_another_test_of_the_mimic(again, yamls, tmp_path, steps, unscored, key, value, why):
    said = again(copied(yamls, tmp_path / "y", Teacher={f"evaluator_cfg__{key}": value}))
    assert re.search(rf"MimicGait: is tested again: {why}\n", said)
    assert line(said, TEACHER).endswith("trained before") and line(said, MIMIC).endswith("trained before") and not steps.of


def test_another_version_and_another_layout_are_tested_again(again, yamls, steps, unscored, monkeypatch):
    result = again.out / "walkers/pipeline/MimicGait-MimicGait-seed0/mimicgait.json"
    result.write_text(json.dumps({"rows": []}))
    said = again(yamls["MimicGait"])
    assert f"MimicGait: is tested again: {result} has another layout\n" in said
    assert line(said, TEACHER).endswith("done before") and line(said, MIMIC).endswith("trained before")
    result.write_text(json.dumps({**json.loads(result.read_text()), "rows": [{"method": "MimicGait", "rank1": 1.0}]}))
    assert f"MimicGait: is tested again: {result} has rows of another layout\n" in again(yamls["MimicGait"])
    monkeypatch.setattr(test_inputs, "__version__", "99")
    said = again(yamls["MimicGait"])
    for name in (TEACHER, VEN, MIMIC):
        assert re.search(rf"  {name}: is tested again: version: \S+ -> 99\n", said) and line(said, name).endswith("trained before")
    assert not steps.of


# ---------------------------------------------------------------- what is a change, and what is none


def test_defaults_written_out_are_no_change(again, yamls, tmp_path, steps):
    mimic = {
        "model_cfg__geometry": [64, 44], "model_cfg__binarise": 0.5, "model_cfg__reference_compat": {"rank": "fused", "moving": False},
        "loss_cfg__0__distance": "parts", "loss_cfg__0__loss_term_weight": 1, "trainer_cfg__occlusion__speed": [0.5, 1.0],
        "trainer_cfg__occlusion__time_axis": 100,
    }  # fmt: skip
    file = copied(yamls, tmp_path / "y", MimicGait=mimic)
    for name in yamls.values():
        cfgs = yaml.safe_load((tmp_path / "y" / name.name).read_text())
        assert cfgs["trainer_cfg"].pop("seed") == 0
        (tmp_path / "y" / name.name).write_text(yaml.safe_dump(cfgs))
    said = again(file)
    assert all(line(said, name).endswith("done before") for name in (TEACHER, VEN, MIMIC)) and not steps.of


def test_a_switch_is_a_change_but_for_what_is_ranked(host, yamls, tmp_path):
    own = recipes.read_recipe(prepare(yamls["MimicGait"], "train"))
    for key, value, told in (
        ("model_cfg__reference_compat", {"rank": "bare"}, []),
        (
            "model_cfg__reference_compat",
            {"rank": "bare", "live_teacher": True},
            ["model_cfg.reference_compat.live_teacher: null -> true"],
        ),
        ("model_cfg__reference_compat", {"moving": "test"}, []),
        ("model_cfg__reference_compat", {"moving": True}, ["model_cfg.reference_compat.moving: null -> true"]),
    ):
        copied(yamls, tmp_path / "y", MimicGait={key: value})
        theirs = recipes.read_recipe(prepare(tmp_path / "y" / yamls["MimicGait"].name, "train"))
        assert differences(own, theirs) == told
    assert differences({"reference_compat": {}}, {"reference_compat": None}) == []


def test_a_teacher_that_trains_further_keeps_the_weights_its_mimic_reads(again, yamls, tmp_path, steps):
    said = again(copied(yamls, tmp_path / "y", Teacher={"trainer_cfg__total_iter": 4}))
    assert steps.of == {"Baseline": [2, 2]} and line(said, MIMIC).endswith("done before")


def test_the_data_set_of_the_backbones_yaml_is_an_input(host, yamls, tmp_path):
    """GaitGL is deeper for OUMVLP: the name in the backbone's YAML decides."""
    own = recipes.read_recipe(prepare(yamls["Baseline-2"], "train"))
    copied(yamls, tmp_path / "y", Teacher={"data_cfg__dataset_name": "OUMVLP"})
    theirs = recipes.read_recipe(prepare(tmp_path / "y" / yamls["Baseline-2"].name, "train"))
    assert differences(own, theirs) == ["model_cfg.backbone_dataset: walkers -> OUMVLP"]


def test_a_baseline2_with_its_backbone_inline_and_a_teacher_trains(host, done, yamls, tmp_path):
    hosts.bind(None, "cpu", tmp_path / "out")
    inline = yaml.safe_load(yamls["GaitBase (teacher)"].read_text())["model_cfg"]
    file = variant(yamls["Baseline-2"], tmp_path, model_cfg__backbone=inline, model_cfg__teacher={"checkpoint": "auto"})
    launch(file, "train", quiet=True)
    kept = record(tmp_path / "out/walkers/Baseline2/Baseline2-seed0")
    assert not differences(kept["recipe"], recipes.read_recipe(prepare(yamls["Baseline-2"], "train")))


def test_a_teacher_in_opengaits_own_style_with_keys_that_opengait_drops(again, yamls, tmp_path):
    """Its YAML is read loosely, so the test made of it is."""
    changes = {"trainer_cfg__fix_layers": False, "loss_cfg__0__nonsense": 1}
    copied(yamls, tmp_path / "y", Teacher=changes, **{"Baseline-2": {"model_cfg__teacher": {"checkpoint": "auto"}}})
    teacher = tmp_path / "y" / yamls["GaitBase (teacher)"].name
    cfgs = yaml.safe_load(teacher.read_text())
    del cfgs["trainer_cfg"]["seed"], cfgs["evaluator_cfg"]["eval_func"]  # which are ours
    teacher.write_text(yaml.safe_dump(cfgs))
    said = again(tmp_path / "y" / yamls["Baseline-2"].name, retrain=True)
    assert "trainer_cfg.fix_layers: null -> false" in said and "holistic " in line(said, TEACHER) and " steps/s" in line(said, "Baseline2")


# ---------------------------------------------------------------- which stages


def test_the_stages_of_other_configurations(host, yamls, done, bound, tmp_path):
    hosts.bind(None, "cpu", done)

    def names(file, **changes):
        return [(stage.name, stage.train is not None) for stage in plan_stages(variant(file, tmp_path, **changes))[0]]

    file = done / "walkers/VEN/VEN-seed0/checkpoints/VEN-seed0-00002.pt"
    mimic, baseline2 = yamls["MimicGait"], yamls["Baseline-2"]
    assert names(mimic, model_cfg__ven=None) == [(TEACHER, True), (MIMIC, True)]
    assert names(mimic, model_cfg__ven__checkpoint=str(file)) == [(TEACHER, True), (VEN, False), (MIMIC, True)]
    assert names(mimic, model_cfg__teacher={}) == [(TEACHER, True), (VEN, True), (MIMIC, True)], "teacher.cfgs = backbone.cfgs"
    assert names(baseline2) == [("Baseline2", True)]
    assert names(baseline2, model_cfg__teacher={"checkpoint": "auto"}) == [(TEACHER, True), ("Baseline2", True)]
    assert names(yamls["VEN"]) == [(VEN, True)]
    assert names(yamls["GaitBase (teacher)"]) == [("Baseline", True)]


def test_baseline2_is_scored_against_the_teacher_it_names(again, yamls, tmp_path, steps):
    copied(yamls, tmp_path / "y", **{"Baseline-2": {"model_cfg__teacher": {"checkpoint": "auto"}}})
    said = again(tmp_path / "y" / yamls["Baseline-2"].name)
    assert line(said, TEACHER).endswith("trained before") and steps.of == {"Baseline2": [0, 2]}
    found = json.loads((again.out / "walkers/pipeline/Baseline2-Baseline2-seed0/results.json").read_text())["rows"]
    assert [r["method"] for r in found] == ["Baseline-1"] * 3 + ["Baseline-2"] * 3
    assert {r["hp_rank1"] for r in found} == {found[0]["rank1"]}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"evaluator_cfg__restore_hint": 3}, ConfigError, r"evaluator_cfg\.restore_hint = 3 .*saves every 2.*for example 4"),
        ({"evaluator_cfg__save_name": "x"}, ConfigError, r"evaluator_cfg\.save_name = 'x'"),
        ({"trainer_cfg__restore_hint": 2}, ConfigError, r"trainer_cfg\.restore_hint = 2"),
        ({"model_cfg__teacher__checkpoint": "no.pt"}, RuntimeError, r"model_cfg\.teacher\.checkpoint: no\.pt not found"),
        ({"model_cfg__ven__cfgs": "no.yaml"}, HostError, r"model_cfg\.ven\.cfgs: no\.yaml not found"),
        ({"data_cfg__test_dataset_name": "OU-LP"}, ConfigError, "OU-LP"),
    ],
)
def test_what_cannot_end_well_is_refused_before_anything_runs(bound, yamls, tmp_path, changes, error, message):
    with pytest.raises(error, match=message):
        bound(copied(yamls, tmp_path / "y", MimicGait=changes), tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.pt"))
