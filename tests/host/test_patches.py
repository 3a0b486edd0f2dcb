"""The patch adds one file of ours, and OpenGait's own main.py then trains and tests our models."""

from __future__ import annotations

import pkgutil
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.host_runs import REPO, digests, good, rank1, script

PATCH = REPO / "patches" / "opengait-mimic.patch"
ADDED = "opengait/modeling/models/zz_opengait_mimic.py"


def git(folder, *words):
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_it_quotes_nothing():
    """A new file only: no context, no removed line, so not one line of OpenGait."""
    head, body = PATCH.read_text().split("@@", 1)
    lines = body.splitlines()
    assert head.splitlines() == [f"diff --git a/{ADDED} b/{ADDED}", "new file mode 100644", "--- /dev/null", f"+++ b/{ADDED}"]
    assert lines[0] == f" -0,0 +1,{len(lines) - 1} @@"
    assert len(lines) > 1 and all(line.startswith("+") for line in lines[1:])


def test_it_applies_to_any_tree(tmp_path):
    git(tmp_path, "init", "-q")
    git(tmp_path, "apply", "--check", str(PATCH))
    git(tmp_path, "apply", str(PATCH))
    assert list(digests(tmp_path)) == [ADDED]
    compile((tmp_path / ADDED).read_text(), ADDED, "exec")


@pytest.fixture(scope="module")
def patched(checkout, tmp_path_factory):
    """A copy of the checkout with the patch: (its root, the hashes of its files before)."""
    root = tmp_path_factory.mktemp("patched") / "OpenGait"
    ignored = shutil.ignore_patterns(".git", "__pycache__", "output", "assets", ADDED.rsplit("/", 1)[1])
    shutil.copytree(checkout, root, ignore=ignored)
    before = digests(root)
    git(root, "init", "-q")
    git(root, "apply", "--check", str(PATCH))
    git(root, "apply", str(PATCH))
    return root, before


def test_it_adds_exactly_one_file_which_opengait_imports_last(patched):
    """Whatever we register into is imported by then."""
    root, before = patched
    after = digests(root)
    assert len(before) > 50 and set(after) - set(before) == {ADDED}
    assert all(after[name] == value for name, value in before.items())
    names = [info.name for info in pkgutil.iter_modules([str(root / "opengait/modeling/models")])]
    assert len(names) > 5 and names[-1] == "zz_opengait_mimic"


STUBS = """
import importlib.abc, importlib.machinery, sys, types

class Missing(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    tops = set()  # packages that are not installed, and not needed by what this runs

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.split(".")[0] in self.tops else None

    def create_module(self, spec):
        class Stub(types.ModuleType):
            def __getattr__(self, name):
                if name.startswith("__"):
                    raise AttributeError(name)
                return type(name, (), {})
        return Stub(spec.name)

    def exec_module(self, module):
        pass

sys.meta_path.append(Missing())

def import_models():
    while True:
        try:
            import modeling.models
            return modeling.models
        except ModuleNotFoundError as error:
            top = error.name.split(".")[0]
            assert top not in Missing.tops | {"modeling", "data", "utils", "evaluation", "opengait_mimic"}, error
            Missing.tops.add(top)
"""

NO_GROUP = (
    STUBS
    + """
sys.path.insert(0, sys.argv[1] + "/opengait")
models = import_models()
import torch.distributed as dist
assert not dist.is_initialized()
from opengait_mimic.host import REGISTERED, current
for namespace, names in REGISTERED.items():
    for name, home in names.items():
        assert getattr(sys.modules[namespace], name).__module__ == home, name
assert str(current().root) == sys.argv[1]
"""
)


def test_importing_it_needs_no_process_group(patched, tmp_path):
    script(tmp_path, NO_GROUP, patched[0])


def test_our_launcher_takes_a_patched_checkout(patched, tmp_path):
    """Registering from the file and again at the end of bind is harmless."""
    text = "import sys\nfrom opengait_mimic import host as hosts\nfrom opengait_mimic.host import lookup\n"
    text += "hosts.bind(sys.argv[1], 'cpu', 'out')\n"
    text += "assert lookup('modeling.models', 'VEN', 'k').__module__ == 'opengait_mimic.models.ven'\n"
    said = script(tmp_path, text, patched[0])
    assert "zz_opengait_mimic" not in said


DRIVER = (
    STUBS
    + """
import os, runpy
from pathlib import Path
import torch

os.environ.update(RANK="0", WORLD_SIZE="1", LOCAL_RANK="0", MASTER_ADDR="127.0.0.1", MASTER_PORT="0")
start = torch.distributed.init_process_group
torch.distributed.init_process_group = lambda backend, **named: start("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
torch.cuda.device_count = lambda: 1
root = Path.cwd()
sys.path.insert(0, str(root / "opengait"))
import_models()
import evaluation.evaluator, data.sampler, utils.common
from opengait_mimic.host import bound_host
from opengait_mimic.host.adapt import adapt_host
bound_host.state.update(device=torch.device("cpu"), output=root / "output")
adapt_host("opengait")
sys.argv[0] = str(root / "opengait" / "main.py")
runpy.run_path(sys.argv[0], run_name="__main__")
"""
)


@pytest.fixture(scope="module")
def ran(patched, trained, output, tmp_path_factory):
    """What main.py printed: MimicGait trained for two steps and tested, with the teacher and the VEN found by ``auto``."""
    root, _ = patched
    shutil.copytree(output / "walkers", root / "output" / "walkers", ignore=shutil.ignore_patterns("summary", "logs", "MimicGait"))
    folder = root / "configs" / "mimicgait"
    shutil.copytree(trained.files["MimicGait"].parent, folder)
    file = folder / trained.files["MimicGait"].name
    cfgs = yaml.safe_load(file.read_text())
    cfgs["trainer_cfg"].update(total_iter=2, save_iter=2, log_iter=1)
    for block in ("backbone", "teacher", "ven"):
        cfgs["model_cfg"][block]["cfgs"] = f"configs/mimicgait/{Path(cfgs['model_cfg'][block]['cfgs']).name}"
    file.write_text(yaml.safe_dump(cfgs))
    driver = tmp_path_factory.mktemp("driver") / "driver.py"
    driver.write_text(DRIVER)
    words = [driver, "--cfgs", file.relative_to(root), "--phase"]
    return good(*words, "train", cwd=root), good(*words, "test", "--iter", "2", cwd=root), root


def test_main_trains_and_tests_our_model(ran):
    trained, tested, root = ran
    assert "Iteration 00001, " in trained and "Iteration 00002, " in trained and "mickd" in trained
    assert (root / "output/walkers/MimicGait/MimicGait-seed0/checkpoints/MimicGait-seed0-00002.pt").is_file()
    assert "model_cfg.teacher.checkpoint: " in trained and "model_cfg.ven.checkpoint: " in trained
    assert "walkers, euc, " in tested and "Rank-1 " in tested


def test_main_and_our_launcher_agree(ran, trained, tmp_path):
    """The checkpoint main.py wrote gives the Rank-1 it printed in our launcher, on whichever host is bound here."""
    from opengait_mimic.training.launch import launch

    _, said, root = ran
    weights = root / "output/walkers/MimicGait/MimicGait-seed0/checkpoints/MimicGait-seed0-00002.pt"
    file = root / "configs/mimicgait" / trained.files["MimicGait"].name
    cfgs = yaml.safe_load(file.read_text())
    cfgs["evaluator_cfg"]["restore_hint"] = str(weights)
    for block in ("backbone", "teacher", "ven"):
        cfgs["model_cfg"][block]["cfgs"] = str(root / cfgs["model_cfg"][block]["cfgs"])
    (tmp_path / "mimicgait.yaml").write_text(yaml.safe_dump(cfgs))
    result = launch(tmp_path / "mimicgait.yaml", "test", quiet=True)
    assert f"{result['scalar/test_accuracy/Rank-1']:.2f}" == rank1(said)
