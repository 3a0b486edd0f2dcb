"""Identities on disk against the partition, the sampler, the protocol and what is published of a data set."""

from __future__ import annotations

from collections import Counter

from ..metrics.protocols import CROSS_VIEW_GALLERY, PROTOCOLS
from .problems import Problem
from .totals import departures, plain
from .walk import Tree
from .wanted import Wanted


def check_partition(tree: Tree, partition: dict, name: str) -> list[Problem]:
    """Identities on disk against the partition, both ways.

    Args:
        partition: ``TRAIN_SET`` and ``TEST_SET``, lists of identities.
        name: the partition's file.
    """
    problems = []
    there = {sequence.label for sequence in tree.sequences}
    halves = {half: partition.get(half, []) for half in ("TRAIN_SET", "TEST_SET")}
    for half, labels in halves.items():
        for label, times in Counter(map(str, labels)).items():
            if times > 1:
                problems.append(Problem("repeated", label, f"{times} times in {half}", times))
        for label in dict.fromkeys(labels):
            if not isinstance(label, str):
                problems.append(Problem("missing", repr(label), f'{half} of {name} has a number; folders are text: write "{label}"', 2))
            elif label not in there:
                found = "a folder without a sequence" if label in tree.labels else "no folder"
                problems.append(Problem("missing", label, f"{half} of {name}; {found}"))
    both = set(map(str, halves["TRAIN_SET"])) & set(map(str, halves["TEST_SET"]))
    problems += [Problem("both", label, f"both halves of {name}") for label in sorted(both)]
    named = {label for labels in halves.values() for label in labels if isinstance(label, str)}
    problems += [Problem("unlisted", label, f"not in {name}") for label in tree.labels if label not in named]
    return problems


def check_batch(tree: Tree, partition: dict, wanted: Wanted) -> list[Problem]:
    """Can [P, K] be drawn from the training identities?"""
    if wanted.batch is None:
        return []
    (p, k), train = wanted.batch, set(filter(_text, partition.get("TRAIN_SET", [])))
    counts = Counter(sequence.label for sequence in tree.sequences if sequence.label in train)
    problems = []
    if p > len(counts):
        problems.append(
            Problem("batch", f"P x K = {p} x {k}", f"{p} identities in a batch, but {len(counts)} of TRAIN_SET have a sequence")
        )
    problems += [Problem("few", label, f"{count} sequences, K = {k}", -count) for label, count in sorted(counts.items()) if count < k]
    return problems


def check_protocol(tree: Tree, partition: dict, wanted: Wanted) -> list[Problem]:
    """Are there probes, and a mate in the gallery for each, as the data set's protocol splits the test half?"""
    name = next((key for key in PROTOCOLS if plain(key) == plain(wanted.dataset)), None)
    rule = (CROSS_VIEW_GALLERY.get(name) if wanted.cross_view_gallery else None) or PROTOCOLS.get(name)
    by_list = wanted.scorer == "evaluate_Gait3D" or (rule is not None and rule.by_list)
    test = set(filter(_text, partition.get("TEST_SET", [])))
    sequences = [sequence for sequence in tree.sequences if sequence.label in test]
    if not sequences or (rule is None and not by_list):
        return []
    if by_list:
        listed = partition.get("PROBE_SET") or []
        if not listed:
            return [Problem("protocol", "PROBE_SET", "the partition has none; Gait3D's evaluation needs it (entries id-type-view)")]
        keys = [f"{sequence.label}-{sequence.type}-{sequence.view}" for sequence in sequences]
        gone, probes = sorted(set(listed) - set(keys), key=str), set(listed)
        if len(gone) == len(probes):
            return [Problem("protocol", "PROBE_SET", f"none of its {len(probes)} entries is here, the first is {listed[0]!r}")]
        problems = [Problem("missing", str(entry), "an entry of PROBE_SET without a sequence here") for entry in gone]
        sides = {"all": ([key in probes for key in keys], [key not in probes for key in keys])}
    else:
        problems, sides = [], rule.masks([sequence.type for sequence in sequences])
    for subset, (probe, gallery) in sides.items():
        mates = {sequence.label for sequence, is_it in zip(sequences, gallery) if is_it}
        probes = [sequence for sequence, is_it in zip(sequences, probe) if is_it]
        lonely = [sequence for sequence in probes if sequence.label not in mates]
        where = f"subset {subset}" if len(sides) > 1 else "the test"
        if not probes or not mates:
            what = "probe" if not probes else "gallery"
            asked = "entries of PROBE_SET" if by_list else f"types {rule.wanted(subset, 0 if not probes else 1)}"
            problems.append(Problem("protocol", where, f"no {what} sequence ({asked}) in {len(sequences)} sequences of TEST_SET"))
        elif len(lonely) == len(probes):
            problems.append(Problem("protocol", where, f"none of {len(probes)} probes has a mate in the gallery"))
        else:
            problems += [Problem("no mate", str(sequence), "no sequence of this identity in the gallery") for sequence in lonely]
    return problems


def check_totals(tree: Tree, partition: dict | None, name: str | None) -> list[Problem]:
    """Counts against the published ones, where the data set is known."""
    if name is None:
        return []
    per_label = Counter(sequence.label for sequence in tree.sequences)
    halves = [(partition or {}).get(half, []) for half in ("TRAIN_SET", "TEST_SET")]
    return [Problem("totals", f"{name}: {what}", said) for what, said in departures(name, set(per_label), per_label, *halves)]


def _text(label) -> bool:
    return isinstance(label, str)
