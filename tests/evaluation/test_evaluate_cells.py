"""Presets, seeds, manifests, protocols and pairs of the command, on a pipeline of three steps."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import yaml

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.base.files import sha256
from opengait_mimic.evaluation.embeddings import embed as passes_run
from opengait_mimic.evaluation.evaluate import Request, evaluate, measure
from tests.variants import variant

TEACHER = "GaitBase (teacher)"


@pytest.fixture(scope="module")
def table1(command, trained, tmp_path_factory):
    """The result folder of the mimic on the paper's Table 1 over two seeds, and the draws it wrote down."""
    folder = tmp_path_factory.mktemp("table1")
    words = ("--preset", "paper-table1", "--seeds", "0-1", "--out", folder / "out", "--save-manifest", folder / "draws.json")
    assert command(trained.files["MimicGait"], *words) == 0
    return folder / "out"


def result(folder):
    return json.loads((folder / "results.json").read_text())


@pytest.fixture
def built(monkeypatch):
    """How often a network is built for a pass."""
    calls, build = [], passes_run.build
    monkeypatch.setattr(passes_run, "build", lambda *words, **named: calls.append(words) or build(*words, **named))
    return calls


def test_a_preset_over_seeds(table1, trained):
    held = result(table1)
    cells = [(r["occluded_side"], r["gallery_embedder"], r["condition"], r["seed"]) for r in held["rows"]]
    name = "top+bottom 40-60 %"
    hidden = [(side, who, name, seed) for side, who in (("probe", "own"), ("both", "own"), ("probe", "teacher")) for seed in (0, 1)]
    assert cells == [("holistic", "own", None, 0), *hidden]
    assert [line["seeds"] for line in held["summary"]] == [[0], [0, 1], [0, 1], [0, 1]]
    assert {r["seen"] for r in held["rows"]} == {None, True} and held["rows"][1]["trained_kinds"] == ["none", "bottom", "top"]
    made = held["provenance"]
    assert (made["preset"], made["seeds"], made["left_out"], made["manifest"]) == ("paper-table1", [0, 1], [], None)
    assert made["ven_kinds"] == ["none", "bottom", "top"]
    assert made["occlusion"][name]["seed"] == 0 and all(made[key].startswith("sha256:") for key in ("checkpoint", "teacher", "ven", "data"))


def test_the_first_seed_is_what_evaluate_says(table1, trained):
    """Its cells are those of the preset."""
    plain = {(r["occluded_side"], r["gallery_embedder"]): r for r in evaluate(trained.files["MimicGait"], quiet=True)}
    for r in result(table1)["rows"]:
        if r["seed"] == 0:
            own = plain[r["occluded_side"], r["gallery_embedder"]]
            assert {key: r[key] for key in own if key != "seeds"} == {key: own[key] for key in own if key != "seeds"}


def test_what_the_folder_holds(table1, tree):
    with np.load(table1 / "trials.npz", allow_pickle=False) as kept:
        n = len(kept["labels"])
        assert set(kept["labels"]) == set(map(str, tree.test)) and {"6/rank", "|0/ven_kind", "top+bottom 40-60 %|1/ven_hidden"} <= set(kept)
        rank1 = 100 * np.mean(kept["1/rank"] == 1)
        assert rank1 == pytest.approx(result(table1)["rows"][1]["rank1"]) and kept["top+bottom 40-60 %|0/kind"].shape == (n,)
    with np.load(table1 / "pictures.npz", allow_pickle=False) as kept:
        assert kept["sheet/top+bottom 40-60 %"].shape == (8, 4, 64, 44) and kept["sheet/top+bottom 40-60 %/text"].shape == (8,)
        assert {"retrieval/0/best", "retrieval/1/worst", "retrieval/3/best", "retrieval/5/worst/text"} <= set(kept)
        assert kept["retrieval/5/best"].shape[1:] == (3, 4, 64, 44)
        shown = kept["retrieval/5/best/text"][0]
        assert "nm-01" in shown[1] and "nm-01" not in shown[0] and "at place" in shown[2]


@pytest.mark.slow
def test_passes_that_are_kept_are_not_run_again(table1, command, trained, built):
    """Neither the method's nor the teacher's, whose whole bodies serve every method."""
    assert command(trained.files["MimicGait"], "--preset", "paper-table1", "--seeds", "1,0") == 0
    assert built == []
    evaluate(trained.files["MimicGait"], quiet=True)
    assert built == [], "the YAML's own condition is the preset's"
    evaluate(variant(trained.files["Baseline-2"], table1, evaluator_cfg__occlusion__seed=77), quiet=True)
    assert len(built) == 1, "Baseline-2's own; the teacher's was there"
    measure(trained.files["MimicGait"], quiet=True, request=Request(cache=False))
    assert len(built) == 3


@pytest.mark.slow
def test_a_manifest_in_the_place_of_drawing_hides_the_same(table1, command, trained, tmp_path):
    words = ("--preset", "paper-table1", "--seeds", "0-1", "--out", tmp_path / "again", "--manifest", table1.parent / "draws.json")
    assert command(trained.files["MimicGait"], *words, "--no-cache") == 0
    again, first = result(tmp_path / "again"), result(table1)
    for key in ("rows", "summary"):
        assert [{**each, "hidden_by": 0} for each in again[key]] == [{**each, "hidden_by": 0} for each in first[key]]
    assert all(a["hidden_by"] != b["hidden_by"] for a, b in zip(again["rows"], first["rows"]) if b["condition"])
    assert again["provenance"]["manifest"] == first["provenance"]["saved_manifest"] == sha256(table1.parent / "draws.json")
    assert (first["provenance"]["manifest"], again["provenance"]["saved_manifest"]) == (None, None)
    with np.load(tmp_path / "again" / "pictures.npz") as a, np.load(table1 / "pictures.npz") as b:
        assert all(np.array_equal(a[name], b[name]) for name in b)


def test_a_manifest_is_looked_for_where_a_configuration_is(table1, trained, tmp_path, monkeypatch):
    """And that file is hashed, whatever lies in the working folder."""
    file = variant(trained.files[TEACHER], tmp_path)
    shutil.copy(table1.parent / "draws.json", tmp_path / "draws.json")
    monkeypatch.chdir(table1)
    found = measure(file, quiet=True, request=Request(manifest="draws.json", save_manifest=str(tmp_path / "new.json")))
    made = found.provenance
    assert (made["manifest"], made["saved_manifest"]) == (sha256(tmp_path / "draws.json"), sha256(tmp_path / "new.json"))


@pytest.mark.slow
def test_what_differs_from_the_manifest_is_warned_of(table1, trained, tmp_path, monkeypatch):
    from utils import get_msg_mgr

    content = json.loads((table1.parent / "draws.json").read_text())
    warnings = []
    monkeypatch.setattr(get_msg_mgr(), "log_warning", warnings.append)
    for changes in ({}, {"binarise": None, "data": "sha256:0"}):
        file = tmp_path / "draws.json"
        file.write_text(json.dumps({**content, **changes}))
        rows = measure(trained.files["MimicGait"], quiet=True, request=Request("paper-table1", [0], manifest=str(file))).rows
        warned = [text for text in warnings if str(file) in text]
        assert rows[1]["rank1"] == result(table1)["rows"][1]["rank1"] and len(warned) == len(changes)
    assert "data: made on other test data of walkers" in warned[0] and "binarise: null there, 0.5 here" in warned[1]


def test_a_manifest_without_the_condition_is_refused(table1, command, trained):
    with pytest.raises(SystemExit) as caught:
        command(trained.files["MimicGait"], "--preset", "severity", "--manifest", table1.parent / "draws.json")
    assert "draws.json" in str(caught.value.code) and "top+bottom 40-60 %" in str(caught.value.code)


def test_cells_of_ones_own_with_a_gallery_by_the_teacher(command, trained, tmp_path):
    """Recomputed with a loop from the passes: probes by the mimic, gallery by the teacher, whole or hidden."""
    from opengait_mimic.evaluation.embeddings import embed_all
    from opengait_mimic.evaluation.rp_reference import reference_cfgs
    from opengait_mimic.models.prepare import prepare
    from opengait_mimic.training.launch import start_log

    cells = [{"occluded_side": ["probe", "both"], "kinds": "middle", "hidden": [0.2, 0.4], "gallery_embedder": "teacher"}]
    (tmp_path / "cells.yaml").write_text(yaml.safe_dump({"cells": cells}))
    assert command(trained.files["MimicGait"], "--cells", tmp_path / "cells.yaml", "--json", tmp_path / "out.json") == 0
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["provenance"]["preset"] == "cells.yaml"
    cfgs = prepare(trained.files["MimicGait"], "embed")
    start_log(cfgs, False, False, quiet=True)
    for row in found["rows"]:
        assert row["seen"] is False and row["retention_rank1"] is not None
        block = found["provenance"]["occlusion"][row["condition"]]
        own = embed_all(cfgs, [block])[0]
        theirs = embed_all(reference_cfgs(cfgs)[0], [block if row["occluded_side"] == "both" else None])[0]
        gallery = [i for i, t in enumerate(own.types) if t == "nm-01"]
        hits = []
        for i in (i for i, t in enumerate(own.types) if t != "nm-01"):
            nearest = min(gallery, key=lambda j: np.linalg.norm(own.embeddings[i] - theirs.embeddings[j], axis=0).mean())  # noqa: B023
            hits.append(own.labels[nearest] == own.labels[i])
        assert row["rank1"] == pytest.approx(100 * np.mean(hits))


def test_who_has_no_teacher_leaves_its_cells_out(command, trained, tmp_path):
    assert command(trained.files["Baseline-2"], "--preset", "paper-table1", "--json", tmp_path / "out.json") == 0
    found = json.loads((tmp_path / "out.json").read_text())
    assert [r["gallery_embedder"] for r in found["rows"]] == ["own"] * 3
    assert found["provenance"]["left_out"] == ["probe, top+bottom 40-60 %, gallery by the teacher"]
    (tmp_path / "cells.yaml").write_text(yaml.safe_dump({"cells": [{"occluded_side": "probe", "gallery_embedder": "teacher"}]}))
    with pytest.raises(SystemExit) as caught:
        command(trained.files["Baseline-2"], "--cells", tmp_path / "cells.yaml")
    assert "no teacher trained a Baseline-2" in str(caught.value.code)


def names(tree):
    return ["/".join(file.parts[-4:-1]) for file in sorted(tree.root.rglob("*.pkl")) if file.parts[-4] in map(str, tree.test)]


def written(place, content):
    place.write_text(json.dumps(content))
    return place


def test_a_protocol_by_names_is_the_data_sets_own(command, trained, tree, tmp_path):
    """The walkers' rule, written out."""
    every = names(tree)
    probe = [name for name in every if "/nm-01/" not in name]
    listed = {"format": "opengait-mimic protocol", "format_version": 1, "name": "corridor"}
    listed["subsets"] = {"all": {"probe": probe, "gallery": "rest"}}
    file = written(tmp_path / "protocol.json", listed)
    assert command(trained.files[TEACHER], "--json", tmp_path / "own.json") == 0
    assert command(trained.files[TEACHER], "--json", tmp_path / "listed.json", "--split", file) == 0
    own, found = (json.loads((tmp_path / name).read_text())["rows"] for name in ("own.json", "listed.json"))
    assert {r["protocol_name"] for r in found} == {"corridor"}
    facts = {key: own[0][key] for key in ("protocol_name", "protocol_hash")}
    assert [{**r, **facts} for r in found] == own
    with pytest.raises(SystemExit) as caught:
        command(trained.files[TEACHER], "--reference", tmp_path / "own.json", "--split", file)
    assert "protocol: corridor here, walkers there" in str(caught.value.code)


def test_a_protocol_that_cannot_be_scored_is_refused_before_anything_is_embedded(trained, tree, tmp_path, built):
    """A sequence that is not there; no probe with a mate."""
    first, every = f"{tree.test[0]}/", names(tree)
    apart = {"probe": [n for n in every if n.startswith(first)], "gallery": [n for n in every if not n.startswith(first)]}
    absent = {"probe": ["absent/nm-02/090"], "gallery": "rest"}
    for sides, message in ((absent, "absent/nm-02/090"), (apart, "no probe of 'all' has a mate")):
        listed = {"format": "opengait-mimic protocol", "format_version": 1, "name": "corridor", "subsets": {"all": sides}}
        file = written(tmp_path / "protocol.json", listed)
        with pytest.raises(ConfigError, match=message):
            measure(trained.files[TEACHER], quiet=True, request=Request(split=str(file)))
    assert built == []


def test_pairs_are_the_trials_of_verification(command, trained, tree, tmp_path):
    """Every probe against the gallery, written out, is what is verified without a list; Rank-k is not touched."""
    every = names(tree)
    gallery, probes = ([name for name in every if ("/nm-01/" in name) == wanted] for wanted in (True, False))
    listed = {"format": "opengait-mimic pairs", "format_version": 1, "pairs": [[p, g] for p in probes for g in gallery]}
    file = written(tmp_path / "pairs.json", listed)
    assert command(trained.files[TEACHER], "--json", tmp_path / "all.json") == 0
    assert command(trained.files[TEACHER], "--json", tmp_path / "pairs-out.json", "--pairs", file) == 0
    whole, found = (json.loads((tmp_path / name).read_text())["rows"] for name in ("all.json", "pairs-out.json"))
    for a, b in zip(whole, found):
        assert all(b["verification"][kind] == a["verification"][kind] for kind in ("genuine", "impostor"))
        one = 100 / b["verification"]["impostor"] + 1e-6  # without a list impostors stand at the lower end of their rounding
        assert b["verification"]["eer"] == pytest.approx(a["verification"]["eer"], abs=one) and b["rank1"] == a["rank1"]
    one_sided = {**listed, "pairs": [pair for pair in listed["pairs"] if pair[0].split("/")[0] != pair[1].split("/")[0]]}
    with pytest.raises(SystemExit) as caught:
        command(trained.files[TEACHER], "--pairs", written(tmp_path / "none.json", one_sided))
    assert "none of the" in str(caught.value.code) and "genuine" in str(caught.value.code)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--seeds", "3-1"), "--seeds 3-1"),
        (("--cells", "nowhere.yaml"), "nowhere.yaml: neither a preset"),
        (("--manifest", "nowhere.json"), "--manifest: nowhere.json not found"),
        (("--pairs", "nowhere.json"), "--pairs: nowhere.json not found"),
        (("--split", "nowhere.json"), "--split: nowhere.json not found"),
        (("--reference", "nowhere.json"), "--reference: nowhere.json not found"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_embedded(command, trained, built, words, message):
    with pytest.raises(SystemExit) as caught:
        command(trained.files[TEACHER], *words)
    assert message in str(caught.value.code) and built == []
