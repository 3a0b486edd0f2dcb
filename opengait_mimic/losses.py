"""Distillation losses: plain modules that the host's loss aggregator calls; no host is imported here."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import boolean, choice, number, read
from .distributed import gather, rank_and_world

DISTANCES = ("parts", "euclidean", "centred", "l2")


class Triplets(NamedTuple):
    """Unreduced MiCKD triplets of a batch, P parts (1 unless ``parts``), a anchors, k positives, m negatives."""

    values: Tensor  # [p, a, k, m] hinge value, 0 where not valid
    valid: Tensor  # [a, k, m] the triplet exists
    pair: Tensor  # [a, k] index into PAIRS of the positive pair
    distances: Tensor  # [p, a, 2n] of the anchors to the mimic's and the teacher's embeddings


PAIRS = ("own teacher", "other clip's teacher", "other clip's mimic")


def pair_distances(x: Tensor, y: Tensor, distance: str = "parts", centre: Tensor | None = None) -> Tensor:
    """Euclidean distances between part embeddings.

    Args:
        x: embeddings.
        y: embeddings.
        distance: ``parts``: per part, un-normalised, as OpenGait's triplet loss and test metric; ``euclidean``: of the
            flattened parts; ``l2``: of the flattened parts after L2 normalisation (range 0..2, the public code's);
            ``centred``: as ``l2`` after subtracting ``centre``.
        centre: ``[c, p]``, for ``centred``.

    Shape:
        ``[n, c, p]`` and ``[m, c, p]`` -> ``[p, n, m]`` for ``parts``, else ``[1, n, m]``; float32. Differences are taken
        directly (no expanded squares), so equal rows are at exactly 0, with gradient 0.
    """
    x, y = x.float(), y.float()
    if distance == "parts":
        x, y = x.permute(2, 0, 1), y.permute(2, 0, 1)  # [p, n, c]
    else:
        if distance == "centred":
            x, y = x - centre.float(), y - centre.float()
        x, y = x.flatten(1)[None], y.flatten(1)[None]  # [1, n, c*p]
        if distance != "euclidean":
            x, y = F.normalize(x, dim=-1), F.normalize(y, dim=-1)
    return torch.cdist(x.contiguous(), y.contiguous(), compute_mode="donot_use_mm_for_euclid_dist")


def _columns(mask: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """The column numbers of each row's True entries, padded to ``width`` (the longest row's count), and which are real."""
    index = mask.float().argsort(dim=1, descending=True, stable=True)[:, : max(width, 1)]
    return index, mask.gather(1, index)


def _class_sizes(same: Tensor) -> tuple[int, int]:
    """The most and the fewest clips of a subject, from ``labels[:, None] == labels``: the one wait for the device."""
    largest, smallest = torch.stack(same.sum(1).aminmax()[::-1]).tolist()
    return largest, smallest


def mickd_triplets(
    mimic: Tensor, teacher: Tensor, labels: Tensor, margin: float = 0.2, distance: str = "parts", teacher_anchors: bool = False
) -> Triplets:
    """Every triplet of the multi-instance correlational distillation, unreduced.

    Anchors are the mimic's embeddings. Positives: the own clip's teacher, the teacher of another clip of the subject, the
    mimic of another clip of the subject. Negatives: teacher and mimic of other subjects. The value of a triplet is
    ``max(0, d(anchor, positive) - d(anchor, negative) + margin)``.

    Args:
        mimic: gamma_m; the only input that receives a gradient.
        teacher: gamma_t of the same clips in the same order.
        labels: subject of each clip.
        margin: hinge margin, in units of the distance.
        distance: see `pair_distances`.
        teacher_anchors: also use teacher embeddings as anchors, as the public code does.

    Shape:
        mimic and teacher ``[n, c, p]``, labels ``[n]``.

    Raises:
        ValueError: shapes that do not fit together.

    Source:
        MimicGait (WACV 2025), section 3.4, equation 2.
    """
    if mimic.dim() != 3 or mimic.shape != teacher.shape or labels.shape != mimic.shape[:1]:
        raise ValueError(
            f"MiCKD needs mimic and teacher of one shape [n, c, p] and labels [n]; got mimic {tuple(mimic.shape)},"
            f" teacher {tuple(teacher.shape)}, labels {tuple(labels.shape)}"
        )
    n, teacher = len(labels), teacher.detach()
    every = torch.cat([mimic, teacher])
    anchors = every if teacher_anchors else mimic
    d = pair_distances(anchors, every, distance, teacher.mean(0))  # [p, a, 2n]
    a = len(anchors)
    row, column = torch.arange(a, device=d.device), torch.arange(2 * n, device=d.device)
    same = labels[row % n, None] == labels[column % n]  # [a, 2n]
    largest, smallest = _class_sizes(same[:n, :n])
    positive, ok_p = _columns(same & (row[:, None] != column), 2 * largest - 1)
    negative, ok_n = _columns(~same, 2 * (n - smallest))
    near = d.gather(2, positive.expand(len(d), -1, -1))  # [p, a, k]
    far = d.gather(2, negative.expand(len(d), -1, -1))  # [p, a, m]
    valid = ok_p[:, :, None] & ok_n[:, None]
    values = F.relu(near[..., None] - far[:, :, None] + margin) * valid
    own = (positive % n) == (row % n)[:, None]
    pair = torch.where(own, 0, torch.where((positive >= n) | (row >= n)[:, None], 1, 2))
    return Triplets(values, valid, pair, d)


@torch.no_grad()
def health(
    mimic: Tensor, teacher: Tensor, labels: Tensor, margin: float, distance: str, mimic_distances: Tensor | None = None
) -> dict[str, Tensor]:
    """Is there anything to learn from? Mean distances and the share of teacher triplets that meet the margin.

    Args:
        mimic: gamma_m ``[n, c, p]``.
        teacher: gamma_t ``[n, c, p]``.
        labels: subject of each clip ``[n]``.
        margin: hinge margin.
        distance: see `pair_distances`.
        mimic_distances: `pair_distances` of the mimic's embeddings to each other, where they are known already.

    Returns:
        ``teacher_same``, ``teacher_other``, ``mimic_same``, ``mimic_other``: mean distance between two clips of one subject
        and of two subjects; ``teacher_meets_margin``: share (0..1) of (anchor, positive, negative) triplets of teacher
        embeddings with ``d(a, n) - d(a, p) >= margin``, averaged over parts. NaN where no such pair is in the batch.
    """
    same = labels[:, None] == labels
    other_clip = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    centre = teacher.mean(0)
    d_teacher = pair_distances(teacher, teacher, distance, centre)  # [p, n, n]
    d_mimic = pair_distances(mimic, mimic, distance, centre) if mimic_distances is None else mimic_distances
    found = {}
    for name, d in (("teacher", d_teacher), ("mimic", d_mimic)):
        found[f"{name}_same"], found[f"{name}_other"] = _masked_mean(d, other_clip), _masked_mean(d, ~same)
    largest, smallest = _class_sizes(same)
    positive, ok_p = _columns(other_clip, largest - 1)
    negative, ok_n = _columns(~same, len(labels) - smallest)
    near, far = (d_teacher.gather(2, index.expand(len(d_teacher), -1, -1)) for index in (positive, negative))
    meets = far[:, :, None] - near[..., None] >= margin  # [p, n, k, m]
    found["teacher_meets_margin"] = _masked_mean(meets.sum(0) / len(meets), ok_p[:, :, None] & ok_n[:, None])
    return found


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of the entries under a mask that fits the last axes; NaN where it is empty. The device is not waited for."""
    return (values * mask).sum() / (mask.sum() * (values.numel() // mask.numel()))


class MiCKDLoss(nn.Module):
    """Multi-instance correlational distillation: pulls the mimic's embeddings to the teacher's by triplets.

    .. code-block:: yaml

        loss_cfg:
          - type: MiCKDLoss
            log_prefix: mickd
            margin: 0.2
            distance: parts          # parts | euclidean | centred | l2 (the public code's)
            loss_term_weight: 1.0
            reference_compat: {}     # teacher_anchors: true = the public code's extra pairs

    The value is the mean over the triplets above zero, per part, then over parts; exactly 0 when there is none. It is
    computed in float32 whatever autocast says, over the clips of all processes.

    Args:
        margin: hinge margin, at least 0.
        distance: see `pair_distances`.
        loss_term_weight: the host multiplies the loss by it.
        reference_compat: ``{teacher_anchors: bool}``.

    Shape:
        ``forward(mimic [n, c, p], teacher [n, c, p], labels [n]) -> (loss, info)``; info holds detached scalars: ``loss``,
        ``active`` (share of triplets above zero), a share of the active ones per pair (``own_teacher`` ...), ``cosine``
        (teacher to mimic), and the entries of `health`.

    Raises:
        ConfigError: an argument out of range. ValueError: shapes that do not fit.

    Source:
        MimicGait (WACV 2025), section 3.4, equation 2: Euclidean distance. The margin 0.2 is the public configurations' (the
        supplement says 0.05). Why `parts` is the default: ``python benchmarks/distances.py --demo demo`` after ``opengait-mimic
        demo`` (walkers, mimic started from the teacher, 500 steps, seed 0; Rank-1 in percent, two points are noise):

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

    def __init__(self, margin=0.2, distance="parts", loss_term_weight=1.0, reference_compat=None):
        """Check the arguments; see the class."""
        super().__init__()
        self.margin = number(0, 1e6)(margin, "MiCKDLoss.margin")
        self.distance = choice(*DISTANCES)(distance, "MiCKDLoss.distance")
        self.loss_term_weight = number(0, 1e6)(loss_term_weight, "MiCKDLoss.loss_term_weight")
        self.compat = read(reference_compat, "MiCKDLoss.reference_compat", {"teacher_anchors": (False, boolean)})

    def forward(self, mimic: Tensor, teacher: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """See the class."""
        with torch.autocast(mimic.device.type, enabled=False):
            mimic, teacher, labels = gather(mimic.float()), gather(teacher.detach().float()), gather(labels)
            t = mickd_triplets(mimic, teacher, labels, self.margin, self.distance, self.compat.teacher_anchors)
            above = (t.values > 0).sum(3)  # [p, a, k]
            loss = (t.values.sum((1, 2, 3)) / above.sum((1, 2)).clamp(min=1)).mean()
            info = {"loss": loss.detach().clone(), "active": above.sum() / (t.valid.sum() * len(above)).clamp(min=1)}
            by_pair = above.sum(0)  # [a, k]
            for code, name in enumerate(PAIRS):
                share = (by_pair * (t.pair == code)).sum() / by_pair.sum().clamp(min=1)
                info[name.replace("'s", "").replace(" ", "_")] = share
            info["cosine"] = F.cosine_similarity(mimic.detach().flatten(1), teacher.flatten(1)).mean()
            n = len(labels)
            among_mimic = t.distances[:, :n, :n].detach()
            info.update(health(mimic.detach(), teacher, labels, self.margin, self.distance, among_mimic))
            return loss * rank_and_world()[1], info  # the host's DDP averages gradients over processes


class HiddenFractionLoss(nn.Module):
    """Mean squared error of the hidden fraction, for VEN.

    .. code-block:: yaml

        loss_cfg:
          - {type: HiddenFractionLoss, log_prefix: hidden, loss_term_weight: 10.0}

    Args:
        loss_term_weight: the host multiplies the loss by it; 10 in the public code and the supplement.

    Shape:
        ``forward(prediction [f], target [f]) -> (loss, info)``, both in 0..1; info: ``loss`` and ``mae``.

    Source:
        MimicGait (WACV 2025), section 3.2 and its supplement.
    """

    def __init__(self, loss_term_weight=10.0):
        """Check the argument; see the class."""
        super().__init__()
        self.loss_term_weight = number(0, 1e6)(loss_term_weight, "HiddenFractionLoss.loss_term_weight")

    def forward(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """See the class."""
        error = prediction.float() - target.float()
        loss = error.square().mean()
        return loss, {"loss": loss.detach().clone(), "mae": error.detach().abs().mean()}
