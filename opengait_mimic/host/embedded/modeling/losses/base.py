"""What all losses share."""

from __future__ import annotations

import functools

import torch.nn as nn
from utils import Odict, ddp_all_gather, get_world_size


def gather_and_scale_wrapper(func):
    """Let a loss see the batch of all processes.

    Every keyword argument is gathered over the processes, and the loss is multiplied by their number, because DDP
    averages gradients. Alone, the function is called as it is. Errors pass through.
    """

    @functools.wraps(func)
    def inner(*args, **kwds):
        world = get_world_size()
        if world == 1:
            return func(*args, **kwds)
        loss, info = func(*args, **{name: ddp_all_gather(value) for name, value in kwds.items()})
        return loss * world, info

    return inner


class BaseLoss(nn.Module):
    """Base of all losses: ``forward(**feats)`` returns the loss and a dict of values to report.

    Args:
        loss_term_weight: factor of the loss in the sum.
    """

    def __init__(self, loss_term_weight=1.0):
        super().__init__()
        self.loss_term_weight = loss_term_weight
        self.info = Odict()

    def forward(self, logits, labels):
        """Return ``(loss, info)``; to be overridden."""
        return 0.0, self.info
