"""What OpenGait's transforms read, by class name, and how many inputs a YAML feeds its model."""

from __future__ import annotations

from ..base.errors import ConfigError

INSTEAD = "Choose a backbone that embeds silhouettes alone, such as Baseline, GaitGL or DeepGaitV2"
SILHOUETTES = ("BaseSilTransform", "BaseSilCuttingTransform")
"""Transforms that divide silhouettes by 255."""
OTHERS = {
    "BaseParsingCuttingTransform": "maps of body parts",
    "BaseRgbTransform": "colour pictures",
    "PointCloudsTransform": "points",
    "RatioHW": "the heights and widths of boxes",
    **dict.fromkeys(
        (
            *("GaitGraph1Input", "GaitGraphMultiInput", "GaitTRMultiInput", "InversePosesPre", "JointNoise", "MirrorPoses"),
            *("MSGGTransform", "NormalizeEmpty", "PointNoise", "RandomMove", "SkeletonInput"),
        ),
        "skeletons",
    ),
}
"""Transform -> the input it reads, which is not a silhouette. Any other transform reads either kind, or is the user's own."""


def inputs_of(cfgs: dict | None) -> list[str]:
    """The inputs that a YAML's test feeds its model: the transforms of each input, joined by ``+``."""
    blocks = cfgs["evaluator_cfg"].get("transform") if cfgs else None
    blocks = [blocks] if isinstance(blocks, dict) else blocks or []
    return [" + ".join(step["type"] for step in block.get("trf_cfg", [block])) for block in blocks]


def refuse_several_inputs(cfgs: dict, key: str) -> None:
    """Refuse a YAML whose model takes several inputs.

    Raises:
        ConfigError: names the number of inputs and the transforms that read them.
    """
    inputs = inputs_of(cfgs)
    if len(inputs) > 1:
        model = cfgs["model_cfg"]["model"]
        raise ConfigError(f"{key}: {model} takes {len(inputs)} inputs (read through {', '.join(inputs)}), not silhouettes alone. {INSTEAD}")
