"""Files that can be read and are no silhouettes: `check data` fails where silhouettes are asked for, and nowhere else."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from opengait_mimic.doctor import frames
from opengait_mimic.doctor.check_files import GREY, INVERTED
from opengait_mimic.doctor.look import look_at
from tests.doctor.checking import check, found_by, rewrite

TEACHER = "GaitBase (teacher)"  # OpenGait's own model, which declares no geometry


def nan(clip):
    return np.full(clip.shape, np.nan, "float32")


WRONG = {
    "in colour": ("axes", lambda clip: clip[..., None].repeat(3, -1)),
    "a single frame": ("axes", lambda clip: clip[0]),
    "one axis": ("axes", lambda clip: np.arange(len(clip))),
    "a list of numbers": ("axes", lambda clip: list(range(len(clip)))),
    "a list in colour": ("axes", lambda clip: list(clip[..., None].repeat(3, -1))),
    "several sizes": ("unlike", lambda clip: [clip[0], clip[1, 1:], clip[2, :, 1:]]),
    "numbers among frames": ("unlike", lambda clip: [clip[0], 3, [1, 2]]),
    "NaN": ("not finite", nan),
    "a list of NaN": ("not finite", lambda clip: list(nan(clip))),
    "NaN in several sizes": ("not finite", lambda clip: [nan(clip)[0], nan(clip)[1, 1:]]),
    "a list of nothing": ("blank", lambda clip: list(clip * 0)),
    "a list of 0/1": ("range", lambda clip: [frame.astype(bool) for frame in clip]),
    "white": ("constant", lambda clip: clip | 255),
    "one grey": ("constant", lambda clip: np.full(clip.shape, 0.5, "float32")),
    "inverted": ("inverted", lambda clip: 255 - clip),
    "a list, inverted": ("inverted", lambda clip: list(255 - clip)),
    "complex": ("not an array", lambda clip: clip.astype(complex)),
    "numbers without end": ("not an array", lambda clip: [2**70] * len(clip)),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_silhouette_fails_with_and_without_a_configuration(asked, walkers, tmp_path, case):
    kind, change = WRONG[case]
    names = {file.relative_to(walkers).as_posix() for file in walkers.glob("*/*/*/*.pkl")}
    rewrite(walkers, change)
    status, kinds, said = asked(stage=TEACHER)
    assert status == 1 and kinds[kind] == names, said
    if case != "a list of 0/1":  # a label map, for all that is known
        assert check("--root", walkers, "--workers", 1, "--json", tmp_path / "y.json") == 1
        assert found_by(tmp_path / "y.json")[kind] == names


def test_a_few_among_many_are_found_too(asked, walkers):
    for i, (_, change) in enumerate(WRONG.values()):
        rewrite(walkers, change, slice(i, i + 1))
    names = [file.relative_to(walkers).as_posix() for file in sorted(walkers.glob("*/*/*/*.pkl"))]
    status, kinds, said = asked()
    assert status == 1
    for (kind, _), name in zip(WRONG.values(), names):
        assert name in kinds[kind], said
    assert not {name for found in kinds.values() for name in found} & set(names[len(WRONG) :])


def test_channels_are_taken_where_the_backbone_takes_them(asked, walkers):
    """Heat maps and depth come through the transforms of silhouettes (OpenGait's SkeletonGait, LidarGait)."""
    rewrite(walkers, lambda clip: np.stack([clip, clip], 1))
    assert asked(stage=TEACHER)[1]["axes"]
    status, kinds, said = asked(stage=TEACHER, model_cfg__backbone_cfg__in_channel=2)
    assert status == 0 and not kinds["axes"], said
    backbone = {"part1_channel": 1, "part2_channel": 1}
    assert asked(stage=TEACHER, model_cfg__Backbone=backbone)[0] == 0


def test_other_inputs_beside_silhouettes_are_not_judged_as_such(asked, walkers):
    for i, file in enumerate(sorted(walkers.glob("*/*/*/*.pkl"))):
        clip = pickle.loads(file.read_bytes())
        others = [clip[..., None].repeat(3, -1), [np.zeros((4 + i % 3 + j % 2, 3), "float32") for j in range(len(clip))]]
        others += [clip // 255 * 7, np.ones((len(clip), 17, 3), "float32"), [(64, 44)] * len(clip)]
        for name, other in zip("bcdef", others):
            file.with_name(f"{name}.pkl").write_bytes(pickle.dumps(other))
    assert check("--root", walkers, "--workers", 1) == 0
    status, kinds, said = asked(stage=TEACHER, data_cfg__data_in_use=[True] + [False] * 5)
    assert status == 0 and set(kinds) <= {"short"}, said
    status, kinds, said = asked(stage=TEACHER, data_cfg__data_in_use=[False, True] + [False] * 4)
    assert status == 1 and len(kinds["axes"]) == 96, said


def test_point_clouds_alone_are_no_mistake(asked, walkers):
    rewrite(walkers, lambda clip: [np.zeros((5 + i, 3), "float32") for i in range(len(clip))])
    assert check("--root", walkers, "--workers", 1) == 0
    status, kinds, said = asked(stage=TEACHER)
    assert status == 1 and len(kinds["unlike"]) == 96 and "5x3, 6x3, 7x3, 8x3, ..." in said


def test_lists_are_judged_as_the_array_of_their_frames(walkers):
    first = look_at(str(walkers), "0001").sequences
    rewrite(walkers, list)
    found = look_at(str(walkers), "0001").sequences
    assert [sequence._replace(files=tuple(file._replace(listed=False) for file in sequence.files)) for sequence in found] == first
    assert all(sequence.files[0].listed for sequence in found)


@pytest.mark.parametrize("kind, high", [("u1", 255), ("u1", 1), ("?", 1), ("i2", 1000), ("f4", 1.0), ("f2", 200.0)])
def test_shares_are_those_of_counting(kind, high):
    rng = np.random.default_rng(0)
    for count, h, w in ((1, 6, 5), (16, 6, 5), (5, 1, 7), (5, 2, 2)):
        clip = (rng.random((count, h, w)) * high * 1.2).clip(0, high).astype(kind)
        tenth, half = (part if kind[0] == "f" else int(part) for part in (high / 10, high / 2))
        edge = [frame[i, j] > half for frame in clip for i in range(h) for j in range(w) if i in (0, h - 1) or j in (0, w - 1)]
        grey = [tenth < value <= half for value in clip.ravel()]
        assert frames.shares(clip, float(high)) == pytest.approx((np.mean(edge), np.mean(grey)))


def test_all_of_a_sequence_is_looked_at():
    clip = np.zeros((100, 4, 4), "u1")
    clip[50:] = 255
    assert frames.shares(clip, 255)[0] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("height", [16, 24, 64, 200])
def test_silhouettes_of_any_preparation_are_neither_inverted_nor_grey(walkers, height):
    """A body of so many pixels, brought to 64 by bicubic interpolation as OpenGait's preparation does; whole, and cut to 64 x 44."""
    for file in sorted(walkers.glob("*/nm-01/*/*.pkl")):
        clip = torch.from_numpy(pickle.loads(file.read_bytes()))[:, None].float()
        source = (torch.nn.functional.interpolate(clip, (height, height), mode="bilinear", antialias=True) > 127).float() * 255
        made = torch.nn.functional.interpolate(source, (64, 64), mode="bicubic").clamp(0, 255)[:, 0].to(torch.uint8).numpy()
        for each in (made, made[:, :, 10:-10]):
            edge, grey = frames.shares(each, float(each.max()))
            assert edge < 0.125 and grey < 0.12 < GREY
            assert frames.shares(255 - each, 255.0)[0] > 0.87 > INVERTED


def test_pictures_and_soft_masks_are_noted_as_grey(asked, walkers):
    rng = np.random.default_rng(0)
    rewrite(walkers, lambda clip: rng.integers(0, 256, clip.shape, "uint8"), slice(2))
    status, kinds, said = asked()
    assert status == 0 and len(kinds["grey"]) == 2 and said.count("of the pixels between a tenth and half of 255") == 2
