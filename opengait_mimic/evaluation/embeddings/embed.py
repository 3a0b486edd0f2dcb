"""Embed a test set once in every condition: several sequences at a time, cached, resumed condition by condition."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Callable

import numpy as np
import torch
import torch.utils.data as tordata
from torch import nn

from ... import host as hosts
from ...base.config import Count, read_value
from ...base.files import sha256
from ...base.processes import on_rank_0, rank_and_world
from ...host.run_paths import checkpoint_file
from ...models.prepare import restorable
from ...training.launch import build
from .batching import FRAMES, SEQUENCES, picture_of, reason_for_single
from .cache import cache_file, cache_folder, read_cached
from .cache_key import fingerprint_test_data, pass_key, samples_frames
from .embedding_file import COLUMNS, TYPES, Pass, save
from .frames_shown import manifest_draws
from .sequence_facts import NAMES, collect_facts


def embed_all(cfgs: dict, conditions: list[dict | None], *more, **named) -> list[Pass]:
    """All passes of `embed_each` as a list; same arguments."""
    return list(embed_each(cfgs, conditions, *more, **named))


def embed_each(
    cfgs: dict,
    conditions: list[dict | None],
    batch: int | None = None,
    cache: bool = True,
    manifest=None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    as_teacher: bool = False,
) -> Iterator[Pass]:
    """Embed the test set once in every condition.

    An occluded pass hides every sequence, so one pass serves probes and gallery of every cell. The host's own test loop, sampler and
    collate function run. The model is built only if a pass is not cached. A stopped run goes on with the first condition that is not
    cached.

    Args:
        cfgs: a configuration from `prepare` (phase ``embed``), of any silhouette model.
        conditions: ``occlusion`` blocks (their ``occluded_side`` is not used), or None = whole bodies.
        batch: sequences at a time in each process. None: `SEQUENCES` if the model embeds each as it does alone, else 1. A larger number
            than the model allows is reduced to 1, with a warning.
        cache: False neither reads nor writes cached passes.
        manifest: a `Manifest` whose draws replace random draws.
        progress: called with the number of sequences done and in total, over all conditions, on every process.
        as_teacher: see `build`.

    Yields:
        The passes, in the order of ``conditions``; nothing on ranks above 0.

    Raises:
        ConfigError: a block is wrong, or the manifest lacks a condition or a sequence. HostError, CheckpointError: see `build`.
    """
    rank = rank_and_world()[0]
    embedder = _Embedder(copy.deepcopy(cfgs), len(conditions), batch, progress, as_teacher)
    keys = on_rank_0(lambda: _keys(cfgs, conditions, manifest, batch))
    for number, (block, key) in enumerate(zip(conditions, keys)):
        done = read_cached(cfgs, key) if cache and rank == 0 else None
        count = on_rank_0(lambda done=done: 0 if done is None else len(done.labels))
        if count:
            progress((number + 1) * count, len(conditions) * count)
        else:
            done = embedder.embed(number, block, key, manifest)
            if cache:
                on_rank_0(lambda done=done: save(cache_file(cfgs, done.meta["key"]), done))
        if rank == 0:
            yield done


def _keys(cfgs, conditions, manifest, batch) -> list[dict]:
    restorable(cfgs, training=False)
    data, weights = fingerprint_test_data(cfgs), sha256(checkpoint_file("auto", cfgs, "evaluator_cfg.restore_hint"))
    return [pass_key(cfgs, block, data, weights, manifest, batch) for block in conditions]


class _Embedder:
    """The model, built when the first pass needs it."""

    def __init__(self, cfgs, conditions, batch, progress, as_teacher):
        self.cfgs, self.conditions, self.asked, self.progress, self.as_teacher = cfgs, conditions, batch, progress, as_teacher
        self.model: nn.Module | None = None

    def embed(self, number: int, block: dict | None, key: dict, manifest) -> Pass | None:
        """One pass; None on ranks above 0."""
        if self.model is None:
            self._build()
        model, (rank, world) = self.model, rank_and_world()
        data = model.test_loader.dataset
        model.hide(block, manifest_draws(manifest, self.cfgs, block, data, self.picture))
        n, done = len(data), 0

        def count(sequences):
            nonlocal done
            done = min(done + sequences * world, n)  # the last batch may be padded
            self.progress(number * n + done, self.conditions * n)

        whole = model.test_loader
        try:
            model.test_loader = _test_loader(whole, self.batch)
            if samples_frames(self.cfgs):  # every pass draws the same ones, whether or not other passes ran before it
                from utils import init_seeds

                init_seeds((self.cfgs["trainer_cfg"].get("seed", 0) * 1000 + rank) % 2**32)
            with collect_facts(model, FRAMES[hosts.device().type], count), torch.no_grad():
                found = model.inference(-1)  # with rank 0 the host draws a progress bar of its own
        finally:
            model.test_loader = whole
        self.progress((number + 1) * n, self.conditions * n)
        if rank > 0:
            return None
        meta = {"key": key, "batch": self.batch, "picture": list(self.picture)}
        meta.update(trained_with=model.trained_with, tested_with=model.tested_with)
        return _make_pass(np.asarray(found["embeddings"])[:n], np.asarray(found["facts"])[:n], data, meta)

    def _build(self) -> None:
        self.batch = SEQUENCES if self.asked is None else read_value(Count, self.asked, "batch")
        model = build(self.cfgs, training=False, occludable=True, as_teacher=self.as_teacher)
        self.model = model = getattr(model, "module", model)
        model.hide(None)
        self.picture = picture_of(model)
        if self.batch > 1 and (why := reason_for_single(model)):
            log = model.msg_mgr.log_info if self.asked is None else model.msg_mgr.log_warning
            log(f"The test set is embedded one sequence at a time: {why}")
            self.batch = 1
        model.msg_mgr.log_info(f"Sequences embedded at a time: {self.batch}. Cache: {cache_folder(self.cfgs)} (it may be deleted)")


class _TestSampler(tordata.Sampler):
    """The host's test sampler, for several sequences at a time in each process: the last batch is filled up with the first sequences."""

    def __init__(self, count: int, batch: int):
        from data.sampler import InferenceSampler

        self.count, self.batch_size = count, batch * rank_and_world()[1]
        padded = -(-count // self.batch_size) * self.batch_size
        self.blocks = InferenceSampler(range(padded), self.batch_size)

    def __iter__(self):
        return ([i % self.count for i in block] for block in self.blocks)

    def __len__(self) -> int:
        """Sequences without the padding, as the host counts them."""
        return self.count


def _test_loader(loader: tordata.DataLoader, batch: int) -> tordata.DataLoader:
    """The host's test loader with ``batch`` sequences at a time in each process."""
    sampler = _TestSampler(len(loader.dataset), batch)
    return tordata.DataLoader(loader.dataset, batch_sampler=sampler, collate_fn=loader.collate_fn, num_workers=loader.num_workers)


def _make_pass(embeddings: np.ndarray, facts: np.ndarray, data, meta: dict) -> Pass:
    known = {"embeddings": embeddings, **dict(zip(NAMES, facts.T)), "draws": np.ascontiguousarray(facts[:, -len(COLUMNS) :])}
    for name in ("ven_kind", "ven_hidden"):
        if np.isnan(known[name]).any():
            known[name] = None
    arrays = {name: None if known[name] is None else known[name].astype(kind) for name, kind in TYPES.items()}
    names = {"labels": list(data.label_list), "types": list(data.types_list), "views": list(data.views_list)}
    return Pass(**arrays, **names, meta=meta)
