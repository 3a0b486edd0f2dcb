"""Protocols of named sequences: a JSON of probe and gallery, and pairs, against the rules they can spell out."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.metrics.protocols import PROTOCOLS, is_probe, protocol_hash, protocol_of, read_pairs, read_protocol, score, split
from tests.metrics.test_splits import TYPES, sequences

HEAD = {"format": "opengait-mimic protocol", "format_version": 1, "name": "corridor"}
KEYS = (["a", "a", "b", "b", "c"], ["nm-01", "cl-01", "nm-01", "cl-01", "cl-01"], ["090", "090", "090", "000", "090"])


def written(folder, **block):
    (folder / "p.json").write_text(json.dumps({**HEAD, **block}))
    return folder / "p.json"


def joined(keys, mask, by="/"):
    return [by.join(key) for key, chosen in zip(keys, mask) if chosen]


@pytest.mark.parametrize("by", ["/", "-"])
@pytest.mark.parametrize("dataset", ["GREW", "OUMVLP", "CCPG", "CASIA-B"])
def test_a_file_that_spells_a_rule_out_scores_as_the_rule(dataset, by, tmp_path):
    types = TYPES.get(dataset, [f"nm-0{i}" for i in range(1, 7)] + ["bg-01", "bg-02", "cl-01", "cl-02"])
    x, labels, types, views = sequences(types, ["000", "090", "180"], subjects=6)
    theirs, keys = split(dataset, labels, types, views), list(zip(labels, types, views))
    lists = {name: dict(zip(("probe", "gallery"), (joined(keys, mask, by) for mask in masks))) for name, masks in theirs.subsets.items()}
    known = read_protocol(written(tmp_path, subsets=lists, cross_view=theirs.cross_view))
    mine = split(known, labels, types, views)
    for name, masks in theirs.subsets.items():
        assert all((a == b).all() for a, b in zip(mine.subsets[name], masks))
    assert score(mine, x, x, labels, views) == score(theirs, x, x, labels, views)
    assert mine.name == "corridor" and mine.pairs is None
    assert [is_probe(known, *key) for key in keys] == [is_probe(protocol_of(dataset), *key) for key in keys]


def test_the_rest_is_gallery_and_probes_without_a_mate_are_left_out_as_in_gait3d(tmp_path):
    x, labels, types, views = sequences(["camid1", "camid2"], ["seq0", "seq1"], subjects=10)
    keys = list(zip(labels, types, views))
    listed = [key for i, key in enumerate(keys) if i % 4 == 0 or key[0] == "003"]  # subject 003 has no mate
    known = read_protocol(
        written(tmp_path, mates_only=True, subsets={"all": {"probe": ["-".join(key) for key in listed], "gallery": "rest"}})
    )
    mine = score(split(known, labels, types, views), x, x, labels, views)
    assert mine == score(split("Gait3D", labels, types, views, {"PROBE_SET": ["-".join(key) for key in listed]}), x, x, labels, views)
    assert mine["probes_without_mate"] == 4 and "mINP" in mine


PATTERNS = {"NM": "*/nm-0[56]/*", "BG": ["*/bg-*/*"], "CL": ["*/cl-01/*", "*/cl-02/*"]}


@pytest.mark.parametrize("rest", ["", "probe", "gallery"])
@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_a_file_of_patterns_scores_as_the_rule_that_they_spell(tmp_path, ending, rest):
    types = [f"nm-0{i}" for i in range(1, 7)] + ["bg-01", "bg-02", "cl-01", "cl-02"]
    if rest:
        types = types[:6]
    x, labels, types, views = sequences(types, ["000", "090", "180"], subjects=6)
    sides = {name: {"probe": probe, "gallery": "*/nm-0[1-4]/*"} for name, probe in PATTERNS.items() if not rest or name == "NM"}
    if rest:
        sides["NM"][rest] = "rest"
    file = written(tmp_path, subsets=sides, cross_view=True)
    if ending == "yaml":
        file = file.with_suffix(".yaml")
        file.write_text(
            "format: opengait-mimic protocol\nformat_version: 1\nname: corridor\ncross_view: true\n" + yaml.safe_dump({"subsets": sides})
        )
    known = read_protocol(file)
    theirs, keys = split("CASIA-B", labels, types, views) if not rest else None, list(zip(labels, types, views))
    if rest:
        probe = np.array([type_ in ("nm-05", "nm-06") for type_ in types])
        masks = split(known, labels, types, views).subsets["NM"]
        assert (masks[0] == probe).all() and (masks[1] == ~probe).all()
    else:
        assert score(split(known, labels, types, views), x, x, labels, views) == score(theirs, x, x, labels, views)
        assert [is_probe(known, *key) for key in keys] == [is_probe(protocol_of("CASIA-B"), *key) for key in keys]


def test_a_pattern_is_one_protocol_and_its_parts_do_not_run_together(tmp_path):
    sides = {"all": {"probe": "*/cl-01/*", "gallery": "*/nm-*/*"}}
    known = read_protocol(written(tmp_path, subsets=sides))
    assert [mask.tolist() for mask in split(known, *KEYS).subsets["all"]] == [
        [False, True, False, True, True],
        [True, False, True, False, False],
    ]
    assert protocol_hash(known) == protocol_hash(read_protocol(written(tmp_path, name="other", subsets=sides)))
    with pytest.raises(ConfigError, match=r"subsets\.all\.probe: no sequence of the test set fits a/\*/091, b/09\?/\*; it has 5, such as"):
        split(read_protocol(written(tmp_path, subsets={"all": {"probe": ["a/*/091", "b/09?/*", "c/*/*"], "gallery": "rest"}})), *KEYS)
    with pytest.raises(ConfigError, match=r"subsets\.all: a/cl-01/090, b/cl-01/000, c/cl-01/090 are probe and gallery"):
        split(read_protocol(written(tmp_path, subsets={"all": {"probe": "*/cl-01/*", "gallery": "?/*/*"}})), *KEYS)


def test_subsets_may_share_sequences_and_others_take_no_part(tmp_path):
    lists = {"one": {"probe": ["a/cl-01/090"], "gallery": ["a/nm-01/090"]}, "two": {"probe": ["a-nm-01-090"], "gallery": ["b-nm-01-090"]}}
    parts = split(read_protocol(written(tmp_path, subsets=lists)), *KEYS)
    assert {name: tuple(mask.tolist().index(True) for mask in masks) for name, masks in parts.subsets.items()} == {
        "one": (1, 0),
        "two": (0, 2),
    }
    assert all(mask.sum() == 1 for masks in parts.subsets.values() for mask in masks)
    found = score(parts, np.zeros((5, 1, 1), np.float32), np.ones((5, 1, 1), np.float32), KEYS[0], KEYS[2])
    assert (found["rank1"], found["probes"], found["probes_without_mate"]) == (50, 2, 1)


def test_pairs_are_indices_of_both_kinds(tmp_path):
    subsets = {"all": {"probe": ["a/cl-01/090"], "gallery": "rest"}}
    pairs = [["a/cl-01/090", "a-nm-01-090"], ["b/cl-01/000", "a/nm-01/090"], ["c-cl-01-090", "b/nm-01/090"]]
    known = read_protocol(written(tmp_path, subsets=subsets, pairs=pairs))
    assert split(known, *KEYS).pairs.tolist() == [[1, 0], [3, 0], [4, 2]]
    order = [4, 2, 0, 3, 1]
    assert split(known, *([column[i] for i in order] for column in KEYS)).pairs.tolist() == [[4, 2], [3, 2], [0, 1]]
    for one, kind in ((pairs[:1], "impostor"), (pairs[1:], "genuine")):
        with pytest.raises(ConfigError, match=rf"p\.json: pairs: none of the {len(one)} pairs is {kind}"):
            split(read_protocol(written(tmp_path, subsets=subsets, pairs=one)), *KEYS)
    with pytest.raises(ConfigError, match=r"pairs: 1 of 2 sequences are not in the test set: d/nm-01/090; it has 5, such as a/nm"):
        split(read_protocol(written(tmp_path, subsets=subsets, pairs=[["a/cl-01/090", "d/nm-01/090"]])), *KEYS)


def test_names_that_are_not_in_the_test_set_are_counted_and_told(tmp_path):
    lists = {"all": {"probe": [f"x/cl-01/{i:03d}" for i in range(8)] + ["a/cl-01/090"], "gallery": ["b/nm-01/090", "b-nm-01-180"]}}
    with pytest.raises(ConfigError) as error:
        split(read_protocol(written(tmp_path, subsets=lists)), *KEYS)
    first, second = str(error.value).splitlines()
    assert "p.json: subsets.all.probe: 8 of 9 sequences are not in the test set: x/cl-01/000, x/cl-01/001," in first
    assert first.endswith("x/cl-01/004 and 3 more; it has 5, such as a/nm-01/090")
    assert "subsets.all.gallery: 1 of 2 sequences are not in the test set: b-nm-01-180;" in second


def test_a_name_that_fits_two_sequences_is_refused(tmp_path):
    keys = (["a", "a-b", "c"], ["b-c", "c", "d"], ["d", "d", "e"])
    lists = {"all": {"probe": ["a-b-c-d"], "gallery": ["c-d-e"]}}
    with pytest.raises(ConfigError, match="subsets.all.probe: a-b-c-d fit two sequences of the test set; write label/type/view"):
        split(read_protocol(written(tmp_path, subsets=lists)), *keys)
    lists["all"]["probe"] = ["a-b/c/d"]
    assert split(read_protocol(written(tmp_path, subsets=lists)), *keys).subsets["all"][0].tolist() == [False, True, False]


ONE = {"all": {"probe": ["a/cl-01/090"], "gallery": "rest"}}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({}, r"p\.json\.subsets: missing"),
        ({"subsets": {}}, r"subsets = \{\}; expected a mapping of at least one subset"),
        ({"subsets": ONE, "format": "x"}, r"format = 'x'; allowed: 'opengait-mimic protocol'"),
        ({"subsets": ONE, "format_version": 2}, r"format_version = 2; allowed: 1"),
        ({"subsets": ONE, "crossview": True}, r"crossview: unknown key \(did you mean 'cross_view'\?\)"),
        ({"subsets": ONE, "cross_view": True, "mates_only": True}, "not defined together, choose one"),
        ({"subsets": {"all": {"probe": ["a/b/c"]}}}, r"subsets\.all\.gallery: missing"),
        ({"subsets": {"all": {"probe": ["a/b/c"], "gallery": None}}}, r"subsets\.all\.gallery = None; expected a list .*, or rest"),
        ({"subsets": {"all": {"probe": "rest", "gallery": "rest"}}}, r"subsets\.all: probe and gallery are both rest; name one of them"),
        (
            {"subsets": {"all": {"probe": "*/cl-*", "gallery": "rest"}}},
            r"all\.probe = '\*/cl-\*'; expected a pattern label/type/view",
        ),
        ({"subsets": ONE, "pairs": [["a/*/c", "a/b/c"]]}, r"pairs\[0\]\[0\] = 'a/\*/c'; .*a pair names its two sequences"),
        ({"subsets": {"all": {"probe": [], "gallery": "rest"}}}, r"subsets\.all\.probe = \[\]; expected a list"),
        ({"subsets": {"all": {"probe": ["a/b"], "gallery": "rest"}}}, r"subsets\.all\.probe\[0\] = 'a/b'; expected label/type/view"),
        ({"subsets": {"all": {"probe": ["a/b/c"], "gallery": ["d/b/c", 3]}}}, r"subsets\.all\.gallery\[1\] = 3; expected label/type/view"),
        ({"subsets": {"all": {"probe": ["a/b/c"] * 2, "gallery": "rest"}}}, r"subsets\.all\.probe = .*a/b/c stand in the list twice"),
        ({"subsets": {"all": {"probe": ["a/b/c"], "gallery": ["d/b/c", "a/b/c"]}}}, r"subsets\.all: a/b/c are probe and gallery"),
        ({"subsets": ONE, "pairs": [["a/b/c"]]}, r"pairs\[0\] = \['a/b/c'\]; expected a list of two values"),
        ({"subsets": ONE, "pairs": [["a/b/c", "a/b/c"]]}, r"pairs\[0\] = .*expected two different sequences"),
        ({"subsets": ONE, "pairs": [["a/b/c", "d/b/c"]] * 2}, r"pairs = .*stand in the list twice"),
        ({"subsets": ONE, "pairs": {"a": "b"}}, r"pairs = \{'a': 'b'\}; expected a list of \[probe, gallery\]"),
    ],
)
def test_a_protocol_file_is_read_strictly(tmp_path, block, message):
    with pytest.raises(ConfigError, match=message):
        read_protocol(written(tmp_path, **block))


def test_a_file_that_is_no_protocol(tmp_path):
    for text, message in (("[1", "not a protocol file"), ("[]", "expected a mapping")):
        (tmp_path / "p.json").write_text(text)
        with pytest.raises(ConfigError, match=message):
            read_protocol(tmp_path / "p.json")
    with pytest.raises(ConfigError, match=r"none\.json: not a protocol file"):
        read_protocol(tmp_path / "none.json")


def test_a_probe_spelt_otherwise_in_the_gallery_is_refused(tmp_path):
    lists = {"all": {"probe": ["a/cl-01/090"], "gallery": ["a-cl-01-090", "b/nm-01/090"]}}
    with pytest.raises(ConfigError, match=r"subsets\.all: a/cl-01/090 are probe and gallery"):
        split(read_protocol(written(tmp_path, subsets=lists)), *KEYS)


def test_an_unknown_data_set_lists_the_known_and_the_way_out():
    with pytest.raises(ValueError, match="'BRIAR' has no protocol here; known: " + ", ".join(PROTOCOLS) + r"\. Name its probes.*--split"):
        split("BRIAR", *KEYS)


def test_a_file_of_pairs(tmp_path):
    def pairs_file(pairs):
        (tmp_path / "q.json").write_text(json.dumps({"format": "opengait-mimic pairs", "format_version": 1, "pairs": pairs}))
        return tmp_path / "q.json"

    known = read_pairs(pairs_file([["a/cl-01/090", "a-nm-01-090"], ["b/cl-01/000", "a/nm-01/090"]]))
    assert known.indices(*KEYS).tolist() == [[1, 0], [3, 0]]
    with pytest.raises(ConfigError, match=r"q\.json\.pairs = \[\]; expected a list of"):
        read_pairs(pairs_file([]))
