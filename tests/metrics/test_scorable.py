"""What cannot be scored is found from labels and views; whatever passes here can be scored."""

from __future__ import annotations

import numpy as np
import pytest

from opengait_mimic.metrics.protocols import Listed, refuse_unscorable, score, split


def listed(probe, gallery, **flags):
    return Listed("corridor", {"all": (frozenset(probe), frozenset(gallery))}, **flags)


NAMES = [("a", "01", "v"), ("a", "02", "w"), ("b", "01", "v"), ("b", "02", "v"), ("c", "02", "v")]


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (listed(["c/02/v"], ["a/01/v", "b/01/v"]), "corridor: no probe of 'all' has a mate in its gallery"),
        (listed(["c/02/v"], ["a/01/v"], mates_only=True), "no probe of 'all' has a mate"),
        (listed(["b/02/v", "c/02/v"], ["a/01/v", "b/01/v"], cross_view=True), "no pair of different views"),
        (listed(["b/02/v", "a/02/w"], ["b/01/v"], cross_view=True), "no probe of 'all' has a mate"),
        (listed(["b/02/v"], ["b/01/v"]), "the gallery of 'all' holds no other identity than the probe's, so every Rank-k would be 100 %"),
        (listed(["b/02/v", "c/02/v"], ["b/01/v"], mates_only=True), "every Rank-k would be 100 %"),
        (listed(["a/02/w", "b/02/v"], ["a/01/v"], cross_view=True), "every Rank-k would be 100 %"),
        (listed(["b/02/v", "c/02/v"], ["a/01/v", "b/01/v"]), None),
        (listed(["a/02/w", "b/02/v"], ["a/01/v", "b/01/v"], cross_view=True), None),
        (listed(["b/02/v", "c/02/v"], ["a/01/v", "b/01/v"], mates_only=True), None),
    ],
)
def test_labels_and_views_decide(known, message):
    labels, types, views = (list(column) for column in zip(*NAMES))
    found = split(known, labels, types, views)
    x = np.random.default_rng(0).normal(size=(len(NAMES), 3, 2)).astype(np.float32)
    if message is None:
        refuse_unscorable(found, labels, views)
        assert score(found, x, x, labels, views)["rank5"] > 0
    else:
        with pytest.raises(ValueError, match=message):
            refuse_unscorable(found, labels, views)


def test_one_subset_without_mates_is_named_where_it_decides():
    sides = {"one": (frozenset({"b/02/v"}), frozenset({"b/01/v"})), "two": (frozenset({"c/02/v"}), frozenset({"b/01/v"}))}
    labels, types, views = (list(column) for column in zip(*NAMES))
    for side in sides:
        sides[side] = (sides[side][0], sides[side][1] | {"a/01/v"})
    refuse_unscorable(split(Listed("x", sides), labels, types, views), labels, views)
    with pytest.raises(ValueError, match="no probe of 'two' has a mate"):
        refuse_unscorable(split(Listed("x", sides, mates_only=True), labels, types, views), labels, views)
