"""Manifests: what a test drew, applied by code written from their document alone, and read back strictly."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.occlusion import Occlusion, apply, draw, test_key
from opengait_mimic.occlusion.manifest import Condition, Manifest, read_manifest, write

MIX = {"kinds": {"none": 0.1, "top": 0.2, "bottom": 0.2, "middle": 0.1, "patch": 0.2, "pole": 0.2}, "hidden": [0.1, 0.6]}
NAMES = [(f"{i:03d}", f"nm-{i % 3}", "090") for i in range(60)]


def manifest_for(block):
    occlusion = Occlusion.from_cfg(block, "occlusion")
    drawn = {name: draw(occlusion, test_key(5, occlusion.condition, "GREW", *name)) for name in NAMES}
    return Manifest("GREW", (Condition("mixed", occlusion, 5, drawn),), picture=(64, 44), binarise=0.5, data="sha256:1")


@pytest.fixture()
def written(tmp_path):
    """A manifest and its file."""
    made, file = manifest_for(MIX), tmp_path / "deep" / "manifest.json"
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
    n, m = (max(1, int(np.floor(s * size + 0.5))) for s, size in ((share, h), (share, w)))
    place, v = entry.get("place", 0), entry.get("speed", 0) * h / 64
    if kind == "middle":
        top = int(np.floor(place * (h - n + 1)))
        clip[:, top : top + n] = 0
    for k in range(frames) if kind in ("patch", "pole") else ():
        left = np.floor((place * (w + m) + v * k) % (w + m)) - m
        columns = slice(int(np.clip(left, 0, w)), int(np.clip(left + m, 0, w)))
        clip[k, (h - n if kind == "patch" else 0) :, columns] = 0
    return clip


def test_code_written_from_the_document_makes_the_same_pictures(written):
    """Every kind, on odd sizes too; before and after binarising."""
    made, file = written
    sequences = json.loads(file.read_text())["conditions"][0]["sequences"]
    rng, seen = np.random.default_rng(0), set()
    for h, w in ((64, 44), (33, 20)):
        for name, d in made.conditions[0].drawn.items():
            clip = rng.random((9, h, w)).astype(np.float32)
            ours = apply(torch.from_numpy(clip)[None], [d], times=torch.arange(9))[0].numpy()
            theirs = by_the_document(clip, sequences["/".join(name)])
            np.testing.assert_allclose(theirs, ours, atol=1e-6)
            assert ((theirs > 0.5) != (ours > 0.5)).mean() < 1e-4
            assert np.array_equal(ours == 0, theirs == 0)
            seen.add(d.kind)
    assert seen == {"none", "top", "bottom", "middle", "patch", "pole"}


def test_a_file_gives_back_every_number(written):
    made, file = written
    found = read_manifest(file)
    (ours,), (theirs,) = made.conditions, found.conditions
    assert found._replace(conditions=()) == made._replace(source=str(file), conditions=())
    assert theirs.drawn == ours.drawn and theirs.hash == ours.hash
    assert found.of(ours.occlusion, 5) is theirs


def test_the_hash_follows_what_is_hidden_alone():
    (base,) = manifest_for(MIX).conditions
    assert base._replace(name="other").hash == base.hash
    turned = dict(reversed(base.drawn.items()))
    assert base._replace(drawn=turned).hash == base.hash
    d = base.drawn[NAMES[0]]
    assert base._replace(drawn={**base.drawn, NAMES[0]: d._replace(hidden=d.hidden + 2**-52)}).hash != base.hash


def harmed(file, change):
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    return file


def first(content):
    return content["conditions"][0]["sequences"]["000/nm-0/090"]


HARMS = {
    "not a manifest": (lambda c: c.update(format="x"), "not a manifest"),
    "the first version": (lambda c: c.update(format_version=1), "format_version = 1; this version reads 2"),
    "unknown key": (lambda c: c.update(datasets="x"), "datasets"),
    "unknown in entry": (lambda c: first(c).update(plac=0.1), "000/nm-0/090.plac"),
    "all of it": (lambda c: first(c).update(kind="top", hidden=1), "000/nm-0/090.hidden"),
    "nothing of it": (lambda c: first(c).update(kind="top", hidden=0), "hides a share above 0"),
    "not a name": (lambda c: c["conditions"][0]["sequences"].update(x={"kind": "none"}), "sequences.x: expected a name label/type/view"),
    "wrong block": (lambda c: c["conditions"][0]["occlusion"].update(kinds={"top": 0.5}), "add up to 0.5"),
    "a threshold above 1": (lambda c: c.update(binarise=128), "binarise = 128.*null"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_reading_is_strict(tmp_path, harm):
    file = tmp_path / "m.json"
    write(file, manifest_for(MIX))
    change, says = HARMS[harm]
    with pytest.raises(ConfigError, match=says) as error:
        read_manifest(harmed(file, change))
    assert str(file) in str(error.value)


def test_a_test_is_given_what_fits_it_alone():
    made = manifest_for(MIX)
    occlusion = Occlusion.from_cfg(MIX, "occlusion")
    assert made.for_test(occlusion, 5, "GREW", "all_ordered", NAMES, (64, 44)) == made.conditions[0].drawn
    hair = occlusion._replace(kinds={**occlusion.kinds, "top": occlusion.kinds["top"] + 1e-15})  # as dividing by the sum leaves it
    assert made.for_test(hair, 5, "GREW", "all_ordered", NAMES, (64, 44))
    with pytest.raises(ConfigError, match="made on GREW, this test is on Gait3D"):
        made.for_test(occlusion, 5, "Gait3D", "all_ordered", NAMES, (64, 44))
    with pytest.raises(ConfigError, match="no condition of seed 6 with .*It holds 'mixed'"):
        made.for_test(occlusion, 6, "GREW", "all_ordered", NAMES, (64, 44))
    with pytest.raises(ConfigError, match="no condition"):
        made.for_test(occlusion._replace(hidden=(0.2, 0.6)), 5, "GREW", "all_ordered", NAMES, (64, 44))
    with pytest.raises(ConfigError, match="names no occlusion for 2 test sequences: x/y/z, x/y/a"):
        made.for_test(occlusion, 5, "GREW", "all_ordered", [*NAMES, ("x", "y", "z"), ("x", "y", "a")], (64, 44))
    with pytest.raises(ConfigError, match="choose all_ordered"):
        made.for_test(occlusion, 5, "GREW", "fixed_unordered", NAMES, (64, 44))


def test_picture_and_data_may_be_left_out(tmp_path):
    made = Manifest("GREW", manifest_for(MIX).conditions)
    write(tmp_path / "m.json", made)
    assert set(json.loads((tmp_path / "m.json").read_text())) == {"format", "format_version", "dataset", "binarise", "conditions"}
    found = read_manifest(tmp_path / "m.json")
    assert (found.picture, found.data, found.departures("sha256:1", None)) == (None, None, [])


def test_moving_kinds_are_refused_under_another_picture():
    """Applied to other pictures the same lines hide other pixels, and not the same place at another scale."""
    for kinds, refused in [({"top": 0.5, "middle": 0.5}, None), ({"pole": 1.0}, "pole"), (MIX["kinds"], "patch and pole")]:
        made, asked = manifest_for({"kinds": kinds}), Occlusion.from_cfg({"kinds": kinds}, "occlusion")
        test = (asked, 5, "GREW", "all_ordered", NAMES)
        assert made.for_test(*test, (64, 44))
        assert made._replace(picture=None).for_test(*test, (64, 64))
        if refused is None:
            assert made.for_test(*test, (64, 64))
            continue
        message = rf"picture = \[64, 44\], but this test's silhouettes are 64x64.*path of {refused} follows.*Test on 64x44"
        with pytest.raises(ConfigError, match=message):
            made.for_test(*test, (64, 64))


def test_other_data_and_another_threshold_are_named():
    made = manifest_for(MIX)
    assert made.departures("sha256:1", 0.5) == []
    data, threshold = made.departures("sha256:3", None)
    assert "the manifest: data: made on other test data of GREW (sha256:1 there, sha256:3 here)" in data
    assert "binarise: 0.5 there, null here" in threshold


def test_a_condition_that_is_not_there_is_named_with_those_that_are():
    (base,) = manifest_for(MIX).conditions
    pole = base.occlusion._replace(kinds={"pole": 1.0})
    made = Manifest("GREW", tuple(Condition(f"pole seed {seed}", pole, seed, base.drawn) for seed in range(40)), "m.json")
    assert made.of(pole, 3) is made.conditions[3]
    with pytest.raises(ConfigError, match=r"m.json: holds no condition of seed 40 with .*'pole seed 4' and 35 more. Test what it holds"):
        made.of(pole, 40)


# ---------------------------------------------------------------- in the place of drawing


@pytest.fixture(scope="module")
def mimic(trained):
    from opengait_mimic.models.prepare import prepare
    from opengait_mimic.training.launch import start_log

    cfgs = prepare(trained.files["MimicGait"], "embed")
    start_log(cfgs, False, False, quiet=True)
    return cfgs


SHARED = {"shared_draw": {"processes": 2, "test_batch": 8}}


@pytest.mark.parametrize("compat", [pytest.param({}, id="own"), pytest.param(SHARED, marks=pytest.mark.slow, id="shared")])
def test_a_pass_given_its_own_draws_is_itself(mimic, tmp_path, compat):
    """Bit for bit, also where neighbours share a draw; another draw makes another pass."""
    from opengait_mimic.evaluation.embeddings import build_manifest, embed_all, fingerprint_test_data, sample_frames

    mimic = copy.deepcopy(mimic)
    mimic["model_cfg"]["reference_compat"] = compat
    blocks = [None, {**MIX, "seed": 2}]
    drew = embed_all(mimic, blocks, batch=3, cache=False)
    file = tmp_path / "m.json"
    write(file, build_manifest(mimic, drew, blocks))
    found = read_manifest(file)
    assert (found.picture, found.binarise, found.data) == ((64, 44), 0.5, fingerprint_test_data(mimic))
    assert [each.name for each in found.conditions] == ["bottom+top+middle+patch+pole 0.1-0.6 seed 2"]
    given = embed_all(mimic, blocks, batch=3, cache=False, manifest=found)
    for one, two in zip(drew, given):
        assert np.array_equal(one.embeddings, two.embeddings) and np.array_equal(one.hidden_area, two.hidden_area)
        assert one.drawn == two.drawn
    assert drew[0].meta["key"] == given[0].meta["key"] and drew[1].meta["key"] != given[1].meta["key"]

    content = json.loads(file.read_text())
    for entry in content["conditions"][0]["sequences"].values():
        entry.clear()
        entry.update(kind="middle", hidden=0.5, place=0.5)
    file.write_text(json.dumps(content))
    (other,) = embed_all(mimic, blocks[1:], batch=3, cache=False, manifest=read_manifest(file))
    assert set(other.kind) == {3} and (other.hidden_area == 0.5).all()
    assert not np.array_equal(other.embeddings, given[1].embeddings)
    for each in (embed_all, lambda cfgs, blocks, **named: sample_frames(cfgs, [(0, blocks[0])], manifest=named["manifest"])):
        with pytest.raises(ConfigError, match=r"picture = \[64, 64\], but this test's silhouettes are 64x44"):
            each(mimic, blocks[1:], batch=3, cache=False, manifest=found._replace(picture=(64, 64)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evaluator_cfg": {"sampler": {"sample_type": "fixed_unordered", "frames_num_fixed": 4}}}, "choose all_ordered"),
        (
            {"model_cfg": {"reference_compat": {"moving": "test"}}},
            "reference_compat: moving hide as the public code does, which a manifest cannot state",
        ),
    ],
    ids=["drawn frames", "public code"],
)
def test_moving_kinds_without_a_manifest(mimic, changes, message):
    from opengait_mimic.evaluation.embeddings import build_manifest, embed_all

    cfgs, block = copy.deepcopy(mimic), {"kinds": {"pole": 1.0}}
    cfgs["model_cfg"].update(changes.get("model_cfg", {}))
    cfgs["evaluator_cfg"]["sampler"].update(changes.get("evaluator_cfg", {}).get("sampler", {}))
    (done,) = embed_all(cfgs, [block], cache=False)
    with pytest.raises(ConfigError, match=message):
        build_manifest(cfgs, [done], [block])
