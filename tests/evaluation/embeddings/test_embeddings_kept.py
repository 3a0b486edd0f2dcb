"""Passes are kept, read without a model, made anew where harmed, and resumed."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest

from opengait_mimic.evaluation.embeddings import cache as kept
from opengait_mimic.evaluation.embeddings import embed
from opengait_mimic.evaluation.embeddings import embed as running
from opengait_mimic.evaluation.embeddings import embedding_file as layout
from tests.evaluation.embeddings.scene import BLOCK, MIMIC, folder, same


def test_a_kept_pass_is_read_without_a_model(fresh, monkeypatch):
    cfgs = fresh()
    first = embed(cfgs, [None, BLOCK])
    files = sorted(folder(cfgs).iterdir())
    assert len(files) == 2 and all(file.suffix == ".npz" for file in files)
    monkeypatch.setattr(running, "build", None)  # would fail
    seen = []
    again = embed(cfgs, [None, BLOCK], progress=lambda done, total: seen.append((done, total)))
    for one, two in zip(first, again):
        same(one, two)
        assert one.meta == two.meta
    n = len(first[0].labels)
    assert seen == [(n, 2 * n), (2 * n, 2 * n)]
    with np.load(files[0], allow_pickle=False) as found:
        assert set(found.files) == {"embeddings", "labels", "types", "views", "kind", "hidden", "hidden_area", "frames", "draws", "meta",
                                    "ven_kind", "ven_hidden"}  # fmt: skip
        assert {name: found[name].dtype for name in layout.TYPES} == layout.TYPES
        assert json.loads(str(found["meta"]))["key"]["model_cfg"]["model"] == MIMIC


@pytest.mark.parametrize("harm", ["truncated", "changed", "another's", "empty"])
def test_a_harmed_file_is_told_of_and_made_anew(fresh, warned, harm):
    cfgs = fresh()
    whole, hidden = embed(cfgs, [None, BLOCK])
    file = next(folder(cfgs).glob("whole-*.npz"))
    content = file.read_bytes()
    if harm == "another's":
        layout.save(file, hidden)
    else:
        middle = len(content) // 2
        cut = {
            "truncated": content[:middle],
            "empty": b"",
            "changed": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        }
        file.write_bytes(cut[harm])
    (again,) = embed(cfgs, [None])
    same(whole, again)
    assert len(warned) == 1 and str(file) in warned[0] and "run anew" in warned[0]
    assert file.read_bytes() == content


def test_a_kept_pass_of_another_batch_is_used_and_told_of(fresh, noted):
    cfgs = fresh()
    (one,) = embed(cfgs, [None], batch=2)
    noted.clear()
    (again,) = embed(cfgs, [None], batch=3)
    (file,) = folder(cfgs).glob("whole-*.npz")
    same(one, again)
    assert noted == [f"{file} was made with 2 sequences at a time, not 3; it is used, for they agree to 1e-5"]
    for batch in (2, None):
        embed(cfgs, [None], batch=batch)
    assert len(noted) == 1


def test_the_log_says_once_where_passes_are_kept_and_how_large_they_are(fresh, noted):
    """The size told is that of the arrays, to three digits; without a cache nothing is said."""
    cfgs = fresh()
    found = embed(cfgs, [None, BLOCK])
    told = [text for text in noted if text.startswith("Passes are kept in")]
    one = found[0].embeddings.nbytes / 1e6
    assert len(told) == 1 and "may be deleted" in told[0]
    assert f"{folder(cfgs)}: 2 of about {one:.3g} MB each, {2 * one:.3g} MB in all" in told[0]
    noted.clear()
    embed(cfgs, [None, BLOCK], cache=False)
    assert not [text for text in noted if "kept" in text]


def test_a_finished_pass_is_in_memory_once(fresh, monkeypatch):
    """Its parts are let go before it is written."""
    saved = []
    monkeypatch.setattr(kept, "save", lambda file, done: saved.append(len(holder.held)))
    holder = kept.Kept(fresh(), {"condition": None})
    holder.add(0, 2, {"embeddings": np.zeros((2, 1, 1)), "facts": np.zeros((2, 14))})
    assert len(holder.held) == 1
    holder.finish("the pass")
    assert saved == [0] and holder.taken() == "the pass"


def test_what_a_killed_process_left_is_removed_when_nothing_can_write_to_it(fresh):
    cfgs = fresh()
    embed(cfgs, [None])
    (file,) = folder(cfgs).iterdir()
    left = [file.with_name(f".{name}.{pid}") for name, pid in ((file.name, 1), (file.name, 2), ("other.npz", 3))]
    for each in left:
        each.write_bytes(b"half")
    for each in left[1:]:
        os.utime(each, (0, time.time() - layout.STALE - 60))
    embed(cfgs, [None])
    assert [each.exists() for each in left] == [True, False, True], "another pass's is cleared with that pass"


def test_any_damage_is_no_more_than_unfit(tmp_path):
    """Every byte in turn, in two ways, and every length: told as unfit, or the arrays are what they were."""
    file, arrays = tmp_path / "a.npz", {"a": np.arange(3, dtype=np.float32), "b": np.array("text")}
    layout.write(file, arrays)
    content, unfit = file.read_bytes(), 0
    changed = [content[:i] + bytes([content[i] ^ bits]) + content[i + 1 :] for i in range(len(content)) for bits in (1, 0xFF)]
    for damaged in [*changed, *(content[:i] for i in range(0, len(content), 3))]:
        file.write_bytes(damaged)
        try:
            found = layout.read(file)
        except layout.Unfit:
            unfit += 1
        else:
            assert all(np.array_equal(found[name], arrays[name]) for name in found)
    assert unfit > len(content)


def test_no_cache_writes_and_reads_nothing(fresh):
    cfgs = fresh()
    embed(cfgs, [None], cache=False)
    assert not folder(cfgs).exists()


class Killed(Exception):
    pass


@pytest.mark.parametrize("sampling", ["all_ordered", "fixed_unordered"])
def test_a_killed_pass_goes_on_bit_for_bit(fresh, monkeypatch, warned, sampling):
    """After 11 of its sequences; the finished parts are not embedded again, a harmed one is. Also where frames are drawn."""
    cfgs = fresh()
    cfgs["evaluator_cfg"]["sampler"].update(sample_type=sampling, frames_num_fixed=4)
    monkeypatch.setattr(running, "CHUNK", 5)
    (whole,) = embed(cfgs, [BLOCK], batch=2, cache=False)
    n = len(whole.labels)
    assert n > 20

    def kill(done, total):
        if done >= 11:
            raise Killed

    with pytest.raises(Killed):
        embed(cfgs, [BLOCK], batch=2, progress=kill)
    parts = sorted(folder(cfgs).glob("*.parts/*.npz"))
    assert len(parts) == 2 and not list(folder(cfgs).glob("*.npz"))
    parts[0].write_bytes(parts[0].read_bytes()[:-40])
    seen = []
    (again,) = embed(cfgs, [BLOCK], batch=2, progress=lambda done, total: seen.append(done))
    same(whole, again)
    assert len(warned) == 1 and str(parts[0]) in warned[0]
    assert seen[0] == 5 + 2 and seen[-1] == n and seen == sorted(seen)
    assert not list(folder(cfgs).glob("*.parts")) and len(list(folder(cfgs).glob("*.npz"))) == 1
