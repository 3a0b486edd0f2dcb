"""ResNet9, the per-frame backbone of GaitBase."""

from __future__ import annotations

import torch
import torch.nn as nn

from ..modules import BasicBlock2D as BasicBlock
from ..modules import BasicConv2d


class ResNet9(nn.Module):
    """A 3x3 stem and four stages of basic blocks.

    Args:
        block: ``BasicBlock``.
        channels: width of each stage; the stem has the first one's.
        in_channel: channels of a frame.
        layers: blocks per stage; a stage of 0 blocks passes its input on.
        strides: of each stage.
        maxpool: halve the resolution after the stem.

    Shape:
        ``[n, c, h, w]`` to ``[n, channels[3], h', w']``.

    Raises:
        ValueError: another `block`.

    Source:
        Fan et al., OpenGait: Revisiting Gait Recognition Toward Better Practicality, CVPR 2023 (GaitBase).
    """

    def __init__(
        self,
        block,
        channels=(32, 64, 128, 256),
        in_channel=1,
        layers=(1, 2, 2, 1),
        strides=(1, 2, 2, 1),
        maxpool=True,
    ):
        super().__init__()
        if block != "BasicBlock":
            raise ValueError(f"backbone_cfg.block = {block!r}; the embedded host has: BasicBlock")
        width = channels[0]
        self.conv1 = BasicConv2d(in_channel, width, 3, 1, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if maxpool else nn.Identity()
        stages = []
        for planes, depth, stride in zip(channels, layers, strides):
            blocks = []
            for i in range(depth):
                blocks.append(BasicBlock(width, planes, 1 if i else stride))
                width = planes
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def forward(self, x):
        """Run stem and stages."""
        x = self.conv1(x)
        if not x.is_cuda:  # the faster layout for training on a CPU
            x = x.contiguous(memory_format=torch.channels_last)
        x = self.maxpool(self.relu(self.bn1(x)))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return x
