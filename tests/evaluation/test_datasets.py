"""Small trees laid out as the real data sets: the host's own test and ours agree, on the partition the YAML names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from opengait_mimic.base.errors import ConfigError, HostError
from opengait_mimic.evaluation.evaluate import evaluate
from opengait_mimic.evaluation.reference_result import list_differences
from opengait_mimic.host import CONFIGS
from opengait_mimic.host.config_checks import partition_of
from opengait_mimic.host.run_paths import checkpoint_file
from opengait_mimic.metrics.protocols import split
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import build, launch, start_log
from tests.variants import variant

TEACHER = "GaitBase (teacher)"
SESSIONS, VIEWS = ("nm-01", "nm-02", "bg-01", "cl-01"), ("054", "090")
EVALUATORS = {
    **{"Gait3D": "evaluate_Gait3D", "GREW": "evaluate_real_scene", "CASIA-B": "evaluate_indoor_dataset"},
    **{"SUSTech1K": "evaluate_indoor_dataset", "CCPG": "evaluate_CCPG", "OUMVLP": "evaluate_indoor_dataset"},
}
EVERYBODY = ("SUSTech1K", "CCPG")  # OpenGait ranks five gallery clips a view there: the training subjects are tested too
SUSTECH = {"nm-01": "00-nm", "nm-02": "01-nm-uf", "bg-01": "02-bg-oc-cr", "cl-01": "03-cl-ub-nt"}
CCPG = {"nm-01": ("U0_D0", "U1_D0", "U0_D3"), "nm-02": ("U0_D0_BG",), "bg-01": ("U3_D3",), "cl-01": ("U1_D1",)}  # none meets itself


def places(dataset, label, session, view):
    """Label, type and view of a walker's clip by the data set's own names; in CCPG a clip has several types."""
    i, j = SESSIONS.index(session), VIEWS.index(view)
    if dataset == "Gait3D":
        return [(label, f"camid{i + 1}_videoid{j + 1}", "seq0")]
    if dataset == "GREW":  # gallery 01, probe 02; a view is a clip's name
        return [(f"0{label}", "02" if session == "cl-01" else "01", f"{7 * i + j:032x}")]
    if dataset == "SUSTech1K":
        return [(label, SUSTECH[session], view)]
    if dataset == "CCPG":
        return [(label, type_, f"{view}_{i}") for type_ in CCPG[session]]
    if dataset == "OUMVLP":
        return [(label, {"nm-01": "01", "cl-01": "00"}[session], view)] if session in ("nm-01", "cl-01") else []
    return [(label[1:], {"nm-02": "nm-05"}.get(session, session), view)]


@pytest.fixture(scope="module", params=list(EVALUATORS))
def small(request, tree, tmp_path_factory):
    """The data block of a tree: the walkers under the names of the data set; Gait3D's partition lists two probes a subject."""
    dataset, folder = request.param, tmp_path_factory.mktemp(request.param)
    for label in (*tree.train, *tree.test):
        for session in SESSIONS:
            for view in VIEWS:
                for key in places(dataset, label, session, view):
                    to = folder / "data" / "/".join(key)
                    to.mkdir(parents=True)
                    shutil.copy(tree.root / label / session / view / f"{view}.pkl", to)
    halves = {"TRAIN_SET": tree.train, "TEST_SET": [*tree.train, *tree.test] if dataset in EVERYBODY else tree.test}
    partition = {half: [places(dataset, label, "nm-01", "054")[0][0] for label in labels] for half, labels in halves.items()}
    if dataset == "Gait3D":
        partition["PROBE_SET"] = [f"{label}-camid{i}_videoid1-seq0" for label in tree.test for i in (2, 4)]
    (folder / "partition.json").write_text(json.dumps(partition))
    where = {"dataset_root": str(folder / "data"), "dataset_partition": str(folder / "partition.json")}
    return {**where, "dataset_name": dataset, "test_dataset_name": dataset, "num_workers": 0}


@pytest.fixture
def config(small, trained, output, tmp_path):
    """The teacher's YAML, restored from its three steps on walkers, to be tested on the small data set."""
    weights = output / "walkers/Baseline/GaitBase-seed0/checkpoints/GaitBase-seed0-00003.pt"
    changes = {"evaluator_cfg__eval_func": EVALUATORS[small["dataset_name"]], "evaluator_cfg__restore_hint": str(weights)}
    return variant(trained.files[TEACHER], tmp_path, data_cfg=small, **changes)


def scores(file):
    """What the host's own evaluation function returns in a test; of OpenGait's table of views for CCPG the mean of unlike ones."""
    found = {key.split("/")[-1]: np.asarray(value) for key, value in launch(file, "test", quiet=True).items()}
    return {key: float(value[~np.eye(len(value), dtype=bool)].mean() if value.ndim else value) for key, value in found.items()}


RANK1 = {  # the host's numbers whose mean is our Rank-1, and the number of probes
    "Gait3D": (("Rank-1",), 8),
    "GREW": (("Rank-1",), 8),
    "CASIA-B": (("NM@R1", "BG@R1", "CL@R1"), 4 * 3 * 2),
    "SUSTech1K": (("Overall@R1",), 12 * 3 * 2),
    "CCPG": (("CL", "UP", "DN", "BG"), 12 * 5 * 2),
    "OUMVLP": (("NM@R1",), 4 * 2),
}


def test_whole_bodies_score_as_in_the_hosts_own_test(config, small):
    """The host rounds to two decimals, CASIA-B's pairs of views each."""
    found, whole = scores(config), evaluate(config, quiet=True)[0]
    names, probes = RANK1[small["dataset_name"]]
    assert whole["occluded_side"] == "holistic" and whole["dataset"] == small["dataset_name"] and whole["hp_rank1"] == whole["rank1"]
    assert whole["rank1"] == pytest.approx(np.mean([found[name] for name in names]), abs=0.0051) and whole["rank1"] > 0
    assert (whole["probes"], whole["probes_without_mate"]) == (probes, 0)
    if names == ("Rank-1",):
        assert whole["rank5"] == pytest.approx(found["Rank-5"], abs=0.0051)
    if small["dataset_name"] == "Gait3D":
        assert (whole["mAP"], whole["mINP"]) == (pytest.approx(found["mAP"], abs=1e-4), pytest.approx(found["mINP"], abs=1e-4))


@pytest.mark.parametrize("small", ["OUMVLP"], indirect=True)
@pytest.mark.parametrize(("method", "side"), [(TEACHER, "holistic"), ("MimicGait", "both")])
def test_the_gallery_of_all_views_is_a_protocol_of_its_own(method, side, trained, small, tmp_path):
    """Of OpenGait's model and of ours: the host's own test and ``evaluate`` both follow ``cross_view_gallery``."""
    weights = checkpoint_file("auto", prepare(trained.files[method], "embed"), "evaluator_cfg.restore_hint")
    changes = {"evaluator_cfg__eval_func": EVALUATORS["OUMVLP"], "evaluator_cfg__restore_hint": str(weights)}
    (tmp_path / "all").mkdir()
    one = variant(trained.files[method], tmp_path, data_cfg=small, **changes)
    other = variant(one, tmp_path / "all", evaluator_cfg__cross_view_gallery=True)
    single, cross = ([row for row in evaluate(file, quiet=True) if row["occluded_side"] == side] for file in (one, other))
    found = scores(other)
    assert set(found) == {"NM-Rank@1", "NM-mAP"}
    for ours, theirs in (("rank1", "NM-Rank@1"), ("mAP", "NM-mAP")):
        assert cross[0][ours] == pytest.approx(found[theirs], abs=0.0051)
    assert [rows[0]["protocol_name"] for rows in (single, cross)] == ["oumvlp", "oumvlp cross-view gallery"]
    assert [text.split(":")[0] for text in list_differences(cross[0], single[0])] == ["protocol", "content of the protocol"]
    assert cross[0]["mAP"] != single[0]["mAP"] and cross[0]["hp_rank1"] is not None


def test_the_key_of_a_gallery_of_all_views_is_never_ignored(trained, tmp_path):
    """Where the data set has no such protocol; a model of ours stops at a key that its evaluation does not know already before."""
    file = variant(trained.files[TEACHER], tmp_path, evaluator_cfg__cross_view_gallery=True)
    says = "cross_view_gallery = true: CASIA-B, OUMVLP have.*'walkers' has none.*set the key to false.*--split"
    with pytest.raises(ConfigError, match=says):
        evaluate(file, quiet=True)
    with pytest.raises(ConfigError, match="cross_view_gallery = 'yes'; expected true or false"):
        evaluate(variant(file, tmp_path, evaluator_cfg__cross_view_gallery="yes"), quiet=True)
    with pytest.raises(ConfigError, match="evaluator_cfg.cross_view_gallery: unknown key"):
        evaluate(variant(trained.files["MimicGait"], tmp_path, evaluator_cfg__cross_view_gallery=True), quiet=True)


@pytest.mark.parametrize("small", ["OUMVLP"], indirect=True)
def test_a_test_that_hides_the_other_protocols_probes_is_refused(config, tmp_path):
    block = {"kinds": {"top": 1.0}, "hidden": [0.4, 0.6], "occluded_side": "probe", "seed": 0}
    file = variant(config, tmp_path, evaluator_cfg__occlusion=block, evaluator_cfg__cross_view_gallery=True)
    with pytest.raises(ConfigError, match="cross_view_gallery = true with evaluator_cfg.occlusion.occluded_side = 'probe'"):
        prepare(file, "test")
    assert prepare(file, "embed")


def test_a_test_that_hides_probes_hides_every_subsets_and_no_others(config, tmp_path):
    """The draws a model makes as it goes, ``occluded_side: probe``; in CCPG a probe of one subset is gallery of another."""
    block = {"kinds": {"top": 1.0}, "hidden": [0.4, 0.6], "occluded_side": "probe", "seed": 0}
    cfgs = prepare(variant(config, tmp_path, evaluator_cfg__occlusion=block), "embed")
    start_log(cfgs, False, False, True)
    model = build(cfgs, training=False, occludable=True)
    data, dataset = model.test_loader.dataset, cfgs["data_cfg"]["test_dataset_name"]
    parts = split(dataset, data.label_list, data.types_list, data.views_list, partition_of(cfgs))
    codes = [data.label_set.index(label) for label in data.label_list]
    drawn = [model.test_draw(*clip)[1].kind for clip in zip(codes, data.types_list, data.views_list)]
    probe = np.any([probe for probe, _ in parts.subsets.values()], axis=0)
    assert drawn == np.where(probe, "top", "none").tolist() and 0 < probe.sum() < len(probe)


@pytest.mark.parametrize("small", ["Gait3D"], indirect=True)
def test_gait3d_probes_are_those_of_the_partition_the_yaml_names(config, small, tmp_path, monkeypatch):
    """Another list gives other scores, and a list at OpenGait's fixed place, ``datasets/Gait3D/Gait3D.json``, none."""
    partition = json.loads(Path(small["dataset_partition"]).read_text())
    other = {**partition, "PROBE_SET": [f"{label}-camid{i}_videoid2-seq0" for label in partition["TEST_SET"] for i in (1, 2, 3)]}
    (tmp_path / "other.json").write_text(json.dumps(other))
    (tmp_path / "datasets" / "Gait3D").mkdir(parents=True)
    fixed = {**partition, "PROBE_SET": [f"{label}-camid1_videoid1-seq0" for label in partition["TEST_SET"]]}
    (tmp_path / "datasets" / "Gait3D" / "Gait3D.json").write_text(json.dumps(fixed))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").mkdir()
    second = variant(config, tmp_path / "b", data_cfg__dataset_partition=str(tmp_path / "other.json"))
    found = [scores(config), scores(second)]
    for file, theirs, probes in zip((config, second), found, (8, 12)):
        whole = evaluate(file, quiet=True)[0]
        assert whole["probes"] == probes
        assert (whole["mAP"], whole["mINP"]) == (pytest.approx(theirs["mAP"], abs=1e-4), pytest.approx(theirs["mINP"], abs=1e-4))
    assert found[0]["mAP"] != found[1]["mAP"]


@pytest.mark.parametrize("small", ["Gait3D"], indirect=True)
def test_gait3d_is_tested_between_two_training_steps(config, tmp_path, monkeypatch):
    """The host calls its test by name there."""
    import evaluation.evaluator as evaluator

    seen, judge = [], evaluator.cuda_dist
    monkeypatch.setattr(evaluator, "cuda_dist", lambda x, y, *metric: seen.append((len(x), len(y))) or judge(x, y, *metric))
    engine = {"with_test": True, "restore_hint": 0, "total_iter": 2, "save_iter": 2, "save_name": "between"}
    launch(variant(config, tmp_path, **{f"trainer_cfg__{key}": value for key, value in engine.items()}), "train", quiet=True)
    assert seen == [(8, 24)]


@pytest.mark.parametrize("small", ["Gait3D"], indirect=True)
def test_gait3d_needs_a_list_of_probes_before_anything_is_built(config, small, tmp_path):
    partition = json.loads(Path(small["dataset_partition"]).read_text())
    del partition["PROBE_SET"]
    (tmp_path / "none.json").write_text(json.dumps(partition))
    file = variant(config, tmp_path, data_cfg__dataset_partition=str(tmp_path / "none.json"))
    for phase, changed in (("test", file), ("train", variant(file, tmp_path, trainer_cfg__with_test=True))):
        with pytest.raises(ConfigError, match="evaluate_Gait3D needs the list PROBE_SET.*none.json"):
            prepare(changed, phase)
    assert prepare(variant(file, tmp_path, trainer_cfg__with_test=False), "train")


def test_the_partition_of_a_shipped_gait3d_configuration(host, tmp_path, monkeypatch):
    """That of the checkout; without one, the user's own in the working folder; without that, its name is given."""

    def partition():
        return prepare(tmp_path / "run.yaml", "embed")["data_cfg"]["dataset_partition"]

    def put(label):
        (tmp_path / "data" / label / "camid1_videoid1" / "seq0").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / label / "camid1_videoid1" / "seq0" / "seq0.pkl").touch()

    cfgs = yaml.safe_load((CONFIGS / "mimicgait/mimicgait_gaitbase_gait3d.yaml").read_text())
    cfgs["data_cfg"]["dataset_root"] = str(tmp_path / "data")
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(cfgs))
    monkeypatch.chdir(tmp_path)
    put("1")
    if host.name == "embedded":
        with pytest.raises(HostError, match=r"run\.yaml: data_cfg\.dataset_partition: \./datasets/Gait3D/Gait3D\.json not found; tried"):
            partition()
    else:
        theirs = host.root / "datasets/Gait3D/Gait3D.json"
        put(json.loads(theirs.read_text())["TEST_SET"][0])
        assert partition() == str(theirs)
    own = tmp_path / "datasets" / "Gait3D" / "Gait3D.json"
    own.parent.mkdir(parents=True)
    own.write_text(json.dumps({"TRAIN_SET": [], "TEST_SET": ["1"], "PROBE_SET": ["1-camid1_videoid1-seq0"]}))
    assert partition() == str(own)
