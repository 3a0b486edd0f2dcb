"""How long the rest of a table will take, told from what is done."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean

from ..progress import duration


class Remaining:
    """Time left for a list of stages: each takes what it took with other seeds, else what its backbone's took, else the mean.

    Args:
        stages: (seed, name) of every stage, the first word of a name being its backbone or ``VEN``.
    """

    def __init__(self, stages: Iterable[tuple[int, str]]):
        """Everything is to be done."""
        self.left = list(stages)
        self.took: dict[tuple[int, str], float] = {}

    def done(self, seed: int, name: str, seconds: float) -> None:
        """A stage is done and took (now or in an earlier run) so many seconds."""
        self.took[seed, name] = seconds
        self.left.remove((seed, name))

    def seconds(self) -> float | None:
        """The sum over what is left; None as long as nothing is done."""
        if not self.took:
            return None
        return sum(self._expected(name) for _, name in self.left)

    def _expected(self, name: str) -> float:
        same = [spent for (_, other), spent in self.took.items() if other == name]
        alike = [spent for (_, other), spent in self.took.items() if other.split()[0] == name.split()[0]]
        return mean(same or alike or self.took.values())

    def __str__(self) -> str:
        seconds = self.seconds()
        return "" if not self.left or seconds is None else f", about {duration(seconds)} left for the table"
