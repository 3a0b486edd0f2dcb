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


def hinge_triplets(distances: Tensor, positive: Tensor, negative: Tensor, pair: Tensor, margin: float) -> Triplets:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)`` of every triplet, unreduced.

    Args:
        distances: of a anchors to b embeddings, in P parts.
        positive: which embeddings are positives of each anchor.
        negative: which are negatives.
        pair: code of each (anchor, positive) pair, kept in the result.
        margin: hinge margin, in units of the distance.

    Shape:
        distances ``[p, a, b]``; positive, negative (bool) and pair ``[a, b]``.
    """
    most = torch.stack([positive.sum(1).max(), negative.sum(1).max()]).tolist()  # the one wait for the device
    (near_index, ok_p), (far_index, ok_n) = columns(positive, most[0]), columns(negative, most[1])
    near = distances.gather(2, near_index.expand(len(distances), -1, -1))  # [p, a, k]
    far = distances.gather(2, far_index.expand(len(distances), -1, -1))  # [p, a, m]
    valid = ok_p[:, :, None] & ok_n[:, None]
    values = F.relu(near[..., None] - far[:, :, None] + margin) * valid
    return Triplets(values, valid, pair.gather(1, near_index), distances)


def mickd_triplets(
    mimic: Tensor, teacher: Tensor, labels: Tensor, margin: float = 0.2, distance: str = "parts", positives: tuple[str, ...] = PAIRS
) -> Triplets:
    """Every triplet of the multi-instance correlational distillation, unreduced.

    Anchors are the mimic's embeddings. Positives: the own clip's teacher, the teacher of another clip of the subject, the
    mimic of another clip of the subject. Negatives: teacher and mimic of other subjects. See `hinge_triplets` for the values.

    Args:
        mimic: gamma_m; the only input that receives a gradient.
        teacher: gamma_t of the same clips in the same order.
        labels: subject of each clip.
        margin: hinge margin, in units of the distance.
        distance: see `pair_distances`.
        positives: the pairs to use, some of `PAIRS`; the negatives stay the same.

    Shape:
        mimic and teacher ``[n, c, p]``, labels ``[n]``.

    Raises:
        ValueError: shapes that do not fit together, or an unknown pair in ``positives``.

    Source:
        MimicGait (WACV 2025), section 3.4, equation 2.
    """
    if mimic.dim() != 3 or mimic.shape != teacher.shape or labels.shape != (len(mimic),):
        raise ValueError(
            f"MiCKD needs mimic and teacher of one shape [n, c, p] and labels [n]; got mimic {tuple(mimic.shape)},"
            f" teacher {tuple(teacher.shape)}, labels {tuple(labels.shape)}"
        )
    if not positives or not {*positives} <= {*PAIRS}:
        raise ValueError(f"MiCKD's positives are some of {', '.join(PAIRS)}; got {positives!r}")
    n, teacher = len(mimic), teacher.detach()
    d = pair_distances(mimic, torch.cat([mimic, teacher]), distance, teacher.mean(0))  # [p, n, 2n]
    row, column = torch.arange(n, device=d.device)[:, None], torch.arange(2 * n, device=d.device)
    same = labels[:, None] == labels.repeat(2)  # [n, 2n]
    pair = torch.where(column % n == row, 0, torch.where(column >= n, 1, 2))  # [n, 2n]
    allowed = torch.stack([pair == code for code, name in enumerate(PAIRS) if name in positives]).any(0)
    return hinge_triplets(d, allowed & same & (row != column), ~same, pair, margin)
