"""Stop and resume equals an uninterrupted run, bit for bit on a CPU: weights, optimiser, scheduler and losses."""

from __future__ import annotations

from itertools import product

import pytest

from opengait_mimic import host as hosts
from opengait_mimic.base import checkpoint_file as checkpoints
from tests.host_runs import good, two_processes
from tests.training import runs
from tests.training.runs import at, content, differing, stopped_and_resumed
from tests.variants import variant

TEACHER = "GaitBase (teacher)"
PACKED = {"sample_type": "unfixed_unordered", "frames_num_min": 2, "frames_num_max": 4, "frames_skip_num": 0}
ALL = list(product((TEACHER, "MimicGait"), ("fixed", "unfixed"), (0, 2), (1, 2)))
ALL += [("VEN", "fixed", 0, 1), ("Baseline-2", "unfixed", 0, 1)]
DEFAULT = [(TEACHER, "fixed", 2, 1), ("MimicGait", "unfixed", 0, 1)]
"""Those of the default run; the others are slow."""


@pytest.fixture
def configured(trained, host_spec, output, tmp_path):
    """Makes a configuration that saves every 2 of 5 steps; puts back the output folder."""

    def make(stage, sampling, workers):
        changes = {"trainer_cfg__total_iter": 5, "trainer_cfg__save_iter": 2, "trainer_cfg__log_iter": 1, "data_cfg__num_workers": workers}
        if stage == "MimicGait":
            for part, folder in (("teacher", "Baseline/GaitBase-seed0"), ("ven", "VEN/VEN-seed0")):
                name = folder.rpartition("/")[2]
                changes[f"model_cfg__{part}__checkpoint"] = str(output / f"walkers/{folder}/checkpoints/{name}-00003.pt")
        if sampling == "unfixed":
            changes.update({f"trainer_cfg__sampler__{key}": value for key, value in PACKED.items()})
        return variant(trained.files[stage], tmp_path, **changes)

    yield make
    hosts.bind(host_spec, "cpu", output)


def compared(file, folder):
    """What the uninterrupted and the resumed training of ``stopped_and_resumed`` have both; they must have it alike."""
    one, two = (content(at(file, folder / name, 4)) for name in ("one", "two"))
    assert differing(one, two) == []
    values = one["opengait_mimic"]["loss_values"]["first"].tolist()
    assert len(values) == 1 and one["opengait_mimic"]["losses"][0] == round(values[0], 4)
    assert one["opengait_mimic"]["batch"] == one["scheduler"]["last_epoch"] == 4
    return one


@pytest.mark.parametrize(
    ("stage", "sampling", "workers", "processes"),
    [case if case in DEFAULT else pytest.param(*case, marks=pytest.mark.slow) for case in ALL],
)
def test_stop_and_resume_equals_an_uninterrupted_run(configured, host_spec, tmp_path, stage, sampling, workers, processes):
    """With what is random: who is in a batch, which frames in which order, flips, what is hidden."""
    file = configured(stage, sampling, workers)
    if processes == 1:
        stopped_and_resumed(file, tmp_path)
    else:
        good(*two_processes(), runs.__file__, host_spec, file, tmp_path, cwd=tmp_path)
    compared(file, tmp_path)
    assert checkpoints.entry(at(file, tmp_path / "two", 4))["processes"] == processes
    print(f"\n{stage}, {sampling}, {workers} workers, {processes} process(es): resumed as uninterrupted, bit for bit", flush=True)
