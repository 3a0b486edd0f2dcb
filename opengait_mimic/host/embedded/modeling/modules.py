"""Building blocks of silhouette models."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from .blocks import BasicBlock2D, BasicBlock3D, BasicBlockP3D
from .wrappers import PackSequenceWrapper, SetBlockWrapper

__all__ = [
    "BasicBlock2D",
    "BasicBlock3D",
    "BasicBlockP3D",
    "BasicConv2d",
    "BasicConv3d",
    "HorizontalPoolingPyramid",
    "PackSequenceWrapper",
    "SeparateBNNecks",
    "SeparateFCs",
    "SetBlockWrapper",
]


def _xavier(*shape):
    """A new parameter, Xavier-uniform."""
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(*shape)))


class BasicConv2d(nn.Module):
    """2-D convolution without bias.

    Args:
        in_channels, out_channels, kernel_size, stride, padding: as in ``nn.Conv2d``.
        **kwargs: further arguments of ``nn.Conv2d``.

    Shape:
        ``[n, c_in, h, w]`` to ``[n, c_out, h', w']``.
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride, padding, **kwargs):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=False, **kwargs)

    def forward(self, x):
        """Convolve."""
        return self.conv(x)


class BasicConv3d(nn.Module):
    """3-D convolution.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, bias: as in ``nn.Conv3d``.
        **kwargs: further arguments of ``nn.Conv3d``.

    Shape:
        ``[n, c_in, s, h, w]`` to ``[n, c_out, s', h', w']``.
    """

    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False, **kwargs):
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, out_channels, kernel_size, stride, padding, bias=bias, **kwargs)

    def forward(self, x):
        """Convolve."""
        return self.conv3d(x)


class HorizontalPoolingPyramid:
    """Cuts a feature map into horizontal strips and pools each: mean + max.

    Args:
        bin_num: numbers of strips, one per level of the pyramid; default 16, 8, 4, 2, 1.

    Shape:
        ``[n, c, h, w]`` to ``[n, c, p]``, p = sum of `bin_num`.

    Source:
        Fu et al., Horizontal Pyramid Matching for Person Re-identification, AAAI 2019.
    """

    def __init__(self, bin_num=None):
        self.bin_num = [16, 8, 4, 2, 1] if bin_num is None else bin_num

    def __call__(self, x):
        """Pool."""
        h, w = x.shape[-2:]
        bad = [b for b in self.bin_num if h * w % b]
        if bad:
            raise ValueError(f"bin_num = {self.bin_num}: a feature map of {h}x{w} cannot be cut into {bad} strips")
        flat = x.flatten(2)  # [n, c, h*w]
        strips = [flat.unflatten(2, (b, -1)) for b in self.bin_num]  # [n, c, b, h*w/b]
        return torch.cat([z.mean(-1) + z.max(-1).values for z in strips], -1)


class SeparateFCs(nn.Module):
    """One linear map per part, no bias.

    Args:
        parts_num: number of parts p.
        in_channels, out_channels: widths.
        norm: L2-normalise the columns of the weights first.

    Shape:
        ``[n, c_in, p]`` to ``[n, c_out, p]``; weights ``fc_bin [p, c_in, c_out]``.
    """

    def __init__(self, parts_num, in_channels, out_channels, norm=False):
        super().__init__()
        self.norm = norm
        self.fc_bin = _xavier(parts_num, in_channels, out_channels)

    def forward(self, x):
        """Map every part."""
        weight = F.normalize(self.fc_bin, dim=1) if self.norm else self.fc_bin
        return torch.einsum("ncp,pcd->ndp", x, weight).contiguous()


class SeparateBNNecks(nn.Module):
    """Batch normalisation and a classifier per part.

    Args:
        parts_num: number of parts p.
        in_channels: width of the embedding.
        class_num: number of training subjects.
        norm: cosine logits (both sides L2-normalised) instead of a plain linear map.
        parallel_BN1d: one BatchNorm1d over all parts instead of one per part.

    Shape:
        ``[n, c, p]`` to features ``[n, c, p]`` and logits ``[n, classes, p]``.

    Source:
        Luo et al., Bag of Tricks and a Strong Baseline for Deep Person Re-Identification, CVPR workshops 2019.
    """

    def __init__(self, parts_num, in_channels, class_num, norm=True, parallel_BN1d=True):
        super().__init__()
        self.norm = norm
        self.parallel_BN1d = parallel_BN1d
        self.fc_bin = _xavier(parts_num, in_channels, class_num)
        if parallel_BN1d:
            self.bn1d = nn.BatchNorm1d(in_channels * parts_num)
        else:
            self.bn1d = nn.ModuleList(nn.BatchNorm1d(in_channels) for _ in range(parts_num))

    def forward(self, x):
        """Normalise and classify every part."""
        if self.parallel_BN1d:
            feat = self.bn1d(x.flatten(1)).view(x.shape)
        else:
            feat = torch.stack([bn(part) for bn, part in zip(self.bn1d, x.unbind(2))], 2)
        weight = self.fc_bin
        if self.norm:
            feat, weight = F.normalize(feat, dim=1), F.normalize(weight, dim=1)
        return feat, torch.einsum("ncp,pcd->ndp", feat, weight).contiguous()
