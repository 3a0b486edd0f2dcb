"""Transductive post-processing (re-ranking, query expansion): the table `POST`, empty so far.

An entry of `POST` is one of two kinds:

- a function of embeddings, ``(probe [P, c, p], gallery [G, c, p]) -> both sides again``: distances are then computed as usual;
- `Distances` around a function of distances, ``(probe [P, c, p], gallery [G, c, p], metric) -> [P, G]``: what it returns is ranked.

Either gets all probes and the whole gallery of a subset, in the order of the test list, float32; a list of pairs is a subset of the
sequences that it names. What looks at other probes too is transductive: `transductive_mark` marks every result it touches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from .distance_source import Held, Streamed


class Distances(NamedTuple):
    """An entry of `POST` that gives distances: k-reciprocal re-ranking is one, and no embeddings have its distances.

    The function is called once for the ranks and once for verification, in each cell. Its matrix is held whole, in float32: 4 P G bytes
    in addition to the embeddings (2.3 GB at 24,000 x 24,000). Ranks, AP, INP, ties (equal float32 values count against the method) and
    verification are computed from it as from any distances; in a cross-view protocol from the parts that it compares.
    """

    function: Callable[[torch.Tensor, torch.Tensor, str], torch.Tensor]


POST: dict[str, Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]] | Distances | None] = {"none": None}
"""Name -> entry."""


def transductive_mark(post: str | None) -> str | bool:
    """The mark that results carry: the name of the post-processing, or False where there is none.

    Args:
        post: a name of ``POST``; None = ``none``.

    Raises:
        ValueError: an unknown name.
    """
    if post is not None and post not in POST:
        raise ValueError(f"post = {post!r}; expected one of {list(POST)}")
    return post if POST[post or "none"] is not None else False


def subset_distances(post: str | None, x, y, probes: np.ndarray, galleries: np.ndarray, metric: str) -> Callable[..., Streamed | Held]:
    """Distances of a subset, post-processed.

    Args:
        post: a name of ``POST``; None = none.
        x: embeddings of all N sequences as the probe side sees them.
        y: the same as the gallery side sees them.
        probes: indices of the subset's probes, rising.
        galleries: indices of its gallery, rising.
        metric: ``euc`` or ``cos``.

    Shape:
        x, y [N, c, p]; probes [P]; galleries [G]

    Returns:
        A function of some of the probes and some of the gallery, both indices of the N: the distances between them.

    Raises:
        ValueError: an unknown name; distances of another shape, or that are not finite.
    """
    entry = POST[post or "none"] if transductive_mark(post) else None
    if isinstance(entry, Distances):
        matrix = torch.as_tensor(entry.function(x[probes], y[galleries], metric)).detach().to(x.device, torch.float32)
        if matrix.shape != (len(probes), len(galleries)):
            raise ValueError(f"post = {post!r} returned distances {list(matrix.shape)}; expected {[len(probes), len(galleries)]}")
        if not torch.isfinite(torch.stack(matrix.aminmax())).all():
            broken = int((~torch.isfinite(matrix)).sum())
            raise ValueError(f"post = {post!r}: {broken} of {matrix.numel()} distances are NaN or infinite in float32")
        return lambda p, g: Held(matrix, np.searchsorted(probes, p), np.searchsorted(galleries, g))
    if entry is not None:
        x, y = x.clone(), y.clone()
        x[probes], y[galleries] = entry(x[probes], y[galleries])
    return lambda p, g: Streamed(x[p], y[g], metric)
