"""Scores of every cell, computed pass by pass. No host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable, NamedTuple, Union

import numpy as np
import torch

from ..base.errors import ConfigError
from ..metrics import OF_SPLIT, Trials, mean_over_seeds, rank_probes
from ..metrics.cell_scores import compute_curves, verify_cell
from ..metrics.protocols import Split
from ..metrics.protocols.split_scores import select_overall, summarise_trials
from ..metrics.subset_intervals import SubsetResamples, add_intervals
from .cells import BOTH, HOLISTIC, TEACHER, Cell, Hiding
from .result_clips import Picture, condition_sheet, row_retrievals
from .result_rows import make_row
from .row_summaries import summarise_seeds

HIDDEN = ("kind", "hidden", "hidden_area", "ven_kind", "ven_hidden")
"""What is kept of a pass in addition to its scores; see `opengait_mimic.evaluation.embeddings.Pass`."""
Job = Union[tuple[Hiding, int], None]
"""A pass: what it hides, and the seed; None = whole bodies."""


class Scored(NamedTuple):
    """A cell under one seed. ``curves``: empty unless they were requested."""

    numbers: dict
    trials: Trials
    curves: dict


class Scorer:
    """Takes the method's passes one by one, whole bodies first, and scores the cells of each. It keeps no occluded embeddings.

    Args:
        cells: in the order of the rows.
        seeds: in the order of the rows.
        theirs: the teacher's passes: None -> its whole bodies, which give HP; job -> a hidden gallery for cells `BOTH` by `TEACHER`.
        metric: ``euc`` or ``cos``.
        post: of `opengait_mimic.metrics.POST`.
        full: also CMC, views, kinds, verification.
        device: where distances are computed.

    Attributes:
        whole, hp: `Scored` whole bodies of the method, and of the teacher (None without its passes).
        own: the method's whole-body pass.
        names: label, type and view of the test sequences.
        passes: job -> its pass, without the embeddings.
    """

    def __init__(self, cells: list[Cell], seeds: list[int], theirs: dict, metric: str, post: str, full: bool, device):
        """Nothing is scored yet."""
        self.cells, self.seeds, self.theirs = cells, seeds, theirs
        self.metric, self.post, self.full, self.device = metric, post, full, device
        self.scores: dict[tuple[Cell, int], Scored] = {}
        self.hp: Scored | None = None
        self.passes: dict[Job, Any] = {}
        self.shared: dict[str, np.ndarray] = {}  # columns of every cell's trials, held once

    def score_pass(self, job: Job, done, split_of: Callable[[list, list, list], Split]) -> None:
        """Score the cells of one of the method's passes; ``split_of(labels, types, views)`` gives probe and gallery."""
        if job is None:
            self.own, self.labels, self.views = done, done.labels, done.views
            self.names = list(zip(done.labels, done.types, done.views))
            self.split = split_of(done.labels, done.types, done.views)
            if None in self.theirs:
                teacher = self.theirs[None]
                self.hp = self._score(teacher, teacher, full=False)
            self.whole = self._score(done, done, self.full)
        hiding, seed = job or (None, self.seeds[0])
        self.passes[job] = done._replace(embeddings=np.empty((0, *done.embeddings.shape[1:]), np.float32))
        for cell in self.cells:
            if cell.hiding == hiding:
                self.scores[cell, seed] = self._score_cell(cell, job, done)

    def _score_cell(self, cell: Cell, job: Job, done) -> Scored:
        if cell.gallery_embedder == TEACHER:
            return self._score(done, self.theirs[job if cell.occluded_side == BOTH else None], self.full)
        if cell.occluded_side == HOLISTIC:
            return self.whole
        return self._score(done, done if cell.occluded_side == BOTH else self.own, self.full)

    def _score(self, probe, gallery, full: bool) -> Scored:
        x, y = (torch.from_numpy(side.embeddings).to(self.device) for side in (probe, gallery))
        try:
            trials = rank_probes(self.split, x, y, self.labels, self.views, self.metric, self.post)
        except ValueError as error:  # embeddings that are not finite, or do not fit
            raise ConfigError(str(error)) from error
        self.shared = self.shared or {name: getattr(trials, name) for name in OF_SPLIT}
        trials, curves = trials._replace(**self.shared), {}
        if full:
            curves = compute_curves(self.split, trials, self.views, probe.kind if probe.kind.any() else None)
            curves.update(verify_cell(self.split, x, y, self.labels, self.views, self.metric, self.post))
        return Scored(summarise_trials(self.split, trials, self.views), trials, curves)

    @property
    def hidden(self) -> dict[str, dict]:
        """``<condition>|<seed>`` -> what was hidden of each sequence, see `HIDDEN`; whole bodies under an empty condition."""
        found = {}
        for job, done in self.passes.items():
            hiding, seed = job or (None, self.seeds[0])
            known = {name: getattr(done, name) for name in HIDDEN}
            found[f"{hiding.name if hiding else ''}|{seed}"] = {name: value for name, value in known.items() if value is not None}
        return found

    def rows(
        self, facts: dict, hp: dict | None, hp_trials: Trials | None, reason: str, hidden_by: Callable[[Hiding], str]
    ) -> tuple[list[dict], list[dict], list[Trials]]:
        """The rows, their summary over the seeds, and the trials of every row.

        Args:
            facts: see `opengait_mimic.evaluation.result_rows.make_row`.
            hp: the numbers that RP divides by; None = unknown.
            hp_trials: their trials; None: RP has no interval.
            reason: why ``hp`` is None.
            hidden_by: see `opengait_mimic.evaluation.embedding_plan.EmbeddingPlan.hidden_by`.
        """
        rows, kept, means = [], [], {}
        parts = SubsetResamples(self.split, self.labels, self.whole.trials)
        below = None if hp_trials is None else parts.resampled(hp_trials)
        draws = {hiding: hidden_by(hiding) for hiding in dict.fromkeys(cell.hiding for cell in self.cells if cell.hiding)}
        for cell, by_seed in self._by_cell():
            resampled = [parts.resampled(scored.trials) for scored in by_seed.values()]
            for (seed, scored), own in zip(by_seed.items(), resampled):
                row = make_row(facts, cell, seed, {**scored.numbers, **scored.curves}, self.whole.numbers, hp, reason)
                row["hidden_by"] = draws.get(cell.hiding)
                meta = self.passes[cell.hiding and (cell.hiding, seed)].meta
                if on := {**meta["trained_with"], **meta["tested_with"]}:
                    row["reference_compat"] = on
                rows.append(add_intervals(row, own, below))
                kept.append(scored.trials)
            if len(by_seed) > 1:
                means[cell.name] = {part: mean_over_seeds([own[part] for own in resampled]) for part in resampled[0]}
        summary = [add_intervals(line, means[line["cell"]], below) if line["cell"] in means else line for line in summarise_seeds(rows)]
        return rows, summary, kept

    def _by_cell(self) -> Iterator[tuple[Cell, dict[int, Scored]]]:
        """Every cell with its scores under each seed; whole bodies have one."""
        for cell in self.cells:
            yield cell, {seed: self.scores[cell, seed] for seed in self.seeds if (cell, seed) in self.scores}

    def pictures(self, block: Callable[[Job], dict | None]) -> list[Picture]:
        """A sheet of every condition, and the retrievals of every cell, under the first seed; ``block`` maps a job to its condition."""
        probes, out, number = np.any([probe for probe, _ in self.split.subsets.values()], axis=0), [], 0
        for job, done in self.passes.items():
            if job and job[1] == self.seeds[0]:
                out.append(condition_sheet(job[0].name, block(job), done.kind, done.hidden, probes))
        for cell, by_seed in self._by_cell():
            seed, scored = next(iter(by_seed.items()))
            overall = select_overall(self.split, scored.trials)
            out += row_retrievals(number, cell, block(cell.hiding and (cell.hiding, seed)), overall, self.names)
            number += len(by_seed)  # rows come in this order
        return out
