"""The host's own test on a data set of one's own: it runs, or is refused before the first step. Runs on either host."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.cli import main as command
from opengait_mimic.host import test_checks
from opengait_mimic.models import prepare as preparing
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import launch
from tests.variants import variant

TEACHER = "GaitBase (teacher)"


@pytest.fixture
def own(files, tree, tmp_path):
    """Makes a teacher's YAML on the walkers under another name and evaluation."""

    def make(name="BRIAR", scorer="evaluate_indoor_dataset", with_test=True, partition=None, **changes):
        (tmp_path / "own").mkdir(exist_ok=True)
        (tmp_path / "own.json").write_text(json.dumps(partition or json.loads(tree.partition.read_text())))
        data = {"dataset_name": name, "test_dataset_name": name, "dataset_partition": str(tmp_path / "own.json")}
        changes = {**{f"data_cfg__{key}": value for key, value in data.items()}, "evaluator_cfg__eval_func": scorer, **changes}
        return variant(files[TEACHER], tmp_path / "own", trainer_cfg__with_test=with_test, **changes)

    return make


@pytest.fixture
def warned(monkeypatch):
    """The warnings of the package."""
    lines, handler = [], logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())
    monkeypatch.setattr(preparing, "_doubted", set())
    logging.getLogger("opengait_mimic").addHandler(handler)
    yield lines
    logging.getLogger("opengait_mimic").removeHandler(handler)


@pytest.mark.parametrize("scorer", ["evaluate_indoor_dataset", "evaluate_real_scene", "evaluate_CCPG", "evaluate_walkers"])
def test_a_data_set_that_the_evaluation_does_not_know(host, own, scorer):
    for phase in ("train", "test"):
        with pytest.raises(ConfigError, match=rf"eval_func = {scorer} stops on the test set 'BRIAR' \(.*BRIAR.*\)\. Set .*--split FILE"):
            prepare(own(scorer=scorer), phase)
    assert prepare(own(scorer=scorer, with_test=False), "train")


def test_a_known_data_set_without_its_types(host, own, warned):
    """The walkers have none of GREW's types; of CASIA-B's they have the gallery and BG and CL, but no probe of NM."""
    for phase in ("train", "test"):
        with pytest.raises(ConfigError, match=r"(?i)eval_func = evaluate_real_scene.*grew.* (probe|gallery)"):
            prepare(own("GREW", "evaluate_real_scene"), phase)
        warned.clear()
        assert prepare(own("CASIA-B", "evaluate_indoor_dataset"), phase)
        assert warned == [] if phase == "test" else [line.partition(": ")[2][:28] for line in warned] == ["NM have no probe or no galle"]


def test_a_number_that_cannot_be_another_one(host, own, tree, warned):
    """One identity in TEST_SET: refused as a test, a warning before a training that tests between."""
    partition = {"TRAIN_SET": tree.train, "TEST_SET": tree.test[:1]}
    file = own("walkers", "evaluate_walkers", partition=partition)
    with pytest.raises(ConfigError, match="holds no other identity than the probe's, so every Rank-k would be 100 %"):
        prepare(file, "test")
    assert prepare(file, "train") and prepare(file, "train")
    (line,) = warned
    assert line.startswith("evaluator_cfg.eval_func = evaluate_walkers: ") and "100 %" in line


def test_a_list_of_the_partition_scores_any_data_set(host, own, tree):
    """`evaluate_Gait3D` goes by PROBE_SET, whatever the set is called: the host's test and `evaluate` agree on it."""
    from opengait_mimic.evaluation.evaluate import evaluate

    partition = json.loads(tree.partition.read_text())
    partition["PROBE_SET"] = [f"{label}-bg-01-090" for label in tree.test]
    file = own("BRIAR", "evaluate_Gait3D", partition=partition, trainer_cfg__save_name="own", evaluator_cfg__save_name="own")
    launch(file, "train", quiet=True)
    theirs = {key.split("/")[-1]: float(np.asarray(value)) for key, value in launch(file, "test", quiet=True).items()}
    (whole,) = [row for row in evaluate(file, quiet=True) if row["occluded_side"] == "holistic"]
    assert whole["protocol_name"] == "gait3d" and whole["probes"] == len(tree.test)
    assert {key: whole[key] for key in ("rank1", "mAP")} == pytest.approx({"rank1": theirs["Rank-1"], "mAP": theirs["mAP"]}, abs=1e-4)


def test_nothing_is_done_with_embeddings_and_the_log_is_quiet(host, own, capsys):
    prepare(own("walkers", "evaluate_walkers"), "test")
    assert "Rank-1" not in "".join(capsys.readouterr())
    for use in (lambda x: x[0], np.asarray, len, list, lambda x: x.mean()):
        with pytest.raises(test_checks._Reached):
            use(test_checks._Embeddings())


def test_the_last_line_of_a_training_names_no_test_that_would_refuse(host_spec, own, output, capsys):
    from opengait_mimic.cli.launcher import main as launcher

    file = own(with_test=False)
    assert launcher(["--cfgs", str(file), "--host", host_spec, "--output", str(output), "--device", "cpu"]) == 0
    printed = "".join(capsys.readouterr())
    assert "trained: iteration 3 of 3" in printed and "next:" not in printed
    assert "No test yet: data set 'BRIAR' has no protocol here" in printed and "--split" in printed
    assert command(["check", "data", "--cfgs", str(file), "--host", host_spec, "--workers", "1"]) == 0
