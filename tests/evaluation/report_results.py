"""Result folders for the report's tests: embeddings are made up, every number comes from them through `Scorer`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from opengait_mimic.evaluation.cells import BOTH, HOLISTIC, OWN, PROBE, TEACHER, Cell, Hiding
from opengait_mimic.evaluation.result import Result, write_result
from opengait_mimic.evaluation.result_clips import render_clips
from opengait_mimic.evaluation.score import Scorer
from opengait_mimic.metrics import transductive_mark
from opengait_mimic.metrics.protocols import split
from opengait_mimic.occlusion import KINDS
from tests.evaluation.test_results import FACTS, make_pass, named

TYPES = {"CASIA-B": ("nm-01", "nm-02", "nm-05", "bg-01", "cl-01"), "walkers": ("nm-01", "nm-02", "bg-01")}
TOP_BOTTOM, DYNAMIC = {"top": 0.5, "bottom": 0.5}, {"patch": 0.5, "pole": 0.5}
HIDING = Hiding.of(TOP_BOTTOM, (0.4, 0.6))
TABLE1 = [Cell(HOLISTIC), Cell(BOTH, OWN, HIDING), Cell(PROBE, OWN, HIDING), Cell(PROBE, TEACHER, HIDING)]
RANGES = ((0.1, 0.3), (0.2, 0.4), (0.3, 0.5), (0.4, 0.6))
SEVERITY = [Cell(HOLISTIC), *(Cell(BOTH, OWN, Hiding.of(TOP_BOTTOM, hidden)) for hidden in RANGES)]
MOVING = [Cell(HOLISTIC), Cell(BOTH, OWN, HIDING), Cell(BOTH, OWN, Hiding.of(DYNAMIC, (0.4, 0.6)))]


class Method:
    """One method's made-up embeddings on a data set of 20 subjects in three views."""

    def __init__(self, method, backbone="GaitBase", dataset="CASIA-B", frailty=2.0):
        self.method, self.backbone, self.dataset, self.frailty = method, backbone, dataset, frailty
        keys = [(f"{s:03d}", type_, view) for s in range(20) for type_ in TYPES[dataset] for view in ("000", "054", "090")]
        self.names = [list(column) for column in zip(*keys)]
        self.rng = np.random.default_rng(int.from_bytes(hashlib.sha256(f"{method} {backbone}".encode()).digest()[:4], "big"))
        who = np.random.default_rng(7).normal(size=(20, 8, 4))[[int(label) for label in self.names[0]]]
        self.teacher = (who + 0.75 * np.random.default_rng(len(backbone)).normal(size=who.shape)).astype(np.float32)
        self.whole = self.teacher
        if method != "Baseline-1":
            self.whole = self.teacher + (0.3 * self.rng.normal(size=who.shape)).astype(np.float32)

    def whole_pass(self, embeddings):
        zeros = np.zeros(len(embeddings), np.float32)
        return make_pass(embeddings, *self.names, zeros.astype(np.int8), zeros)

    def occluded_pass(self, hiding, seed, with_ven):
        rng, n = np.random.default_rng(seed + 100), len(self.whole)
        kind = rng.choice([KINDS.index(name) for name in dict(hiding.kinds)], n).astype(np.int8)
        hidden = rng.uniform(*hiding.hidden, n).astype(np.float32)
        noise = self.frailty * hidden[:, None, None] * rng.normal(size=self.whole.shape)
        found = self.whole_pass(self.whole + noise.astype(np.float32))._replace(kind=kind, hidden=hidden, hidden_area=hidden)
        if not with_ven:
            return found
        wrong = self.rng.random(n) < 0.06
        guess = np.clip(hidden + self.rng.normal(scale=0.03, size=n), 0, 1).astype(np.float32)
        return found._replace(ven_kind=np.where(wrong, 3 - kind, kind).clip(0, 5).astype(np.int8), ven_hidden=guess)


def silhouettes(clips):
    """A made-up silhouette of four frames for each clip."""
    return np.stack([255 * np.random.default_rng(i).integers(0, 2, (4, 8, 6), dtype=np.uint8) for i, _ in clips])


def write(folder: Path, *method, cells=TABLE1, seeds=(0,), with_ven=True, pictures=True, post="none", **provenance) -> Path:
    """The result folder of a `Method`."""
    made = Method(*method)
    scorer = Scorer(cells, list(seeds), {None: made.whole_pass(made.teacher)}, "euc", "none", True, "cpu")
    hidings = dict.fromkeys(cell.hiding for cell in cells if cell.hiding)
    jobs = {None: made.whole_pass(made.whole)}
    jobs.update({(hiding, seed): made.occluded_pass(hiding, seed, with_ven) for hiding in hidings for seed in seeds})
    for job, done in jobs.items():
        scorer.score_pass(job, done, lambda *names: split(made.dataset, *names))
    facts = {**FACTS, "method": made.method, "backbone": made.backbone, "dataset": made.dataset, "protocol_name": made.dataset.lower()}
    facts.update(seeds=list(seeds), trained_kinds=["top", "bottom"], post=post, transductive=transductive_mark(post))
    rows, summary, kept = scorer.rows(facts, scorer.hp.numbers, scorer.hp.trials, "", named)
    clips = render_clips(scorer.pictures(lambda job: job and {}), silhouettes) if pictures else {}
    checkpoint = hashlib.sha256(f"{made.method} {made.backbone}".encode()).hexdigest()
    origin = {"cfgs": f"{made.method.lower()}_{made.backbone.lower()}.yaml", "checkpoint": checkpoint, "teacher": None, **provenance}
    write_result(folder, Result(rows, summary, {**facts, **origin}, kept, scorer.names, scorer.hidden, clips))
    return folder
