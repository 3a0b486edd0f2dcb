"""MiCKD as the public code computes it; takes the place of ours after the host built the losses."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..base.errors import ConfigError
from ..base.processes import rank_and_world
from ..losses import PAIRS, MiCKDLoss, Triplets, pair_distances
from ..losses.triplets import hinge_triplets

KEY = "model_cfg.reference_compat"


class PublishedMiCKDLoss(MiCKDLoss):
    """`MiCKDLoss` with the public code's departures.

    Args:
        ours: the loss that it replaces, with its margin, distance, weight and positives.
        teacher_anchors: the teacher's embeddings are anchors as well (D17).
        l2_normalised: the distance is ``l2``.
        relabel_by_position: classes as in `position_labels` (D22); for ``positives: [own_teacher]`` alone.

    Raises:
        ConfigError: ``l2_normalised`` with a distance other than ``parts`` or ``l2``; ``relabel_by_position`` with other positives.
    """

    def __init__(self, ours: MiCKDLoss, teacher_anchors: bool = False, l2_normalised: bool = False, relabel_by_position: bool = False):
        """Check that the switches fit the loss."""
        if l2_normalised and ours.distance not in ("parts", "l2"):
            raise ConfigError(f"{KEY}.l2_normalised is the distance 'l2', but MiCKDLoss.distance = {ours.distance!r}; leave one out")
        if relabel_by_position and ours.positives != PAIRS[:1]:
            raise ConfigError(f"{KEY}.relabel_by_position is about a clip's own pairs alone; set MiCKDLoss.positives: [own_teacher]")
        super().__init__(ours.margin, "l2" if l2_normalised else ours.distance, ours.loss_term_weight, ours.positives)
        self.teacher_anchors, self.relabel_by_position = teacher_anchors, relabel_by_position

    def triplets(self, mimic: Tensor, teacher: Tensor, labels: Tensor) -> Triplets:
        """The public code's triplets of the clips of all processes, gathered already."""
        n, positives = len(mimic), self.positives
        classes = labels.repeat(2)
        if self.relabel_by_position:
            classes, positives = position_labels(n, rank_and_world()[1]).to(labels.device), PAIRS
        every = torch.cat([mimic, teacher.detach()])
        anchors = every if self.teacher_anchors else mimic
        row, column = (torch.arange(size, device=every.device) for size in (len(anchors), 2 * n))
        row = row[:, None]
        same = classes[row] == classes  # [a, 2n]
        pair = torch.where(column % n == row % n, 0, torch.where((column >= n) | (row >= n), 1, 2))
        allowed = torch.stack([pair == code for code, name in enumerate(PAIRS) if name in positives]).any(0)
        distances = pair_distances(anchors, every, self.distance, teacher.detach().mean(0))
        return hinge_triplets(distances, allowed & same & (row != column), ~same, pair, self.margin)


def position_labels(n: int, world: int) -> Tensor:
    """The classes that the public loss over instance pairs gives to n clips, gathered from ``world`` processes.

    Each process stacks its mimic's embeddings on its teacher's. The stacks of all processes follow one another, and place i of
    them all is class ``i mod n``. With one process a clip's two embeddings are a class; with more, those of two processes' clips.

    Shape:
        Returns long ``[2n]``: of the mimic's embeddings in the order of `gather`, then of the teacher's.

    Source: public code, the triplet loss over instance pairs alone, which no printed result uses.
    """
    clips = torch.arange(n)
    share = n // world
    place = clips // share * 2 * share + clips % share
    return torch.cat([place, place + share]) % n


def replace_losses(losses: nn.ModuleDict | dict, **switches: bool) -> None:
    """Put a `PublishedMiCKDLoss` in the place of every `MiCKDLoss` of a host's loss aggregator; does nothing without a switch."""
    for prefix, loss in list(losses.items()) if any(switches.values()) else ():
        ours = getattr(loss, "module", loss)  # DDP's, should a host wrap a loss
        if isinstance(ours, MiCKDLoss):
            losses[prefix] = PublishedMiCKDLoss(ours, **switches)
