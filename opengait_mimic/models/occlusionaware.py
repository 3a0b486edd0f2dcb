"""OcclusionAware: a backbone guided by the VEN, trained by cross-entropy and triplets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..base.config import Count
from ..host.model_cfg import NamedStage, Stage
from .dependencies import Use
from .ven_guided import Guided, GuidedConfig


class OcclusionAwareConfig(GuidedConfig):
    """``model_cfg`` of an OcclusionAware."""

    model: Literal["OcclusionAware"] = Field("OcclusionAware", description="name of the model")
    ven: NamedStage = Field(description="frozen VEN")
    teacher: Stage | None = Field(None, description="whole-body run of the backbone, for RP alone; null: what backbone.cfgs trains")
    fused_channels: Count | None = Field(None, description="channels per part after T; null: as the backbone")


class OcclusionAware(Guided):
    """T(F(O) (+) V(O)) without a teacher: a frozen detector's mean feature joined to every part.

    .. code-block:: yaml

        model_cfg:
          model: OcclusionAware
          backbone: {cfgs: configs/gaitbase/gaitbase_da_gait3d.yaml}   # or an OpenGait model_cfg inline
          ven:
            cfgs: configs/ven/ven_gait3d.yaml   # a VEN, or (amount: false and CrossEntropyLoss alone) the paper's plain classifier
            checkpoint: auto                    # what training ven.cfgs writes; or a path
          teacher: {checkpoint: auto}           # optional, for RP alone: the whole-body run of the backbone
          SeparateBNNecks: {class_num: 3000}    # training subjects; the identity head CrossEntropyLoss needs
          fused_channels: null                  # channels per part after T: null = the backbone's c; c + 64 in the original code
          geometry: [64, 44]                    # h, w after the transforms
          binarise: 0.5                         # null leaves grey values
        loss_cfg:
          - {type: TripletLoss, log_prefix: triplet, margin: 0.2, loss_term_weight: 1.0}
          - {type: CrossEntropyLoss, log_prefix: softmax, scale: 16, log_accuracy: true, loss_term_weight: 1.0}

    Backbone, T and head are trained together from random weights; the detector is frozen. Ranked is the fused embedding, before
    the head's BatchNorm.

    Shape:
        ``forward(OccludedBatch)`` -> the host's three dictionaries; ``inference_feat.embeddings`` is ``[n, fused_channels, p]``.

    Raises:
        ConfigError: a key of ours is wrong, a loss that it does not take or that lacks its head. CheckpointError: the detector's
        weights are missing or do not fit (training only: a test needs no other weights than this model's, and the YAML files of the
        backbone and the detector).

    Source:
        Occlusion Aware ("You Can Run but not Hide", WACV 2024), its Deferred Concat: the clip's mean feature joined at the
        part-wise layer. Its code maps 256 + 64 channels of GaitGL to 320; the re-implementation next to MimicGait's code to 256.
    """

    Config = OcclusionAwareConfig
    DEPENDS = {"teacher": Use.REFERENCE, "ven": Use.FROZEN_INSIDE}

    def fused_channels(self, channels: int) -> int:
        """The width that the YAML asks for."""
        return self.cfg.fused_channels or channels

    def identity(self) -> dict:
        """With the fused width."""
        return {**super().identity(), "fused_channels": self.cfg.fused_channels}
