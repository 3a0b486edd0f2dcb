"""Distances between probes and gallery: computed on demand, or read from a matrix."""

from __future__ import annotations

import hashlib
from functools import cached_property

import numpy as np
import torch

from .bounded_distances import Screen

PAIRS = 512  # embedded pairs in float64 at once
MANY = 16384  # pairs asked for at once from which on equal embeddings are looked for


class Streamed:
    """Distances between embeddings, never all held at once: fast ones with a bound on their error, and exact ones of single pairs.

    An exact distance is taken from differences in float64 and rounded to float32 once. Two distances tie where these float32 values
    are equal. (For ``cos`` the mean cosine is rounded and taken from 1.)

    Args:
        probe: embeddings, float32, finite.
        gallery: embeddings, float32, finite, on the same device.
        metric: ``euc`` or ``cos``, see `distance_matrix`.

    Shape:
        probe [P, c, p], gallery [G, c, p]
    """

    def __init__(self, probe: torch.Tensor, gallery: torch.Tensor, metric: str):
        self.probe, self.gallery, self.metric = probe, gallery, metric

    @cached_property
    def distances_with_error(self) -> Screen:
        """Slice of probes -> their distances to the whole gallery, float32 [b, G], and bounds on their errors."""
        return Screen(self.probe, self.gallery, self.metric)

    def exact(self, i: torch.Tensor, j: torch.Tensor) -> torch.Tensor:
        """Distances of the pairs (probe i, gallery j): int64 [T], int64 [T] -> float32 [T].

        Of many pairs, those between equal embeddings are computed once: embeddings that collapsed to a point stay cheap.
        """
        if len(i) <= MANY:
            return self._compute(i, j)
        first_p, first_g = self._index_equal_rows
        pairs, inverse = torch.unique(first_p[i] * len(self.gallery) + first_g[j], return_inverse=True)
        return self._compute(pairs // len(self.gallery), pairs % len(self.gallery))[inverse]

    def _compute(self, i, j):
        out = torch.empty(len(i), device=self.probe.device)
        for part, a, b in zip(out.split(PAIRS), i.split(PAIRS), j.split(PAIRS)):
            a, b = self.probe[a].double(), self.gallery[b].double()  # [PAIRS, c, p]
            if self.metric == "cos":
                length = a.norm(dim=1).clamp_(min=1e-12) * b.norm(dim=1).clamp_(min=1e-12)
                part.copy_(1 - ((a * b).sum(1) / length).mean(1).float())
            else:
                part.copy_(a.sub_(b).square_().sum(1).sqrt_().mean(1))
        return out

    @cached_property
    def _index_equal_rows(self):
        return _index_of_first_equal(self.probe), _index_of_first_equal(self.gallery)


def _index_of_first_equal(x):
    """For every embedding the index of the first that equals it."""
    seen: dict[bytes, int] = {}
    rows = (hashlib.blake2b(row.cpu().numpy().tobytes(), digest_size=16).digest() for row in x)
    return torch.tensor([seen.setdefault(row, i) for i, row in enumerate(rows)], device=x.device)


class Held:
    """Part of a matrix of distances, with the methods of `Streamed`.

    Shape:
        matrix [*, *] float32; rows [P] and columns [G] of the part
    """

    def __init__(self, matrix: torch.Tensor, rows: np.ndarray, columns: np.ndarray):
        self.matrix = matrix
        self.rows, self.columns = (torch.from_numpy(side).to(matrix.device) for side in (rows, columns))

    def exact(self, i: torch.Tensor, j: torch.Tensor) -> torch.Tensor:
        """The distances of single pairs: int64 [T], int64 [T] -> float32 [T]."""
        return self.matrix[self.rows[i], self.columns[j]]

    def distances_with_error(self, rows: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """The distances of some probes to the whole gallery, float32 [b, G], and their errors, 0."""
        distance = self.matrix[self.rows[rows]][:, self.columns]
        return distance, distance.new_zeros(1, 1).expand_as(distance)
