"""``reference_compat: shared_draw`` in a model: whether clips share a draw, and the test list that says which of them do."""

from __future__ import annotations

from ..published.hooks import Hooks
from ..published.one_draw_per_batch import SharedDraw, TestList
from .backbone_exceptions import quirk


class SharedDraws:
    """Mixin of `OccludedInput`. A training clip is known by its position in the global batch, a test clip by that in the test list."""

    hooks: Hooks
    _test_list: TestList | None = None

    @property
    def embedder(self) -> type:
        """The class of the network that takes the clips: by itself the model's own."""
        return type(self)

    def draws_alone(self, training: bool) -> str:
        """Why the public code draws clip by clip in a phase; empty where its clips share draws."""
        if self.cfgs["trainer_cfg" if training else "evaluator_cfg"]["sampler"]["sample_type"].startswith("fixed"):
            return "with fixed sampling the public code draws clip by clip"
        if not training and quirk(self.embedder).single_in_eval:
            return "the public code tests this backbone one clip at a time"
        return ""

    def shared_draw(self, training: bool) -> SharedDraw | None:
        """The clips that share a draw in a phase; None where each clip has its own draw, as by default."""
        return None if self.draws_alone(training) else self.hooks.shared_draw(training)

    @property
    def test_list(self) -> TestList:
        """The test list of the host's data set."""
        if self._test_list is None:
            object.__setattr__(self, "_test_list", TestList(self.test_loader.dataset, self.cfgs["evaluator_cfg"]["sampler"]))
        return self._test_list
