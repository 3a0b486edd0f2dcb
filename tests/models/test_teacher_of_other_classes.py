"""A teacher's checkpoint of 4 classes under a YAML of 9, wherever it is run whole. Runs on either host."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from opengait_mimic.base.errors import CheckpointError
from opengait_mimic.base.files import write_json
from opengait_mimic.evaluation.embeddings import embed_all
from opengait_mimic.evaluation.evaluate import evaluate, measure
from opengait_mimic.evaluation.rp_reference import reference_cfgs
from opengait_mimic.models.prepare import prepare
from opengait_mimic.workflows.pipeline import run_pipeline
from tests.models.roles import built, roles, train
from tests.models.served import SERVED
from tests.models.test_trial import STEPS
from tests.variants import variant

CASE = SERVED["Baseline"]


@pytest.fixture(scope="module")
def made(files, few, ven, host, tmp_path_factory):
    """Methods trained from a teacher whose YAML has the 4 classes of its checkpoint, and the same under a YAML of 9."""
    folder = tmp_path_factory.mktemp("classes")
    four = roles(files, few, ven, folder, "Classes", CASE.model_cfg, CASE.dataset, CASE.losses, **STEPS)
    train(four["teacher"])
    head, names = CASE.model_cfg["SeparateBNNecks"], {f"{engine}_cfg__save_name": "teacher-Classes" for engine in ("trainer", "evaluator")}
    (folder / "nine").mkdir()
    nine = variant(four["teacher"], folder / "nine", **names, model_cfg__SeparateBNNecks={**head, "class_num": 9})
    aware = {
        "model": "OcclusionAware", "backbone": {"cfgs": str(four["teacher"])}, "ven": {"cfgs": str(ven)},
        "SeparateBNNecks": {"class_num": 4},
    }  # fmt: skip
    (folder / "aware").mkdir()
    named = {f"{engine}_cfg__save_name": "aware-Classes" for engine in ("trainer", "evaluator")}
    four["OcclusionAware"] = variant(four["Baseline-2"], folder / "aware", model_cfg=aware, **named)

    def changed(role, teacher, checkpoint="auto", **more):
        own = folder / f"{role}-{len(list(folder.iterdir()))}"
        own.mkdir()
        return variant(four[role], own, model_cfg__teacher={"cfgs": str(teacher), "checkpoint": str(checkpoint)}, **more)

    return SimpleNamespace(four=four, nine=nine, changed=changed, folder=folder)


@pytest.fixture
def said(made, monkeypatch):
    """What the log is told."""
    from utils import get_msg_mgr

    lines = []
    monkeypatch.setattr(get_msg_mgr(), "log_info", lambda text: lines.append(str(text)), raising=False)
    return lines


def loaded(said):
    return [line for line in said if line.startswith("model_cfg.teacher.checkpoint: ") and "tensors from" in line]


def test_its_whole_bodies_are_those_of_the_right_yaml_bit_for_bit(made, said):
    mimic = made.changed("MimicGait", made.nine)
    cfgs = reference_cfgs(prepare(mimic, "embed"))[0]
    (found,) = embed_all(cfgs, [None], cache=False, as_teacher=True)
    (plain,) = embed_all(prepare(made.four["teacher"], "embed"), [None], cache=False)
    assert np.ptp(plain.embeddings) > 0 and np.array_equal(found.embeddings, plain.embeddings)
    built(mimic)
    whole, training = loaded(said)
    assert whole == training and "; dropped: BNNecks.bn1d.bias, " in whole and "BNNecks.fc_bin" in whole and "FCs.fc_bin" not in whole


@pytest.mark.parametrize("role", ["MimicGait", "Baseline-2", "OcclusionAware"])
@pytest.mark.slow
def test_evaluate_divides_by_it(made, role, tmp_path):
    """By its own pass, and by a result of the right YAML."""
    own = made.changed(role, made.four["teacher"])
    train(own)
    right, found = (evaluate(file, quiet=True) for file in (own, made.changed(role, made.nine)))
    assert found == right and found[0]["hp_rank1"] is not None and found[0]["rp_rank1"] is not None
    write_json(tmp_path / "teacher.json", measure(made.four["teacher"], quiet=True).content())
    read = evaluate(made.changed(role, made.nine), reference=tmp_path / "teacher.json", quiet=True)
    asked = [(row["cell"], row["rank1"], row["hp_rank1"], row["rp_rank1"]) for row in right]
    assert [(row["cell"], row["rank1"], row["hp_rank1"], row["rp_rank1"]) for row in read] == asked


@pytest.mark.slow
def test_the_pipeline_tests_it(made, output, host_spec, monkeypatch):
    """A given file under a YAML of other classes."""
    logger = logging.getLogger("opengait_mimic")
    monkeypatch.setattr(logger, "level", logger.level)
    given = made.folder / "published.pt"
    given.write_bytes(sorted(Path(output).rglob("teacher-Classes-*.pt"))[-1].read_bytes())
    names = {f"{engine}_cfg__save_name": "piped-Classes" for engine in ("trainer", "evaluator")}
    mimic = made.changed("MimicGait", made.nine, given, model_cfg__ven=None, **names)
    assert (
        run_pipeline(SimpleNamespace(cfgs=mimic, host=host_spec, device="cpu", output=output, retrain=False, split=None, no_preflight=True))
        == 0
    )
    tested = json.loads((Path(output) / "walkers/pipeline/MimicGait-piped-Classes/baseline1.json").read_text())["rows"]
    whole, right = (
        [row["rank1"] for row in rows if row["occluded_side"] == "holistic"]
        for rows in (tested, evaluate(made.four["teacher"], quiet=True))
    )
    assert whole == right and whole


def test_what_the_embedding_reaches_must_fit_and_the_key_is_the_users(made):
    """The mimic's checkpoint is there, as another test may have trained it; the teacher's YAML is of other widths."""
    train(made.four["MimicGait"])
    wider = {**CASE.model_cfg["SeparateFCs"], "out_channels": 6}
    necks = {**CASE.model_cfg["SeparateBNNecks"], "in_channels": 6}
    (made.folder / "wider").mkdir()
    other = variant(made.nine, made.folder / "wider", model_cfg__SeparateFCs=wider, model_cfg__SeparateBNNecks=necks)
    with pytest.raises(CheckpointError) as caught:
        evaluate(made.changed("MimicGait", other), quiet=True)
    assert "model_cfg.teacher.checkpoint: " in str(caught.value) and "FCs.fc_bin is [16, 8, 4], expected [16, 8, 6]" in str(caught.value)
    assert "restore_hint" not in str(caught.value)
