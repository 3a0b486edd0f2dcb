"""Cross-entropy over the parts."""

from __future__ import annotations

import torch.nn.functional as F

from .base import BaseLoss


class CrossEntropyLoss(BaseLoss):
    """Cross-entropy of the logits of every part.

    Args:
        scale: factor of the logits, which are cosines by default.
        label_smooth: smooth the targets.
        eps: share of the target spread over all classes, 0..1.
        loss_term_weight: factor of the loss in the sum.
        log_accuracy: report the share of right parts.
    """

    def __init__(self, scale=16, label_smooth=True, eps=0.1, loss_term_weight=1.0, log_accuracy=False):
        super().__init__(loss_term_weight)
        self.scale = scale
        self.smoothing = eps if label_smooth else 0.0
        self.log_accuracy = log_accuracy

    def forward(self, logits, labels):
        """Compute the loss.

        Shape:
            logits ``[n, classes, p]``, labels ``[n]``; loss a scalar.

        Returns:
            The loss and its info: ``loss`` and, if asked for, ``accuracy`` in 0..1.
        """
        target = labels.unsqueeze(1).expand(-1, logits.size(2))  # [n, p]
        loss = F.cross_entropy(logits.float() * self.scale, target, label_smoothing=self.smoothing)
        self.info["loss"] = loss.detach().clone()
        if self.log_accuracy:
            self.info["accuracy"] = (logits.argmax(1) == target).float().mean()
        return loss, self.info
