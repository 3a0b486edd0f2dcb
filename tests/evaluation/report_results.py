"""Result folders for the report's tests: embeddings are made up, every number comes from them through the retrieval code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from opengait_mimic.data.walkers import draw_subject, make_sequence
from opengait_mimic.metrics import distance_matrix, relative_performance
from opengait_mimic.metrics.protocols import split
from opengait_mimic.occlusion import KINDS, Occlusion, apply, draw
from opengait_mimic.occlusion.draws import test_key as key_of
from tests.metrics.rank_oracle import mate_rank, precision

KS = (1, 5, 10, 20)
TYPES = {"CASIA-B": ("nm-01", "nm-02", "nm-05", "bg-01", "cl-01"), "walkers": ("nm-01", "nm-02", "bg-01")}
NAMES = {"CASIA-B": "casia-b", "walkers": "walkers"}
WHOLE, SIDES = ("holistic", "own", None), (("both", "own"), ("probe", "own"), ("probe", "teacher"))
TABLE1 = [WHOLE, *((*side, ("top+bottom", (0.4, 0.6))) for side in SIDES)]
RANGES = ((0.1, 0.3), (0.2, 0.4), (0.3, 0.5), (0.4, 0.6))
SEVERITY = [WHOLE, *(("both", "own", ("top+bottom", hidden)) for hidden in RANGES)]
MIXES = {"top+bottom": {"top": 0.5, "bottom": 0.5}, "dynamic": {"patch": 0.5, "pole": 0.5}}


class Made:
    """One method's made-up embeddings on a data set, and the rows that retrieval makes of them."""

    def __init__(self, method, backbone="GaitBase", dataset="CASIA-B", frailty=2.0, subjects=20, views=("000", "054", "090"), spoilt=1.0):
        self.method, self.backbone, self.dataset, self.frailty = method, backbone, dataset, frailty
        self.keys = [(f"{s:03d}", t, v) for s in range(subjects) for t in TYPES[dataset] for v in views]
        self.labels, self.types, self.views = (list(column) for column in zip(*self.keys))
        self.split = split(dataset, self.labels, self.types, self.views)
        self.rng = np.random.default_rng(int.from_bytes(hashlib.sha256(f"{method} {backbone}".encode()).digest()[:4], "big"))
        who = np.random.default_rng(7).normal(size=(subjects, 8, 4))
        shared = np.random.default_rng(len(backbone)).normal(size=(len(self.keys), 8, 4))  # the teacher's noise
        self.teacher = (who[[int(label) for label in self.labels]] + 0.75 * shared).astype(np.float32)
        self.whole = self.teacher + (0.3 * spoilt * self.rng.normal(size=self.teacher.shape)).astype(np.float32)
        if method == "Baseline-1":
            self.whole = self.teacher

    def draws(self, hiding, seed):
        occlusion = Occlusion.from_cfg({"kinds": MIXES[hiding[0]], "hidden": list(hiding[1])}, "made")
        return [draw(occlusion, key_of(seed, "+".join(sorted(MIXES[hiding[0]])), self.dataset, *key)) for key in self.keys]

    def occluded(self, draws, seed):
        noise = np.random.default_rng(seed + 100).normal(size=self.whole.shape)
        hidden = np.array([d.hidden for d in draws])[:, None, None]
        return self.whole + (self.frailty * hidden * noise).astype(np.float32)

    def ranked(self, probe, gallery):
        """Per subset and group: (subset, probe view, gallery view, indices of the probes, rank, average precision, distance)."""
        labels, views, found = np.array(self.labels), np.array(self.views), []
        for number, (probes, galleries) in enumerate(self.split.subsets.values()):
            pairs = [(None, None)]
            if self.split.cross_view:
                pairs = [(p, g) for p in np.unique(views) for g in np.unique(views) if p != g]
            for p_view, g_view in pairs:
                rows = np.flatnonzero(probes if p_view is None else probes & (views == p_view))
                columns = np.flatnonzero(galleries if g_view is None else galleries & (views == g_view))
                distance = distance_matrix(probe[rows], gallery[columns])
                rank = mate_rank(distance, labels[rows], labels[columns])
                found.append((number, p_view, g_view, rows, rank, precision(distance, labels[rows], labels[columns]), distance, columns))
        return found

    def numbers(self, probe, gallery, kinds):
        """What of a row is measured."""
        found, views = self.ranked(probe, gallery), np.array(self.views)

        def over(value):  # mean over subsets of the mean over groups, percent
            return float(np.mean([100 * np.mean([value(f) for f in found if f[0] == n]) for n in range(len(self.split.subsets))]))

        out = {f"rank{k}": over(lambda f, k=k: np.mean((f[4] > 0) & (f[4] <= k))) for k in KS}
        out.update(mAP=over(lambda f: np.nanmean(f[5][0])), mINP=over(lambda f: np.nanmean(f[5][1])))
        out["cmc"] = [over(lambda f, k=k: np.mean((f[4] > 0) & (f[4] <= k))) for k in range(1, 51)]
        out["view_pairs"] = self.by_pair(found)
        hits = {int(i): 100.0 * (r == 1) for f in found for i, r in zip(f[3], f[4])}
        if kinds is not None:
            mine = {k: [hits[i] for i in hits if kinds[i] == k] for k in np.unique(kinds)}
            out["by_kind"] = {KINDS[k]: {"rank1": float(np.mean(values))} for k, values in mine.items() if values}
        out["by_view"] = {str(v): {"rank1": float(np.mean([hits[i] for i in hits if views[i] == v]))} for v in np.unique(views)}
        out["verification"] = self.pairs(found)
        out.update(probes=len({i for f in found for i in f[3]}), probes_without_mate=0)
        return out, found

    def by_pair(self, found):
        if found[0][1] is None:
            views, rank = np.array(self.views)[found[0][3]], found[0][4]
            return [[str(v), None, float(100 * np.mean(rank[views == v] == 1))] for v in np.unique(views)]
        hits: dict = {}
        for f in found:
            hits.setdefault((str(f[1]), str(f[2])), []).append(100 * np.mean(f[4] == 1))
        return [[probe, gallery, float(np.mean(subsets))] for (probe, gallery), subsets in sorted(hits.items())]

    def pairs(self, found):
        labels = np.array(self.labels)
        same = np.concatenate([(labels[f[3]][:, None] == labels[f[7]][None]).ravel() for f in found])
        distance = np.concatenate([f[6].numpy().ravel() for f in found])
        order = np.argsort(distance, kind="stable")
        tar, far = np.cumsum(same[order]) / same.sum(), np.cumsum(~same[order]) / (~same).sum()
        at = {str(limit): float(100 * tar[far <= limit].max(initial=0)) for limit in (0.01, 0.001)}
        eer = float(100 * far[np.argmin(np.abs(far - (1 - tar)))])
        shown = np.unique(np.geomspace(1, len(far), 150).astype(int)) - 1
        return {"tar": at, "eer": eer, "roc": [[float(far[i]), float(100 * tar[i])] for i in shown]}

    def interval(self, found, hp, draws=200):
        """Percentile bootstrap of RP over identities, the gallery and HP's own trials fixed alike."""
        labels = np.array([int(label) for label in self.labels])
        rng, ratios = np.random.default_rng(0), []
        for _ in range(draws):
            weight = np.bincount(rng.integers(0, labels.max() + 1, labels.max() + 1), minlength=labels.max() + 1)[labels]
            sides = [np.mean([np.average(f[4] == 1, weights=weight[f[3]]) for f in side]) for side in (found, hp)]
            ratios.append(sides[0] / sides[1])
        return [float(end) for end in np.percentile(ratios, (2.5, 97.5))]


def result(made: Made, cells=TABLE1, seeds=(0,), trained=("top", "bottom"), with_ven=True, pictures=True, extra=None):
    """The content of results.json, and the arrays of the two files beside it."""
    hp, hp_found = made.numbers(made.teacher, made.teacher, None)
    whole, _ = made.numbers(made.whole, made.whole, None)
    rows, arrays, shown = [], {}, {}
    for protocol, gallery, hiding in cells:
        for seed in seeds if hiding else seeds[:1]:
            draws = made.draws(hiding, seed) if hiding else None
            kinds = np.array([KINDS.index(d.kind) for d in draws]) if draws else None
            occluded = made.occluded(draws, seed) if draws else made.whole
            other = {"holistic": made.whole, "probe": made.whole, "both": occluded}[protocol]
            numbers, found = made.numbers(occluded, made.teacher if gallery == "teacher" else other, kinds)
            condition = f"{hiding[0]} {100 * hiding[1][0]:g}-{100 * hiding[1][1]:g} %" if hiding else None
            row = {
                **{"method": made.method, "backbone": made.backbone, "dataset": made.dataset, "protocol_name": NAMES[made.dataset]},
                **{"metric": "euc", "data": "sha256:" + "0" * 64, "occluded_side": protocol, "gallery_embedder": gallery},
                **{"cell": ", ".join(filter(None, (protocol, condition, gallery if gallery != "own" else None))), "condition": condition},
                **{"kinds": MIXES[hiding[0]] if hiding else None, "hidden": list(hiding[1]) if hiding else None, "seed": seed},
                **{"seeds": list(seeds), "holistic_rank1": whole["rank1"], "post": "none", "transductive": False, "mates_only": False},
                **{f"hp_rank{k}": hp[f"rank{k}"] for k in KS},
                **{f"rp_rank{k}": relative_performance(numbers[f"rank{k}"], hp[f"rank{k}"]).value for k in KS},
                **{"retention_rank1": whole["rank1"] / hp["rank1"], "rp_rank1_interval": made.interval(found, hp_found)},
                **{"trained_kinds": list(trained), "seen": set(MIXES[hiding[0]]) <= set(trained) if hiding else None},
                **numbers,
                **(extra or {}),
            }
            if with_ven and draws:
                arrays.update(_ven(f"{condition}|{seed}", draws, kinds, made.rng))
            if pictures:
                shown.update(_pictures(len(rows), condition, draws, made.keys))
            rows.append(row)
    return (
        {
            "format": "opengait-mimic result",
            "format_version": 2,
            "rows": rows,
            "summary": _summary(rows),
            "provenance": _provenance(made, seeds),
            "files": {"trials": "trials.npz", "pictures": "pictures.npz"},
        },
        arrays,
        shown,
    )


def write(folder: Path, *arguments, **options) -> Path:
    """A result folder of `result`."""
    content, arrays, shown = result(*arguments, **options)
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(content))
    np.savez_compressed(folder / "trials.npz", **arrays)
    np.savez_compressed(folder / "pictures.npz", **shown)
    return folder


def _summary(rows):
    cells, out = dict.fromkeys(row["cell"] for row in rows), []
    for cell in cells:
        mine = [row for row in rows if row["cell"] == cell]
        entry = {key: mine[0][key] for key in ("method", "backbone", "occluded_side", "gallery_embedder", "cell", "condition", "post")}
        values = [row["rp_rank1"] for row in mine]
        sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
        ends = np.mean([row["rp_rank1_interval"] for row in mine], axis=0).tolist()
        entry["rp_rank1"] = {"mean": float(np.mean(values)), "sd": sd}
        entry["rp_rank1_interval"] = ends
        out.append(entry)
    return out


def _provenance(made, seeds):
    told = {"method": made.method, "backbone": made.backbone, "dataset": made.dataset, "protocol_name": NAMES[made.dataset]}
    told.update(metric="euc", data="sha256:" + "0" * 64, seeds=list(seeds), preset="paper-table1", manifest=None)
    told["occlusion"] = {
        "top+bottom 40-60 %": {"kinds": MIXES["top+bottom"], "hidden": [0.4, 0.6], "occluded_side": "both", "seed": seeds[0]}
    }
    told.update(
        cfgs=f"{made.method.lower()}_{made.backbone.lower()}.yaml",
        config="sha256:" + "1" * 64,
        checkpoint=hashlib.sha256(f"{made.method} {made.backbone}".encode()).hexdigest(),
    )
    return {**told, "teacher": None, "ven": None, "host": "embedded", "version": "0.1.0", "device": "cpu", "processes": 1}


def _ven(where, draws, kinds, rng):
    hidden = np.array([d.hidden for d in draws], dtype=np.float32)
    moving = np.isin(kinds, [KINDS.index("patch"), KINDS.index("pole")])
    area = np.where(moving, hidden * 0.4, hidden).astype(np.float32)
    wrong = rng.random(len(kinds)) < 0.06
    said = np.where(wrong, 3 - kinds, kinds).clip(0, 5).astype(np.int8)
    guess = np.clip(area + rng.normal(scale=0.03, size=len(kinds)), 0, 1).astype(np.float32)
    fields = {"kind": kinds.astype(np.int8), "hidden": hidden, "hidden_area": area, "ven_kind": said, "ven_hidden": guess}
    return {f"{where}/{name}": value for name, value in fields.items()}


def _pictures(number, condition, draws, keys):
    def clip(i, hide):
        sils = torch.from_numpy(make_sequence(draw_subject(0, 1 + int(keys[i][0])), "nm-01", 90, 4)[None, :, :, 10:54] / 255.0).float()
        if hide and draws:
            sils = apply(sils, [draws[i]])
        return (sils[0].numpy() * 255).round().astype(np.uint8)

    out = {}
    for which, start in (("best", 0), ("worst", 40)):
        chosen = [start + 7 * i for i in range(4)]
        out[f"retrieval/{number}/{which}"] = np.stack([[clip(i, True), clip(i + 1, False), clip(i + 2, False)] for i in chosen])
        texts = [[" ".join(keys[i]), " ".join(keys[i + 1]), f"{' '.join(keys[i + 2])}, at place 1"] for i in chosen]
        out[f"retrieval/{number}/{which}/text"] = np.array(texts)
    if draws:
        out[f"sheet/{condition}"] = np.stack([clip(5 * i, True) for i in range(8)])
        out[f"sheet/{condition}/text"] = np.array([f"{draws[5 * i].kind} {100 * draws[5 * i].hidden:.0f} %" for i in range(8)])
    return out
