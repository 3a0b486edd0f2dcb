"""What OpenGait's transforms take, by the names of their classes. Pure."""

from __future__ import annotations

SILHOUETTES = ("BaseSilTransform", "BaseSilCuttingTransform")
"""Transforms that make 0..1 of silhouettes by a division."""
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
"""Transform -> what it takes, which are no silhouettes. One that is named nowhere here takes either, as a flip does, or is a user's."""
