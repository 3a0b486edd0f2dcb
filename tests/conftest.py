"""Which host the tests run on, and a tiny trained pipeline shared by the tests that need one."""

from __future__ import annotations

import os
import shutil
import signal
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as torchrun gives its workers: bit for bit holds for equal numbers of threads
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores Ctrl-C, and so would what a test starts
hypothesis.settings.register_profile(  # the same examples in every run, however busy the machine
    "steady",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("steady")


def pytest_addoption(parser):
    parser.addoption("--host", default="embedded", help="`embedded`, or an OpenGait checkout")
    parser.addoption(
        "--kills", type=int, default=None, help="tests/training/test_kills.py: kill this often, and a mimic and two processes too"
    )


@pytest.fixture(scope="session")
def host_spec(pytestconfig) -> str:
    """The value of --host."""
    return pytestconfig.getoption("--host")


@pytest.fixture(scope="session")
def checkout(host_spec) -> Path:
    """A real OpenGait checkout: --host, or OPENGAIT_ROOT; skips where there is none."""
    path = host_spec if host_spec != "embedded" else os.environ.get("OPENGAIT_ROOT")
    if not path:
        pytest.skip("needs an OpenGait checkout: --host PATH or OPENGAIT_ROOT")
    return Path(path).resolve()


@pytest.fixture(scope="session")
def output(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("output")


@pytest.fixture(scope="session")
def host(host_spec, output):
    """The bound host, on the CPU."""
    from opengait_mimic import host as hosts

    return hosts.bind(host_spec, "cpu", output)


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """A few walkers: 12 subjects, 8 to train on."""
    from opengait_mimic.data.walkers import write_walkers

    return write_walkers(tmp_path_factory.mktemp("walkers"), subjects=12, seed=1, train=8, views=(54, 90), frames=12)


@pytest.fixture(scope="session")
def files(host, tree, tmp_path_factory):
    """The demo's configurations for the tiny data, three steps each: stage name -> YAML file."""
    return write_demo_files(tmp_path_factory.mktemp("configs"), tree, 3, 3)


def write_demo_files(folder, tree, ven_steps, steps, methods=("baseline2", "mimicgait")) -> dict:
    """The demo's configurations for a walkers tree: stage name -> YAML file."""
    from opengait_mimic.workflows.demo_study import Size, find_configuration, plan_stages, write_configurations

    data = {"dataset_root": str(tree.root), "dataset_partition": str(tree.partition)}
    data.update(dataset_name="walkers", test_dataset_name="walkers")
    size = Size(0, ven_steps, steps)
    files = write_configurations(folder, [find_configuration(method) for method in methods], size, data, len(tree.train), 0)
    return {stage.name: stage.train for stage in plan_stages(files, folder)}


@pytest.fixture(scope="session")
def trained(files, host_spec, output, tmp_path_factory):
    """Teacher, VEN, Baseline-2 and MimicGait after three steps each, with the losses they met."""
    from opengait_mimic import host as hosts
    from opengait_mimic.host.run_paths import save_folder
    from opengait_mimic.models.prepare import prepare
    from opengait_mimic.training.launch import launch

    elsewhere = hosts.output()  # where a test's module may have turned before it asks for this
    hosts.bind(host_spec, "cpu", output)
    models, losses, states = {}, {}, {}
    for stage, file in files.items():
        seen = []

        def watch(model, seen=seen):
            model.loss_aggregator.register_forward_hook(lambda _, __, result: seen.append(float(result[0].detach())))

        models[stage] = launch(file, "train", quiet=True, before=watch)
        losses[stage] = list(seen)  # a copy: the hook stays, and some tests train a model further
        states[stage] = deepcopy(models[stage].state_dict())  # tests that train a model further move its buffers
    kept = tmp_path_factory.mktemp("kept") / "output"
    for file in files.values():  # as the training left them, and nothing else: tests that train on write into the same folders
        folder = save_folder(prepare(file, "train"))
        shutil.copytree(folder, kept / folder.relative_to(output.resolve()))
    hosts.bind(host_spec, "cpu", elsewhere)
    return SimpleNamespace(models=models, losses=losses, files=files, states=states, kept=kept)


@pytest.fixture(scope="module")
def command(host_spec, output, trained):
    """Runs ``opengait-mimic evaluate`` here, on the bound host."""

    def run(file, *words):
        from opengait_mimic.cli import main

        return main(["evaluate", "--cfgs", str(file), "--host", host_spec, "--device", "cpu", "--output", str(output), *map(str, words)])

    return run
