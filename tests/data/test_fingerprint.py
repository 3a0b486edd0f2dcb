"""The fingerprint of the data is the same wherever they lie, and sees files come, go, grow and be renamed."""

from __future__ import annotations

import os
import shutil

import pytest

from opengait_mimic.data.fingerprint import SAMPLED_FILES, data_fingerprint, fingerprint_half


def list_test_files(root, tree):
    return [file for label in tree.test for file in sorted((root / label).rglob("*.pkl"))]


def add(files):
    (files[1].parent / "more.pkl").write_bytes(b"x")


def rename(files):
    os.rename(files[2], files[2].with_name("other.pkl"))


def grow(files):
    with open(files[3], "ab") as stream:
        stream.write(b"x")


def change_a_byte(files):
    content = bytearray(files[0].read_bytes())
    content[-10] ^= 1
    files[0].write_bytes(content)


@pytest.mark.parametrize("change", [add, rename, grow, change_a_byte, lambda files: files[-2].unlink()])
def test_it_sees_every_change_of_the_files(tree, tmp_path, change):
    root = tmp_path / "moved"
    shutil.copytree(tree.root, root)
    before = data_fingerprint(root, tree.test)
    assert before == data_fingerprint(tree.root, tree.test) and before.startswith("sha256:")
    train = data_fingerprint(root, tree.train)
    change(list_test_files(root, tree))
    assert data_fingerprint(root, tree.test) != before
    assert data_fingerprint(root, tree.train) == train  # other subjects do not enter


def test_it_covers_the_labels_and_what_else_is_given(tree):
    labels, probes = tree.test, ["0009-nm-01-054"]
    first = data_fingerprint(tree.root, labels)
    others = [data_fingerprint(tree.root, labels[::-1]), data_fingerprint(tree.root, labels, probes)]
    others.append(data_fingerprint(tree.root, [*labels, "not here"]))
    assert len({first, *others}) == 4
    partition = {"TRAIN_SET": tree.train, "TEST_SET": labels, "PROBE_SET": probes}
    assert fingerprint_half(tree.root, partition, "TEST_SET") == others[1]
    assert fingerprint_half(tree.root, partition, "TRAIN_SET") == data_fingerprint(tree.root, tree.train)


def test_it_reads_few_files(tmp_path, monkeypatch):
    for i in range(300):
        folder = tmp_path / f"{i % 3:03d}" / "nm" / f"{i:03d}"
        folder.mkdir(parents=True)
        (folder / "x.pkl").write_bytes(bytes(200_000) if i == 0 else b"x")
    reads, real = [], open
    monkeypatch.setattr("builtins.open", lambda file, *more: (reads.append(file), real(file, *more))[1])
    data_fingerprint(tmp_path, ["000", "001", "002"])
    assert len(reads) == len(set(reads)) == SAMPLED_FILES
