"""What decides a pass is in its name; the fingerprint of the test data."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import torch

from opengait_mimic.data.fingerprint import fingerprint_half
from opengait_mimic.evaluation.embeddings import cache_key, fingerprint_test_data
from opengait_mimic.evaluation.embeddings.cache import cache_file
from opengait_mimic.evaluation.embeddings.cache_key import code_hash, pass_key
from opengait_mimic.host import Host
from tests.evaluation.embeddings.scene import BLOCK, TEACHER


def test_whatever_decides_the_embeddings_is_another_pass(fresh, monkeypatch):
    """Keys differ; what changes nothing leaves them."""
    cfgs = fresh()
    base = pass_key(cfgs, BLOCK, "data", "weights")
    changed = [
        pass_key(cfgs, {**BLOCK, "seed": 4}, "data", "weights"),
        pass_key(cfgs, {**BLOCK, "hidden": [0.3, 0.5]}, "data", "weights"),
        pass_key(cfgs, None, "data", "weights"),
        pass_key(cfgs, BLOCK, "other", "weights"),
        pass_key(cfgs, BLOCK, "data", "other"),
    ]
    for block, key, value in [("model_cfg", "reference_compat", {"rank": "bare"}), ("evaluator_cfg", "transform", []),
                              ("evaluator_cfg", "enable_float16", True), ("data_cfg", "test_dataset_name", "GREW")]:  # fmt: skip
        other = copy.deepcopy(cfgs)
        other[block][key] = value
        changed.append(pass_key(other, BLOCK, "data", "weights"))
    sampled = copy.deepcopy(cfgs)
    sampled["evaluator_cfg"]["sampler"]["frames_all_limit"] = 3
    changed.append(pass_key(sampled, BLOCK, "data", "weights"))
    for where, name, value in ((cache_key, "code_hash", lambda host: "sha256:other"), (torch, "__version__", "0")):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, value)
            changed.append(pass_key(cfgs, BLOCK, "data", "weights"))
    assert len({cache_file(cfgs, key) for key in [base, *changed]}) == 1 + len(changed)
    alike = copy.deepcopy(cfgs)
    alike["evaluator_cfg"]["sampler"]["batch_size"] = 7
    alike["evaluator_cfg"].update(metric="cos", save_name="x")
    assert pass_key(alike, {**BLOCK, "occluded_side": "probe", "time_axis": 100}, "data", "weights") == base


def test_the_hash_of_the_code_covers_our_files_and_the_hosts(tmp_path, monkeypatch):
    """A file that changes, comes, or is renamed; not the folder's path, nor a file of a host that makes no embedding."""
    ours, source = tmp_path / "ours", tmp_path / "host" / "opengait"
    for file in (ours / "a.py", ours / "deep" / "b.py", *(source / name / "x.py" for name in ("modeling", "data", "utils", "evaluation"))):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(file.name))
    monkeypatch.setattr(cache_key, "PACKAGE", ours)

    def hashed(root=source.parent):
        code_hash.cache_clear()
        return code_hash(Host("opengait", root, root / "opengait", ""))

    seen = {hashed()}
    (source / "evaluation" / "x.py").write_text("y")
    shutil.copytree(source.parent, tmp_path / "moved")
    assert {hashed(), hashed(tmp_path / "moved")} == seen
    for change in (
        lambda: (ours / "deep" / "b.py").write_text("b.p"),
        lambda: (ours / "deep" / "b.py").rename(ours / "deep" / "c.py"),
        lambda: (source / "modeling" / "x.py").write_text("x.pz"),
        lambda: (source / "utils" / "x.py").unlink(),
    ):
        change()
        assert hashed() not in seen
        seen.add(hashed())
    code_hash.cache_clear()


def test_where_frames_are_drawn_processes_batch_and_workers_are_in_the_key(fresh, monkeypatch):
    def key(sampling, world=1, batch=None, workers=1):
        cfgs = fresh()
        cfgs["evaluator_cfg"]["sampler"]["sample_type"] = sampling
        cfgs["data_cfg"]["num_workers"] = workers
        monkeypatch.setattr(cache_key, "rank_and_world", lambda: (0, world))
        return json.dumps(pass_key(cfgs, BLOCK, "data", "weights", batch=batch))

    changes = ({}, {"world": 2}, {"batch": 1}, {"workers": 2})
    for sampling, keys in (("all_ordered", 1), ("fixed_unordered", 4)):
        assert len({key(sampling, **change) for change in changes}) == keys


def test_the_fingerprint_is_that_of_the_test_half(prepared, tree):
    cfgs = prepared(TEACHER)
    partition = json.loads(Path(cfgs["data_cfg"]["dataset_partition"]).read_text())
    test, train = (fingerprint_half(tree.root, partition, half) for half in ("TEST_SET", "TRAIN_SET"))
    assert fingerprint_test_data(cfgs) == test != train
