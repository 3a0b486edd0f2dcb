"""Every cell of an evaluation from its passes, taken one after the other. No host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable, NamedTuple, Union

import numpy as np
import torch

from ..protocol import BOTH, HOLISTIC, TEACHER, Cell, Hiding, Split, row, summarise
from ..retrieval import Trials, trials
from .numbers import curves, heard, intervals, numbers, verified
from .pictures import Picture, retrievals, sheet

HIDDEN = ("kind", "hidden", "hidden_area", "ven_kind", "ven_hidden")
"""What is kept of a pass beside its scores; see `opengait_mimic.passes.Pass`."""
Job = Union[tuple[Hiding, int], None]
"""A pass: what it hides, and the seed; None = whole bodies."""


class Scored(NamedTuple):
    """A cell under one seed. ``curves``: those that were asked for."""

    numbers: dict
    trials: Trials
    curves: dict


class Scorer:
    """Takes the method's passes, whole bodies first, and scores every cell that each one serves; keeps no occluded embeddings.

    Attributes:
        whole: the method's own whole bodies, `Scored`.
        hp: the teacher's; None where its passes are not there.
        own: the method's whole-body pass.
        names: label, type and view of the test sequences.
        passes: job -> its pass, without the embeddings.

    Args:
        cells: in the order of the rows.
        seeds: likewise.
        theirs: the teacher's passes: None -> its whole bodies (there is HP then), job -> hidden ones for `BOTH` by `TEACHER`.
        metric: ``euc`` or ``cos``.
        post: of `opengait_mimic.retrieval.POST`.
        full: also CMC, views, kinds, verification.
        device: where distances are computed.
    """

    def __init__(self, cells: list[Cell], seeds: list[int], theirs: dict, metric: str, post: str, full: bool, device):
        """Nothing is scored yet, but the teacher's whole bodies."""
        self.cells, self.seeds, self.theirs = cells, seeds, theirs
        self.metric, self.post, self.full, self.device = metric, post, full, device
        self.found: dict[tuple[Cell, int], Scored] = {}
        self.hp: Scored | None = None
        self.passes: dict[Job, Any] = {}

    def take(self, job: Job, done, split_of: Callable[[list, list, list], Split]) -> None:
        """Score the cells of a pass of the method's own; ``split_of`` its labels, types and views."""
        if job is None:
            self.own, self.labels, self.views = done, done.labels, done.views
            self.names = list(zip(done.labels, done.types, done.views))
            self.split = split_of(done.labels, done.types, done.views)
            if None in self.theirs:
                whole = self.theirs[None]
                self.hp = self._score(whole, whole, full=False)
            self.whole = self._score(done, done, full=self.full)
        hiding, seed = job or (None, self.seeds[0])
        self.passes[job] = done._replace(embeddings=done.embeddings[:0].copy())  # a view would hold all of them
        for cell in self.cells:
            if cell.hiding == hiding:
                self.found[cell, seed] = self._of(cell, job, done)

    def _of(self, cell: Cell, job: Job, done) -> Scored:
        gallery_job = job if cell.protocol == BOTH else None
        if cell.gallery_embedder == TEACHER:
            return self._score(done, self.theirs[gallery_job])
        if cell.protocol == HOLISTIC:
            return self.whole
        return self._score(done, done if cell.protocol == BOTH else self.own)

    def _score(self, probe, gallery, full: bool | None = None) -> Scored:
        x, y = (torch.from_numpy(side.embeddings).to(self.device) for side in (probe, gallery))
        found = trials(self.split, x, y, self.labels, self.views, self.metric, self.post)
        drawn = None
        if self.full if full is None else full:
            kind = probe.kind if probe.kind.any() else None
            drawn = curves(self.split, found, self.views, kind)
            drawn["verification"] = verified(self.split, x, y, self.labels, self.views, self.metric, self.post)
        return Scored(numbers(self.split, found, self.views), found, drawn or {})

    @property
    def hidden(self) -> dict[str, dict]:
        """``<condition>|<seed>`` -> what was hidden of each sequence, see `HIDDEN`; whole bodies under an empty condition."""
        found = {}
        for job, done in self.passes.items():
            hiding, seed = job or (None, self.seeds[0])
            known = {name: getattr(done, name) for name in HIDDEN}
            found[f"{hiding.name if hiding else ''}|{seed}"] = {name: value for name, value in known.items() if value is not None}
        return found

    def rows(self, facts: dict, hp: dict | None, hp_trials: Trials | None, reason: str) -> tuple[list[dict], list[dict], list[Trials]]:
        """The rows, their summary over the seeds, and the trials of every row.

        Args:
            facts: see `opengait_mimic.protocol.row`.
            hp: the numbers that RP divides by; None = unknown.
            hp_trials: their trials; None: RP has no interval.
            reason: ``hp`` is None.
        """
        rows, kept, ranges = [], [], {}
        for cell, found in self._by_cell():
            for seed, scored in found.items():
                values = {**scored.numbers, **scored.curves}
                more = intervals(self.split, [scored.trials], hp_trials, self.labels)
                meta = self.passes[cell.hiding and (cell.hiding, seed)].meta
                if on := {**meta["trained_with"], **meta["tested_with"]}:
                    more["reference_compat"] = on
                rows.append({**row(facts, cell, seed, values, self.whole.numbers, hp, reason), **more})
                kept.append(scored.trials)
            if len(found) > 1:
                ranges[cell.name] = intervals(self.split, [scored.trials for scored in found.values()], hp_trials, self.labels)
        summary = [{**line, **ranges.get(line["cell"], {})} for line in summarise(rows)]
        return rows, summary, kept

    def _by_cell(self) -> Iterator[tuple[Cell, dict[int, Scored]]]:
        """Every cell with what was found under each seed; whole bodies have one."""
        for cell in self.cells:
            yield cell, {seed: self.found[cell, seed] for seed in self.seeds if (cell, seed) in self.found}

    def pictures(self, block: Callable[[Job], dict | None]) -> list[Picture]:
        """What a report shows: a sheet of every condition, and the best and the worst retrievals of every cell, under its first seed.

        Args:
            block: the ``occlusion`` block of a job.
        """
        probes, out, number = np.any([probe for probe, _ in self.split.subsets.values()], axis=0), [], 0
        for job, done in self.passes.items():
            if job and job[1] == self.seeds[0]:
                out.append(sheet(job[0].name, block(job), done.kind, done.hidden, probes))
        for cell, found in self._by_cell():
            seed, scored = next(iter(found.items()))
            told = heard(self.split, scored.trials)
            out += retrievals(number, cell, block(cell.hiding and (cell.hiding, seed)), told, self.names)
            number += len(found)  # rows come in this order
        return out
