"""Residual blocks: per frame, per frame with a branch over time, and over space and time at once."""

from __future__ import annotations

import torch.nn as nn

from .wrappers import SetBlockWrapper


class Shortcut(nn.Sequential):
    """A strided 1x1 convolution with BatchNorm, computed as a plain convolution of every `stride`-th pixel.

    The same numbers; torch 2.13's backward of the strided one on a CPU writes out of bounds for some channels-last inputs
    (8 channels of 64x64, for one).

    Args:
        inplanes, planes: channels in and out.
        stride: over height and width; never over time.
        volume: for clips ``[n, c, s, h, w]`` instead of frames ``[n, c, h, w]``.
    """

    def __init__(self, inplanes, planes, stride, volume=False):
        conv, norm = (nn.Conv3d, nn.BatchNorm3d) if volume else (nn.Conv2d, nn.BatchNorm2d)
        super().__init__(conv(inplanes, planes, 1, bias=False), norm(planes))
        self.stride = stride

    def forward(self, x):
        """Thin out, convolve, normalise."""
        return super().forward(x[..., :: self.stride, :: self.stride])

    @classmethod
    def where_needed(cls, inplanes, planes, stride, volume=False):
        """None where input and output have one shape."""
        return None if stride == 1 and inplanes == planes else cls(inplanes, planes, stride, volume)


class BasicBlock2D(nn.Module):
    """Two 3x3 convolutions with a shortcut.

    Args:
        inplanes, planes: channels in and out.
        stride: of the first convolution and the shortcut.

    Shape:
        ``[n, c_in, h, w]`` to ``[n, c_out, h / stride, w / stride]``.

    Source:
        He et al., Deep Residual Learning for Image Recognition, CVPR 2016, Section 4.1.
    """

    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = Shortcut.where_needed(inplanes, planes, stride)

    def forward(self, x):
        """Convolve and add the shortcut."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class BasicBlockP3D(nn.Module):
    """A per-frame 3x3 convolution, a 3x1x1 one over time added to it, another per-frame 3x3, and a shortcut.

    Args:
        inplanes, planes: channels in and out.
        stride: of the first convolution and the shortcut, over height and width.

    Shape:
        ``[n, c_in, s, h, w]`` to ``[n, c_out, s, h / stride, w / stride]``.

    Source:
        Fan et al., Exploring Deep Models for Practical Gait Recognition, 2023 (DeepGaitV2), after Qiu et al., ICCV 2017.
    """

    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        first = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        second = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = SetBlockWrapper(nn.Sequential(first, nn.BatchNorm2d(planes), nn.ReLU(inplace=True)))
        self.conv2 = SetBlockWrapper(nn.Sequential(second, nn.BatchNorm2d(planes)))
        self.shortcut3d = nn.Conv3d(planes, planes, (3, 1, 1), padding=(1, 0, 0), bias=False)
        self.sbn = nn.BatchNorm3d(planes)
        self.downsample = Shortcut.where_needed(inplanes, planes, stride, volume=True)

    def forward(self, x):
        """Convolve over space, add what time says, convolve over space again, add the shortcut."""
        frames = self.conv1(x)
        moved = self.relu(frames + self.sbn(self.shortcut3d(frames)))
        kept = x if self.downsample is None else self.downsample(x)
        return self.relu(self.conv2(moved) + kept)


class BasicBlock3D(nn.Module):
    """Two 3x3x3 convolutions with a shortcut.

    Args:
        inplanes, planes: channels in and out.
        stride: of the first convolution and the shortcut, over height and width.

    Shape:
        ``[n, c_in, s, h, w]`` to ``[n, c_out, s, h / stride, w / stride]``.

    Source:
        Hara et al., Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?, CVPR 2018.
    """

    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv3d(inplanes, planes, 3, (1, stride, stride), 1, bias=False)
        self.bn1 = nn.BatchNorm3d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv3d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm3d(planes)
        self.downsample = Shortcut.where_needed(inplanes, planes, stride, volume=True)

    def forward(self, x):
        """Convolve and add the shortcut."""
        kept = x if self.downsample is None else self.downsample(x)
        branch = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(branch + kept)
