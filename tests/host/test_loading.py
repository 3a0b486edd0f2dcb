"""Importing a host: one per process, its own modules only, and what a missing package does."""

from __future__ import annotations

import shutil

import pytest

from opengait_mimic import host as hosts
from opengait_mimic.base.errors import HostError
from opengait_mimic.host.find import MARKERS
from tests.host_runs import python, script

BIND = """
import sys
from pathlib import Path
from opengait_mimic import host as hosts
from opengait_mimic.cli.console import log_to_console
from opengait_mimic.training.launch import launch
log_to_console()

def bind(name, root, output):
    if name == "embedded":
        sys.modules["opengait_mimic.host.find"].EMBEDDED = Path(root)  # a copy takes its place
    return hosts.bind("embedded" if name == "embedded" else root, "cpu", output)
"""


@pytest.fixture()
def copied(host, tmp_path):
    """A copy of the host to damage: (its root, the folder of its modules)."""
    root = tmp_path / "copy"
    ignored = shutil.ignore_patterns(".git", "__pycache__", "output", "assets", "docs")
    shutil.copytree(host.root, root, ignore=ignored)
    return root, root / host.source.relative_to(host.root)


def test_one_host_a_process(host, tmp_path):
    for marker in MARKERS:
        (tmp_path / marker).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / marker).touch()
    for spec in (tmp_path, *(["embedded"] if host.name != "embedded" else [])):
        with pytest.raises(HostError, match="needs a process of its own"):
            hosts.bind(spec, "cpu")
    assert hosts.current() == host


def test_binding_again_changes_device_and_output_only(host, output, tmp_path):
    try:
        assert hosts.bind(None, "cpu", tmp_path) == host
        assert hosts.output() == tmp_path
    finally:
        hosts.bind(None, "cpu", output)
    assert hosts.output() == output and hosts.device().type == "cpu"


@pytest.mark.slow
def test_a_package_of_the_hosts_name_that_is_imported_already(host_spec, tmp_path):
    foreign = tmp_path / "foreign"
    (foreign / "utils").mkdir(parents=True)
    (foreign / "utils" / "__init__.py").write_text("")
    text = BIND + "sys.path.insert(0, sys.argv[1])\nimport utils\nhosts.bind(sys.argv[2], 'cpu', sys.argv[1])\n"
    (tmp_path / "script.py").write_text(text)
    done = python(tmp_path / "script.py", foreign, host_spec, cwd=tmp_path)
    said = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert "HostError: `utils` was imported from" in said and str(foreign / "utils" / "__init__.py") in said and "rename" in said


@pytest.mark.slow
def test_folders_of_the_hosts_names_in_the_working_folder_do_no_harm(host_spec, tmp_path):
    """The host goes first on the import path; a user's ``data/`` or ``utils.py`` is not in its way."""
    (tmp_path / "data").mkdir()
    (tmp_path / "utils.py").write_text("raise RuntimeError('not this one')\n")
    script(tmp_path, BIND + "sys.path.insert(0, '')\nhosts.bind(sys.argv[1], 'cpu', 'out')\n", host_spec)


@pytest.mark.slow
def test_a_model_file_without_its_package_is_left_out(host, copied, files, tmp_path):
    root, source = copied
    base, model = "from ..base_model import BaseModel\n", "class {}(BaseModel):\n    pass\n"
    needs = (
        base
        + model.format("Early")
        + "import logging\nlogging.getLogger('dino').warning('no weights here')\nimport a_package_nobody_has.part\n"
        + model.format("Late")
    )
    (source / "modeling" / "models" / "aa_needs.py").write_text(needs)
    (source / "modeling" / "models" / "bb_fine.py").write_text(base + model.format("Fine"))
    (source / "modeling" / "models" / "cc_fails.py").write_text("raise OSError('no weights here')\n")
    text = """
bind(*sys.argv[1:4])
import modeling.models as models
from opengait_mimic.host import lookup, HostError
from opengait_mimic.host.register import left_out
assert left_out["aa_needs.py"] == "needs a_package_nobody_has: pip install a_package_nobody_has", left_out
assert left_out["cc_fails.py"] == "fails: OSError('no weights here')", left_out
assert not hasattr(models, "Early") and not hasattr(models, "Late") and hasattr(models, "Fine")
try:
    lookup("modeling.models", "Late", "model_cfg.model")
except HostError as error:
    assert "Left out: " in str(error) and "aa_needs.py (needs a_package_nobody_has" in str(error), error
else:
    raise AssertionError
model = launch(sys.argv[4], "train")
assert model.iteration == 3 and Path(models.__file__).is_relative_to(sys.argv[2])
"""
    said = script(tmp_path, BIND + text, host.name, root, tmp_path / "out", files["GaitBase (teacher)"])
    assert "aa_needs" not in said and "cc_fails" not in said and "no weights here" not in said  # models that this training does not use


@pytest.mark.slow
def test_a_model_file_that_builds_on_one_left_out_is_left_out_too(host, copied, tmp_path):
    root, source = copied
    models = source / "modeling" / "models"
    (models / "aa_needs.py").write_text("import a_package_nobody_has\nclass Needs:\n    pass\n")
    (models / "bb_builds.py").write_text("from .aa_needs import Needs\nclass Builds(Needs):\n    pass\n")
    text = """
bind(*sys.argv[1:4])
import modeling.models as models
from opengait_mimic.host.register import left_out
assert {"aa_needs.py", "bb_builds.py"} <= set(left_out), left_out
assert hasattr(models, "Baseline") and hasattr(models, "MimicGait") and not hasattr(models, "Builds")
"""
    script(tmp_path, BIND + text, host.name, root, tmp_path / "out")


@pytest.mark.slow
def test_a_name_the_host_itself_lacks_is_not_hidden(host, copied, tmp_path):
    """A model file that does not fit its own host means a checkout that is not whole."""
    root, source = copied
    (source / "modeling" / "models" / "aa_broken.py").write_text("from utils import no_such_helper\n")
    (tmp_path / "script.py").write_text(BIND + "bind(*sys.argv[1:4])\n")
    done = python(tmp_path / "script.py", host.name, root, tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 1 and "no_such_helper" in done.stderr


def test_all_packages_that_the_host_needs_are_named_with_one_command(host, copied, tmp_path):
    root, source = copied
    common, metric = source / "utils" / "common.py", next((source / "evaluation").glob("e*.py"))
    common.write_text(common.read_text().replace("import inspect", "import a_package_nobody_has\nimport inspect", 1))
    metric.write_text(metric.read_text().replace("import numpy", "import numpy, sklearn.metrics\nimport numpy", 1))
    (tmp_path / "script.py").write_text(BIND + "sys.modules['sklearn'] = None\nbind(*sys.argv[1:4])\n")
    done = python(tmp_path / "script.py", host.name, root, tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].endswith(": pip install a_package_nobody_has scikit-learn"), done.stderr[-500:]


def test_an_incomplete_checkout_is_named(host, copied, tmp_path):
    root, source = copied
    shutil.rmtree(source / "evaluation")
    (tmp_path / "script.py").write_text(BIND + "bind(*sys.argv[1:4])\n")
    done = python(tmp_path / "script.py", host.name, root, tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 1
    assert f"HostError: {source} has no evaluation" in done.stderr and "complete?" in done.stderr
