"""Distillation without triplets: every clip's embedding is pulled to its own teacher's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..base.config import between, read_value


class L2DistillationLoss(nn.Module):
    """Mean squared error between the mimic's and the teacher's embedding of a clip ("L2 distillation").

    .. code-block:: yaml

        loss_cfg:
          - {type: L2DistillationLoss, log_prefix: l2, loss_term_weight: 1.0}

    The squared differences of the un-normalised embeddings are averaged over clips, channels and parts. The paper gives no
    reduction; with the mean, one weight serves backbones of any width and number of parts, and a batch of any size. It is computed
    in float32 whatever autocast says. Each process takes the mean over its own clips; the host's DDP averages the gradients, and
    as every process has as many clips, that is the mean over the whole batch.

    Args:
        loss_term_weight: the host multiplies the loss by it.

    Shape:
        ``forward(mimic [n, c, p], teacher [n, c, p]) -> (loss, info)``, clips in the same order; info holds detached scalars:
        ``loss``, and ``distance``, the mean Euclidean distance per clip and part.

    Raises:
        ConfigError: an argument out of range. ValueError: shapes that differ.

    Source:
        MimicGait (WACV 2025), table 3: the ablation that MiCKD is compared with.
    """

    def __init__(self, loss_term_weight=1.0):
        """Check the argument; see the class."""
        super().__init__()
        self.loss_term_weight = read_value(between(0, 1e6), loss_term_weight, "L2DistillationLoss.loss_term_weight")

    def forward(self, mimic: Tensor, teacher: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """See the class."""
        if mimic.dim() != 3 or mimic.shape != teacher.shape:
            raise ValueError(
                f"L2 distillation needs mimic and teacher of one shape [n, c, p]; got {tuple(mimic.shape)} and {tuple(teacher.shape)}"
            )
        with torch.autocast(mimic.device.type, enabled=False):
            squares = (mimic.float() - teacher.detach().float()).square()
            loss = squares.mean()
        return loss, {"loss": loss.detach().clone(), "distance": squares.detach().sum(1).sqrt().mean()}
