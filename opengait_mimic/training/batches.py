"""Numbered batches: batch k of a training is always the same, so a stopped training goes on exactly.

The host's loaders draw from the global random generators, whose state ends with the process. Here batch k (k batches were drawn before
it, since iteration 0) follows from numbers alone, for any model of either host, with and without workers:

- its sequences from (``trainer_cfg.seed``, k), the same on all processes;
- their frames, the random transforms and what the model draws (dropout) from (``trainer_cfg.seed``, k, rank).

Nothing else of the host's loader, sampler, data set or collate function changes, so both hosts draw the same batches. The occlusion has
a key of its own: (seed, iteration, position).
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from ..base.processes import rank_and_world

WITHOUT_MEMORY = ("TripletSampler", "CommonSampler")
"""The host's samplers whose batches do not depend on earlier ones. Any other is drawn from its start, which reads no file."""


def entropy(*key) -> int:
    """128 bits that follow from the key alone, on any machine.

    Example:
        >>> entropy(0, 7, "who") == entropy(0, 7, "who") != entropy(0, 8, "who")
        True
    """
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:16], "big")


def seed_host(bits: int) -> None:
    """Seed Python's, NumPy's and torch's generators of the processor."""
    random.seed(bits)
    np.random.seed([bits >> shift & 0xFFFFFFFF for shift in (0, 32, 64, 96)])
    torch.default_generator.manual_seed(bits & 0x7FFFFFFFFFFFFFFF)


@contextlib.contextmanager
def drawing(*key) -> Iterator[None]:
    """Inside, the processor's generators are seeded by the key; afterwards they are as they were."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    seed_host(entropy(*key))
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


def seed_step(seed: int, number: int) -> None:
    """Seed all generators of this process, the GPUs' too, for the step on a batch."""
    bits = entropy(seed, number, rank_and_world()[0], "step")
    torch.manual_seed(bits & 0x7FFFFFFFFFFFFFFF)
    seed_host(bits)


class _Numbers:
    """A batch sampler that yields ``(number, indices)``."""

    def __init__(self, sampler, dataset, seed: int, first: int):
        self.sampler, self.dataset, self.seed, self.first = sampler, dataset, seed, first

    def __iter__(self):
        known = type(self.sampler).__module__ == "data.sampler" and type(self.sampler).__name__ in WITHOUT_MEMORY
        # one with a memory may keep it in itself: each time from the same start
        sampler = self.sampler if known else copy.deepcopy(self.sampler, {id(self.dataset): self.dataset})
        batches, number = iter(sampler), self.first if known else 0
        while True:
            with drawing(self.seed, number, "who"):
                indices = next(batches, None)
            if indices is None:
                return
            if number >= self.first:
                yield number, indices
            number += 1

    def __len__(self):
        return len(self.sampler)


class _Clips:
    """A data set that reads and collates one numbered batch, in whichever process that happens."""

    def __init__(self, dataset, collate, seed: int):
        self.dataset, self.collate, self.seed, self.rank = dataset, collate, seed, rank_and_world()[0]

    def __len__(self):
        return len(self.dataset)

    def __getitems__(self, numbered):
        number, indices = numbered
        with drawing(self.seed, number, self.rank, "frames"):
            several = getattr(self.dataset, "__getitems__", None)
            return number, self.collate(several(indices) if several else [self.dataset[i] for i in indices])


def _as_it_is(batch):
    return batch


class NumberedLoader:
    """The host's loader with its batches numbered; its attributes are the host's loader's.

    Attributes:
        clips: the labels (positions in the label set), types and views of the batch handed out last.
    """

    def __init__(self, loader: DataLoader, inner: nn.Module, seed: int):
        self.loader, self.inner, self.seed, self.clips = loader, inner, seed, ([], [], [])

    def __getattr__(self, name):
        if name in ("loader", "__setstate__"):  # a copy asks before it has any
            raise AttributeError(name)
        return getattr(self.loader, name)

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        """From the next batch on; before each is handed out, the generators are seeded for its step."""
        for number, batch in self.numbered():
            seed_step(self.seed, number)
            self.inner.batches_drawn, self.clips = number + 1, batch[1:4]
            yield batch

    def numbered(self, **changed) -> DataLoader:
        """A copy of the host's loader that yields ``(number, batch)`` from the next batch on; ``changed``: its other attributes."""
        made, seed = copy.copy(self.loader), self.seed
        parts = {
            "batch_sampler": _Numbers(made.batch_sampler, made.dataset, seed, self.inner.batches_drawn),
            "dataset": _Clips(made.dataset, made.collate_fn, seed),
            "collate_fn": _as_it_is,
        }
        vars(made).update(parts, **changed)  # a DataLoader refuses to be given another sampler
        return made

    def names(self) -> list[str]:
        """``label-type-view`` of the clips of the batch handed out last."""
        labels = self.loader.dataset.label_set
        return [f"{labels[label]}-{kind}-{view}" for label, kind, view in zip(*self.clips)]


def number(inner: nn.Module, cfgs: dict, first: int) -> None:
    """Number the batches of a model's training, from batch ``first`` on.

    ``inner.batches_drawn`` is the number of the batch that the loop draws next.

    Args:
        inner: the model itself, not its DDP wrapper, built for training.
        cfgs: the configuration; ``trainer_cfg.seed`` (0) decides the batches.
        first: batches drawn before, since iteration 0.
    """
    inner.batches_drawn = first
    inner.train_loader = NumberedLoader(inner.train_loader, inner, cfgs["trainer_cfg"].get("seed", 0))


def peek(inner: nn.Module):
    """The raw batch of the next step, read in this process. The loop still gets it, and no generator of the processor moves."""
    with drawing():
        return next(iter(inner.train_loader.numbered(num_workers=0)))[1]
