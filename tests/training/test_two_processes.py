"""Numbered batches and guarded steps in two processes, of which one alone meets what is not finite."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from opengait_mimic import host as hosts
from opengait_mimic.base.processes import rank_and_world
from tests.host_runs import good, two_processes
from tests.training.faults import FAULTS, loop, met, model_of, state_of
from tests.training.runs import differing
from tests.variants import variant

pytestmark = pytest.mark.slow

STAGES = ("GaitBase (teacher)", "MimicGait")


@pytest.fixture(scope="module")
def ran(trained, output, host_spec, tmp_path_factory):
    """Both stages in two processes, on packed clips."""
    folder = tmp_path_factory.mktemp("two")
    packed = {f"trainer_cfg__sampler__{key}": value for key, value in (("frames_num_min", 3), ("frames_num_max", 7))}
    packed["trainer_cfg__sampler__sample_type"] = "unfixed_unordered"
    files = {}
    for stage in STAGES:
        (folder / stage).mkdir()
        files[stage] = variant(trained.files[stage], folder / stage, **packed)
    good(*two_processes(), "-m", "tests.training.test_two_processes", host_spec, output, folder, *files.values(), cwd=folder)
    found = [torch.load(folder / f"rank{rank}.pt", weights_only=False) for rank in range(2)]
    return SimpleNamespace(files=files, ranks={stage: [each[str(files[stage])] for each in found] for stage in STAGES})


@pytest.mark.parametrize("stage", STAGES)
def test_who_is_in_a_batch_does_not_depend_on_the_processes(ran, stage):
    """Position i * 2 + rank of the one process's batch is position i of this rank's."""
    alone = [raw[1:4] for raw, *_ in met(model_of(ran.files[stage]), 4)]
    for number, batch in enumerate(alone):
        for rank, side in enumerate(ran.ranks[stage]):
            assert [list(part[rank::2]) for part in batch] == [list(part) for part in side["clips"][number]]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_step_that_is_bad_on_one_process_is_taken_by_none(ran, stage, fault):
    """On both, the end is that of the host's own steps without the batch, bit for bit."""
    sides = [side["faults"][fault] for side in ran.ranks[stage]]
    assert [side["steps"] for side in sides] == [[True, False, True]] * 2
    assert not any(side["differing"] for side in sides)
    state = [{key: value for key, value in side["state"].items() if "running_" not in key} for side in ran.ranks[stage]]
    assert not differing(*state), "and the processes have the same weights (statistics are each one's own until the next step)"


@pytest.mark.parametrize("stage", STAGES)
def test_the_clips_of_the_process_concerned_are_named(ran, stage):
    logged = {fault: ran.ranks[stage][0]["faults"][fault]["skips"] for fault in FAULTS}
    assert [len(lines) for lines in logged.values()] == [1, 1, 1]
    _, types, views = ran.ranks[stage][1]["clips"][1]
    assert logged["clip"][0].count("clips: ") == logged["loss"][0].count("clips: ") == 1, "though the clip spoils losses of both"
    assert "Process 1: " in logged["clip"][0]
    assert logged["loss"][0].count(", walkers-") == len(types) - 1 and "Process 0" not in logged["loss"][0]
    assert "Process 0: all finite here" in logged["gradient"][0] and "Process 1: all finite here" in logged["gradient"][0]
    assert logged["clip"][0].endswith(f"-{types[-1]}-{views[-1]}"), "packed, the last clip holds the last frame"


def guarded(file, rank):
    """A run whose second batch goes wrong on process 1 alone, in every way; against the host's own steps without that batch."""
    from utils import get_msg_mgr

    clips = [raw[1:4] for raw, *_ in met(model_of(file), 4)]
    oracle, found = model_of(file, guarded=False), {}
    loop(oracle, 3, without=(1,))
    for fault, put in FAULTS.items():
        model, warnings = model_of(file), []
        manager = get_msg_mgr()
        usual, manager.log_warning = manager.log_warning, warnings.append
        if rank == 1:
            put(model, at=(1,))
        steps = loop(model, 3)
        manager.log_warning = usual
        skips = [text for text in warnings if "is skipped" in text]
        found[fault] = {"steps": steps, "differing": differing(state_of(model), state_of(oracle)), "skips": skips}
    return {"clips": clips, "faults": found, "state": state_of(oracle)}


if __name__ == "__main__":  # under torchrun: HOST OUTPUT RESULTS, then a YAML of every stage
    host, output, results, *files = sys.argv[1:]
    hosts.bind(host, "cpu", output)
    own = rank_and_world()[0]
    torch.save({file: guarded(file, own) for file in files}, f"{results}/rank{own}.pt")
    hosts.leave()
