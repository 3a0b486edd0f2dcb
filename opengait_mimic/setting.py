"""What a configuration says about its test: which method, which backbone, whose whole-body score RP divides by, which protocol."""

from __future__ import annotations

import json
from pathlib import Path

from .config import ConfigError
from .host import load_cfgs
from .protocol import BOTH, is_probe

BACKBONES = {"Baseline": "GaitBase"}  # OpenGait's class name -> the name the field uses
METHODS = {"Baseline2": "Baseline-2"}
DEFAULT = {"kinds": {"top": 0.5, "bottom": 0.5}, "hidden": [0.4, 0.6], "protocol": BOTH, "seed": 0}
"""The papers' setting; used where the YAML has no ``evaluator_cfg.occlusion``."""


def who(cfgs: dict) -> tuple[str, str]:
    """The method and the backbone of a configuration, by the names the field uses."""
    name, wrapped = cfgs["model_cfg"]["model"], cfgs["model_cfg"].get("backbone")
    if wrapped is not None:
        from .models.subnetwork import backbone_cfg

        inner = backbone_cfg(wrapped, "model_cfg.backbone")[0]["model"]
        return METHODS.get(name, name), BACKBONES.get(inner, inner)
    if "OcclusionAugmentation" in str(cfgs["trainer_cfg"].get("transform")):
        return "OcclusionAugmentation", BACKBONES.get(name, name)
    return "Baseline-1", BACKBONES.get(name, name)


def teacher_cfgs(cfgs: dict) -> tuple[dict | None, str]:
    """The configuration of the backbone's teacher, ready to be tested on this run's data; or None and why not."""
    from .models.subnetwork import CheckpointError, around, backbone_cfg, checkpoint_file

    model_cfg = cfgs["model_cfg"]
    stage = model_cfg.get("teacher") or {}
    if stage.get("cfgs"):
        found = load_cfgs(stage["cfgs"], "model_cfg.teacher.cfgs")
    else:
        found = backbone_cfg(model_cfg.get("backbone"), "model_cfg.backbone")[1]
    if found is None:
        return None, "the backbone is given inline, so its whole-body run is unknown: name teacher.cfgs, or pass --reference"
    try:
        file = checkpoint_file(stage.get("checkpoint", "auto"), found, "model_cfg.teacher.checkpoint")
    except CheckpointError as error:
        return None, f"no whole-body run of the backbone: {error} Or pass --reference"
    evaluator = {**found["evaluator_cfg"], "restore_hint": str(file), "sampler": cfgs["evaluator_cfg"]["sampler"]}
    return {**found, "data_cfg": around(cfgs, found)["data_cfg"], "evaluator_cfg": evaluator}, ""


def known_protocol(cfgs: dict) -> tuple[str, frozenset]:
    """The test set's name, and its ``PROBE_SET`` (empty where it has none).

    Raises:
        ConfigError: a data set without a protocol.
    """
    data = cfgs["data_cfg"]
    dataset = data.get("test_dataset_name") or data["dataset_name"]
    probe_set = frozenset(json.loads(Path(data["dataset_partition"]).read_text()).get("PROBE_SET", ()))
    try:
        is_probe(dataset, "-", "-", "-", probe_set)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return dataset, probe_set
