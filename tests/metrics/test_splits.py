"""protocol: against hand-made loops; against the hosts' own evaluators see test_whole_bodies.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from opengait_mimic.metrics.protocols import PROTOCOLS, is_probe, protocol_of, score, split

TYPES = {
    "GREW": ["01", "02", "03"],
    "OUMVLP": ["00", "01"],
    "Gait3D": ["camid0", "camid1"],
    "CASIA-E": ["H-scene1-nm-1", "L-scene1-nm-2", "H-scene2-nm-1", "L-scene3-bg-2", "H-scene3_s-cl-1"],
    "SUSTech1K": ["00-nm", "01-nm", "01-bg", "02-cl-cr", "03-ub-uf", "04-oc-nt"],
    "CCPG": ["U0_D0", "U0_D0_BG", "U0_D3", "U1_D0", "U1_D1", "U2_D2", "U3_D3"],
}
CASIA_TYPES = [f"nm-0{i}" for i in range(1, 7)] + ["bg-01", "bg-02", "cl-01", "cl-02"]


def sequences(types, views, subjects=5, seed=0, noise=1.2):
    """Every subject in every type and view, with embeddings that are recognised more often than not."""
    rng = np.random.default_rng(seed)
    keys = [(f"{s:03d}", t, v) for s in range(subjects) for t in types for v in views]
    labels, types, views = (list(column) for column in zip(*keys))
    centre = rng.normal(size=(subjects, 4, 2))
    x = centre[[int(label) for label in labels]] + noise * rng.normal(size=(len(keys), 4, 2))
    return x.astype(np.float32), labels, types, views


def apart(a, b):
    return np.mean([np.sqrt(np.sum((a[:, i] - b[:, i]) ** 2)) for i in range(a.shape[1])])


def slow_casia(probe_side, gallery_side, labels, types, views, wanted):
    """Rank-1 of a subset: every probe view against every other gallery view, one nearest neighbour at a time."""
    names = sorted(set(views))
    pairs = []
    for p_view in names:
        for g_view in names:
            if p_view == g_view:
                continue
            hits = count = 0
            for i in range(len(labels)):
                if types[i] not in wanted or views[i] != p_view:
                    continue
                best = min(
                    (apart(probe_side[i], gallery_side[j]), labels[j])
                    for j in range(len(labels))
                    if types[j] in ("nm-01", "nm-02", "nm-03", "nm-04") and views[j] == g_view
                )
                hits, count = hits + (best[1] == labels[i]), count + 1
            pairs.append(100 * hits / count)
    return np.mean(pairs)


def test_casia_b_equals_a_loop():
    x, labels, types, views = sequences(CASIA_TYPES, ["000", "090", "180"])
    hidden = x + np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    result = score(split("CASIA-B", labels, types, views), hidden, x, labels, views, ks=(1, 5))
    for name, wanted in (("NM", ("nm-05", "nm-06")), ("BG", ("bg-01", "bg-02")), ("CL", ("cl-01", "cl-02"))):
        expected = slow_casia(hidden, x, labels, types, views, wanted)
        assert result["subsets"][name]["rank1"] == pytest.approx(expected)
        assert 20 < expected < 100
    assert result["rank1"] == pytest.approx(np.mean([s["rank1"] for s in result["subsets"].values()]))
    assert result["probes"] == 5 * 6 * 3 and result["probes_without_mate"] == 0


def test_casia_b_tells_what_is_missing():
    x, labels, types, views = sequences(CASIA_TYPES, ["000", "090"])
    # subject 000 keeps only view 000 in the gallery; nm probes lose view 090 altogether
    keep = [
        not (label == "000" and view == "090" and type_ in ("nm-01", "nm-02", "nm-03", "nm-04"))
        and not (type_ in ("nm-05", "nm-06") and view == "090")
        for label, type_, view in zip(labels, types, views)
    ]
    x, labels, types, views = x[keep], *([v for v, k in zip(c, keep) if k] for c in (labels, types, views))
    subsets = score(split("CASIA-B", labels, types, views), x, x, labels, views)["subsets"]
    assert subsets["NM"]["view_pairs"] == 1 and subsets["NM"]["empty_view_pairs"] == 1
    assert subsets["NM"]["trials"] == 10 and subsets["NM"]["trials_without_mate"] == 2
    assert subsets["NM"]["probes_without_mate"] == 2
    assert subsets["BG"]["view_pairs"] == 2 and subsets["BG"]["probes_without_mate"] == 2  # those at view 000


@pytest.mark.parametrize(
    ("dataset", "columns", "partition", "probe", "gallery"),
    [
        ("walkers", (["a"] * 3, ["nm-01", "nm-02", "bg-01"], ["v"] * 3), None, [0, 1, 1], [1, 0, 0]),
        ("GREW", (["a"] * 3, ["01", "02", "03"], ["v"] * 3), None, [0, 1, 0], [1, 0, 0]),
        ("Gait3D", (["1", "1", "2"], ["c0", "c1", "c0"], ["v1", "v2", "v1"]), {"PROBE_SET": ["1-c1-v2", "9-c0-v1"]}, [0, 1, 0], [1, 0, 1]),
        ("CCGR-MINI", (["1", "1", "2"], ["c0", "c1", "c0"], ["v1", "v2", "v1"]), {"GALLERY_SET": ["1-c0-v1"]}, [0, 1, 1], [1, 0, 0]),
    ],
)
def test_sides_by_hand(dataset, columns, partition, probe, gallery):
    assert [mask.tolist() for mask in split(dataset, *columns, partition).subsets["all"]] == [probe, gallery]


def test_casia_e_leaves_view_270_out():
    types = ["H-scene1-nm-1", "L-scene2-nm-2", "H-scene3_s-bg-1", "H-scene3-cl-1"]
    _, labels, types, views = sequences(types, ["000", "270"], subjects=1)
    found = split("CASIA-E", labels, types, views)
    assert {name: [mask.tolist() for mask in masks] for name, masks in found.subsets.items()} == {
        name: [[i == place for i in range(8)], [i == 0 for i in range(8)]] for name, place in {"NM": 2, "BG": 4, "CL": 6}.items()
    }


def test_a_list_that_the_partition_lacks_is_named():
    with pytest.raises(ValueError, match="'CCGR-MINI' needs the list GALLERY_SET of its partition file .*got None"):
        split("CCGR-MINI", ["1"], ["c0"], ["v1"], {"PROBE_SET": ["1-c0-v1"]})


def test_casia_b_with_one_view_is_refused():
    x, labels, types, views = sequences(CASIA_TYPES, ["000"])
    with pytest.raises(ValueError, match="no pair of different views"):
        score(split("CASIA-B", labels, types, views), x, x, labels, views)


def test_walkers_uses_all_views_and_takes_each_side_from_its_array():
    labels, types, views = ["a", "b", "a", "b"], ["nm-01", "nm-01", "nm-02", "bg-01"], ["000"] * 4
    parts = split("walkers", labels, types, views)
    x = np.array([0.0, 10.0, 1.0, 9.0], dtype=np.float32).reshape(4, 1, 1)
    swapped = x[[1, 0, 3, 2]]
    assert score(parts, x, x, labels, views, ks=(1,))["rank1"] == 100
    assert score(parts, swapped, x, labels, views, ks=(1,))["rank1"] == 0
    assert score(parts, x, swapped, labels, views, ks=(1,))["rank1"] == 0
    assert score(parts, torch.from_numpy(swapped), torch.from_numpy(swapped), labels, views, ks=(1,))["rank1"] == 100


def test_gait3d_leaves_probes_without_a_mate_out_and_counts_them():
    """Worked out by hand: of three probes one has no mate; the other two meet theirs first, and second and third."""
    labels, points = ["a", "b", "c", "a", "b", "b", "d"], [0.0, 5.0, 9.0, 1.0, 5.3, 5.4, 5.2]
    views = list("1234567")
    listed = [f"{label}-t-{view}" for label, view in zip(labels[:3], views)]
    x = np.array(points, dtype=np.float32)[:, None, None]
    result = score(split("Gait3D", labels, ["t"] * 7, views, {"PROBE_SET": listed}), x, x, labels, views, ks=(1, 2))
    assert (result["probes"], result["probes_without_mate"]) == (3, 1)
    assert (result["rank1"], result["rank2"]) == (50, 100)
    assert result["mAP"] == pytest.approx(100 * (1 + (1 / 2 + 2 / 3) / 2) / 2)
    assert result["mINP"] == pytest.approx(100 * (1 + 2 / 3) / 2)
    with pytest.raises(ValueError, match="none of the 1 probes has a mate"):
        score(split("Gait3D", labels[2:], ["t"] * 5, views[2:], {"PROBE_SET": listed}), x[2:], x[2:], labels[2:], views[2:])


@pytest.mark.parametrize("dataset", list(PROTOCOLS))
def test_is_probe_agrees_with_split(dataset):
    types = TYPES.get(dataset, CASIA_TYPES)
    _, labels, types, views = sequences(types, ["000", "090"], subjects=3)
    known = protocol_of(dataset, dict.fromkeys(("PROBE_SET", "GALLERY_SET"), [f"000-{types[0]}-000", f"002-{types[-1]}-090"]))
    masks = [probe for probe, _ in split(known, labels, types, views).subsets.values()]
    expected = np.logical_or.reduce(masks).tolist()
    assert [is_probe(known, *key) for key in zip(labels, types, views)] == expected
    assert 0 < sum(expected) < len(expected)
