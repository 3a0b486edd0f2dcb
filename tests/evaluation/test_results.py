"""What an evaluation makes of its passes, without a host: every cell, the clips to show, the folder, a reference."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from opengait_mimic.base.errors import ConfigError, HostError
from opengait_mimic.evaluation.cells import BOTH, HOLISTIC, OWN, PROBE, TEACHER, Cell, Hiding
from opengait_mimic.evaluation.embeddings import Pass
from opengait_mimic.evaluation.reference_result import read_reference
from opengait_mimic.evaluation.result import Result, check_writable, write_result
from opengait_mimic.evaluation.result_clips import CLIPS, Picture, extreme_trials, render_clips, row_retrievals, sheet_clips
from opengait_mimic.evaluation.result_rows import drop_curves
from opengait_mimic.evaluation.score import Scorer
from opengait_mimic.metrics import OF_SPLIT, POST, Resamples, Trials, distance_matrix, mean_over_seeds, rank_probes
from opengait_mimic.metrics.cell_scores import compute_curves, verify_cell
from opengait_mimic.metrics.protocols import score, split
from opengait_mimic.metrics.protocols.split_scores import summarise_trials
from tests.metrics.test_splits import CASIA_TYPES, sequences

HIDING, OTHER = Hiding.of({"top": 0.5, "bottom": 0.5}, (0.4, 0.6)), Hiding.of({"pole": 1.0}, (0.1, 0.3))
FACTS = {
    "method": "MimicGait", "backbone": "GaitBase", "dataset": "GREW", "protocol_name": "grew-local", "metric": "euc", "data": "sha256:12",
    "seeds": [3, 4], "post": "none", "transductive": False, "trained_kinds": ["none", "bottom", "top"], "mates_only": False,
    "protocol_hash": "sha256:56", "pairs": "all", "backbone_cfg": "sha256:78",
}  # fmt: skip


def named(hiding):
    """In the place of a hash of the draws."""
    return f"sha256:{hiding.name}"


def make_pass(x, labels, types, views, kind, share, tested=None):
    """A pass without a network."""
    n, meta = len(x), {"trained_with": {}, "tested_with": tested or {}}
    return Pass(x, labels, types, views, kind, share, share, np.ones(n, np.int32), None, None, np.zeros((n, 3)), meta)


def fake(seed, hides=True, dataset="GREW"):
    types = {"GREW": ["01", "02"], "CASIA-B": CASIA_TYPES}[dataset]
    x, labels, types, views = sequences(types, ["000", "090", "180"], subjects=9)
    noise = np.random.default_rng(seed)
    x = x + noise.normal(size=x.shape).astype(np.float32) * (0.9 if hides else 0.1)
    n = len(x)
    kind = noise.integers(1, 3, n).astype(np.int8) if hides else np.zeros(n, np.int8)
    share = np.where(kind > 0, noise.uniform(0.4, 0.6, n), 0).astype(np.float32)
    tested = {"evaluator_cfg.occlusion.reference_compat.moving": 1} if hides else {}
    return make_pass(x, labels, types, views, kind, share, tested)


@pytest.fixture(scope="module")
def passes():
    """What a method and its teacher embedded under two conditions and two seeds."""
    jobs = [None, *((hiding, seed) for hiding in (HIDING, OTHER) for seed in (3, 4))]
    own = {job: fake(i + 1, job is not None) for i, job in enumerate(jobs)}
    return own, {job: fake(i + 50, job is not None) for i, job in enumerate(jobs)}


CELLS = [
    Cell(HOLISTIC), Cell(HOLISTIC, TEACHER),
    *(Cell(side, who, hiding) for hiding in (HIDING, OTHER) for side in (PROBE, BOTH) for who in (OWN, TEACHER)),
]  # fmt: skip


@pytest.fixture(scope="module")
def scorer(passes):
    own, theirs = passes
    found = Scorer(CELLS, [3, 4], theirs, "euc", "none", True, "cpu")
    for job, done in own.items():
        found.score_pass(job, done, lambda *names: split("GREW", *names))
    return found


def test_every_cell_meets_its_own_two_sides(scorer, passes):
    """Against `score`, cell by cell."""
    own, theirs = passes
    parts = split("GREW", own[None].labels, own[None].types, own[None].views)
    rows, summary, kept = scorer.rows(FACTS, scorer.hp.numbers, scorer.hp.trials, "", named)
    assert len(rows) == len(kept) == 2 + 2 * 8 and len(summary) == len(CELLS)
    seen = {(r["cell"], r["seed"]): r for r in rows}
    for cell in CELLS:
        for seed in (3, 4) if cell.hiding else (3,):
            job = cell.hiding and (cell.hiding, seed)
            gallery = (theirs if cell.gallery_embedder == TEACHER else own)[job if cell.occluded_side == BOTH else None]
            expected = score(parts, own[job].embeddings, gallery.embeddings, own[None].labels, own[None].views)
            for k in (1, 5, 10, 20):
                assert seen[cell.name, seed][f"rank{k}"] == pytest.approx(expected[f"rank{k}"])
    hp = score(parts, theirs[None].embeddings, theirs[None].embeddings, own[None].labels, own[None].views)
    assert {r["hp_rank1"] for r in rows} == {hp["rank1"]} and len({r["rank1"] for r in rows}) > 5


def test_rows_name_the_switches_of_their_own_pass(scorer):
    rows = scorer.rows(FACTS, None, None, "why", named)[0]
    for r in rows:
        assert r["hidden_by"] == (r["condition"] and f"sha256:{r['condition']}")
        assert ("reference_compat" in r) == (r["occluded_side"] != "holistic")
        assert r["rp_reason"] == "why" and r["rp_rank1_interval"] is None and r["rank1_interval"][0] <= r["rank1"] <= r["rank1_interval"][1]


def test_the_interval_of_several_seeds_is_that_of_their_mean(scorer):
    rows, summary, kept = scorer.rows(FACTS, scorer.hp.numbers, scorer.hp.trials, "", named)
    line = next(x for x in summary if x["cell"] == "both, top+bottom 40-60 %")
    own = [t for r, t in zip(rows, kept) if r["cell"] == line["cell"]]
    resamples = Resamples(scorer.labels, own[0].probe)
    *op, hp = (resamples.of(each, (1, 5, 10, 20)) for each in (*own, scorer.hp.trials))
    assert len(own) == 2 and tuple(line["rp_rank1_interval"]) == mean_over_seeds(op).over(hp, 1)[1:3]
    low, high = line["rp_rank1_interval"]
    assert low < line["rp_rank1"]["mean"] < high


def test_what_was_hidden_is_kept_by_condition_and_seed(scorer, passes):
    assert list(scorer.hidden) == ["|3", "top+bottom 40-60 %|3", "top+bottom 40-60 %|4", "pole 10-30 %|3", "pole 10-30 %|4"]
    kept = scorer.hidden["pole 10-30 %|4"]
    assert set(kept) == {"kind", "hidden", "hidden_area"} and np.array_equal(kept["kind"], passes[0][OTHER, 4].kind)
    for done in scorer.passes.values():
        assert len(done.embeddings) == 0 and done.embeddings.base is None, "a view would hold every embedding of the pass"
    assert all(scored.trials.probe is scorer.whole.trials.probe for scored in scorer.scores.values()), "held once"


def test_curves_are_plain_and_agree_with_rank1(scorer):
    rows = scorer.rows(FACTS, scorer.hp.numbers, scorer.hp.trials, "", named)[0]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    for r in rows:
        assert len(r["cmc"]) == 50 and r["cmc"][0] == r["rank1"] and r["cmc"][4] == r["rank5"] and r["cmc"][19] == r["rank20"]
        assert set(r["by_view"]) == {"000", "090", "180"} and [p[1] for p in r["view_pairs"]] == [None] * 3
        assert {p[0]: p[2] for p in r["view_pairs"]} == pytest.approx({view: v["rank1"] for view, v in r["by_view"].items()})
        counted = sum(found["trials"] for found in r["by_kind"].values())
        assert (set(r["by_kind"]), counted) == ((set(), 0) if r["occluded_side"] == "holistic" else ({"bottom", "top"}, r["probes"]))
        assert set(r["verification"]["tar"]) == {"0.01", "0.001"} and len(r["verification"]["roc"]) <= 200


def test_cross_view_numbers_of_every_subset():
    done = fake(1, dataset="CASIA-B")
    parts = split("CASIA-B", done.labels, done.types, done.views)
    found = rank_probes(parts, done.embeddings, done.embeddings, done.labels, done.views)
    scores = summarise_trials(parts, found, done.views)
    assert set(scores["subsets"]) == {"NM", "BG", "CL"}
    for key in ("rank1", "mAP"):
        assert scores[key] == pytest.approx(np.mean([s[key] for s in scores["subsets"].values()]))
    pairs = compute_curves(parts, found, done.views, None)["view_pairs"]
    assert {(p, g) for p, g, _ in pairs} == {(p, g) for p in ("000", "090", "180") for g in ("000", "090", "180") if p != g}
    assert np.mean([value for *_, value in pairs]) == pytest.approx(scores["rank1"]), "as many trials in every pair"


def test_an_overall_subset_is_the_total_and_nothing_else():
    """SUSTech1K: what its Overall says, also of mAP, curves and verification."""
    types = ["00-nm", "01-nm", "01-bg", "02-cl", "03-cr", "03-ub", "04-uf", "04-oc", "04-nt"]
    x, labels, types, views = sequences(types, ["000", "090"], subjects=6)
    parts = split("SUSTech1K", labels, types, views)
    found = rank_probes(parts, x, x, labels, views)
    scores = summarise_trials(parts, found, views)
    assert {key: scores[key] for key in ("rank1", "mAP", "probes")} == {
        key: scores["subsets"]["Overall"][key] for key in ("rank1", "mAP", "probes")
    }
    assert scores["rank1"] != scores["subsets"]["Night"]["rank1"]
    assert compute_curves(parts, found, views, None)["cmc"][0] == scores["rank1"]
    gallery, probes = sum(t == "00-nm" for t in types), sum(t[:2] in ("01", "02", "03", "04") for t in types)
    pairs = verify_cell(parts, x, x, labels, views, "euc", None)["verification"]
    assert pairs["genuine"] + pairs["impostor"] == gallery * probes // 2, "of different views"


def test_without_a_stranger_there_is_no_verification_but_everything_else():
    """One subject: every pair is genuine."""
    types = ["01", "02"]
    x, labels, types, views = sequences(types, ["000", "090"], subjects=1)
    one = fake(1)._replace(embeddings=x, labels=labels, types=types, views=views, kind=np.zeros(len(x), np.int8))
    found = Scorer([Cell(HOLISTIC)], [0], {}, "euc", "none", True, "cpu")
    found.score_pass(None, one, lambda *names: split("GREW", *names))
    (r,), summary, _ = found.rows(FACTS, None, None, "why", named)
    assert r["verification"] is None and "0 impostor pairs" in r["verification_reason"] and r["rank1"] == 100
    assert summary[0]["eer"]["mean"] is None and "verification_reason" not in drop_curves(r)


def test_verification_of_listed_pairs_is_post_processed_too(monkeypatch):
    done, called = fake(1), []
    monkeypatch.setitem(POST, "same", lambda x, y, metric: called.append(1) or distance_matrix(x, y, metric))
    every = split("GREW", done.labels, done.types, done.views)
    listed = replace(every, pairs=np.array([[3, 0], [3, 6], [9, 6], [9, 0]]))
    for parts, word in ((every, "all"), (listed, "listed")):
        found = verify_cell(parts, done.embeddings, done.embeddings, done.labels, done.views, "euc", "same")["verification"]
        assert found["pairs"] == word and (word == "all" or found["genuine"] + found["impostor"] == 4)
    assert called == [1, 1]


def test_an_rp_without_an_interval_has_a_reason(scorer):
    unknown = scorer.rows(FACTS, None, None, "no teacher", named)
    assert not any("rp_interval_reason" in line for line in (*unknown[0], *unknown[1]))
    scores = scorer.rows(FACTS, scorer.hp.numbers, None, "", named)
    assert all("without its trials" in line["rp_interval_reason"] for line in (*scores[0], *scores[1]))


def test_embeddings_that_are_not_finite_are_refused():
    one = fake(1)
    one.embeddings[3] = np.nan
    with pytest.raises(ConfigError, match="1 of 54 rows hold NaN"):
        Scorer([Cell(HOLISTIC)], [0], {}, "euc", "none", False, "cpu").score_pass(None, one, lambda *names: split("GREW", *names))


# ---------------------------------------------------------------- pictures


def test_a_sheet_shows_every_kind():
    kind, probes = np.array([1, 2, 0] * 40 + [4]), np.ones(121, dtype=bool)
    probes[::2] = False
    probes[120] = True
    chosen = sheet_clips(kind, probes)
    assert len(set(chosen)) == CLIPS and all(probes[i] for i in chosen)
    assert [kind[i] for i in chosen] == sorted(kind[i] for i in chosen) and set(kind[chosen]) == {0, 1, 2, 4}
    assert sheet_clips(np.array([1, 1]), np.array([True, False])) == [0]


def a_trial(**columns):
    n = len(columns["rank"])
    base = {"group": np.zeros(n, int), "subset": np.zeros(n, int), "inp": np.ones(n), "counted": np.ones(n, bool)}
    base.update(probe=np.arange(n), nearest=np.arange(n), mate=np.arange(n))
    return Trials(**{**base, **{key: np.array(value) for key, value in columns.items()}})


def test_best_and_worst_are_of_different_subjects():
    found = a_trial(rank=[1, 1, 9, 0, 7, 2], ap=[0.5, 0.9, 0.1, np.nan, 0.2, 0.3])
    labels = ["a", "b", "c", "d", "c", "e"]
    assert extreme_trials(found, labels, "best") == [1, 0, 5, 4]
    assert extreme_trials(found, labels, "worst") == [2, 5, 0, 1], "d has no mate, c is there"


@pytest.mark.parametrize(("side", "expected"), [(HOLISTIC, (None, None)), (PROBE, ("x", None)), (BOTH, ("x", "x"))])
def test_a_retrieval_shows_each_side_as_the_network_saw_it(side, expected):
    cell = Cell(side) if side == HOLISTIC else Cell(side, hiding=HIDING)
    found = a_trial(rank=[1, 2, 3], ap=[1.0, 0.5, 0.2], nearest=[2, 0, 1], mate=[1, 2, 0])
    names = [("a", "01", "v"), ("b", "01", "v"), ("c", "02", "v")]
    best, worst = row_retrievals(4, cell, "x" if cell.hiding else None, found, names)
    assert (best.name, worst.name, best.shape) == ("retrieval/4/best", "retrieval/4/worst", (3, 3))
    assert best.clips[:3] == [(0, expected[0]), (2, expected[1]), (1, expected[1])]
    assert worst.texts[0] == ["c 02 v", "b 01 v", "a 01 v, at place 3"]


def test_drawn_pictures_get_their_own_frames():
    wanted = [
        Picture("sheet/a", [(5, None), (6, None)], (2,), ["t", "u"]),
        Picture("retrieval/0/best", [(7, None)] * 3, (1, 3), [["p", "n", "m"]]),
    ]
    frames = lambda clips: np.stack([np.full((4, 2, 2), i, np.uint8) for i, _ in clips])  # noqa: E731
    found = render_clips(wanted, frames)
    assert found["sheet/a"].shape == (2, 4, 2, 2) and found["sheet/a"][:, 0, 0, 0].tolist() == [5, 6]
    assert found["retrieval/0/best"].shape == (1, 3, 4, 2, 2) and found["retrieval/0/best/text"].tolist() == [["p", "n", "m"]]
    assert render_clips([], frames) == {}


# ---------------------------------------------------------------- the folder, and a reference to it


@pytest.fixture
def folder(scorer, tmp_path):
    rows, summary, kept = scorer.rows({**FACTS, "method": "Baseline-1"}, scorer.whole.numbers, scorer.whole.trials, "", named)
    pictures = {"sheet/x": np.zeros((8, 4, 2, 2), np.uint8)}
    write_result(tmp_path / "deep" / "out", Result(rows, summary, {"method": "Baseline-1"}, kept, scorer.names, scorer.hidden, pictures))
    return tmp_path / "deep" / "out"


def test_the_folder_holds_what_it_says(folder, scorer):
    assert sorted(p.name for p in folder.iterdir()) == ["pictures.npz", "results.json", "trials.npz"]
    held = json.loads((folder / "results.json").read_text())
    assert (held["format"], held["format_version"]) == ("opengait-mimic result", 2)
    assert held["files"] == {"trials": "trials.npz", "pictures": "pictures.npz"} and len(held["rows"]) == 18
    with np.load(folder / "trials.npz", allow_pickle=False) as arrays:
        own = set(Trials._fields) - set(OF_SPLIT)
        assert {*(f"17/{name}" for name in own), *(f"split/{name}" for name in OF_SPLIT)} <= set(arrays)
        assert not {"18/rank", "17/probe"} & set(arrays)
        assert list(zip(arrays["labels"], arrays["types"], arrays["views"])) == scorer.names
        assert np.array_equal(arrays["top+bottom 40-60 %|4/kind"], scorer.passes[HIDING, 4].kind) and "|3/hidden_area" in arrays


def test_a_reference_gives_its_row_and_trials(folder, scorer):
    found = read_reference(folder, {**FACTS, "seeds": [4]})
    assert found.row["occluded_side"] == HOLISTIC and found.row["rank1"] == scorer.whole.numbers["rank1"]
    assert all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(found.trials, scorer.whole.trials))


def test_a_reference_that_differs_is_refused(folder):
    with pytest.raises(
        ConfigError, match="results.json: its whole-body row of Baseline-1 is not comparable with this run: metric: cos here"
    ):
        read_reference(folder, {**FACTS, "metric": "cos"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 1}, "format_version = 1; this version reads 2; version 2 calls the key protocol occluded_side"),
        ({"format": "something"}, 'results.json: not a result; expected "format"'),
        ({"rows": {}}, "results.json: rows = {}; expected a list"),
        ({"rows": [{"method": "Baseline-1"}]}, r"results.json: rows\[0\]: without backbone, dataset"),
        ({"provenance": []}, "results.json: provenance"),
    ],
)
def test_a_reference_of_another_layout_is_refused(folder, changes, message):
    file = folder / "results.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    with pytest.raises(ConfigError, match=f"--reference .*{message}"):
        read_reference(folder, FACTS)


def test_trials_of_a_reference_are_whole_or_refused(folder):
    file = folder / "trials.npz"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError, match="--reference .*trials.npz: not the arrays of a result"):
        read_reference(folder, FACTS)
    file.unlink()
    assert read_reference(folder, FACTS).trials is None


@pytest.mark.parametrize("option", ["out", "json", "save_manifest"])
def test_places_are_tried_before_anything_is_embedded(tmp_path, option):
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match=f"--{option.replace('_', '-')}: cannot write .*file/x"):
        check_writable(**{option: str(tmp_path / "file" / "x")})
    check_writable(**{option: str(tmp_path / "new" / "x")}, other=None)
    assert [p.name for p in (tmp_path / "new").iterdir()] == (["x"] if option == "out" else []), "nothing is left of the try"
    if option != "out":
        with pytest.raises(HostError, match="is a folder"):
            check_writable(**{option: str(tmp_path / "new")})


def test_a_result_that_cannot_be_written_is_an_error(scorer, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="cannot write"):
        write_result(tmp_path / "file" / "out", Result([], [], {}, [], scorer.names, {}, {}))
