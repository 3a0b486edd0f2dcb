"""Data in another layout and names of another spelling: what every command says before its first step."""

from __future__ import annotations

import json
import os
import pickle
import unicodedata

import pytest

from tests.faults.conftest import TEACHER


def as_pictures(file):
    for i in range(100):
        file.with_name(f"{i:03d}.png").write_bytes(b"\x89PNG")
    file.unlink()


def as_clips(file):
    sils = pickle.loads(file.read_bytes())
    for i in range(1, 4):
        file.with_name(f"{i}.pkl").write_bytes(pickle.dumps(sils[i:]))
    file.unlink()


def a_level_deeper(file):
    (file.parent / "sils").mkdir()
    file.rename(file.parent / "sils" / file.name)


def packed(file):
    file.rename(file.with_suffix(".tar.gz"))


CHANGES = {
    as_pictures: "prepare the pictures",
    as_clips: "give each clip a folder",
    a_level_deeper: "level(s) too many",
    packed: "unpack them",
}


def refuse_shortly(outcome, *words):
    outcome.refused(*words)
    error = outcome.text[outcome.text.rindex("error: ") :]
    assert len(error) < 1500 and "report" not in error and "remove" not in error, error


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_every_command_names_the_layout_and_its_cure(user, change):
    user.has(TEACHER)
    user.data()
    for label in (*user.tree.train, *user.tree.test):
        for file in user.root.glob(f"{label}/*/*/*.pkl"):
            change(file)
    file = user.yaml()
    refuse_shortly(user.train(file, "--no-preflight"), CHANGES[change])
    refuse_shortly(user.train(file, "--phase", "test"), CHANGES[change])
    for command in ("preflight", "evaluate", "pipeline"):
        refuse_shortly(user.command(command, file), CHANGES[change])


def a_level_higher(file):
    file.rename(file.parents[1] / "lost.pkl")
    file.parent.rmdir()


def with_a_list(file):
    (file.parents[2] / "list.csv").write_text("1")


ONE = {
    **{change: CHANGES[change] for change in (as_pictures, as_clips, packed)},
    a_level_deeper: "sils: a folder where pickles should be",
    a_level_higher: "lost.pkl: a file where folders should be",
    with_a_list: "list.csv: a file where folders should be",
}


@pytest.mark.parametrize("change", ONE, ids=lambda change: change.__name__)
def test_one_sequence_of_another_layout_stops_before_the_first_step(user, change):
    user.data()
    change(user.clip())
    outcome = user.train(user.yaml(), "--no-preflight")
    refuse_shortly(outcome, user.tree.train[-1], ONE[change])
    assert "Iteration" not in outcome.text and not list(user.out.rglob("*.pt"))


def test_a_half_that_is_absent_is_not_taken_for_another_layout(user):
    user.data()
    user.has(TEACHER)
    for label in user.tree.test:
        os.rename(user.root / label, user.folder / label)
    words = f"folders such as {', '.join(user.tree.train[:3])}, but names such as {', '.join(user.tree.test[:3])}"
    refuse_shortly(user.command("evaluate", user.yaml()), "0 of its 4 subjects have a folder", words)


@pytest.fixture
def partition(user):
    """Writes a partition of the walkers, in an encoding, with one test subject more."""

    def write(encoding, extra):
        parts = json.loads(user.tree.partition.read_text())
        parts["TEST_SET"].append(extra)
        file = user.folder / f"{encoding}.json"
        file.write_bytes(json.dumps(parts, ensure_ascii=False).encode(encoding))
        return str(file)

    return write


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_partition_saved_on_windows_is_read_and_its_absent_names_are_paired(user, partition, encoding):
    user.data()
    os.rename(user.root / user.tree.test[0], user.root / unicodedata.normalize("NFD", "J\u00f6rg"))
    file = user.yaml(data_cfg__dataset_partition=partition(encoding, "j\u00f6rg"), trainer_cfg__total_iter=1, trainer_cfg__save_iter=1)
    outcome = user.train(file)
    assert outcome.status == 0
    warnings = [line for line in outcome.text.splitlines() if "WARNING" in line]
    assert len(warnings) == 1, warnings
    names = len(user.tree.test) + 1
    assert f"2 of {names} names of TEST_SET have no folder and are left out: 'j\u00f6rg' (folder 'Jo\u0308rg': " in warnings[0]


def test_a_partition_in_a_code_page_is_refused_with_how_to_save_it(user, partition):
    refuse_shortly(user.train(user.yaml(data_cfg__dataset_partition=partition("latin-1", "J\u00f6rg"))), "byte 0xf6", "save it as UTF-8")
