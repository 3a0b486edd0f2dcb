"""Is there anything to learn from a teacher?"""

from __future__ import annotations

import torch
from torch import Tensor

from .part_distances import pair_distances
from .triplets import columns


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
    largest, smallest = torch.stack(same.sum(1).aminmax()[::-1]).tolist()  # the one wait for the device
    positive, ok_p = columns(other_clip, largest - 1)
    negative, ok_n = columns(~same, len(labels) - smallest)
    near, far = (d_teacher.gather(2, index.expand(len(d_teacher), -1, -1)) for index in (positive, negative))
    meets = far[:, :, None] - near[..., None] >= margin  # [p, n, k, m]
    found["teacher_meets_margin"] = _masked_mean(meets.sum(0) / len(meets), ok_p[:, :, None] & ok_n[:, None])
    return found


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of the entries under a mask that fits the last axes; NaN where it is empty. The device is not waited for."""
    return (values * mask).sum() / (mask.sum() * (values.numel() // mask.numel()))
