"""The place for transductive post-processing (re-ranking, query expansion): a table that holds none yet."""

from __future__ import annotations

from collections.abc import Callable

import torch

POST: dict[str, Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]] | None] = {"none": None}
"""Name -> function. It gets the embeddings of all probes ``[P, c, p]`` and of the whole gallery ``[G, c, p]`` of a subset and returns
both anew. What looks at other probes too is transductive: `transductive` marks every result it touches."""


def transductive(post: str | None) -> str | bool:
    """The mark that results carry: the name of the post-processing, or False where there is none.

    Args:
        post: a name of ``POST``; None = ``none``.

    Raises:
        ValueError: an unknown name.
    """
    if post is not None and post not in POST:
        raise ValueError(f"post = {post!r}; expected one of {list(POST)}")
    return post if POST[post or "none"] is not None else False


def processed(post: str | None, x: torch.Tensor, y: torch.Tensor, probes, galleries) -> tuple[torch.Tensor, torch.Tensor]:
    """The embeddings of both sides, ``[N, c, p]`` each, with those of a subset's probes and gallery post-processed."""
    if not transductive(post):
        return x, y
    x, y = x.clone(), y.clone()
    x[probes], y[galleries] = POST[post](x[probes], y[galleries])
    return x, y
