"""Files that can be read and are no silhouettes: `check data` fails where silhouettes are asked for, and nowhere else."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from opengait_mimic.data.check import INVERTED
from opengait_mimic.data.frames import describe_frames
from tests.data.checking import check, read_problems, rewrite

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
    "empty frames": ("no frames", lambda clip: [frame[:0] for frame in clip]),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_silhouette_fails_with_and_without_a_configuration(check_cfgs, walkers, tmp_path, case):
    kind, change = WRONG[case]
    names = {file.relative_to(walkers).as_posix() for file in walkers.glob("*/*/*/*.pkl")}
    rewrite(walkers, change)
    status, kinds, report = check_cfgs(stage=TEACHER)
    assert status == 1 and kinds[kind] == names, report
    if case != "a list of 0/1":  # without a configuration perhaps a label map
        assert check("--root", walkers, "--workers", 1, "--json", tmp_path / "y.json") == 1
        assert read_problems(tmp_path / "y.json")[kind] == names


def test_a_few_among_many_are_found_too(check_cfgs, walkers):
    for i, (_, change) in enumerate(WRONG.values()):
        rewrite(walkers, change, slice(i, i + 1))
    names = [file.relative_to(walkers).as_posix() for file in sorted(walkers.glob("*/*/*/*.pkl"))]
    status, kinds, report = check_cfgs()
    assert status == 1
    for (kind, _), name in zip(WRONG.values(), names):
        assert name in kinds[kind], report
    assert not {name for places in kinds.values() for name in places} & set(names[len(WRONG) :])


def test_channels_are_admitted_where_the_backbone_takes_them(check_cfgs, walkers):
    """Heat maps and depth come through the transforms of silhouettes (OpenGait's SkeletonGait, LidarGait)."""
    rewrite(walkers, lambda clip: np.stack([clip, clip], 1))
    assert check_cfgs(stage=TEACHER)[1]["axes"]
    status, kinds, report = check_cfgs(stage=TEACHER, model_cfg__backbone_cfg__in_channel=2)
    assert status == 0 and not kinds["axes"], report
    backbone = {"part1_channel": 1, "part2_channel": 1}
    assert check_cfgs(stage=TEACHER, model_cfg__Backbone=backbone)[0] == 0


def test_other_inputs_next_to_silhouettes_are_not_judged_as_such(check_cfgs, walkers):
    for i, file in enumerate(sorted(walkers.glob("*/*/*/*.pkl"))):
        clip = pickle.loads(file.read_bytes())
        others = [clip[..., None].repeat(3, -1), [np.zeros((4 + i % 3 + j % 2, 3), "float32") for j in range(len(clip))]]
        others += [clip // 255 * 7, np.ones((len(clip), 17, 3), "float32"), [(64, 44)] * len(clip)]
        for name, other in zip("bcdef", others):
            file.with_name(f"{name}.pkl").write_bytes(pickle.dumps(other))
    assert check("--root", walkers, "--workers", 1) == 0
    status, kinds, report = check_cfgs(stage=TEACHER, data_cfg__data_in_use=[True] + [False] * 5)
    assert status == 0 and set(kinds) <= {"short"}, report
    status, kinds, report = check_cfgs(stage=TEACHER, data_cfg__data_in_use=[False, True] + [False] * 4)
    assert status == 1 and len(kinds["axes"]) == 96, report


def test_point_clouds_alone_are_no_mistake(check_cfgs, walkers):
    rewrite(walkers, lambda clip: [np.zeros((5 + i, 3), "float32") for i in range(len(clip))])
    assert check("--root", walkers, "--workers", 1) == 0
    status, kinds, report = check_cfgs(stage=TEACHER)
    assert status == 1 and len(kinds["unlike"]) == 96 and "5x3, 6x3, 7x3, 8x3, ..." in report


@pytest.mark.parametrize("high, status", [(1, 1), (11, 0), (255, 0)], ids=["0/1 data", "a parsing", "silhouettes"])
def test_label_maps_are_no_silhouettes_where_no_configuration_says_so(walkers, high, status):
    rewrite(walkers, lambda clip: clip // 255 * high)
    assert check("--root", walkers, "--workers", 1) == status


def test_lists_are_described_as_the_array_of_their_frames(tree):
    clip = pickle.loads(min(tree.root.glob("*/*/*/*.pkl")).read_bytes())
    clip[3] = 0
    facts = describe_frames("x.pkl", clip)
    assert facts == describe_frames("x.pkl", list(clip))
    assert facts[:7] == ("x.pkl", 12, clip.shape[1:], "|u1", 0, 255, 1)


@pytest.mark.parametrize("kind, high", [("u1", 255), ("u1", 1), ("?", 1), ("i2", 1000), ("f4", 1.0), ("f2", 200.0)])
def test_bright_edges_are_those_of_counting(kind, high):
    rng = np.random.default_rng(0)
    for count, h, w in ((1, 6, 5), (16, 6, 5), (5, 3, 7), (5, 2, 2)):
        clip = ((rng.random((count, h, w)) * 2 - 0.5).clip(0, 1) * high).astype(kind)
        clip[0, 0, :2] = 0, high
        sides = [[*frame[0], *frame[-1], *frame[:, 0], *frame[:, -1]] for frame in clip]
        share = np.mean([value > clip.max() / 2 for side in sides for value in side])
        assert describe_frames("x.pkl", clip).edge == pytest.approx(share)
    clip = np.zeros((100, 4, 4), "u1")  # all of a sequence is looked at
    clip[50:] = 255
    assert describe_frames("x.pkl", clip).edge == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("height", [16, 24, 64, 200])
def test_silhouettes_of_any_preparation_are_not_inverted(walkers, height):
    """A body of so many pixels, brought to 64 by bicubic interpolation as OpenGait's preparation does; whole, and cut to 64 x 44."""
    for file in sorted(walkers.glob("*/nm-01/*/*.pkl")):
        clip = torch.from_numpy(pickle.loads(file.read_bytes()))[:, None].float()
        source = (torch.nn.functional.interpolate(clip, (height, height), mode="bilinear", antialias=True) > 127).float() * 255
        made = torch.nn.functional.interpolate(source, (64, 64), mode="bicubic").clamp(0, 255)[:, 0].to(torch.uint8).numpy()
        for each in (made, made[:, :, 10:-10]):
            assert describe_frames("x.pkl", each).edge < 0.125
            assert describe_frames("x.pkl", 255 - each).edge > 0.87 > INVERTED
