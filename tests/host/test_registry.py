"""The table of what we add, and what is said of a name that does not exist."""

from __future__ import annotations

import importlib
import inspect
import sys

import pytest

from opengait_mimic.base.errors import HostError
from opengait_mimic.host import REGISTERED, lookup, register
from opengait_mimic.host.register import left_out
from opengait_mimic.models.prepare import prepare
from tests.host_runs import python
from tests.variants import variant

NAMES = [(namespace, name, home) for namespace, names in REGISTERED.items() for name, home in names.items()]


@pytest.mark.parametrize(("namespace", "name", "home"), NAMES)
def test_every_name_is_ours_and_where_the_host_looks(host, namespace, name, home):
    found = getattr(sys.modules[namespace], name)
    assert found is getattr(importlib.import_module(home), name)
    assert found.__module__ == home
    assert lookup(namespace, name, "key") is found


def test_twice_changes_nothing(host):
    before = {namespace: dict(vars(sys.modules[namespace])) for namespace in REGISTERED}
    register()
    for namespace, names in before.items():
        now = vars(sys.modules[namespace])
        assert set(now) == set(names) and all(now[name] is value for name, value in names.items())


@pytest.mark.parametrize(("namespace", "name", "home"), NAMES)
def test_a_hosts_own_object_is_never_replaced(host, monkeypatch, namespace, name, home):
    theirs = type(name, (), {"__module__": "modeling.models.theirs"})
    monkeypatch.setattr(sys.modules[namespace], name, theirs)
    wanted = rf"{namespace}\.{name} exists already, defined in modeling\.models\.theirs; ours comes from {home}"
    with pytest.raises(HostError, match=wanted):
        register()
    assert getattr(sys.modules[namespace], name) is theirs


def test_nothing_is_registered_before_a_host_is_imported(tmp_path):
    code = "import opengait_mimic, sys; assert not {'modeling', 'utils', 'data'} & set(sys.modules); opengait_mimic.register()"
    done = python("-c", code, cwd=tmp_path)
    assert done.returncode == 1 and "is not imported: bind a host first" in done.stderr


def test_a_misspelt_model_lists_what_there_is(host):
    with pytest.raises(HostError) as caught:
        lookup("modeling.models", "MimicGiat", "model_cfg.model")
    message = str(caught.value)
    assert message.startswith("model_cfg.model: 'MimicGiat' is not in modeling.models (did you mean 'MimicGait'?). Known: ")
    listed = message.split("Known: ")[1].split(".")[0].split(", ")
    assert {"Baseline", "Baseline2", "MimicGait", "VEN"} <= set(listed) and listed == sorted(listed)
    assert ("Left out: " in message) == bool(left_out)
    for file in left_out:
        assert file in message


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        *(("modeling.models", name) for name in (None, 3, ["Baseline"], "", "baseline")),
        ("modeling.losses", "triplet"),
        ("evaluation.evaluator", "np"),
    ],
)
def test_a_module_is_no_answer(host, namespace, name):
    """Submodules and imports stand in the namespace too; ``model: baseline`` is a misspelt ``Baseline``."""
    with pytest.raises(HostError, match=f"is not in {namespace}"):
        lookup(namespace, name, "key")


@pytest.mark.parametrize(
    "name", ["cuda_dist", "open", "re_ranking", "de_diag", "evaluate_rank", "mean_iou", "cross_view_gallery_evaluation"]
)
def test_only_evaluation_functions_are_offered(host, files, tmp_path, name):
    """The host's module has helpers as well. What is offered is called as (data, dataset)."""
    with pytest.raises(HostError, match=f"evaluator_cfg.eval_func: '{name}' is n") as error:
        lookup("evaluation.evaluator", name, "evaluator_cfg.eval_func")
    offered = str(error.value).partition("Known: ")[2].rstrip(".").split(", ")
    assert {"evaluate_indoor_dataset", "evaluate_Gait3D", "evaluate_walkers"} <= set(offered) and name not in offered
    for each in offered:
        inspect.signature(lookup("evaluation.evaluator", each, "")).bind({}, "CASIA-B")


def test_an_unknown_loss_does_not_matter_to_a_test(files, tmp_path):
    file = variant(files["GaitBase (teacher)"], tmp_path, loss_cfg__0__type="TripletLos")
    assert prepare(file, "test")["model_cfg"]["model"] == "Baseline"


def test_an_unknown_evaluator_matters_to_a_training_that_tests(files, tmp_path):
    change = {"evaluator_cfg__eval_func": "evaluate_walker"}
    assert prepare(variant(files["GaitBase (teacher)"], tmp_path, **change), "train")
    with pytest.raises(HostError, match="did you mean 'evaluate_walkers'"):
        prepare(variant(files["GaitBase (teacher)"], tmp_path, **change, trainer_cfg__with_test=True), "train")


def test_a_second_bind_keeps_the_output_folder(host, host_spec, output):
    """Or a command that only looks (``list``, ``check``) would move what later ones in the process read and write."""
    from opengait_mimic import host as hosts

    assert hosts.bind(host_spec, "cpu") == host
    assert hosts.output() == output.resolve()
