"""What the report reads and refuses, what it keeps apart, and its CSV, JSON and LaTeX."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess

import numpy as np
import pytest

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.evaluation.report import write_report
from opengait_mimic.evaluation.report.loaded_results import read_result
from opengait_mimic.evaluation.report.method_cells import BOUNDED, SCORES
from opengait_mimic.evaluation.report.method_groups import explain_group, group_results
from opengait_mimic.metrics.protocols.mateless_probes import COUNTS
from tests.evaluation.report_results import SEVERITY, TABLE1, write

PLAIN = {"with_ven": False, "pictures": False}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    return [write(root / m, m, "GaitBase", "walkers", f, seeds=(0, 1), **PLAIN) for m, f in (("Baseline-1", 3.4), ("MimicGait", 2))]


def changed(folder, target, **changes):
    """A copy of a result with keys of all its rows and lines, or of its provenance, changed."""
    shutil.copytree(folder, target)
    content = json.loads((folder / "results.json").read_text())
    for key, value in changes.items():
        if key == "provenance":
            content["provenance"].update(value)
        else:
            content["rows"] = [{**row, key: value} for row in content["rows"]]
            for line in content["summary"]:
                line[key] = {"mean": value, "sd": None} if isinstance(line.get(key), dict) and "mean" in line[key] else value
    (target / "results.json").write_text(json.dumps(content))
    return target


@pytest.mark.parametrize(
    "changes, difference",
    [
        ({"dataset": "GREW"}, "data set (walkers there, GREW here)"),
        ({"protocol_name": "other"}, "protocol (walkers there, other here)"),
        ({"data": "sha256:other"}, "test data (sha256:12 there"),
        ({"seeds": [0]}, "occlusion seeds (0, 1 there, 0 here)"),
        ({"metric": "cos"}, "distance (euc there, cos here)"),
        ({"protocol_hash": "sha256:other"}, "content of the protocol (sha256:56 there, sha256:other here)"),
        ({"pairs": "sha256:other"}, "pairs of verification (all there, sha256:other here)"),
        ({"hp_rank1": 12.5}, "HP of GaitBase"),
    ],
)
def test_results_that_are_not_comparable_are_kept_apart(results, tmp_path, changes, difference):
    other = changed(results[1], tmp_path / "other", **changes)
    found = group_results(map(read_result, [*results, other]))
    assert [len(group.results) for group in found] == [2, 1]
    assert difference in explain_group(found, 1) and explain_group(found, 0) == ""
    write_report([*results, other], tmp_path / "p.html")
    text = (tmp_path / "p.html").read_text()
    assert "there are 2 groups" in text and difference in text


def test_one_name_for_two_things_is_kept_apart(results, tmp_path):
    other = changed(results[1], tmp_path / "draws", hidden_by="sha256:2")
    found = group_results(map(read_result, [*results, other]))
    assert [len(group.results) for group in found] == [2, 1]
    assert "draws of top+bottom 40-60 % (sha256:top+bottom 4 there, sha256:2 here)" in explain_group(found, 1)
    other = changed(results[1], tmp_path / "network", backbone_cfg="sha256:2")
    found = group_results(map(read_result, [*results, other]))
    assert "model_cfg of GaitBase (sha256:78 there, sha256:2 here)" in explain_group(found, 1)


def test_presets_of_one_checkpoint_are_one_method(results, tmp_path):
    more = write(tmp_path / "severity", "MimicGait", "GaitBase", "walkers", 2, cells=SEVERITY, seeds=(0, 1), **PLAIN)
    (group,) = group_results(map(read_result, [*results, more]))
    assert group.names == ["Baseline-1, GaitBase", "MimicGait, GaitBase"]
    assert len(group.places) == len(TABLE1) + len(SEVERITY) - 2  # whole bodies and one condition are in both
    assert all(len(group.at(place)) <= 2 for place in group.places)


def test_two_checkpoints_of_one_method_keep_two_names(results, tmp_path):
    other = changed(results[1], tmp_path / "other", provenance={"checkpoint": "f" * 64, "cfgs": "adapted.yaml"})
    (group,) = group_results(map(read_result, [results[1], other]))
    assert group.names == ["MimicGait (mimicgait_gaitbase), GaitBase", "MimicGait (adapted), GaitBase"]


def test_one_checkpoint_with_two_scores_is_not_merged(results, tmp_path):
    other = changed(results[1], tmp_path / "other", rank1=1.25)
    (group,) = group_results(map(read_result, [results[1], other]))
    assert group.names == ["MimicGait (mimicgait_gaitbase), GaitBase", "MimicGait (mimicgait_gaitbase, 2), GaitBase"]


def test_a_transductive_result_is_marked(results, tmp_path):
    other = changed(results[1], tmp_path / "other", transductive="re-ranking", post="re-ranking")
    (group,) = group_results(map(read_result, [results[0], other]))
    assert group.names[1] == "MimicGait + re-ranking (transductive), GaitBase"
    write_report([other], tmp_path / "p.html", latex=tmp_path / "t.tex")
    assert "Transductive rows" in (tmp_path / "p.html").read_text() and "(transductive)" in (tmp_path / "t.tex").read_text()


def test_json_and_csv_hold_the_rows_numbers(results, tmp_path):
    write_report(results, tmp_path / "p.html", csv=tmp_path / "r.csv", json=tmp_path / "r.json")
    content = json.loads((tmp_path / "r.json").read_text())
    rows = [row for folder in results for row in json.loads((folder / "results.json").read_text())["rows"]]
    assert len(content["records"]) == 2 * len(TABLE1)
    for record in content["records"]:
        same = ("method", "occluded_side", "gallery_embedder", "condition")
        mine = [row for row in rows if all(row[key] == record[key] for key in same)]
        assert len(mine) == (1 if record["occluded_side"] == "holistic" else 2)
        for key in ("rank1", "rank5", "mAP", "rp_rank1", "rp_rank5", "retention_rank1", "hp_rank1"):
            assert record[key] == pytest.approx(np.mean([row[key] for row in mine]), abs=1e-12)
            assert record[f"{key}_sd"] == (pytest.approx(np.std([row[key] for row in mine], ddof=1)) if len(mine) > 1 else None)
        if len(mine) == 1:
            assert [record["rp_rank1_low"], record["rp_rank1_high"]] == mine[0]["rp_rank1_interval"]
        assert record["tar_at_far_0.01"] == pytest.approx(np.mean([row["verification"]["tar"]["0.01"] for row in mine]))
    curves = content["groups"][0]["curves"]
    assert curves[1][1]["cmc"] == rows[2]["cmc"] and len(curves) == len(content["records"])
    assert content["groups"][0]["provenance"][1]["method"] == "MimicGait"

    with open(tmp_path / "r.csv", newline="") as stream:
        lines = list(csv.DictReader(stream))

    def back(key, text):
        if text == "":
            return None
        if key in ("seen",):
            return text == "true"
        numbers = (*SCORES, *(f"{score}_sd" for score in SCORES), *(f"{score}_{end}" for score in BOUNDED for end in ("low", "high")))
        return float(text) if key in numbers else int(text) if key in ("group", *COUNTS) else text

    assert [{key: back(key, text) for key, text in line.items()} for line in lines] == content["records"]


NAMES = ("100% a_b #1 $x$ {y} ^~ [2] & \\z", "Ünïcode Straße", "MimicGait (mimicgait_gaitbase_da_gait3d)")


def typeset(folder):
    """What pdfLaTeX says of a page with ``tables.tex``."""
    head = "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs}\\begin{document}"
    (folder / "main.tex").write_text(head + "\\input{tables}\\end{document}\n")
    command = ["pdflatex", "-draftmode", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


def test_latex_compiles(results, tmp_path):
    if not shutil.which("pdflatex"):
        pytest.skip("needs pdflatex (Debian: texlive-latex-recommended)")
    others = [changed(results[1], tmp_path / str(i), method=name) for i, name in enumerate(NAMES)]
    write_report([*results, *others], tmp_path / "p.html", latex=tmp_path / "tables.tex")
    assert "Overfull" not in typeset(tmp_path)


def test_latex_holds_the_numbers(results, tmp_path):
    write_report(results, tmp_path / "p.html", latex=tmp_path / "t.tex")
    text = (tmp_path / "t.tex").read_text()
    ranks = [row["rank1"] for row in read_result(results[1]).rows if row["occluded_side"] == "both"]
    assert "walkers, GaitBase, protocol" in text and f"\nMimicGait & {np.mean(ranks):.1f}$_{{\\pm{np.std(ranks, ddof=1):.1f}}}$ &" in text
    assert text.count("\\toprule") == text.count("\\begin{table}") == 1 and text.count("\\midrule") == len(TABLE1)


def test_arrays_are_never_unpickled(results, tmp_path):
    folder = changed(results[0], tmp_path / "r")
    np.savez(folder / "trials.npz", **{"x|0/kind": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(ConfigError, match="trials.npz: not the arrays of a result"):
        read_result(folder)


def test_a_result_given_twice_is_refused(results, tmp_path):
    with pytest.raises(ConfigError, match="given twice"):
        write_report([results[0], results[0] / "results.json"], tmp_path / "p.html")
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(ConfigError, match="opengait-mimic result"):
        write_report([tmp_path], tmp_path / "p.html")
    assert not (tmp_path / "p.html").exists()


def test_what_verification_cannot_measure_is_no_number(results, tmp_path):
    content = json.loads((results[1] / "results.json").read_text())
    known = content["rows"][1]["verification"]
    reason = {"0.001": "500 impostor pairs are too few for a FAR of 0.001"}
    coarse = {**known, "pairs": "listed", "tar": {**known["tar"], "0.001": None}, "tar_reason": reason}
    other = changed(results[1], tmp_path / "coarse", verification=coarse, **{"tar_0.001": None})
    write_report([other], tmp_path / "p.html", csv=tmp_path / "r.csv")
    page = (tmp_path / "p.html").read_text()
    assert "500 impostor pairs are too few for a FAR of 0.001" in page and "The pairs of a list." in page
    with open(tmp_path / "r.csv", newline="") as stream:
        assert {line["tar_at_far_0.001"] for line in csv.DictReader(stream)} == {""}
    none = changed(results[1], tmp_path / "none", verification=None, verification_reason="0 impostor pairs")
    write_report([none], tmp_path / "p.html")
    assert "0 impostor pairs" in (tmp_path / "p.html").read_text()
