"""`check data` finds what was planted and nothing else, passes good data, and runs nothing."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys

import numpy as np
import pytest

from opengait_mimic.cli import main
from opengait_mimic.data.check import check_data
from opengait_mimic.data.check_report import FAILURES, NOTES
from opengait_mimic.data.fingerprint import fingerprint_half
from tests.data.faulty_tree import write_faulty_tree


def rewrite(root, change, which=slice(None)) -> list[str]:
    """Change the clips of a tree; their places."""
    files = sorted(root.glob("*/*/*/*.pkl"))[which]
    for file in files:
        file.write_bytes(pickle.dumps(change(pickle.loads(file.read_bytes())), protocol=4))
    return [file.relative_to(root).as_posix() for file in files]


def test_what_was_planted_is_found_and_nothing_else(check, tmp_path):
    places = write_faulty_tree(tmp_path)
    status, kinds, report = check("--root", tmp_path / "data", "--partition", tmp_path / "partition.json", "--workers", 2)
    assert kinds == places and status == 1
    assert report.splitlines()[-1].endswith("notes above.") and "\nFAIL: " in report
    for kind, where in places.items():
        assert {**FAILURES, **NOTES}[kind][0][:40] in report and all(place in report for place in where)
    with_a_configuration = {"unequal", "geometry", "transform", "batch", "protocol", "few", "no mate"}
    assert set(FAILURES) | set(NOTES) == set(places) | with_a_configuration
    assert repr(check_data(tmp_path / "data", workers=2)) == repr(check_data(tmp_path / "data"))  # some numbers are NaN


def test_a_malicious_pickle_is_reported_and_not_run(check, walkers, tmp_path):
    class Touches:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    min(walkers.glob("*/*/*/*.pkl")).write_bytes(pickle.dumps(Touches()))
    status, _, report = check("--root", walkers, "--workers", 1)
    assert status == 1 and "asks Python for posix.system, which no array needs; it was not run" in report
    assert not (tmp_path / "ran").exists()


def test_folders_that_cannot_be_read_are_reported(walkers, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("0002/nm-01"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    problems = [problem for problem in check_data(walkers)[1] if problem.kind == "unreadable"]
    assert [(problem.where, problem.what) for problem in problems] == [("0002/nm-01", "Permission denied")]


@pytest.mark.parametrize(
    "words, message",
    [
        ((), "--root DIR"),
        (("--root", "nowhere"), "no such folder"),
        (("--root", __file__), "a file; give the folder that holds"),
        (("--root", ".", "--partition", "nowhere.json"), "cannot be read as JSON"),
        (("--root", ".", "--partition", __file__), "cannot be read as JSON"),
        (("--root", ".", "--partition", {"TRAIN_SET": [1], "TEST_SET": []}), "TRAIN_SET: [1]: expected a list of names in quotes"),
        (("--root", ".", "--partition", {"TRAIN_SET": [], "TEST_SET": [], "PROBE_SET": "0-a-b"}), 'PROBE_SET: "0-a-b": expected'),
        (("--cfgs", "nowhere.yaml"), "not found"),
        (("--root", ".", "--workers", 0), "1 or more"),
    ],
)
def test_what_cannot_be_checked_is_status_2(words, message, host_spec, tmp_path, capsys):
    if words and isinstance(words[-1], dict):
        (tmp_path / "p.json").write_text(json.dumps(words[-1]))
        words = (*words[:-1], tmp_path / "p.json")
    host = ("--host", host_spec) if "--cfgs" in words else ()
    assert main(["check", "data", *map(str, (*words, *host))]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("root", ["0001", "0001/nm-01", ".."])
def test_another_folder_of_the_tree_names_the_folder_of_the_identities(check, walkers, tree, root):
    status, kinds, report = check("--root", walkers / root, "--partition", tree.partition)
    assert status == 1 and set(kinds) == {"depth"} and f"give {walkers}, the folder of the identities" in report.replace("\n        ", "")


def test_the_fingerprints_are_those_of_training_and_test(check, walkers, tree, tmp_path):
    status, _, report = check("--root", walkers, "--partition", tree.partition, "--fingerprint", tmp_path / "f.json")
    partition = json.loads(tree.partition.read_text())
    found = json.loads((tmp_path / "f.json").read_text())
    assert found == {half: fingerprint_half(tree.root, partition, half) for half in ("TRAIN_SET", "TEST_SET")}
    assert status == 0 and found["TRAIN_SET"][:23] in report


@pytest.mark.parametrize("flag", ["--fingerprint", "--json"])
def test_a_file_that_cannot_be_written_is_status_2(walkers, tmp_path, flag, capsys):
    assert main(["check", "data", "--root", str(walkers), flag, str(tmp_path / "no" / "such")]) == 2
    printed = capsys.readouterr()
    assert str(tmp_path / "no" / "such") in printed.err and "PASS" not in printed.out


# ---------------------------------------------------------------- with a configuration of the bound host


@pytest.mark.parametrize("stage", ["GaitBase (teacher)", "VEN", "MimicGait"])
def test_walkers_pass_with_every_configuration(check_cfgs, stage):
    status, kinds, report = check_cfgs(stage=stage)
    assert status == 0 and not kinds, report


def test_sizes_are_those_after_the_transforms(check_cfgs, walkers):
    rewrite(walkers, lambda clip: clip.repeat(2, 1).repeat(2, 2), slice(3))
    status, kinds, report = check_cfgs(stage="MimicGait")
    assert status == 1 and len(kinds["geometry"]) == 3 and not kinds["sizes"]
    assert "128x128, which the transforms make 128x88; model_cfg.geometry is 64x44" in report
    status, kinds, report = check_cfgs()  # without a geometry the other sequences decide
    assert status == 1 and len(kinds["sizes"]) == 3 and "most are 64x44" in report


def test_values_are_those_after_the_transforms(check_cfgs, walkers):
    rewrite(walkers, lambda clip: clip // 255, slice(2))
    rewrite(walkers, lambda clip: clip.astype("int16") * 4, slice(2, 3))
    status, kinds, report = check_cfgs()
    assert status == 1 and len(kinds["range"]) == 3 and "in the network 0..0.00392" in report and "int16 0..1020" in report


def test_inputs_are_those_that_data_in_use_leaves(check, check_cfgs, walkers):
    for folder in walkers.glob("*/*/*"):
        shutil.copy(next(folder.glob("*.pkl")), folder / "a.pkl")
    status, kinds, _ = check_cfgs()
    assert status == 1 and len(kinds["files"]) == len(list(walkers.glob("*/*/*")))
    assert check_cfgs(data_cfg__data_in_use=[True, False])[0] == check_cfgs(data_cfg__data_in_use=[1])[0] == 0
    rewrite(walkers, lambda clip: clip[:-1], slice(1))  # one of the two is shorter
    assert check("--root", walkers)[1]["unequal"] == {"0001/bg-01/054"}


def test_the_batch_must_exist(check_cfgs, walkers):
    for folder in sorted(walkers.glob("0001/*"))[1:]:
        shutil.rmtree(folder)
    status, kinds, report = check_cfgs(trainer_cfg__sampler__batch_size=[9, 4])
    assert status == 1 and kinds["batch"] == {"P x K = 9 x 4"} and "9 identities in a batch, but 8" in report
    assert kinds["few"] == {"0001"}
    assert check_cfgs(trainer_cfg__sampler__batch_size=[8, 2])[0] == 0


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
    assert check_cfgs(**own)[0] == 0  # of a data set of one's own no probes are known


def test_gait3d_needs_its_probes(check_cfgs, tree, tmp_path):
    changes = {"data_cfg__test_dataset_name": "Gait3D", "evaluator_cfg__eval_func": "evaluate_Gait3D"}
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
    status, kinds, report = check_cfgs(**blocks)
    assert status == 0 and not kinds, report


@pytest.mark.parametrize("cutting", [5, "9"], ids=["two sizes", "refuses"])
def test_a_transform_that_does_not_fit_is_reported(check_cfgs, cutting):
    status, kinds, report = check_cfgs(evaluator_cfg__transform=[{"type": "BaseSilCuttingTransform", "cutting": cutting}])
    assert status == 1 and len(kinds["transform"]) == 96 and ("TypeError" in report) == (cutting == "9")


# ---------------------------------------------------------------- files that can be read and are no silhouettes


def nan(clip):
    return np.full(clip.shape, np.nan, "float32")


WRONG = {
    "in colour": ("axes", lambda clip: clip[..., None].repeat(3, -1)),
    "a single frame": ("axes", lambda clip: clip[0]),
    "a list of numbers": ("axes", lambda clip: list(range(len(clip)))),
    "several sizes": ("unlike", lambda clip: [clip[0], clip[1, 1:], clip[2, :, 1:]]),
    "numbers among frames": ("unlike", lambda clip: [clip[0], 3, [1, 2]]),
    "NaN in several sizes": ("not finite", lambda clip: [nan(clip)[0], nan(clip)[1, 1:]]),
    "a list of zeros": ("blank", lambda clip: list(clip * 0)),
    "a list of 0/1": ("range", lambda clip: [frame.astype(bool) for frame in clip]),
    "one grey": ("blank", lambda clip: np.full(clip.shape, 0.5, "float32")),
    "a list, inverted": ("inverted", lambda clip: list(255 - clip)),
    "complex": ("not an array", lambda clip: clip.astype(complex)),
    "numbers without end": ("not an array", lambda clip: [2**70] * len(clip)),
    "empty frames": ("no frames", lambda clip: [frame[:0] for frame in clip]),
}


def test_a_few_among_many_are_found(check_cfgs, walkers):
    names = [rewrite(walkers, change, slice(i, i + 1))[0] for i, (_, change) in enumerate(WRONG.values())]
    status, kinds, report = check_cfgs(stage="MimicGait")
    assert status == 1
    for (kind, _), name in zip(WRONG.values(), names):
        assert name in kinds[kind], report
    assert set().union(*kinds.values()) <= set(names)


@pytest.mark.parametrize("case", ["in colour", "several sizes", "one grey", "a list, inverted"])
def test_a_whole_tree_of_the_wrong_kind_fails_with_and_without_a_configuration(check, check_cfgs, walkers, case):
    kind, change = WRONG[case]
    names = set(rewrite(walkers, change))
    for status, kinds, report in (check_cfgs(), check("--root", walkers, "--workers", 1)):
        assert status == 1 and kinds[kind] == names, report


def test_channels_are_admitted(check_cfgs, walkers):
    """Heat maps and depth come through the transforms of silhouettes (OpenGait's SkeletonGait, LidarGait)."""
    rewrite(walkers, lambda clip: np.stack([clip, clip], 1))
    status, kinds, report = check_cfgs()
    assert status == 0 and not kinds["axes"], report


def test_other_inputs_next_to_silhouettes_are_not_judged_as_such(check, check_cfgs, walkers):
    for i, file in enumerate(sorted(walkers.glob("*/*/*/*.pkl"))):
        clip = pickle.loads(file.read_bytes())
        others = [clip[..., None].repeat(3, -1), [np.zeros((4 + i % 3 + j % 2, 3), "float32") for j in range(len(clip))]]
        others += [clip // 255 * 7, np.ones((len(clip), 17, 3), "float32"), [(64, 44)] * len(clip)]
        for name, other in zip("bcdef", others):
            file.with_name(f"{name}.pkl").write_bytes(pickle.dumps(other))
    assert check("--root", walkers, "--workers", 1)[0] == 0
    status, kinds, report = check_cfgs(data_cfg__data_in_use=[True] + [False] * 5)
    assert status == 0 and not kinds, report
    status, kinds, report = check_cfgs(data_cfg__data_in_use=[False, True] + [False] * 4)
    assert status == 1 and len(kinds["axes"]) == 96, report


def test_point_clouds_alone_are_no_mistake(check, check_cfgs, walkers):
    rewrite(walkers, lambda clip: [np.zeros((5 + i, 3), "float32") for i in range(len(clip))])
    assert check("--root", walkers, "--workers", 1)[0] == 0
    status, kinds, report = check_cfgs()
    assert status == 1 and len(kinds["unlike"]) == 96 and "5x3, 6x3, 7x3, 8x3, ..." in report


@pytest.mark.parametrize("high, status", [(1, 1), (11, 0)], ids=["0/1 data", "a parsing"])
def test_label_maps_are_no_silhouettes_where_no_configuration_says_so(check, walkers, high, status):
    rewrite(walkers, lambda clip: clip // 255 * high)
    assert check("--root", walkers, "--workers", 1)[0] == status


def test_a_partition_for_tests_alone_passes(check_cfgs, tree, tmp_path):
    (tmp_path / "test.json").write_text(json.dumps({"TRAIN_SET": [], "TEST_SET": tree.test}))
    status, kinds, _ = check_cfgs(tmp_path / "test.json")
    assert status == 0 and set(kinds) <= {"unlisted"}
