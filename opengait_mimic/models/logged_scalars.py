"""What a training tells TensorBoard of its steps."""

from __future__ import annotations

from torch import Tensor

from .scalars import PREFIX, is_logged, mean_of_all


class Watched:
    """Mixin, before a host model: the scalars of its logged steps."""

    skipped = 0  # `opengait_mimic.training.step` counts them

    def watch(self, batch, **more: Tensor) -> dict[str, Tensor | int]:
        """The scalars of `models.scalars` for the host's ``visual_summary``; every process takes part, on logged steps alone.

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
