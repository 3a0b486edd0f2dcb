"""The triplets of the multi-instance correlational distillation."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .part_distances import pair_distances


class Triplets(NamedTuple):
    """Unreduced MiCKD triplets of a batch, P parts (1 unless ``parts``), a anchors, k positives, m negatives."""

    values: Tensor  # [p, a, k, m] hinge value, 0 where not valid
    valid: Tensor  # [a, k, m] the triplet exists
    pair: Tensor  # [a, k] index into PAIRS of the positive pair
    distances: Tensor  # [p, a, 2n] of the anchors to the mimic's and the teacher's embeddings


PAIRS = ("own_teacher", "other_clip_teacher", "other_clip_mimic")
"""What an anchor's positive may be."""


def columns(mask: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """The column numbers of each row's True entries, padded to ``width`` (the longest row's count), and which are real."""
    index = mask.float().argsort(dim=1, descending=True, stable=True)[:, : max(width, 1)]
    return index, mask.gather(1, index)


def mickd_triplets(
    mimic: Tensor,
    teacher: Tensor,
    labels: Tensor,
    margin: float = 0.2,
    distance: str = "parts",
    teacher_anchors: bool = False,
    positives: tuple[str, ...] = PAIRS,
) -> Triplets:
    """Every triplet of the multi-instance correlational distillation, unreduced.

    Anchors are the mimic's embeddings. Positives: the own clip's teacher, the teacher of another clip of the subject, the
    mimic of another clip of the subject. Negatives: teacher and mimic of other subjects. The value of a triplet is
    ``max(0, d(anchor, positive) - d(anchor, negative) + margin)``.

    Args:
        mimic: gamma_m; the only input that receives a gradient.
        teacher: gamma_t of the same clips in the same order.
        labels: subject of each clip; or of the mimic's embeddings and then of the teacher's, should they differ.
        margin: hinge margin, in units of the distance.
        distance: see `pair_distances`.
        teacher_anchors: also use teacher embeddings as anchors, as the public code does.
        positives: the pairs to use, some of `PAIRS`; the negatives stay the same.

    Shape:
        mimic and teacher ``[n, c, p]``, labels ``[n]`` or ``[2n]``.

    Raises:
        ValueError: shapes that do not fit together, or positives that are none.

    Source:
        MimicGait (WACV 2025), section 3.4, equation 2.
    """
    if mimic.dim() != 3 or mimic.shape != teacher.shape or labels.shape not in ((len(mimic),), (2 * len(mimic),)):
        raise ValueError(
            f"MiCKD needs mimic and teacher of one shape [n, c, p] and labels [n]; got mimic {tuple(mimic.shape)},"
            f" teacher {tuple(teacher.shape)}, labels {tuple(labels.shape)}"
        )
    if not positives or not {*positives} <= {*PAIRS}:
        raise ValueError(f"MiCKD's positives are some of {', '.join(PAIRS)}; got {positives!r}")
    n, teacher = len(mimic), teacher.detach()
    every = torch.cat([mimic, teacher])
    anchors = every if teacher_anchors else mimic
    d = pair_distances(anchors, every, distance, teacher.mean(0))  # [p, a, 2n]
    a = len(anchors)
    row, column = torch.arange(a, device=d.device), torch.arange(2 * n, device=d.device)
    labels = labels if len(labels) == 2 * n else labels.repeat(2)
    same = labels[row, None] == labels  # [a, 2n]
    pair = torch.where(column % n == (row % n)[:, None], 0, torch.where((column >= n) | (row >= n)[:, None], 1, 2))  # [a, 2n]
    wanted = torch.stack([pair == code for code, name in enumerate(PAIRS) if name in positives]).any(0)
    wanted &= same & (row[:, None] != column)
    most = torch.stack([wanted.sum(1).max(), (~same).sum(1).max()]).tolist()  # the one wait for the device
    (positive, ok_p), (negative, ok_n) = columns(wanted, most[0]), columns(~same, most[1])
    near = d.gather(2, positive.expand(len(d), -1, -1))  # [p, a, k]
    far = d.gather(2, negative.expand(len(d), -1, -1))  # [p, a, m]
    valid = ok_p[:, :, None] & ok_n[:, None]
    values = F.relu(near[..., None] - far[:, :, None] + margin) * valid
    return Triplets(values, valid, pair.gather(1, positive), d)
