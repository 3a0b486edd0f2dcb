"""Data in another layout than OpenGait's tree: both `check data` and a training say what they are and what to do. Runs on either host."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import unicodedata

import numpy as np
import pytest

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.cli import main
from opengait_mimic.data.fingerprint import fingerprint_half
from opengait_mimic.host.config_checks import describe_absent_labels
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import launch
from tests.variants import variant

TEACHER = "GaitBase (teacher)"
CLIP = np.zeros((5, 64, 64), np.uint8)
TALL = np.zeros((6, 100, 70), np.uint8)
TALL[:, 10:90, 20:50] = 255


def each(root, change):
    """Change every pickle of a tree."""
    for file in sorted(root.glob("*/*/*/*.pkl")):
        content = file.read_bytes()
        file.unlink()
        change(file, content)


def pictures(root):
    each(root, lambda file, _: [(file.parent / f"{i:03d}.png").write_bytes(b"\x89PNG") for i in range(100)])


def arrays(root):
    each(root, lambda file, _: np.save(file.with_suffix(".npy"), CLIP))


def capitals(root):
    each(root, lambda file, content: file.with_suffix(".PKL").write_bytes(content))


def archives(root):
    each(root, lambda file, _: (file.parent / "frames.zip").write_bytes(b"PK"))


def colour(root):
    each(root, lambda file, _: file.write_bytes(pickle.dumps(CLIP[..., None].repeat(3, -1))))


def clips(root):
    each(root, lambda file, content: [(file.parent / f"{i}.pkl").write_bytes(content) for i in (1, 2, 3)])


def two_inputs(root):
    each(root, lambda file, content: [(file.parent / f"{i}.pkl").write_bytes(content) for i in ("pose", "sils")])


def a_folder_more(root):
    def change(file, content):
        (file.parent / "a").mkdir()
        (file.parent / "a" / file.name).write_bytes(content)

    each(root, change)


def a_folder_less(root):
    def change(file, content):
        file.parent.rmdir()
        file.parent.with_suffix(".pkl").write_bytes(content)

    each(root, change)


def wrapped(root):
    (root / "silhouettes").mkdir()
    for folder in sorted(root.glob("0*")):
        folder.rename(root / "silhouettes" / folder.name)


PREPARE = r"pictures or videos that are not prepared yet.*datasets/pretreatment\.py"
LAYOUTS = {
    pictures: PREPARE,
    arrays: r"x?\.npy.*pickle\.dump\(array, file\)",
    capitals: r"\.PKL.*another ending needs the name x\.pkl",
    archives: r"frames\.zip.*unpack them",
    colour: r"64x64x3.*of colour pictures write the silhouettes",
    clips: r"several clips.*give each clip a folder <view> of its own",
    two_inputs: r"2 files, 1 transform.*data_cfg\.data_in_use",
    a_folder_more: r"1 folder level\(s\) too many below <view>",
    a_folder_less: r"1 folder level\(s\) too few",
    wrapped: r"give \S+walkers/silhouettes, the folder of the identities",
}


@pytest.fixture
def walkers(tree, tmp_path):
    """A copy of the walkers that a test may change."""
    shutil.copytree(tree.root, tmp_path / "walkers")
    return tmp_path / "walkers"


@pytest.fixture
def teacher(files, walkers, tmp_path):
    """The teacher's YAML on that copy."""
    names = {f"{engine}_cfg__save_name": "layout" for engine in ("trainer", "evaluator")}  # not over the shared teacher
    return variant(files[TEACHER], tmp_path, data_cfg__dataset_root=str(walkers), **names)


@pytest.mark.parametrize(("change", "said"), LAYOUTS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_another_layout_is_recognised_and_its_cure_named(host_spec, walkers, teacher, change, said, capsys):
    change(walkers)
    for phase in ("train", "test"):
        with pytest.raises(ConfigError, match=said) as refused:
            prepare(teacher, phase)
        assert len(str(refused.value)) < 1500 and "emove" not in str(refused.value)
    assert main(["check", "data", "--cfgs", str(teacher), "--host", host_spec, "--workers", "1"]) == 1
    report = " ".join(capsys.readouterr().out.split())
    assert re.search(said, report.replace("walkers/ silhouettes", "walkers/silhouettes")), report
    assert "emove" not in report and len(report) < 3000


def test_what_file_managers_write_is_no_input(host, teacher, walkers, tree):
    """Finder's and Explorer's files, in every folder: the same data, and the same fingerprint."""
    partition = json.loads(tree.partition.read_text())
    before = fingerprint_half(walkers, partition, "TRAIN_SET")
    for folder in [walkers, *(path for path in walkers.rglob("*") if path.is_dir())]:
        for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
            (folder / name).write_bytes(b"\0")
    each(walkers, lambda file, content: (file.write_bytes(content), (file.parent / f"._{file.name}").write_bytes(b"\0\5\x16\7")))
    assert launch(teacher, "train", quiet=True).iteration == 3
    assert fingerprint_half(walkers, partition, "TRAIN_SET") == before


def test_another_picture_size_names_the_sizes_that_the_network_takes(host, teacher, walkers):
    from opengait_mimic.training.preflight import PreflightFailed

    each(walkers, lambda file, _: file.write_bytes(pickle.dumps(TALL)))
    with pytest.raises(PreflightFailed, match="Baseline takes pictures of 64x44 or 64x64 or 128x88, not of 100x50, which the pickles"):
        launch(teacher, "train", quiet=True, preflight=True)


NFD = unicodedata.normalize("NFD", "m\u00fcller")
SPELT = {  # name in the partition -> (folder, what differs)
    "40": ("0040", "zeros in front"),
    "dora": ("Dora", "letter case"),
    unicodedata.normalize("NFC", NFD): (NFD, r"another Unicode form \(NFC, NFD\)"),
    "anna b": ("anna  b ", "blanks"),
    "Nm_01": ("nm_1", "several of"),
}


@pytest.mark.parametrize(("name", "there"), SPELT.items(), ids=[why for _, why in SPELT.values()])
def test_a_name_spelt_otherwise_is_paired_with_its_folder(host_spec, files, walkers, tree, tmp_path, name, there, capsys):
    folder, why = there
    (walkers / tree.test[0]).rename(walkers / folder)
    partition = {"TRAIN_SET": tree.train, "TEST_SET": [name, "nobody", *tree.test[1:]]}
    (tmp_path / "p.json").write_text(json.dumps(partition))
    data = {"data_cfg__dataset_root": str(walkers), "data_cfg__dataset_partition": str(tmp_path / "p.json")}
    line = describe_absent_labels(prepare(variant(files[TEACHER], tmp_path, **data), "train"), True)
    assert "2 of 5 names of TEST_SET have no folder and are left out: " in line and "'nobody'" in line
    assert re.search(rf"'{name}' \(folder '{folder}': {why}", line), line
    assert main(["check", "data", "--root", str(walkers), "--partition", str(tmp_path / "p.json"), "--workers", "1"]) == 1
    report = " ".join(capsys.readouterr().out.split())
    assert "1 spelling" in report and "1 missing" in report and "not in the partition" not in report


def test_no_name_is_absent_from_the_walkers(files):
    assert describe_absent_labels(prepare(files[TEACHER], "train"), True) == ""
