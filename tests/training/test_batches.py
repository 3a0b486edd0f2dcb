"""Batch k is the same in every process: a loader that starts at k against one that ran through, on the bound host."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Sampler

from opengait_mimic.training import batches
from tests.host_runs import good
from tests.training.draws import digests
from tests.training.faults import met, model_of
from tests.training.runs import differing
from tests.variants import variant

TEACHER = "GaitBase (teacher)"
RANDOM = [{"type": "Compose", "trf_cfg": [{"type": "BaseSilCuttingTransform"}, {"type": "RandomRotate", "prob": 0.9}]}]


@pytest.fixture(scope="module")
def made(trained, tmp_path_factory):
    """(stage, sampling) -> YAML with random transforms."""

    def make(stage, sampling):
        changes = {f"trainer_cfg__sampler__{key}": value for key, value in (("frames_num_min", 3), ("frames_num_max", 7))}
        changes["trainer_cfg__sampler__sample_type"] = f"{sampling}_unordered"
        changes.update(trainer_cfg__seed=3, trainer_cfg__transform=RANDOM)
        return variant(trained.files[stage], tmp_path_factory.mktemp("batches"), **changes)

    return {(stage, sampling): make(stage, sampling) for stage in (TEACHER, "MimicGait") for sampling in ("fixed", "unfixed")}


@pytest.mark.parametrize("workers", [pytest.param(0, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize("sampling", ["fixed", "unfixed"])
@pytest.mark.parametrize("stage", [TEACHER, "MimicGait"])
def test_a_restarted_loader_goes_on_with_the_same_batches(made, stage, sampling, workers):
    """OpenGait's own Baseline and MimicGait: frames, rotations, occlusions and the model's own draws, bit for bit."""
    through = met(model_of(made[stage, sampling]), 6)
    assert not differing(through[3:], met(model_of(made[stage, sampling], first=3, workers=workers), 3))
    assert differing(through[0], through[3]) and differing(through[2][2:], through[3][2:])


def test_another_seed_is_another_batch(made):
    model = model_of(made[TEACHER, "fixed"])
    first = batches.peek(model)
    model.train_loader.seed = 4
    assert differing(first, batches.peek(model))


def test_peek_moves_nothing(made):
    """After a look at a batch the loop meets the same batch, and the generators are as before."""
    model = model_of(made[TEACHER, "unfixed"])
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    seen = batches.peek(model)
    drawn = random.random(), np.random.rand(), float(torch.rand(1))
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    assert drawn == (random.random(), np.random.rand(), float(torch.rand(1)))
    assert model.batches_drawn == 0 and not differing(met(model, 1)[0][0], seen) and model.batches_drawn == 1


def test_the_clips_of_the_last_batch_have_names(made, tree):
    model = model_of(made[TEACHER, "fixed"])
    _, labels, types, views, _ = next(iter(model.train_loader))
    names = model.train_loader.names()
    assert names == [f"walkers-{tree.train[label]}-{kind}-{view}" for label, kind, view in zip(labels, types, views)]


def test_both_hosts_draw_the_same_batches(files, host_spec, checkout, tmp_path):
    """OpenGait's sampler and collate function against the embedded host's, in a process of its own."""
    changes = {"trainer_cfg__sampler__frames_num_min": 3, "trainer_cfg__sampler__frames_num_max": 7}
    changes["trainer_cfg__sampler__frames_skip_num"] = 2
    made = []
    for kind in ("fixed_unordered", "unfixed_unordered", "fixed_ordered"):
        (tmp_path / kind).mkdir()
        made.append(variant(files[TEACHER], tmp_path / kind, trainer_cfg__sampler__sample_type=kind, **changes))
    other = checkout if host_spec == "embedded" else "embedded"
    logged = good("-m", "tests.training.draws", other, tmp_path / "output", *made, cwd=tmp_path)
    assert json.loads(next(line for line in logged.splitlines() if line.startswith('["'))) == digests(made)


# ---------------------------------------------------------------- other loaders


class Deck(Sampler):
    """A sampler with a memory, which it keeps in itself: its cards, shuffled once more whenever they are dealt."""

    def __init__(self, count):
        self.cards = list(range(count))

    def __iter__(self):
        while True:
            random.shuffle(self.cards)
            yield from ([a, b] for a, b in zip(self.cards[::2], self.cards[1::2]))


class Numbers(torch.utils.data.Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        return index, random.random()


def numbered(first):
    inner = SimpleNamespace(train_loader=DataLoader(Numbers(), batch_sampler=Deck(10), collate_fn=list))
    batches.number(inner, {"trainer_cfg": {"seed": 1}}, first)
    return inner


def test_a_sampler_with_a_memory_goes_on_too():
    """Also when its loader is iterated twice."""
    through = [batch for _, batch in zip(range(9), numbered(0).train_loader)]
    inner = numbered(7)
    assert batches.peek(inner) == through[7]
    assert [batch for _, batch in zip(range(2), inner.train_loader)] == through[7:]
    assert sorted(index for batch in through[:5] for index, _ in batch) == list(range(10)), "the deck is dealt as its sampler says"
