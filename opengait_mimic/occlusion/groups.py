"""``reference_compat: shared_draw``: which clips a process of the public code would have held together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Groups(NamedTuple):
    """The published number of processes, and the clips of a test batch of all of them.

    Its host joins the clips that a process holds before a transform sees them, so that they share one draw and one time axis:
    in training the clips at every ``processes``-th position of the global batch, in the test ``test_batch / processes``
    neighbours of the test list.
    """

    processes: int
    test_batch: int

    def of(self, position: int, training: bool) -> int:
        """The group of a clip, from its position in the global training batch or in the test list."""
        return position % self.processes if training else position // (self.test_batch // self.processes)

    def earlier(self, position: int, training: bool) -> Sequence[int]:
        """The positions of the clips that its group joins before a clip."""
        if training:
            return range(position % self.processes, position, self.processes)
        return range(position - position % (self.test_batch // self.processes), position)
