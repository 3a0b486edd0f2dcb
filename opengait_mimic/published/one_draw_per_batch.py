"""``shared_draw``: the clips that a process of the public code joins before a transform hides them with one draw (D2-D4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..base.errors import ConfigError
from ..occlusion import training_key


class SharedDraw(NamedTuple):
    """The published number of processes, and the clips of a test batch of all of them.

    In training, the clips at every ``processes``-th position of the global batch share a draw and a time axis. In the test, these are
    ``test_batch / processes`` neighbours of the test list.
    """

    processes: int
    test_batch: int

    def group(self, position: int, training: bool) -> int:
        """The group of a clip, from its position in the global training batch or in the test list."""
        return position % self.processes if training else position // (self.test_batch // self.processes)

    def earlier(self, position: int, training: bool) -> Sequence[int]:
        """The positions of the clips that stand before a clip in its group."""
        if training:
            return range(position % self.processes, position, self.processes)
        return range(position - position % (self.test_batch // self.processes), position)

    def training_key(self, seed: int, iteration: int, position: int) -> tuple:
        """The key of a training clip: the group takes the place of the position."""
        return training_key(seed, iteration, self.group(position, True))

    def test_key(self, seed: int, condition: str, dataset: str, position: int) -> tuple:
        """The key of a test clip: the group takes the place of the clip's name."""
        return ("test", seed, condition, dataset, "group", self.group(position, False))

    def training_starts(self, positions: Sequence[int], frames: Sequence[int]) -> list[int]:
        """The time of the first frame of the clips at some positions; ``frames``: of every clip, by position in the global batch."""
        return [sum(frames[other] for other in self.earlier(position, True)) for position in positions]

    def test_starts(self, clips: Sequence[tuple[str, str, str]], test_list: TestList) -> list[int]:
        """The time of the first frame of test clips, given as (label, type, view)."""
        positions = [test_list.position(*clip) for clip in clips]
        return [sum(map(test_list.frames, self.earlier(position, False))) for position in positions]


class TestList:
    """The test list of a host's data set: a clip's position in it, and how many frames of a clip the test takes.

    Args:
        dataset: the host's test data set.
        sampler: ``evaluator_cfg.sampler``.
    """

    __test__ = False  # not a test for pytest

    def __init__(self, dataset: Any, sampler: dict):
        """Index the list."""
        self.dataset, self.sampler = dataset, sampler
        self._positions = {clip: i for i, clip in enumerate(zip(dataset.label_list, dataset.types_list, dataset.views_list))}
        self._frames: dict[int, int] = {}

    def position(self, label: str, type_: str, view: str) -> int:
        """A clip's position in the list."""
        return self._positions[label, type_, view]

    def frames(self, position: int) -> int:
        """The number of frames of a clip that the test takes.

        Raises:
            ConfigError: the sampling draws it.
        """
        if position not in self._frames:
            if not self.sampler["sample_type"].startswith("all"):
                raise ConfigError(
                    f"evaluator_cfg.sampler.sample_type = {self.sampler['sample_type']!r}: under reference_compat shared_draw and moving"
                    " the frames of a clip's neighbours are counted, and this sampling draws their number; choose all_ordered"
                )
            count, limit = len(self.dataset[position][0][0]), self.sampler.get("frames_all_limit", -1)
            self._frames[position] = min(count, limit) if limit > -1 else count
        return self._frames[position]
