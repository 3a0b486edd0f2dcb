"""The retrieval benchmark: both sides give the numbers of scikit-learn, and the file holds every sample."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import average_precision_score

from tests.host_runs import good

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def test_both_variants_equal_scikit_learn(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    bench = importlib.import_module("retrieval")
    data = bench.sequences(30, 60, (8, 2), seed=0)
    (probe, gallery), labels = data[0].subsets["all"], data[3]
    parts = [cdist(data[1][probe][:, :, i], data[2][gallery][:, :, i]) for i in range(2)]
    same = labels[probe][:, None] == labels[gallery]
    order = np.argsort(np.mean(parts, axis=0), axis=1)
    hits = np.take_along_axis(same, order, 1)
    precisions = [average_precision_score(truth, -row) for truth, row in zip(same, np.mean(parts, axis=0))]
    last = [4 / (np.flatnonzero(row)[-1] + 1) for row in hits]
    expected = [100 * np.mean(column) for column in (hits[:, 0], hits[:, :5].any(1), precisions, last)]
    assert bench.streamed(data) == pytest.approx(tuple(expected)) and bench.looped(data) == pytest.approx(tuple(expected))
    assert 20 < expected[0] < 99


def test_the_file_holds_every_sample(tmp_path):
    sizes = ("--probes", 12, "--gallery", 16, 40, "--shape", 4, 2, "--rounds", 2)
    printed = good(BENCHMARKS / "retrieval.py", *sizes, "--json", tmp_path / "out.json", cwd=tmp_path)
    assert "streamed / loop, 40" in printed
    found = json.loads((tmp_path / "out.json").read_text())
    names = [f"{variant}, {gallery}" for gallery in (16, 40) for variant in ("streamed", "loop", "loop's distances")]
    assert list(found["samples_s"]) == names and all(len(values) == 2 for values in found["samples_s"].values())
    assert [budget["name"] for budget in found["budgets"]] == ["streamed / loop, 16", "streamed / loop, 40"]
