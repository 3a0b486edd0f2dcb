"""What decides a pass is in its name; the fingerprint of the test data."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import torch

from opengait_mimic import host as hosts
from opengait_mimic.data.fingerprint import fingerprint_half
from opengait_mimic.evaluation.embeddings import cache_key as keys
from opengait_mimic.evaluation.embeddings import code_hash as code
from opengait_mimic.evaluation.embeddings import fingerprint_test_data
from opengait_mimic.evaluation.embeddings.cache_key import file_stem, pass_key
from opengait_mimic.evaluation.embeddings.code_hash import code_hash
from opengait_mimic.host import Host
from tests.evaluation.embeddings.scene import BLOCK, TEACHER


def test_whatever_decides_the_embeddings_is_another_pass(fresh, tmp_path, trained, output):
    """Keys differ; what changes nothing leaves them."""
    cfgs = fresh()
    base = pass_key(cfgs, BLOCK, "data", "weights")
    changed = {
        "block": pass_key(cfgs, {**BLOCK, "seed": 4}, "data", "weights"),
        "range": pass_key(cfgs, {**BLOCK, "hidden": [0.3, 0.5]}, "data", "weights"),
        "whole": pass_key(cfgs, None, "data", "weights"),
        "data": pass_key(cfgs, BLOCK, "other", "weights"),
        "weights": pass_key(cfgs, BLOCK, "data", "other"),
    }
    for block, key, value in [("model_cfg", "reference_compat", {"rank": "bare"}), ("evaluator_cfg", "transform", []),
                              ("evaluator_cfg", "enable_float16", True), ("data_cfg", "test_dataset_name", "GREW")]:  # fmt: skip
        other = copy.deepcopy(cfgs)
        other[block][key] = value
        changed[key] = pass_key(other, BLOCK, "data", "weights")
    sampled = copy.deepcopy(cfgs)
    sampled["evaluator_cfg"]["sampler"]["frames_all_limit"] = 3
    changed["sampler"] = pass_key(sampled, BLOCK, "data", "weights")
    names = {file_stem(key) for key in [base, *changed.values()]}
    assert len(names) == 1 + len(changed)
    alike = copy.deepcopy(cfgs)
    alike["evaluator_cfg"]["sampler"]["batch_size"] = 7
    alike["evaluator_cfg"].update(metric="cos", save_name="x")
    assert pass_key(alike, {**BLOCK, "occluded_side": "probe", "time_axis": 100}, "data", "weights") == base


def test_the_code_and_torch_are_in_the_key(fresh, monkeypatch):
    cfgs = fresh()
    base = pass_key(cfgs, BLOCK, "data", "weights")
    assert (base["code"], base["torch"]) == (code_hash(hosts.current()), torch.__version__)
    for where, name, value in ((keys, "code_hash", lambda host: "sha256:other"), (torch, "__version__", "0")):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, value)
            assert file_stem(pass_key(cfgs, BLOCK, "data", "weights")) != file_stem(base)


def test_the_codes_hash_sees_ours_and_the_hosts_files_alone(tmp_path, monkeypatch):
    """A file that changes, comes, or is renamed; not the place, what is no Python, nor what of a host makes no embedding."""
    ours, source = tmp_path / "ours", tmp_path / "host" / "opengait"
    for file in (ours / "a.py", ours / "deep" / "b.py", *(source / name / "x.py" for name in ("modeling", "data", "utils", "evaluation"))):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(file.name))
    monkeypatch.setattr(code, "OURS", ours)

    def found(host=Host("opengait", source.parent, source, "")):  # noqa: B008
        code_hash.cache_clear()
        return code_hash(host)

    seen = {found(), found(Host("embedded", ours, ours, ""))}
    assert len(seen) == 2
    (ours / "notes.txt").write_text("x")
    (source / "evaluation" / "x.py").write_text("y")
    assert found() in seen
    shutil.copytree(source.parent, tmp_path / "moved")
    assert found(Host("opengait", tmp_path / "moved", tmp_path / "moved" / "opengait", "")) in seen
    for change in (
        lambda: (ours / "deep" / "b.py").write_text("b.p"),
        lambda: (ours / "deep" / "b.py").rename(ours / "deep" / "c.py"),
        lambda: (ours / "new.py").write_text(""),
        lambda: (source / "modeling" / "x.py").write_text("x.pz"),
        lambda: (source / "data" / "more.py").write_text(""),
        lambda: (source / "utils" / "x.py").unlink(),
    ):
        change()
        assert found() not in seen
        seen.add(found())
    code_hash.cache_clear()


def test_where_frames_are_drawn_what_deals_them_is_in_the_key(fresh, monkeypatch):
    """Processes, sequences at a time, workers; where all frames are taken none of them is."""

    def name(sampling, world=1, batch=None, workers=1):
        cfgs = fresh()
        cfgs["evaluator_cfg"]["sampler"]["sample_type"] = sampling
        cfgs["data_cfg"]["num_workers"] = workers
        monkeypatch.setattr(keys, "rank_and_world", lambda: (0, world))
        return file_stem(pass_key(cfgs, BLOCK, "data", "weights", batch=batch))

    changes = ({}, {"world": 2}, {"batch": 1}, {"workers": 2})
    assert len({name("all_ordered", **change) for change in changes}) == 1
    for sampling in ("fixed_unordered", "unfixed_ordered"):
        assert len({name(sampling, **change) for change in changes}) == len(changes)


def test_the_fingerprint_is_that_of_the_test_half(prepared, tree):
    cfgs = prepared(TEACHER)
    partition = json.loads(Path(cfgs["data_cfg"]["dataset_partition"]).read_text())
    assert (
        fingerprint_test_data(cfgs)
        == fingerprint_half(tree.root, partition, "TEST_SET")
        != fingerprint_half(tree.root, partition, "TRAIN_SET")
    )
