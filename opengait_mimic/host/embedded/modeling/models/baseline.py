"""Baseline: GaitBase."""

from __future__ import annotations

import torch

from ..base_model import BaseModel
from ..modules import (
    HorizontalPoolingPyramid,
    PackSequenceWrapper,
    SeparateBNNecks,
    SeparateFCs,
    SetBlockWrapper,
)


class Baseline(BaseModel):
    """GaitBase: per-frame backbone, max over time, horizontal strips, a linear map and a BN neck per strip.

    Source:
        Fan et al., OpenGait: Revisiting Gait Recognition Toward Better Practicality, CVPR 2023, Section 4.
    """

    def build_network(self, model_cfg):
        """Build the layers from ``backbone_cfg``, ``bin_num``, ``SeparateFCs`` and ``SeparateBNNecks``."""
        self.Backbone = SetBlockWrapper(self.get_backbone(model_cfg["backbone_cfg"]))
        self.FCs = SeparateFCs(**model_cfg["SeparateFCs"])
        self.BNNecks = SeparateBNNecks(**model_cfg["SeparateBNNecks"])
        self.HPP = HorizontalPoolingPyramid(model_cfg["bin_num"])
        self.TP = PackSequenceWrapper(torch.max)

    def forward(self, inputs):
        """Embed a batch.

        Args:
            inputs: ``(ipts, labs, typs, vies, seqL)``; ``ipts[0]`` is ``[n, s, h, w]``, ``[n, s, c, h, w]`` or packed.

        Returns:
            dict: ``training_feat``, ``visual_summary``, ``inference_feat`` with ``embeddings [n, c, p]``.
        """
        (sils, *_), labs, _, _, seqL = inputs
        sils = sils.unsqueeze(1) if sils.dim() == 4 else sils.transpose(1, 2)  # [n, c, s, h, w]
        feat = self.Backbone(sils)  # [n, c, s, h, w]
        feat = self.TP(feat, seqL, options={"dim": 2})[0]  # [n, c, h, w]
        embed = self.FCs(self.HPP(feat))  # [n, c, p]
        logits = self.BNNecks(embed)[1]  # [n, classes, p]
        return {
            "training_feat": {
                "triplet": {"embeddings": embed, "labels": labs},
                "softmax": {"logits": logits, "labels": labs},
            },
            "visual_summary": {"image/sils": sils.transpose(1, 2).flatten(0, 1)},  # [n*s, c, h, w]
            "inference_feat": {"embeddings": embed},
        }
