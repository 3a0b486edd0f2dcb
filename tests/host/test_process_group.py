"""The device of a process; processes that disagree all end at once, with the reason."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist

from opengait_mimic.base.errors import HostError
from opengait_mimic.host import process_group as processes
from opengait_mimic.host.process_group import pick_device
from tests.host_runs import python, two_processes


@pytest.fixture
def machine(monkeypatch):
    """A machine of so many visible GPUs, and a process's place on it."""

    def make(gpus, local=0, here=1):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setenv("LOCAL_RANK", str(local))
        monkeypatch.setenv("LOCAL_WORLD_SIZE", str(here))

    return make


@pytest.mark.parametrize(
    ("name", "gpus", "local", "here", "expected"),
    [
        ("auto", 0, 0, 1, "cpu"),
        ("auto", 0, 3, 4, "cpu"),
        ("auto", 1, 0, 1, "cuda:0"),
        ("auto", 4, 0, 1, "cuda:0"),  # one process on a machine of four
        ("auto", 4, 1, 2, "cuda:1"),  # two processes on a machine of four
        ("cuda", 4, 3, 4, "cuda:3"),
        ("auto", 1, 1, 2, "cuda:0"),  # a scheduler shows every process one of its own
        ("cpu", 4, 3, 8, "cpu"),
    ],
)
def test_the_device_follows_local_rank(machine, name, gpus, local, here, expected):
    machine(gpus, local, here)
    assert pick_device(name) == torch.device(expected)


def test_the_rank_over_all_machines_is_no_device_number(machine, monkeypatch):
    """The first process of the second machine takes its machine's first GPU."""
    machine(1, local=0)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert pick_device() == torch.device("cuda:0")


@pytest.mark.parametrize(("name", "gpus", "here"), [("auto", 2, 3), ("cuda", 3, 4), ("cuda", 0, 1)])
def test_fewer_gpus_than_processes_is_refused_on_every_rank(machine, name, gpus, here):
    for local in range(here):
        machine(gpus, local, here)
        with pytest.raises(HostError, match=rf"^{here} process\(es\) on this machine see {gpus} GPU.*--device cpu"):
            pick_device(name)


def test_another_name_is_refused():
    with pytest.raises(HostError, match="--device 'cuda:0': allowed are auto, cpu, cuda"):
        pick_device("cuda:0")


# ---------------------------------------------------------------- all processes together


def together(monkeypatch, *choices):
    """What each process of one run gets, each in a thread. A choice: (device, the GPU's own name)."""
    store, place = dist.HashStore(), threading.local()

    def pick(_):
        return torch.device(choices[place.rank][0])

    monkeypatch.setattr(processes, "pick_device", pick)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(uuid=choices[place.rank][1]))
    monkeypatch.setattr(processes.socket, "gethostname", lambda: f"node{place.rank}")
    found = [None] * len(choices)

    def process(rank):
        place.rank = rank
        try:
            found[rank] = processes._agree("auto", store, rank, len(choices))
        except Exception as error:
            found[rank] = error

    threads = [threading.Thread(target=process, args=(rank,), daemon=True) for rank in range(len(choices))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_processes_that_agree_get_their_own_device(monkeypatch):
    assert together(monkeypatch, ("cuda:0", "a"), ("cuda:1", "b"), ("cuda:0", "c")) == [torch.device(f"cuda:{i}") for i in (0, 1, 0)]
    assert together(monkeypatch, ("cpu", ""), ("cpu", "")) == [torch.device("cpu")] * 2


def test_machines_with_and_without_gpus_end_alike(monkeypatch):
    """NCCL on one side and gloo on the other would wait for each other."""
    found = together(monkeypatch, ("cuda:0", "a"), ("cpu", ""))
    assert all(isinstance(error, HostError) for error in found) and str(found[0]) == str(found[1])
    assert "rank 0 on node0: cuda, rank 1 on node1: cpu" in str(found[0]) and "--device cpu" in str(found[0])


def test_two_processes_never_share_a_gpu(monkeypatch):
    """Two torchruns on one machine both begin at LOCAL_RANK 0."""
    for error in together(monkeypatch, ("cuda:0", "a"), ("cuda:0", "b"), ("cuda:0", "a")):
        assert isinstance(error, HostError) and re.match("ranks 0 and 2 would share one GPU of node2: .*CUDA_VISIBLE_DEVICES", str(error))


def test_the_backend_follows_the_device(monkeypatch):
    """NCCL with GPUs where it exists, else gloo."""
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    asked = []
    monkeypatch.setattr(dist, "is_initialized", lambda: False)
    monkeypatch.setattr(dist, "init_process_group", lambda backend, **named: asked.append((backend, *list(named.values())[1:])))
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: asked.append(device))
    monkeypatch.setattr(processes.atexit, "register", lambda function: None)
    gpu, cpu = torch.device("cuda:0"), torch.device("cpu")
    for device, nccl in ((gpu, True), (gpu, False), (cpu, True)):
        monkeypatch.setattr(processes, "_agree", lambda *_, device=device: device)
        monkeypatch.setattr(dist, "is_nccl_available", lambda nccl=nccl: nccl)
        assert processes.start() == device
    limit = timedelta(hours=3)
    assert asked == [("nccl", 0, 1, limit), gpu, ("gloo", 0, 1, limit), gpu, ("gloo", 0, 1, limit)]


@pytest.mark.parametrize(
    ("name", "starter"), [("SLURM_STEP_NUM_TASKS", "srun"), ("OMPI_COMM_WORLD_SIZE", "mpirun"), ("PMI_SIZE", "mpiexec")]
)
def test_copies_that_do_not_know_of_each_other_are_refused(monkeypatch, name, starter):
    """`srun -n 4 python -m opengait_mimic ...` sets neither RANK nor WORLD_SIZE: four trainings of one process each."""
    for other in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setattr(dist, "is_initialized", lambda: False)
    monkeypatch.setattr(processes.atexit, "register", lambda function: None)
    monkeypatch.setenv(name, "4")
    with pytest.raises(HostError, match=rf"^{starter} started 4 copies of this command \({name}\).*torchrun.*LOCAL_RANK.*start one copy$"):
        processes.start("cpu")
    asked = []
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **named: asked.append(named["world_size"]))
    monkeypatch.setenv(name, "1")  # one task, as a scheduler starts torchrun or a single process
    processes.start("cpu")
    assert asked == [1]


WAITING = """
import datetime, sys, time
import torch.distributed as dist
from opengait_mimic import host as hosts
from opengait_mimic.host import process_group as processes
if sys.argv[3] == "impatient":
    processes.TIMEOUT = datetime.timedelta(seconds=3)
hosts.bind(sys.argv[1], "cpu", sys.argv[2])
if dist.get_rank() == 0:
    if sys.argv[3] == "dies":
        raise SystemExit("rank 0 is gone")
    time.sleep(10)
dist.barrier()
print("met")
hosts.leave()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("case", "ends"), [("waits", 0), ("impatient", 1), ("dies", 1)])
def test_rank_1_waits_for_a_rank_0_that_lives(host_spec, tmp_path, case, ends):
    """It waits for `TIMEOUT`; a rank 0 that dies ends it long before, or this test never ends."""
    (tmp_path / "waiting.py").write_text(WAITING)
    done = python(*two_processes(), tmp_path / "waiting.py", host_spec, tmp_path, case, cwd=tmp_path)
    assert (done.returncode, done.stdout.count("met")) == (ends, 0 if ends else 2), done.stderr[-2000:]
    assert ("rank 0 is gone" in done.stderr) == (case == "dies")
