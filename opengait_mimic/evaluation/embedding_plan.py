"""What an evaluation embeds: by whom, under which condition, in which order; the same on every process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Callable

import numpy as np

from ..base.files import sha256
from ..base.processes import on_rank_0
from ..host import resolve
from ..metrics.protocols import content_hash
from ..occlusion.manifest import Manifest, read_manifest
from .cells import BOTH, TEACHER, Cell, Hiding
from .embeddings import Pass, build_manifest, embed_each, fingerprint, reload_pass, sample_frames
from .embeddings.cache_key import binarise_threshold, read_condition
from .score import Job
from .test_setup import Subject


class TeacherPasses(Mapping):
    """A teacher's passes. Whole bodies, which every condition needs, are held; where passes are kept, others are read when asked for.

    Args:
        cfgs: the configuration of the passes.
        passes: each with its job.
        kept: whether they lie in files.
    """

    def __init__(self, cfgs: dict | None, passes: Iterable[tuple[Job, Pass]], kept: bool):
        """Take all passes."""
        self._cfgs, self._kept, self._passes = cfgs, kept, {}
        for job, done in passes:
            self._passes[job] = done._replace(embeddings=done.embeddings[:0].copy()) if self._in_file(job) else done

    def _in_file(self, job: Job) -> bool:
        return self._kept and job is not None

    def __getitem__(self, job: Job) -> Pass:
        """A pass. Raises: KeyError; see also `reload_pass`."""
        return reload_pass(self._cfgs, self._passes[job]) if self._in_file(job) else self._passes[job]

    def __iter__(self):
        """The jobs, whole bodies first."""
        return iter(self._passes)

    def __len__(self) -> int:
        """The number of passes."""
        return len(self._passes)


class EmbeddingPlan:
    """The passes that the cells need, each once.

    Args:
        subject: whose test it is.
        cells: what is scored.
        seeds: of the draws.
        teacher: the configuration of the backbone's whole-body run; None = it is not asked. It embeds whole bodies, and under a
            condition what a cell has it embed of a hidden gallery.
        manifest: a file of draws in the place of drawing; None = they are drawn.
        batch: see `embed_each`, as ``cache``.
        cache: likewise.
        progress: called with the number of sequences embedded and of all.

    Raises:
        ConfigError: the manifest is none. HostError: it is missing.

    Attributes:
        manifest_hash: SHA-256 of the manifest's file; None = there is none.
    """

    def __init__(
        self,
        subject: Subject,
        cells: list[Cell],
        seeds: list[int],
        teacher: dict | None,
        manifest: str | None,
        batch: int | None,
        cache: bool,
        progress: Callable[[int, int], None],
    ):
        """Nothing is embedded yet."""
        self.subject, self.teacher, self.batch, self.cache, self.progress = subject, teacher, batch, cache, progress
        self.seeds, self.manifest, self.manifest_hash = seeds, None, None
        if manifest is not None:
            file = resolve(manifest, "--manifest")
            self.manifest, self.manifest_hash = read_manifest(file), sha256(file)
            on_rank_0(self._tell_departures)
        self.own: list[Job] = [None, *product(dict.fromkeys(cell.hiding for cell in cells if cell.hiding), seeds)]
        hidden = {cell.hiding for cell in cells if (cell.occluded_side, cell.gallery_embedder) == (BOTH, TEACHER)}
        self.theirs = [] if teacher is None else [job for job in self.own if job is None or job[0] in hidden]

    def _tell_departures(self) -> None:
        from utils import get_msg_mgr

        cfgs, held = self.subject.cfgs, self.manifest
        for each in held.departures("" if held.data is None else fingerprint(cfgs), binarise_threshold(cfgs)):
            get_msg_mgr().log_warning(each)

    def block(self, job: Job) -> dict | None:
        """The complete ``occlusion`` block of a job; None = whole bodies."""
        return job and job[0].block(job[1], self.subject.base)

    def hidden_by(self, hiding: Hiding) -> str:
        """A hash of all that decides what a condition hides but the seeds; of a manifest, what it hides under the seeds of this run.

        Raises:
            ConfigError: the manifest has no such condition.
        """
        drawn = [read_condition(self.subject.cfgs, self.block((hiding, seed))) for seed in self.seeds]
        given = None if self.manifest is None else [self.manifest.of(each.occlusion, each.seed).hash for each in drawn]
        return content_hash([drawn[0].occlusion._asdict(), given])

    def of_teacher(self) -> TeacherPasses:
        """The teacher's passes; none where it is not asked, or on ranks above 0."""
        return TeacherPasses(self.teacher, self._each(self.teacher, self.theirs, 0, True) if self.theirs else (), self.cache)

    def of_method(self) -> Iterator[tuple[Job, Pass]]:
        """The method's own, whole bodies first; none on ranks above 0."""
        return self._each(self.subject.cfgs, self.own, len(self.theirs), self.subject.as_teacher)

    def _each(self, cfgs, jobs, before, as_teacher):
        every, blocks = len(self.theirs) + len(self.own), [self.block(job) for job in jobs]

        def tell(done, total):
            one = total // len(jobs)  # sequences in a pass
            self.progress(before * one + done, every * one)

        return zip(jobs, embed_each(cfgs, blocks, self.batch, self.cache, self.manifest, tell, as_teacher))

    def drawn(self, passes: dict[Job, Pass]) -> Manifest:
        """What the passes of `of_method` hid; raises as `build_manifest`."""
        jobs = [job for job in self.own if job]
        names = [f"{hiding.name}, seed {seed}" for hiding, seed in jobs]
        return build_manifest(self.subject.cfgs, [passes[job] for job in jobs], [self.block(job) for job in jobs], names)

    def frames(self, wanted: list[tuple[int, dict | None]]) -> np.ndarray:
        """What the method's network saw; see `sample_frames`."""
        return sample_frames(self.subject.cfgs, wanted, manifest=self.manifest)
