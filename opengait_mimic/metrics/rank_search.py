"""Search the ranks of every probe's mates in the gallery, block by block. Ties count against the method."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from .distance_source import Held, Streamed
from .pairings import Paired

CELLS = 2**22  # distances held at once


class Places(NamedTuple):
    """What a search finds for each of P probes, arrays [P]; see `Trials`."""

    rank: np.ndarray
    ap: np.ndarray
    inp: np.ndarray
    nearest: np.ndarray  # index into the gallery
    mate: np.ndarray  # index into the gallery, -1 = none


def search_ranks(apart: Streamed | Held, paired: Paired) -> Places:
    """Rank, average precision and inverse negative penalty of every probe, in bounded memory.

    The ranks are those of the exact distances: fast distances decide every comparison that their error bound leaves no doubt about, and
    the rest is computed exactly. So neither blocks nor the order of the gallery nor the number of threads changes a result. A stranger
    as far away as a mate stands before it.

    Args:
        apart: the distances between P probes and a gallery of G.
        paired: who is whose mate, and who a stranger.
    """
    found = []
    for rows in split_probes(*paired.shape):
        distance, error = apart.distances_with_error(rows)
        found.append(_places(distance - error, distance + error, *paired(rows), lambda i, j, s=rows.start: apart.exact(s + i, j)))
    return Places(*(torch.cat(column).cpu().numpy() for column in zip(*found)))


def split_probes(probes: int, galleries: int) -> list[slice]:
    """The probes in blocks; an array of a block's distances has about `CELLS` entries."""
    block = min(max(CELLS // galleries, 16), 1024)
    return [slice(start, min(start + block, probes)) for start in range(0, probes, block)]


def _places(low, high, mate, stranger, exact):
    """Of one block: bounds of the distances, who is a mate and who a stranger, each [b, G]."""
    b, device = len(mate), mate.device
    count = mate.sum(1)
    row, column = mate.nonzero(as_tuple=True)
    most = max(int(count.max()), 1)
    slot = torch.arange(len(row), device=device) - (count.cumsum(0) - count)[row]
    mates = torch.full((b, most), math.inf, device=device)  # the distances of a probe's mates, then infinity
    columns = torch.full((b, most), -1, device=device)
    mates[row, slot], columns[row, slot] = exact(row, column), column
    mates, order = mates.sort(dim=1, stable=True)

    nearer = torch.searchsorted(mates, low)  # [b, G]: how many mates are surely nearer than this one
    doubtful = (nearer != torch.searchsorted(mates, high, right=True)) & stranger
    row, column = doubtful.nonzero(as_tuple=True)
    if len(row):
        low[row, column] = high[row, column] = exact(row, column)
        nearer = torch.searchsorted(mates, low)
    nearer[~stranger] = most  # leaves the mates themselves out
    buckets = nearer.add_(torch.arange(b, device=device)[:, None] * (most + 1)).view(-1)
    strangers = torch.bincount(buckets, minlength=b * (most + 1)).view(b, -1)[:, :most].cumsum(1)

    nth = torch.arange(1, most + 1, device=device)
    place = strangers + nth  # [b, most]: where the nth mate stands
    share, end = nth / place.double(), (count - 1).clamp(min=0)[:, None]
    total, last = (value.gather(1, end).squeeze(1) for value in (share.cumsum(1), share))  # one by one: padding changes no bit
    mated = count > 0
    ap, inp = (torch.where(mated, value, math.nan) for value in (total / count, last))
    rank = torch.where(mated, place[:, 0], 0)
    first_mate = columns.gather(1, order[:, :1]).squeeze(1)
    nearest = torch.where(rank == 1, first_mate, _nearest(low, high, stranger, exact, rank != 1))
    return rank, ap, inp, nearest, first_mate


def _nearest(low, high, stranger, exact, rows_to_rank):
    """The nearest stranger of some rows, the first of equals; G if there is none."""
    threshold = high.masked_fill_(~stranger, math.inf).amin(1, keepdim=True)
    row, column = ((low <= threshold) & stranger & rows_to_rank[:, None]).nonzero(as_tuple=True)
    distance = exact(row, column)
    least = torch.full((len(low),), math.inf, device=low.device).scatter_reduce(0, row, distance, "amin")
    row, column = row[distance == least[row]], column[distance == least[row]]
    return torch.full((len(low),), low.shape[1], device=low.device).scatter_reduce(0, row, column, "amin")
