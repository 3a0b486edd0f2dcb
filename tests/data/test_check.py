"""`check data` finds what was planted and nothing else, passes good data, and runs nothing."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys

import numpy as np
import pytest

from benchmarks.trees import write_tree
from opengait_mimic.data.check import check_data
from opengait_mimic.data.check_report import FAILURES, NOTES
from opengait_mimic.data.fingerprint import fingerprint_half
from tests.data.checking import check, read_problems, rewrite

TEACHER = "GaitBase (teacher)"  # OpenGait's own model, which declares no geometry


def test_what_was_planted_is_found_and_nothing_else(tmp_path, capsys):
    places = write_tree(tmp_path, ids=4, each=2)
    status = check("--root", tmp_path / "data", "--partition", tmp_path / "partition.json", "--workers", 2, "--json", tmp_path / "x.json")
    report = capsys.readouterr().out
    assert read_problems(tmp_path / "x.json") == places
    assert status == 1 and report.splitlines()[-1].endswith("notes above.") and "\nFAIL: " in report
    for kind, where in places.items():
        assert {**FAILURES, **NOTES}[kind][0][:40] in report
        assert kind not in ("truncated", "forbidden") or all(place in report for place in where)
    not_planted = {"unequal", "geometry", "transform", "batch", "protocol", "short", "few", "no mate"}
    assert set(FAILURES) | set(NOTES) == set(places) | not_planted


def test_processes_find_the_same(tmp_path):
    write_tree(tmp_path, ids=3, each=1)
    assert repr(check_data(tmp_path / "data", workers=3)) == repr(check_data(tmp_path / "data"))  # some numbers are NaN


def test_a_malicious_pickle_is_reported_and_not_run(walkers, tmp_path, capsys):
    class Touches:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    min(walkers.glob("*/*/*/*.pkl")).write_bytes(pickle.dumps(Touches()))
    for workers in (1, 2):
        assert check("--root", walkers, "--workers", workers) == 1
    assert "asks Python for posix.system, which no array needs; it was not run" in capsys.readouterr().out
    assert not (tmp_path / "ran").exists()


def test_folders_that_cannot_be_read_are_reported(walkers, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("0002/nm-01"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    problems = [problem for problem in check_data(walkers)[1] if problem.kind == "unreadable"]
    assert [(problem.where, problem.what) for problem in problems] == [("0002/nm-01", "Permission denied")]


def test_special_files_do_not_hang_it(walkers):
    file = min(walkers.glob("*/*/*/*.pkl"))
    file.unlink()
    os.mkfifo(file)
    assert {problem.kind for problem in check_data(walkers)[1]} == {"unreadable", "hollow"}


def test_names_that_no_terminal_can_print_are_escaped(walkers, capsys):
    folder = min(walkers.glob("*/*/*"))
    (folder.rename(folder.with_name("caf\udce9 \x1b[31m")) / "x.pkl").write_bytes(b"")
    assert check("--root", walkers) == 1
    assert r"caf\udce9 \x1b[31m" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, message",
    [
        ((), "--root DIR"),
        (("--root", "nowhere"), "no such folder"),
        (("--root", __file__), "a file; give the folder that holds"),
        (("--root", ".", "--partition", "nowhere.json"), "cannot be read as JSON"),
        (("--root", ".", "--partition", __file__), "cannot be read as JSON"),
        (("--root", ".", "--partition", {"TRAIN_SET": [1], "TEST_SET": []}), "TRAIN_SET: 1: expected a list of names in quotes"),
        (("--root", ".", "--partition", {"TRAIN_SET": [], "TEST_SET": [], "PROBE_SET": "0-a-b"}), 'PROBE_SET: "0-a-b": expected'),
        (("--cfgs", "nowhere.yaml"), "not found"),
        (("--root", ".", "--workers", 0), "1 or more"),
    ],
)
def test_what_cannot_be_checked_is_status_2(words, message, host_spec, tmp_path, capsys):
    if words and isinstance(words[-1], dict):
        (tmp_path / "p.json").write_text(json.dumps(words[-1]))
        words = (*words[:-1], tmp_path / "p.json")
    assert check(*words, *(("--host", host_spec) if "--cfgs" in words else ())) == 2
    assert message in capsys.readouterr().err


def test_a_root_without_sequences_fails(walkers, tmp_path, capsys):
    for root in (walkers / "0001", tmp_path):  # one folder too deep, and one too high
        assert check("--root", root) == 1
        assert "give the folder of the identities" in capsys.readouterr().out.replace("\n            ", " ")


def test_the_fingerprints_are_those_of_training_and_test(walkers, tree, tmp_path, capsys):
    assert check("--root", walkers, "--partition", tree.partition, "--fingerprint", tmp_path / "f.json") == 0
    partition = json.loads(tree.partition.read_text())
    found = json.loads((tmp_path / "f.json").read_text())
    assert found == {half: fingerprint_half(tree.root, partition, half) for half in ("TRAIN_SET", "TEST_SET")}
    assert found["TRAIN_SET"][:23] in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["--fingerprint", "--json"])
def test_a_file_that_cannot_be_written_is_status_2(walkers, tmp_path, flag, capsys):
    assert check("--root", walkers, flag, tmp_path / "no" / "such") == 2
    printed = capsys.readouterr()
    assert str(tmp_path / "no" / "such") in printed.err and "PASS" not in printed.out


# ---------------------------------------------------------------- with a configuration of the bound host


@pytest.mark.parametrize("stage", [TEACHER, "VEN", "MimicGait"])
def test_walkers_pass_with_every_configuration(check_cfgs, stage):
    status, kinds, report = check_cfgs(stage=stage)
    assert status == 0 and set(kinds) <= {"short"}, report


def test_sizes_are_those_after_the_transforms(check_cfgs, walkers):
    rewrite(walkers, lambda clip: clip.repeat(2, 1).repeat(2, 2), slice(3))
    status, kinds, report = check_cfgs()
    assert status == 1 and len(kinds["geometry"]) == 3 and not kinds["sizes"]
    assert "128x128, which the transforms make 128x88; model_cfg.geometry is 64x44" in report
    status, kinds, report = check_cfgs(stage=TEACHER)  # without a geometry the other sequences decide
    assert status == 1 and len(kinds["sizes"]) == 3 and "most are 64x44" in report


def test_values_are_those_after_the_transforms(check_cfgs, walkers):
    rewrite(walkers, lambda clip: clip // 255, slice(2))
    rewrite(walkers, lambda clip: clip.astype("int16") * 4, slice(2, 3))
    status, kinds, report = check_cfgs()
    assert status == 1 and len(kinds["range"]) == 3 and "in the network 0..0.00392" in report and "int16 0..1020" in report


def test_inputs_are_those_that_data_in_use_leaves(check_cfgs, walkers):
    for folder in walkers.glob("*/*/*"):
        shutil.copy(next(folder.glob("*.pkl")), folder / "a.pkl")
    status, kinds, _ = check_cfgs()
    assert status == 1 and len(kinds["files"]) == len(list(walkers.glob("*/*/*")))
    assert check_cfgs(data_cfg__data_in_use=[True, False])[0] == check_cfgs(data_cfg__data_in_use=[1])[0] == 0
    rewrite(walkers, lambda clip: clip[:-1], slice(1))  # one of the two is shorter, and only one is in use
    assert check_cfgs(data_cfg__data_in_use=[False, True])[0] == 0
    two = {"evaluator_cfg__transform": 2 * [{"type": "BaseSilCuttingTransform"}]}
    assert check("--root", walkers) == 1
    assert check_cfgs(**two, trainer_cfg__transform=two["evaluator_cfg__transform"])[1]["unequal"] == {"0001/bg-01/054"}


def test_the_batch_must_exist(check_cfgs, walkers):
    for folder in sorted(walkers.glob("0001/*"))[1:]:
        shutil.rmtree(folder)
    status, kinds, report = check_cfgs(trainer_cfg__sampler__batch_size=[9, 4], stage=TEACHER)
    assert status == 1 and kinds["batch"] == {"P x K = 9 x 4"} and "9 identities in a batch, but 8" in report
    assert kinds["few"] == {"0001"}
    assert check_cfgs(trainer_cfg__sampler__batch_size=[8, 2], stage=TEACHER)[0] == 0


def test_the_partition_is_compared_both_ways(check_cfgs, tree, tmp_path):
    given = json.loads(tree.partition.read_text())
    train, test = given["TRAIN_SET"], given["TEST_SET"]
    (tmp_path / "p.json").write_text(json.dumps({"TRAIN_SET": [*train, "9999"], "TEST_SET": [*test[:-1], train[0]]}))
    status, kinds, _ = check_cfgs(partition=tmp_path / "p.json")
    assert status == 1 and (kinds["missing"], kinds["both"], kinds["unlisted"]) == ({"9999"}, {train[0]}, {test[-1]})


def test_a_test_without_probes_or_gallery_fails(check_cfgs, walkers):
    for folder in walkers.glob("*/nm-01"):
        folder.rename(folder.with_name("first"))
    status, kinds, report = check_cfgs()
    assert status == 1 and kinds["protocol"] == {"all"} and "no gallery sequence" in report
    own = {"data_cfg__test_dataset_name": "CCGR", "evaluator_cfg__eval_func": "evaluate_indoor_dataset"}
    assert check_cfgs(stage=TEACHER, **own)[0] == 0  # of a data set of one's own no probes are known


def test_gait3d_needs_its_probes(check_cfgs, tree, tmp_path):
    changes = {"data_cfg__test_dataset_name": "Gait3D", "evaluator_cfg__eval_func": "evaluate_Gait3D", "stage": TEACHER}
    status, kinds, report = check_cfgs(**changes)
    assert status == 1 and kinds["protocol"] == {"PROBE_SET"} and "no probe sequence" in report
    given = json.loads(tree.partition.read_text())
    label, *_, last = given["TEST_SET"]
    views = sorted("/".join(view.parts[-3:]) for view in tree.root.glob("*/*/*"))
    mine, theirs = ([view for view in views if view.startswith(name)] for name in (label, last))
    probes = [view.replace("/", "-") for view in [*mine, theirs[0]]]
    (tmp_path / "p.json").write_text(json.dumps({**given, "PROBE_SET": [*probes, "0000-gone-000"]}))
    status, kinds, _ = check_cfgs(partition=tmp_path / "p.json", **changes)
    assert status == 1 and kinds["missing"] == {"0000-gone-000"} and not kinds["protocol"]
    assert kinds["no mate"] == set(mine)
    (tmp_path / "p.json").write_text(json.dumps({**given, "PROBE_SET": probes[-1:]}))
    assert check_cfgs(partition=tmp_path / "p.json", **changes)[0] == 0


class Poses:
    """A transform as OpenGait's of poses: it needs a whole sequence, and makes two views of it in training."""

    def __init__(self, views=1):
        self.views = views

    def __call__(self, poses):
        assert len(poses) >= 4
        return np.stack([poses] * self.views).swapaxes(1, 2)


def test_other_inputs_than_silhouettes_are_not_transformed(check_cfgs, walkers, monkeypatch):
    monkeypatch.setattr(Poses, "__module__", "data.transform")
    monkeypatch.setattr(sys.modules["data.transform"], "Poses", Poses, raising=False)
    rewrite(walkers, lambda clip: np.random.default_rng(0).normal(size=(len(clip), 17, 3)).astype("float32"))
    blocks = {"evaluator_cfg__transform": [{"type": "Poses"}], "trainer_cfg__transform": [{"type": "Poses", "views": 2}]}
    status, kinds, report = check_cfgs(stage=TEACHER, **blocks)
    assert status == 0 and set(kinds) <= {"short"}, report


def test_sizes_that_differ_between_training_and_test_fail(check_cfgs):
    status, kinds, report = check_cfgs(evaluator_cfg__transform=[{"type": "BaseSilCuttingTransform", "cutting": 5}], stage=TEACHER)
    assert status == 1 and len(kinds["transform"]) == 96 and "in training" in report


def test_a_transform_that_refuses_is_reported(check_cfgs):
    status, kinds, report = check_cfgs(evaluator_cfg__transform=[{"type": "BaseSilCuttingTransform", "cutting": "9"}])
    assert status == 1 and len(kinds["transform"]) == 96, report
