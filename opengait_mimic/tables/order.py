"""In which order the rows came out, and where that contradicts the paper."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

TIE = 1e-9  # percent points: the sums behind equal scores may differ in the last digit


class Pair(NamedTuple):
    """Two rows of which the paper has ``above`` over ``below``.

    ``paper``: by how much there. ``here``: mean over the seeds of the difference above - below; ``sd``: its standard deviation
    over the seeds (ddof 1), None with one seed. All in percent points.
    """

    above: str
    below: str
    paper: float
    here: float
    sd: float | None

    @property
    def verdict(self) -> str:
        """``agrees``, ``contradicts`` or ``tie``."""
        return "tie" if abs(self.here) <= TIE else "agrees" if self.here > 0 else "contradicts"

    @property
    def within(self) -> bool | None:
        """Whether the difference here is no larger than its spread over the seeds; None: one seed tells no spread."""
        return None if self.sd is None else abs(self.here) <= self.sd


def difference(one: dict[int, float], other: dict[int, float]) -> tuple[float, float | None] | None:
    """Mean and standard deviation of ``one - other`` over the seeds that both have; None where they share none."""
    shared = [one[seed] - other[seed] for seed in one if seed in other]
    if not shared:
        return None
    return float(np.mean(shared)), float(np.std(shared, ddof=1)) if len(shared) > 1 else None


def pairs(paper: dict[str, float], here: dict[str, dict[int, float]]) -> list[Pair]:
    """Every pair of rows that the paper puts in an order and that was measured here.

    Args:
        paper: label -> the paper's figure; equal figures make no pair.
        here: label -> seed -> figure.
    """
    found = []
    for one, other in combinations([label for label in paper if here.get(label)], 2):
        above, below = (one, other) if paper[one] > paper[other] else (other, one)
        measured = difference(here[above], here[below])
        if paper[one] != paper[other] and measured is not None:
            found.append(Pair(above, below, round(paper[above] - paper[below], 2), *measured))
    return found


def ranked(figures: dict[str, float], digits: int) -> str:
    """Labels with their figures, best first, ``>`` between them, ``=`` between equal ones."""
    labels = sorted(figures, key=figures.get, reverse=True)
    text = ""
    for before, label in zip([None, *labels], labels):
        sign = "" if before is None else " = " if abs(figures[before] - figures[label]) <= TIE else " > "
        text += f"{sign}{label} {figures[label]:.{digits}f}"
    return text


def means(here: dict[str, dict[int, float]]) -> dict[str, float]:
    """Label -> mean over its seeds."""
    return {label: float(np.mean(list(values.values()))) for label, values in here.items() if values}
