"""The networks that the rows of the tables are, each as a shipped configuration and what is changed in it."""

from __future__ import annotations

from typing import Any, NamedTuple

BACKBONES = {"gaitbase": "GaitBase", "gaitgl": "GaitGL", "deepgaitv2": "DeepGaitV2"}  # in file names -> as the paper writes them


class Net(NamedTuple):
    """One network.

    The name in `NETS` is part of the names its weights and results are kept under, unless it is ``shipped``: the configuration as it
    is. Suites in one folder share their networks.

    ``shipped``: the folder below ``configs/``, which is also the first word of the file. ``ven``: the name in `VENS` of the VEN that
    guides it. ``changes``: dotted key -> value. ``weights``: the name in `NETS` of the network whose weights it takes; it is only
    tested, in another way. ``teacher``: the name in `NETS` of the network that teaches it and divides its RP.
    """

    shipped: str
    ven: str | None = None
    changes: dict[str, Any] = {}
    weights: str = ""
    teacher: str = "baseline1"


def switch(block: str, **values) -> dict[str, Any]:
    """Changes that set switches of the ``reference_compat`` of a block."""
    return {f"{block}.reference_compat.{key}": value for key, value in values.items()}


def hiding(**values) -> dict[str, Any]:
    """Changes that set switches of both ``occlusion`` blocks, of training and of the test."""
    return {**switch("trainer_cfg.occlusion", **values), **switch("evaluator_cfg.occlusion", **values)}


def kinds(trained: dict, tested: dict) -> dict[str, Any]:
    """Changes to the kinds that training and the test hide."""
    return {"trainer_cfg.occlusion.kinds": trained, "evaluator_cfg.occlusion.kinds": tested}


KIND_LOSS = {
    "type": "CrossEntropyLoss", "log_prefix": "kind", "scale": 1, "label_smooth": False, "log_accuracy": True, "loss_term_weight": 1.0,
}  # fmt: skip
HEAD_LOSS = {"type": "CrossEntropyLoss", "log_prefix": "softmax", "scale": 16, "log_accuracy": True, "loss_term_weight": 1.0}
MICKD = {"type": "MiCKDLoss", "log_prefix": "mickd", "margin": 0.2, "distance": "parts", "loss_term_weight": 1.0}
L2 = {"type": "L2DistillationLoss", "log_prefix": "l2", "loss_term_weight": 1.0}

FIVE = ("top", "bottom", "middle", "patch", "pole")
EVEN = {"none": 0.2, **dict.fromkeys(FIVE, 0.16)}
FIVE_VEN = {"model_cfg.kinds": ["none", *FIVE], **kinds(EVEN, EVEN)}
FIVE_NET = kinds(EVEN, dict.fromkeys(FIVE, 0.2))
WIDE = {"trainer_cfg.transform.0.trf_cfg.0.type": "BaseSilTransform", "evaluator_cfg.transform.0.type": "BaseSilTransform"}
SQUARE = {**WIDE, "model_cfg.geometry": [64, 64]}
ALL = {"trainer_cfg.occlusion.reference_compat": "all", "evaluator_cfg.occlusion.reference_compat": "all"}

VENS: dict[str, dict[str, Any]] = {  # name -> changes to ven/ven_walkers.yaml
    "ven": {},
    "class-only": {"model_cfg.amount": False, "loss_cfg": [KIND_LOSS]},  # as Occlusion Aware's detector
    "input_255": switch("model_cfg", input_255=True),
    "kept_amount": switch("model_cfg", kept_amount=True),
    "double_softmax": switch("model_cfg", double_softmax=True),
    "trim_columns": hiding(trim_columns=True),
    "64x64": SQUARE,
    "five": FIVE_VEN,
    "five-moving": {**FIVE_VEN, **hiding(moving="published")},
    "five-sizes": {**FIVE_VEN, **hiding(sizes="published")},
    "all": {**SQUARE, **ALL, "model_cfg.reference_compat": "all"},
}

SHARED = switch("evaluator_cfg.occlusion", shared_draw={"processes": 8, "test_batch": 16})
SUBJECTS = switch("evaluator_cfg.occlusion", shared_draw={"processes": 1, "test_batch": 12})  # walkers: 12 sequences a subject
OWN_TEACHER = {"loss_cfg.0.positives": ["own_teacher"]}
NO_VEN = {"model_cfg.ven": None}
PUBLISHED = {
    **SQUARE,
    **ALL,
    "model_cfg.reference_compat": "all",
    **switch("loss_cfg.0", all=True, relabel_by_position=False),  # the published main results do not use that loss
}
NETS: dict[str, Net] = {
    "baseline1": Net("baseline1"),
    "baseline2": Net("baseline2"),
    "occlusionaware": Net("occlusionaware", "ven"),
    "detector": Net("occlusionaware", "class-only"),  # as MimicGait's Table 4 has it; the original: 9 classes, 320 channels
    "mimicgait": Net("mimicgait", "ven"),
    "class-only": Net("mimicgait", "class-only"),
    "vanilla": Net("mimicgait", None, NO_VEN),
    "vanilla-l2": Net("mimicgait", None, {**NO_VEN, "loss_cfg": [L2]}),
    "vanilla-xe": Net("mimicgait", None, {**NO_VEN, "model_cfg.SeparateBNNecks": {"class_num": 1}, "loss_cfg": [MICKD, HEAD_LOSS]}),
    # the public code's departures, one by one
    "bare": Net("mimicgait", "ven", switch("model_cfg", rank="bare"), weights="mimicgait"),
    "shared": Net("mimicgait", "ven", SHARED, weights="mimicgait"),
    "shared-subject": Net("mimicgait", "ven", SUBJECTS, weights="mimicgait"),
    "live_teacher": Net("mimicgait", "ven", switch("model_cfg", live_teacher=True)),
    "grey_whole": Net("mimicgait", "ven", hiding(grey_whole=True)),
    "teacher_anchors": Net("mimicgait", "ven", switch("loss_cfg.0", teacher_anchors=True)),
    "l2_normalised": Net("mimicgait", "ven", switch("loss_cfg.0", l2_normalised=True)),
    "own_teacher": Net("mimicgait", "ven", OWN_TEACHER),
    "relabel_by_position": Net("mimicgait", "ven", {**OWN_TEACHER, **switch("loss_cfg.0", relabel_by_position=True)}),
    **{name: Net("mimicgait", name) for name in ("input_255", "kept_amount", "double_softmax", "trim_columns")},
    "teacher-64x64": Net("baseline1", None, WIDE),
    "64x64": Net("mimicgait", "64x64", SQUARE, teacher="teacher-64x64"),
    "any_geometry": Net("mimicgait", "64x64", {**SQUARE, **switch("model_cfg", any_geometry=True)}),
    "five": Net("mimicgait", "five", FIVE_NET),
    "five-shared": Net("mimicgait", "five", {**FIVE_NET, **SHARED}, weights="five"),
    "five-moving": Net("mimicgait", "five-moving", {**FIVE_NET, **hiding(moving="published")}),
    "five-sizes": Net("mimicgait", "five-sizes", {**FIVE_NET, **hiding(sizes="published")}),
    "all": Net("mimicgait", "all", PUBLISHED),
}
