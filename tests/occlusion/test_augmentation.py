"""The transform on numpy clips, against a slow loop."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from opengait_mimic import Occlusion, draw
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.occlusion.augmentation import OcclusionAugmentation


def clip(s=4, h=64, w=44, seed=0):
    return np.random.default_rng(seed).random((s, h, w), dtype=np.float32)


def slow(frames: np.ndarray, kind: str, hidden: float) -> np.ndarray:
    """Linear between the centres of the rows of which a part stays visible."""
    h = frames.shape[1]
    start, stop = {"top": (hidden * h, h), "bottom": (0, (1 - hidden) * h), "none": (0, h)}[kind]
    rows = [row for row in range(h) if min(row + 1, stop) > max(row, start)]
    at = start + (np.arange(h) + 0.5) * (stop - start) / h
    return np.apply_along_axis(lambda column: np.interp(at, np.array(rows) + 0.5, column[rows]), 1, frames)


@pytest.mark.parametrize("seed", range(4))
def test_values_against_a_slow_loop(seed):
    transform = OcclusionAugmentation({"none": 0.2, "top": 0.4, "bottom": 0.4}, [0.3, 0.7], binarise=None)
    random.seed(seed)
    found = transform(clip())
    random.seed(seed)  # the draw's key holds the 64 bits that the call took from Python's generator
    chosen = draw(Occlusion({"none": 0.2, "bottom": 0.4, "top": 0.4}, (0.3, 0.7)), ("transform", random.getrandbits(64)))
    np.testing.assert_allclose(found, slow(clip().astype(np.float64), chosen.kind, chosen.hidden), atol=1e-6)


def test_binarised_output_is_hard_float32():
    random.seed(0)
    found = OcclusionAugmentation()(clip())
    assert found.dtype == np.float32 and found.shape == (4, 64, 44) and isinstance(found, np.ndarray)
    assert set(np.unique(found)) == {0.0, 1.0}
    random.seed(0)
    grey = OcclusionAugmentation(binarise=None)(clip())
    assert np.array_equal(found, (grey > 0.5).astype(np.float32)) and not np.array_equal(found, grey)


def test_seeded_by_pythons_generator_alone():
    transform, found = OcclusionAugmentation(binarise=None), []
    for seed, other in ((3, 1), (3, 2), (4, 2)):
        random.seed(seed), np.random.seed(other), torch.manual_seed(other)
        found.append(np.stack([transform(clip()) for _ in range(5)]))
    assert np.array_equal(found[0], found[1]) and not np.array_equal(found[1], found[2])


def test_other_input_types_and_memory():
    transform = OcclusionAugmentation()
    hard = (clip() > 0.5).astype(np.uint8)
    results = []
    for given in (hard, hard.astype(np.float64), np.asfortranarray(hard), hard[::-1].copy()[::-1]):
        random.seed(9)
        before = given.copy()
        results.append(transform(given))
        assert np.array_equal(given, before)
    assert all(np.array_equal(results[0], found) and found.dtype == np.float32 for found in results)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (clip() * 255, r"expects \[s, h, w\] in 0\.\.1, after .*; got shape \(4, 64, 44\) with values 0\.\d+ to 25\d"),
        (np.full((1, 8, 8), np.nan, np.float32), "with values nan"),
        (clip()[0], r"got shape \(64, 44\)"),
        (np.zeros((0, 64, 44), np.float32), r"got shape \(0, 64, 44\)$"),
    ],
)
def test_refuses_other_clips(given, message):
    with pytest.raises(ValueError, match=message):
        OcclusionAugmentation()(given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kinds": {"tpo": 1}}, r"^OcclusionAugmentation\.kinds\.tpo: unknown key \(did you mean 'top'\?\)"),
        ({"hidden": [0.5, 1]}, r"^OcclusionAugmentation\.hidden\[1\] = 1; expected a number from 0\.01 to 0\.95$"),
        ({"binarise": 128}, r"^OcclusionAugmentation\.binarise = 128; expected a number from 0 to 1, or null$"),
    ],
)
def test_refuses_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        OcclusionAugmentation(**arguments)


def test_parameters_are_kept_and_replayed():
    transform = OcclusionAugmentation(kinds={"top": 0.5, "pole": 0.5}, binarise=None)
    seq = np.random.default_rng(0).random((6, 64, 44))
    for _ in range(8):
        found = transform(seq)
        params = transform._params
        np.testing.assert_array_equal(transform(seq, params=params), found)
    assert transform.generate_parameters(6)["times"].shape == (6,)
