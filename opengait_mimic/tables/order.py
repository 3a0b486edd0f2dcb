"""In which order the rows came out, and where that contradicts the paper."""

from __future__ import annotations

from collections.abc import Container
from itertools import combinations
from typing import NamedTuple

import numpy as np

TIE = 1e-9  # percent points: the sums behind equal scores may differ in the last digit


class Pair(NamedTuple):
    """Two rows of which the paper has ``above`` over ``below``.

    ``paper``: by how much there. ``here``: mean over the seeds of the difference above - below; ``sd``: its standard deviation
    over the seeds (ddof 1), None with one seed. All in percent points. ``other_start``: one begins with its teacher's weights, the
    other with random ones, so the difference is not the method's alone.
    """

    above: str
    below: str
    paper: float
    here: float
    sd: float | None
    other_start: bool = False

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


def pairs(paper: dict[str, float], here: dict[str, dict[int, float]], warm: Container[str] = ()) -> list[Pair]:
    """Every pair of rows that the paper puts in an order and that was measured here.

    Args:
        paper: label -> the paper's figure; equal figures make no pair.
        here: label -> seed -> figure.
        warm: labels of the rows that begin with their teacher's weights.
    """
    found = []
    for one, other in combinations([label for label in paper if here.get(label)], 2):
        above, below = (one, other) if paper[one] > paper[other] else (other, one)
        measured = difference(here[above], here[below])
        if paper[one] != paper[other] and measured is not None:
            other = (above in warm) != (below in warm)
            found.append(Pair(above, below, round(paper[above] - paper[below], 2), *measured, other))
    return found


def ranked(figures: dict[str, float], digits: int) -> str:
    """Labels with their figures, best first, ``>`` between them, ``=`` between equal ones; with more digits where unequal ones
    would look equal.
    """
    labels = sorted(figures, key=figures.get, reverse=True)
    steps = [figures[one] - figures[other] for one, other in zip(labels, labels[1:])]

    def alike(digits):
        return [f"{figures[one]:.{digits}f}" == f"{figures[other]:.{digits}f}" for one, other in zip(labels, labels[1:])]

    while any(same and step > TIE for same, step in zip(alike(digits), steps)):
        digits += 1
    signs = ["", *(" = " if step <= TIE else " > " for step in steps)]
    return "".join(f"{sign}{label} {figures[label]:.{digits}f}" for sign, label in zip(signs, labels))


def means(here: dict[str, dict[int, float]]) -> tuple[dict[str, float], list[int]]:
    """Label -> mean over the seeds that all labels with any figure share; and those seeds. No figure where they share none."""
    found = {label: values for label, values in here.items() if values}
    shared = sorted(set.intersection(*map(set, found.values()))) if found else []
    return {label: float(np.mean([values[seed] for seed in shared])) for label, values in found.items() if shared}, shared
