"""What an evaluation embeds: with which network, in which conditions, in which order. The order is the same on every process."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Callable

import numpy as np

from ..base.files import sha256
from ..base.processes import on_rank_0
from ..host import resolve
from ..metrics.protocols import content_hash
from ..occlusion.manifest import Manifest, read_manifest
from ..published.switches import test_hiding
from .cells import BOTH, TEACHER, Cell, Hiding
from .embeddings import Pass, build_manifest, embed_each, fingerprint_test_data, reload_pass, sample_frames
from .embeddings.cache_key import binarise_threshold, read_condition
from .evaluation_setup import Request, TestSetup
from .score import Job


class StoredPasses(UserDict):
    """Passes by job; the values are functions that return them."""

    def __getitem__(self, job: Job) -> Pass:
        """Return a pass."""
        return self.data[job]()


class EmbeddingPlan:
    """The passes that the cells need, each once. ``manifest_hash``: SHA-256 of the manifest's file, or None.

    Args:
        setup: of the test.
        cells: what is scored.
        seeds: of the draws.
        teacher: the configuration of the network that gives HP; None = it embeds nothing. It embeds whole bodies, and in a condition
            only a hidden gallery that a cell asks of it.
        request: its ``manifest``, ``batch`` and ``cache`` count here.
        progress: called with the number of sequences embedded and in total.

    Raises:
        ConfigError: the file is no manifest. HostError: it is missing.
    """

    def __init__(self, setup: TestSetup, cells: list[Cell], seeds: list[int], teacher: dict | None, request: Request, progress: Callable):
        """Nothing is embedded yet."""
        self.setup, self.teacher, self.request, self.progress = setup, teacher, request, progress
        self.seeds, self.manifest, self.manifest_hash = seeds, None, None
        if request.manifest is not None:
            file = resolve(request.manifest, "--manifest")
            self.manifest, self.manifest_hash = read_manifest(file), sha256(file)
            on_rank_0(self._log_departures)
        self.own: list[Job] = [None, *product(dict.fromkeys(cell.hiding for cell in cells if cell.hiding), seeds)]
        hidden = {cell.hiding for cell in cells if (cell.occluded_side, cell.gallery_embedder) == (BOTH, TEACHER)}
        self.theirs = [] if teacher is None else [job for job in self.own if job is None or job[0] in hidden]

    def _log_departures(self) -> None:
        from utils import get_msg_mgr

        cfgs = self.setup.cfgs
        for each in self.manifest.departures(fingerprint_test_data(cfgs), binarise_threshold(cfgs)):
            get_msg_mgr().log_warning(each)

    def block(self, job: Job) -> dict | None:
        """The complete ``occlusion`` block of a job; None = whole bodies."""
        return job and job[0].block(job[1], self.setup.base)

    def hidden_by(self, hiding: Hiding) -> str:
        """A hash of all that decides what a condition hides, without the seeds; with a manifest, of its draws for this run's seeds.

        Raises:
            ConfigError: the manifest has no such condition.
        """
        drawn = [read_condition(self.block((hiding, seed))) for seed in self.seeds]
        given = None if self.manifest is None else [self.manifest.of(each.occlusion, each.seed).hash for each in drawn]
        return content_hash([drawn[0].occlusion._asdict(), given, test_hiding(self.setup.cfgs)])

    def embed_by_teacher(self) -> StoredPasses:
        """The teacher's passes; empty without a teacher and on ranks above 0.

        Whole bodies stay in memory. Hidden passes are read from the cache on each access, if there is one.
        """
        passes = StoredPasses()
        for job, done in self._each(self.teacher, self.theirs, 0, True) if self.theirs else ():
            if self.request.cache and job is not None:
                passes.data[job] = partial(reload_pass, self.teacher, done.meta["key"])
            else:
                passes.data[job] = lambda done=done: done
        return passes

    def embed_by_method(self) -> Iterator[tuple[Job, Pass]]:
        """The method's passes, whole bodies first; nothing on ranks above 0."""
        return self._each(self.setup.cfgs, self.own, len(self.theirs), self.setup.as_teacher)

    def _each(self, cfgs, jobs, before, as_teacher):
        every, blocks = len(self.theirs) + len(self.own), [self.block(job) for job in jobs]

        def count(done, total):
            one = total // len(jobs)  # sequences in a pass
            self.progress(before * one + done, every * one)

        return zip(jobs, embed_each(cfgs, blocks, self.request.batch, self.request.cache, self.manifest, count, as_teacher))

    def build_manifest(self, passes: dict[Job, Pass]) -> Manifest:
        """What the passes of `embed_by_method` hid."""
        jobs = [job for job in self.own if job]
        names = [f"{hiding.name}, seed {seed}" for hiding, seed in jobs]
        return build_manifest(self.setup.cfgs, [passes[job] for job in jobs], [self.block(job) for job in jobs], names)

    def frames(self, clips: list[tuple[int, dict | None]]) -> np.ndarray:
        """What the method's network saw; see `sample_frames`."""
        return sample_frames(self.setup.cfgs, clips, manifest=self.manifest)
