"""The protocol of ``cross_view_gallery``: against a loop over single probes; against the hosts' functions see test_whole_bodies.py."""

from __future__ import annotations

import numpy as np
import pytest

from opengait_mimic.metrics import rank_probes, verify_split
from opengait_mimic.metrics.cell_scores import compute_curves
from opengait_mimic.metrics.protocols import CROSS_VIEW_GALLERY, PROTOCOLS, protocol_of, refuse_unscorable, score, split
from tests.metrics.test_splits import CASIA_TYPES, apart, sequences

VIEWS = ["000", "090", "180"]
GALLERY = ("nm-02", "bg-02", "cl-02")


@pytest.fixture(scope="module")
def data():
    """Of subject 000 the gallery has view 000 alone, 001 is not in it; bag probes lose view 090."""
    x, labels, types, views = sequences(CASIA_TYPES, VIEWS, subjects=8, seed=3)
    lost = [("000", view) for view in VIEWS[1:]] + [("001", view) for view in VIEWS]
    gone = [(t in GALLERY and (label, v) in lost) or (t, v) == ("bg-01", "090") for label, t, v in zip(labels, types, views)]
    kept = [i for i, lacks in enumerate(gone) if not lacks]
    return x[kept], *([column[i] for i in kept] for column in (labels, types, views))


@pytest.fixture(scope="module")
def parts(data):
    return split(protocol_of("CASIA-B", cross_view_gallery=True), *data[1:])


def slow(data, type_):
    """View of the probe -> (places of its mates) of each probe; and every pair compared (distance, genuine)."""
    x, labels, types, views = data
    found, pairs = {}, []
    for i in [i for i, t in enumerate(types) if t == type_]:
        used = [j for j, t in enumerate(types) if t in GALLERY and not (labels[j] == labels[i] and views[j] == views[i])]
        shown = sorted((np.float32(apart(x[i].astype(float), x[j].astype(float))), labels[j] == labels[i]) for j in used)
        found.setdefault(views[i], []).append([n for n, (_, mate) in enumerate(shown, 1) if mate])
        pairs += shown
    return found, pairs


def test_scores_equal_a_loop_over_probes(data, parts):
    x, labels, _, views = data
    mine = score(parts, x, x, labels, views)
    for name, type_ in (("NM", "nm-01"), ("BG", "bg-01"), ("CL", "cl-01")):
        found, _ = slow(data, type_)
        for k in (1, 5):
            expected = np.mean([np.mean([bool(places) and places[0] <= k for places in of]) for of in found.values()])
            assert mine["subsets"][name][f"rank{k}"] == pytest.approx(100 * expected) and 10 < 100 * expected < 100
        ap = [np.mean([np.mean([n / at for n, at in enumerate(places, 1)]) if places else 0 for places in of]) for of in found.values()]
        assert mine["subsets"][name]["mAP"] == pytest.approx(100 * np.mean(ap))
        assert mine["subsets"][name]["probes_without_mate"] == sum(not places for of in found.values() for places in of) > 0
    assert mine["rank1"] == pytest.approx(np.mean([subset["rank1"] for subset in mine["subsets"].values()]))


def test_verification_is_of_the_same_pairs(data, parts):
    x, labels, _, views = data
    found, tars = verify_split(parts, x, x, labels, views), []
    every = [slow(data, type_)[1] for type_ in ("nm-01", "bg-01", "cl-01")]
    for pairs in every:
        genuine, impostor = ([d for d, mate in pairs if mate is wanted] for wanted in (True, False))
        allowed = sorted(impostor)[int(0.01 * len(impostor))]
        tars.append(100 * np.mean([d < allowed for d in genuine]))
    assert found.tar_at_far[0.01] == pytest.approx(np.mean(tars)) and 0 < np.mean(tars) < 100
    assert (found.genuine, found.impostor) == tuple(sum(mate is wanted for pairs in every for _, mate in pairs) for wanted in (True, False))


def test_curves_name_no_view_of_the_gallery(data, parts):
    x, labels, _, views = data
    found = compute_curves(parts, rank_probes(parts, x, x, labels, views), views, None)
    assert [pair[:2] for pair in found["view_pairs"]] == [[view, None] for view in VIEWS] and list(found["by_view"]) == VIEWS
    assert np.mean([value for _, _, value in found["view_pairs"]]) == pytest.approx(
        np.mean([v["rank1"] for v in found["by_view"].values()]), abs=5
    )


def test_a_mate_at_the_probes_own_view_is_none():
    known = protocol_of("OUMVLP", cross_view_gallery=True)
    for view, fits in (("000", False), ("090", True)):
        labels, types, views = ["a", "b", "a"], ["00", "01", "01"], ["000", "000", view]
        parts, x = split(known, labels, types, views), np.float32([[[1.0]], [[3.0]], [[1.0]]])
        if fits:
            refuse_unscorable(parts, labels, views)
        else:
            with pytest.raises(ValueError, match="oumvlp cross-view gallery: no probe of 'NM' has a mate"):
                refuse_unscorable(parts, labels, views)
        assert score(parts, x, x, labels, views)["rank1"] == 100 * fits


def test_a_probe_that_meets_nobody_is_named():
    labels, types, views = ["a", "a"], ["00", "01"], ["000", "000"]
    parts, x = split(protocol_of("OUMVLP", cross_view_gallery=True), labels, types, views), np.ones((2, 1, 1), np.float32)
    with pytest.raises(ValueError, match="1 probes have an empty gallery.*subject a, view 000"):
        rank_probes(parts, x, x, labels, views)


@pytest.mark.parametrize("name", sorted({*PROTOCOLS} - {*CROSS_VIEW_GALLERY}))
def test_other_data_sets_have_no_such_protocol(name):
    with pytest.raises(ValueError, match=f"cross_view_gallery = true: CASIA-B, OUMVLP have this protocol, the test set '{name}' has none"):
        protocol_of(name, {"a-b-c"}, True)


def test_empty_sides_name_the_protocol():
    with pytest.raises(ValueError, match="protocol 'oumvlp cross-view gallery': no probe for subset 'NM'"):
        split(protocol_of("OUMVLP", cross_view_gallery=True), ["a"], ["01"], ["000"])
