"""What `check data` prints: what is there, every kind of problem with its worst paths and its mend, and the verdict."""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict

import numpy as np

from .problems import KINDS, NONE, Problem
from .walk import Tree

WORST = 10
"""Paths shown of a kind that fails the check; of others `FEW`."""
FEW = 3
WIDTH = 120


def lines(root: str, tree: Tree, problems: list[Problem], details: list[str], took: str) -> list[str]:
    """The report.

    Args:
        root: as it was given.
        problems: all of them.
        details: further lines of the first paragraph: what it was compared with.
        took: how long, and by how many processes.
    """
    ids = len({sequence.label for sequence in tree.sequences})
    said = [f"{shown(root)}: {len(tree.sequences):,} sequences of {ids:,} identities, {tree.files:,} files, {_bytes(tree.bytes)}, {took}"]
    said += [f"  {line}" for line in [*_facts(tree), *details]]
    kinds = defaultdict(list)
    for problem in problems:
        kinds[problem.kind].append(problem)
    for name, kind in KINDS.items():
        if name in kinds:
            said += ["", *_kind(name, kinds[name], WORST if kind.fails else FEW)]
    return said


def verdict(problems: list[Problem]) -> tuple[bool, str]:
    """Does the tree pass, and the last line."""
    fails = Counter(problem.kind for problem in problems if KINDS[problem.kind].fails)
    notes = sum(not KINDS[problem.kind].fails for problem in problems)
    more = f" {notes:,} notes above." if notes else ""
    if not fails:
        return True, f"PASS: nothing here stops a training or falsifies it.{more}"
    each = ", ".join(f"{count:,} {kind}" for kind, count in sorted(fails.items(), key=lambda pair: list(KINDS).index(pair[0])))
    return False, f"FAIL: {sum(fails.values()):,} problems ({each}): a training would stop at them or learn from wrong data.{more}"


def _facts(tree: Tree) -> list[str]:
    """What is there, in three lines."""
    files = [file for sequence in tree.sequences for file in sequence.files if file is not None]
    if not files:
        return []
    lengths = np.array([file.frames for file in files])
    low, middle, high = lengths.min(), int(np.median(lengths)), lengths.max()
    most = [_common(("x".join(map(str, file.size)) or "numbers" for file in files), len(files))]
    most.append(_common((str(np.dtype(file.dtype)) for file in files), len(files)))
    spans = [file for file in files if file.high is not None]
    span = f", values {min(file.low for file in spans):g} to {max(file.high for file in spans):g}" if spans else ""
    each = _common((f"{len(sequence.files)}" for sequence in tree.sequences), len(tree.sequences))
    return [
        f"frames: {lengths.sum():,} in all, {low} to {high:,} in a sequence (median {middle}), of {most[0]}",
        f"type: {most[1]}{span}; files in a sequence: {each}",
    ]


def _common(what, total: int) -> str:
    """The most frequent, with the share of others: ``64x64 (99.9 %), 128x88``."""
    counts = Counter(what).most_common(4)
    if len(counts) == 1:
        return counts[0][0]
    return ", ".join(f"{name} ({count:,})" for name, count in counts[:3]) + (", ..." if len(counts) > 3 else "")


def _kind(name: str, problems: list[Problem], most: int) -> list[str]:
    """One kind: its count and meaning, its worst paths, its mend."""
    kind = KINDS[name]
    said = textwrap.wrap(f"{'FAIL' if kind.fails else 'note'}  {len(problems):,} {name}: {kind.means}", WIDTH, subsequent_indent=" " * 6)
    worst = sorted(problems, key=lambda problem: (-problem.weight, problem.where))
    said += [f"        {shown(problem.where)}: {shown(problem.found)}" for problem in worst[:most]]
    if len(worst) > most:
        said.append(f"        ... and {len(worst) - most:,} more (all of them with --json FILE)")
    mend = kind.mend.replace(NONE, "no mend needed", 1) if kind.mend.startswith(NONE) else f"mend: {kind.mend}"
    return said + textwrap.wrap(f"      {mend}", WIDTH, subsequent_indent=" " * 12, break_long_words=False, break_on_hyphens=False)


def shown(text: str) -> str:
    """Text that any terminal can print: control and undecodable characters as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in str(text))


def _bytes(count: int) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "bytes" else f"{count} bytes"
        count /= 1000
    return f"{count:,.3g} TB"
