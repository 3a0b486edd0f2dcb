"""The benchmarks: statistics against NumPy and SciPy, ranking against scikit-learn, the step against the host's own loop."""

from __future__ import annotations

import copy
import importlib
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import median_abs_deviation
from sklearn.metrics import average_precision_score

from tests.host_runs import good, python

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
STEP = BENCHMARKS / "step.py"
SMALL = ("--configs", "walkers", "--clips", 2, 2, "--frames", 3, "--rounds", 1)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def bench():
    """The modules of the folder, which import each other by their bare names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in ("common", "public_step", "retrieval")})
        for name in ("common", "public_step", "retrieval"):
            sys.modules.pop(name)


@pytest.mark.parametrize("count", [1, 8])
def test_spread_against_scipy(bench, count):
    samples = np.random.default_rng(count).lognormal(size=count)
    low, median, high = np.quantile(samples, (0.25, 0.5, 0.75))
    assert bench.common.spread(samples.tolist()) == pytest.approx((median, median_abs_deviation(samples), low, high, count))


def test_a_drift_of_the_machine_cancels_in_a_ratio(bench):
    base = np.array([1.0, 2.0, 4.0, 3.0])
    assert bench.common.ratio((1.25 * base).tolist(), base.tolist()) == (1.25, 0.0, 1.25, 1.25, 4)


def test_variants_alternate_and_the_warm_up_does_not_count(bench):
    calls, clock = [], iter(range(1000))
    variants = {"a": lambda i: calls.append(("a", i)), "b": lambda i: calls.append(("b", i)) or 0.5}
    before = lambda name, i: calls.append(("before " + name, i))  # noqa: E731
    samples = bench.common.interleaved(variants, 2, 1, CPU, lambda: next(clock), before, self_timed="b")
    assert calls == [(f"{word}{name}", i) for i in (-1, 0, 1) for name in "ab" for word in ("before ", "")]
    assert samples == {"a": [1, 1], "b": [0.5, 0.5]}  # a: one tick of this clock; b measured itself


@pytest.mark.parametrize(("low", "high", "verdict"), [(1.2, 1.4, "ok"), (1.3, 1.5, "unclear"), (1.41, 1.6, "over")])
def test_a_verdict_needs_both_quartiles_on_one_side(bench, low, high, verdict):
    budget = bench.common.Budget("x / y", bench.common.Spread((low + high) / 2, 0.0, low, high, 5), 1.40)
    assert budget.verdict == verdict and budget.line().endswith(verdict)


@pytest.mark.parametrize("method", ["baseline2", "mimicgait"])
def test_the_measured_step_is_the_hosts_own(host, bench, tmp_path, method):
    """Same weights, batch and seed: the host's loop and the benchmark's step arrive at the same weights."""
    common, sizes = bench.common, bench.common.Sizes(2, 2, 3)
    files = common.write_configs(tmp_path / "configs", "gaitbase", "walkers", common.write_data(tmp_path, sizes), sizes, False)
    for name in ("baseline1", "ven"):
        common.save(files[name])
    weights = []
    for runner in ("host", "benchmark"):
        model = common.trainable(files[method])
        common.seed(1)
        batch, before = common.collated(model, True), copy.deepcopy(model.state_dict())
        if runner == "host":
            model.train_loader = [batch]
            model.engine_cfg.update(total_iter=1, save_iter=10**9)
            type(model).run_train(model)
        else:
            common.training_step(model, batch, CPU)
        weights.append({key: value for key, value in model.state_dict().items() if isinstance(value, torch.Tensor)})
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert any(not torch.equal(weights[0][name], before[name]) for name in weights[0])


@pytest.mark.parametrize("packed", [False, True])
def test_the_public_worker_reads_the_batch(bench, packed, tmp_path):
    clips = list(np.random.default_rng(0).integers(0, 256, (3, 5, 8, 8), dtype=np.uint8))
    inputs, seqL = ([[np.concatenate(clips)]], np.array([[4, 5, 6]])) if packed else ([clips], None)
    bench.public_step.write_batch(tmp_path / "batch.npz", [inputs, [2, 2, 0], ["nm-01"] * 3, ["054", "090", "054"], seqL])
    read = bench.public_step.read_batch(tmp_path / "batch.npz")
    assert [c.tolist() for c in read[0][0]] == [c.tolist() for c in inputs[0]] and read[1] == [2, 2, 0]
    assert read[4] is None if seqL is None else (read[4] == seqL).all()


def test_ranking_and_the_loop_equal_scikit_learn(bench):
    data = bench.retrieval.sequences(30, 60, (8, 2), seed=0)
    (probe, gallery), labels = data[0].subsets["all"], data[3]
    parts = [cdist(data[1][probe][:, :, i], data[2][gallery][:, :, i]) for i in range(2)]
    same, order = labels[probe][:, None] == labels[gallery], np.argsort(np.mean(parts, axis=0), axis=1)
    hits = np.take_along_axis(same, order, 1)
    precisions = [average_precision_score(truth, -row) for truth, row in zip(same, np.mean(parts, axis=0))]
    last = [4 / (np.flatnonzero(row)[-1] + 1) for row in hits]
    expected = tuple(100 * np.mean(column) for column in (hits[:, 0], hits[:, :5].any(1), precisions, last))
    assert bench.retrieval.streamed(data) == pytest.approx(expected) and bench.retrieval.looped(data) == pytest.approx(expected)


def test_reading_measures_both(tmp_path):
    good(BENCHMARKS / "reading.py", "--rounds", 2, "--warmup", 0, "--json", tmp_path / "x.json", cwd=tmp_path)
    result = json.loads((tmp_path / "x.json").read_text())
    assert [budget["count"] for budget in result["budgets"]] == [2] * 4
    assert all(seconds > 0 for samples in result["samples_s"].values() for seconds in samples)


@pytest.mark.slow
def test_step_writes_every_sample(host_spec, tmp_path):
    text = good(STEP, *SMALL, "--warmup", 0, "--host", host_spec, "--device", "cpu", "--json", "step.json", cwd=tmp_path)
    result = json.loads((tmp_path / "step.json").read_text())
    samples = result["samples_s"]
    assert len(samples["mimic"]) == len(samples["Baseline-2"]) == 1 and len(samples["inference with VEN"]) == 4
    step = next(budget for budget in result["budgets"] if budget["name"] == "mimic / Baseline-2")
    assert step["median"] == pytest.approx(samples["mimic"][0] / samples["Baseline-2"][0]) and step["limit"] == 1.40
    assert f"mimic / Baseline-2 {step['median']:.3f}" in " ".join(text.split())
    assert result["machine"]["torch"] == torch.__version__ and result["command"][0] == "step.py"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--amp"], "error: --amp: mixed precision is for CUDA"),
        (["--backbone", "gaitnet"], "no configuration baseline1_gaitnet_walkers.yaml"),
        (["--reference", "nowhere"], "error: --reference nowhere: configs/gaitbase/"),
    ],
)
@pytest.mark.slow
def test_step_names_what_is_wrong(host_spec, tmp_path, words, message):
    done = python(STEP, *SMALL, "--warmup", 0, "--host", host_spec, "--device", "cpu", *words, cwd=tmp_path)
    assert done.returncode == 1 and message in done.stderr, done.stderr[-2000:]


@pytest.mark.slow
def test_step_against_the_public_code(host_spec, tmp_path):
    reference = os.environ.get("MIMICGAIT_ROOT")
    if not reference:
        pytest.skip("needs a copy of the public MimicGait code: MIMICGAIT_ROOT")
    words = ("--clips", 2, 2, "--frames", 2, "--rounds", 1, "--warmup", 0, "--host", host_spec, "--reference", reference)
    good(STEP, *words, "--json", "step.json", cwd=tmp_path)
    result = json.loads((tmp_path / "step.json").read_text())
    assert result["public"]["class"] == "Baseline_Mimic_Full_Guided" and np.isfinite(result["public"]["last_loss"])
    assert len(result["samples_s"]["public 64x64"]) == 1
