"""Passes over the test set: the host's own embeddings, packed or not, kept, resumed, and what they say of every sequence."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from opengait_mimic.config import ConfigError
from opengait_mimic.distributed import rank_and_world
from opengait_mimic.launch import build, prepare, start_log
from opengait_mimic.occlusion import KINDS
from opengait_mimic.passes import embed, fingerprint, frames_of, layout, packing
from opengait_mimic.passes import run as running
from tests.host_runs import good, two_processes
from tests.variants import variant

TEACHER, MIMIC = "GaitBase (teacher)", "MimicGait"
BLOCK = {"kinds": {"top": 0.3, "bottom": 0.2, "middle": 0.1, "patch": 0.2, "pole": 0.2}, "hidden": [0.3, 0.6], "seed": 3}


@pytest.fixture(scope="module")
def prepared(trained):
    """A stage's configuration, ready to be tested."""

    def make(stage):
        cfgs = prepare(trained.files[stage], "embed")
        start_log(cfgs, False, False, quiet=True)
        return cfgs

    return make


@pytest.fixture
def fresh(prepared):
    """A stage's configuration whose folder holds no pass."""

    def make(stage=MIMIC):
        cfgs = prepared(stage)
        shutil.rmtree(folder(cfgs), ignore_errors=True)
        return cfgs

    return make


@pytest.fixture
def warned(monkeypatch):
    """The warnings of the host's log."""
    from utils import get_msg_mgr

    said = []
    monkeypatch.setattr(get_msg_mgr(), "log_warning", said.append)
    return said


def folder(cfgs):
    from opengait_mimic.inputs import save_folder

    return save_folder(cfgs, "evaluator_cfg") / "embeddings"


def hosts_own(cfgs, block):
    """What the host's test loop gives, one sequence at a time, as the YAML's own test would run it."""
    cfgs = copy.deepcopy(cfgs)
    cfgs["evaluator_cfg"].pop("occlusion", None)
    if block is not None:
        cfgs["evaluator_cfg"]["occlusion"] = {**block, "protocol": "both"}
    model = build(cfgs, training=False, occludable=True)
    with torch.no_grad():
        return model.inference(rank_and_world()[0])["embeddings"]


def same(one, two):
    """Everything but meta, bit for bit."""
    for name, a, b in zip(one._fields, one, two):
        if name != "meta":
            assert np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b, name


def oracle(key, count=5):
    """Uniforms by hand: the first 53 bits of SHA-256 over the parts of the key."""
    digests = [hashlib.sha256("\x1f".join([*key, str(i)]).encode()).hexdigest() for i in range(count)]
    return [int(digest[:14], 16) // 8 / 2**53 for digest in digests]


def by_hand(block, name):
    """Kind, hidden share, place and speed of a test sequence, without a line of the plugin's."""
    present = [kind for kind in ("bottom", "top", "middle", "patch", "pole") if kind in block["kinds"]]
    pick, severity, place, pace, side = oracle(["test", str(block["seed"]), "+".join(present), "walkers", *name])
    edges = np.cumsum([block["kinds"][kind] for kind in present])
    kind = present[min(int(np.searchsorted(edges / edges[-1], pick, side="right")), len(present) - 1)]
    low, high = block["hidden"]
    hidden, moves = low + (high - low) * severity, kind in ("patch", "pole")
    return kind, hidden, place if moves or kind == "middle" else 0.0, (0.5 + 0.5 * pace) * (-1 if side < 0.5 else 1) if moves else 0.0


# ---------------------------------------------------------------- embeddings


@pytest.mark.parametrize("stage", [TEACHER, "Baseline-2", MIMIC])
def test_one_by_one_is_the_hosts_own_test_bit_for_bit(prepared, stage):
    cfgs = prepared(stage)
    found = embed(cfgs, [None, BLOCK], batch=1, cache=False)
    for block, done in zip((None, BLOCK), found):
        own = hosts_own(cfgs, block)
        assert done.embeddings.dtype == np.float32 and np.array_equal(done.embeddings, own)
    assert not np.array_equal(found[0].embeddings, found[1].embeddings)


@pytest.mark.parametrize("stage", [TEACHER, "Baseline-2", MIMIC])
@pytest.mark.parametrize("together", [30, 1000])
def test_several_at_a_time_are_each_as_alone(prepared, monkeypatch, stage, together):
    """GaitBase takes several; on the data's own sequences, to 1e-5 of the largest value."""
    monkeypatch.setattr(running, "FRAMES", {"cpu": together})
    cfgs = prepared(stage)
    alone, packed = (embed(cfgs, [None, BLOCK], batch=batch, cache=False) for batch in (1, None))
    for one, several in zip(alone, packed):
        assert (one.meta["batch"], several.meta["batch"]) == (1, packing.SEQUENCES)
        assert np.abs(one.embeddings - several.embeddings).max() <= 1e-5 * np.abs(one.embeddings).max()
        for name in ("kind", "hidden", "hidden_area", "frames", "draws"):
            assert np.array_equal(getattr(one, name), getattr(several, name))


SINGLE = {
    "GaitGL": {"model": "GaitGL", "channels": [4, 8, 8], "class_num": 8},
    "DeepGaitV2": {
        "model": "DeepGaitV2",
        "Backbone": {"in_channels": 1, "mode": "p3d", "layers": [1, 1, 1, 1], "channels": [4, 8, 8, 16]},
        "SeparateBNNecks": {"class_num": 8},
    },
}


@pytest.mark.parametrize(("name", "mode", "why"), [("GaitGL", None, "one sequence in a test"), ("DeepGaitV2", "p3d", "differ from each"),
                                                   ("DeepGaitV2", "3d", "differ from each"), ("DeepGaitV2", "2d", "")])  # fmt: skip
def test_models_that_mix_sequences_take_one_at_a_time(trained, host, tmp_path, name, mode, why):
    import modeling.models

    if not hasattr(modeling.models, name):
        pytest.skip(f"this host has no {name}")
    model_cfg = copy.deepcopy(SINGLE[name])
    if mode:
        model_cfg["Backbone"]["mode"] = mode
    save = f"single-{name}-{mode}"
    file = variant(trained.files[TEACHER], tmp_path, model_cfg=model_cfg, trainer_cfg__save_name=save, evaluator_cfg__save_name=save)
    start_log(prepare(file, "train"), True, False, quiet=True)
    build(prepare(file, "train"), True).save_ckpt(3)
    model = build(prepare(file, "embed"), False, occludable=True)
    model.hide(None)
    found = packing.why_single(model)
    assert why in found and bool(found) == bool(why)
    with_a_bare_quirk = packing._tried(model)  # without the table GaitGL refuses by itself
    assert bool(with_a_bare_quirk) == bool(why)


def test_a_number_that_the_trial_refuses_is_not_taken(prepared, monkeypatch, warned):
    monkeypatch.setattr(running, "why_single", lambda model: "it mixes")
    assert embed(prepared(TEACHER), [None], batch=4, cache=False)[0].meta["batch"] == 1
    assert warned == ["The test set is embedded one sequence at a time: it mixes"]
    with pytest.raises(ConfigError, match="batch = 0"):
        embed(prepared(TEACHER), [None], batch=0, cache=False)


def test_pieces_keep_every_clip_and_the_limit():
    """Against a slow cut; packed and fixed."""
    rng = random.Random(0)
    for case in range(200):
        packed, limit = case % 2 == 0, rng.randint(1, 30)
        lengths = [rng.randint(1, 12) if packed else 4 for _ in range(rng.randint(1, 9))]
        clips = [np.full((length, 2, 2), i) for i, length in enumerate(lengths)]
        names = [(i, f"t{i}", f"v{i}") for i in range(len(lengths))]
        found = packing.pieces(packing.joined(clips, names, packed), limit)
        seen = []
        for piece in found:
            n = len(piece.labels)
            own = [len(clip) for clip in piece.inputs[0]] if not packed else piece.seqL[0].tolist()
            assert len(own) == n and (sum(own) <= limit or n == 1)
            flat = np.concatenate(piece.inputs[0])
            assert flat[:, 0, 0].tolist() == [i for i, length in zip(piece.labels, own) for _ in range(length)]
            seen += list(zip(piece.labels, piece.types, piece.views))
        assert seen == names
        expected, held = 1, 0
        for i, length in enumerate(lengths):
            if i and held + length > limit:
                expected, held = expected + 1, 0
            held += length
        assert len(found) == expected


def test_half_precision_becomes_float32(prepared, monkeypatch):
    """As a network under enable_float16 on a GPU returns it."""
    cfgs = prepared(TEACHER)
    make = running.build

    def halved(*args, **named):
        model = make(*args, **named)
        forward = model.forward

        def half(ipts):
            return {"inference_feat": {"embeddings": forward(ipts)["inference_feat"]["embeddings"].half()}}

        object.__setattr__(model, "forward", half)
        return model

    monkeypatch.setattr(running, "build", halved)
    monkeypatch.setattr(layout, "TYPES", layout.TYPES)
    assert embed(cfgs, [None], batch=1, cache=False)[0].embeddings.dtype == np.float32


# ---------------------------------------------------------------- what was hidden


def test_draws_are_those_of_hand_and_of_no_order(prepared, tree, tmp_path):
    """SHA-256 by hand, on this host; and the same in another order of the list, and in a part of it."""
    cfgs = prepared(TEACHER)
    (done,) = embed(cfgs, [BLOCK], cache=False)
    partition = json.loads(tree.partition.read_text())
    few = tmp_path / "few.json"
    few.write_text(json.dumps({**partition, "TEST_SET": partition["TEST_SET"][:0:-1]}))
    other = copy.deepcopy(cfgs)
    other["data_cfg"]["dataset_partition"] = str(few)
    (part,) = embed(other, [BLOCK], batch=3, cache=False)
    assert len(set(done.labels)) == len(set(part.labels)) + 1 and part.labels[0] != done.labels[0]
    for found in (done, part):
        for name, (drawn, start) in found.drawn.items():
            assert (drawn.kind, drawn.hidden, drawn.place, drawn.speed) == by_hand(BLOCK, name) and start == 0
        assert [KINDS[k] for k in found.kind] == [drawn.kind for drawn, _ in found.drawn.values()]
        assert found.hidden.tolist() == [np.float32(drawn.hidden) for drawn, _ in found.drawn.values()]
    assert set(np.unique(done.kind)) == {1, 2, 3, 4, 5}
    assert all(done.drawn[name] == drawn for name, drawn in part.drawn.items())


def test_hidden_area_and_frames_are_those_of_the_pictures(prepared, tree):
    """Black kinds: a white picture's black share."""
    cfgs = prepared(TEACHER)
    (done,) = embed(cfgs, [BLOCK], cache=False)
    h, w = 64, 44
    for i, name in enumerate(zip(done.labels, done.types, done.views)):
        frames = len(np.load(next((tree.root.joinpath(*name)).glob("*.pkl")), allow_pickle=True))
        assert done.frames[i] == frames
        drawn, _ = done.drawn[name]
        area = drawn.hidden
        if drawn.kind not in ("top", "bottom"):
            high, wide = (max(1, int(drawn.hidden * size + 0.5)) for size in (h, w))
            black = np.zeros((frames, h, w))
            for t in range(frames):
                if drawn.kind == "middle":
                    upper = int(drawn.place * (h - high + 1))
                    black[t, upper : upper + high] = 1
                else:
                    left = int(np.floor((drawn.place * (w + wide) + drawn.speed * t) % (w + wide))) - wide
                    black[t, (h - high if drawn.kind == "patch" else 0) :, max(0, left) : max(0, left + wide)] = 1
            area = black.mean()
        assert done.hidden_area[i] == pytest.approx(area, abs=1e-6)


def test_whole_bodies_hide_nothing(prepared):
    (done,) = embed(prepared(TEACHER), [None], cache=False)
    assert not done.kind.any() and not done.hidden.any() and not done.hidden_area.any() and not done.draws.any()


def test_what_the_ven_says_is_what_its_heads_say(prepared):
    """Sequence by sequence through the built model; a model without a VEN says nothing."""
    cfgs = prepared(MIMIC)
    (done,) = embed(cfgs, [BLOCK], cache=False)
    model = build(cfgs, training=False, occludable=True)
    model.hide(BLOCK)
    for i, inputs in enumerate(model.test_loader):
        with torch.no_grad():
            logits, hidden = model.VEN.heads(model.VEN(model.occluded_batch(inputs).occluded[0]))
        votes = [model.ven_kinds[k] for k in logits.argmax(1).tolist()]
        assert KINDS[done.ven_kind[i]] == max(sorted(set(votes), key=KINDS.index), key=votes.count)
        assert done.ven_hidden[i] == pytest.approx(float(hidden.mean()), abs=1e-5)
    (plain,) = embed(prepared("Baseline-2"), [BLOCK], cache=False)
    assert plain.ven_kind is None and plain.ven_hidden is None


def test_a_ven_that_was_taught_the_kept_share_is_read_so(prepared, monkeypatch):
    cfgs = prepared(MIMIC)
    (usual,) = embed(cfgs, [BLOCK], batch=1, cache=False)
    from opengait_mimic.models.guided import Guided

    monkeypatch.setattr(Guided, "says_kept", property(lambda model: True))
    (kept,) = embed(cfgs, [BLOCK], batch=1, cache=False)
    one_kind = [i for i in range(len(usual.labels)) if usual.frames[i] and usual.ven_kind[i] == 0]
    assert np.array_equal(kept.ven_kind, usual.ven_kind)
    assert not np.allclose(kept.ven_hidden, usual.ven_hidden) or len(one_kind) == len(usual.labels)
    assert ((kept.ven_hidden >= 0) & (kept.ven_hidden <= 1)).all()


def test_frames_of_are_those_the_network_sees(prepared):
    cfgs = prepared(MIMIC)
    found = frames_of(cfgs, [(5, BLOCK), (0, None), (3, BLOCK)], count=3)
    assert found.dtype == np.uint8 and found.shape == (3, 3, 64, 44)
    model = build(cfgs, training=False, occludable=True)
    for shown, (position, block) in zip(found, [(5, BLOCK), (0, None), (3, BLOCK)]):
        model.hide(block)
        seen = model.occluded_batch(model.test_loader.collate_fn([model.test_loader.dataset[position]])).occluded[0]
        at = [0, round((len(seen) - 1) / 2), len(seen) - 1]
        assert np.array_equal(shown[[0, 2]], (255 * seen[[at[0], at[2]]]).byte().numpy())
    with pytest.raises(IndexError, match="the test list has"):
        frames_of(cfgs, [(10_000, None)])


# ---------------------------------------------------------------- kept and resumed


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


def test_whatever_decides_the_embeddings_is_another_pass(fresh, tmp_path, trained, output):
    """Keys differ; what changes nothing leaves them."""
    from opengait_mimic.passes.keys import name_of, pass_key

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
    names = {name_of(key) for key in [base, *changed.values()]}
    assert len(names) == 1 + len(changed)
    alike = copy.deepcopy(cfgs)
    alike["evaluator_cfg"]["sampler"]["batch_size"] = 7
    alike["evaluator_cfg"].update(metric="cos", save_name="x")
    assert pass_key(alike, {**BLOCK, "protocol": "probe", "time_axis": 100}, "data", "weights") == base


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


# ---------------------------------------------------------------- the data's fingerprint


def test_the_fingerprint_sees_files_come_go_grow_and_be_renamed(prepared, tree, tmp_path):
    cfgs = prepared(TEACHER)
    root = tmp_path / "moved"
    shutil.copytree(tree.root, root)
    cfgs = copy.deepcopy(cfgs)
    first = fingerprint(cfgs)
    cfgs["data_cfg"]["dataset_root"] = str(root)
    assert fingerprint(cfgs) == first  # the place does not enter
    test = [file for file in sorted(root.rglob("*.pkl")) if file.parts[-4] in tree.test]
    seen = {first}

    def changed():
        found = fingerprint(cfgs)
        assert found not in seen
        seen.add(found)

    (test[1].parent / "more.pkl").write_bytes(b"x")
    changed()
    os.rename(test[2], test[2].with_name("other.pkl"))
    changed()
    test[-2].unlink()
    changed()
    with open(test[-1], "ab") as stream:
        stream.write(b"x")
    changed()
    content = bytearray(test[0].read_bytes())
    content[-1] ^= 1
    test[0].write_bytes(content)
    changed()
    trained_on = next(file for file in sorted(root.rglob("*.pkl")) if file.parts[-4] in tree.train)
    trained_on.write_bytes(b"")
    assert fingerprint(cfgs) in seen  # the other half is none of its matter


# ---------------------------------------------------------------- two processes

WORKER = """
import json, sys
from opengait_mimic import host as hosts
from opengait_mimic.launch import prepare, start_log
from opengait_mimic.passes import embed
from opengait_mimic.passes import run as running
host, output, file, block, batch, chunk = sys.argv[1:]
hosts.bind(host, "cpu", output)
cfgs = prepare(file, "embed")
start_log(cfgs, False, False, quiet=True)
running.CHUNK = int(chunk)
seen = []
found = embed(cfgs, [None, json.loads(block)], int(batch), progress=lambda done, total: seen.append((done, total)))
assert seen == sorted(seen) and seen[-1][0] == seen[-1][1]
print("passes", len(found))
hosts.leave()
"""


@pytest.mark.parametrize("batch", [1, 3])
def test_two_processes_write_the_passes_of_one(prepared, trained, output, host_spec, tmp_path, batch):
    """Draws, names and frames bit for bit; embeddings to 1e-5 of the largest value, and one by one bit for bit. Padded parts too."""
    cfgs = prepared(MIMIC)
    own = tmp_path / "output"
    shutil.copytree(output, own)
    shutil.rmtree(own / folder(cfgs).relative_to(output), ignore_errors=True)
    one = embed(cfgs, [None, BLOCK], batch=batch, cache=False)
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    words = [host_spec, own, trained.files[MIMIC], json.dumps(BLOCK), batch, 7]
    said = good(*two_processes(), script, *words, cwd=tmp_path)
    assert sorted(line for line in said.splitlines() if line.startswith("passes")) == ["passes 0", "passes 2"]
    files = sorted((own / folder(cfgs).relative_to(output)).iterdir())
    assert len(files) == 2
    two = sorted((layout.load(Path(file)) for file in files), key=lambda done: done.meta["key"]["condition"] is not None)
    for a, b in zip(one, two):
        assert a.meta == b.meta
        if batch == 1:
            same(a, b)
        else:
            same(a._replace(embeddings=0, ven_hidden=0), b._replace(embeddings=0, ven_hidden=0))
            assert np.abs(a.embeddings - b.embeddings).max() <= 1e-5 * np.abs(a.embeddings).max()
            assert np.abs(a.ven_hidden - b.ven_hidden).max() <= 1e-5
