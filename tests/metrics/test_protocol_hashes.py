"""Hashes of protocols and pairs: of what decides a score, and of nothing else."""

from __future__ import annotations

from dataclasses import replace

from opengait_mimic.metrics.protocols import CROSS_VIEW_GALLERY, PROTOCOLS, Listed, content_hash, pairs_hash, protocol_hash

SIDES = {"all": (frozenset({"a/02/v", "b/02/v"}), frozenset({"a/01/v", "b/01/v"}))}
PAIRS = (("a/02/v", "a/01/v"), ("a/02/v", "b/01/v"))


def test_each_rule_has_its_own():
    every = [*PROTOCOLS.values(), *CROSS_VIEW_GALLERY.values()]
    assert len({rule.name for rule in every}) == len(every)
    every = [rule for rule in every if not rule.by_list]  # there the list decides, not the rule
    assert len({protocol_hash(rule) for rule in every}) == len(every) > 5
    assert protocol_hash(replace(PROTOCOLS["GREW"], name="other")) == protocol_hash(PROTOCOLS["GREW"])


def test_a_key_that_is_off_does_not_change_it():
    """A result that was written before there was ``by_probe_view`` stays comparable."""
    content = {"gallery": ["01"], "probes": {"NM": ["00"]}, "by_list": False, "cross_view": True, "contains": False}
    assert protocol_hash(PROTOCOLS["OUMVLP"]) == content_hash({**content, "view_until": "", "overall": None})


def test_a_file_of_one_name_is_known_by_what_it_says():
    own = Listed("corridor", SIDES)
    assert protocol_hash(own) == protocol_hash(Listed("hall", dict(SIDES), pairs=PAIRS, source="elsewhere"))
    fewer = {"all": (frozenset({"a/02/v"}), SIDES["all"][1])}
    others = [fewer, {"all": (SIDES["all"][0], None)}, {"some": SIDES["all"]}]
    hashes = [protocol_hash(Listed("corridor", subsets)) for subsets in others]
    hashes += [protocol_hash(replace(own, cross_view=True)), protocol_hash(replace(own, mates_only=True)), protocol_hash(own)]
    assert len(set(hashes)) == 6


def test_pairs_in_any_order():
    assert pairs_hash(PAIRS) == pairs_hash(PAIRS[::-1]) != pairs_hash(PAIRS[:1])
    assert pairs_hash([("a/01/v", "a/02/v"), PAIRS[1]]) != pairs_hash(PAIRS), "probe and gallery are not the same"
    assert pairs_hash(()) == "all"
