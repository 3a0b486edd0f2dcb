"""Distances between probes and gallery: computed on demand, or read from a matrix."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from .bounded_distances import Screen
from .exact_distances import Exact


class Streamed:
    """Distances between embeddings, never all held at once.

    Args:
        probe: embeddings, float32, finite.
        gallery: embeddings, float32, finite, on the same device.
        metric: ``euc`` or ``cos``.

    Shape:
        probe [P, c, p], gallery [G, c, p]

    Attributes:
        exact: (int64 [T], int64 [T]) -> float32 [T], the distances of single pairs.
    """

    def __init__(self, probe: torch.Tensor, gallery: torch.Tensor, metric: str):
        self.probe, self.gallery, self.metric = probe, gallery, metric
        self.exact = Exact(probe, gallery, metric)

    @cached_property
    def distances_with_error(self) -> Screen:
        """Slice of probes -> their distances to the whole gallery, float32 [b, G], and bounds on how far these are off."""
        return Screen(self.probe, self.gallery, self.metric)


class Held:
    """Part of a matrix of distances; what `Streamed` has.

    Args:
        matrix: distances, float32, finite.
        rows: of the part.
        columns: of the part.

    Shape:
        matrix [*, *]; rows [P]; columns [G]
    """

    def __init__(self, matrix: torch.Tensor, rows: np.ndarray, columns: np.ndarray):
        self.matrix = matrix
        self.rows, self.columns = (torch.from_numpy(side).to(matrix.device) for side in (rows, columns))

    def exact(self, i: torch.Tensor, j: torch.Tensor) -> torch.Tensor:
        """The distances of single pairs: int64 [T], int64 [T] -> float32 [T]."""
        return self.matrix[self.rows[i], self.columns[j]]

    def distances_with_error(self, rows: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """The distances of some probes to the whole gallery, and how far they are off: not at all; float32 [b, G] each."""
        distance = self.matrix[self.rows[rows]][:, self.columns]
        return distance, distance.new_zeros(1, 1).expand_as(distance)
