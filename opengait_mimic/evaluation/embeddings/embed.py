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
from ...base.errors import ConfigError
from ...base.processes import on_rank_0, rank_and_world
from ...training.launch import build
from .batching import FRAMES, SEQUENCES, picture_of, reason_for_single
from .cache import cache_file, cache_folder, read_cached, write_cached
from .cache_key import checkpoint_hash, fingerprint_test_data, pass_key, samples_frames
from .embedding_file import COLUMNS, Pass
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
    collate function run. The model is built only if a pass is not cached. A cached pass is found by the hash of all that decides it
    (`pass_key`). A stopped run goes on with the first condition that is not cached.

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
    embedder = _Embedder(copy.deepcopy(cfgs), len(conditions), batch, progress, as_teacher)
    keys = on_rank_0(lambda: _keys(cfgs, conditions, manifest, batch))
    for number, (block, key) in enumerate(zip(conditions, keys)):
        done, count = _read_cached(cfgs, key) if cache else (None, 0)
        if count:
            if done is not None:
                _log_other_batch(cfgs, done, batch)
            progress((number + 1) * count, len(conditions) * count)
        else:
            done = embedder.embed(number, block, key, manifest)
            if cache:
                on_rank_0(lambda done=done: write_cached(cfgs, done))
        if rank_and_world()[0] == 0:
            yield done


def _keys(cfgs, conditions, manifest, batch) -> list[dict]:
    data, weights = fingerprint_test_data(cfgs), checkpoint_hash(cfgs)
    return [pass_key(cfgs, block, data, weights, manifest, batch) for block in conditions]


def _read_cached(cfgs, key) -> tuple[Pass | None, int]:
    """The cached pass (on ranks above 0 None) and its number of sequences, 0 = not cached."""
    done = None

    def read():
        nonlocal done
        done = read_cached(cfgs, key)
        return 0 if done is None else len(done.labels)

    count = on_rank_0(read)
    return done, count


def _log_other_batch(cfgs, done: Pass, batch: int | None) -> None:
    if batch not in (None, made := done.meta["batch"]):
        from utils import get_msg_mgr

        file = cache_file(cfgs, done.meta["key"])
        get_msg_mgr().log_info(f"{file} was made with {made} sequences at a time, not {batch}; it is used, the two agree to 1e-5")


class _Embedder:
    """The model, built when the first pass needs it."""

    def __init__(self, cfgs, conditions, batch, progress, as_teacher):
        self.cfgs, self.conditions, self.asked, self.progress, self.as_teacher = cfgs, conditions, batch, progress, as_teacher
        self.model: nn.Module | None = None

    def embed(self, number: int, block: dict | None, key: dict, manifest) -> Pass | None:
        """One pass; None on ranks above 0."""
        if self.model is None:
            self._build()
        model, world = self.model, rank_and_world()[1]
        data = model.test_loader.dataset
        model.hide(block, None if block is None else manifest_draws(manifest, self.cfgs, block, data, self.picture))
        n, done = len(data), 0

        def count(sequences):
            nonlocal done
            done = min(done + sequences * world, n)  # the last batch may be padded
            self.progress(number * n + done, self.conditions * n)

        whole = model.test_loader
        try:
            model.test_loader = _test_loader(whole, self.batch)
            self._seed()
            with collect_facts(model, FRAMES[hosts.device().type], count), torch.no_grad():
                found = model.inference(-1)  # with rank 0 the host draws a progress bar of its own
        finally:
            model.test_loader = whole
        self.progress((number + 1) * n, self.conditions * n)
        if rank_and_world()[0] > 0:
            return None
        meta = {"key": key, "batch": self.batch, "picture": list(self.picture)}
        meta.update(trained_with=model.trained_with, tested_with=model.tested_with)
        return _make_pass(np.asarray(found["embeddings"])[:n], np.asarray(found["facts"])[:n], data, meta)

    def _build(self) -> None:
        if self.asked is not None and (not isinstance(self.asked, int) or self.asked < 1):
            raise ConfigError(f"batch = {self.asked!r}; expected a number of sequences, 1 or more, or None")
        model = build(self.cfgs, training=False, occludable=True, as_teacher=self.as_teacher)
        self.model = model = getattr(model, "module", model)
        model.hide(None)
        self.picture = picture_of(model)
        self.batch = SEQUENCES if self.asked is None else self.asked
        if self.batch > 1 and (why := reason_for_single(model)):
            log = model.msg_mgr.log_info if self.asked is None else model.msg_mgr.log_warning
            log(f"The test set is embedded one sequence at a time: {why}")
            self.batch = 1
        model.msg_mgr.log_info(f"Sequences embedded at a time: {self.batch}. Cache: {cache_folder(self.cfgs)} (it may be deleted)")

    def _seed(self) -> None:
        """If the sampler draws frames, every pass draws the same ones, whether or not other passes ran before it."""
        if samples_frames(self.cfgs):
            from utils import init_seeds

            init_seeds((self.cfgs["trainer_cfg"].get("seed", 0) * 1000 + rank_and_world()[0]) % 2**32)


class _TestSampler(tordata.Sampler):
    """The host's test sampler, for several sequences at a time in each process: the last batch is filled up with the first sequences."""

    def __init__(self, count: int, batch: int):
        from data.sampler import InferenceSampler

        self.count, self.batch_size = count, batch * rank_and_world()[1]
        self.padded = -(-count // self.batch_size) * self.batch_size
        self.blocks = InferenceSampler(range(self.padded), self.batch_size)

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
    column = dict(zip(NAMES, facts.T))
    ven = {name: None if np.isnan(column[name]).any() else column[name] for name in ("ven_kind", "ven_hidden")}
    return Pass(
        embeddings=embeddings.astype(np.float32),
        labels=list(data.label_list),
        types=list(data.types_list),
        views=list(data.views_list),
        kind=column["kind"].astype(np.int8),
        hidden=column["hidden_drawn"].astype(np.float32),
        hidden_area=column["hidden_area"].astype(np.float32),
        frames=column["frames"].astype(np.int32),
        ven_kind=None if ven["ven_kind"] is None else ven["ven_kind"].astype(np.int8),
        ven_hidden=None if ven["ven_hidden"] is None else ven["ven_hidden"].astype(np.float32),
        draws=np.ascontiguousarray(facts[:, -len(COLUMNS) :]),
        meta=meta,
    )
