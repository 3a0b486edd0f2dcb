"""What the tests of `check data` share."""

from __future__ import annotations

import json
import pickle
from collections import defaultdict

from opengait_mimic.cli import main


def check(*words) -> int:
    """Run ``check data``; its exit status."""
    return main(["check", "data", *map(str, words)])


def read_problems(file) -> dict[str, set]:
    """Kind -> places, of a report written with --json."""
    kinds = defaultdict(set)
    for problem in json.loads(file.read_text())["problems"]:
        kinds[problem["kind"]].add(problem["where"])
    return kinds


def rewrite(root, change, which=slice(None)) -> None:
    """Change the clips of a tree."""
    for file in sorted(root.glob("*/*/*/*.pkl"))[which]:
        file.write_bytes(pickle.dumps(change(pickle.loads(file.read_bytes())), protocol=4))
