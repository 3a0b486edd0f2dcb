"""Every mistake of a configuration and its files: what the user reads names the file, the key, the value and a way out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from opengait_mimic import host as hosts
from opengait_mimic.base.ending import friendly_errors
from opengait_mimic.host import config_checks as foresight
from opengait_mimic.models import prepare as preparing
from opengait_mimic.training import launch
from tests.mistakes import DATA, MIMIC, MISSING, ROLES, TEACHER, TEXTS, TWO, TYPES, VEN
from tests.variants import variant


@pytest.fixture(scope="module")
def scene(trained, output, tree, tmp_path_factory):
    """Weights of every role, and a stage that nobody trained."""
    folder = tmp_path_factory.mktemp("mistakes")
    models = {TEACHER: ("Baseline", "GaitBase"), VEN: ("VEN", "VEN"), TWO: ("Baseline2", "Baseline2"), MIMIC: ("MimicGait", "MimicGait")}
    found = {s: str(output / f"walkers/{m}/{n}-seed0/checkpoints/{n}-seed0-00003.pt") for s, (m, n) in models.items()}
    torch.save({"model": {"conv3d.weight": torch.zeros(3)}}, folder / "gaitgl.pt")
    state = torch.load(found[VEN], weights_only=True)
    state["model"]["_extra_state"]["kinds"] = ["none", "top"]
    torch.save(state, folder / "two.pt")
    (folder / "text.pt").write_text("not weights")
    more = {"gaitgl": "gaitgl.pt", "ven of two": "two.pt", "text": "text.pt"}
    found.update({name: str(folder / file) for name, file in more.items()}, yaml=str(trained.files[VEN]))
    untrained = variant(trained.files[TEACHER], folder, evaluator_cfg__save_name="none")
    return SimpleNamespace(weights=found, files=trained.files, untrained=str(untrained), partition=tree.partition)


def said(file, phase="train") -> str:
    """What the command prints in the end, in one message and without a traceback."""

    def run():
        cfgs = preparing.prepare(file, phase)
        launch.start_log(cfgs, phase == "train", False, quiet=True)
        with preparing.of_file(file):
            launch.build(cfgs, phase == "train")

    with pytest.raises(SystemExit) as ended, friendly_errors():
        run()
    message = str(ended.value.code)
    assert message.startswith("error: ") and "Traceback" not in message
    return message


@pytest.mark.parametrize(
    ("mistake", "stage", "make", "parts"), ROLES + MISSING + DATA + TYPES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_file_key_value_and_way_out(scene, tmp_path, capsys, mistake, stage, make, parts):
    if isinstance(make, dict):
        text = make["parts"]
        (tmp_path / "parts.json").write_bytes(text if isinstance(text, bytes) else text.encode())
        changes = {"data_cfg__dataset_partition": str(tmp_path / "parts.json")}
    else:
        changes = make(scene)
    file = variant(scene.files[stage], tmp_path, **changes)
    message = said(file, "test" if any(key.startswith("evaluator_cfg") for key in changes) else "train")
    assert "Traceback" not in capsys.readouterr().err
    for part in [str(file), *parts]:
        assert part in message, message


@pytest.mark.parametrize(("mistake", "text", "parts"), TEXTS, ids=[text[0] for text in TEXTS])
def test_a_file_that_is_no_configuration(scene, tmp_path, mistake, text, parts):
    """The run's own YAML, and one that it names."""
    bad = tmp_path / "bad.yaml"
    bad.write_bytes(text if isinstance(text, bytes) else text.encode())
    for file, key in ((bad, "--cfgs"), (variant(scene.files[MIMIC], tmp_path, model_cfg__ven={"cfgs": str(bad)}), "model_cfg.ven.cfgs")):
        message = said(file)
        for part in [str(file), f"{key}: ", "bad.yaml", *parts]:
            assert part in message, message


def test_clips_that_cannot_be_dealt(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(foresight, "rank_and_world", lambda: (0, 3))
    file = variant(scene.files[TEACHER], tmp_path, trainer_cfg__sampler__batch_size=[4, 2])
    message = said(file)
    for part in (str(file), "trainer_cfg.sampler.batch_size = [4, 2]", "cannot be dealt to 3 processes", "a multiple of 3"):
        assert part in message


@pytest.mark.parametrize("standing", ["beside the YAML", "elsewhere"])
def test_the_command_that_trains_a_teacher_first_is_one_that_starts(scene, tmp_path, monkeypatch, standing):
    """Of a teacher's YAML that is named relative to the mimic's, as the shipped ones are: the printed command's words, as printed."""
    (tmp_path / "other").mkdir()
    folder = tmp_path / "a folder"
    folder.mkdir()
    file = variant(scene.files[MIMIC], folder, model_cfg__teacher__cfgs="teacher.yaml")
    (folder / "teacher.yaml").write_bytes(Path(scene.untrained).read_bytes())
    monkeypatch.chdir(folder if standing == "beside the YAML" else tmp_path / "other")
    message = said(file.name if standing == "beside the YAML" else f"../a folder/{file.name}")
    words = shlex.split(re.search(r"`python -m opengait_mimic (.*?)`", message)[1])
    flags = dict(zip(words[::2], words[1::2]))
    hosts.search.clear()  # as in a process of its own
    assert flags["--phase"] == "train" and preparing.prepare(flags["--cfgs"], "train")["evaluator_cfg"]["save_name"] == "none"
    assert hosts.find(flags["--host"]).root == hosts.current().root and flags["--output"] == str(hosts.output())


def test_gait3d_without_probes(scene, tmp_path):
    changes = {"evaluator_cfg__eval_func": "evaluate_Gait3D", "evaluator_cfg__restore_hint": 3}
    message = said(variant(scene.files[TEACHER], tmp_path, **changes), "test")
    assert "needs the list PROBE_SET" in message and str(scene.partition) in message and "add it" in message
