"""Mistakes in a configuration and in the files it names: the message has the file, the key, the value and a way out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from opengait_mimic import host as hosts
from opengait_mimic.base.command_exit import friendly_errors
from opengait_mimic.host import config_checks
from opengait_mimic.models import prepare as preparing
from opengait_mimic.training import launch
from tests.variants import variant

TEACHER, VEN, TWO, MIMIC = "GaitBase (teacher)", "VEN", "Baseline-2", "MimicGait"
CHECKPOINTS = {
    "a teacher's": "model_cfg__teacher__checkpoint",
    "a VEN's": "model_cfg__ven__checkpoint",
    "a start's": "trainer_cfg__restore_hint",
}
PARTITION = "data_cfg__dataset_partition"

ROLES = [  # whose checkpoint is named, the stage, whose file it is -> parts of the message
    ("a teacher's", MIMIC, VEN, ["model_cfg.teacher.checkpoint", "VEN-seed0-00003.pt holds a VEN", "Name the"]),
    ("a teacher's", MIMIC, MIMIC, ["model_cfg.teacher.checkpoint", "holds a MimicGait", "Name the checkpoint"]),
    ("a teacher's", MIMIC, "gaitgl", ["model_cfg.teacher.checkpoint", "gaitgl.pt does not fit: ", "Baseline:"]),
    ("a teacher's", MIMIC, "text", ["model_cfg.teacher.checkpoint", "text.pt", "is "]),
    ("a VEN's", MIMIC, TEACHER, ["model_cfg.ven.checkpoint", "GaitBase-seed0-00003.pt is not a VEN", "Name the"]),
    ("a VEN's", MIMIC, MIMIC, ["model_cfg.ven.checkpoint", "is not a VEN of ours but a MimicGait", "Name the checkpoint"]),
    ("a VEN's", MIMIC, TWO, ["model_cfg.ven.checkpoint", "but a plain OpenGait model"]),
    ("a VEN's", MIMIC, "ven of two", ["model_cfg.ven.checkpoint", "two.pt: the checkpoint says kinds = ['none', 'top']", "Use the"]),
    ("a VEN's", MIMIC, "yaml", ["model_cfg.ven.checkpoint", "ven_walkers.yaml", "is "]),
    ("a start's", MIMIC, VEN, ["trainer_cfg.restore_hint = ", "VEN-seed0-00003.pt: the checkpoint says", "Use the YAML"]),
    ("a start's", MIMIC, TEACHER, ["trainer_cfg.restore_hint", "no checkpoint of a MimicGait", "init_mimic"]),
    ("a start's", VEN, TEACHER, ["trainer_cfg.restore_hint = ", "no checkpoint of a VEN", "Name a"]),
    ("a start's", TWO, MIMIC, ["trainer_cfg.restore_hint = ", "it holds a MimicGait", "name one"]),
    ("a start's", TEACHER, VEN, ["trainer_cfg.restore_hint = ", "it holds a VEN, not a plain Baseline", "Name a"]),
]  # fmt: skip

MISTAKES = [  # the stage, the changed keys -> parts of the message
    (MIMIC, {"data_cfg__dataset_root": "no/tree"}, ["data_cfg.dataset_root: no/tree not found; tried ", "Correct the path"]),
    (VEN, {PARTITION: "no.json"}, ["data_cfg.dataset_partition: no.json not found; tried ", "Correct"]),
    (TEACHER, {"data_cfg__dataset_root": "your_path"}, ["data_cfg.dataset_root = your_path; set it to the folder"]),
    (MIMIC, {"model_cfg__backbone": {"cfgs": "no/x.yaml"}}, ["model_cfg.backbone.cfgs: no/x.yaml not found; tried", "Correct"]),
    (MIMIC, {"model_cfg__teacher": {"cfgs": "no/x.yaml"}}, ["model_cfg.teacher.cfgs: no/x.yaml not found", "Correct"]),
    (MIMIC, {"model_cfg__teacher__checkpoint": "x.pt"}, ["model_cfg.teacher.checkpoint: x.pt not found; tried ", "Correct"]),
    (MIMIC, {"model_cfg__ven": {"cfgs": "no/x.yaml"}}, ["model_cfg.ven.cfgs: no/x.yaml not found; tried ", "Correct"]),
    (MIMIC, {"model_cfg__ven__checkpoint": "y.pt"}, ["model_cfg.ven.checkpoint: y.pt not found; tried ", "Correct the path"]),
    (TWO, {"trainer_cfg__restore_hint": "z.pt"}, ["trainer_cfg.restore_hint: z.pt not found; tried ", "Correct the path"]),
    (TWO, {"trainer_cfg__restore_hint": 7}, ["trainer_cfg.restore_hint = 7: ", "Baseline2-seed0-00003.pt", "or give --iter K"]),
    (VEN, {"evaluator_cfg__restore_hint": 9}, ["evaluator_cfg.restore_hint = 9: ", "VEN-seed0-00003.pt", "Train first"]),
    (TWO, {"data_cfg__data_in_use": [False]}, ["data_cfg.data_in_use = [False]; expected which files of a sequence are read", "null: all"]),
    (TEACHER, {"data_cfg__data_in_use": "0"}, ["data_cfg.data_in_use = '0'; expected which files of a sequence"]),
    (TEACHER, {"data_cfg": [{}, {}]}, ["data_cfg: a list; several data sets at once are not supported here; name one"]),
    (TWO, {"trainer_cfg__sampler__batch_size": [9, 2]}, ["trainer_cfg.sampler.batch_size = [9, 2]", "has 8 in", "lower P"]),
    (TEACHER, {"trainer_cfg__sampler__batch_size": [1, 4]}, ["trainer_cfg.sampler.batch_size = [1, 4]", "two subjects"]),
    (TEACHER, {"trainer_cfg__sampler__batch_size": 8}, ["trainer_cfg.sampler.batch_size = 8; TripletSampler takes [P, K]"]),
    (TEACHER, {"trainer_cfg__sampler__batch_size": [4, 0]}, ["trainer_cfg.sampler.batch_size = [4, 0]; TripletSampler takes [P, K]"]),
    (TWO, {"scheduler_cfg__milestones": 10}, ["scheduler_cfg.milestones = 10; expected a list of steps"]),
    (TEACHER, {"scheduler_cfg__milestones": "10, 20"}, ["scheduler_cfg.milestones = '10, 20'; expected a list"]),
    (TEACHER, {"scheduler_cfg__milestones": [2.5]}, ["scheduler_cfg.milestones = [2.5]; expected a list"]),
    (TEACHER, {"scheduler_cfg": {"scheduler": "OneCycleLR"}}, ["scheduler_cfg: OneCycleLR with no arguments cannot be made: ", "max_lr"]),
    (TEACHER, {"optimizer_cfg__lr": -1}, ["optimizer_cfg: ", "lr = -1", "cannot be made: Invalid", "See its page"]),
    (TWO, {"optimizer_cfg__betas": 3}, ["optimizer_cfg: Adam with ", "betas = 3", "cannot be made", "See its page"]),
    (MIMIC, {"trainer_cfg__total_iter": "many"}, ["trainer_cfg.total_iter = 'many'; expected a whole number"]),
    (MIMIC, {"trainer_cfg__sync_BN": "no"}, ["trainer_cfg.sync_BN = 'no'; expected true or false"]),
    (MIMIC, {"trainer_cfg__total_iters": 3}, ["trainer_cfg.total_iters: unknown key (did you mean 'total_iter'?)"]),
    (MIMIC, {"model_cfg__teacher": 3}, ["model_cfg.teacher: expected a mapping with the keys", "got 3"]),
    (MIMIC, {"model_cfg__geometry": [64, 64]}, ["model_cfg.ven.cfgs = ", "model_cfg.geometry = [64, 64]", "change these"]),
    (TEACHER, {"trainer_cfg": None}, ["trainer_cfg = None; expected a mapping"]),
    (TEACHER, {"model_cfg__model": "Basline"}, ["model_cfg.model: 'Basline' is not in ", "did you mean 'Baseline'?"]),
    (TWO, {"model_cfg__backbone": {"model": "GaitBace"}}, ["model_cfg.backbone.model: 'GaitBace' is not in", "Known: "]),
    (MIMIC, {"loss_cfg__0__type": "MickyLoss"}, ["loss_cfg.type", "'MickyLoss'", "did you mean"]),
    (VEN, {"evaluator_cfg__eval_func": "evaluate_ven", "evaluator_cfg__restore_hint": 3}, ["eval_func: 'evaluate_ven'", "Known: "]),
    (MIMIC, {"trainer_cfg__sampler__type": "TripletSamplr"}, ["trainer_cfg.sampler.type: 'TripletSamplr'", "mean 'TripletSampler'"]),
    (MIMIC, {"trainer_cfg__transform": [{"type": "Compose", "trf_cfg": [{"type": "RandomRotat"}]}]},
     ["trainer_cfg.transform[0].trf_cfg[0].type: 'RandomRotat'", "mean 'RandomRotate'"]),
    (MIMIC, {"optimizer_cfg__solver": "Adm"}, ["optimizer_cfg.solver: 'Adm'", "mean 'Adam'"]),
    (MIMIC, {"scheduler_cfg__scheduler": "MultiStepL"}, ["scheduler_cfg.scheduler: 'MultiStepL'", "mean 'MultiStepLR'"]),
]  # fmt: skip

PARTITIONS = [  # the text of the partition -> parts of the message
    (b"{", ["parts.json: not a JSON file", "expected {"]),
    (b"\xff\xfe\x00", ["parts.json: not a JSON file", "expected {"]),
    (b"[]", ["(TRAIN_SET = None)", "expected {"]),
    (b'{"TRAIN_SET": ["0001"]}', ["(TEST_SET = None)", "expected {"]),
    (b'{"TRAIN_SET": [1], "TEST_SET": []}', ["(TRAIN_SET = [1])", "labels as"]),
    (b'{"TRAIN_SET": ["9"], "TEST_SET": []}', ["data_cfg.dataset_root = ", "0 of its 1 subjects", "expected <root>"]),
]

TEXTS = [  # the text of a YAML -> parts of the message
    (b"- a\n- b\n", ["is not a configuration", "got a list", "opengait-mimic list"]),
    (b"", ["is not a configuration", "got nothing", "opengait-mimic list"]),
    (b"a: [b\n", ["cannot read", "line 2", "Correct that place"]),
    (b"\x80\x02\xff\x00", ["cannot read", "as YAML text", "name another file"]),
    (b"a: &x [*x]", ["cannot read", "an alias inside its own anchor"]),
]


@pytest.fixture(scope="module")
def scene(trained, output, tree, tmp_path_factory):
    """Checkpoints of every role, and a teacher that is not trained."""
    folder = tmp_path_factory.mktemp("mistakes")
    models = {TEACHER: ("Baseline", "GaitBase"), VEN: ("VEN", "VEN"), TWO: ("Baseline2", "Baseline2"), MIMIC: ("MimicGait", "MimicGait")}
    weights = {s: str(output / f"walkers/{m}/{n}-seed0/checkpoints/{n}-seed0-00003.pt") for s, (m, n) in models.items()}
    torch.save({"model": {"conv3d.weight": torch.zeros(3)}}, folder / "gaitgl.pt")
    state = torch.load(weights[VEN], weights_only=True)
    state["model"]["_extra_state"]["kinds"] = ["none", "top"]
    torch.save(state, folder / "two.pt")
    (folder / "text.pt").write_text("not weights")
    more = {"gaitgl": "gaitgl.pt", "ven of two": "two.pt", "text": "text.pt"}
    weights.update({name: str(folder / file) for name, file in more.items()}, yaml=str(trained.files[VEN]))
    untrained = variant(trained.files[TEACHER], folder, evaluator_cfg__save_name="none")
    return SimpleNamespace(weights=weights, files=trained.files, untrained=str(untrained), partition=tree.partition)


def read_message(file, phase="train") -> str:
    """The one message with which the command ends, without a traceback."""
    with pytest.raises(SystemExit) as ended, friendly_errors():
        cfgs = preparing.prepare(file, phase)
        launch.start_log(cfgs, phase == "train", False, quiet=True)
        with preparing.of_file(file):
            launch.build(cfgs, phase == "train")
    message = str(ended.value.code)
    assert message.startswith("error: ") and "Traceback" not in message
    return message


def check(file, parts, phase="train"):
    message = read_message(file, phase)
    for part in [str(file), *parts]:
        assert part in message, message


@pytest.mark.parametrize(("place", "stage", "role", "parts"), ROLES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_checkpoint_of_another_role(scene, tmp_path, place, stage, role, parts):
    check(variant(scene.files[stage], tmp_path, **{CHECKPOINTS[place]: scene.weights[role]}), parts)


@pytest.mark.parametrize(("stage", "role"), [(MIMIC, TEACHER), (VEN, TEACHER), (TWO, MIMIC)])
def test_a_start_of_another_role_is_refused_without_strict_restoring_too(scene, tmp_path, stage, role):
    changes = {"trainer_cfg__restore_hint": scene.weights[role], "trainer_cfg__restore_ckpt_strict": False}
    check(variant(scene.files[stage], tmp_path, **changes), ["trainer_cfg.restore_hint"])


@pytest.mark.parametrize(("stage", "changes", "parts"), MISTAKES, ids=lambda value: str(value)[:40] if isinstance(value, dict) else "")
def test_a_wrong_value(scene, tmp_path, stage, changes, parts):
    phase = "test" if any(key.startswith("evaluator_cfg") for key in changes) else "train"
    check(variant(scene.files[stage], tmp_path, **changes), parts, phase)


@pytest.mark.parametrize(
    ("key", "stage", "parts"),
    [
        ("ven__cfgs", TEACHER, ["model_cfg.ven.cfgs = ", "of a Baseline", "name"]),
        ("teacher__cfgs", VEN, ["model_cfg.teacher.model = VEN", "give the"]),
        ("backbone__cfgs", MIMIC, ["model_cfg.backbone.model = Mimic", "give the"]),
    ],
)
def test_a_yaml_of_another_role(scene, tmp_path, key, stage, parts):
    check(variant(scene.files[MIMIC], tmp_path, **{f"model_cfg__{key}": str(scene.files[stage])}), parts)


@pytest.mark.parametrize(("text", "parts"), PARTITIONS)
def test_a_wrong_partition(scene, tmp_path, text, parts):
    (tmp_path / "parts.json").write_bytes(text)
    check(variant(scene.files[TWO], tmp_path, **{PARTITION: str(tmp_path / "parts.json")}), parts)


def test_a_file_as_root(scene, tmp_path):
    file = variant(scene.files[TWO], tmp_path, data_cfg__dataset_root=str(scene.partition))
    check(file, ["data_cfg.dataset_root = ", ": a file; name the folder"])


@pytest.mark.parametrize(("text", "parts"), TEXTS)
def test_a_file_that_is_no_configuration(scene, tmp_path, text, parts):
    """The run's own YAML, and one that it names."""
    bad = tmp_path / "bad.yaml"
    bad.write_bytes(text)
    check(bad, ["--cfgs: ", *parts])
    check(variant(scene.files[MIMIC], tmp_path, model_cfg__ven={"cfgs": str(bad)}), ["model_cfg.ven.cfgs: ", "bad.yaml", *parts])


def test_clips_that_cannot_be_dealt(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(config_checks, "rank_and_world", lambda: (0, 3))
    file = variant(scene.files[TEACHER], tmp_path, trainer_cfg__sampler__batch_size=[4, 2])
    check(file, ["trainer_cfg.sampler.batch_size = [4, 2]", "cannot be dealt to 3 processes", "a multiple of 3"])


@pytest.mark.parametrize("working_folder", ["of the YAML", "another"])
def test_the_command_that_trains_a_teacher_first_is_one_that_starts(scene, tmp_path, monkeypatch, working_folder):
    """A teacher's YAML is named relative to the mimic's, as the shipped ones are. The words of the command are used as printed."""
    (tmp_path / "other").mkdir()
    folder = tmp_path / "a folder"
    folder.mkdir()
    file = variant(scene.files[MIMIC], folder, model_cfg__teacher__cfgs="teacher.yaml")
    (folder / "teacher.yaml").write_bytes(Path(scene.untrained).read_bytes())
    monkeypatch.chdir(folder if working_folder == "of the YAML" else tmp_path / "other")
    message = read_message(file.name if working_folder == "of the YAML" else f"../a folder/{file.name}")
    words = shlex.split(re.search(r"`python -m opengait_mimic (.*?)`", message)[1])
    flags = dict(zip(words[::2], words[1::2]))
    hosts.search.clear()  # as in a process of its own
    assert flags["--phase"] == "train" and preparing.prepare(flags["--cfgs"], "train")["evaluator_cfg"]["save_name"] == "none"
    assert hosts.find(flags["--host"]).root == hosts.current().root and flags["--output"] == str(hosts.output())


def test_gait3d_without_probes(scene, tmp_path):
    changes = {"evaluator_cfg__eval_func": "evaluate_Gait3D", "evaluator_cfg__restore_hint": 3}
    message = read_message(variant(scene.files[TEACHER], tmp_path, **changes), "test")
    assert "needs the list PROBE_SET" in message and str(scene.partition) in message and "add it" in message
