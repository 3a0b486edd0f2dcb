"""The subsets of a protocol: each is measured as if it were scored alone, from the pass to the report."""

from __future__ import annotations

import numpy as np
import pytest

from opengait_mimic.evaluation.cells import HOLISTIC, PROBE, Cell
from opengait_mimic.evaluation.console_table import format_rows
from opengait_mimic.evaluation.reference_result import read_reference
from opengait_mimic.evaluation.result import Result, write_result
from opengait_mimic.evaluation.score import Scorer
from opengait_mimic.metrics.protocols import split
from tests.evaluation.test_results import FACTS, HIDING, make_pass, named
from tests.metrics.test_splits import CASIA_TYPES, apart, sequences

SUSTECH_TYPES = ["00-nm", "01-nm", "01-bg", "02-cl", "03-cr", "03-ub", "04-uf", "04-oc", "05-oc", "04-nt"]
PROBES = {
    "CASIA-B": {"NM": ("nm-05", "nm-06"), "BG": ("bg-01", "bg-02"), "CL": ("cl-01", "cl-02")},
    "SUSTech1K": {
        **{"Normal": ("01-nm",), "Bag": ("01-bg",), "Clothing": ("02-cl",), "Carrying": ("03-cr",), "Umbrella": ("03-ub",)},
        **{"Uniform": ("04-uf",), "Occlusion": ("04-oc", "05-oc"), "Night": ("04-nt",)},
        "Overall": ("01-nm", "01-bg", "02-cl", "03-cr", "03-ub", "04-uf", "04-oc", "04-nt"),
    },
}
GALLERY = {"CASIA-B": ("nm-01", "nm-02", "nm-03", "nm-04"), "SUSTech1K": ("00-nm",)}
NIGHT = ("000", "003", "004")  # the only subjects with a night clip


class Scene:
    """Made-up passes of a data set, and what a loop over them says of a subset."""

    def __init__(self, dataset):
        self.dataset = dataset
        x, labels, types, views = sequences({"CASIA-B": CASIA_TYPES, "SUSTech1K": SUSTECH_TYPES}[dataset], ["000", "090"], 5, noise=0.4)
        kept = [i for i, (label, type_) in enumerate(zip(labels, types)) if type_ != "04-nt" or label in NIGHT]
        kept = [i for i in kept if (labels[i], views[i]) != ("002", "090") or types[i] not in GALLERY[dataset]]  # a view without mates
        self.x, (self.labels, self.types, self.views) = x[kept], ([column[i] for i in kept] for column in (labels, types, views))
        self.teacher = self.made(90, 0.1, False)
        self.own = {None: self.made(1, 0.3, False), **{(HIDING, seed): self.made(seed, 1.5, True) for seed in (3, 4)}}

    def made(self, seed, noise, hides):
        x = self.x + (noise * np.random.default_rng(seed).normal(size=self.x.shape)).astype(np.float32)
        kind, share = np.full(len(x), int(hides), np.int8), np.full(len(x), 0.5 * hides, np.float32)
        return make_pass(x, self.labels, self.types, self.views, kind, share)

    def scorer(self):
        found = Scorer([Cell(HOLISTIC), Cell(PROBE, hiding=HIDING)], [3, 4], {None: self.teacher}, "euc", "none", False, "cpu")
        for job, done in self.own.items():
            found.score_pass(job, done, lambda *names: split(self.dataset, *names))
        return found

    def ranked(self, probe, gallery, types):
        """Of every trial of probes of some types: its label, pair of views, place of the first mate (0: none) and average precision."""
        found = []
        for i, type_ in enumerate(self.types):
            for view in sorted(set(self.views) - {self.views[i]}) if type_ in types else ():
                against = [j for j, t in enumerate(self.types) if t in GALLERY[self.dataset] and self.views[j] == view]
                order = sorted(against, key=lambda j: apart(probe[i], gallery[j]))
                places = [place for place, j in enumerate(order, 1) if self.labels[j] == self.labels[i]]
                ap = np.mean([n / place for n, place in enumerate(places, 1)]) if places else 0.0
                found.append((self.labels[i], (self.views[i], view), places[0] if places else 0, ap))
        return found


def over_pairs(trials, value):
    pairs = {pair for _, pair, *_ in trials}
    return 100 * np.mean([np.mean([value(t) for t in trials if t[1] == pair]) for pair in pairs])


def rank(trials, k):
    return over_pairs(trials, lambda t: 0 < t[2] <= k)


def resampled(trials, people):
    """Rank-1 where each of some people is there as often as it is named."""
    return rank([t for label in people for t in trials if t[0] == label], 1)


@pytest.fixture(scope="module", params=list(PROBES))
def test(request):
    return Scene(request.param)


@pytest.fixture(scope="module")
def measured(test):
    scorer = test.scorer()
    return scorer.rows({**FACTS, "dataset": test.dataset}, scorer.hp.numbers, scorer.hp.trials, "", named)


def test_a_subset_says_what_a_loop_over_it_alone_says(test, measured):
    rows, _, _ = measured
    assert [(r["occluded_side"], r["seed"]) for r in rows] == [(HOLISTIC, 3), (PROBE, 3), (PROBE, 4)]
    for r, done in zip(rows, test.own.values()):
        assert list(r["subsets"]) == list(PROBES[test.dataset])
        for name, types in PROBES[test.dataset].items():
            part = r["subsets"][name]
            op = test.ranked(done.embeddings, test.own[None].embeddings, types)
            hp = test.ranked(test.teacher.embeddings, test.teacher.embeddings, types)
            for k in (1, 5, 10, 20):
                assert part[f"rank{k}"] == pytest.approx(rank(op, k)) and part[f"hp_rank{k}"] == pytest.approx(rank(hp, k))
                assert part[f"rp_rank{k}"] == pytest.approx(rank(op, k) / rank(hp, k))
            assert part["mAP"] == pytest.approx(over_pairs(op, lambda t: t[3]))
            assert part["trials"] == len(op) and part["trials_without_mate"] == sum(t[2] == 0 for t in op)
    occluded = [part["rp_rank1"] for part in rows[1]["subsets"].values()]
    assert len(set(occluded)) > 1 and 0 < min(occluded) < 1


def test_the_interval_of_a_subset_is_that_of_its_people_resampled(test, measured):
    """Drawn here again, by another hand: the same draws of the same number of people, every trial of a person as often as it is drawn."""
    for name in list(PROBES[test.dataset])[-2:]:
        types = PROBES[test.dataset][name]
        op = test.ranked(test.own[HIDING, 3].embeddings, test.own[None].embeddings, types)
        hp = test.ranked(test.teacher.embeddings, test.teacher.embeddings, types)
        people = sorted({t[0] for t in op})
        assert len(people) == (3 if name == "Night" else 5)
        times = np.random.default_rng(0).multinomial(len(people), np.full(len(people), 1 / len(people)), 1000)
        ratios = {}
        for drawn in map(tuple, times):
            if drawn not in ratios:
                who = np.repeat(people, drawn)
                ratios[drawn] = resampled(op, who) / resampled(hp, who)
        expected = np.percentile([ratios[tuple(drawn)] for drawn in times], [2.5, 97.5])
        assert measured[0][1]["subsets"][name]["rp_rank1_interval"] == pytest.approx(list(expected))


def test_the_summary_of_a_subset_is_mean_and_spread_over_the_seeds(test, measured):
    rows, (whole, line), _ = measured
    for name, part in line["subsets"].items():
        for key in ("rank1", "rank5", "mAP", "rp_rank1"):
            values = [r["subsets"][name][key] for r in rows[1:]]
            assert part[key] == {"mean": pytest.approx(np.mean(values)), "sd": pytest.approx(np.std(values, ddof=1))}
        low, high = part["rp_rank1_interval"]
        assert low <= part["rp_rank1"]["mean"] <= high
        assert whole["subsets"][name]["rp_rank1_interval"] == rows[0]["subsets"][name]["rp_rank1_interval"]
        assert "eer" not in part and part["rank1"]["mean"] == pytest.approx(np.mean([r["subsets"][name]["rank1"] for r in rows[1:]]))


def test_the_console_shows_every_subset_with_its_rp(measured):
    rows, summary, _ = measured
    lines = format_rows(rows, summary).splitlines()
    start = lines.index("Rank-1 of MimicGait, probe, top+bottom 40-60 %, by subset:")
    shown = " ".join(lines[start:])
    for name, part in summary[1]["subsets"].items():
        low, high = part["rp_rank1_interval"]
        rp = f"RP {part['rp_rank1']['mean']:.2f} [{low:.2f}, {high:.2f}]"
        assert f"{name} {part['rank1']['mean']:.2f} ± {part['rank1']['sd']:.2f}, {rp}" in shown
    assert max(map(len, lines)) <= 120


def test_a_reference_gives_hp_and_intervals_of_every_subset(test, measured, tmp_path):
    scorer = test.scorer()
    facts = {**FACTS, "dataset": test.dataset, "method": "Baseline-1"}
    made = scorer.rows(facts, scorer.whole.numbers, scorer.whole.trials, "", named)
    write_result(tmp_path / "r", Result(made[0], made[1], {}, made[2], scorer.names, scorer.hidden, {}))
    earlier = read_reference(tmp_path / "r", {**FACTS, "dataset": test.dataset})
    again = scorer.rows({**FACTS, "dataset": test.dataset}, earlier.row, earlier.trials, "", named)
    assert [r["subsets"] for r in again[0]] == [r["subsets"] for r in made[0]]
    assert [line["subsets"] for line in again[1]] == [line["subsets"] for line in made[1]]


def test_a_reference_without_subsets_gives_them_no_rp_and_says_so(test):
    scorer = test.scorer()
    hp = {key: value for key, value in scorer.hp.numbers.items() if key != "subsets"}
    rows, summary, _ = scorer.rows({**FACTS, "dataset": test.dataset}, hp, scorer.hp.trials, "", named)
    for name, part in rows[1]["subsets"].items():
        assert (part["rp_rank1"], part["rp_rank1_interval"], part["rp_reason"]) == (None, None, f"HP of the subset {name} is not known")
        assert "rp_interval_reason" not in part and part["rank1_interval"] is not None
        assert f"RP - in {name}: HP of the subset {name} is not known" in format_rows(rows, summary)
    assert rows[1]["rp_rank1"] is not None
