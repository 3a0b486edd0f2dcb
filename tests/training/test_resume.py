"""Stop and resume equals an uninterrupted run, bit for bit on a CPU, whatever lies in between."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from opengait_mimic import host as hosts
from opengait_mimic.base import checkpoint_file as checkpoints
from tests.training.faults import inf_loss, nan_clip, nan_gradient
from tests.training.runs import at, content, differing, last_of_both, shared_networks, stopping, train
from tests.variants import variant

TEACHER = "GaitBase (teacher)"
PACKED = {"sample_type": "unfixed_unordered", "frames_num_min": 2, "frames_num_max": 4, "frames_skip_num": 0}
ALL = list(product((TEACHER, "MimicGait"), ("fixed", "unfixed"), (0, 2), (1, 2)))
ALL += [("VEN", "fixed", 0, 1), ("Baseline-2", "unfixed", 0, 1)]
DEFAULT = [("MimicGait", "unfixed", 0, 1)]
"""Those of the default run; the others are slow."""


@pytest.fixture
def configured(trained, host_spec, output, tmp_path):
    """Makes a configuration that saves every 2 of 5 steps; puts back the output folder."""

    def make(stage, sampling="fixed", workers=0, **changes):
        changes.update({"trainer_cfg__total_iter": 5, "trainer_cfg__save_iter": 2, "trainer_cfg__log_iter": 1})
        changes.update(data_cfg__num_workers=workers, evaluator_cfg__restore_hint=4)
        if stage == "MimicGait":
            changes.update(shared_networks(output))
        if sampling == "unfixed":
            changes.update({f"trainer_cfg__sampler__{key}": value for key, value in PACKED.items()})
        return variant(trained.files[stage], tmp_path, **changes)

    yield make
    hosts.bind(host_spec, "cpu", output)


@pytest.mark.parametrize(
    ("stage", "sampling", "workers", "processes"),
    [case if case in DEFAULT else pytest.param(*case, marks=pytest.mark.slow) for case in ALL],
)
def test_stop_and_resume_equals_an_uninterrupted_run(configured, host_spec, tmp_path, stage, sampling, workers, processes):
    """With what is random: who is in a batch, which frames in which order, flips, what is hidden."""
    file = configured(stage, sampling, workers)
    one, two = last_of_both(file, tmp_path, host_spec, processes)
    assert differing(one, two) == []
    assert one["opengait_mimic"]["batch"] == one["scheduler"]["last_epoch"] == 4
    assert checkpoints.entry(at(file, tmp_path / "two", 4))["processes"] == processes


def both(file, folder, put=lambda model: None, between=lambda: None, stop=None):
    """The last checkpoint of a training in one go, and of one stopped (in the fourth step) and resumed from the second."""

    def stopped(model):
        put(model)
        (stop or stopping(3))(model)

    train(file, folder / "one", before=put)
    with pytest.raises(KeyboardInterrupt):
        train(file, folder / "two", before=stopped)
    between()
    train(file, folder / "two", iteration=2, resume=True, before=put)
    return [content(at(file, folder / name, 4)) for name in ("one", "two")]


@pytest.mark.slow
def test_tests_and_skipped_steps_in_between(configured, tmp_path):
    """Batches run ahead of iterations; each test draws from the generators, and moves the mode of every module."""
    keep = {"trainer_cfg__keep_last": 1, "trainer_cfg__keep_best": "test_accuracy/Rank-1", "trainer_cfg__with_test": True}
    file = configured(TEACHER, workers=1, **keep)

    def put(model):
        nan_clip(model, at=(1,))
        nan_gradient(model, at=(2, 5))
        inf_loss(model, at=(4,))

    one, two = both(file, tmp_path, put)
    assert differing(one, two) == []
    own = one["opengait_mimic"]
    assert (one["iteration"], own["batch"], own["skipped"]) == (4, 8, 4) and own["best"]["iteration"] == 2


@pytest.mark.slow
def test_a_test_that_was_cut_off_is_made_up_for(configured, tmp_path):
    """Stopped after the second step was saved, in its test; then resumed, and resumed once more where there is nothing to make up for."""
    keep = {"trainer_cfg__keep_last": 1, "trainer_cfg__keep_best": "test_accuracy/Rank-1", "trainer_cfg__with_test": True}
    file, tests = configured(TEACHER, **keep), []

    def meeting(first):
        """For `launch`: do something before each test."""

        def before(model):
            inner = getattr(model, "module", model)
            inference = inner.inference
            object.__setattr__(inner, "inference", lambda rank: first(inner) or inference(rank))

        return before

    def cut(inner):
        raise KeyboardInterrupt

    count = meeting(lambda inner: tests.append(inner.iteration))
    one, two = both(file, tmp_path, put=count, stop=meeting(cut))
    assert differing(one, two) == [] and one["opengait_mimic"]["best"]["iteration"] == 2
    assert tests == [2, 4, 2, 4]
    train(file, tmp_path / "two", iteration=4, resume=True, before=count)
    assert tests == [2, 4, 2, 4]


@pytest.mark.slow
def test_a_training_that_starts_from_other_weights(configured, trained, output, tmp_path):
    """Its optimiser and schedule begin anew at the start and come back when it goes on."""
    weights = output / "walkers/Baseline/GaitBase-seed0/checkpoints/GaitBase-seed0-00003.pt"
    resets = {f"trainer_cfg__{key}_reset": True for key in ("optimizer", "scheduler")}
    one, two = both(configured(TEACHER, trainer_cfg__restore_hint=str(weights), **resets), tmp_path)
    assert differing(one, two) == [] and one["scheduler"]["last_epoch"] == 4


@pytest.mark.slow
def test_a_checkpoint_that_says_nothing(configured, tmp_path):
    """Of a version before checkpoints had an entry of ours, and of OpenGait's own main.py: the same weights and momenta."""
    file = configured(TEACHER)

    def strip():
        old = at(file, tmp_path / "two", 2)
        found = torch.load(old, weights_only=True)
        del found[checkpoints.ENTRY]
        torch.save(found, old)

    one, two = both(file, tmp_path, between=strip)
    assert differing(*({key: found[key] for key in ("model", "optimizer", "scheduler", "iteration")} for found in (one, two))) == []
    assert two["opengait_mimic"]["batch"] == 4
