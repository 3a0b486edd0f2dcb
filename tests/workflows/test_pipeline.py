"""``opengait-mimic pipeline``: finished stages are kept, a stopped training is resumed, other trainings are refused or trained again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from opengait_mimic import host as hosts
from opengait_mimic.base import checkpoint_file, last_checkpoint
from opengait_mimic.base.errors import ConfigError, HostError
from opengait_mimic.base.plain_values import differences
from opengait_mimic.evaluation.evaluate import evaluate
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import launch
from opengait_mimic.training.recipe import read_recipe
from opengait_mimic.workflows.pipeline import plan_stages
from tests.host_runs import digests, good, python, two_processes
from tests.variants import variant
from tests.workflows.conftest import RESULTS

TEACHER, VEN, MIMIC = "teacher Baseline", "VEN", "MimicGait"
TEACHER_FILE = "walkers/Baseline/GaitBase-seed0/checkpoints/GaitBase-seed0-00002.pt"
TEACHER_FOR_RP = {"Baseline-2": {"model_cfg__teacher": {"checkpoint": "auto"}}}


def write_changed(yamls, folder, **changes):
    """Copy the configurations and change dotted keys of stages, as ``MimicGait={"a__b": 1}``; returns the mimic's file."""
    folder.mkdir(exist_ok=True)
    for file in yamls.values():
        shutil.copy(file, folder)
    for stage, keys in changes.items():
        variant(folder / yamls["GaitBase (teacher)" if stage == "Teacher" else stage].name, folder, **keys)
    return folder / yamls["MimicGait"].name


def line(printed, name):
    """The line of a finished stage."""
    return next(text for text in reversed(printed.splitlines()) if text.startswith(f"  {name} "))


def all_done(printed):
    return all(line(printed, name).endswith("done before") for name in (TEACHER, VEN, MIMIC))


def weights(out):
    return {name: value for name, value in digests(out).items() if name.endswith(".pt")}


def mimic_folder(out):
    return out / "walkers/MimicGait/MimicGait-seed0"


def records(folder):
    """Iteration -> the record in that checkpoint."""
    return {int(file.stem[-5:]): checkpoint_file.entry(file) for file in sorted((folder / "checkpoints").glob("*.pt"))}


def remove_records(folder):
    """Leave checkpoints as OpenGait's own main.py writes them."""
    for file in (folder / "checkpoints").glob("*.pt"):
        content = torch.load(file, weights_only=True)
        del content[checkpoint_file.ENTRY]
        torch.save(content, file)


# ---------------------------------------------------------------- a data set of one's own


def test_a_data_set_without_a_protocol_is_trained_and_scored_by_a_file(yamls, run_here, tree, tmp_path, capsys):
    """Without a file there is no score, with one every method is tested; a second run with the same file does nothing."""
    own = {"data_cfg__dataset_name": "BRIAR", "data_cfg__test_dataset_name": "BRIAR", "model_cfg__ven": None}
    teacher = {key: value for key, value in own.items() if key.startswith("data_cfg")}
    cfgs, out = write_changed(yamls, tmp_path / "yamls", Teacher=teacher, MimicGait=own), tmp_path / "out"
    assert run_here(cfgs, out) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("trained and not scored: data set 'BRIAR' has no protocol here") and "Rank-1" not in printed
    results = out / "BRIAR/pipeline/MimicGait-MimicGait-seed0"
    assert json.loads((results / "results.json").read_text())["rows"] == []
    sides = {"all": {"probe": "*/bg-*/*", "gallery": "*/nm-01/*"}}
    split = {"format": "opengait-mimic protocol", "format_version": 1, "name": "corridor", "subsets": sides}
    (tmp_path / "split.json").write_text(json.dumps(split))
    for last in ("trained before", "done before"):
        assert run_here(cfgs, out, split=str(tmp_path / "split.json")) == 0
        printed = capsys.readouterr().out
        assert line(printed, TEACHER).endswith(last) and line(printed, MIMIC).endswith(last) and "Rank-1" in printed
    assert {row["protocol_name"] for row in json.loads((results / "results.json").read_text())["rows"]} == {"corridor"}
    split["subsets"]["all"]["probe"] = "*/bg-09/*"
    (tmp_path / "split.json").write_text(json.dumps(split))
    with pytest.raises(ConfigError, match=r"subsets\.all\.probe: no sequence of the test set fits \*/bg-09/\*"):
        run_here(cfgs, out, split=str(tmp_path / "split.json"))


def test_a_partition_without_test_identities_is_trained_alone(yamls, run_here, tree, tmp_path, capsys):
    (tmp_path / "train.json").write_text(json.dumps({"TRAIN_SET": tree.train, "TEST_SET": []}))
    alone = {"data_cfg__dataset_partition": str(tmp_path / "train.json")}
    cfgs = write_changed(yamls, tmp_path / "yamls", Teacher=alone, MimicGait={**alone, "model_cfg__ven": None})
    assert run_here(cfgs, tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("trained and not scored: no identity of TEST_SET has a sequence in data_cfg.dataset_root")
    assert "loss" in line(printed, TEACHER) and "loss" in line(printed, MIMIC)


# ---------------------------------------------------------------- a whole run, and a second one


def test_a_whole_run_trains_and_scores_everything(whole_run, yamls, run_here, host):
    result = json.loads((whole_run / RESULTS / "results.json").read_text())
    cells = [(r["method"], r["occluded_side"], r["gallery_embedder"]) for r in result["rows"]]
    own = [(method, side, "own") for method in ("Baseline-1", "MimicGait") for side in ("holistic", "probe", "both")]
    assert cells == [*own, ("MimicGait", "probe", "teacher")]
    assert list(result["stages"]) == [TEACHER, VEN, MIMIC] and result["host"] == host.name
    assert 0 <= result["stages"][VEN]["visibility"]["scalar/test_accuracy/frame"] <= 100
    assert all(len(s["losses"]) == 2 and s["seconds"][0] >= 0 for s in result["stages"].values())
    hosts.bind(None, "cpu", whole_run)
    scored = [row for stage in ("GaitBase (teacher)", "MimicGait") for row in evaluate(yamls[stage], quiet=True)]
    assert scored == result["rows"], "`evaluate` of each configuration gives the same"


def test_a_second_run_does_nothing(again, yamls, steps):
    before = digests(again.out)
    printed = again(yamls["MimicGait"])
    changed = {name for name, value in digests(again.out).items() if before.get(name) != value}
    assert all_done(printed) and {Path(name).name for name in changed} == {"results.json"} and not steps.of
    assert re.search(r"MimicGait +probe +teacher ", printed)


def test_keys_that_change_no_weight_the_place_of_the_data_and_written_defaults_are_no_change(again, yamls, tree, tmp_path, steps):
    moved = shutil.copytree(tree.root, tmp_path / "elsewhere")
    mimic = {
        "trainer_cfg__log_iter": 1, "trainer_cfg__save_iter": 1, "data_cfg__num_workers": 1, "data_cfg__dataset_root": str(moved),
        "model_cfg__geometry": [64, 44], "model_cfg__binarise": 0.5, "loss_cfg__0__distance": "parts", "loss_cfg__0__loss_term_weight": 1,
        "trainer_cfg__occlusion__speed": [0.5, 1.0], "trainer_cfg__occlusion__time_axis": 100,
    }  # fmt: skip
    printed = again(write_changed(yamls, tmp_path / "y", MimicGait=mimic))
    assert all_done(printed) and not steps.of
    for name in (TEACHER, VEN):
        assert f"note: {name} trains on dataset_root {tree.root}, MimicGait on {moved}" in printed


# ---------------------------------------------------------------- what does not match


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"MimicGait": {"optimizer_cfg__lr": 0.5}}, r"MimicGait: changed since \S+ was trained: optimizer_cfg\.lr: 0\.002 -> 0\.5\n"),
        ({"MimicGait": {"trainer_cfg__occlusion__hidden": [0.1, 0.6]}}, r"trainer_cfg\.occlusion\.hidden\[0\]: 0\.4 -> 0\.1\n"),
        ({"MimicGait": {"model_cfg__ven": None}}, r"depends\.ven: .* -> null"),
        ({"Teacher": {"trainer_cfg__seed": 7}}, r"(?s)teacher Baseline: .*_cfg\.seed: 0 -> 7\n.*MimicGait: .*teacher Baseline, which"),
    ],
)
def test_a_changed_key_is_refused_by_name(again, yamls, tmp_path, steps, changes, message):
    before = digests(again.out)
    with pytest.raises(HostError, match=message) as caught:
        again(write_changed(yamls, tmp_path / "y", **changes))
    assert all(way in str(caught.value) for way in ("another save_name", "move the folder away", "--retrain"))
    assert digests(again.out) == before and not steps.of


def test_other_data_are_refused(again, yamls, tree, tmp_path):
    other = shutil.copytree(tree.root, tmp_path / "other")
    clip = min(other.glob(f"{sorted(tree.train)[0]}/*/*/*.pkl"))
    clip.write_bytes(next(file for file in sorted(other.glob("*/*/*/*.pkl")) if file.read_bytes() != clip.read_bytes()).read_bytes())
    with pytest.raises(HostError, match=r"data\.clips: sha256:\w+ -> sha256:\w+"):
        again(write_changed(yamls, tmp_path / "y", MimicGait={"data_cfg__dataset_root": str(other)}))


@pytest.mark.slow
def test_with_retrain_a_changed_teacher_trains_its_mimic_again(again, yamls, tmp_path, steps, unscored):
    before = weights(again.out)
    printed = again(write_changed(yamls, tmp_path / "y", Teacher={"optimizer_cfg__lr": 0.01}), retrain=True)
    assert steps.of == {"Baseline": [0, 2], "MimicGait": [0, 4]}
    assert line(printed, VEN).endswith("done before") and "loss " in line(printed, TEACHER) and " steps/s" in line(printed, MIMIC)
    after = weights(again.out)
    for name in before:
        run = name.split("/")[2]
        if "VEN" in name:
            assert after[name] == before[name]
        else:
            assert after[name] != before[name] and after[name.replace(run, f"{run}.before-1", 1)] == before[name]
    assert records(mimic_folder(again.out))[4]["recipe"]["depends"]["teacher"] == f"sha256:{after[TEACHER_FILE]}"


def test_weights_of_unknown_origin_are_refused_or_named_by_path(again, yamls, tmp_path, steps):
    own = shutil.copy(again.out / TEACHER_FILE, tmp_path / "mine.pt")
    remove_records(again.out / "walkers/Baseline/GaitBase-seed0")
    with pytest.raises(HostError, match="(?s)teacher Baseline: .*GaitBase-seed0-00002.pt without a record .*model_cfg.teacher.checkpoint"):
        again(yamls["MimicGait"])
    printed = again(write_changed(yamls, tmp_path / "y", MimicGait={"model_cfg__teacher__checkpoint": str(own)}))
    assert f"given: {own}   holistic " in line(printed, TEACHER)
    assert line(printed, MIMIC).endswith("done before") and not steps.of, "the path differs, the bytes do not"


# ---------------------------------------------------------------- partly done


def test_a_stopped_training_goes_on_from_its_last_checkpoint(run_here, yamls, again, steps, unscored):
    shutil.rmtree(mimic_folder(again.out))
    steps.stop_at = 3
    with pytest.raises(KeyboardInterrupt):
        run_here(yamls["MimicGait"], again.out)
    assert last_checkpoint.again() == "last checkpoint: iteration 2 of MimicGait-seed0; the same command continues from there"
    assert list(records(mimic_folder(again.out))) == [2]
    steps.stop_at = None
    printed = again(yamls["MimicGait"])
    assert "MimicGait: goes on from iteration 2 of 4" in printed and steps.of["MimicGait"] == [2, 2]
    first, second = records(mimic_folder(again.out)).values()
    assert second["run"] == first["run"] and second["losses"][0] == first["losses"][0]
    assert line(again(yamls["MimicGait"]), MIMIC).endswith("done before")


@pytest.mark.slow
def test_more_iterations_train_the_rest(again, yamls, tmp_path, steps, unscored):
    longer = {"trainer_cfg__total_iter": 6, "evaluator_cfg__restore_hint": 6}
    printed = again(write_changed(yamls, tmp_path / "y", MimicGait=longer, Teacher={"trainer_cfg__total_iter": 4}))
    assert "goes on from iteration 4 of 6" in printed
    assert steps.of == {"Baseline": [2, 2], "MimicGait": [4, 2]}, "the mimic reads the teacher's iteration 2, which stays"


HOLDER = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print('held', flush=True); input()"


def test_two_trainings_in_one_folder_are_refused(again, yamls, tmp_path, steps, unscored):
    lock = mimic_folder(again.out) / "training.lock"
    other = subprocess.Popen([sys.executable, "-c", HOLDER, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "held\n"
    assert all_done(again(yamls["MimicGait"])), "a run that does not train needs no lock"
    changed = write_changed(yamls, tmp_path / "y", MimicGait={"optimizer_cfg__lr": 0.5})
    before = weights(again.out)
    with pytest.raises(HostError, match="MimicGait-seed0 is being trained by another process.*another save_name"):
        again(changed, retrain=True)
    with pytest.raises(HostError, match="is being trained by another process"):
        launch(yamls["MimicGait"], "train", quiet=True)
    assert weights(again.out) == before and not steps.of
    other.communicate("\n")


KILLER = """
import os, signal, sys
from opengait_mimic import cli
from opengait_mimic.training import saving
original = saving.write_run_json
def write_run_json(file, entry):
    original(file, entry)
    if "MimicGait" in str(file):
        os.kill(os.getpid(), signal.SIGKILL)
saving.write_run_json = write_run_json
cli.main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_killed_process_is_resumed_by_two(yamls, whole_run, run_here, host_spec, tmp_path, capsys):
    """Killed after the mimic's first checkpoint. Two processes refuse another configuration, and resume this one."""
    out = shutil.copytree(whole_run, tmp_path / "out")
    shutil.rmtree(mimic_folder(out))
    words = ["--host", host_spec, "--device", "cpu", "--output", str(out)]
    pipeline = ["-m", "opengait_mimic.cli", "pipeline", "--cfgs"]
    (tmp_path / "killer.py").write_text(KILLER)
    killed = python("killer.py", "pipeline", "--cfgs", yamls["MimicGait"], *words, cwd=tmp_path)
    assert killed.returncode == -9 and list(records(mimic_folder(out))) == [2]
    other = write_changed(yamls, tmp_path / "y", MimicGait={"optimizer_cfg__lr": 0.5})
    refused = python(*two_processes(), *pipeline, other, *words, cwd=tmp_path)
    printed = refused.stdout + refused.stderr
    assert refused.returncode == 1 and "nothing was run" in printed and "optimizer_cfg.lr: 0.002 -> 0.5" in printed
    assert list(records(mimic_folder(out))) == [2]
    printed = good(*two_processes(), *pipeline, yamls["MimicGait"], *words, cwd=tmp_path)
    assert "processes: 2; teacher Baseline, VEN, MimicGait" in printed
    assert line(printed, TEACHER).endswith("done before") and line(printed, VEN).endswith("done before")
    resumed = "goes on from iteration 2 of 4; was trained by 1 process(es) (now 2)\n"
    assert printed.count(resumed) == 1, "rank 0 alone prints"
    assert records(mimic_folder(out))[4]["processes"] == 2
    before = weights(out)
    run_here(yamls["MimicGait"], out)
    assert all_done(capsys.readouterr().out) and weights(out) == before


# ---------------------------------------------------------------- what a test depends on


@pytest.mark.slow
def test_another_test_is_a_test_only(again, yamls, tmp_path, steps):
    before = weights(again.out)
    printed = again(write_changed(yamls, tmp_path / "y", MimicGait={"evaluator_cfg__occlusion__seed": 5}))
    assert line(printed, TEACHER).endswith("trained before") and line(printed, MIMIC).endswith("trained before")
    assert line(printed, VEN).endswith("done before"), "its own YAML tests it"
    rows = json.loads((again.out / RESULTS / "results.json").read_text())["rows"]
    assert {r["seed"] for r in rows} == {5}, "the teacher is tested under the mimic's draws"
    assert weights(again.out) == before and not steps.of


def test_another_test_of_the_teacher_is_another_test_of_the_mimic(again, yamls, tmp_path, steps, unscored):
    printed = again(write_changed(yamls, tmp_path / "y", Teacher={"evaluator_cfg__metric": "cos"}))
    assert "MimicGait: is tested again: teacher.evaluator_cfg.metric: euc -> cos\n" in printed
    assert line(printed, TEACHER).endswith("trained before") and not steps.of


# ---------------------------------------------------------------- which configurations


def test_a_switch_is_a_change_but_for_what_is_ranked(host, yamls, tmp_path):
    own = read_recipe(prepare(yamls["MimicGait"], "train"))
    live = ["model_cfg.reference_compat.live_teacher: null -> true"]
    for switches, expected in (({"rank": "bare"}, []), ({"rank": "bare", "live_teacher": True}, live), ({"moving": "test"}, [])):
        changed = write_changed(yamls, tmp_path / "y", MimicGait={"model_cfg__reference_compat": switches})
        assert differences(own, read_recipe(prepare(changed, "train"))) == expected


@pytest.mark.slow
def test_a_teacher_in_opengaits_own_style_is_tested(again, yamls, tmp_path):
    """OpenGait ignores unknown keys, so a teacher's YAML may hold some."""
    changed = write_changed(yamls, tmp_path / "y", Teacher={"trainer_cfg__fix_layers": False, "loss_cfg__0__nonsense": 1}, **TEACHER_FOR_RP)
    teacher = changed.parent / yamls["GaitBase (teacher)"].name
    cfgs = yaml.safe_load(teacher.read_text())
    del cfgs["trainer_cfg"]["seed"], cfgs["evaluator_cfg"]["eval_func"]
    teacher.write_text(yaml.safe_dump(cfgs))
    printed = again(changed.parent / yamls["Baseline-2"].name, retrain=True)
    assert "trainer_cfg.fix_layers: null -> false" in printed and "holistic " in line(printed, TEACHER)
    rows = json.loads((again.out / "walkers/pipeline/Baseline2-Baseline2-seed0/results.json").read_text())["rows"]
    assert [r["method"] for r in rows] == ["Baseline-1"] * 3 + ["Baseline-2"] * 3
    assert {r["hp_rank1"] for r in rows} == {rows[0]["rank1"]}, "HP is the score of the teacher that it names"


def test_the_stages_of_other_configurations(host, yamls, whole_run, run_here, tmp_path):
    hosts.bind(None, "cpu", whole_run)

    def names(file, **changes):
        return [(stage.name, stage.train is not None) for stage in plan_stages(variant(file, tmp_path, **changes))[0]]

    file = whole_run / "walkers/VEN/VEN-seed0/checkpoints/VEN-seed0-00002.pt"
    mimic, baseline2 = yamls["MimicGait"], yamls["Baseline-2"]
    assert names(mimic, model_cfg__ven=None) == [(TEACHER, True), (MIMIC, True)]
    assert names(mimic, model_cfg__ven__checkpoint=str(file)) == [(TEACHER, True), (VEN, False), (MIMIC, True)]
    assert names(mimic, model_cfg__teacher={}) == [(TEACHER, True), (VEN, True), (MIMIC, True)], "teacher.cfgs = backbone.cfgs"
    assert names(baseline2) == [("Baseline2", True)]
    assert names(baseline2, **TEACHER_FOR_RP["Baseline-2"]) == [(TEACHER, True), ("Baseline2", True)]
    assert names(yamls["VEN"]) == [(VEN, True)] and names(yamls["GaitBase (teacher)"]) == [("Baseline", True)]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"evaluator_cfg__restore_hint": 3}, ConfigError, r"evaluator_cfg\.restore_hint = 3 .*saves every 2.*for example 4"),
        ({"trainer_cfg__restore_hint": 2}, ConfigError, r"trainer_cfg\.restore_hint = 2"),
        ({"model_cfg__teacher__checkpoint": "no.pt"}, RuntimeError, r"model_cfg\.teacher\.checkpoint: no\.pt not found"),
        ({"model_cfg__ven__cfgs": "no.yaml"}, HostError, r"model_cfg\.ven\.cfgs: no\.yaml not found"),
    ],
)
def test_wrong_configurations_are_refused_before_anything_runs(run_here, yamls, tmp_path, changes, error, message):
    with pytest.raises(error, match=message):
        run_here(write_changed(yamls, tmp_path / "y", MimicGait=changes), tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.pt"))
