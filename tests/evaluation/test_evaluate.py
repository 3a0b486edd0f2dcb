"""Rows of an occluded evaluation, as the command writes them."""

from __future__ import annotations

import json

import pytest
import yaml

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.cli import main
from opengait_mimic.evaluation.evaluate import evaluate, measure
from opengait_mimic.evaluation.result_rows import CURVES, drop_curves
from tests.variants import variant

TEACHER = "GaitBase (teacher)"
KEYS = {
    "method", "backbone", "dataset", "protocol_name", "metric", "data", "occluded_side", "gallery_embedder", "cell", "condition", "kinds",
    "hidden", "seed", "seeds", "mAP", "mINP", "holistic_rank1", "retention_rank1", "trained_kinds", "seen", "post", "transductive",
    "probes", "probes_without_mate", "mates_only", "protocol_hash", "pairs", "backbone_cfg", "hidden_by", "hp_network",
    *(f"{name}{k}" for name in ("rank", "hp_rank", "rp_rank") for k in (1, 5, 10, 20)),
    *(f"{name}{k}_interval" for name in ("rank", "rp_rank") for k in (1, 5, 10, 20)),
}  # fmt: skip


@pytest.fixture(scope="module")
def results(command, trained, tmp_path_factory):
    """The file the command writes for every stage that ranks people."""
    folder, found = tmp_path_factory.mktemp("results"), {}
    for stage in (TEACHER, "Baseline-2", "MimicGait"):
        found[stage] = folder / "deep" / f"{stage.split()[0]}.json"
        assert command(trained.files[stage], "--json", found[stage]) == 0
    return found


def rows(file):
    return json.loads(file.read_text())["rows"]


def test_rows_have_exactly_the_agreed_keys(results):
    for file in results.values():
        for r in rows(file):
            assert set(r) - {"rp_reason", "rp_interval_reason"} == KEYS | (set(CURVES) - {"verification_reason"})
            assert ("rp_reason" in r) == (r["rp_rank1"] is None)
            assert ("rp_interval_reason" in r) == (r["rp_rank1"] is not None and r["rp_rank1_interval"] is None)
            for key in ("rank1", "rank5", "holistic_rank1"):
                assert 0 <= r[key] <= 100
            assert r["rank1"] <= r["rank5"] <= r["rank10"] <= r["rank20"] <= 100
            assert 0 <= r["probes_without_mate"] <= r["probes"] and r["probes"] > 0


def test_rows_say_whose_they_are(results):
    for stage, method in ((TEACHER, "Baseline-1"), ("Baseline-2", "Baseline-2"), ("MimicGait", "MimicGait")):
        found = rows(results[stage])
        assert {(r["method"], r["backbone"], r["dataset"]) for r in found} == {(method, "GaitBase", "walkers")}
        cells = [(r["occluded_side"], r["gallery_embedder"]) for r in found]
        assert cells == [("holistic", "own"), ("probe", "own"), ("both", "own")] + [("probe", "teacher")] * (stage == "MimicGait")
        for r in found[1:]:
            assert (r["kinds"], r["hidden"]) == ({"top": 0.5, "bottom": 0.5}, [0.4, 0.6])
        assert found[0]["kinds"] is None and found[0]["hidden"] is None


def test_hp_is_baseline_1_on_whole_bodies_in_every_row(results):
    """The teacher's whole-body score, never the method's own."""
    hp = rows(results[TEACHER])[0]["rank1"]
    for stage in results:
        for r in rows(results[stage]):
            assert r["hp_rank1"] == hp
            assert r["holistic_rank1"] == rows(results[stage])[0]["rank1"]
            if hp:
                assert r["rp_rank1"] == pytest.approx(r["rank1"] / hp)


def test_the_whole_body_row_is_what_a_plain_test_prints(trained, results, tmp_path):
    """By another way: the host's own test phase, with nothing hidden."""
    from opengait_mimic.training.launch import launch

    result = launch(trained.files[TEACHER], "test", quiet=True)
    assert result["scalar/test_accuracy/Rank-1"] == pytest.approx(rows(results[TEACHER])[0]["rank1"])
    both = launch(trained.files["Baseline-2"], "test", quiet=True)  # its YAML hides probes and gallery
    assert both["scalar/test_accuracy/Rank-1"] == pytest.approx(rows(results["Baseline-2"])[2]["rank1"])


@pytest.mark.parametrize(("side", "seed"), [("probe", 0), ("holistic", 0), ("both", 9)])
def test_all_cells_are_scored_whatever_the_yaml_hides(trained, results, tmp_path, side, seed):
    """Its seed changes the occluded rows alone."""
    drawn = {"kinds": {"top": 0.5, "bottom": 0.5}, "hidden": [0.4, 0.6], "occluded_side": side, "seed": seed}
    found = evaluate(variant(trained.files["Baseline-2"], tmp_path, evaluator_cfg__occlusion=drawn), quiet=True)
    earlier = [drop_curves(r) for r in rows(results["Baseline-2"])]
    assert (json.loads(json.dumps(found)) == earlier) == (seed == 0)
    assert {r["seed"] for r in found} == {seed} and found[0]["rank1"] == earlier[0]["rank1"]


# ---------------------------------------------------------------- HP from elsewhere, or from nowhere


def without_teacher(trained, folder, stage="MimicGait"):
    """The stage's YAML with a backbone whose training was never done, and the stage's own weights by their path."""
    teacher = variant(trained.files[TEACHER], folder, evaluator_cfg__save_name="never-trained", trainer_cfg__save_name="never-trained")
    engine = trained.models[stage]
    weights = f"{engine.save_path}/checkpoints/{engine.engine_cfg['save_name']}-00003.pt"
    changes = {"model_cfg__backbone__cfgs": str(teacher), "evaluator_cfg__restore_hint": weights}
    if stage == "MimicGait":
        changes["model_cfg__teacher__cfgs"] = str(teacher)
    return variant(trained.files[stage], folder, **changes)


@pytest.mark.parametrize("stage", ["MimicGait", "Baseline-2"])
def test_without_the_teachers_weights_rp_is_null_with_a_reason(command, trained, tmp_path, capsys, stage):
    file = without_teacher(trained, tmp_path, stage)
    assert command(file, "--json", tmp_path / "out.json") == 0
    found = rows(tmp_path / "out.json")
    assert [r["occluded_side"] for r in found] == ["holistic", "probe", "both"], "nor is there a teacher's gallery"
    for r in found:
        assert r["hp_rank1"] is None and r["rp_rank1"] is None
        assert "never-trained" in r["rp_reason"] and "--reference" in r["rp_reason"]
    assert "RP -: " in capsys.readouterr().out


def test_an_inline_backbone_has_no_teacher_and_a_result(trained, results, tmp_path):
    """A test needs no teacher, and its provenance names none."""
    inline = yaml.safe_load(trained.files[TEACHER].read_text())["model_cfg"]
    file = variant(trained.files["MimicGait"], tmp_path, model_cfg__backbone=inline, model_cfg__teacher={})
    found = measure(file, quiet=True)
    assert [found.provenance[key] for key in ("teacher", "hp")] == [None, None] and found.provenance["ven"].startswith("sha256:")
    assert all("the backbone is given inline" in r["rp_reason"] and "rp_interval_reason" not in r for r in found.rows)
    kept = rows(results["MimicGait"])
    assert [r["rank1"] for r in found.rows] == [r["rank1"] for r in kept[:3]] and found.rows[0]["backbone_cfg"] == kept[0]["backbone_cfg"]


def test_reference_gives_hp(command, trained, results, tmp_path, capsys):
    held = json.loads(results[TEACHER].read_text())
    held["rows"][0]["rank1"] = 80.0
    (tmp_path / "earlier.json").write_text(json.dumps(held))
    file = without_teacher(trained, tmp_path)
    assert command(file, "--reference", tmp_path / "earlier.json", "--json", tmp_path / "out.json") == 0
    for r in rows(tmp_path / "out.json"):
        assert r["hp_rank1"] == 80.0 and r["rp_rank1"] == pytest.approx(r["rank1"] / 80) and "rp_reason" not in r
        assert r["rp_rank5_interval"] is None and "without its trials" in r["rp_interval_reason"]
    assert "RP without an interval: HP comes without its trials" in capsys.readouterr().out


def test_a_reference_of_a_whole_folder_gives_rp_its_interval(command, trained, results, tmp_path):
    """As the teacher's own pass does."""
    assert command(trained.files[TEACHER], "--out", tmp_path / "whole") == 0
    words = ("--reference", tmp_path / "whole", "--json", tmp_path / "out.json")
    assert command(without_teacher(trained, tmp_path, "Baseline-2"), *words) == 0
    found, own = rows(tmp_path / "out.json"), rows(results["Baseline-2"])
    assert found == own and found[1]["rp_rank5_interval"] is not None


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data", "sha256:0", "test data (fingerprint): sha256:"),
        ("seeds", [1, 2], "seeds: 0 here, 1, 2 there"),
        ("method", "Baseline-2", "needs a row Baseline-1 GaitBase walkers holistic; it holds Baseline-2"),
    ],
)
def test_a_reference_of_something_else_is_refused(trained, results, tmp_path, key, value, message):
    held = json.loads(results[TEACHER].read_text())
    for r in held["rows"]:
        r[key] = value
    (tmp_path / "earlier.json").write_text(json.dumps(held))
    with pytest.raises(ConfigError, match="earlier.json") as caught:
        measure(trained.files["MimicGait"], reference=tmp_path / "earlier.json", quiet=True)
    assert message in str(caught.value)


def test_provenance_states_the_training_and_no_place_of_the_data(results, tree):
    held = json.loads(results["MimicGait"].read_text())["provenance"]
    assert held["training"]["iteration"] == 3 and held["training"]["recipe"]["model_cfg"]["model"] == "MimicGait"
    assert str(tree.root) not in json.dumps(held)
    assert held["torch"] and held["numpy"] and held["python"] and held["date"].endswith("+00:00")


def test_a_reference_of_another_teacher_is_refused(command, trained, results, tmp_path):
    """Of the mimic's own teacher the checkpoint's hash stands in its provenance, as that by which the mimic knows it."""
    held = json.loads(results[TEACHER].read_text())
    made = held["provenance"]
    assert made["hp"] == made["checkpoint"] == json.loads(results["MimicGait"].read_text())["provenance"]["hp"]
    assert made["weights"] == trained.models["MimicGait"].teacher.weights
    made["weights"] = "0" * 64
    (tmp_path / "earlier.json").write_text(json.dumps(held))
    with pytest.raises(SystemExit) as caught:
        command(trained.files["MimicGait"], "--reference", tmp_path / "earlier.json")
    assert "other weights (000000000000) than the teacher that trained this MimicGait" in str(caught.value.code)
    words = ("--reference", tmp_path / "earlier.json", "--json", tmp_path / "out.json")
    assert command(trained.files["Baseline-2"], *words) == 0, "no teacher trained it"
    assert json.loads((tmp_path / "out.json").read_text())["provenance"]["hp"] == made["checkpoint"]


# ---------------------------------------------------------------- refusals


def test_the_older_name_of_the_split_option_is_refused(trained, capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "--cfgs", str(trained.files[TEACHER]), "--protocol", "corridor.json"])
    assert "--protocol was renamed; use --split" in capsys.readouterr().err


def test_what_cannot_be_ranked_is_refused(trained, tmp_path):
    with pytest.raises(ConfigError, match="it has no embedding to rank"):
        measure(trained.files["VEN"], quiet=True)
    with pytest.raises(ConfigError, match="Nowhere.*walkers"):
        measure(variant(trained.files[TEACHER], tmp_path, data_cfg__test_dataset_name="Nowhere"), quiet=True)


def test_places_are_tried_before_the_passes(command, trained, tmp_path):
    (tmp_path / "file").write_text("")
    for option in ("--out", "--json", "--save-manifest"):
        with pytest.raises(SystemExit) as caught:
            command("nowhere.yaml", option, tmp_path / "file" / "x")
        assert f"{option}: cannot write" in str(caught.value.code), "even before the configuration is read"


@pytest.mark.slow
def test_rows_say_which_departures_were_on(command, trained, results, tmp_path, capsys):
    file = variant(trained.files["MimicGait"], tmp_path, model_cfg__reference_compat={"rank": "bare"})
    assert command(file, "--json", tmp_path / "out.json") == 0
    assert {str(r["reference_compat"]) for r in rows(tmp_path / "out.json")} == {"{'model_cfg.reference_compat.rank': 'bare'}"}
    assert "MimicGait* departs from the paper as the public code does" in capsys.readouterr().out
    assert not any("reference_compat" in r for r in rows(results["MimicGait"]))
