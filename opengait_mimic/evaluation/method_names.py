"""The method and the backbone of a configuration, by the names the field uses."""

from __future__ import annotations

from ..host.model_cfg import backbone_cfg
from ..metrics.protocols import content_hash

BACKBONES = {"Baseline": "GaitBase"}
"""OpenGait's class name -> the name the field uses, where they differ."""
METHODS = {"Baseline2": "Baseline-2"}
"""Our class name -> the name the field uses, where they differ."""


def name_method(cfgs: dict) -> tuple[str, str]:
    """The method and the backbone, such as ``MimicGait`` and ``GaitBase``."""
    model, inner = cfgs["model_cfg"]["model"], _inner_cfg(cfgs)
    backbone = BACKBONES.get(inner["model"], inner["model"])
    if cfgs["model_cfg"].get("backbone") is not None:
        return METHODS.get(model, model), backbone
    if "OcclusionAugmentation" in str(cfgs["trainer_cfg"].get("transform")):
        return "OcclusionAugmentation", backbone
    return "Baseline-1", backbone


def hash_backbone(cfgs: dict) -> str:
    """The hash of the backbone's ``model_cfg`` without every ``class_num``: one name, such as GaitBase, stands for several networks."""
    return content_hash(_without_class_num(_inner_cfg(cfgs)))


def _inner_cfg(cfgs: dict) -> dict:
    block = cfgs["model_cfg"].get("backbone")
    return cfgs["model_cfg"] if block is None else backbone_cfg(block, "model_cfg.backbone")[0]


def _without_class_num(value):
    if isinstance(value, dict):
        return {key: _without_class_num(each) for key, each in value.items() if key not in ("class_num", "reference_compat")}
    return [_without_class_num(each) for each in value] if isinstance(value, (list, tuple)) else value
