"""Transductive post-processing (re-ranking, query expansion): the table `POST`, empty so far.

An entry is a function ``(probe [P, c, p], gallery [G, c, p], metric) -> distances [P, G]``. It gets all probes and the whole gallery of
a subset, in the order of the test list, float32; a list of pairs is a subset of the sequences that it names. Its matrix is held whole:
4 P G bytes in addition to the embeddings. It is called once for the ranks and once for verification, in each cell.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from .distance_source import Held, Streamed

POST: dict[str, Callable[[torch.Tensor, torch.Tensor, str], torch.Tensor] | None] = {"none": None}
"""Name -> entry."""


def transductive_mark(post: str | None) -> str | bool:
    """The mark that results carry: the name of the post-processing, or False without one.

    Args:
        post: a name of `POST`; None = ``none``.

    Raises:
        ValueError: an unknown name.
    """
    if post is not None and post not in POST:
        raise ValueError(f"post = {post!r}; expected one of {list(POST)}")
    return post if POST[post or "none"] is not None else False


def subset_distances(post: str | None, x, y, probes: np.ndarray, galleries: np.ndarray, metric: str) -> Callable[..., Streamed | Held]:
    """Distances of a subset, post-processed.

    Args:
        post: a name of `POST`; None = none.
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
    if not transductive_mark(post):
        return lambda p, g: Streamed(x[p], y[g], metric)
    matrix = torch.as_tensor(POST[post](x[probes], y[galleries], metric)).detach().to(x.device, torch.float32)
    if matrix.shape != (len(probes), len(galleries)) or not torch.isfinite(matrix).all():
        expected = [len(probes), len(galleries)]
        raise ValueError(f"post = {post!r} returned distances {list(matrix.shape)}; expected {expected}, none of them NaN or infinite")
    return lambda p, g: Held(matrix, np.searchsorted(probes, p), np.searchsorted(galleries, g))
