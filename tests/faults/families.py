"""The faults that tests hold, by family: those of this folder carry the mark ``fault``, those elsewhere are listed here.

``python -m tests.faults.families`` prints README's table.
"""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from pathlib import Path

FAMILIES = ("bad pickles", "bad YAML", "bad checkpoints", "full disk", "unwritable output", "changed data", "killed runs", "killed ranks")
ELSEWHERE = {
    "tests/host/test_read_pickles.py": {"bad pickles": ["a_bad_file_is_named", "unequal_inputs", "a_training_ends_with_the_file"]},
    "tests/data/test_check.py": {
        "bad pickles": ["what_was_planted", "a_malicious_pickle", "folders_that_cannot_be_read"],
        "unwritable output": ["a_file_that_cannot_be_written"],
    },
    "tests/data/test_check_silhouettes.py": {"bad pickles": ["what_is_no_silhouette", "a_few_among_many"]},
    "tests/data/test_safe_pickle.py": {
        "bad pickles": ["what_is_no_array", "arrays_of_objects", "cut_anywhere", "nothing_that_a_file_asks", "size_bombs", "changed_bytes"]
    },
    "tests/test_messages.py": {"bad YAML": ["file_key_value", "no_configuration", "cannot_be_dealt", "without_probes"]},
    "tests/training/test_checkpoints.py": {
        "bad checkpoints": [
            "every_beginning",
            "changed_bit",
            "foreign_files",
            "other_archives",
            "without_weights",
            "would_run",
            "restores_with",
        ],
        "full disk": ["a_write_that_fails"],
    },
    "tests/training/test_converting.py": {"bad checkpoints": ["nothing_runs_until", "what_was_not_said"]},
    "tests/training/test_keeping.py": {
        "bad checkpoints": ["newest_that_is_damaged", "one_without_a_record", "of_an_earlier_start", "later_than_tested"],
        "changed data": ["another_training_is_not"],
    },
    "tests/training/test_kills.py": {"killed runs": ["killed_again_and_again"]},
}
"""File -> family -> parts of the names of its fault tests."""

FOLDER = Path(__file__).parent


def family_of(file: str, name: str) -> str | None:
    """The family of a test of another folder."""
    return next((family for family, parts in ELSEWHERE.get(file, {}).items() if any(part in name for part in parts)), None)


def counted() -> dict[str, tuple[int, int]]:
    """Family -> tests of this folder and tests elsewhere, as pytest collects them."""
    import pytest

    root, found = FOLDER.parents[1], Counter()

    class Count:
        def pytest_collection_finish(self, session):
            for item in session.items:
                for mark in item.iter_markers("fault"):
                    found[mark.args[0], FOLDER in item.path.parents] += 1

    places = [FOLDER, *(root / file for file in ELSEWHERE if (root / file).is_file())]
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["--collect-only", "-q", f"--rootdir={root}", *map(str, places)], plugins=[Count()])
    assert {family for family, _ in found} == set(FAMILIES)
    return {family: (found[family, True], found[family, False]) for family in FAMILIES}


def table() -> str:
    """README's table."""
    counts = counted()
    rows = [f"| {family} | {own} | {other} |" for family, (own, other) in counts.items()]
    own, other = (sum(each) for each in zip(*counts.values()))
    return "\n".join(["| fault | met as a user | in the parts |", "|---|---|---|", *rows, f"| all | {own} | {other} |"])


if __name__ == "__main__":
    print(table())
