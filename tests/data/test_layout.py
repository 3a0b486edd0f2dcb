"""Data that lie otherwise than OpenGait's tree are recognised as what they are, and names that look alike are paired."""

from __future__ import annotations

import pickle
import unicodedata

import numpy as np
import pytest

from opengait_mimic.data.check import Expected, check_files, explain_sequence
from opengait_mimic.data.check_report import FAILURES, NOTES, describe_problem
from opengait_mimic.data.layout import explain_root, find_clips
from opengait_mimic.data.names import describe_absent, pair_lookalikes
from opengait_mimic.data.sequences import read_sequence

LABELS = ("001", "002")
LAYOUTS = {
    "pictures": ("001/nm/000/1.png", "pictures", "1 file such as 001/nm/000/1.png"),
    "pictures without views": ("001/nm/1.jpg", "pictures", "2 folders deep in place of 3"),
    "a video": ("001/nm/000/walk.MP4", "pictures", "walk.MP4"),
    "numpy": ("001/nm/000/x.npy", "arrays", "x.npy"),
    "matlab": ("001/nm/000/x.mat", "arrays", "x.mat"),
    "capitals": ("001/nm/000/x.PKL", "arrays", "x.PKL"),
    "archives of people": ("001.zip", "archives", "1 file such as 001.zip"),
    "an archive within": ("001/nm/000.tar.gz", "archives", "000.tar.gz"),
    "a level too many below": ("001/nm/000/sils/x.pkl", "depth", "1 folder level(s) too many below <view>"),
    "two levels above": ("set/sils/001/nm/000/x.pkl", "depth", "give {root}/set/sils, the folder of the identities"),
    "a level above": ("train/001/nm/000/x.pkl", "depth", "give {root}/train, the folder of the identities"),
    "no views": ("001/nm/x.pkl", "depth", "1 folder level(s) too few"),
    "no types": ("001/x.pkl", "depth", "2 folder level(s) too few"),
    "no folders": ("001-nm-000.pkl", "depth", "put each clip into a folder <id>/<type>/<view>"),
    "people of other names": ("Ann/nm/000/x.pkl", "depth", "folders such as Ann, but names such as 001, 002 in the partition"),
    "notes alone": ("001/readme.txt", "depth", "no pickle, picture or array"),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_a_root_without_sequences_is_recognised(tmp_path, case):
    file, kind, what = LAYOUTS[case]
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_bytes(b"x")
    problem = explain_root(tmp_path, LABELS)
    assert problem.kind == kind and what.format(root=tmp_path) in problem.what, problem
    assert len(describe_problem(problem)) < 1000


def test_the_root_of_one_person_or_one_walk_is_too_deep(tmp_path):
    (tmp_path / "001/nm/000").mkdir(parents=True)
    (tmp_path / "001/nm/000/x.pkl").write_bytes(b"x")
    for root in (tmp_path / "001", tmp_path / "001/nm"):
        assert f"give {tmp_path}, the folder of the identities" in explain_root(root, LABELS).what


def test_no_cure_is_to_remove_data():
    assert not [kind for kind, texts in {**FAILURES, **NOTES}.items() if "remove" in " ".join(texts)]


def test_ten_thousand_pictures_make_one_line(tmp_path):
    names = [f"{i:05d}.png" for i in range(10000)]
    text = describe_problem(explain_sequence(str(tmp_path), "001", "nm", "000", names))
    assert "10,000 files such as 00000.png" in text and "pretreatment.py" in text and len(text) < 500


def clip(frames=6, height=16, kind=np.uint8):
    sils = np.zeros((frames, height, 11), kind)
    sils[:, 2:-2, 3:8] = 255
    return sils


FILES = {
    "numbered": ({"1.pkl": clip(), "2.pkl": clip()}, "clips"),
    "of unlike lengths": ({"ann.pkl": clip(5), "bob.pkl": clip(6)}, "clips"),
    "silhouettes and depth": ({"depth.pkl": clip(kind=np.float32), "sils.pkl": clip()}, None),
    "two sizes": ({"1.pkl": clip(), "2.pkl": clip(height=32)}, None),
    "modalities of unlike lengths": ({"a.pkl": clip(5), "b.pkl": clip(6, kind=np.float32)}, "unequal"),
}


@pytest.mark.parametrize("case", FILES)
def test_clips_are_told_from_modalities(tmp_path, case):
    files, kind = FILES[case]
    (tmp_path / "001/nm/000").mkdir(parents=True)
    for name, frames in files.items():
        (tmp_path / "001/nm/000" / name).write_bytes(pickle.dumps(frames))
    sequence, problems = read_sequence(str(tmp_path), ("001", "nm", "000", sorted(files)))
    assert not problems and bool(list(find_clips([sequence]))) == (kind == "clips")
    assert [problem.kind for problem in check_files([sequence], Expected())] == ([kind] if kind else [])


PAIRS = {
    "1": "001",
    "subject-7": "subject-007",
    "dora": "Dora",
    "m\u00fcller": unicodedata.normalize("NFD", "m\u00fcller"),
    "Zoe 2": "Zoe2",
    "\uff11\uff12": "12",
    "\u674e": "\u674e".encode().decode("ascii", "surrogateescape"),
}


def test_names_that_look_alike_are_paired_and_others_are_not():
    others = [*PAIRS.values(), "dorothea", "10", "2"]
    assert pair_lookalikes([*PAIRS, "dor", "100", "subject"], others) == PAIRS
    text = describe_absent(["eve", "1", "dora", "carl"], others, most=3)
    assert text == "'1' (folder '001': zeros in front), 'dora' (folder 'Dora': letter case), 'eve', ..."
    assert len(describe_absent([f"{i:05d}" for i in range(10000)], [])) < 60
