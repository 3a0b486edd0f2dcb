"""Transforms against other ways to compute them."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("embedded")


def clip(w=64, dtype=np.uint8):
    """Three frames: a bright block, moving."""
    x = np.zeros((3, 64, w), dtype)
    for s in range(3):
        x[s, 10 + s : 50, w // 3 : w // 2 + s] = 255
    return x


def test_base_transforms_scale_and_cut():
    from data.transform import get_transform

    x = np.random.default_rng(0).integers(0, 256, (2, 64, 64)).astype(np.uint8)
    cut = get_transform({"type": "BaseSilCuttingTransform"})
    assert np.allclose(cut(x), x[:, :, 10:54] / 255, atol=1e-7)
    assert cut(np.zeros((1, 128, 128), np.uint8)).shape == (1, 128, 88)
    assert cut(np.zeros((1, 64, 44), np.uint8)).shape == (1, 64, 44)
    assert np.allclose(get_transform({"type": "BaseSilCuttingTransform", "cutting": 1, "divsor": 2.0})(x), x[:, :, 1:63] / 2)
    shaped = get_transform({"type": "BaseSilTransform", "img_shape": [64, 64]})
    assert np.allclose(shaped(x.reshape(2, -1)), x / 255, atol=1e-7)


def test_get_transform_takes_blocks_lists_and_none(messages):
    from data.transform import get_transform

    assert get_transform(None)(3) == 3
    first, second = get_transform([{"type": "BaseSilTransform"}, None])
    assert first(np.array([255.0]))[0] == 1 and second("x") == "x"
    get_transform({"type": "BaseSilTransform", "divisor": 1})
    assert any(level == "warning" and "divisor" in text for level, text in messages)
    with pytest.raises(ValueError, match="'Sharpen'; known: .*RandomRotate"):
        get_transform({"type": "Sharpen"})
    with pytest.raises(ValueError, match="expected a block"):
        get_transform(3)


def test_compose_applies_in_order():
    from data.transform import get_transform

    trf = get_transform(
        {
            "type": "Compose",
            "trf_cfg": [{"type": "BaseSilCuttingTransform"}, {"type": "RandomHorizontalFlip", "prob": 1.0}],
        }
    )
    x = clip()
    assert np.array_equal(trf(x), (x[:, :, 10:54] / np.float32(255))[:, :, ::-1])


@pytest.mark.parametrize("name", ["RandomHorizontalFlip", "RandomRotate", "RandomPerspective"])
def test_random_transforms_leave_the_clip_at_probability_0_and_repeat_with_the_seed(name):
    from data.transform import get_transform

    x = clip()
    assert get_transform({"type": name, "prob": 0.0})(x) is x
    trf = get_transform({"type": name, "prob": 1.0})
    random.seed(5)
    one = trf(x)
    random.seed(5)
    assert np.array_equal(trf(x), one) and one.dtype == x.dtype and not np.array_equal(one, x)
    assert np.array_equal(x, clip())
    hits = sum(get_transform({"type": name, "prob": 0.5})(x) is not x for _ in range(200))
    assert 60 < hits < 140


def bilinear(frame, x, y):
    """Value at a point, black outside."""
    h, w = frame.shape
    total = 0.0
    for i in (math.floor(y), math.floor(y) + 1):
        for j in (math.floor(x), math.floor(x) + 1):
            if 0 <= i < h and 0 <= j < w:
                total += (1 - abs(y - i)) * (1 - abs(x - j)) * float(frame[i, j])
    return total


@pytest.mark.parametrize("w", [64, 44])
def test_rotation_equals_a_loop_over_pixels(monkeypatch, w):
    from data import transform

    monkeypatch.setattr(transform.random, "uniform", lambda low, high: 0.0 if low == 0 else 7.0)
    x = clip(w, np.float32)
    out = transform.RandomRotate(prob=1.0, degree=10)(x)
    angle, cx, cy = math.radians(7.0), 64 // 2, w // 2
    for row in range(0, 64, 7):
        for col in range(0, w, 5):
            dx, dy = col - cx, row - cy  # counter-clockwise seen on the screen, where y points down
            sx = cx + math.cos(angle) * dx - math.sin(angle) * dy
            sy = cy + math.sin(angle) * dx + math.cos(angle) * dy
            assert out[1, row, col] == pytest.approx(bilinear(x[1], sx, sy), abs=0.05)


def test_perspective_maps_the_trapezoid_to_the_frame(monkeypatch):
    from data import transform

    picks = iter([4, 58, 8, 60])  # upper left, upper right, lower left, lower right
    monkeypatch.setattr(transform.random, "choice", lambda side: next(picks))
    x = np.random.default_rng(0).random((2, 64, 64)).astype(np.float32)
    out = transform.RandomPerspective(prob=1.0)(x)
    corners = [((0, 0), (4, 0)), ((64, 0), (58, 0)), ((0, 64), (8, 64)), ((64, 64), (60, 64))]
    rows, right = [], []
    for (u, v), (sx, sy) in corners:  # frame to clip: sx = (a u + b v + c) / (g u + h v + 1), and so on
        rows += [[u, v, 1, 0, 0, 0, -u * sx, -v * sx], [0, 0, 0, u, v, 1, -u * sy, -v * sy]]
        right += [sx, sy]
    a, b, c, d, e, f, g, h = np.linalg.solve(np.array(rows, float), np.array(right, float))
    for v in range(0, 64, 9):
        for u in range(0, 64, 7):
            scale = g * u + h * v + 1
            expected = bilinear(x[1], (a * u + b * v + c) / scale, (d * u + e * v + f) / scale)
            assert out[1, v, u] == pytest.approx(expected, abs=1e-3)


def test_perspective_leaves_frames_too_narrow_for_a_margin():
    from data.transform import RandomPerspective

    x = np.ones((1, 8, 20))
    assert RandomPerspective(prob=1.0)(x) is x
