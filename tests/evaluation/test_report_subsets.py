"""The report by subset of the protocol: page, CSV, JSON and LaTeX hold what the result says."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

from opengait_mimic.evaluation.report import write_report
from opengait_mimic.evaluation.result import Result, write_result
from tests.evaluation.report_results import write
from tests.evaluation.test_report import Page
from tests.evaluation.test_report_files import typeset
from tests.evaluation.test_results import FACTS, named
from tests.evaluation.test_subsets import PROBES, Scene


@pytest.fixture(scope="module", params=list(PROBES))
def made(request, tmp_path_factory):
    """The folder of a result of two seeds, what stands in it, and all files of its report."""
    root = tmp_path_factory.mktemp(request.param)
    scorer = Scene(request.param).scorer()
    facts = {**FACTS, "dataset": request.param, "protocol_name": request.param.lower()}
    rows, summary, kept = scorer.rows(facts, scorer.hp.numbers, scorer.hp.trials, "", named)
    write_result(root / "r", Result(rows, summary, {}, kept, scorer.names, scorer.hidden, {}))
    write_report([root / "r"], root / "p.html", csv=root / "n.csv", json=root / "n.json", latex=root / "tables.tex")
    return root, rows, summary


def shown(part):
    """A subset's numbers as they are read."""

    def spread(key, digits=1):
        value = part[key]
        return f"{value['mean']:.{digits}f}" + ("" if value["sd"] is None else f" ± {value['sd']:.{digits}f}")

    low, high = part["rp_rank1_interval"]
    return [spread("rank1"), spread("rank5"), spread("mAP"), f"{spread('rp_rank1', 2)} [{low:.2f}, {high:.2f}]", f"{part['hp_rank1']:.1f}"]


def test_the_page_has_a_table_by_subset(made):
    root, _, summary = made
    page = Page((root / "p.html").read_text())
    cells = [e.text for e in page.elements if e.tag in ("td", "th") and "tbody" in e.inside]
    assert [e for e in page.all("caption") if e.text == "By subset of the protocol, cell by cell."]
    for line in summary:
        for name, part in line["subsets"].items():
            wanted = ["MimicGait, GaitBase", name, *shown(part)]
            assert any(cells[i : i + len(wanted)] == wanted for i in range(len(cells))), wanted


def test_csv_and_json_have_a_record_for_each_subset(made):
    root, rows, summary = made
    content = json.loads((root / "n.json").read_text())
    with open(root / "n.csv", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert len(content["records"]) == len(summary) == len([line for line in lines if not line["subset"]])
    subsets = [(line["cell"], name, part) for line in summary for name, part in line["subsets"].items()]
    parts = [line for line in lines if line["subset"]]
    assert len(content["subsets"]) == len(parts) == len(subsets)
    for (_, name, part), record, line in zip(subsets, content["subsets"], parts):
        assert (record["subset"], line["subset"]) == (name, name) and record["retention_rank1"] is None and record["eer"] is None
        for key in ("rank1", "rank5", "rank20", "mAP", "mINP", "rp_rank1"):
            assert record[key] == pytest.approx(part[key]["mean"]) and float(line[key]) == record[key]
            assert record[f"{key}_sd"] == (part[key]["sd"] and pytest.approx(part[key]["sd"]))
        assert [record["rp_rank1_low"], record["rp_rank1_high"]] == part["rp_rank1_interval"]
        assert record["hp_rank1"] == part["hp_rank1"]
        for key in ("probes", "probes_without_mate", "trials", "trials_without_mate"):
            assert record[key] == part[key] and line[key] == str(part[key])
    for record, line in zip(content["records"], summary):
        assert record["trials_without_mate"] == line["trials_without_mate"] > 0 and record["trials"] == line["trials"]


def test_the_page_says_how_many_trials_have_no_mate(made):
    root, rows, _ = made
    notes = [e.text for e in Page((root / "p.html").read_text()).all("li")]
    lost, all_trials = rows[0]["trials_without_mate"], rows[0]["trials"]
    assert f"{lost} of {all_trials} trials (a probe against one gallery view) have no mate there and count as failures." in notes


def test_latex_has_a_table_by_subset_that_fits_the_page(made):
    root, _, summary = made
    text = (root / "tables.tex").read_text()
    assert "By subset: " in text and text.count("\\begin{table}") >= 2
    for name, part in summary[0]["subsets"].items():
        numbers = " & ".join(shown(part)).replace("[", "{[}").replace("]", "{]}")
        assert f"MimicGait & {name} & {numbers} \\\\" in text
    if shutil.which("pdflatex"):
        assert "Overfull" not in typeset(root)


def test_a_result_of_one_subset_has_no_such_table(tmp_path):
    folder = write(tmp_path / "r", "MimicGait", "GaitBase", "walkers", with_ven=False, pictures=False)
    write_report([folder], tmp_path / "p.html", json=tmp_path / "n.json", latex=tmp_path / "t.tex")
    assert "By subset" not in (tmp_path / "p.html").read_text() and "By subset" not in (tmp_path / "t.tex").read_text()
    assert json.loads((tmp_path / "n.json").read_text())["subsets"] == []
