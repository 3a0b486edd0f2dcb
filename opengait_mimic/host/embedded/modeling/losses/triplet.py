"""Triplet loss over all triplets of a batch, part by part."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .base import BaseLoss, gather_and_scale_wrapper


class TripletLoss(BaseLoss):
    """Batch-all triplet loss with Euclidean distance, averaged over the non-zero triplets of each part.

    Args:
        margin: by how much a negative must be farther than a positive.
        loss_term_weight: factor of the loss in the sum.

    Source:
        Hermans et al., In Defense of the Triplet Loss for Person Re-Identification, 2017, Section 2 (batch all).
    """

    def __init__(self, margin, loss_term_weight=1.0):
        super().__init__(loss_term_weight)
        self.margin = margin

    @gather_and_scale_wrapper
    def forward(self, embeddings, labels):
        """Compute the loss.

        Args:
            embeddings: part embeddings.
            labels: subject of each clip; every subject equally often, at least two subjects.

        Shape:
            embeddings ``[n, c, p]``, labels ``[n]``; loss ``[p]``.

        Returns:
            The loss and its info: ``loss``, ``hard_loss``, ``loss_num``, ``mean_dist``, each ``[p]``.
        """
        same = labels[:, None] == labels[None]  # [n, n]
        k, n = int(same[0].sum()), len(labels)
        dist = self._distance(embeddings.permute(2, 0, 1).float().contiguous())  # [p, n, n]
        positive = dist[:, same].unflatten(1, (n, k, 1))  # a clip is its own positive too, at distance 0
        negative = dist[:, ~same].unflatten(1, (n, 1, n - k))
        loss = F.relu(positive - negative + self.margin).flatten(1)  # [p, triplets]
        active = loss.count_nonzero(1).float()
        mean = loss.sum(1) / (active + 1e-9)  # [p]
        report = {"loss": mean, "hard_loss": loss.amax(1), "loss_num": active, "mean_dist": dist.mean((1, 2))}
        self.info.update((name, value.detach().clone()) for name, value in report.items())
        return mean, self.info

    @staticmethod
    def _distance(x):
        """Euclidean distances within each part: ``[p, n, c]`` to ``[p, n, n]``."""
        norms = x.square().sum(-1)
        squared = (norms.unsqueeze(2) + norms.unsqueeze(1)) - 2 * torch.bmm(x, x.mT)
        # relu, not clamp: its gradient is 0 at 0, where the square root's is infinite
        return F.relu(squared).sqrt()
