"""Scalars of a training in addition to its losses, on the steps that are logged (every ``trainer_cfg.log_iter``).

Every value is a TensorBoard scalar under the name below, of that step's batch over all processes. On all other steps nothing is computed
and the device is not waited for. No weight depends on it. ``mickd`` is the ``log_prefix`` of the MiCKDLoss, whose `info` has these on
every step.

==============================  =========  =======================================================================================
name                            range      what it is
==============================  =========  =======================================================================================
``mickd/active``                0..1       share of the mimic's triplets above zero
``mickd/teacher_meets_margin``  0..1       share of the teacher's own triplets that meet the margin
``watch/teacher_cosine``        -1..1      mean cosine of a clip's two flattened embeddings, the mimic's and the teacher's
``watch/own_pair``              0..1       share of the clips whose mimic embedding is nearest to their own clip's teacher embedding, among
                                           those of the whole batch; 1/n by chance (n clips)
``watch/ven_accuracy``          0..1       share of the frames whose kind the VEN names rightly; of a frozen one too, if it has the head
``watch/amount_error``          0..1       the VEN's mean absolute error of the hidden share, while it is trained
``watch/hidden_share``          0..1       mean share of a frame's area that is hidden
``watch/skipped_steps``         0..        steps that left nothing: the loss or a gradient was not finite, or the
                                           gradient scaler skipped them (``enable_float16``)
==============================  =========  =======================================================================================
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base.processes import gather
from ..losses import pair_distances

PREFIX = "scalar/watch/"


def is_logged(iteration: int, log_iter: int) -> bool:
    """Whether the host writes the summary of the step that follows ``iteration`` done ones."""
    return (iteration + 1) % log_iter == 0


@torch.no_grad()
def mean_of_all(values: Tensor) -> Tensor:
    """The mean of the values of all processes, which may hold different numbers of them: any shape -> scalar."""
    mine = torch.stack([values.float().sum(), values.new_tensor(values.numel(), dtype=torch.float32)])
    total, count = gather(mine[None]).sum(0)
    return total / count


@torch.no_grad()
def with_teacher(mimic: Tensor, teacher: Tensor) -> dict[str, Tensor]:
    """``teacher_cosine`` and ``own_pair`` over the clips of all processes.

    Distances are those of OpenGait's test (``euc``: the mean over the parts).

    Shape:
        mimic and teacher ``[n, c, p]``, clips in the same order.
    """
    mimic, teacher = gather(mimic.detach().float()), gather(teacher.detach().float())
    nearest = pair_distances(mimic, teacher).mean(0).argmin(1)  # [n]
    own = nearest == torch.arange(len(mimic), device=mimic.device)
    return {"teacher_cosine": F.cosine_similarity(mimic.flatten(1), teacher.flatten(1)).mean(), "own_pair": own.float().mean()}


class Watched:
    """Mixin, before a host model: the scalars of its logged steps."""

    skipped = 0  # `opengait_mimic.training.step` counts them

    def watch(self, batch, **more: Tensor) -> dict[str, Tensor | int]:
        """The scalars of this module for the host's ``visual_summary``; every process takes part, on logged steps alone.

        Args:
            batch: what this step sees, an `OccludedBatch`.
            more: what `watched` of a subclass takes.

        Returns:
            ``scalar/watch/...``; nothing on the steps whose summary the host does not write, and in a test.
        """
        if not (self.training and is_logged(self.iteration, self.cfgs["trainer_cfg"]["log_iter"])):
            return {}
        return {PREFIX + name: value for name, value in self.watched(batch, **more).items()}

    def watched(self, batch) -> dict[str, Tensor | int]:
        """The values of a logged step by their names."""
        return {"hidden_share": mean_of_all(batch.hidden), "skipped_steps": self.skipped}
