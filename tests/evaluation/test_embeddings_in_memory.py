"""Which embeddings stay in memory: whole bodies; a teacher's hidden passes are read from their files when they are asked for."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from opengait_mimic.base.errors import HostError
from opengait_mimic.evaluation.cells import BOTH, OWN, Cell
from opengait_mimic.evaluation.embedding_plan import TeacherPasses
from opengait_mimic.evaluation.embeddings import Pass, cache
from opengait_mimic.evaluation.embeddings.embedding_file import TYPES
from opengait_mimic.evaluation.score import Scorer
from opengait_mimic.metrics.protocols import split
from tests.evaluation.test_results import HIDING, fake

HIDDEN = ("top", 0)


def made(key):
    """A pass of two sequences."""
    columns = [np.zeros(2, TYPES[name]) for name in ("kind", "hidden", "hidden_area", "frames")]
    embeddings, meta = np.full((2, 3, 4), len(key), np.float32), {"key": {"condition": None, "n": key}}
    return Pass(embeddings, ["a", "b"], ["x"] * 2, ["0"] * 2, *columns, None, None, np.zeros((2, 8)), meta)


@pytest.fixture
def passes(tmp_path, monkeypatch):
    """What is embedded: jobs and passes, each kept as it is; and references to their embeddings."""
    monkeypatch.setattr(cache, "save_folder", lambda *_: tmp_path)
    seen = {}

    def run():
        for job in (None, HIDDEN):
            done = made(str(job))
            cache.write_cached({}, done)
            seen[job] = weakref.ref(done.embeddings)
            yield job, done
            del done

    return run(), seen


def test_hidden_passes_are_in_memory_only_while_they_are_used(passes):
    each, seen = passes
    theirs = TeacherPasses({}, each, True)
    gc.collect()
    assert seen[None]() is theirs[None].embeddings and seen[HIDDEN]() is None
    assert list(theirs) == [None, HIDDEN] and len(theirs) == 2 and "other" not in theirs
    for found, own in zip((theirs[None], theirs[HIDDEN]), (made("None"), made(str(HIDDEN)))):
        assert np.array_equal(found.embeddings, own.embeddings) and found.meta == own.meta


def test_what_is_not_kept_stays_in_memory(passes):
    each, seen = passes
    theirs = TeacherPasses({}, each, False)
    gc.collect()
    assert all(seen[job]() is theirs[job].embeddings for job in (None, HIDDEN))


def test_a_file_that_went_away_is_named(passes, tmp_path):
    theirs = TeacherPasses({}, passes[0], True)
    for file in (tmp_path / "embeddings").iterdir():
        file.unlink()
    with pytest.raises(HostError, match="is needed again: it cannot be read"):
        theirs[HIDDEN]


def test_a_hidden_pass_is_let_go_when_its_cells_are_scored():
    scorer = Scorer([Cell(BOTH, OWN, HIDING)], [3], {}, "euc", "none", False, "cpu")
    whole, hidden = fake(0, hides=False), fake(1)
    held = [weakref.ref(each.embeddings) for each in (whole, hidden)]
    for job, done in ((None, whole), ((HIDING, 3), hidden)):
        scorer.score_pass(job, done, lambda labels, types, views: split("GREW", labels, types, views))
    del whole, hidden, done
    gc.collect()
    assert held[0]() is not None and held[1]() is None and len(scorer.passes) == 2
