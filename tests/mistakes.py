"""Mistakes in configurations and in the files they name: how each is made, and what its message must hold.

A row: the mistake, the stage it is made in, the changed keys (or the text of a partition file), and parts of the message: key, value
or file, way out. The file of the configuration is looked for as well.
"""

from __future__ import annotations

TEACHER, VEN, TWO, MIMIC = "GaitBase (teacher)", "VEN", "Baseline-2", "MimicGait"
NOWHERE = "nowhere/x.yaml"
FROM = "trainer_cfg__restore_hint"
LENIENT = {"trainer_cfg__restore_ckpt_strict": False}
TESTED = {"evaluator_cfg__restore_hint": 9}


def given(**changes):
    """A mistake that is a value: the same for every scene."""
    return lambda scene: changes


def weights(key, role, **more):
    """A mistake that is a file of another role under a key."""
    return lambda scene: {key: scene.weights[role], **more}


TEACHERS, VENS = "model_cfg__teacher__checkpoint", "model_cfg__ven__checkpoint"
ROLES = [  # the mistake, the stage, how it is made, what the message holds: file, key, value, way out
    ("a VEN as teacher", MIMIC, weights(TEACHERS, VEN), ["model_cfg.teacher.checkpoint", "VEN-seed0-00003.pt holds a VEN", "Name the"]),
    ("a mimic as teacher", MIMIC, weights(TEACHERS, MIMIC), ["model_cfg.teacher.checkpoint", "holds a MimicGait", "Name the checkpoint"]),
    (
        "a GaitGL as teacher GaitBase",
        MIMIC,
        weights(TEACHERS, "gaitgl"),
        ["model_cfg.teacher.checkpoint", "gaitgl.pt does not fit: ", "Baseline:"],
    ),
    ("a teacher as VEN", MIMIC, weights(VENS, TEACHER), ["model_cfg.ven.checkpoint", "GaitBase-seed0-00003.pt is not a VEN", "Name the"]),
    (
        "a mimic as VEN",
        MIMIC,
        weights(VENS, MIMIC),
        ["model_cfg.ven.checkpoint", "is not a VEN of ours but a MimicGait", "Name the checkpoint"],
    ),
    ("a Baseline-2 as VEN", MIMIC, weights(VENS, TWO), ["model_cfg.ven.checkpoint", "but a plain OpenGait model"]),
    (
        "a VEN of other kinds",
        MIMIC,
        weights(VENS, "ven of two"),
        ["model_cfg.ven.checkpoint", "two.pt: the checkpoint says kinds = ['none', 'top']", "Use the"],
    ),
    (
        "a mimic that starts from a VEN",
        MIMIC,
        weights(FROM, VEN),
        ["trainer_cfg.restore_hint = ", "VEN-seed0-00003.pt: the checkpoint says", "Use the YAML"],
    ),
    (
        "a mimic that starts from GaitBase",
        MIMIC,
        weights(FROM, TEACHER),
        ["trainer_cfg.restore_hint", "no checkpoint of a MimicGait", "init_mimic"],
    ),
    (
        "likewise, not strictly",
        MIMIC,
        weights(FROM, TEACHER, **LENIENT),
        ["trainer_cfg.restore_hint", "no checkpoint of a MimicGait", "init_mimic"],
    ),
    ("a VEN that starts from GaitBase", VEN, weights(FROM, TEACHER), ["trainer_cfg.restore_hint = ", "no checkpoint of a VEN", "Name a"]),
    ("likewise, not strictly", VEN, weights(FROM, TEACHER, **LENIENT), ["trainer_cfg.restore_hint = ", "no checkpoint of a VEN", "Name a"]),
    (
        "a Baseline-2 that starts from a mimic",
        TWO,
        weights(FROM, MIMIC),
        ["trainer_cfg.restore_hint = ", "it holds a MimicGait", "name one"],
    ),
    ("likewise, not strictly", TWO, weights(FROM, MIMIC, **LENIENT), ["trainer_cfg.restore_hint = ", "it holds a MimicGait", "name one"]),
    (
        "the host's own from a VEN",
        TEACHER,
        weights(FROM, VEN),
        ["trainer_cfg.restore_hint = ", "does not fit this Baseline: Missing key", "Name a"],
    ),
    ("a text as checkpoint", MIMIC, weights(TEACHERS, "text"), ["model_cfg.teacher.checkpoint", "text.pt", "is "]),
    ("a YAML as VEN's checkpoint", MIMIC, weights(VENS, "yaml"), ["model_cfg.ven.checkpoint", "ven_walkers.yaml", "is "]),
    (
        "a teacher's YAML as VEN's",
        MIMIC,
        lambda s: {"model_cfg__ven__cfgs": str(s.files[TEACHER])},
        ["model_cfg.ven.cfgs = ", "of a Baseline", "name"],
    ),
    (
        "a VEN's YAML as teacher's",
        MIMIC,
        lambda s: {"model_cfg__teacher__cfgs": str(s.files[VEN])},
        ["model_cfg.teacher.model = VEN", "give the"],
    ),
    (
        "a mimic's YAML as backbone",
        MIMIC,
        lambda s: {"model_cfg__backbone": {"cfgs": str(s.files[MIMIC])}},
        ["model_cfg.backbone.model = Mimic", "give the"],
    ),
]

MISSING = [
    ("no root", MIMIC, given(data_cfg__dataset_root="no/tree"), ["data_cfg.dataset_root: no/tree not found; tried ", "Correct the path"]),
    (
        "no partition",
        VEN,
        given(data_cfg__dataset_partition="no.json"),
        ["data_cfg.dataset_partition: no.json not found; tried ", "Correct"],
    ),
    ("the placeholder", TEACHER, given(data_cfg__dataset_root="your_path"), ["data_cfg.dataset_root = your_path; set it to the folder"]),
    (
        "no backbone",
        MIMIC,
        given(model_cfg__backbone={"cfgs": NOWHERE}),
        [f"model_cfg.backbone.cfgs: {NOWHERE} not found; tried", "Correct"],
    ),
    ("no teacher's YAML", MIMIC, given(model_cfg__teacher={"cfgs": NOWHERE}), [f"model_cfg.teacher.cfgs: {NOWHERE} not found", "Correct"]),
    (
        "no teacher",
        MIMIC,
        given(model_cfg__teacher__checkpoint="x.pt"),
        ["model_cfg.teacher.checkpoint: x.pt not found; tried ", "Correct"],
    ),
    (
        "teacher not trained",
        MIMIC,
        lambda s: {"model_cfg__teacher__cfgs": s.untrained},
        ["teacher.checkpoint: auto expects", "Train it first with", "--phase train --cfgs /", ".yaml --host ", "the --output where"],
    ),
    ("no VEN's YAML", MIMIC, given(model_cfg__ven={"cfgs": NOWHERE}), [f"model_cfg.ven.cfgs: {NOWHERE} not found; tried ", "Correct"]),
    ("no VEN", MIMIC, given(model_cfg__ven__checkpoint="y.pt"), ["model_cfg.ven.checkpoint: y.pt not found; tried ", "Correct the path"]),
    ("no weights to start from", TWO, given(**{FROM: "z.pt"}), ["trainer_cfg.restore_hint: z.pt not found; tried ", "Correct the path"]),
    ("no such iteration", TWO, given(**{FROM: 7}), ["trainer_cfg.restore_hint = 7: ", "Baseline2-seed0-00003.pt", "or give --iter K"]),
    ("no such iteration to test", VEN, given(**TESTED), ["evaluator_cfg.restore_hint = 9: ", "VEN-seed0-00003.pt", "Train first"]),
]

DATA = [
    ("a partition that is no JSON", TWO, {"parts": "{"}, ["data_cfg.dataset_partition = ", "parts.json: not a JSON file", "expected {"]),
    (
        "a partition in bytes",
        TWO,
        {"parts": b"\xff\xfe\x00"},
        ["data_cfg.dataset_partition = ", "parts.json: not a JSON file", "expected {"],
    ),
    ("a partition that is a list", VEN, {"parts": "[]"}, ["data_cfg.dataset_partition = ", "(TRAIN_SET = None)", "expected {"]),
    ("without TEST_SET", VEN, {"parts": '{"TRAIN_SET": ["0001"]}'}, ["data_cfg.dataset_partition = ", "(TEST_SET = None)", "expected {"]),
    ("numbers as labels", VEN, {"parts": '{"TRAIN_SET": [1], "TEST_SET": []}'}, ["dataset_partition = ", "(TRAIN_SET = [1])", "labels as"]),
    (
        "other subjects",
        TWO,
        {"parts": '{"TRAIN_SET": ["9"], "TEST_SET": []}'},
        ["data_cfg.dataset_root = ", "0 of its 1 subjects", "expected <root>"],
    ),
    (
        "a file as root",
        TWO,
        lambda s: {"data_cfg__dataset_root": str(s.partition)},
        ["data_cfg.dataset_root = ", ": a file; name the folder"],
    ),
    (
        "nothing in use",
        TWO,
        given(data_cfg__data_in_use=[False]),
        ["data_cfg.data_in_use = [False]; expected which files of a sequence are read", "null: all"],
    ),
    ("a word in use", TEACHER, given(data_cfg__data_in_use="0"), ["data_cfg.data_in_use = '0'; expected which files of a sequence"]),
    (
        "a batch of too many",
        TWO,
        given(trainer_cfg__sampler__batch_size=[9, 2]),
        ["trainer_cfg.sampler.batch_size = [9, 2]", "has 8 in", "lower P"],
    ),
    (
        "a batch without K",
        TEACHER,
        given(trainer_cfg__sampler__batch_size=8),
        ["trainer_cfg.sampler.batch_size = 8; TripletSampler takes [P, K]"],
    ),
    (
        "too few classes",
        TEACHER,
        given(model_cfg__SeparateBNNecks__class_num=7),
        ["model_cfg.SeparateBNNecks.class_num = 7", "set it to 8"],
    ),
]

TYPES = [
    ("milestones that are a number", TWO, given(scheduler_cfg__milestones=10), ["scheduler_cfg.milestones = 10; expected a list of steps"]),
    (
        "milestones that are text",
        TEACHER,
        given(scheduler_cfg__milestones="10, 20"),
        ["scheduler_cfg.milestones = '10, 20'; expected a list"],
    ),
    ("a rate below 0", TEACHER, given(optimizer_cfg__lr=-1), ["optimizer_cfg: ", "lr = -1", "cannot be made: Invalid", "See its page"]),
    (
        "an argument of torch's",
        TWO,
        given(optimizer_cfg__betas=3),
        ["optimizer_cfg: Adam with ", "betas = 3", "cannot be made", "See its page"],
    ),
    ("a word for a number", MIMIC, given(trainer_cfg__total_iter="many"), ["trainer_cfg.total_iter = 'many'; expected a whole number"]),
    ("a switch in quotes", MIMIC, given(trainer_cfg__sync_BN="no"), ["trainer_cfg.sync_BN = 'no'; expected true or false"]),
    ("a misspelt key", MIMIC, given(trainer_cfg__total_iters=3), ["trainer_cfg.total_iters: unknown key (did you mean 'total_iter'?)"]),
    ("a block that is none", MIMIC, given(model_cfg__teacher=3), ["model_cfg.teacher: expected a mapping with the keys", "got 3"]),
    ("a null block of the host's", TEACHER, given(trainer_cfg=None), ["trainer_cfg = None; expected a mapping"]),
    ("two data sets", TEACHER, given(data_cfg=[{}, {}]), ["data_cfg: a list; several data sets at once are not supported here; name one"]),
    ("an unknown model", TEACHER, given(model_cfg__model="Basline"), ["model_cfg.model: 'Basline' is not in ", "did you mean 'Baseline'?"]),
    (
        "an unknown backbone",
        TWO,
        given(model_cfg__backbone={"model": "GaitBace"}),
        ["model_cfg.backbone.model: 'GaitBace' is not in", "Known: "],
    ),
    ("an unknown loss", MIMIC, given(loss_cfg__0__type="MickyLoss"), ["loss_cfg.type", "'MickyLoss'", "did you mean"]),
    (
        "an unknown evaluation",
        VEN,
        given(evaluator_cfg__eval_func="evaluate_ven", evaluator_cfg__restore_hint=3),
        ["evaluator_cfg.eval_func: 'evaluate_ven'", "Known: "],
    ),
    (
        "sizes that differ",
        MIMIC,
        given(model_cfg__geometry=[64, 64]),
        ["model_cfg.ven.cfgs = ", "model_cfg.geometry = [64, 64]", "change these"],
    ),
]

TEXTS = [
    ("a list", "- a\n- b\n", ["is not a configuration", "got a list", "opengait-mimic list"]),
    ("empty", "", ["is not a configuration", "got nothing", "opengait-mimic list"]),
    ("no YAML", "a: [b\n", ["cannot read", "line 2", "Correct that place"]),
    ("bytes", b"\x80\x02\xff\x00", ["cannot read", "as YAML text", "name another file"]),
    ("a number", "3\n", ["is not a configuration", "got a int", "opengait-mimic list"]),
]
