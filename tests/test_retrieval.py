"""retrieval: against scipy, scikit-learn and slow loops, and what must not change a result."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.metrics import average_precision_score, top_k_accuracy_score

from opengait_mimic.metrics import distance_matrix, mate_rank, precision, rank_k, relative_performance


def embeddings(n, seed, c=6, p=3):
    return np.random.default_rng(seed).normal(size=(n, c, p)).astype(np.float32)


def slow_rank_k(distance, probe_labels, gallery_labels, k, exclude=None):
    """Percentage by sorting each probe's gallery; a stranger comes before a mate at the same distance."""
    hits = 0
    for i, subject in enumerate(probe_labels):
        entries = []
        for j, other in enumerate(gallery_labels):
            if exclude is None or not exclude[i, j]:
                entries.append((distance[i, j], other == subject))
        hits += any(mate for _, mate in sorted(entries)[:k])
    return 100 * hits / len(probe_labels)


@pytest.mark.parametrize("metric, scipys", [("euc", "euclidean"), ("cos", "cosine")])
def test_distance_equals_scipy_averaged_over_parts(metric, scipys):
    probe, gallery = embeddings(7, 0), embeddings(11, 1)
    expected = np.mean([cdist(probe[:, :, i], gallery[:, :, i], scipys) for i in range(3)], axis=0)
    got = distance_matrix(probe, gallery, metric, block=3)
    assert got.dtype == torch.float32 and got.shape == (7, 11)
    np.testing.assert_allclose(got.numpy(), expected, atol=2e-6)


@pytest.mark.parametrize("metric", ["euc", "cos"])
@pytest.mark.parametrize("block", [1, 4, 5, 100])
def test_block_does_not_change_the_result(metric, block):
    probe, gallery = embeddings(9, 0), embeddings(5, 1)
    torch.testing.assert_close(distance_matrix(probe, gallery, metric, block), distance_matrix(probe, gallery, metric), rtol=0, atol=1e-6)


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


def test_numpy_torch_and_mixed_inputs_agree():
    probe, gallery = embeddings(4, 0).astype(np.float64), embeddings(3, 1)
    expected = distance_matrix(probe, gallery)
    assert torch.equal(expected, distance_matrix(torch.from_numpy(probe), gallery))
    tracked = torch.from_numpy(gallery).requires_grad_()
    assert not distance_matrix(probe, tracked).requires_grad


@pytest.mark.parametrize(
    "probe, gallery, options, message",
    [
        (embeddings(2, 0), embeddings(2, 0, p=4), {}, r"\[2, 6, 3\].*\[2, 6, 4\].*same model"),
        (embeddings(2, 0)[0], embeddings(2, 0), {}, r"probe embeddings.*\[6, 3\].*\[n, c, p\]"),
        (embeddings(2, 0), embeddings(0, 0), {}, r"gallery embeddings.*\[0, 6, 3\]"),
        (embeddings(2, 0), embeddings(2, 0), {"metric": "l2"}, r"metric = 'l2'.*euc.*cos"),
        (embeddings(2, 0), embeddings(2, 0), {"block": 0}, r"block = 0"),
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


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("masked", [False, True])
def test_rank_k_equals_a_sorting_loop(seed, masked):
    rng = np.random.default_rng(seed)
    distance = rng.integers(0, 12, size=(20, 25)).astype(np.float32)  # many ties
    probes, gallery = rng.integers(0, 6, size=20).astype(str), rng.integers(0, 6, size=25).astype(str)
    exclude = rng.random((20, 25)) < 0.4 if masked else None
    result = rank_k(torch.from_numpy(distance), probes, gallery, ks=(1, 2, 5, 30), exclude=exclude)
    for k in (1, 2, 5, 30):
        assert result.accuracy[k] == pytest.approx(slow_rank_k(distance, probes, gallery, k, exclude))


def test_rank_k_equals_scikit_learn_for_one_gallery_sequence_per_subject():
    rng = np.random.default_rng(0)
    truth, distance = rng.integers(0, 9, size=40), rng.random((40, 9))
    result = rank_k(distance, truth, np.arange(9), ks=(1, 3))
    for k in (1, 3):
        assert result.accuracy[k] == pytest.approx(100 * top_k_accuracy_score(truth, -distance, k=k, labels=range(9)))


def test_more_probes_than_one_block():
    rng = np.random.default_rng(0)
    distance, truth = rng.random((2500, 8)).astype(np.float32), rng.integers(0, 8, size=2500)
    expected = 100 * np.mean(distance.argmin(1) == truth)
    assert rank_k(distance, truth, np.arange(8), ks=(1,)).accuracy[1] == pytest.approx(expected)


def test_probe_without_mate_is_a_failure_and_counted():
    result = rank_k([[0.0], [0.0]], ["a", "stranger"], ["a"], ks=(1, 20))
    assert result.accuracy == {1: 50.0, 20: 50.0}
    assert (result.probes, result.probes_without_mate) == (2, 1)


def test_excluding_the_only_mate_leaves_the_probe_without():
    result = rank_k([[0.0, 1.0]], ["a"], ["a", "b"], ks=(1, 5), exclude=[[True, False]])
    assert result.accuracy == {1: 0.0, 5: 0.0} and result.probes_without_mate == 1


def test_a_tie_is_lost_whatever_the_order_of_the_gallery():
    assert mate_rank([[0.5, 0.5]], ["a"], ["a", "b"]).tolist() == [2]
    assert mate_rank([[0.5, 0.5]], ["a"], ["b", "a"]).tolist() == [2]


def test_collapsed_embeddings_score_zero():
    x = np.tile(embeddings(1, 0), (12, 1, 1))
    labels = np.arange(12) % 4
    assert rank_k(distance_matrix(x, x), labels, labels, ks=(1,)).accuracy[1] == 0


def test_integer_and_string_labels_are_not_mixed():
    with pytest.raises(ValueError, match="never match"):
        rank_k([[0.0]], [1], ["1"])


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([[0.0, 1.0]], ["a"], ["a"]), "distance is"),
        (([], [], ["a"]), "at least one probe"),
        (([[np.nan, 1.0]], ["a"], ["a", "b"]), "1 of 2 values"),
        (([[0.0]], ["a"], ["a"], (0,)), "integer >= 1"),
        (([[0.0]], ["a"], ["a"], ()), "at least one"),
        (([[0.0]], ["a"], ["a"], (1,), [[1]]), "exclude is torch.int64"),
    ],
)
def test_rank_k_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        rank_k(*arguments)


@pytest.fixture
def scene():
    rng = np.random.default_rng(3)
    subjects = rng.normal(size=(10, 6, 3))
    probes, gallery = rng.integers(0, 10, size=60), np.arange(30) % 10
    noise = rng.normal(size=(90, 6, 3))
    return subjects[probes] + noise[:60], subjects[gallery] + noise[60:], probes, gallery


def test_order_of_the_gallery_does_not_matter(scene):
    probe, gallery, p_labels, g_labels = scene
    expected = rank_k(distance_matrix(probe, gallery), p_labels, g_labels)
    order = np.random.default_rng(0).permutation(len(gallery))
    assert rank_k(distance_matrix(probe, gallery[order]), p_labels, g_labels[order]) == expected
    assert 10 < expected.accuracy[1] < 100  # the scene can tell a difference


def test_a_stranger_in_the_gallery_never_raises_a_score(scene):
    probe, gallery, p_labels, g_labels = scene
    before = rank_k(distance_matrix(probe, gallery), p_labels, g_labels).accuracy
    for subject in range(10):
        crowd = np.concatenate([gallery, probe[p_labels == subject][:1]])
        after = rank_k(distance_matrix(probe, crowd), p_labels, np.append(g_labels, 99)).accuracy
        assert all(after[k] <= before[k] for k in before) and after[1] < before[1] + 1e-9


def test_scaling_all_embeddings_changes_no_rank(scene):
    probe, gallery, p_labels, g_labels = scene
    expected = mate_rank(distance_matrix(probe, gallery), p_labels, g_labels)
    scaled = mate_rank(distance_matrix(probe * 4, gallery * 4), p_labels, g_labels)
    assert scaled.tolist() == expected.tolist()


def test_relative_performance():
    assert relative_performance(21.0, 42.0) == (0.5, None)
    assert relative_performance(0.0, 42.0) == (0.0, None)
    assert relative_performance(60.0, 50.0).value == pytest.approx(1.2)


@pytest.mark.parametrize("hp, reason", [(None, "was given"), (0, "is 0")])
def test_relative_performance_without_denominator_tells_why(hp, reason):
    value, told = relative_performance(21.0, hp)
    assert value is None and reason in told


@pytest.mark.parametrize("op, hp", [(-1, 50), (101, 50), (50, 101), (float("nan"), 50)])
def test_relative_performance_takes_percent_only(op, hp):
    with pytest.raises(ValueError, match="0..100"):
        relative_performance(op, hp)


def slow_precision(distance, probe_label, gallery_labels, exclude):
    """By sorting; a stranger comes before a mate at the same distance."""
    order = sorted((d, other == probe_label) for d, other, out in zip(distance, gallery_labels, exclude) if not out)
    places = [place for place, (_, mate) in enumerate(order, 1) if mate]
    if not places:
        return np.nan, np.nan
    return np.mean([i / place for i, place in enumerate(places, 1)]), len(places) / places[-1]


@pytest.mark.parametrize("seed", range(4))
def test_precision_equals_sorting_with_ties_and_left_out_pairs(seed):
    rng = np.random.default_rng(seed)
    distance = rng.integers(0, 6, (12, 30)).astype(np.float32)  # full of ties
    probes, gallery = rng.integers(0, 7, 12), rng.integers(0, 5, 30)
    exclude = rng.random((12, 30)) < 0.3
    ap, inp = precision(distance, probes, gallery, exclude)
    expected = np.array([slow_precision(*row) for row in zip(distance, probes, [gallery] * 12, exclude)]).T
    np.testing.assert_allclose([ap, inp], expected)
    assert np.isnan(ap).sum() == np.isin(probes, (5, 6)).sum() > 0


def test_average_precision_equals_scikit_learn():
    rng = np.random.default_rng(0)
    distance, probes, gallery = rng.random((40, 50)), rng.integers(0, 5, 40), rng.integers(0, 5, 50)
    expected = [average_precision_score(gallery == label, -row) for label, row in zip(probes, distance)]
    np.testing.assert_allclose(precision(distance, probes, gallery)[0], expected)


def test_precision_of_many_probes_is_that_of_each():
    """More probes than a block holds."""
    rng = np.random.default_rng(0)
    distance, probes, gallery = rng.random((1030, 8)), rng.integers(0, 3, 1030), np.arange(8) % 3
    ap, inp = precision(distance, probes, gallery)
    for i in (0, 1023, 1024, 1029):
        assert (ap[i], inp[i]) == pytest.approx(slow_precision(distance[i], probes[i], gallery, [False] * 8))


def test_embeddings_that_collapsed_have_the_least_precision():
    ap, inp = precision(np.zeros((1, 4)), ["a"], ["a", "b", "b", "a"])
    assert (ap[0], inp[0]) == (pytest.approx((1 / 3 + 2 / 4) / 2), 0.5)


def test_probes_without_a_mate_can_be_left_out():
    distance = [[0.1, 0.2], [0.1, 0.2], [0.1, 0.2]]
    result = rank_k(distance, ["a", "b", "c"], ["a", "b"], ks=(1, 2), mates_only=True)
    assert (result.accuracy, result.probes, result.probes_without_mate) == ({1: 50, 2: 100}, 3, 1)
    with pytest.raises(ValueError, match="none of the 1 probes has a mate"):
        rank_k([[0.1]], ["a"], ["b"], mates_only=True)
