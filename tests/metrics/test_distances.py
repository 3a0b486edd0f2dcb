"""distance_matrix and relative_performance: against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from opengait_mimic.metrics import distance_matrix, relative_performance


def embeddings(n, seed, c=6, p=3):
    return np.random.default_rng(seed).normal(size=(n, c, p)).astype(np.float32)


@pytest.mark.parametrize("metric, scipys", [("euc", "euclidean"), ("cos", "cosine")])
def test_distance_equals_scipy_averaged_over_parts(metric, scipys):
    probe, gallery = embeddings(300, 0).astype(np.float64), embeddings(11, 1)
    expected = np.mean([cdist(probe[:, :, i], gallery[:, :, i], scipys) for i in range(3)], axis=0)
    got = distance_matrix(probe, torch.from_numpy(gallery).requires_grad_(), metric)
    assert got.dtype == torch.float32 and got.shape == (300, 11) and not got.requires_grad
    np.testing.assert_allclose(got.numpy(), expected, atol=2e-6)


def test_half_precision_is_widened_before_the_distance():
    # squares of 300 overflow float16; 1e-3 apart at 0.3 vanishes in a float16 expanded square
    near = torch.tensor([[[300.0], [0.3]], [[300.0], [0.301]]], dtype=torch.float16)
    expected = cdist(near[:, :, 0].double(), near[:, :, 0].double())
    got = distance_matrix(near, near)
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-5)


def test_far_from_the_origin_close_embeddings_keep_their_distance():
    base = np.full((1, 64, 1), 100.0, dtype=np.float32)
    x = np.concatenate([base, base + np.float32(2**-10)])
    assert distance_matrix(x, x)[0, 1].item() == pytest.approx(8 * 2**-10, rel=1e-6)
    assert distance_matrix(x, x).diagonal().tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "probe, gallery, options, message",
    [
        (embeddings(2, 0), embeddings(2, 0, p=4), {}, r"\[2, 6, 3\].*\[2, 6, 4\].*same model"),
        (embeddings(2, 0)[0], embeddings(2, 0), {}, r"probe embeddings.*\[6, 3\].*\[n, c, p\]"),
        (embeddings(2, 0), embeddings(0, 0), {}, r"gallery embeddings.*\[0, 6, 3\]"),
        (embeddings(2, 0), embeddings(2, 0), {"metric": "l2"}, r"metric = 'l2'.*euc.*cos"),
    ],
)
def test_inputs_that_do_not_fit_are_named(probe, gallery, options, message):
    with pytest.raises(ValueError, match=message):
        distance_matrix(probe, gallery, **options)


def test_rows_that_are_not_finite_are_counted():
    gallery = embeddings(5, 0)
    gallery[1, 0, 0], gallery[4] = np.nan, np.inf
    with pytest.raises(ValueError, match="gallery embeddings: 2 of 5 rows"):
        distance_matrix(embeddings(2, 1), gallery)


def test_relative_performance():
    assert relative_performance(21.0, 42.0) == (0.5, None)
    assert relative_performance(0.0, 42.0) == (0.0, None)
    assert relative_performance(60.0, 50.0).value == pytest.approx(1.2)


@pytest.mark.parametrize("hp, reason", [(None, "was given"), (0, "is 0")])
def test_relative_performance_without_denominator_has_a_reason(hp, reason):
    found = relative_performance(21.0, hp)
    assert found.value is None and reason in found.reason
