"""``compare``: what it names for each departure, in which order, what it says of what it cannot know, and its exit codes."""

from __future__ import annotations

import copy
import json
import shutil

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from opengait_mimic.run_sheet import beside, of_checkpoint, recipe
from opengait_mimic.training.inputs import checkpoint_at

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.comparing import compare, table
from opengait_mimic.comparing.facts import RECIPE, REST, UNTOLD, facts
from opengait_mimic.comparing.show import _wrapped, verdict
from opengait_mimic.comparing.sides import read_side
from opengait_mimic.host import CONFIGS
from opengait_mimic.models.prepare import prepare

SETTINGS = settings(max_examples=60)
MIMIC = "mimicgait/mimicgait_gaitbase_walkers.yaml"


@pytest.fixture(scope="module")
def own(trained):
    """The mimic's checkpoint, and its sheet."""
    file = checkpoint_at(prepare(trained.files["MimicGait"], "train"), 3)
    return file, of_checkpoint(file)


@pytest.fixture
def run(host_spec, output, capsys):
    """``opengait-mimic compare``: its exit code and what it printed."""

    def called(*sides):
        from opengait_mimic.cli import main

        status = main(["compare", *map(str, sides), "--host", host_spec, "--output", str(output)])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return called


def edited(folder, file, **blocks):
    """A configuration with some values replaced, beside the ones that it names."""
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


def named(a: dict, b: dict) -> list[tuple[str, str]]:
    return [(each.group, each.key) for each in compare(a, b) if each.told]


# ---------------------------------------------------------------- what is named

EDITS = [  # what a user changes -> what is named
    ({"optimizer_cfg": {"lr": 0.001}}, [("optimiser", "lr")]),
    ({"optimizer_cfg": {"solver": "SGD"}}, [("optimiser", "solver")]),
    ({"scheduler_cfg": {"milestones": [1]}}, [("steps", "drops of the rate passed"), ("schedule", "milestones")]),
    ({"trainer_cfg": {"sampler__batch_size": [4, 4]}}, [("batch", "P x K")]),
    ({"trainer_cfg": {"sampler__batch_size": [16, 2]}}, [("batch", "P x K")]),
    ({"trainer_cfg": {"sampler__frames_num_fixed": 8}}, [("sampler", "frames_num_fixed")]),
    ({"trainer_cfg": {"occlusion__hidden": [0.4, 0.5]}}, [("occlusion", "hidden")]),
    ({"trainer_cfg": {"transform": [{"type": "BaseSilCuttingTransform"}]}}, [("transforms", "RandomHorizontalFlip")]),
    ({"trainer_cfg": {"seed": 1}}, [("processes", "seed")]),
    ({"trainer_cfg": {"total_iter": 6}, "evaluator_cfg": {"restore_hint": 6}}, [("steps", "done")]),
    ({"model_cfg": {"ven": None}}, [("ven", "")]),
    ({"model_cfg": {"init_mimic": False}}, [("model", "init_mimic")]),
    ({"evaluator_cfg": {"metric": "cos"}}, [("test", "metric")]),
    ({"evaluator_cfg": {"occlusion__seed": 4}}, [("test", "occlusion.seed")]),
    # spelled out defaults and keys without effect
    ({"trainer_cfg": {"occlusion__time_axis": 100, "occlusion__speed": [0.5, 1.0]}}, []),
    ({"model_cfg": {"reference_compat": {"rank": "fused"}}}, []),
    ({"trainer_cfg": {"log_iter": 2}, "data_cfg": {"num_workers": 2}}, []),
    ({"trainer_cfg": {"sampler__frames_num_min": 3}}, []),
    ({"optimizer_cfg": {"amsgrad": False, "eps": 1.0e-8}, "scheduler_cfg": {"last_epoch": -1}}, []),
    ({"optimizer_cfg": {"amsgrad": True}}, [("optimiser", "amsgrad")]),
]


@pytest.mark.parametrize(("edit", "wanted"), EDITS, ids=[str(edit) for edit, _ in EDITS])
def test_a_departure_is_named_and_nothing_else(trained, tmp_path, edit, wanted):
    file = trained.files["MimicGait"]
    found = named(recipe(file), recipe(edited(tmp_path, file, **edit)))
    assert [each for each in found if each[0] != "places"] == wanted


def test_another_preprocessing_of_the_same_clips_is_named(trained, tree, tmp_path):
    root = tmp_path / "again"
    shutil.copytree(tree.root, root)
    file = trained.files["MimicGait"]
    moved = edited(tmp_path, file, data_cfg={"dataset_root": str(root)})
    assert named(recipe(file), recipe(moved)) == [("places", "data_cfg.dataset_root")]
    for clip in root.glob("*/*/*/*.pkl"):
        clip.write_bytes(np.load(clip, allow_pickle=True)[:, :, 1:].dumps())
    clips = "clips (sample)"
    assert [each for each in named(recipe(file), recipe(moved)) if each[0] in ("data", "test")] == [("data", clips), ("test", clips)]


def test_a_teacher_that_was_trained_for_less_is_named_with_its_steps(own):
    other = copy.deepcopy(own[1])
    other["upstream"]["teacher"]["iteration"] = 1
    assert named(own[1], other) == []  # the same file, whatever else is said of it
    other["inputs"]["model_cfg"]["teacher"]["checkpoint"] = "sha256:1"
    assert named(own[1], other) == [
        *(("teacher", key) for key in ("weights", "training.steps.done", "training.steps.drops of the rate passed"))
    ]


def test_a_change_on_the_way_is_a_departure(own):
    other = copy.deepcopy(own[1])
    other["starts"].append({"iteration": 2, "batch": 2, "processes": 2, "date": "", "changed": ["optimizer_cfg.lr: 0.1 -> 0.01"]})
    departures = [each for each in compare(own[1], other) if each.departure]
    assert [(each.key, each.b) for each in departures] == [("changed on the way", ["at 2: optimizer_cfg.lr: 0.1 -> 0.01"])]
    other["starts"][-1]["changed"] = []  # stopped and resumed: the same training
    assert named(own[1], other) == [("processes", "starts")]
    other["starts"][-1]["changed"] = None
    assert [(each.group, each.key) for each in compare(own[1], other) if each.b is UNTOLD] == [("steps", "changed on the way")]


def leaves(tree, path=()):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) and tree else None
    if items is None or not tree:
        yield path
    else:
        for key, value in items:
            yield from leaves(value, (*path, key))


@SETTINGS
@given(data=st.data())
def test_any_one_value_that_decides_the_weights_is_one_departure(own, data):
    """Whatever leaf of the inputs is changed, its group is named, on both sides alike, and no other's."""
    sheet, other = own[1], copy.deepcopy(own[1])
    unread = {"frames_num_min", "frames_num_max", "host", "enable_float16", "seed", "batch_size", "type", "log_prefix", "sample_type"}
    paths = [path for path in leaves(sheet["inputs"]) if not unread & set(path)]
    *path, last = data.draw(st.sampled_from(paths))
    place = other["inputs"]
    for step in path:
        place = place[step]
    place[last] = "another"
    found = compare(sheet, other)
    groups = {
        "data_cfg": {"data"}, "model_cfg": {"model", "teacher", "ven"}, "loss_cfg": {"losses"}, "optimizer_cfg": {"optimiser"},
        "scheduler_cfg": {"schedule"}, "trainer_cfg": {"occlusion", "sampler", "transforms", "training"},
    }[(*path, last)[0]]  # fmt: skip
    departures = [each for each in found if each.departure and each.key != "drops of the rate passed"]
    assert len(departures) == 1 and departures[0].group in groups
    assert [(each.group, each.key, each.b, each.a) for each in found] == [tuple(each) for each in compare(other, sheet)]


def test_a_sheet_differs_in_nothing_from_itself_whatever_its_key_order(own):
    def turned(value):
        return {key: turned(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    assert compare(own[1], turned(own[1])) == []


def test_groups_stand_in_the_order_of_their_weight(own):
    other = recipe(CONFIGS / "mimicgait/mimicgait_gaitbase_gait3d.yaml")
    order = [*RECIPE, *REST]
    found = [order.index(each.group) for each in compare(own[1], other)]
    assert found == sorted(found) and set(facts(other)) == set(order)
    text = table(compare(own[1], other), ("a", ""), ("b", ""))
    marks = [
        text.index(f"\n{group}\n") for group in ("model", "batch", "steps", "optimiser", "teacher", "data", "test", "precision", "places")
    ]
    assert marks == sorted(marks) and text.index("departures from the recipe:") < marks[0] < text.index("besides the recipe:") < marks[-2]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_nothing_is_wider_than_the_page(own, width):
    text = table(compare(own[1], recipe(CONFIGS / "mimicgait/mimicgait_gaitgl_grew.yaml")), ("a", "A"), ("b", "B"), width)
    assert max(map(len, text.splitlines())) <= width and text.isascii()


# ---------------------------------------------------------------- the command


def test_a_run_against_its_own_recipe(run, own, trained):
    status, said = run(own[0].parents[1], trained.files["MimicGait"])
    assert status == 0 and said.endswith("No departure from the recipe in anything that both sides tell.\n")
    silent = " ".join(said.partition("not told by B: ")[2].split())
    assert "processes (processes, clips of each, threads, starts)" in silent
    assert run(own[0], beside(own[0]))[0] == 0


def test_a_run_against_a_shipped_recipe_without_its_data(run, own):
    status, said = run(own[0], CONFIGS / "mimicgait/mimicgait_gaitbase_gait3d.yaml")
    assert status == 1 and "8 x 4 = 32 clips" in said and "32 x 4 = 128 clips" in said
    assert "clips (sample)" in said.partition("not told by B")[2]


def test_a_run_that_was_stopped_halfway(run, own, trained, tmp_path):
    twice = edited(tmp_path, trained.files["MimicGait"], trainer_cfg={"total_iter": 6}, evaluator_cfg={"restore_hint": 6})
    status, said = run(own[0], twice)
    assert status == 1 and [line.split() for line in said.splitlines() if line.startswith("  done")] == [["done", "3", "6"]]
    assert "1 departure from the recipe: steps." in said


def test_results_are_compared_by_their_trainings_and_their_tests(run, command, trained, own, tmp_path):
    for name, words in (("one", ()), ("two", ("--seeds", "0-1"))):
        command(trained.files["MimicGait"], "--json", tmp_path / f"{name}.json", *words)
    status, said = run(tmp_path / "one.json", tmp_path / "two.json")
    assert status == 1 and "[0]" in said and "[0, 1]" in said and "1 difference in what decides the test: test." in said
    assert run(tmp_path / "one.json", own[0])[0] == 0
    (tmp_path / "one.run.json").unlink()
    status, said = run(tmp_path / "one.json", tmp_path / "two.json")
    assert status == 1 and "result of weights whose training is not known" in said
    status, said = run(tmp_path / "one.json", own[0])
    assert status == 1 and "what decides the weights is not told by A." in said


def test_what_cannot_be_read_is_a_usage_error(run, own, tmp_path):
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True)
    moved = shutil.copy(own[0], folder / "x.pt")
    assert run(moved, own[0])[0] == 2 and "nothing says what made it" in run(moved, own[0])[1]
    beside(folder / "x.pt").write_text(json.dumps({**own[1], "checkpoint": "sha256:0"}))
    status, said = run(tmp_path / "run", own[0])
    assert status == 2 and "x.run.json is the sheet of another file than x.pt" in said
    for place, told in (("no.pt", "no such file or folder; compare takes a checkpoint (.pt), "), (tmp_path, "holds no checkpoint, result")):
        status, said = run(place, own[0])
        assert status == 2 and said.startswith("error: ") and told in said
    for name, text, told in (
        ("a.json", "[1]", "not the JSON of a result"), ("b.json", "{}", "it has no provenance"), ("c.txt", "", "compare takes"),
        ("d.run.json", "{}", "not a run sheet"), ("e.yaml", "model_cfg: [", "cannot read"),
        ("f.yaml", "model_cfg: {model: MimicGate}\ntrainer_cfg: {seed: 0}", "MimicGate"),
    ):  # fmt: skip
        (tmp_path / name).write_text(text)
        status, said = run(tmp_path / name, own[0])
        assert status == 2 and told in said, said
    for name in ("one", "two"):
        beside(tmp_path / f"{name}.json").write_text(json.dumps(own[1]))
    (tmp_path / "d.run.json").unlink()
    assert "holds several results; name one: one.run.json, two.run.json" in run(tmp_path, own[0])[1]


def places(value, path=()):
    """The path of every key in mappings."""
    for key, each in value.items() if isinstance(value, dict) else ():
        yield (*path, key)
        yield from places(each, (*path, key))


def test_a_sheet_that_was_edited_is_refused_by_file_and_key(own, tmp_path):
    """Whatever key is cut out, or replaced by a number: a sheet that still serves, or an error."""
    file, refused = tmp_path / "x.run.json", {"cut": 0, "replaced": 0}
    for path in places(own[1]):
        for how in refused:
            sheet = copy.deepcopy(own[1])
            place = sheet
            for key in path[:-1]:
                place = place[key]
            place.pop(path[-1])
            if how == "replaced":
                place[path[-1]] = 7
            file.write_text(json.dumps(sheet))
            try:
                compare(read_side(file, recipe).sheet, own[1])
            except ConfigError as error:
                refused[how] += 1
                assert str(error).startswith(str(file))
    assert refused["cut"] > 10 and refused["replaced"] > 10
    del sheet["inputs"]["loss_cfg"]
    file.write_text(json.dumps(sheet))
    with pytest.raises(ConfigError, match="lacks the key 'loss_cfg'; was it edited"):
        read_side(file, recipe)


def test_two_runs_differ_and_do_not_depart(run, own, trained, tmp_path):
    """Neither side is a recipe; with a YAML there is one to depart from."""
    other = copy.deepcopy(own[1])
    other["inputs"]["optimizer_cfg"]["lr"] = 0.5
    sheet = tmp_path / "x.run.json"
    sheet.write_text(json.dumps(other))
    status, said = run(own[0], sheet)
    assert status == 1 and said.endswith("\n1 difference in what decides the weights: optimiser.\n")
    assert "\nwhat decides the weights:\n" in said and "recipe" not in said
    other["test"]["metric"], other["machine"]["processes"] = "cos", 7
    sheet.write_text(json.dumps(other))
    status, said = run(own[0], sheet)
    assert "2 differences in what decides the weights and the test: optimiser, test." in said and "\nbesides:\n" in said
    assert run(own[0], own[0])[1].endswith("No difference in what decides the weights in anything that both sides tell.\n")
    assert "departures from the recipe:" in run(sheet, trained.files["MimicGait"])[1]


@SETTINGS
@given(path=st.lists(st.text("ab-.", min_size=1, max_size=60), min_size=1, max_size=6).map("/".join), width=st.integers(20, 50))
def test_a_path_is_broken_after_slashes_alone(path, width):
    """Inside a name only where it is longer than the line."""
    lines = _wrapped(path, width)
    assert "".join(lines) == path and max(map(len, lines)) <= width
    at = 0
    for line in lines[:-1]:
        at += len(line)
        name = path[path.rfind("/", 0, at) + 1 :].split("/")[0]  # that the break is in
        assert line.endswith("/") or len(name) >= width, lines


def test_a_folder_written_in_two_ways_is_one_place(tree, trained, tmp_path, monkeypatch):
    file = trained.files["MimicGait"]
    monkeypatch.chdir(tree.root.parent)
    moved = edited(tmp_path, file, data_cfg={"dataset_root": f"../{tree.root.parent.name}/{tree.root.name}/"})
    assert named(recipe(file), recipe(moved)) == []
    away = recipe(edited(tmp_path, file, data_cfg={"dataset_root": "nowhere/walkers"}))
    assert ("places", "data_cfg.dataset_root") in named(recipe(file), away)


def test_a_result_without_a_sheet_names_those_that_have_one(run, own, tmp_path):
    (tmp_path / "results.json").write_text('{"rows": []}')
    under = tmp_path / "deep/er"
    under.mkdir(parents=True)
    for name in ("results.json", "one.json", "two.pt", "three.json"):
        (under / name).write_text("{}")
    for name in ("results.json", "one.json", "two.pt", "gone.pt"):
        beside(under / name).write_text("{}")
    status, said = run(tmp_path / "results.json", own[0])
    names = ", ".join(str(under / name) for name in ("one.json", "results.json", "two.pt"))
    assert status == 2 and said.endswith(f"it has no provenance. Name one that has a sheet: {names}\n")


def test_the_verdict_counts():
    assert verdict([]) == "No departure from the recipe in anything that both sides tell."
