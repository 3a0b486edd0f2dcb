"""`check data` finds what was planted, and nothing else; runs nothing; and passes good data."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys

import numpy as np
import pytest

from benchmarks.trees import write_tree
from opengait_mimic.doctor import look
from opengait_mimic.doctor.fingerprint import file_of, listing_of, recorded
from opengait_mimic.doctor.problems import KINDS
from opengait_mimic.doctor.walk import walk
from tests.doctor.checking import check, found_by, rewrite


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A tree of 800 sequences with two of every fault, and where they are."""
    root = tmp_path_factory.mktemp("planted")
    return root, write_tree(root, ids=4, each=2)


def test_what_was_planted_is_found_and_nothing_else(planted, tmp_path, capsys):
    root, places = planted
    status = check("--root", root / "data", "--partition", root / "partition.json", "--workers", 2, "--json", tmp_path / "x.json")
    said = capsys.readouterr().out
    found = found_by(tmp_path / "x.json")
    # a stray file or a folder that lies in for the only pickle leaves its sequence alone; links that loop are no sequences
    assert {kind: sorted(where) for kind, where in found.items()} == {kind: sorted(where) for kind, where in places.items()}
    assert status == 1 and said.splitlines()[-1].endswith("notes above.") and "\nFAIL: " in said
    for kind, where in places.items():
        assert KINDS[kind].means.split(";")[0][:40] in said
        assert kind not in ("truncated", "forbidden") or all(place in said for place in where)
    assert said.isascii() and "\x1b" not in said
    assert set(KINDS) - set(places) == {
        *("unequal", "geometry", "transform", "batch", "protocol", "short", "few", "repeated", "no mate", "totals"),
    }  # fmt: skip


def test_a_malicious_pickle_is_reported_and_not_run(walkers, tmp_path, capsys):
    class Touches:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    file = min(walkers.glob("*/*/*/*.pkl"))
    file.write_bytes(pickle.dumps(Touches()))
    for workers in (1, 2):
        assert check("--root", walkers, "--workers", workers) == 1
    assert "asks Python for posix.system, which no array needs; it was not run" in capsys.readouterr().out
    assert not (tmp_path / "ran").exists()


def test_the_fingerprint_is_that_of_the_values_wherever_they_lie(walkers, tmp_path, monkeypatch):
    first = walk(walkers)
    assert (walk(walkers, workers=3).values, walk(walkers, workers=3).listing) == (first.values, first.listing)
    shutil.copytree(walkers, tmp_path / "elsewhere")
    order = os.scandir

    class Backwards:
        def __init__(self, path):
            with order(path) as entries:
                self.entries = sorted(entries, key=lambda entry: entry.name, reverse=True)

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(os, "scandir", Backwards)
    again = walk(tmp_path / "elsewhere")
    monkeypatch.undo()
    assert (again.values, again.listing) == (first.values, first.listing) and listing_of(walkers) == first.listing

    file = max((tmp_path / "elsewhere").glob("*/*/*/*.pkl"))
    clip = pickle.loads(file.read_bytes())
    file.write_bytes(pickle.dumps(clip, protocol=2))
    other = walk(tmp_path / "elsewhere")
    assert other.values == first.values and other.listing != first.listing
    clip[-1, -1, -1] ^= 1
    file.write_bytes(pickle.dumps(clip, protocol=4))
    assert walk(tmp_path / "elsewhere").values != first.values
    file.rename(file.with_name("another.pkl"))
    assert len({first.values, walk(tmp_path / "elsewhere").values, other.values}) == 2


def test_an_identity_of_many_types_is_shared_out(walkers, monkeypatch):
    """As GREW's ``probe``: pieces of it, in any number of processes, are told as the whole is."""
    types = 2 * look.PIECE + 3
    for label in ("probe", "000-first"):  # the one comes last, the other first
        for i in range(types):
            folder = walkers / label / f"{i:04d}" / "000"
            folder.mkdir(parents=True)
            (folder / "000.pkl").write_bytes(pickle.dumps(np.full((3, 64, 44), i, np.uint8)))
    (walkers / "probe" / "0001" / "000" / "000.pkl").write_bytes(b"")
    shutil.rmtree(walkers / "probe" / f"{types - 1:04d}" / "000")
    trees = [walk(walkers, workers) for workers in (0, 1, 2, 3)]
    with monkeypatch.context() as patch:
        patch.setattr(look, "PIECE", types + 1)
        trees.append(walk(walkers))
    for tree in trees:
        assert tree == trees[-1]._replace(problems=tree.problems) and sorted(tree.problems) == sorted(trees[-1].problems)
    tree = trees[0]
    assert [sequence.type for sequence in tree.sequences if sequence.label == "000-first"] == [f"{i:04d}" for i in range(types)]
    assert tree.files == len(list(walkers.glob("*/*/*/*.pkl"))) and tree.listing == listing_of(walkers)
    assert {(problem.kind, problem.where) for problem in tree.problems if problem.where.startswith("probe/")} == {
        ("empty", "probe/0001/000/000.pkl"),
        ("hollow", f"probe/{types - 1:04d}"),
    }  # fmt: skip
    assert list(map(len, look.look_at(str(walkers), "probe").rest)) == [look.PIECE, 3]


def test_the_fingerprint_is_written_and_knows_a_changed_tree(walkers, tmp_path, capsys):
    assert recorded(walkers) is None
    assert check("--root", walkers) == 0 and "PASS" in capsys.readouterr().out
    kept = recorded(walkers)
    assert kept == {**json.loads(file_of(walkers).read_text()), "same": True} and kept["passed"] and kept["values"] == walk(walkers).values
    assert file_of(walkers) == tmp_path / "walkers.fingerprint.json"
    min(walkers.glob("*/*/*/*.pkl")).unlink()
    assert recorded(walkers)["same"] is False and recorded(walkers, within=-1.0)["same"] is None


def test_folders_that_cannot_be_read_are_told(walkers, monkeypatch):
    order = os.scandir

    def closed(path):
        if str(path).endswith("0002/nm-01"):
            raise PermissionError(13, "Permission denied")
        return order(path)

    monkeypatch.setattr(os, "scandir", closed)
    problems = walk(walkers).problems
    assert [(problem.kind, problem.where, problem.found) for problem in problems if problem.kind == "unreadable"] == [
        ("unreadable", "0002/nm-01", "Permission denied")
    ]


def test_special_files_do_not_hang_it(walkers):
    file = min(walkers.glob("*/*/*/*.pkl"))
    file.unlink()
    os.mkfifo(file)
    (problem,) = walk(walkers).problems
    assert problem.kind == "unreadable" and "neither a file nor a folder" in problem.found


@pytest.mark.parametrize(
    "words, said",
    [
        ((), "--root DIR"),
        (("--root", "nowhere"), "no such folder"),
        (("--root", __file__), "a file; give the folder that holds"),
        (("--root", ".", "--partition", "nowhere.json"), "cannot be read as JSON"),
        (("--root", ".", "--partition", __file__), "cannot be read as JSON"),
        (("--root", ".", "--partition", {"TRAIN_SET": [["001"]], "TEST_SET": []}), 'TRAIN_SET: ["001"] is no name'),
        (("--root", ".", "--partition", {"TRAIN_SET": [True], "TEST_SET": []}), "TRAIN_SET: true is no name; expected a list of text"),
        (("--root", ".", "--partition", {"TRAIN_SET": [], "TEST_SET": [], "PROBE_SET": "0-a-b"}), 'PROBE_SET: "0-a-b" is no name'),
        (("--cfgs", "nowhere.yaml"), "not found"),
        (("--root", ".", "--workers", 0), "1 or more"),
    ],
)
def test_what_cannot_be_checked_is_status_2(words, said, host_spec, tmp_path, capsys):
    if words and isinstance(words[-1], dict):
        (tmp_path / "p.json").write_text(json.dumps(words[-1]))
        words = (*words[:-1], tmp_path / "p.json")
    assert check(*words, *(("--host", host_spec) if "--cfgs" in words else ())) == 2
    assert said in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        check("--workers", "many")
    assert stopped.value.code == 2


def test_a_folder_without_identities_fails(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert check("--root", tmp_path / "empty") == 1
    assert "give the folder of" in capsys.readouterr().out


def test_no_fingerprint_is_written_where_there_is_no_sequence(walkers, tmp_path, capsys):
    """A root one folder too deep or too high: a file beside it would lie among the data."""
    before = sorted(tmp_path.rglob("*"))
    for root in (walkers / "0001", tmp_path):
        assert check("--root", root) == 1
        assert "fingerprint: none is written" in capsys.readouterr().out
    assert check("--root", tmp_path, "--fingerprint", tmp_path / "f.json") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_was_asked_for_and_cannot_be_written_is_status_2(walkers, tmp_path, monkeypatch, capsys):
    for flag in ("--fingerprint", "--json"):
        assert check("--root", walkers, flag, tmp_path / "no" / "such") == 2
        said = capsys.readouterr()
        assert f"error: {flag} {tmp_path / 'no' / 'such'}: No such file" in said.err and "PASS" not in said.out
    monkeypatch.setattr("opengait_mimic.doctor.command.file_of", lambda root: tmp_path / "no" / "such")
    assert check("--root", walkers) == 0  # nobody asked for that file
    assert "not written" in capsys.readouterr().out


# ---------------------------------------------------------------- with a configuration of the bound host


@pytest.mark.parametrize("stage", ["GaitBase (teacher)", "VEN", "MimicGait"])
def test_walkers_pass_with_every_configuration(asked, stage):
    status, kinds, said = asked(stage=stage)
    assert status == 0 and set(kinds) <= {"short"} and "8 in TRAIN_SET, 4 in TEST_SET" in said


def test_sizes_are_those_after_the_transforms(asked, walkers):
    rewrite(walkers, lambda clip: clip.repeat(2, 1).repeat(2, 2), slice(3))
    status, kinds, said = asked()
    assert status == 1 and len(kinds["geometry"]) == 3 and not kinds["sizes"]
    assert "128x128, which the transforms make 128x88; model_cfg.geometry is 64x44" in said
    status, kinds, said = asked(stage="GaitBase (teacher)")  # OpenGait's own models declare no geometry: the rest decides
    assert status == 1 and len(kinds["sizes"]) == 3 and "most are 64x44" in said


def test_values_are_those_after_the_transforms(asked, walkers):
    rewrite(walkers, lambda clip: clip // 255, slice(2))
    rewrite(walkers, lambda clip: clip.astype("int16") * 4, slice(2, 3))
    status, kinds, said = asked()
    assert status == 1 and len(kinds["range"]) == 3 and "in the network 0..0.00392" in said and "int16 0..1020" in said


def test_inputs_are_those_that_data_in_use_leaves(asked, walkers):
    for folder in walkers.glob("*/*/*"):
        shutil.copy(next(folder.glob("*.pkl")), folder / "a.pkl")
    status, kinds, _ = asked()
    assert status == 1 and len(kinds["modalities"]) == len(list(walkers.glob("*/*/*")))
    assert asked(data_cfg__data_in_use=[True, False])[0] == 0
    rewrite(walkers, lambda clip: clip[:-1], slice(1))  # one of the two is shorter, and only one is in use
    assert asked(data_cfg__data_in_use=[False, True])[0] == 0


def test_the_batch_must_be_there(asked, walkers):
    for folder in sorted(walkers.glob("0001/*"))[1:]:
        shutil.rmtree(folder)
    status, kinds, said = asked(trainer_cfg__sampler__batch_size=[9, 4], stage="GaitBase (teacher)")
    assert status == 1 and kinds["batch"] == {"P x K = 9 x 4"} and "9 identities in a batch, but 8" in said
    assert kinds["few"] == {"0001"}
    status, kinds, _ = asked(trainer_cfg__sampler__batch_size=[8, 4], stage="GaitBase (teacher)")
    assert status == 0 and not kinds["batch"]


def test_the_partition_and_the_folders_are_compared_both_ways(asked, tree, tmp_path):
    given = json.loads(tree.partition.read_text())
    given["TRAIN_SET"] = [*given["TRAIN_SET"][1:], given["TRAIN_SET"][2], "0099", 7]
    given["TEST_SET"].append(given["TRAIN_SET"][0])
    (tmp_path / "p.json").write_text(json.dumps(given))
    status, kinds, said = asked(partition=tmp_path / "p.json")
    assert status == 1
    assert kinds["missing"] == {"0099", "7"} and "folders are text" in said
    assert kinds["both"] == {"0002"} and kinds["unlisted"] == {"0001"} and kinds["repeated"] == {"0003"}


def test_the_test_must_be_scorable(asked, tree, walkers, tmp_path):
    for folder in walkers.glob("*/nm-01"):  # the walkers' gallery
        shutil.rmtree(folder)
    status, kinds, said = asked()
    assert status == 1 and kinds["protocol"] == {"the test"} and "no gallery sequence (types nm-01)" in said


def test_a_data_set_of_ones_own_has_no_protocol_that_it_could_miss(asked, walkers):
    """Nobody knows which of its types are probes; it is not scored as the walkers."""
    for folder in walkers.glob("*/nm-01"):
        folder.rename(folder.with_name("first"))
    status, kinds, said = asked(
        stage="GaitBase (teacher)", data_cfg__test_dataset_name="CCGR", evaluator_cfg__eval_func="evaluate_indoor_dataset"
    )
    assert status == 0 and not kinds["protocol"], said


def test_gait3d_needs_its_probes(asked, tree, tmp_path):
    changes = {"data_cfg__test_dataset_name": "Gait3D", "evaluator_cfg__eval_func": "evaluate_Gait3D", "stage": "GaitBase (teacher)"}
    status, kinds, said = asked(**changes)
    assert status == 1 and kinds["protocol"] == {"PROBE_SET"} and "Gait3D's evaluation needs it" in said
    assert "4,000" in said or "12 of 4000 have a sequence here" in said  # and it is not all of Gait3D
    given = json.loads(tree.partition.read_text())
    test = given["TEST_SET"]
    views = sorted((label, kind.name, view.name) for label in test for kind in (tree.root / label).iterdir() for view in kind.iterdir())
    mine, first, last = [name for name in views if name[0] == test[0]], "-".join(views[0]), "-".join(views[-1])
    (tmp_path / "p.json").write_text(json.dumps({**given, "PROBE_SET": [*map("-".join, mine), last, "0000-gone-000"]}))
    status, kinds, said = asked(partition=tmp_path / "p.json", **changes)
    assert status == 1 and kinds["missing"] == {"0000-gone-000"} and not kinds["protocol"]
    assert kinds["no mate"] == set(map("/".join, mine))
    (tmp_path / "p.json").write_text(json.dumps({**given, "PROBE_SET": [first, last]}))
    assert asked(partition=tmp_path / "p.json", **changes)[0] == 0


class Poses:
    """A transform as OpenGait's of poses: it needs a whole sequence, and makes two views of it in training."""

    def __init__(self, views=1):
        self.views = views

    def __call__(self, poses):
        assert len(poses) >= 4
        return np.stack([poses] * self.views).swapaxes(1, 2)


def test_other_inputs_than_silhouettes_are_not_tried_on_two_frames(asked, walkers, monkeypatch):
    monkeypatch.setattr(Poses, "__module__", "data.transform")
    monkeypatch.setattr(sys.modules["data.transform"], "Poses", Poses, raising=False)
    rewrite(walkers, lambda clip: np.random.default_rng(0).normal(size=(len(clip), 17, 3)).astype("float32"))
    blocks = {"evaluator_cfg__transform": [{"type": "Poses"}], "trainer_cfg__transform": [{"type": "Poses", "views": 2}]}
    status, kinds, said = asked(stage="GaitBase (teacher)", **blocks)
    assert status == 0 and set(kinds) <= {"short"}, said


@pytest.mark.parametrize("high, status", [(1, 1), (11, 0), (255, 0)], ids=["0/1 data", "a parsing", "silhouettes"])
def test_labels_are_no_silhouettes_where_no_configuration_says_so(walkers, high, status):
    rewrite(walkers, lambda clip: clip // 255 * high)
    assert check("--root", walkers, "--workers", 1) == status


def test_arrays_that_the_transform_cannot_take_are_told(asked, walkers):
    rewrite(walkers, lambda clip: np.full(len(clip), 3, "float32"), slice(1))
    status, kinds, said = asked()
    assert status == 1 and len(kinds["axes"]) == 1 and "an array 12" in said
    status, kinds, said = asked(evaluator_cfg__transform=[{"type": "BaseSilCuttingTransform", "cutting": "9"}])
    assert status == 1 and len(kinds["transform"]) == 95, said
