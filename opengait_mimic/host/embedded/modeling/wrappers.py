"""Wrappers that run a part of a network frame by frame or clip by clip."""

from __future__ import annotations

import torch
import torch.nn as nn


class SetBlockWrapper(nn.Module):
    """Runs a per-frame network on a clip.

    Args:
        forward_block: network from ``[n, c_in, h, w]`` to ``[n, c_out, ...]``.

    Shape:
        ``[n, c_in, s, h, w]`` to ``[n, c_out, s, ...]``; the result is a view with frames before channels in memory.
    """

    def __init__(self, forward_block):
        super().__init__()
        self.forward_block = forward_block

    def forward(self, x, *args, **kwargs):
        """Fold the frames into the batch and back."""
        n, s = x.size(0), x.size(2)
        out = self.forward_block(x.transpose(1, 2).flatten(0, 1), *args, **kwargs)  # [n*s, c, ...]
        return out.unflatten(0, (n, s)).transpose(1, 2)


class PackSequenceWrapper(nn.Module):
    """Pools over time, clip by clip where several clips are packed into one sequence.

    Args:
        pooling_func: called as ``pooling_func(x, **options)``; returns a tensor or a tuple of tensors.
    """

    def __init__(self, pooling_func):
        super().__init__()
        self.pooling_func = pooling_func

    def forward(self, seqs, seqL, dim=2, options=None):
        """Pool.

        Args:
            seqs: features.
            seqL: frames per clip, or None if all clips have the same number.
            dim: time axis of packed features.
            options: keyword arguments of the pooling function.

        Shape:
            seqs ``[n, c, s, ...]``, or ``[1, c, s_1 + ... + s_n, ...]`` with seqL ``[1, n]``; result ``[n, c, ...]``.
        """
        options = options or {}
        if seqL is None:
            return self.pooling_func(seqs, **options)
        lens = seqL[0].tolist()
        clips = seqs.narrow(dim, 0, sum(lens)).split(lens, dim)
        outs = [self.pooling_func(clip, **options) for clip in clips]
        if isinstance(outs[0], (tuple, list)):
            return [torch.cat(group) for group in zip(*outs)]
        return torch.cat(outs)
