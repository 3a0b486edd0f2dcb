"""Whole-body scores of `protocol` against the hosts' own evaluation functions, each host in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import opengait_mimic
from opengait_mimic.metrics.protocols import protocol_of, score, split
from tests.host_runs import script
from tests.metrics.test_splits import CASIA_TYPES, sequences

ANGLES = ["000", "045", "090", "180"]
CCPG_TYPES = ["U0_D0", "U0_D0_BG", "U0_D3", "U1_D0", "U1_D1", "U2_D2", "U3_D3"]
SUSTECH_TYPES = ["01-nm", "01-bg", "02-cl", "02-cr", "03-ub", "03-uf", "04-oc", "04-oc-nt", "00-nt"]  # the last is not of Overall
KEYS = ("labels", "types", "views")
FUNCTIONS = {
    "CASIA-B": "evaluate_indoor_dataset",
    "OUMVLP": "evaluate_indoor_dataset",
    "GREW": "evaluate_real_scene",
    "Gait3D": "evaluate_Gait3D",
    "SUSTech1K": "evaluate_indoor_dataset",
    "CCPG": "evaluate_CCPG",
}

ON_A_CHECKOUT = {"CASIA-E": "evaluate_indoor_dataset", "FreeGait": "evaluate_FreeGait", "CCGR-MINI": "evaluate_CCGR_MINI"}
"""Evaluations that the embedded host does without."""
CASIA_E_TYPES = [
    f"{height}-{scene}-{walk}-1" for scene in ("scene1", "scene2", "scene3_s") for walk in ("nm", "bg", "cl") for height in "HL"
]

RUN = """
import inspect, json, sys, types, numpy, torch
root, data, out, functions = sys.argv[1:]
sys.path.insert(0, root)
torch.Tensor.cuda = lambda self: self  # this process only: OpenGait's distances know no CPU
from evaluation import evaluator
evaluator.get_msg_mgr = lambda: types.SimpleNamespace(log_info=lambda *_: None, log_warning=lambda *_: None)
z, results = numpy.load(data), {}
for name, function in json.loads(functions).items():
    function = getattr(evaluator, function)
    more = {"dataset_partition": "datasets/Gait3D/Gait3D.json"} if "dataset_partition" in inspect.signature(function).parameters else {}
    for metric in ("euc", "cos"):
        lists = {key: z[name + key].tolist() for key in ("labels", "types", "views")}
        found = function({"embeddings": z[name], **lists}, name, metric=metric, **more)
        results[name + metric] = {key.split("/")[-1]: numpy.asarray(value).tolist() for key, value in found.items()}
        if name in ("CASIA-B", "OUMVLP"):
            found = function({"embeddings": z[name], **lists}, name, metric=metric, cross_view_gallery=True)
            results[name + " cross-view gallery" + metric] = {key.split("/")[-1]: float(value) for key, value in found.items()}
json.dump(results, open(out, "w"))
"""


def gait3d():
    """Cameras and sequences as in the data set's names; one probe per subject is listed, and five subjects have nothing else."""
    columns = sequences(["camid1_videoid2", "camid2_videoid1", "camid5_videoid3"], ["seq0", "seq1"], subjects=40, noise=1.6)
    keys = list(zip(*columns[1:]))
    listed = [key for key in keys if key[1] == f"camid{1 + int(key[0]) % 2}_videoid{2 - int(key[0]) % 2}" and key[2] == "seq0"]
    alone = {f"{s:03d}" for s in range(3, 40, 8)}
    keep = [key[0] not in alone or key in listed for key in keys]
    x, labels, types, views = columns[0][keep], *([value for value, k in zip(column, keep) if k] for column in columns[1:])
    return x, labels, types, views, {"PROBE_SET": ["-".join(key) for key in listed]}


def ccgr():
    """As Gait3D, its probes the gallery."""
    *columns, partition = gait3d()
    return *columns, {"GALLERY_SET": partition["PROBE_SET"]}


def ccpg():
    """Views as ``camera_walk``, of which the camera alone counts; the walk differs from type to type."""
    x, labels, types, views = sequences(CCPG_TYPES, ANGLES, subjects=12)
    return x, labels, types, [f"{view}_{1 + CCPG_TYPES.index(t)}_{label}" for label, t, view in zip(labels, types, views)], None


@pytest.fixture(scope="module")
def sets():
    """Data set -> embeddings, labels, types, views and the lists of its partition."""
    return {
        "CASIA-B": (*sequences(CASIA_TYPES, ANGLES, subjects=8), None),
        "OUMVLP": (*sequences(["00", "01"], ANGLES, subjects=30), None),
        "GREW": (*sequences(["01", "02"], ["a", "b"], subjects=40), None),
        "Gait3D": gait3d(),
        "SUSTech1K": (*sequences(["00-nm", *SUSTECH_TYPES], ANGLES, subjects=12), None),
        "CCPG": ccpg(),
        "CASIA-E": (*sequences(CASIA_E_TYPES, [*ANGLES, "270"], subjects=8), None),
        "FreeGait": gait3d(),
        "CCGR-MINI": ccgr(),
    }


@pytest.fixture(scope="module", params=["embedded", "checkout"])
def theirs(request, sets, tmp_path_factory):
    """What a host's own functions return: data set + metric -> scores."""
    functions = FUNCTIONS if request.param == "embedded" else {**FUNCTIONS, **ON_A_CHECKOUT}
    if request.param == "embedded":
        root = Path(opengait_mimic.__file__).parent / "host" / "embedded"
    else:
        root = request.getfixturevalue("checkout") / "opengait"
    folder = tmp_path_factory.mktemp(request.param)
    for name in ("Gait3D", "FreeGait", "CCGR-MINI"):
        (folder / "datasets" / name).mkdir(parents=True)
        (folder / "datasets" / name / f"{name}.json").write_text(json.dumps(sets[name][-1]))
    arrays = {name: columns[0] for name, columns in sets.items()}
    for name, columns in sets.items():
        arrays.update({name + key: values for key, values in zip(KEYS, columns[1:])})
    np.savez(folder / "data.npz", **arrays)
    script(folder, RUN, root, folder / "data.npz", folder / "out.json", json.dumps(functions))
    return json.loads((folder / "out.json").read_text())


@pytest.fixture(params=["euc", "cos"])
def metric(request):
    return request.param


def ours(columns, name, metric):
    x, labels, types, views, partition = columns
    return score(split(name, labels, types, views, partition), x, x, labels, views, metric=metric)


def needs(theirs, name, metric):
    if name + metric not in theirs:
        pytest.skip("the embedded host has no such evaluation")


@pytest.mark.parametrize(("name", "subsets"), [("CASIA-B", ("NM", "BG", "CL")), ("OUMVLP", ("NM",)), ("CASIA-E", ("NM", "BG", "CL"))])
def test_indoor_rank1(theirs, sets, name, subsets, metric):
    """The hosts round each pair of views to two decimals."""
    needs(theirs, name, metric)
    mine, found = ours(sets[name], name, metric), theirs[name + metric]
    assert set(found) == {f"{subset}@R1" for subset in subsets}
    for subset in subsets:
        assert mine["subsets"][subset]["rank1"] == pytest.approx(found[f"{subset}@R1"], abs=0.0051)
        assert 10 < found[f"{subset}@R1"] < 99


@pytest.mark.parametrize(("name", "subsets"), [("CASIA-B", ("NM", "BG", "CL")), ("OUMVLP", ("NM",))])
def test_the_gallery_of_all_views(theirs, sets, name, subsets, metric):
    """``cross_view_gallery``: Rank-1 and mAP; the hosts round each view of the probes to two decimals."""
    x, labels, types, views, _ = sets[name]
    parts = split(protocol_of(name, cross_view_gallery=True), labels, types, views)
    mine, found = score(parts, x, x, labels, views, metric=metric), theirs[f"{name} cross-view gallery{metric}"]
    assert set(found) == {f"{subset}-{what}" for subset in subsets for what in ("Rank@1", "mAP")}
    for subset in subsets:
        assert mine["subsets"][subset]["rank1"] == pytest.approx(found[f"{subset}-Rank@1"], abs=0.0051)
        assert mine["subsets"][subset]["mAP"] == pytest.approx(found[f"{subset}-mAP"], abs=0.0051)
        assert 10 < found[f"{subset}-mAP"] < 99 and found[f"{subset}-Rank@1"] != theirs[name + metric][f"{subset}@R1"]
    assert mine["rank1"] == pytest.approx(np.mean([part["rank1"] for part in mine["subsets"].values()]))


def test_grew_rank_k(theirs, sets, metric):
    """The hosts round to two decimals; OpenGait returns Rank-1 and Rank-5 only."""
    mine, found = ours(sets["GREW"], "GREW", metric), theirs["GREW" + metric]
    assert {"Rank-1", "Rank-5"} <= set(found)
    for key, value in found.items():
        assert mine[f"rank{key[5:]}"] == pytest.approx(value, abs=0.0051)
    assert 10 < found["Rank-1"] < found["Rank-5"] < 100


@pytest.mark.parametrize("name", ["Gait3D", "FreeGait", "CCGR-MINI"])
def test_rank_k_map_and_minp_by_a_list(theirs, sets, name, metric):
    needs(theirs, name, metric)
    mine, found = ours(sets[name], name, metric), theirs[name + metric]
    assert (mine["probes"], mine["probes_without_mate"]) == ((175, 0) if name == "CCGR-MINI" else (40, 5))
    names = {"Rank-1": "rank1", "Rank-5": "rank5", "Rank-10": "rank10", "mAP": "mAP", "mINP": "mINP"}
    assert set(found) == set(names)
    for key, value in found.items():
        assert mine[names[key]] == pytest.approx(value, abs=1e-4)
    assert 5 < found["mINP"] <= found["mAP"] < 100 and 5 < found["Rank-1"] < found["Rank-5"] < found["Rank-10"] < 100


def test_sustech1k_conditions_by_parts_of_their_types(theirs, sets, metric):
    """Both hosts spell one condition as OpenGait does."""
    mine, found = ours(sets["SUSTech1K"], "SUSTech1K", metric), theirs["SUSTech1K" + metric]
    names = {"Umbrella": "Umberalla"}
    assert set(found) == {f"{names.get(subset, subset)}@R1" for subset in mine["subsets"]}
    for subset, result in mine["subsets"].items():
        assert result["rank1"] == pytest.approx(found[f"{names.get(subset, subset)}@R1"], abs=0.0051)
    assert mine["rank1"] == mine["subsets"]["Overall"]["rank1"] and mine["probes"] == 8 * 12 * 4
    assert mine["subsets"]["Occlusion"]["probes"] == 2 * 12 * 4 and mine["subsets"]["Night"]["probes"] == 2 * 12 * 4
    assert len({round(value, 2) for value in found.values()}) > 5 and all(10 < value < 99 for value in found.values())


def test_ccpg_is_the_mean_over_different_views_of_opengaits_table(theirs, sets, metric):
    """OpenGait returns Rank-1 of each probe view against each gallery view; the embedded host the mean without the diagonal."""
    mine, found = ours(sets["CCPG"], "CCPG", metric), theirs["CCPG" + metric]
    assert list(mine["subsets"]) == list(found) == ["CL", "UP", "DN", "BG"]
    for subset, value in found.items():
        table = np.asarray(value)
        if table.ndim:
            assert table.shape == (4, 4)
            value = table[~np.eye(4, dtype=bool)].mean()
        assert mine["subsets"][subset]["rank1"] == pytest.approx(float(value), abs=0.0051)
        assert mine["subsets"][subset]["view_pairs"] == 12 and 10 < value < 99
    assert mine["rank1"] == pytest.approx(np.mean([part["rank1"] for part in mine["subsets"].values()]))
