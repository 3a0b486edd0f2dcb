"""Probes and trials without a mate: counted, kept in the row, and printed."""

from __future__ import annotations

import pytest

from opengait_mimic.evaluation.cells import HOLISTIC, Cell
from opengait_mimic.evaluation.console_table import format_rows
from opengait_mimic.evaluation.result_rows import make_row
from opengait_mimic.evaluation.row_summaries import summarise_seeds
from opengait_mimic.metrics.protocols import score, split
from opengait_mimic.metrics.protocols.mateless_probes import describe_mateless
from tests.evaluation.test_results import FACTS
from tests.metrics.test_splits import sequences

VIEWS = ["000", "030", "060", "090"]


@pytest.fixture(scope="module")
def oumvlp():
    """Some of the gallery is gone: all of one subject's, and every fourth sequence of the others'."""
    x, labels, types, views = sequences(["00", "01"], VIEWS, subjects=12)
    kept = [i for i, type_ in enumerate(types) if type_ == "00" or (labels[i] != "005" and i % 7)]
    return x[kept], *([column[i] for i in kept] for column in (labels, types, views))


def test_a_row_counts_the_trials_of_a_protocol_by_views(oumvlp):
    """OUMVLP, with its one subset, against a loop."""
    x, labels, types, views = oumvlp
    parts = split("OUMVLP", labels, types, views)
    found = score(parts, x, x, labels, views)
    made = make_row({**FACTS, "dataset": "OUMVLP"}, Cell(HOLISTIC), 0, found, found, found)
    gallery = {(label, view) for label, type_, view in zip(labels, types, views) if type_ == "01"}
    probes = [(label, view) for label, type_, view in zip(labels, types, views) if type_ == "00"]
    pairs = [(label, other) for label, view in probes for other in VIEWS if other != view]
    lost = sum(pair not in gallery for pair in pairs)
    alone = sum(all((label, other) not in gallery for other in VIEWS if other != view) for label, view in probes)
    assert 0 < alone < lost < len(pairs) and "subsets" not in made
    assert [made[key] for key in ("probes", "probes_without_mate", "trials", "trials_without_mate")] == [48, alone, 144, lost]
    (line,) = summarise_seeds([made])
    assert (line["trials"], line["trials_without_mate"]) == (144, lost)
    sentences = [f"{lost} of 144 trials (a probe against one gallery view) have no mate there and count as failures"]
    sentences.append(f"{alone} of 48 probes have no mate at any other view")
    assert describe_mateless(made) == sentences == format_rows([made]).splitlines()[-2:]


def test_the_total_of_several_subsets_counts_their_trials():
    x, labels, types, views = sequences(["nm-01", "nm-05", "bg-01", "cl-01"], ["000", "090", "180"], subjects=4)
    labels = ["stranger" if (label, type_) == ("001", "cl-01") else label for label, type_ in zip(labels, types)]
    parts = split("CASIA-B", labels, types, views)
    found = score(parts, x, x, labels, views)
    assert (found["probes"], found["probes_without_mate"], found["trials"], found["trials_without_mate"]) == (36, 3, 72, 6)
    assert found["trials"] == sum(part["trials"] for part in found["subsets"].values())


@pytest.mark.parametrize(
    ("counts", "sentences"),
    [
        ({"probes": 9, "probes_without_mate": 0, "trials": 18, "trials_without_mate": 0}, []),
        ({"probes": 9, "probes_without_mate": 2}, ["2 of 9 probes have no mate in the gallery and count as failures"]),
        ({"probes": 9, "probes_without_mate": 2, "mates_only": True}, ["2 of 9 probes have no mate in the gallery and are left out"]),
    ],
)
def test_sentences_about_probes_without_a_mate(counts, sentences):
    assert describe_mateless(counts) == sentences
