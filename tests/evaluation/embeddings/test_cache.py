"""Cached passes: read without a model, embedded again if damaged, resumed condition by condition."""

from __future__ import annotations

import json

import numpy as np
import pytest

from opengait_mimic.base.errors import HostError
from opengait_mimic.evaluation.embeddings import Pass, embed_all, embedding_file, reload_pass
from opengait_mimic.evaluation.embeddings import embed as embed_module
from tests.evaluation.embeddings.scene import BLOCK, MIMIC, TEACHER, folder, same


def test_a_cached_pass_is_read_without_a_model(fresh, monkeypatch):
    cfgs = fresh()
    first = embed_all(cfgs, [None, BLOCK])
    files = sorted(folder(cfgs).iterdir())
    assert len(files) == 2 and all(file.suffix == ".npz" for file in files)
    monkeypatch.setattr(embed_module, "build", None)  # would fail
    seen = []
    again = embed_all(cfgs, [None, BLOCK], progress=lambda done, total: seen.append((done, total)))
    for one, two in zip(first, again):
        same(one, two)
        assert one.meta == two.meta
    n = len(first[0].labels)
    assert seen == [(n, 2 * n), (2 * n, 2 * n)]
    with np.load(files[0], allow_pickle=False) as found:
        assert {name: found[name].dtype for name in embedding_file.TYPES} == embedding_file.TYPES
        assert json.loads(str(found["meta"]))["key"]["model_cfg"]["model"] == MIMIC
    for file in files:
        file.unlink()
    with pytest.raises(HostError, match="npz was removed or changed while it was needed"):
        reload_pass(cfgs, first[1].meta["key"])


@pytest.mark.parametrize("damage", ["changed", "another's"])
def test_a_damaged_file_is_reported_and_made_again(fresh, warned, damage):
    cfgs = fresh(TEACHER)
    whole, hidden = embed_all(cfgs, [None, BLOCK])
    file = next(folder(cfgs).glob("whole-*.npz"))
    content = file.read_bytes()
    middle = len(content) // 2
    if damage == "another's":
        embedding_file.save(file, hidden)
    else:
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    (again,) = embed_all(cfgs, [None])
    same(whole, again)
    assert len(warned) == 1 and str(file) in warned[0]
    assert file.read_bytes() == content


def test_any_damaged_byte_is_detected(tmp_path):
    """Every byte and many lengths: reported as unfit, or the arrays are unchanged."""
    columns = [np.zeros(2, embedding_file.TYPES[name]) for name in ("kind", "hidden", "hidden_area", "frames")]
    whole = Pass(np.ones((2, 3, 4), np.float32), ["a", "b"], ["x"] * 2, ["0"] * 2, *columns, None, None, np.zeros((2, 3)), {"key": 1})
    file = tmp_path / "a.npz"
    embedding_file.save(file, whole)
    content, unfit = file.read_bytes(), 0
    changed = [content[:i] + bytes([content[i] ^ 0xFF]) + content[i + 1 :] for i in range(0, len(content), 2)]
    for damaged in [*changed, *(content[:i] for i in range(0, len(content), 9))]:
        file.write_bytes(damaged)
        try:
            found = embedding_file.load(file, 1)
        except embedding_file.Unfit:
            unfit += 1
        else:
            same(found, whole)
    assert unfit > len(content) // 3


def test_without_a_cache_nothing_is_written(fresh):
    cfgs = fresh(TEACHER)
    embed_all(cfgs, [None], cache=False)
    assert not folder(cfgs).exists()


class Killed(Exception):
    pass


@pytest.mark.parametrize("sampling", ["all_ordered", "fixed_unordered"])
def test_a_stopped_run_goes_on_with_the_first_condition_that_is_missing(fresh, sampling):
    """Bit for bit, also where frames are drawn; a finished condition is not embedded again."""
    cfgs = fresh(TEACHER)
    cfgs["evaluator_cfg"]["sampler"].update(sample_type=sampling, frames_num_fixed=4)
    expected = embed_all(cfgs, [None, BLOCK], batch=2, cache=False)
    n = len(expected[0].labels)

    def kill(done, total):
        if done >= n + 5:
            raise Killed

    with pytest.raises(Killed):
        embed_all(cfgs, [None, BLOCK], batch=2, progress=kill)
    assert len(list(folder(cfgs).iterdir())) == 1
    seen = []
    again = embed_all(cfgs, [None, BLOCK], batch=2, progress=lambda done, total: seen.append(done))
    for one, two in zip(expected, again):
        same(one, two)
    assert seen[:2] == [n, n + 2] and seen[-1] == 2 * n
