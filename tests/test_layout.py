"""What a record may hold: every one that a training wrote is whole; any other value is refused by file and key, wherever it is read."""

from __future__ import annotations

import copy
import json
import shutil

import pytest

from opengait_mimic import layout
from opengait_mimic.comparing import sides
from opengait_mimic.config import ConfigError
from opengait_mimic.curves import curves_of, table
from opengait_mimic.host import HostError
from opengait_mimic.records import read_record
from opengait_mimic.run_sheet import beside, recipe
from tests.edited_records import EDITED, RECORD

MORE = [
    ("losses", 3, "losses = 3; expected a list of two values, or null"),
    ("losses", ["a", 1.0], "losses[0] = 'a'; expected a number"),
    ("seconds", "x", "seconds = 'x'; expected a number"),
    ("removed", [], "removed = []; expected a mapping"),
    ("tested", "x", "tested = 'x'; expected a whole number of at least 0"),
    ("best", {"name": "a"}, "best.value: missing; best.iteration: missing"),
    ("trained_on", {}, "trained_on.kinds: missing; trained_on.hidden: missing"),
    ("trained_on", {"kinds": {"none": 1}, "hidden": [0, 0], "before": 3}, "trained_on.before = 3; expected a list, or null"),
    ("curves", [[1, {"a": "x"}]], "curves[0][1].a = 'x'; expected a number, or null"),
    ("checkpoints", {"007": "sha256:0"}, "checkpoints: the key '007'; expected an iteration, a whole number"),
    ("checkpoints", {"7": "sha256:0"}, "losses = None; expected two numbers, for there are checkpoints"),
]


@pytest.mark.parametrize(("key", "value", "said"), EDITED + MORE, ids=[f"{key}={value!r}" for key, value, _ in EDITED + MORE])
def test_a_value_that_no_training_writes_is_named(tmp_path, key, value, said):
    file = tmp_path / "training.json"
    file.write_text(json.dumps({**RECORD, key: value}))
    with pytest.raises(HostError) as caught:
        read_record(tmp_path)
    assert str(caught.value).startswith(f"{file}: {said}") and str(caught.value).count("Was it edited? Put it back") == 1


def test_what_trainings_write_is_whole_and_another_layout_is_none(trained):
    records = [json.loads(file.read_text()) for file in trained.kept.rglob("training.json")]
    assert len(records) == 4 and all(layout.whole(record) is record for record in records)
    assert {key for record in records for key in record} >= {*layout.FIELDS, "trained_on", "curves", "steps_per_second"}
    for key in layout.FIELDS:
        assert layout.whole({name: value for name, value in records[0].items() if name != key}) is None
    assert layout.whole([]) is layout.whole(None) is layout.whole(7) is None


def places(value, path=()):
    """The path of every value in mappings and lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield (*path, key)
        yield from places(part, (*path, key))


def test_whatever_is_edited_is_served_or_refused(trained, tmp_path):
    """Any one value of a record is cut out or replaced: whoever reads it has an answer, or an error that names the file."""
    folder = tmp_path / "run"
    shutil.copytree(next(file.parent for file in trained.kept.rglob("training.json") if "MimicGait" in str(file)), folder)
    file, checkpoint = folder / "training.json", next(folder.glob("checkpoints/*.pt"))
    beside(checkpoint).unlink()
    written, refused = json.loads(file.read_text()), 0
    for path in places(written):
        for put in (None, 7, "a", [], {}, ...):
            record = copy.deepcopy(written)
            place = record
            for key in path[:-1]:
                place = place[key]
            if put is ...:
                place.pop(path[-1])
            else:
                place[path[-1]] = put
            file.write_text(json.dumps(record))
            for read in (lambda: table(curves_of(folder)), lambda: sides.read_side(checkpoint, recipe)):
                try:
                    read()
                except (HostError, ConfigError) as error:
                    refused += 1
                    assert any(str(place) in str(error) for place in (file, folder, checkpoint)), (path, put)
    assert refused > 100
