"""What is published of the public data sets, against OpenGait's own partitions and against made-up counts."""

from __future__ import annotations

import json

import pytest

from opengait_mimic.doctor.totals import TOTALS, departures, known
from opengait_mimic.metrics.protocols import PROTOCOLS


@pytest.mark.parametrize("name", sorted(TOTALS))
def test_identities_are_those_of_opengaits_partitions(checkout, name):
    partition = json.loads((checkout / "datasets" / name / f"{name}.json").read_text())
    total = TOTALS[name]
    assert (total.train, total.test) == (len(partition["TRAIN_SET"]), len(partition["TEST_SET"]))
    if total.each:
        assert total.at_most == total.each * (total.train + total.test)


def test_names_are_found_however_they_are_spelt():
    assert known("casiab") == known("CASIA-B") == known("CASIA_B") == "CASIA-B"
    assert known("gait3d") == "Gait3D" and known("walkers") is None and known(None) is None
    assert all(known(name) == name for name in PROTOCOLS if name != "walkers")


def test_a_whole_data_set_departs_in_nothing():
    labels = [f"{i:03d}" for i in range(1, 125)]
    assert departures("CASIA-B", set(labels), dict.fromkeys(labels, 110), labels[:74], labels[74:]) == []


def test_what_is_missing_is_said():
    labels = [f"{i:03d}" for i in range(1, 124)]
    found = dict(departures("CASIA-B", set(labels), {**dict.fromkeys(labels, 110), "005": 100}, labels[:73], labels[73:]))
    assert found["TRAIN_SET"].startswith("73 identities") and "has 74" in found["TRAIN_SET"] and "TEST_SET" not in found
    assert found["identities"] == "123 of 124 have a sequence here"
    assert found["sequences"].startswith("1 identities lack some of their 110, 10 in all")
    assert "25239" not in dict(departures("SUSTech1K", {"0000"}, {"0000": 24}, [], []))["sequences"]
    assert dict(departures("SUSTech1K", {"0000"}, {"0000": 24}, [], []))["sequences"].startswith("24, published are 25,239")
