"""The reading benchmark: it runs, its two walks see the same arrays, and its file holds every sample."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_it_measures_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    bench = importlib.import_module("reading")
    words = ("--rounds", 2, "--warmup", 0, "--tree", tmp_path / "tree", "--files", 400, "--workers", 1, "--json", tmp_path / "x.json")
    assert bench.main([*map(str, words)]) == 0
    said = capsys.readouterr().out
    found = json.loads((tmp_path / "x.json").read_text())
    assert len(found["budgets"]) == 3
    assert len(found["samples_s"]["ours 100"]) == len(found["samples_s"]["pickle 100"]) == 2
    tree = bench.walk(tmp_path / "tree" / "data")
    readable = [file for sequence in tree.sequences for file in sequence.files if file is not None and not file.listed]
    # the loop reads the pickle one folder too high as well, and lists and what is not finite it does not count
    high = sum(problem.kind == "depth" and problem.where.endswith("high.pkl") for problem in tree.problems)
    nan = sum(not np.isfinite(file.high) for file in readable)
    assert bench.naive(str(tmp_path / "tree" / "data")) == len(readable) + high - nan
    assert f"{tree.files} files: " in said and "; ratio " in said
