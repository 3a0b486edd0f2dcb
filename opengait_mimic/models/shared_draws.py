"""``reference_compat: shared_draw`` in a model: which clips share a draw, and the time axis of those that do."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..base.errors import ConfigError
from ..base.processes import gather
from ..occlusion import MOVING, Draw, Groups, Occlusion
from .backbone_exceptions import quirk


class SharedDraws:
    """Mixin of `OccludedInput`: what a clip's neighbours are, on any number of our processes.

    A training clip is known by its position in the global batch, a test clip by its position in the test list, which the data
    set alone decides.
    """

    @property
    def embedder(self) -> type:
        """The class of the network that takes the clips: by itself the model's own."""
        return type(self)

    def alone(self, training: bool) -> str:
        """Why the public code draws clip by clip in a phase; nothing where it shares."""
        if self.cfgs["trainer_cfg" if training else "evaluator_cfg"]["sampler"]["sample_type"].startswith("fixed"):
            return "with fixed sampling the public code draws clip by clip"
        if not training and quirk(self.embedder).single_in_eval:
            return "the public code tests this backbone one clip at a time"
        return ""

    def groups(self, occlusion: Occlusion | None, training: bool) -> Groups | None:
        """The groups that share a draw; None where each clip has its own: by default, and where the public code's is `alone`."""
        shared = occlusion.published("shared_draw") if occlusion else None
        return Groups(**shared) if shared and not self.alone(training) else None

    def listed(self, label: int, type_: str, view: str) -> int:
        """A test clip's position in the test list."""
        data = self.test_loader.dataset
        if not self._listed:
            self._listed.update({clip: i for i, clip in enumerate(zip(data.label_list, data.types_list, data.views_list))})
        return self._listed[data.label_set[label], type_, view]

    def starts(self, occlusion: Occlusion, draws: Sequence[Draw], positions: Sequence[int], lengths: list[int], device) -> list[int] | None:
        """The time of each clip's first frame: the frames that its group joins before it; None where no time axis is shared.

        Args:
            occlusion: what this phase draws from; clips share its draws.
            draws: this process's.
            positions: of its clips.
            lengths: frames of each.
            device: of the model; the lengths of all processes' clips are gathered there.

        Raises:
            ConfigError: the test draws the number of frames.
        """
        groups = self.groups(occlusion, self.training)
        if not occlusion.published("moving") or not set(occlusion.possible) & set(MOVING):
            return None
        if self.training:
            frames = (
                gather(torch.tensor(lengths, device=device)).reshape(-1, len(lengths)).T.flatten().tolist()
            )  # by position: i * world + rank
            return [sum(frames[other] for other in groups.earlier(i, True)) for i in positions]
        return [sum(map(self._tested, groups.earlier(i, False))) if d.once else 0 for i, d in zip(positions, draws)]

    def _tested(self, position: int) -> int:
        """How many frames of a clip of the test list the test takes."""
        if position not in self._frames:
            sampler, count = self.cfgs["evaluator_cfg"]["sampler"], len(self.test_loader.dataset[position][0][0])
            if not sampler["sample_type"].startswith("all"):
                raise ConfigError(
                    f"evaluator_cfg.sampler.sample_type = {sampler['sample_type']!r}: under reference_compat shared_draw and moving the"
                    " frames of a clip's neighbours are counted, and this sampling draws their number; choose all_ordered"
                )
            limit = sampler.get("frames_all_limit", -1)
            self._frames[position] = min(count, limit) if limit > -1 else count
        return self._frames[position]
