"""What a training tells TensorBoard of its steps."""

from __future__ import annotations

from torch import Tensor

from ..watch import PREFIX, is_logged, mean_of_all


class Watched:
    """Mixin, before a host model: the scalars of its logged steps, and the steps that were none.

    Attributes:
        skipped: steps that the gradient scaler skipped since this start.
    """

    skipped = 0

    def watch(self, batch, **more: Tensor) -> dict[str, Tensor | int]:
        """The scalars of `opengait_mimic.watch` for the host's ``visual_summary``; every process takes part, on logged steps alone.

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

    def train_step(self, loss_sum):
        """The host's step; counts those whose optimiser the gradient scaler did not run.

        OpenGait's False says only that the scale changed; it does so as well where it grew, after a step that was done.
        """
        taken = []
        hook = self.optimizer.register_step_post_hook(lambda *_: taken.append(True))
        try:
            done = super().train_step(loss_sum)
        finally:
            hook.remove()
        self.skipped += not taken
        return done
