"""The benchmarks' contract: statistics against numpy and scipy, the step against the host's own loop, the files they write."""

from __future__ import annotations

import copy
import importlib
import json
import os
import random
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from scipy.stats import median_abs_deviation

from tests.host_runs import good, python

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
STEP = BENCHMARKS / "step.py"
SMALL = ("--configs", "walkers", "--clips", 2, 2, "--frames", 3, "--rounds", 1)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def bench():
    """The modules beside step.py, which import each other by bare name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in ("measure", "reference", "setting", "stepping")})


# ---------------------------------------------------------------- statistics


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_spread_against_scipy(bench, count):
    samples = np.random.default_rng(count).lognormal(size=count)
    found = bench.measure.spread(samples.tolist())
    low, median, high = np.quantile(samples, (0.25, 0.5, 0.75))
    assert found == pytest.approx((median, median_abs_deviation(samples), low, high, count))


@pytest.mark.parametrize("samples", [[], [1.0, float("nan")], [float("inf")]])
def test_spread_refuses_what_says_nothing(bench, samples):
    with pytest.raises(ValueError, match="at least one finite sample"):
        bench.measure.spread(samples)


def test_a_drift_of_the_machine_falls_out_of_a_ratio(bench):
    base = np.array([1.0, 2.0, 4.0, 3.0])  # the machine slows down and recovers
    found = bench.measure.ratio((1.25 * base).tolist(), base.tolist())
    assert found == (1.25, 0.0, 1.25, 1.25, 4)
    with pytest.raises(ValueError, match="4 samples against 3"):
        bench.measure.ratio(base.tolist(), base[:3].tolist())


def test_variants_alternate_and_the_warm_up_is_thrown_away(bench):
    calls, clock = [], iter(range(1000))
    variants = {"a": lambda i: calls.append(("a", i)), "b": lambda i: calls.append(("b", i)) or 0.5}
    samples = bench.measure.interleaved(variants, 2, 1, CPU, lambda name, i: calls.append(("before " + name, i)), lambda: next(clock))
    assert calls == [(f"{before}{name}", i) for i in (-1, 0, 1) for name in "ab" for before in ("before ", "")]
    assert samples == {"a": [1, 1], "b": [0.5, 0.5]}  # a: one tick of this clock; b measured itself
    with pytest.raises(ValueError, match="rounds 0"):
        bench.measure.interleaved(variants, 0, 1, CPU)


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(1.2, 1.3, "ok"), (1.3, 1.4, "ok"), (1.3, 1.5, "unclear"), (1.4, 1.6, "unclear"), (1.41, 1.6, "over")]
)
def test_a_verdict_needs_both_quartiles_on_one_side(bench, low, high, verdict):
    budget = bench.measure.Budget("x / y", bench.measure.Spread((low + high) / 2, 0.0, low, high, 5), 1.40)
    assert budget.verdict == verdict
    assert budget.line().split() == f"x / y {(low + high) / 2:.3f} ({low:.3f} - {high:.3f}) budget 1.400 {verdict}".split()


def test_a_share_is_printed_in_percent(bench):
    assert "0.40 % (0.30 % - 0.50 %)" in bench.measure.Budget("x", bench.measure.Spread(0.004, 0, 0.003, 0.005, 3), 0.02).line()


# ---------------------------------------------------------------- the clock of the parts


def test_nested_parts_are_taken_out_of_the_one_around_them(bench):
    now = [0.0]
    parts = bench.stepping.Parts(CPU, lambda: now[0])

    def spend(seconds):
        now[0] += seconds

    host = SimpleNamespace(transform=spend)
    parts.around(host, "transform", "inner")
    host.transform(100)
    assert parts.spent == {}  # off
    parts.on = True
    with parts.part("outer"):
        spend(1)
        host.transform(10)
        spend(2)
    spend(1000)  # no part's
    with parts.part("outer"):
        spend(4)
        parts.switch("other")
        spend(20)
    assert parts.spent == {"outer": 7, "inner": 10, "other": 20}


# ---------------------------------------------------------------- the step


@pytest.fixture(scope="module")
def small(host, bench, tmp_path_factory):
    """Configurations of the demo's widths on a few walkers, with random weights for teacher and VEN."""
    folder, sizes = tmp_path_factory.mktemp("setting"), bench.setting.Sizes(2, 2, 3)
    files = bench.setting.write_configs(folder / "configs", "gaitbase", "walkers", bench.setting.write_data(folder, sizes), sizes, False)
    for method in ("baseline1", "ven"):
        bench.setting.save(files[method])
    return files


@pytest.mark.parametrize(("method", "in_parts"), [("baseline2", False), ("mimicgait", False), ("mimicgait", True)])
def test_the_measured_step_is_the_hosts_own(bench, small, method, in_parts):
    """Same weights, same batch, same seed: the host's loop and ours must arrive at the same weights."""
    arrived = []
    for runner in ("host", "benchmark"):
        model = bench.setting.trainable(small[method])
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        batch = bench.setting.collated(model, True)
        before = copy.deepcopy(model.state_dict())
        if runner == "host":
            model.train_loader = [batch]
            model.engine_cfg["total_iter"] = 1
            model.engine_cfg["save_iter"] = 10**9
            type(model).run_train(model)
        else:
            parts = bench.stepping.Parts(CPU)
            if in_parts:
                with pytest.MonkeyPatch.context() as patch:
                    base = sys.modules["modeling.base_model"].BaseModel
                    patch.setattr(base, "inputs_pretreament", base.inputs_pretreament)
                    parts.watch(model)
                    parts.on = True
                    bench.stepping.training_step(model, batch, CPU, parts)
                assert set(parts.spent) == set(bench.stepping.PARTS)
            else:
                bench.stepping.training_step(model, batch, CPU, parts)
        arrived.append({k: v for k, v in model.state_dict().items() if isinstance(v, torch.Tensor)})
    assert arrived[0].keys() == arrived[1].keys()
    assert all(torch.equal(arrived[0][name], arrived[1][name]) for name in arrived[0])
    assert any(not torch.equal(arrived[0][name], before[name]) for name in arrived[0])


def test_the_other_geometry(bench, small, tmp_path):
    data = yaml.safe_load(small["mimicgait"].read_text())["data_cfg"]
    data = {key: data[key] for key in ("dataset_root", "dataset_partition", "num_workers")}
    files = bench.setting.write_configs(tmp_path / "64", "gaitbase", "walkers", data, bench.setting.Sizes(2, 2, 3, (64, 64)), False)
    model = bench.setting.trainable(files["baseline2"])
    raw = bench.setting.collated(model, True)
    assert model.inputs_pretreament(raw)[0][0].shape == (4, 3, 64, 64) and raw[0][0][0].dtype == np.uint8


@pytest.mark.parametrize("packed", [False, True])
def test_the_worker_reads_the_batch_that_was_collated(bench, packed, tmp_path):
    clips = list(np.random.default_rng(0).integers(0, 256, (3, 5, 8, 8), dtype=np.uint8))
    inputs, seqL = ([[np.concatenate(clips)]], np.array([[4, 5, 6]])) if packed else ([clips], None)
    bench.reference.write_batch(tmp_path / "batch.npz", [inputs, [2, 2, 0], ["nm-01"] * 3, ["054", "090", "054"], seqL])
    read = bench.reference.read_batch(tmp_path / "batch.npz")
    assert [c.tolist() for c in read[0][0]] == [c.tolist() for c in inputs[0]] and read[0][0][0].dtype == np.uint8
    assert read[1:4] == [[2, 2, 0], ["nm-01"] * 3, ["054", "090", "054"]]
    assert read[4] is None if seqL is None else (read[4] == seqL).all()


# ---------------------------------------------------------------- the program


def test_step_writes_what_the_contract_names(host_spec, tmp_path):
    text = good(STEP, *SMALL, "--host", host_spec, "--cpu-time", "--json", "step.json", cwd=tmp_path)
    found = json.loads((tmp_path / "step.json").read_text())
    assert set(found) >= {"benchmark", "command", "machine", "settings", "samples_s", "summary_s", "budgets"}
    assert set(found["machine"]) >= {"cpu", "cores", "threads", "load", "gpus", "python", "torch", "numpy", "plugin_commit", "host"}
    assert set(found["settings"]) >= {
        "backbone",
        "model_cfg",
        "frames_in_batch",
        "geometry",
        "amp",
        "rounds",
        "warmup",
        "order",
        "seed",
        "clock",
    }
    assert found["machine"]["torch"] == torch.__version__ and found["command"][0] == "step.py"
    samples = found["samples_s"]
    assert len(samples["mimic"]) == len(samples["Baseline-2"]) == 1 and len(samples["inference with VEN"]) == 4
    parts = [values[0] for name, values in samples.items() if name.startswith("part: ")]
    assert len(parts) == 9 and 0 < sum(parts) <= samples["mimic in parts"][0]  # no moment is charged twice
    step = next(b for b in found["budgets"] if b["name"] == "mimic / Baseline-2")
    assert step["median"] == pytest.approx(samples["mimic"][0] / samples["Baseline-2"][0]) and step["limit"] == 1.40
    assert f"mimic / Baseline-2 {step['median']:.3f}" in " ".join(text.split()) and "VEN guidance / inference" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--amp"], "error: --amp: mixed precision is for CUDA"),
        (
            ["--backbone", "gaitnet"],
            "error: --backbone gaitnet --configs walkers: no configuration baseline1_gaitnet_walkers.yaml; there are",
        ),
        (["--reference", "nowhere"], "error: --reference nowhere: configs/gaitbase/"),
        (["--reference", ".", "--backbone", "deepgaitv2"], "the public code has no guided mimic of deepgaitv2; it has gaitbase, gaitgl"),
    ],
)
def test_step_says_what_is_wrong(host_spec, tmp_path, words, message):
    done = python(STEP, *SMALL, "--warmup", 0, "--host", host_spec, "--device", "cpu", *words, cwd=tmp_path)
    assert done.returncode == 1 and message in done.stderr, done.stderr[-2000:]


def test_step_against_the_public_code(host_spec, tmp_path):
    reference = os.environ.get("MIMICGAIT_ROOT")
    if not reference:
        pytest.skip("needs a copy of the public MimicGait code: MIMICGAIT_ROOT")
    words = ("--clips", 2, 2, "--frames", 2, "--rounds", 1, "--warmup", 0)
    text = good(STEP, *words, "--host", host_spec, "--reference", reference, "--json", "step.json", cwd=tmp_path)
    found = json.loads((tmp_path / "step.json").read_text())
    assert found["public"]["class"] == "Baseline_Mimic_Full_Guided" and found["public"]["losses"] == {"triplet": "TripletLossFlat"}
    assert len(found["samples_s"]["public 64x64"]) == 1 and np.isfinite(found["public"]["last_loss"])
    assert "mimic / public, both 64x64" in text


def test_guard_times_three_ways(host_spec, tmp_path):
    few = ("--configs", "walkers", "--clips", 2, 2, "--frames", 3, "--rounds", 2, "--warmup", 0, "--json", "found.json")
    text = good(BENCHMARKS / "guard.py", *few, "--host", host_spec, "--device", "cpu", cwd=tmp_path)
    assert "steps/s" in text and text.count(" of the host alone's") == 2
    found = json.loads((tmp_path / "found.json").read_text())["samples_s"]
    assert {name: len(times) for name, times in found.items()} == dict.fromkeys(found, 2) and len(found) == 3
