"""GaitGL: 3-D convolutions on the whole body and on horizontal slices of it."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from ..base_model import BaseModel
from ..modules import BasicConv3d, PackSequenceWrapper, SeparateBNNecks, SeparateFCs

DEEP = ("OUMVLP", "GREW")  # data sets whose GaitGL has two convolutions a stage
PARTS = 64


class GLConv(nn.Module):
    """A convolution of the whole map and one of each of its horizontal slices, each through a leaky ReLU.

    Args:
        in_channels, out_channels: widths.
        slices: how many horizontal slices.
        stacked: put the two results on top of each other instead of adding them.

    Shape:
        ``[n, c_in, s, h, w]`` to ``[n, c_out, s, h, w]``, or to ``[n, c_out, s, 2h, w]`` when stacked.

    Source:
        Lin et al., Gait Recognition via Effective Global-Local Feature Representation and Local Temporal Aggregation,
        ICCV 2021, Section 3.4.
    """

    def __init__(self, in_channels, out_channels, slices, stacked=False):
        super().__init__()
        self.slices, self.stacked = slices, stacked
        self.global_conv3d = BasicConv3d(in_channels, out_channels)
        self.local_conv3d = BasicConv3d(in_channels, out_channels)

    def forward(self, x):
        """Convolve both ways and join."""
        apart = x.unflatten(3, (self.slices, -1)).movedim(3, 1).flatten(0, 1)  # [n*slices, c, s, h/slices, w]
        local = self.local_conv3d(apart).unflatten(0, (-1, self.slices)).movedim(1, 3).flatten(3, 4)
        both = F.leaky_relu(self.global_conv3d(x)), F.leaky_relu(local)
        return torch.cat(both, 3) if self.stacked else both[0] + both[1]


class GeMHPP(nn.Module):
    """Generalised-mean pooling of each of 64 strips: (mean of x^p)^(1/p), p learned from 6.5.

    Shape:
        ``[n, c, h, w]`` to ``[n, c, 64]``; h * w a multiple of 64.

    Source:
        Radenovic et al., Fine-tuning CNN Image Retrieval with No Human Annotation, TPAMI 2019, Equation 3.
    """

    def __init__(self):
        super().__init__()
        self.p = nn.Parameter(torch.full((1,), 6.5))

    def forward(self, x):
        """Pool; values below 1e-6 count as 1e-6."""
        strips = x.flatten(2).unflatten(2, (PARTS, -1))  # [n, c, 64, h*w/64]
        return strips.clamp(min=1e-6).pow(self.p).mean(-1).pow(1 / self.p)


class GaitGL(BaseModel):
    """3-D convolutions with a stride of 3 over time, global-local stages, max over time, 64 strips, a linear map per strip.

    ``data_cfg.dataset_name`` decides the depth: OUMVLP and GREW have two convolutions a stage, two slices and four
    `channels`; any other data set one convolution, eight slices and three `channels`. The embedding is the output of the
    BatchNorm head, or with ``SeparateBNNecks`` its input.

    .. code-block:: yaml

        model_cfg:
          model: GaitGL
          channels: [32, 64, 128]   # [32, 64, 128, 256] for OUMVLP and GREW
          class_num: 74
          SeparateBNNecks: {class_num: 74, in_channels: 128, parts_num: 64}   # optional, in place of class_num

    Raises:
        ValueError: `channels` has the other depth's length.

    Source:
        Lin et al., ICCV 2021 (see `GLConv`).
    """

    def build_network(self, model_cfg):
        """Build the layers from ``channels`` and ``class_num`` or ``SeparateBNNecks``."""
        channels, name = model_cfg["channels"], self.cfgs["data_cfg"]["dataset_name"]
        deep = name in DEEP
        if len(channels) != 3 + deep:
            raise ValueError(
                f"model_cfg.channels = {channels}: GaitGL takes {3 + deep} for data_cfg.dataset_name {name!r}"
                f" (4 for {' and '.join(DEEP)}, 3 for any other)"
            )
        stem, out, repeats, slices = channels[0], channels[-1], 1 + deep, 2 if deep else 8

        def stage(width, planes, stacked=False):
            convs = [GLConv(planes if i else width, planes, slices, stacked and i == repeats - 1) for i in range(repeats)]
            return nn.Sequential(*convs) if deep else convs[0]

        first = [layer for i in range(repeats) for layer in (BasicConv3d(stem if i else 1, stem), nn.LeakyReLU(inplace=True))]
        self.conv3d = nn.Sequential(*first)
        self.LTA = nn.Sequential(BasicConv3d(stem, stem, (3, 1, 1), (3, 1, 1), 0), nn.LeakyReLU(inplace=True))
        self.GLConvA0 = stage(stem, channels[1])
        self.GLConvA1 = stage(channels[1], channels[2])
        self.GLConvB2 = stage(channels[2], out, stacked=True)
        self.TP = PackSequenceWrapper(torch.max)
        self.HPP = GeMHPP()
        self.Head0 = SeparateFCs(PARTS, out, out)
        self.necked = "SeparateBNNecks" in model_cfg
        if self.necked:
            self.BNNecks = SeparateBNNecks(**model_cfg["SeparateBNNecks"])
        else:
            self.Bn = nn.BatchNorm1d(out)
            self.Head1 = SeparateFCs(PARTS, out, model_cfg["class_num"])

    def forward(self, inputs):
        """Embed a batch.

        Args:
            inputs: ``(ipts, labs, typs, vies, seqL)``; ``ipts[0]`` is ``[n, s, h, w]``. In eval mode one clip, whose seqL is
                ignored. A clip of less than 3 frames is repeated.

        Returns:
            dict: ``training_feat``, ``visual_summary``, ``inference_feat`` with ``embeddings [n, c, 64]``.

        Raises:
            ValueError: several clips in eval mode; packed clips in training mode (the stride over time loses their borders).
        """
        (sils, *_), labs, _, _, seqL = inputs
        if self.training and seqL is not None:
            raise ValueError("GaitGL strides over time, so it trains on clips of one length: choose a fixed_* sample_type")
        if not self.training and len(labs) != 1:
            raise ValueError(f"GaitGL takes one sequence at a time in eval mode, got {len(labs)}")
        sils = sils.unsqueeze(1)  # [n, 1, s, h, w]
        if sils.shape[2] < 3:
            sils = torch.cat([sils] * (4 - sils.shape[2]), 2)
        feat = self.GLConvA0(self.LTA(self.conv3d(sils)))  # [n, c, s/3, h, w]
        feat = self.GLConvA1(F.max_pool3d(feat, (1, 2, 2)))
        feat = self.TP(self.GLConvB2(feat), None, options={"dim": 2})[0]  # [n, c, h, w]
        gait = self.Head0(self.HPP(feat))  # [n, c, 64]
        if self.necked:
            embed, logits = gait, self.BNNecks(gait)[1]
        else:
            embed = self.Bn(gait)
            logits = self.Head1(embed)
        return {
            "training_feat": {
                "triplet": {"embeddings": embed, "labels": labs},
                "softmax": {"logits": logits, "labels": labs},
            },
            "visual_summary": {"image/sils": sils.transpose(1, 2).flatten(0, 1)},  # [n*s, 1, h, w]
            "inference_feat": {"embeddings": embed},
        }
