"""The multi-instance correlational distillation loss."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import AfterValidator, BeforeValidator
from torch import Tensor, nn

from ..base.config import Allowed, between, read_value
from ..base.processes import gather, rank_and_world
from .mickd_health import health
from .part_distances import DISTANCES
from .triplets import PAIRS, Triplets, mickd_triplets

ONE_OR_MORE = f"a list of at least one of {', '.join(map(repr, PAIRS))}"


def _sort_pairs(pairs):
    """Some of `PAIRS`, each once, in their order."""
    if not pairs:
        raise ValueError(f"expected {ONE_OR_MORE}")
    if len(set(pairs)) < len(pairs):
        raise ValueError("every entry may stand there once")
    return tuple(pair for pair in PAIRS if pair in pairs)


Positives = Annotated[
    tuple[Literal[PAIRS], ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    AfterValidator(_sort_pairs),
    Allowed(ONE_OR_MORE),
]


class MiCKDLoss(nn.Module):
    """Multi-instance correlational distillation: pulls the mimic's embeddings to the teacher's.

    .. code-block:: yaml

        loss_cfg:
          - type: MiCKDLoss
            log_prefix: mickd
            margin: 0.2
            distance: parts          # parts | euclidean | centred | l2 (the public code's)
            positives: [own_teacher, other_clip_teacher, other_clip_mimic]   # or some of them
            loss_term_weight: 1.0

    The value is the mean over the triplets above zero, per part, then over parts; exactly 0 when there is none. It is
    computed in float32 whatever autocast says, over the clips of all processes.

    Args:
        margin: hinge margin, at least 0.
        distance: see `pair_distances`.
        loss_term_weight: the host multiplies the loss by it.
        positives: which of `PAIRS` an anchor is pulled to; ``[own_teacher]`` compares clips with themselves alone.

    Shape:
        ``forward(mimic [n, c, p], teacher [n, c, p], labels [n]) -> (loss, info)``; info holds detached scalars: ``loss``,
        ``active`` (share of triplets above zero), a share of the active ones per pair (``own_teacher`` ...), ``cosine``
        (teacher to mimic), and the entries of `health`.

    Raises:
        ConfigError: an argument out of range. ValueError: shapes that do not fit.

    Source:
        MimicGait (WACV 2025), section 3.4, equation 2: Euclidean distance. The margin 0.2 is the public configurations' (the
        supplement says 0.05). Why `parts` is the default: measured on the demo (walkers, mimic started from the teacher, 500 steps,
        seed 0; Rank-1 in percent, two points are noise):

        =========  ============================  ========  =====  ====
        distance   teacher triplets that meet    holistic  probe  both
                   the margin 0.2
        =========  ============================  ========  =====  ====
        parts      60.5 %                            52.6    6.8  15.6
        euclidean  84.0 %                            52.2    5.3  12.6
        centred    64.5 %                            43.6    7.1  12.8
        l2          0.0 %                            31.2    5.3  11.4
        =========  ============================  ========  =====  ====
    """

    def __init__(self, margin=0.2, distance="parts", loss_term_weight=1.0, positives=PAIRS):
        """Check the arguments; see the class."""
        super().__init__()
        self.margin = read_value(between(0, 1e6), margin, "MiCKDLoss.margin")
        self.distance = read_value(Literal[tuple(DISTANCES)], distance, "MiCKDLoss.distance")
        self.loss_term_weight = read_value(between(0, 1e6), loss_term_weight, "MiCKDLoss.loss_term_weight")
        self.positives = read_value(Positives, positives, "MiCKDLoss.positives")

    def triplets(self, mimic: Tensor, teacher: Tensor, labels: Tensor) -> Triplets:
        """`mickd_triplets` of the clips of all processes, gathered already."""
        return mickd_triplets(mimic, teacher, labels, self.margin, self.distance, self.positives)

    def forward(self, mimic: Tensor, teacher: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """See the class."""
        with torch.autocast(mimic.device.type, enabled=False):
            mimic, teacher, labels = gather(mimic.float()), gather(teacher.detach().float()), gather(labels)
            t = self.triplets(mimic, teacher, labels)
            above = (t.values > 0).sum(3)  # [p, a, k]
            loss = (t.values.sum((1, 2, 3)) / above.sum((1, 2)).clamp(min=1)).mean()
            info = {"loss": loss.detach().clone(), "active": above.sum() / (t.valid.sum() * len(above)).clamp(min=1)}
            by_pair = above.sum(0)  # [a, k]
            for code, name in enumerate(PAIRS):
                info[name] = (by_pair * (t.pair == code)).sum() / by_pair.sum().clamp(min=1)
            info["cosine"] = F.cosine_similarity(mimic.detach().flatten(1), teacher.flatten(1)).mean()
            n = len(labels)
            among_mimic = t.distances[:, :n, :n].detach()
            info.update(health(mimic.detach(), teacher, labels, self.margin, self.distance, among_mimic))
            return loss * rank_and_world()[1], info  # the host's DDP averages gradients over processes
