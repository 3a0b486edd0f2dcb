"""Which sequences form a batch, and which of them this process takes."""

from __future__ import annotations

import random
from itertools import cycle, islice

import torch
import torch.distributed as dist
import torch.utils.data as tordata
from utils import get_rank, get_world_size, runtime


def _draw(items, k):
    """Draw `k` items, without repetition if there are enough."""
    if len(items) < k:
        return [items[i] for i in random.choices(range(len(items)), k=k)]
    return [items[i] for i in torch.randperm(len(items))[:k].tolist()]


def _agree(numbers):
    """The list of rank 0, in every process."""
    if get_world_size() == 1:
        return numbers
    shared = torch.tensor(numbers, device=runtime.device)
    dist.broadcast(shared, src=0)
    return shared.tolist()


class TripletSampler(tordata.Sampler):
    """Endless batches of P subjects with K sequences each; rank r takes positions r, r + world, ...

    Args:
        dataset: a `DataSet`.
        batch_size: ``[P, K]``, over all processes. A subject with fewer than K sequences repeats some.
        batch_shuffle: mix the subjects within the batch.

    Raises:
        ValueError: `batch_size` is no pair, is not divisible by the number of processes, or there are fewer than P
            subjects.
    """

    def __init__(self, dataset, batch_size, batch_shuffle=False):
        if not isinstance(batch_size, (list, tuple)) or len(batch_size) != 2:
            raise ValueError(f"sampler.batch_size = {batch_size}; TripletSampler takes [P, K]: subjects, clips of each")
        self.p, self.k = batch_size
        self.rank, self.world_size = get_rank(), get_world_size()
        if self.p * self.k % self.world_size:
            raise ValueError(f"sampler.batch_size = {batch_size}: P*K is not divisible by {self.world_size} processes")
        if len(dataset.label_set) < self.p:
            raise ValueError(
                f"sampler.batch_size = {batch_size} asks for {self.p} subjects a batch, but the training set has "
                f"{len(dataset.label_set)}; lower P or add subjects"
            )
        self.dataset, self.batch_size, self.batch_shuffle = dataset, batch_size, batch_shuffle

    def __iter__(self):
        """Yield the positions of this process's part of each batch."""
        while True:
            subjects = _draw(self.dataset.label_set, self.p)
            batch = [i for subject in subjects for i in _draw(self.dataset.indices_dict[subject], self.k)]
            if self.batch_shuffle:
                batch = _draw(batch, len(batch))
            yield _agree(batch)[self.rank :: self.world_size]

    def __len__(self):
        """Number of sequences of the data set."""
        return len(self.dataset)


class InferenceSampler(tordata.Sampler):
    """Every sequence once, in order; padded with the first ones to whole batches, dealt to the processes in blocks.

    Args:
        dataset: a `DataSet`.
        batch_size: sequences per batch over all processes.

    Raises:
        ValueError: `batch_size` is not divisible by the number of processes.
    """

    def __init__(self, dataset, batch_size):
        rank, world = get_rank(), get_world_size()
        if batch_size % world:
            raise ValueError(f"sampler.batch_size = {batch_size} is not divisible by {world} processes")
        self.dataset, self.batch_size = dataset, batch_size
        size = -(-len(dataset) // batch_size) * batch_size
        order = list(islice(cycle(range(len(dataset))), size))
        block = batch_size // world
        self.batches = [order[i : i + block] for i in range(rank * block, size, batch_size)]

    def __iter__(self):
        """Yield the positions of this process's part of each batch."""
        return iter(self.batches)

    def __len__(self):
        """Number of sequences of the data set (not of batches), as in OpenGait."""
        return len(self.dataset)
