"""``opengait-mimic table`` end to end: the ablation for a few steps; batches alike, what is done stays, what was stopped goes on."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from opengait_mimic import host as hosts
from opengait_mimic import stages
from opengait_mimic.config import ConfigError
from opengait_mimic.host import HostError
from opengait_mimic.launch import launch
from opengait_mimic.tables import run as table_run
from opengait_mimic.tables.run import run
from opengait_mimic.tables.suites import SUITES
from tests.host_runs import digests, python

ROWS = list(SUITES["ablation"].rows)
TRAINED = ["GaitBase teacher", *(f"GaitBase {label}" for label in ROWS)]


@pytest.fixture(scope="module")
def trainings():
    """Follows every training: name of its YAML's file -> for each step (labels, sum of the silhouettes); ``stop_in`` interrupts one."""
    seen, patch = SimpleNamespace(batches={}, stop_in=None), pytest.MonkeyPatch()

    def following(path, phase, *words, before=lambda model: None, **named):
        def hook(model):
            before(model)
            if phase != "train":
                return
            batches, inner = seen.batches.setdefault(path.stem, []), getattr(model, "module", model)
            take = inner.inputs_pretreament

            def inputs_pretreament(inputs):
                if path.stem == seen.stop_in and batches:
                    raise KeyboardInterrupt
                clips, labels = inputs[0][0], inputs[1]
                batches.append(([str(label) for label in labels], round(sum(float(clip.sum()) for clip in clips), 2)))
                return take(inputs)

            object.__setattr__(inner, "inputs_pretreament", inputs_pretreament)

        return launch(path, phase, *words, before=hook, **named)

    patch.setattr(stages, "launch", following)
    yield seen
    patch.undo()


@pytest.fixture(scope="module")
def make(host, host_spec, output, tree, trainings):
    """Make a table here, on the tests' tiny walkers; afterwards the host is bound as it was."""
    logger = logging.getLogger("opengait_mimic")
    level = logger.level
    data = {"root": str(tree.root), "partition": str(tree.partition), "dataset": "walkers"}
    asked = {"command": "table", "suite": "ablation", "data": "walkers", "seeds": "4", "backbones": None, "only": None}
    asked.update(start="shipped", smoke=True, retrain=False, no_preflight=True, host=host_spec, device="cpu", **data)

    def call(out, **more):
        trainings.batches.clear()
        return run(SimpleNamespace(**{**asked, "out": str(out), **more}))

    yield call
    hosts.bind(host_spec, "cpu", output)
    logger.setLevel(level)


@pytest.fixture(scope="module")
def done(make, trainings, tmp_path_factory):
    """The folder of a whole run, what it said is in its table, and the batches its trainings met."""
    out = tmp_path_factory.mktemp("table") / "out"
    assert make(out) == 0
    return SimpleNamespace(out=out, folder=out / "ablation-smoke", batches=dict(trainings.batches))


def results(folder):
    return json.loads((folder / "results.json").read_text())


def weights(out):
    return {name: value for name, value in digests(out).items() if name.endswith(".pt")}


def test_every_row_is_trained_and_printed_beside_the_paper(done, host):
    found, text = results(done.folder), (done.folder / "table.md").read_text()
    assert [(row["label"], row["seed"]) for row in found["rows"]] == [(label, 4) for label in ROWS]
    for row, paper in zip(found["rows"], ("16.42   30.38", "20.43   35.95", "25.75   42.20", "20.22   34.93")):
        both = next(cell for cell in row["cells"] if (cell["protocol"], cell["gallery_embedder"]) == ("both", "own"))
        line = next(line for line in text.splitlines() if f" {row['label']} " in line and paper in line)
        assert f"{both['rank1']:.1f}" in line and f"{both['rank5']:.1f}" in line and f"{both['rp_rank1']:.2f}" in line
        assert both["seed"] == 4 and len(row["seconds"]) == 2 and row["losses"]
    assert len({cell["hp_rank1"] for row in found["rows"] for cell in row["cells"]}) == 1, "one denominator"
    assert (found["host"], found["suite"], found["smoke"], found["seeds"]) == (host.name, "ablation", True, [4])
    assert "OTHER DATA: walkers here, GREW in the paper" in text and "SMOKE RUN" in text and "NOT FINISHED" not in text
    assert "seed 4 alone" in text and "one seed tells no spread" in text
    assert max(map(len, text.splitlines())) <= 120


def test_the_order_told_is_the_order_of_the_rows(done):
    (told,) = results(done.folder)["orders"]
    figures = {
        row["label"]: next(cell["rank1"] for cell in row["cells"] if cell["protocol"] == "both") for row in results(done.folder)["rows"]
    }
    assert told["here"] == figures and len(told["pairs"]) == 6
    for pair in told["pairs"]:
        difference = figures[pair["above"]] - figures[pair["below"]]
        assert pair["here"] == pytest.approx(difference) and pair["sd"] is None
        assert pair["verdict"] == ("tie" if difference == 0 else "agrees" if difference > 0 else "contradicts")


def test_every_network_meets_the_same_batches(done):
    """Whatever was built before the first batch is drawn."""
    found = {name: batches for name, batches in done.batches.items() if not name.startswith("ven")}
    assert len(found) == len(TRAINED)
    first, *others = found.values()
    assert len(first) == 4 and len({total for _, total in first}) == 4
    assert all(other == first for other in others)


def test_a_second_run_trains_and_tests_nothing(done, make, trainings, tmp_path, capsys, monkeypatch):
    out = shutil.copytree(done.out, tmp_path / "out")
    before, text = weights(out), (out / "ablation-smoke/table.md").read_text()
    capsys.readouterr()
    written, write = [], table_run.write_json
    monkeypatch.setattr(table_run, "write_json", lambda file, rows, **more: (written.append(len(rows)), write(file, rows, **more)))
    make(out)
    assert set(written) == {len(ROWS)}, "no page says less than is finished"
    assert trainings.batches == {} and weights(out) == before != {}
    said = capsys.readouterr().out
    assert said.count("done before") == len(TRAINED) and (out / "ablation-smoke/table.md").read_text() == text
    assert results(out / "ablation-smoke")["rows"] == results(done.folder)["rows"]


def test_a_run_that_was_stopped_does_the_rest(done, make, trainings, tmp_path, capsys):
    """Stopped in the third row's training; the same figures come out as without a stop."""
    out = shutil.copytree(done.out, tmp_path / "out")
    for row in ("vanilla", "vanilla-xe"):
        shutil.rmtree(next(out.glob(f"output/walkers/MimicGait/*table-{row}-smoke-seed4")))
        next(out.glob(f"seed4/*-{row}-smoke.json")).unlink()
    trainings.stop_in = "mimicgait_gaitbase_walkers-vanilla-smoke"
    with pytest.raises(KeyboardInterrupt):
        make(out)
    trainings.stop_in = None
    assert "NOT FINISHED: 2 of 4 rows" in (out / "ablation-smoke/table.md").read_text()
    assert f"the rows so far: {out / 'ablation-smoke/table.md'}" in capsys.readouterr().out
    make(out)
    assert sorted(trainings.batches) == ["mimicgait_gaitbase_walkers-vanilla-smoke", "mimicgait_gaitbase_walkers-vanilla-xe-smoke"]
    theirs, ours = ([(row["label"], row["cells"]) for row in results(folder)["rows"]] for folder in (done.folder, out / "ablation-smoke"))
    assert ours == theirs


def test_another_suite_takes_what_is_there(done, make, trainings, tmp_path):
    """Table 1's Baseline-2 is the ablation's."""
    out = shutil.copytree(done.out, tmp_path / "out")
    make(out, suite="main", backbones="gaitbase", only=["Baseline-1", "Baseline-2"])
    assert trainings.batches == {}
    assert [row["label"] for row in results(out / "main-smoke")["rows"]] == ["Baseline-1", "Baseline-2"]


def test_trainings_of_other_configurations_are_not_lost(done, make, tree, tmp_path):
    """Another partition in the same folder: refused before anything runs."""
    out = shutil.copytree(done.out, tmp_path / "out")
    before, partition = weights(out), json.loads(Path(tree.partition).read_text())
    other = tmp_path / "partition.json"
    other.write_text(json.dumps({**partition, "TRAIN_SET": partition["TRAIN_SET"][::-1]}))
    with pytest.raises(HostError, match="(?s)nothing was run.*--retrain"):
        make(out, partition=str(other))
    assert weights(out) == before


def test_a_narrower_selection_keeps_what_is_finished(done, make, tmp_path):
    out = shutil.copytree(done.out, tmp_path / "out")
    text, rows = (out / "ablation-smoke/table.md").read_text(), results(out / "ablation-smoke")["rows"]
    make(out, only=[ROWS[2]])
    assert (out / "ablation-smoke/table.md").read_text() == text and results(out / "ablation-smoke")["rows"] == rows


def test_a_result_of_another_configuration_is_not_on_the_page(done, make, tmp_path, capsys):
    """It is named, and tested again only where it is asked for."""
    out = shutil.copytree(done.out, tmp_path / "out")
    (file,) = out.glob("seed4/*-vanilla-smoke.json")
    found = json.loads(file.read_text())
    found["inputs"]["evaluator_cfg"]["metric"] = "cos"
    file.write_text(json.dumps(found))
    make(out, only=[ROWS[0]])
    assert f"{file.name} is not of this configuration" in capsys.readouterr().out
    assert [row["label"] for row in results(out / "ablation-smoke")["rows"]] == [ROWS[0], ROWS[1], ROWS[3]]


def test_other_data_are_refused_with_the_way_out(make, tmp_path):
    with pytest.raises(ConfigError, match="--data GREW: walkers alone are generated.*--root, --partition and --dataset"):
        make(tmp_path, data="GREW", root=None, partition=None, dataset=None)
    with pytest.raises(ConfigError, match="table: --root, --partition and --dataset belong together"):
        make(tmp_path, partition=None)


def test_the_command_line_is_understood(host_spec, tmp_path):
    done = python("-m", "opengait_mimic.cli", "table", "--suite", "ven", "--only", "x", "--host", host_spec, cwd=tmp_path)
    assert done.returncode == 1 and "error: --only 'x': the rows of ven are 'Baseline-2'" in done.stderr
    done = python("-m", "opengait_mimic.cli", "table", "--suite", "table1", cwd=tmp_path)
    assert done.returncode == 2 and "main" in done.stderr
