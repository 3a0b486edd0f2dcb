"""Which networks there are, and which of them make up a suite: every row of every table as data."""

from __future__ import annotations

from typing import Any, NamedTuple

BACKBONES = {"gaitbase": "GaitBase", "gaitgl": "GaitGL", "deepgaitv2": "DeepGaitV2"}  # in file names -> as the paper writes them


class Net(NamedTuple):
    """One network: the shipped configuration it starts from and what is changed in it.

    ``shipped``: the folder below ``configs/``, which is also the first word of the file. ``ven``: the name in `VENS` of the VEN it
    is guided by. ``changes``: dotted key -> value. ``weights``: name in `NETS` of the network whose weights it takes: it is only
    tested, in another way.

    The name in `NETS` is part of the names its weights and results are kept under, unless it is ``shipped``: the configuration
    as it is. Suites in one folder share their networks.
    """

    shipped: str
    ven: str | None = None
    changes: dict[str, Any] = {}
    weights: str = ""


KIND_LOSS = {
    "type": "CrossEntropyLoss", "log_prefix": "kind", "scale": 1, "label_smooth": False, "log_accuracy": True, "loss_term_weight": 1.0,
}  # fmt: skip
HEAD_LOSS = {"type": "CrossEntropyLoss", "log_prefix": "softmax", "scale": 16, "log_accuracy": True, "loss_term_weight": 1.0}
MICKD = {"type": "MiCKDLoss", "log_prefix": "mickd", "margin": 0.2, "distance": "parts", "loss_term_weight": 1.0}

VENS: dict[str, dict[str, Any]] = {  # name -> changes to ven/ven_walkers.yaml
    "ven": {},
    "class-only": {"model_cfg.amount": False, "loss_cfg": [KIND_LOSS]},  # classification alone, as Occlusion Aware's detector
}

NETS: dict[str, Net] = {
    "baseline1": Net("baseline1"),
    "baseline2": Net("baseline2"),
    "occlusionaware": Net("occlusionaware", "class-only"),
    "aware-ven": Net("occlusionaware", "ven"),
    "mimicgait": Net("mimicgait", "ven"),
    "class-only": Net("mimicgait", "class-only"),
    "vanilla": Net("mimicgait", None, {"model_cfg.ven": None}),
    "vanilla-l2": Net(
        "mimicgait",
        None,
        {"model_cfg.ven": None, "loss_cfg": [{"type": "L2DistillationLoss", "log_prefix": "l2", "loss_term_weight": 1.0}]},
    ),
    "vanilla-xe": Net(
        "mimicgait",
        None,
        {"model_cfg.ven": None, "model_cfg.SeparateBNNecks": {"class_num": 200}, "loss_cfg": [MICKD, HEAD_LOSS]},
    ),
}


class Suite(NamedTuple):
    """One table: its title, the backbones it is made for and, for each of them, label -> name in `NETS`."""

    title: str
    backbones: tuple[str, ...]
    rows: dict[str, str]


SUITES = {
    "main": Suite(
        "methods under occlusion",
        ("gaitbase", "gaitgl", "deepgaitv2"),
        {"Baseline-1": "baseline1", "Baseline-2": "baseline2", "Occlusion Aware": "occlusionaware", "MimicGait": "mimicgait"},
    ),
    "ablation": Suite(
        "what the mimic is trained by, without a VEN",
        ("gaitbase",),
        {
            "No KD (Baseline-2)": "baseline2",
            "L2 KD": "vanilla-l2",
            "MiCKD (vanilla mimic)": "vanilla",
            "MiCKD + XE": "vanilla-xe",
        },
    ),
    "ven": Suite(
        "what guides, with and without a teacher",
        ("gaitbase",),
        {
            "Baseline-2": "baseline2",
            "Occlusion Aware": "occlusionaware",
            "VEN": "aware-ven",
            "Vanilla mimic": "vanilla",
            "Mimic + Occlusion Aware": "class-only",
            "Mimic + VEN": "mimicgait",
        },
    ),
}
