"""Blocks of ``model_cfg`` that name other networks: ``backbone``, ``teacher``, ``ven``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from ..base.config import Allowed, Block, Text, nearest, read_value, unknown_key
from ..base.errors import ConfigError
from .transform_inputs import refuse_several_inputs
from .yaml_check import load_cfgs


class Stage(Block):
    """A block of ``model_cfg`` that names another network: ``teacher``."""

    cfgs: Text | None = Field(None, description="OpenGait YAML that trains it; null: the backbone's")
    checkpoint: Text = Field("auto", description="path of its checkpoint; auto: the one that training cfgs writes")


class NamedStage(Stage):
    """A block of ``model_cfg`` that names another network by its YAML: ``ven``."""

    cfgs: Text = Field(description="YAML that trains it")


class BackboneFile(Block):
    """``backbone``, given by its YAML."""

    cfgs: Text = Field(description="OpenGait YAML of the backbone")


FORMS = "expected {cfgs: an OpenGait YAML}, or an OpenGait model_cfg with its `model` key"


def _check_backbone(block):
    """Check ``{cfgs: FILE}``, or an OpenGait ``model_cfg`` inline."""
    if isinstance(block, dict) and "cfgs" in block:
        try:
            BackboneFile.read(block, "")
        except ConfigError as error:
            raise ValueError(f".{error.args[0].lstrip('.')}") from error
    elif not isinstance(block, dict) or "model" not in block:
        for key in block if isinstance(block, dict) else ():
            if nearest(key, ("cfgs", "model")):
                raise ValueError(f".{unknown_key('', key, block[key], ('cfgs', 'model'))}")
        raise ValueError(FORMS)
    return block


Backbone = Annotated[Any, AfterValidator(_check_backbone), Allowed(FORMS.removeprefix("expected "))]
"""The type of a ``backbone`` block."""


def backbone_cfg(block, key: str) -> tuple[dict, dict | None]:
    """Read a ``backbone`` block.

    Args:
        block: ``{cfgs: FILE}``, or an OpenGait ``model_cfg`` inline.
        key: its YAML key, for messages.

    Returns:
        The backbone's model_cfg, and the complete configuration it comes from (None when inline).

    Raises:
        ConfigError: neither form, or the YAML of a model with several inputs. HostError: the file is not found.
    """
    if "cfgs" in read_value(Backbone, block, key):
        cfgs = load_cfgs(block["cfgs"], f"{key}.cfgs")
        refuse_several_inputs(cfgs, key)
        return cfgs["model_cfg"], cfgs
    return block, None


def cfgs_for_backbone(cfgs: dict, backbone_yaml: dict | None) -> dict:
    """The run's configuration with the data set's name from the backbone's YAML: GaitGL's depth depends on that name."""
    if backbone_yaml is None:
        return cfgs
    return {**cfgs, "data_cfg": {**cfgs["data_cfg"], "dataset_name": backbone_yaml["data_cfg"]["dataset_name"]}}


def geometry_of(cfgs: dict, pickles: tuple[int, ...] = (64, 64)) -> tuple[int, int] | None:
    """The silhouette size (h, w) that the test transforms of a YAML produce.

    Args:
        cfgs: a complete configuration.
        pickles: the size (h, w) of the frames in the data set.

    Returns:
        (h, w) in pixels, or None if the transforms do not determine it.
    """
    transform = cfgs["evaluator_cfg"]["transform"]
    steps = [step for block in transform for step in block.get("trf_cfg", [block])] if isinstance(transform, list) else []
    for step in steps if len(pickles) == 2 else ():
        h, w = pickles
        if step["type"] == "BaseSilCuttingTransform":
            return h, w - 2 * (w // 64 * 10 if step.get("cutting") is None else step["cutting"])
        if step["type"] == "BaseSilTransform" and not step.get("img_shape"):
            return h, w
    return None
