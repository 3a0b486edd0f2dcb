"""README's count of the faults is what pytest collects."""

from __future__ import annotations

from tests.faults.families import ELSEWHERE
from tests.host_runs import REPO, good


def test_readme_has_the_table():
    table = good("-m", "tests.faults.families", cwd=REPO).strip()
    assert table[table.index("| fault") :] in (REPO / "README.md").read_text(), table


def test_every_name_that_is_listed_is_a_test():
    for file, families in ELSEWHERE.items():
        text = (REPO / file).read_text()
        for part in (part for parts in families.values() for part in parts):
            assert any(part in line for line in text.splitlines() if line.lstrip().startswith("def test_")), (file, part)
