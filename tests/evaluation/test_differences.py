"""``compare``: what it names for each departure, in which order, what it says of what it cannot know, and its exit codes."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
import yaml

from opengait_mimic.base import checkpoint_file
from opengait_mimic.evaluation.difference_table import format_table
from opengait_mimic.evaluation.differences import RECIPE, REST, compare, read_side
from opengait_mimic.host import CONFIGS
from opengait_mimic.training.recipe import read_yaml_recipe

MACHINE = ("precision", "processes", "versions")


@pytest.fixture(scope="module")
def own(trained):
    """The mimic's checkpoint."""
    return next(trained.kept.rglob("MimicGait-seed0-00003.pt"))


@pytest.fixture
def run(host_spec, output, capsys):
    """``opengait-mimic compare``: its exit code and what it printed."""

    def called(*sides):
        from opengait_mimic.cli import main

        capsys.readouterr()
        status = main(["compare", *map(str, sides), "--host", host_spec, "--output", str(output)])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return called


def edited(folder, file, **blocks):
    """A configuration with some values replaced, next to the ones that it names."""
    cfgs = yaml.safe_load(file.read_text())
    for block, values in blocks.items():
        for key, value in values.items():
            *path, last = key.split("__")
            place = cfgs[block]
            for step in path:
                place = place[step]
            place[last] = value
    made = file.with_name(f"edited-{folder.name}.yaml")
    made.write_text(yaml.safe_dump(cfgs, sort_keys=False))
    return made


def side(place):
    return read_side(str(place), read_yaml_recipe)


def edited_copy(folder, own, edit):
    """The copy for people of a checkpoint's record, with an edit: another run."""
    content = json.loads(own.with_suffix(".run.json").read_text())
    edit(content)
    file = folder / "x.run.json"
    file.write_text(json.dumps(content))
    return file


EDITS = [  # what a user changes -> what is named
    ({"optimizer_cfg": {"lr": 0.001}}, [("optimiser", "lr")]),
    ({"optimizer_cfg": {"solver": "SGD"}}, [("optimiser", "solver")]),
    ({"scheduler_cfg": {"milestones": [1]}}, [("steps", "drops of the rate passed"), ("schedule", "milestones")]),
    ({"trainer_cfg": {"sampler__batch_size": [4, 4]}}, [("batch", "P x K")]),
    ({"trainer_cfg": {"sampler__frames_num_fixed": 8}}, [("sampler", "frames_num_fixed")]),
    ({"trainer_cfg": {"occlusion__hidden": [0.4, 0.5]}}, [("occlusion", "hidden")]),
    ({"trainer_cfg": {"transform": [{"type": "BaseSilCuttingTransform"}]}}, [("transforms", "RandomHorizontalFlip")]),
    ({"trainer_cfg": {"seed": 1}}, [("training", "seed")]),
    ({"trainer_cfg": {"total_iter": 6}, "evaluator_cfg": {"restore_hint": 6}}, [("steps", "done")]),
    ({"model_cfg": {"ven": None}}, [("depends", "ven")]),
    ({"model_cfg": {"init_mimic": False}}, [("model", "init_mimic")]),
    ({"evaluator_cfg": {"metric": "cos"}}, [("test", "metric")]),
    ({"evaluator_cfg": {"occlusion__seed": 4}}, [("test", "occlusion.seed")]),
    # defaults that are written out, and keys that change no weight
    ({"trainer_cfg": {"occlusion__time_axis": 100, "occlusion__speed": [0.5, 1.0]}}, []),
    ({"model_cfg": {"reference_compat": {"rank": "fused"}}}, []),
    ({"trainer_cfg": {"log_iter": 2}, "data_cfg": {"num_workers": 2}}, []),
]


@pytest.mark.parametrize(("edit", "expected"), EDITS, ids=[str(edit) for edit, _ in EDITS])
def test_a_departure_is_named_and_nothing_else(trained, tmp_path, edit, expected):
    file = trained.files["MimicGait"]
    found = compare(side(file), side(edited(tmp_path, file, **edit)))
    assert [(each.group, each.key) for each in found if each.departure] == expected


def test_a_change_on_the_way_is_a_departure(own, tmp_path):
    start = {"iteration": 2, "batch": 2, "processes": 2, "date": "", "changed": ["optimizer_cfg.lr: 0.1 -> 0.01"]}
    other = side(edited_copy(tmp_path, own, lambda content: content["starts"].append(start)))
    (found,) = compare(side(own), other)
    assert found.departure and (found.key, found.b) == ("changed on the way", ["at 2: optimizer_cfg.lr: 0.1 -> 0.01"])
    start["changed"] = []  # stopped and resumed: the same training
    assert compare(side(own), side(edited_copy(tmp_path, own, lambda content: content["starts"].append(start)))) == []


def test_the_machine_is_named_and_is_no_departure(run, own, tmp_path):
    def edit(content):
        content.update(processes=4, precision="bfloat16")
        content["versions"]["torch"], content["plugin"]["commit"] = "0", "0000000"

    status, printed = run(own, edited_copy(tmp_path, own, edit))
    assert status == 0 and "not part of the recipe:" in printed and "departures" not in printed
    for word in ("bfloat16", "processes", "torch", "plugin commit"):
        assert word in printed


def test_groups_stand_in_the_order_of_their_weight(own):
    other = side(CONFIGS / "mimicgait/mimicgait_gaitbase_gait3d.yaml")
    order = [*RECIPE, *REST]
    found = [order.index(each.group) for each in compare(side(own), other)]
    assert found == sorted(found) and set(side(own).facts) == set(order) and set(order) - set(other.facts) == set(MACHINE)


def test_the_table_fits_the_page_and_the_order_of_sides_does_not_matter(own):
    a, b = side(own), side(CONFIGS / "mimicgait/mimicgait_gaitgl_grew.yaml")
    text = format_table(compare(a, b), a._replace(file="a"), b._replace(file="b"), 80)
    assert max(map(len, text.splitlines())) <= 80 and text.isascii()
    forth, back = ({(each.group, each.key) for each in found} for found in (compare(a, b), compare(b, a)))
    assert forth == back


def test_a_run_against_its_own_recipe(run, own, trained):
    status, printed = run(own.parents[1], trained.files["MimicGait"])
    assert status == 0 and printed.endswith("No departure from the recipe in anything that both sides say.\n")
    assert run(own, own.with_suffix(".run.json"))[0] == 0


def test_a_run_against_a_shipped_recipe_without_its_data(run, own):
    status, printed = run(own, CONFIGS / "mimicgait/mimicgait_gaitbase_gait3d.yaml")
    assert status == 1 and "[8, 4]" in printed and "[32, 4]" in printed
    assert "data.clips" in printed.partition("not known of B: ")[2]


@pytest.mark.slow
def test_results_are_compared_by_their_trainings_and_their_tests(run, command, trained, own, tmp_path):
    for words in (("--out", tmp_path / "one"), ("--json", tmp_path / "two.json", "--seeds", "0-1")):
        assert command(trained.files["MimicGait"], *words) == 0
    status, printed = run(tmp_path / "one", tmp_path / "two.json")
    assert status == 1 and "[0]" in printed and "[0, 1]" in printed and printed.rstrip().endswith("from the recipe: test.")
    assert run(tmp_path / "one", tmp_path / "one")[0] == 0


def test_what_cannot_be_read_is_a_usage_error(run, own, tmp_path):
    moved = shutil.copy(own, tmp_path / "x.pt")
    assert run(moved, own)[0] == 0, "the record is in the file"
    found = torch.load(moved, weights_only=True)
    del found[checkpoint_file.ENTRY]
    torch.save(found, moved)
    (tmp_path / "empty").mkdir()
    for name, text in (("a.json", "[1]"), ("b.json", "{}"), ("c.txt", ""), ("e.yaml", "model_cfg: [")):
        (tmp_path / name).write_text(text)
    for place, message in (
        (moved, "no record of this version"), ("no.pt", "no such file or folder; compare takes a checkpoint (.pt), "),
        (tmp_path / "empty", "holds no checkpoint and no result"), (tmp_path / "a.json", "no record of this version"),
        (tmp_path / "b.json", "no record of this version"), (tmp_path / "c.txt", "compare takes"), (tmp_path / "e.yaml", "cannot read"),
    ):  # fmt: skip
        status, printed = run(place, own)
        assert status == 2 and printed.startswith("error: ") and message in printed


def test_a_result_of_a_file_without_a_record_says_so(run, command, trained, own, tmp_path):
    assert command(trained.files["MimicGait"], "--json", tmp_path / "one.json") == 0
    content = json.loads((tmp_path / "one.json").read_text())
    content["provenance"]["training"] = None
    (tmp_path / "one.json").write_text(json.dumps(content))
    status, printed = run(tmp_path / "one.json", own)
    assert status == 1 and "result of weights whose training is not known" in printed
    assert "What decides the weights of A is not known." in " ".join(printed.split())
