"""One pass over the test set for each condition: several sequences at a time, kept, and resumed where it was stopped."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Callable

import numpy as np
import torch
import torch.utils.data as tordata
from torch import nn

from ... import host as hosts
from ...base.errors import ConfigError
from ...base.processes import on_rank_0, rank_and_world
from ...training.launch import build
from .allocator import keep_memory
from .batching import FRAMES, SEQUENCES, picture_of, size_of_one, why_single
from .cache import Kept, NotKept
from .cache_key import draws_frames, fingerprint, pass_key, restored
from .embedding_file import COLUMNS, Pass
from .frames_shown import given
from .sequence_facts import NAMES, followed

CHUNK = 512
"""Sequences after which what is done is kept."""


def embed(cfgs: dict, hidings: list[dict | None], *more, **named) -> list[Pass]:
    """Embed the test set once in every condition; see `embed_each`, which takes the same and gives one pass after the other."""
    return list(embed_each(cfgs, hidings, *more, **named))


def embed_each(
    cfgs: dict,
    hidings: list[dict | None],
    batch: int | None = None,
    cache: bool = True,
    manifest=None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    as_teacher: bool = False,
) -> Iterator[Pass]:
    """Embed the test set once in every condition.

    In an occluded pass every sequence is hidden, so that one pass serves every side of every cell. The host's own test loop,
    sampler and collate function run; nothing is built where all passes are kept already. Passes lie below
    ``<output>/<dataset>/<model>/<save_name>/embeddings/`` (see `layout`), each under the hash of all that decides it (`pass_key`).
    One that was stopped goes on from its last `CHUNK` and gives, with the same number of processes, the same embeddings bit for
    bit. A kept file that cannot be read, or is not what its name says, is not used: a warning says why and the pass is run.

    Args:
        cfgs: a configuration from `prepare` (phase ``embed``), of any silhouette model.
        hidings: what to hide, in order: an ``occlusion`` block (its ``occluded_side`` is not used), or None = whole bodies.
        batch: sequences at a time in each process. None: `SEQUENCES` where `why_single` finds that they keep their embeddings, else
            one; a number above 1 that it refuses is not taken, with a warning.
        cache: False neither reads nor keeps passes.
        manifest: a `Manifest` whose draws take the place of drawing.
        progress: called with the number of sequences done and of all, over all passes, on every process.
        as_teacher: see `build`.

    Yields:
        The passes, in the order of ``hidings``; on ranks above 0 none.

    Raises:
        ConfigError: a block is wrong, or the manifest lacks a condition or a sequence. HostError, CheckpointError: see `build`.
    """
    run = _Run(copy.deepcopy(cfgs), hidings, batch, progress, as_teacher)
    keys = on_rank_0(lambda: run.keys(manifest))
    for number, (block, key) in enumerate(zip(hidings, keys)):
        kept = (Kept if cache else NotKept)(cfgs, key)
        size = on_rank_0(kept.found)
        if size:
            run.note(kept)
            progress((number + 1) * size, len(hidings) * size)
        else:
            run.embed(number, block, key, kept, manifest)
        if rank_and_world()[0] == 0:
            yield kept.taken()


class _Run:
    """The model, built when the first pass needs it."""

    def __init__(self, cfgs, hidings, batch, progress, as_teacher):
        self.cfgs, self.hidings, self.wanted, self.progress, self.as_teacher = cfgs, hidings, batch, progress, as_teacher
        self.model: nn.Module | None = None

    def keys(self, manifest) -> list[dict]:
        """The key of every pass; on rank 0."""
        data, weights = fingerprint(self.cfgs), restored(self.cfgs)
        return [pass_key(self.cfgs, block, data, weights, manifest, self.wanted) for block in self.hidings]

    def embed(self, number: int, block: dict | None, key: dict, kept, manifest) -> None:
        """Run one pass; rank 0 keeps it."""
        if self.model is None:
            self._build()
            if kept.folder:
                self._tell(kept.folder.parent)
        model, world = self.model, rank_and_world()[1]
        data = model.test_loader.dataset
        model.hide(block, None if block is None else given(manifest, self.cfgs, block, data, self.picture))
        n, total = len(data), len(self.hidings) * len(data)
        missing = on_rank_0(lambda: kept.missing([(first, min(first + CHUNK, n)) for first in range(0, n, CHUNK)]))
        done, inside, size = n - sum(last - first for first, last in missing), 0, 0  # size of this part, and how much of it is done

        def told(count):
            nonlocal inside
            inside = min(inside + count * world, size)  # the last batch may be padded
            self.progress(number * n + done + inside, total)

        whole = model.test_loader
        try:
            with followed(model, FRAMES[hosts.device().type], told), torch.no_grad():
                for first, last in missing:
                    inside, size = 0, last - first
                    model.test_loader = part_of(whole, range(first, last), self.batch)
                    self._seed(first)
                    found = model.inference(-1)  # not rank 0's: that one draws a bar for each part
                    if rank_and_world()[0] == 0:
                        kept.add(first, last, {name: np.asarray(found[name])[:size] for name in ("embeddings", "facts")})
                    done += size
        finally:
            model.test_loader = whole
        self.progress((number + 1) * n, total)
        if rank_and_world()[0] == 0:
            more = {"batch": self.batch, "picture": list(self.picture)}
            more.update(trained_with=model.trained_with, tested_with=model.tested_with)
            kept.finish(_pass(kept.parts(), data, {"key": key, **more}))

    def note(self, kept) -> None:
        """Say where a kept pass was made with another number of sequences at a time than was asked for."""
        if rank_and_world()[0] == 0 and self.wanted not in (None, made := kept.taken().meta["batch"]):
            from utils import get_msg_mgr

            get_msg_mgr().log_info(
                f"{kept.file} was made with {made} sequences at a time, not {self.wanted}; it is used, for they agree to 1e-5"
            )

    def _build(self) -> None:
        model = build(self.cfgs, training=False, occludable=True, as_teacher=self.as_teacher)
        self.model = model = getattr(model, "module", model)
        model.hide(None)
        self.picture = picture_of(model)
        if self.wanted is not None and (not isinstance(self.wanted, int) or self.wanted < 1):
            raise ConfigError(f"batch = {self.wanted!r}; expected a number of sequences, 1 or more, or None")
        self.batch = SEQUENCES if self.wanted is None else self.wanted
        if self.batch > 1 and (why := why_single(model)):
            tell = model.msg_mgr.log_info if self.wanted is None else model.msg_mgr.log_warning
            tell(f"The test set is embedded one sequence at a time: {why}")
            self.batch = 1
        if self.batch > 1:
            model.msg_mgr.log_info(f"The test set is embedded {self.batch} sequences at a time")
        if self.batch > 1 and hosts.device().type == "cpu":
            keep_memory()

    def _tell(self, folder) -> None:
        """Say once where the passes go and about how large they are."""
        one, count = size_of_one(self.model) * len(self.model.test_loader.dataset) / 1e6, len(self.hidings)
        each, every = (f"{size:.3g} MB" if size < 1000 else f"{size / 1000:.1f} GB" for size in (one, count * one))
        self.model.msg_mgr.log_info(
            f"Passes are kept in {folder}: {count} of about {each} each, {every} in all. The folder may be deleted; what is needed is"
            " embedded again"
        )

    def _seed(self, first: int) -> None:
        """Where the sampling draws frames, a part draws the same ones whether or not the parts before it ran just now."""
        if draws_frames(self.cfgs):
            from utils import init_seeds

            init_seeds((self.cfgs["trainer_cfg"].get("seed", 0) * 1000 + rank_and_world()[0] + 1_000_003 * first) % 2**32)


class _Positions(tordata.Sampler):
    """The host's test sampler over some positions of the test list: whole batches, dealt to the processes in blocks."""

    def __init__(self, positions, batch: int):
        from data.sampler import InferenceSampler

        self.count, self.batch_size = len(positions), batch * rank_and_world()[1]
        padded = -(-len(positions) // self.batch_size) * self.batch_size
        self.positions = [positions[i % len(positions)] for i in range(padded)]
        self.blocks = InferenceSampler(self.positions, self.batch_size)

    def __iter__(self):
        return ([self.positions[i] for i in block] for block in self.blocks)

    def __len__(self) -> int:
        """Positions without the padding, as the host's counts sequences."""
        return self.count


def part_of(loader: tordata.DataLoader, positions, batch: int) -> tordata.DataLoader:
    """The host's test loader over some positions of the test list, ``batch`` at a time in each process."""
    sampler = _Positions(positions, batch)
    return tordata.DataLoader(loader.dataset, batch_sampler=sampler, collate_fn=loader.collate_fn, num_workers=loader.num_workers)


def _pass(parts: list[dict], data, meta: dict) -> Pass:
    """The finished parts, in order, as a pass."""
    embeddings, facts = (np.concatenate([part[name] for part in parts]) for name in ("embeddings", "facts"))
    column = dict(zip(NAMES, facts.T))
    said = {name: None if np.isnan(column[name]).any() else column[name] for name in ("ven_kind", "ven_hidden")}
    return Pass(
        embeddings.astype(np.float32), list(data.label_list), list(data.types_list), list(data.views_list),
        column["kind"].astype(np.int8), column["hidden_drawn"].astype(np.float32), column["hidden_area"].astype(np.float32),
        column["frames"].astype(np.int32),
        None if said["ven_kind"] is None else said["ven_kind"].astype(np.int8),
        None if said["ven_hidden"] is None else said["ven_hidden"].astype(np.float32),
        np.ascontiguousarray(facts[:, -len(COLUMNS) :]), meta,
    )  # fmt: skip
