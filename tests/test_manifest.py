"""Manifests: what a test drew, applied by code written from their document alone, and read back strictly."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch

from opengait_mimic.config import ConfigError
from opengait_mimic.manifest import Condition, Manifest, read_manifest, write
from opengait_mimic.occlusion import Occlusion, apply, draw, test_key

MIX = {"kinds": {"none": 0.1, "top": 0.2, "bottom": 0.2, "middle": 0.1, "patch": 0.2, "pole": 0.2}, "hidden": [0.1, 0.6]}
PUBLISHED = {**MIX, "reference_compat": {"moving": "published", "sizes": "published", "trim_columns": True}}
NAMES = [(f"{i:03d}", f"nm-{i % 3}", "090") for i in range(60)]


def manifest_for(block, start=0):
    occlusion = Occlusion.from_cfg(block, "occlusion")
    drawn = {name: draw(occlusion, test_key(5, occlusion.condition, "GREW", *name)) for name in NAMES}
    drawn = {name: (d, start if d.once else 0) for name, d in drawn.items()}
    return Manifest("GREW", (Condition("mixed", occlusion, 5, drawn),))


@pytest.fixture(params=[MIX, PUBLISHED], ids=["paper", "published"])
def written(request, tmp_path):
    """A manifest and its file."""
    made, file = manifest_for(request.param, start=7), tmp_path / "deep" / "manifest.json"
    write(file, made)
    return made, file


def stretched(clip, a, b):
    """Rows a to b over all rows, as the document has it."""
    h = clip.shape[1]
    a, b = (np.round(x * 2**40) / 2**40 for x in (a, b))
    r = np.clip(a + (np.arange(h) + 0.5) * (b - a) / h - 0.5, np.floor(a), np.ceil(b) - 1)
    upper = np.floor(r).astype(int)
    x = (r - upper).astype(np.float32)[:, None]
    p, q = clip[:, upper], clip[:, np.minimum(upper + 1, h - 1)]
    return np.where(x < 0.5, p + x * (q - p), q - (q - p) * (1 - x))


def by_the_document(clip, entry):
    """Hide a sequence ``[frames, h, w]`` as its line of a manifest says; numpy alone."""
    clip, kind, share = clip.copy(), entry["kind"], entry.get("hidden", 0)
    frames, h, w = clip.shape
    if kind in ("top", "bottom"):
        clip = stretched(clip, share * h, h) if kind == "top" else stretched(clip, 0, (1 - share) * h)
        if "trimmed" in entry:
            side = entry["trimmed"] / 2
            clip = stretched(clip.transpose(0, 2, 1), side * w, (1 - side) * w).transpose(0, 2, 1)
    n, m = (max(1, int(np.floor(s * size + 0.5))) for s, size in ((share, h), (entry.get("width", share), w)))
    place, v = entry.get("place", 0), entry.get("speed", 0) * h / 64
    if kind == "middle":
        top = int(np.floor(place * (h - n + 1)))
        clip[:, top : top + n] = 0
    for k in range(frames) if kind in ("patch", "pole") else ():
        left = np.floor(v * (entry["start"] + k)) if entry.get("once") else np.floor((place * (w + m) + v * k) % (w + m)) - m
        columns = slice(int(np.clip(left, 0, w)), int(np.clip(left + m, 0, w)))
        clip[k, (h - n if kind == "patch" else 0) :, columns] = 0
    return clip


def test_code_written_from_the_document_makes_the_same_pictures(written):
    """Every kind, on odd sizes too; before and after binarising."""
    made, file = written
    sequences = json.loads(file.read_text())["conditions"][0]["sequences"]
    rng, seen = np.random.default_rng(0), set()
    for h, w in ((64, 44), (33, 20)):
        for name, (d, start) in made.conditions[0].drawn.items():
            clip = rng.random((9, h, w)).astype(np.float32)
            times = torch.arange(9) + (start if d.once else 0)
            ours = apply(torch.from_numpy(clip)[None], [d], times=times)[0].numpy()
            theirs = by_the_document(clip, sequences["/".join(name)])
            np.testing.assert_allclose(theirs, ours, atol=1e-6)
            assert ((theirs > 0.5) != (ours > 0.5)).mean() < 1e-4
            assert np.array_equal(ours == 0, theirs == 0)
            seen.add(d.kind)
    assert seen == {"none", "top", "bottom", "middle", "patch", "pole"}


def test_a_file_gives_back_every_number(written):
    made, file = written
    found = read_manifest(file)
    assert found == made._replace(source=str(file))
    assert found.conditions[0].hash == made.conditions[0].hash
    json.loads(file.read_text())


def test_the_hash_follows_what_is_hidden_alone():
    (base,) = manifest_for(MIX).conditions
    assert base._replace(name="other").hash == base.hash
    turned = dict(reversed(base.drawn.items()))
    assert base._replace(drawn=turned).hash == base.hash
    d, start = base.drawn[NAMES[0]]
    assert base._replace(drawn={**base.drawn, NAMES[0]: (d._replace(hidden=d.hidden + 2**-52), start)}).hash != base.hash


def harmed(file, change):
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    return file


def first(content):
    return content["conditions"][0]["sequences"]["000/nm-0/090"]


HARMS = {
    "not a manifest": (lambda c: c.update(format="x"), "not a manifest"),
    "a later version": (lambda c: c.update(format_version=2), "format_version = 2; this version reads 1"),
    "unknown key": (lambda c: c.update(datasets="x"), "datasets"),
    "unknown in condition": (lambda c: c["conditions"][0].update(sed=1), "conditions.0..sed"),
    "no seed": (lambda c: c["conditions"][0].pop("seed"), "seed"),
    "unknown in entry": (lambda c: first(c).update(plac=0.1), "000/nm-0/090.plac"),
    "unknown kind": (lambda c: first(c).update(kind="tops"), "000/nm-0/090.kind"),
    "no kind": (lambda c: first(c).pop("kind"), "kind"),
    "all of it": (lambda c: first(c).update(kind="top", hidden=1), "000/nm-0/090.hidden"),
    "nothing of it": (lambda c: first(c).update(kind="top", hidden=0), "hides a share above 0"),
    "not a number": (lambda c: first(c).update(place="0.1"), "000/nm-0/090.place"),
    "not a name": (lambda c: c["conditions"][0]["sequences"].update(x={"kind": "none"}), "expected label/type/view"),
    "wrong block": (lambda c: c["conditions"][0]["occlusion"].update(kinds={"top": 0.5}), "add up to 0.5"),
    "empty": (lambda c: c.update(conditions=[]), "expected a list that is not empty"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_reading_is_strict(tmp_path, harm):
    file = tmp_path / "m.json"
    write(file, manifest_for(MIX))
    change, says = HARMS[harm]
    with pytest.raises(ConfigError, match=says) as error:
        read_manifest(harmed(file, change))
    assert str(file) in str(error.value)


def test_a_file_that_is_no_json(tmp_path):
    file = tmp_path / "m.json"
    file.write_text("{")
    with pytest.raises(ConfigError, match="not JSON"):
        read_manifest(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_manifest(tmp_path / "none.json")


def test_a_test_is_given_what_fits_it_alone():
    made = manifest_for(MIX)
    occlusion = Occlusion.from_cfg(MIX, "occlusion")
    assert made.for_test(occlusion, 5, "GREW", "all_ordered", NAMES) == made.conditions[0].drawn
    hair = occlusion._replace(kinds={**occlusion.kinds, "top": occlusion.kinds["top"] + 1e-15})  # as dividing by the sum leaves it
    assert made.for_test(hair, 5, "GREW", "all_ordered", NAMES)
    with pytest.raises(ConfigError, match="made on GREW, this test is on Gait3D"):
        made.for_test(occlusion, 5, "Gait3D", "all_ordered", NAMES)
    with pytest.raises(ConfigError, match="no condition of seed 6.*it holds mixed"):
        made.for_test(occlusion, 6, "GREW", "all_ordered", NAMES)
    with pytest.raises(ConfigError, match="no condition"):
        made.for_test(occlusion._replace(hidden=(0.2, 0.6)), 5, "GREW", "all_ordered", NAMES)
    with pytest.raises(ConfigError, match="names no occlusion for 2 test sequences: x/y/z, x/y/a"):
        made.for_test(occlusion, 5, "GREW", "all_ordered", [*NAMES, ("x", "y", "z"), ("x", "y", "a")])
    with pytest.raises(ConfigError, match="choose all_ordered"):
        made.for_test(occlusion, 5, "GREW", "fixed_unordered", NAMES)


# ---------------------------------------------------------------- in the place of drawing


@pytest.fixture(scope="module")
def mimic(trained):
    from opengait_mimic.launch import start_log
    from opengait_mimic.preparing import prepare

    cfgs = prepare(trained.files["MimicGait"], "embed")
    start_log(cfgs, False, False, quiet=True)
    return cfgs


SHARED = {"shared_draw": {"processes": 2, "test_batch": 8}, "moving": "published"}


@pytest.mark.parametrize("compat", [{}, SHARED], ids=["own", "shared"])
def test_a_pass_given_its_own_draws_is_itself(mimic, tmp_path, compat):
    """Bit for bit, also where neighbours share a draw and its time; another draw makes another pass."""
    from opengait_mimic.passes import embed, manifest_of

    blocks = [None, {**MIX, "seed": 2, "reference_compat": compat}]
    drew = embed(mimic, blocks, batch=3, cache=False)
    file = tmp_path / "m.json"
    write(file, manifest_of(mimic, drew, blocks))
    found = read_manifest(file)
    starts = {start for _, start in drew[1].drawn.values()}
    assert (starts == {0}) == (not compat) and [each.name for each in found.conditions] == ["bottom+top+middle+patch+pole 0.1-0.6 seed 2"]
    given = embed(mimic, blocks, batch=3, cache=False, manifest=found)
    for one, two in zip(drew, given):
        assert np.array_equal(one.embeddings, two.embeddings) and np.array_equal(one.hidden_area, two.hidden_area)
        assert one.drawn == two.drawn
    assert drew[0].meta["key"] == given[0].meta["key"] and drew[1].meta["key"] != given[1].meta["key"]

    content = json.loads(file.read_text())
    for entry in content["conditions"][0]["sequences"].values():
        entry.clear()
        entry.update(kind="middle", hidden=0.5, place=0.5)
    file.write_text(json.dumps(content))
    (other,) = embed(mimic, blocks[1:], batch=3, cache=False, manifest=read_manifest(file))
    assert set(other.kind) == {3} and (other.hidden_area == 0.5).all()
    assert not np.array_equal(other.embeddings, given[1].embeddings)


def test_moving_kinds_under_drawn_frames_have_no_manifest(mimic):
    from opengait_mimic.passes import embed, manifest_of

    cfgs, block = copy.deepcopy(mimic), {"kinds": {"pole": 1.0}}
    cfgs["evaluator_cfg"]["sampler"].update(sample_type="fixed_unordered", frames_num_fixed=4)
    (done,) = embed(cfgs, [block], cache=False)
    assert (done.frames == 4).all() and (done.draws[:, -1] == -1).any()
    with pytest.raises(ConfigError, match="choose all_ordered"):
        manifest_of(cfgs, [done], [block])
