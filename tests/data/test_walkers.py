"""Generated walkers: the same everywhere, in OpenGait's tree, and walking as people do."""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from opengait_mimic.data.walkers import draw_subject, make_sequence, mean_silhouette_rank1, write_walkers
from opengait_mimic.data.walkers.body import draw_session
from opengait_mimic.data.walkers.gait import list_hulls, measure_stride, pose_body
from opengait_mimic.data.walkers.random_stream import RandomStream
from opengait_mimic.data.walkers.render import HEIGHT, WIDTH, fill_rows, find_extents, fit_discs, normalise, project

SESSIONS = ("nm-01", "bg-01", "cl-01")

# Arguments of write_walkers and the content_hash of what it writes. Every reported figure depends on them.
SMALL = ({"subjects": 2, "seed": 0, "frames": (4, 6)}, "3d065fd7ae6585570ebb26e4c62b95baafb862cd86da87a3b1ea48c56ec23a65")
DEMO = ({"subjects": 280, "seed": 0}, "3d3a6c7b7a5ed1029349dd5ea9c28289ea98078b5fbf1def10fe394b7d49991b")


def content_hash(root) -> str:
    """SHA-256 over the sorted relative paths with each array's type, shape and values (not the pickle's bytes)."""
    sha = hashlib.sha256()
    for file in sorted(root.rglob("*.pkl"), key=lambda file: file.relative_to(root).as_posix()):
        clip = pickle.loads(file.read_bytes())
        sha.update(f"{file.relative_to(root).as_posix()} {clip.dtype.str} {clip.shape}\n".encode())
        sha.update(clip.tobytes())
    return sha.hexdigest()


@pytest.mark.parametrize(("arguments", "expected"), [SMALL, pytest.param(*DEMO, marks=pytest.mark.slow)], ids=["small", "demo"])
def test_frozen(arguments, expected, tmp_path):
    assert content_hash(write_walkers(tmp_path, **arguments).root) == expected


def test_subject_depends_on_the_seed_and_not_on_how_many(tmp_path):
    small = {"sessions": ("nm-02",), "views": (54,), "frames": 4}
    trees = [write_walkers(tmp_path / str(i), subjects=n, seed=seed, **small) for i, (n, seed) in enumerate([(3, 3), (5, 3), (3, 4)])]
    for label in ("0001", "0003"):
        hashes = [content_hash(tree.root / label) for tree in trees]
        assert hashes[0] == hashes[1] != hashes[2]
    assert content_hash(trees[1].root / "0001") != content_hash(trees[1].root / "0003")


def test_tree_and_partition(tmp_path):
    seen = []
    tree = write_walkers(tmp_path, subjects=7, views=(0, 90), frames=(3, 5), progress=lambda *at: seen.append(at))
    assert tree.root == tmp_path / "walkers" and tree.partition == tmp_path / "walkers.json"
    assert json.loads(tree.partition.read_text()) == {"TRAIN_SET": tree.train, "TEST_SET": tree.test}
    assert tree.train == ["0001", "0002", "0003", "0004", "0005"] and tree.test == ["0006", "0007"]
    assert seen == [(i, 7) for i in range(1, 8)]
    files = sorted(file.relative_to(tree.root).as_posix() for file in tree.root.rglob("*.pkl"))
    types = ("bg-01", "cl-01", "nm-01", "nm-02")
    labels = tree.train + tree.test
    assert files == [f"{label}/{t}/{v}/{v}.pkl" for label in labels for t in types for v in ("000", "090")]
    clips = [pickle.loads((tree.root / file).read_bytes()) for file in files]
    assert (len(clips), sum(map(len, clips))) == (tree.sequences, tree.frames)
    assert {len(clip) for clip in clips} == {3, 4, 5}


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("azimuth", (0, 54, 90, 180))
def test_silhouettes(name, azimuth):
    for index in (1, 2, 3):
        clip = make_sequence(draw_subject(0, index), name, azimuth)
        assert clip.dtype == np.uint8 and clip.shape[1:] == (64, 64) and 22 <= len(clip) <= 28
        assert set(np.unique(clip)) == {0, 255}
        assert clip[:, 0].any(1).all() and clip[:, -1].any(1).all()
        columns = (clip.astype(float).mean(1) * np.arange(64)).sum(1) / clip.astype(float).mean(1).sum(1)
        assert np.abs(columns - 31.5).max() < 6  # centred
        for silhouette in clip:
            parts, _ = ndimage.label(silhouette)
            sizes = np.bincount(parts.ravel())[1:]
            assert sizes.max() > 0.75 * sizes.sum()
            assert 0.06 < silhouette.mean() / 255 < 0.45


@pytest.mark.parametrize("index", range(1, 4))
def test_width_has_two_peaks_per_stride(index):
    who = draw_subject(5, index)
    clip = make_sequence(who, "nm-01", 90, frames=60)
    legs = clip[:, 44:]
    width = 64 - legs.any(1).argmax(1) - legs.any(1)[:, ::-1].argmax(1)
    power = np.abs(np.fft.rfft((width - width.mean()) * np.hanning(60), 2048))
    frequency = np.fft.rfftfreq(2048, 1 / 25)
    wanted = 2 * who.cadence * np.sqrt(draw_session(who, "nm-01").speed)
    assert frequency[power.argmax()] == pytest.approx(wanted, rel=0.1)


@pytest.mark.parametrize("name", SESSIONS)
def test_walks_as_people_do(name):
    phase = np.arange(0, 1, 1 / 64)
    for index in range(1, 9):
        who = draw_subject(1, index)
        body = {part: centre for part, (centre, _) in pose_body(who, draw_session(who, name), phase).items()}
        thigh, shank = body["knee_l"] - body["groin_l"], body["ankle_l"] - body["knee_l"]
        knee = np.degrees(np.arctan2(thigh[:, 0], -thigh[:, 2]) - np.arctan2(shank[:, 0], -shank[:, 2]))
        assert knee.min() > 0 and 40 < knee.max() < 80  # never the wrong way
        assert 0.6 < phase[knee.argmax()] < 0.85
        assert knee[phase < 0.4].max() < 25  # nearly straight in stance
        left, right = body["ankle_l"][:, 0], body["ankle_r"][:, 0]
        assert np.corrcoef(left, right)[0, 1] < -0.6
        if name == "nm-01" and who.arm_swing > 8:
            assert np.corrcoef(left, body["wrist_l"][:, 0])[0, 1] < -0.6  # arms swing against the legs


def test_feet_stand_still_on_the_ground():
    who = draw_subject(2, 1)
    day = draw_session(who, "nm-01")
    phase = np.arange(0, 1, 1 / 64)
    body = pose_body(who, day, phase)
    soles = [body[f"{part}_{side}"] for part in ("heel", "ball", "toe") for side in "lr"]
    np.testing.assert_allclose(np.min([centre[:, 2] - radius for centre, radius in soles], axis=0), 0, atol=1e-9)
    flat = (phase > 0.1) & (phase < 0.4)
    travelled = body["ankle_l"][0][flat, 0] + phase[flat] * measure_stride(who, day)
    assert 0.9 < measure_stride(who, day) < 1.9
    assert np.ptp(travelled) < 0.25 * 0.3 * measure_stride(who, day)  # slides by less than a quarter of the way


def test_mirrored_walker_seen_from_the_other_side():
    who = replace(draw_subject(3, 1), limp=0.0)
    day = draw_session(who, "nm-01")
    phase = np.arange(0, 1, 1 / 16)
    masks = []
    for shift, side in ((0.0, -1), (0.5, 1)):
        body = pose_body(who, day, phase + shift)
        names = {name: i for i, name in enumerate(body)}
        centres = np.stack([centre for centre, _ in body.values()], 1)
        radii = np.array([radius for _, radius in body.values()])
        discs = fit_discs(project(centres, radii, np.array([3.0, 5.0 * side, 1.5]), np.array([0.0, 0.0, 0.95])))
        masks.append(fill_rows(*find_extents(discs, [tuple(names[part] for part in hull) for hull in list_hulls(day)])))
    differ = (masks[0] != masks[1][:, :, ::-1]).sum() / masks[0].sum()
    assert differ < 0.01  # pixels whose centre lies on the edge


def test_fill_against_densely_sampled_discs():
    draws = RandomStream(0, "test")
    discs = np.stack([draws.uniform(25, 70, (6, 8)), draws.uniform(25, 70, (6, 8)), draws.uniform(2, 9, (6, 8))], -1)
    discs = discs.astype(np.float32)
    mask = fill_rows(*find_extents(discs, [(0, 1), (2, 3), (4, 5), (6,), (7,)]), cut=1)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    distance = np.full((6, HEIGHT, WIDTH), np.inf)
    for a, b in ((0, 1), (2, 3), (4, 5), (6, 6)):
        for t in np.linspace(0, 1, 400):
            cx, cy, r = ((1 - t) * discs[:, a] + t * discs[:, b]).T[..., None, None]
            distance = np.minimum(distance, np.hypot(x - cx, y - cy) - r)
    cx, cy, r = discs[:, 7].T[..., None, None]
    cut = np.hypot(x - cx, y - cy) - r
    sure = (np.abs(distance) > 0.02) & (np.abs(cut) > 0.02)
    np.testing.assert_array_equal(mask[sure], ((distance < 0) & (cut > 0))[sure])


@pytest.mark.parametrize("tall", (50, 64, 83))
def test_normalise_against_pillow(tall):
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    mask = (((x - 40) / 14) ** 2 + ((y - 48) / (tall / 2)) ** 2 < 1) & (x > 5)
    rows = np.flatnonzero(mask.sum(1) >= 3)
    crop = Image.fromarray(mask[rows[0] : rows[-1] + 1].astype(np.uint8) * 255)
    wide = round(WIDTH * 64 / crop.height)
    scaled = np.asarray(crop.resize((wide, 64), Image.Resampling.BOX)) >= 128
    centre = round(40 * 64 / crop.height)
    wanted = np.pad(scaled, ((0, 0), (32, 32)))[:, centre : centre + 64]
    got = normalise(mask[None])[0] > 0
    assert (got & wanted).sum() / (got | wanted).sum() > 0.95


@pytest.mark.slow
def test_baseline_between_chance_and_ninety(tmp_path):
    tree = write_walkers(tmp_path, subjects=21, train=1)
    assert 100 / 20 * 3 < mean_silhouette_rank1(tree) < 90


def test_draws():
    x = RandomStream("bell").bell(2.0, 0.5, 20000)
    assert x.mean() == pytest.approx(2.0, abs=0.02) and x.std() == pytest.approx(0.5, rel=0.02)
    assert np.abs(x - 2.0).max() < 0.5 * 3.5
    u = RandomStream("u").uniform(-1, 3, (100, 100))
    assert u.min() >= -1 and u.max() < 3 and u.mean() == pytest.approx(1.0, abs=0.05)
    assert (RandomStream("u").uniform(-1, 3, (100, 100)) == u).all() and RandomStream("v").uniform() != RandomStream("u").uniform()


def test_refuses_one_subject_and_a_tree_that_is_there(tmp_path):
    with pytest.raises(ValueError, match="subjects=1"):
        write_walkers(tmp_path, subjects=1)
    write_walkers(tmp_path, subjects=2, sessions=("nm-01",), views=(90,), frames=2)
    with pytest.raises(FileExistsError, match="not empty"):
        write_walkers(tmp_path, subjects=2)
