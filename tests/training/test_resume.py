"""Stop and resume equals an uninterrupted run, bit for bit on a CPU: weights, optimiser, scheduler, losses and curves."""

from __future__ import annotations

import pytest

from opengait_mimic import host as hosts
from tests.training.runs import at, content, differing, stopping, train
from tests.variants import variant

TEACHER = "GaitBase (teacher)"
PACKED = {"sample_type": "unfixed_unordered", "frames_num_min": 2, "frames_num_max": 4, "frames_skip_num": 0}


@pytest.fixture
def bound(trained, host_spec, output):
    """The shared trainings' YAML files; puts back the output folder."""
    yield trained.files
    hosts.bind(host_spec, "cpu", output)


@pytest.mark.parametrize(
    ("stage", "sampling", "workers"),
    [(TEACHER, "fixed", 2), (TEACHER, "unfixed", 0), ("MimicGait", "fixed", 0), ("MimicGait", "unfixed", 2)],
)
def test_stop_and_resume_equals_an_uninterrupted_run(bound, tmp_path, output, stage, sampling, workers):
    """With everything random: transforms, shuffled frames, occlusion, a dropped-out share of the embedding."""
    changes = {"trainer_cfg__total_iter": 5, "trainer_cfg__save_iter": 2, "trainer_cfg__log_iter": 1, "data_cfg__num_workers": workers}
    if stage == "MimicGait":
        for part, folder in (("teacher", "Baseline/GaitBase-seed0"), ("ven", "VEN/VEN-seed0")):
            name = folder.rpartition("/")[2]
            changes[f"model_cfg__{part}__checkpoint"] = str(output / f"walkers/{folder}/checkpoints/{name}-00003.pt")
    file = variant(bound[stage], tmp_path, **changes)
    if sampling == "unfixed":
        file = variant(file, tmp_path, **{f"trainer_cfg__sampler__{key}": value for key, value in PACKED.items()})
    train(file, tmp_path / "one")
    with pytest.raises(KeyboardInterrupt):
        train(file, tmp_path / "two", before=stopping(3))
    train(file, tmp_path / "two", iteration=2, resume=True)
    one, two = (content(at(file, tmp_path / name, 4)) for name in ("one", "two"))
    assert differing(one, two) == []
    curves = one["opengait_mimic"]["record"]["curves"]
    assert [step for step, _ in curves] == [1, 2, 3, 4] and len({repr(values) for _, values in curves}) == 4
    assert one["opengait_mimic"]["batch"] == 4
