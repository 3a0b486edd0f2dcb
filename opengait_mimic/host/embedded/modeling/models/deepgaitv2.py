"""DeepGaitV2: a deeper GaitBase, per frame or with convolutions over time."""

from __future__ import annotations

import torch
import torch.nn as nn

from ..base_model import BaseModel
from ..modules import (
    BasicBlock2D,
    BasicBlock3D,
    BasicBlockP3D,
    HorizontalPoolingPyramid,
    PackSequenceWrapper,
    SeparateBNNecks,
    SeparateFCs,
    SetBlockWrapper,
)

BLOCKS = {"2d": BasicBlock2D, "p3d": BasicBlockP3D, "3d": BasicBlock3D}
STRIDES = (1, 2, 2, 1)  # of the four stages, over height and width
WIDTHS = (44, 88)  # of a silhouette
PARTS = 16


class DeepGaitV2(BaseModel):
    """A stem and four stages of residual blocks, max over time, 16 strips, a linear map and a BN neck per strip.

    Every stage but the first uses the block that `mode` names: ``2d``, ``p3d`` or ``3d``. A stage has at least one block.

    .. code-block:: yaml

        model_cfg:
          model: DeepGaitV2
          Backbone: {in_channels: 1, mode: p3d, layers: [1, 4, 4, 1], channels: [64, 128, 256, 512]}
          SeparateBNNecks: {class_num: 3000}
          use_emb2: false   # true: rank the normalised features of the BN neck

    Raises:
        ValueError: another `mode`.

    Source:
        Fan et al., Exploring Deep Models for Practical Gait Recognition, 2023.
    """

    def build_network(self, model_cfg):
        """Build the layers from ``Backbone`` and ``SeparateBNNecks``."""
        cfg = model_cfg["Backbone"]
        mode, (stem, *_), classes = cfg["mode"], cfg["channels"], model_cfg["SeparateBNNecks"]["class_num"]
        if mode not in BLOCKS:
            raise ValueError(f"model_cfg.Backbone.mode = {mode!r}; allowed: {', '.join(BLOCKS)}")
        self.ranks_neck = model_cfg.get("use_emb2", False)
        first = nn.Conv2d(cfg["in_channels"], stem, 3, padding=1, bias=False)
        self.layer0 = SetBlockWrapper(nn.Sequential(first, nn.BatchNorm2d(stem), nn.ReLU(inplace=True)))
        width = stem
        for i, (planes, depth, stride) in enumerate(zip(cfg["channels"], cfg["layers"], STRIDES)):
            block = BLOCKS[mode] if i else BasicBlock2D
            blocks = [block(planes if j else width, planes, 1 if j else stride) for j in range(max(1, depth))]
            stage, width = nn.Sequential(*blocks), planes
            self.add_module(f"layer{i + 1}", SetBlockWrapper(stage) if block is BasicBlock2D else stage)
        *_, inner, outer = cfg["channels"]
        self.FCs = SeparateFCs(PARTS, outer, inner)
        self.BNNecks = SeparateBNNecks(PARTS, inner, classes)
        self.TP = PackSequenceWrapper(torch.max)
        self.HPP = HorizontalPoolingPyramid([PARTS])

    def forward(self, inputs):
        """Embed a batch.

        Args:
            inputs: ``(ipts, labs, typs, vies, seqL)``; ``ipts[0]`` is ``[n, s, h, w]``, ``[n, s, c, h, w]`` or packed, with a
                width of 44 or 88. Convolutions over time run over the borders of packed clips.

        Returns:
            dict: ``training_feat``, ``visual_summary``, ``inference_feat`` with ``embeddings [n, c, p]``.
        """
        (sils, *_), labs, _, _, seqL = inputs
        if sils.shape[-1] not in WIDTHS:
            raise ValueError(f"DeepGaitV2 takes silhouettes of a width of {' or '.join(map(str, WIDTHS))}, got {sils.shape[-1]}")
        sils = sils.unsqueeze(1) if sils.dim() == 4 else sils.transpose(1, 2)  # [n, c, s, h, w]
        feat = self.layer0(sils)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            feat = stage(feat)  # [n, c, s, h, w]
        embed = self.FCs(self.HPP(self.TP(feat, seqL, options={"dim": 2})[0]))  # [n, c, p]
        neck, logits = self.BNNecks(embed)  # [n, c, p], [n, classes, p]
        return {
            "training_feat": {
                "triplet": {"embeddings": embed, "labels": labs},
                "softmax": {"logits": logits, "labels": labs},
            },
            "visual_summary": {"image/sils": sils.transpose(1, 2).flatten(0, 1)},  # [n*s, c, h, w]
            "inference_feat": {"embeddings": neck if self.ranks_neck else embed},
        }
