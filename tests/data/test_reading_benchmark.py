"""The reading benchmark runs, and its two walks see the same arrays."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np

from opengait_mimic.data.check import check_data

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_it_measures_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    bench = importlib.import_module("reading")
    words = ("--rounds", 2, "--warmup", 0, "--tree", tmp_path / "tree", "--files", 400, "--workers", 1, "--json", tmp_path / "x.json")
    assert bench.main([*map(str, words)]) == 0
    found = json.loads((tmp_path / "x.json").read_text())
    assert len(found["budgets"]) == 4 and len(found["samples_s"]["ours 100"]) == len(found["samples_s"]["pickle 100"]) == 2
    sequences, problems = check_data(tmp_path / "tree" / "data")
    # the loop reads the pickle one folder too high as well; it does not count lists and what is not finite
    finite = [file for sequence in sequences for file in sequence.files if file is not None and not file.sizes and np.isfinite(file.high)]
    high = sum(problem.kind == "depth" and problem.where.endswith("high.pkl") for problem in problems)
    assert bench.naive(str(tmp_path / "tree" / "data")) == len(finite) + high
    assert f"{sum(len(sequence.files) for sequence in sequences)} files: " in capsys.readouterr().out
