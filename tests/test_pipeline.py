"""``opengait-mimic pipeline``: what is done stays, what is half done goes on, what does not match is refused or redone."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml

from opengait_mimic import host as hosts
from opengait_mimic import stages
from opengait_mimic.config import ConfigError
from opengait_mimic.demo import Size, write_configs
from opengait_mimic.evaluate import evaluate
from opengait_mimic.host import HostError
from opengait_mimic.launch import launch
from opengait_mimic.pipeline import read_stages, run_pipeline
from tests.host_runs import digests, good, python, two_processes
from tests.variants import variant

STEPS = {"GaitBase (teacher)": 2, "VEN": 2, "Baseline-2": 2, "MimicGait": 4}  # each saves every 2
TEACHER, VEN, MIMIC = "teacher Baseline", "VEN", "MimicGait"


@pytest.fixture(scope="module")
def yamls(host, tree, tmp_path_factory):
    """The four configurations: stage name -> YAML."""
    data = {"dataset_root": str(tree.root), "dataset_partition": str(tree.partition)}
    data.update(dataset_name="walkers", test_dataset_name="walkers")
    files = write_configs(tmp_path_factory.mktemp("yamls"), Size(12, 2, 2, 4, 1), data, len(tree.train), 0)
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
        return run_pipeline(SimpleNamespace(cfgs=cfgs, host=host_spec, device="cpu", output=out, retrain=retrain))

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


def record(folder):
    return json.loads((folder / "training.json").read_text())


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
    monkeypatch.setattr(stages, "evaluate", lambda *_, **__: rows)


# ---------------------------------------------------------------- a whole run


def test_a_whole_run_trains_and_scores_everything(done, yamls, bound, host):
    found = json.loads((done / "walkers/pipeline/MimicGait-MimicGait-seed0/results.json").read_text())
    cells = [(r["method"], r["protocol"], r["gallery_embedder"]) for r in found["rows"]]
    own = [(method, protocol, "own") for method in ("Baseline-1", "MimicGait") for protocol in ("holistic", "probe", "both")]
    assert cells == [*own, ("MimicGait", "probe", "teacher")]
    assert list(found["stages"]) == [TEACHER, VEN, MIMIC] and found["host"] == host.name
    assert 0 <= found["stages"][VEN]["visibility"]["scalar/test_accuracy/frame"] <= 100
    assert all(len(s["losses"]) == 2 and s["seconds"][0] >= 0 for s in found["stages"].values())
    hosts.bind(None, "cpu", done)
    scored = [row for stage in ("GaitBase (teacher)", "MimicGait") for row in evaluate(yamls[stage], quiet=True)]
    assert scored == found["rows"], "as `evaluate` scores each configuration by itself"


def test_the_record_names_the_bytes_of_every_checkpoint(done):
    mimic, kept = record(mimic_folder(done)), weights(done)
    place = "walkers/MimicGait/MimicGait-seed0/checkpoints/MimicGait-seed0"
    assert mimic["checkpoints"] == {str(at): f"sha256:{kept[f'{place}-{at:05d}.pt']}" for at in (2, 4)}
    teacher = kept["walkers/Baseline/GaitBase-seed0/checkpoints/GaitBase-seed0-00002.pt"]
    assert mimic["inputs"]["model_cfg"]["teacher"] == {"checkpoint": f"sha256:{teacher}"}


def test_a_second_run_does_nothing(again, yamls, steps):
    before = digests(again.out)
    said = again(yamls["MimicGait"])
    assert all(line(said, name).endswith("done before") for name in (TEACHER, VEN, MIMIC))
    changed = {name for name, value in digests(again.out).items() if before.get(name) != value}
    assert {Path(name).name for name in changed} <= {"results.json", "baseline1.yaml"} and not steps.of
    assert "MimicGait   probe     teacher" in said


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
        ({"MimicGait": {"model_cfg__ven": None}}, r"model_cfg\.ven: .* -> null"),
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
    with pytest.raises(HostError, match=r"data_cfg\.dataset_root: sha256:\w+ -> sha256:\w+"):
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
    assert record(mimic_folder(again.out))["inputs"]["model_cfg"]["teacher"] == {"checkpoint": f"sha256:{teacher}"}


def test_weights_of_unknown_origin_are_refused_or_named_by_path(again, yamls, tmp_path, steps):
    """OpenGait's own main.py writes the same checkpoints without a record."""
    folder = again.out / "walkers/Baseline/GaitBase-seed0"
    (folder / "training.json").unlink()
    with pytest.raises(HostError, match="(?s)teacher Baseline: .*GaitBase-seed0-00002.pt and no record .*model_cfg.teacher.checkpoint"):
        again(yamls["MimicGait"])
    file = folder / "checkpoints/GaitBase-seed0-00002.pt"
    said = again(copied(yamls, tmp_path / "y", MimicGait={"model_cfg__teacher__checkpoint": str(file)}))
    assert line(said, TEACHER).rstrip().endswith("done before") is False and f"given: {file}" in line(said, TEACHER)
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


def test_a_stopped_training_goes_on_from_its_last_checkpoint(bound, yamls, again, capsys, steps, unscored):
    shutil.rmtree(mimic_folder(again.out))
    steps.stop_at = 3
    with pytest.raises(SystemExit) as caught:
        bound(yamls["MimicGait"], again.out)
    assert caught.value.code == 130
    assert "stopped in MimicGait: the same command goes on from the last checkpoint" in capsys.readouterr().out
    assert list(record(mimic_folder(again.out))["checkpoints"]) == ["2"]
    first = record(mimic_folder(again.out))["losses"][0]
    steps.stop_at = None
    said = again(yamls["MimicGait"])
    assert "MimicGait: goes on from iteration 2 of 4" in said and steps.of["MimicGait"] == [2, 2]
    assert steps.labels[2] != steps.labels[0][:2], "the host's samplers are seeded at every start: not with the same seed"
    saved = torch.load(mimic_folder(again.out) / "checkpoints/MimicGait-seed0-00004.pt", weights_only=True)
    assert saved["iteration"] == saved["scheduler"]["last_epoch"] == 4
    assert {int(state["step"]) for state in saved["optimizer"]["state"].values()} == {4}, "Adam's own count: it was restored"
    kept = record(mimic_folder(again.out))
    assert list(kept["checkpoints"]) == ["2", "4"] and kept["losses"][0] == first
    assert line(again(yamls["MimicGait"]), MIMIC).endswith("done before")


def test_a_checkpoint_cut_short_gives_way_to_the_one_before(again, yamls, steps, unscored):
    newest = mimic_folder(again.out) / "checkpoints/MimicGait-seed0-00004.pt"
    newest.write_bytes(newest.read_bytes()[:1000])
    said = again(yamls["MimicGait"])
    assert "goes on from iteration 2 of 4; MimicGait-seed0-00004.pt: incomplete or damaged" in said
    assert steps.of == {"MimicGait": [2, 2]}
    assert torch.load(newest, weights_only=True)["iteration"] == 4


def test_no_checkpoint_left_starts_anew(again, yamls, steps, unscored):
    for file in (mimic_folder(again.out) / "checkpoints").glob("*.pt"):
        file.write_bytes(b"")
    said = again(yamls["MimicGait"])
    assert "starts anew; incomplete, damaged or missing: MimicGait-seed0-00002.pt, MimicGait-seed0-00004.pt" in said
    assert steps.of == {"MimicGait": [0, 4]}


def test_more_iterations_train_the_rest(again, yamls, tmp_path, steps, unscored):
    longer = {"trainer_cfg__total_iter": 6, "evaluator_cfg__restore_hint": 6}
    said = again(copied(yamls, tmp_path / "y", MimicGait=longer))
    assert "goes on from iteration 4 of 6" in said and steps.of == {"MimicGait": [4, 2]}


KILLER = """
import os, signal, sys
from opengait_mimic import cli, records
keep = records.Recorder.saved
def saved(self, iteration):
    keep(self, iteration)
    if "MimicGait" in str(self.file):
        os.kill(os.getpid(), signal.SIGKILL)
records.Recorder.saved = saved
cli.main(sys.argv[1:])
"""
TWO = """
import sys
from opengait_mimic import cli
try:
    cli.main(["pipeline", "--cfgs", sys.argv[1], *sys.argv[3:]])
except SystemExit as end:
    print("ended with", str(end)[:25], flush=True)
cli.main(["pipeline", "--cfgs", sys.argv[2], *sys.argv[3:]])
"""


def test_a_killed_process_is_resumed_by_two(yamls, done, bound, host_spec, tmp_path, capsys):
    """Killed right after the mimic's first checkpoint; two processes refuse another configuration together and do the rest of
    this one; one process finds nothing left to do."""
    out = shutil.copytree(done, tmp_path / "out")
    shutil.rmtree(mimic_folder(out))
    words = ["--host", host_spec, "--device", "cpu", "--output", str(out)]
    (tmp_path / "killer.py").write_text(KILLER)
    dead = python(tmp_path / "killer.py", "pipeline", "--cfgs", yamls["MimicGait"], *words, cwd=tmp_path)
    assert dead.returncode == -9 and list(record(mimic_folder(out))["checkpoints"]) == ["2"]
    other = copied(yamls, tmp_path / "y", MimicGait={"optimizer_cfg__lr": 0.5})
    (tmp_path / "two.py").write_text(TWO)
    said = good(*two_processes(), "two.py", other, yamls["MimicGait"], *words, cwd=tmp_path)
    assert "ended with error: nothing was run" in said and "ended with 1" in said, "rank 0 says why, rank 1 ends with it"
    assert "processes: 2; teacher Baseline, VEN, MimicGait" in said
    assert line(said, TEACHER).endswith("done before") and line(said, VEN).endswith("done before")
    assert said.count("MimicGait: goes on from iteration 2 of 4") == 1, "rank 0 alone speaks"
    assert list(record(mimic_folder(out))["checkpoints"]) == ["2", "4"]
    before = weights(out)
    bound(yamls["MimicGait"], out)
    said = capsys.readouterr().out
    assert all(line(said, name).endswith("done before") for name in (TEACHER, VEN, MIMIC)) and weights(out) == before


# ---------------------------------------------------------------- which stages


def test_the_stages_of_other_configurations(host, yamls, done, bound, tmp_path):
    hosts.bind(None, "cpu", done)

    def names(file, **changes):
        return [(stage.name, stage.train is not None) for stage in read_stages(variant(file, tmp_path, **changes))[0]]

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
