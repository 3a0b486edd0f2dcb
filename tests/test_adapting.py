"""``opengait-mimic adapt``: a trained model goes on with new kinds, once; what cannot be is refused in words. Runs on either host."""

from __future__ import annotations

import argparse
import json

import pytest
import torch
import yaml

from opengait_mimic import commands
from opengait_mimic import host as hosts
from opengait_mimic.config import ConfigError
from opengait_mimic.host import HostError
from opengait_mimic.inputs import checkpoint_at, save_folder
from opengait_mimic.launch import build, launch, start_log
from opengait_mimic.mixes import Change, mixed, read_kinds, read_range
from opengait_mimic.preparing import prepare
from opengait_mimic.trained import trained_kinds
from tests.host_runs import digests, good, two_processes
from tests.variants import variant

METHODS = ("Baseline-2", "OcclusionAware", "MimicGait")


def parsed(*words):
    """The command line, as `cli` reads it."""
    parser = argparse.ArgumentParser()
    commands.adapt(parser.add_subparsers())
    return parser.parse_args(["adapt", *map(str, words)])


def change(kinds, **more):
    return Change.of(parsed("--cfgs", "x", "--kinds", kinds, "--iters", 10, *(w for k, v in more.items() for w in (f"--{k}", v))))


# ---------------------------------------------------------------- the mix


@pytest.mark.parametrize("kinds", ["middle", "dynamic"])
def test_the_mix_is_that_of_the_shipped_configurations(kinds):
    shipped = {
        name: yaml.safe_load((hosts.CONFIGS / f"mimicgait/mimicgait_gaitbase_grew{name}.yaml").read_text()) for name in ("", f"_{kinds}")
    }
    old, new = (cfgs["trainer_cfg"]["occlusion"]["kinds"] for cfgs in shipped.values())
    assert mixed(old, change(kinds)) == pytest.approx(new)
    assert change(kinds).new == shipped[f"_{kinds}"]["evaluator_cfg"]["occlusion"]["kinds"]


def test_the_mix_by_hand():
    old = {"none": 0.2, "top": 0.6, "bottom": 0.2}
    assert mixed(old, change("pole", keep=0, none=0)) == {"pole": 1.0}
    assert mixed(old, change("pole", keep=1)) == pytest.approx(old)
    assert mixed(old, change("middle,top+bottom", keep=0.5, none=0.6)) == pytest.approx(
        {"none": 0.6, "middle": 0.1, "top": 0.05 + 0.15, "bottom": 0.05 + 0.05}
    )
    assert mixed({"none": 1.0}, change("middle", none=0.5)) == {"none": 0.5, "middle": 0.5}  # nothing to keep
    assert list(mixed(old, change("all"))) == ["none", "bottom", "top", "middle", "patch", "pole"]


def test_kinds_and_ranges_as_they_are_written():
    assert read_kinds("top:0.3,pole:0.7") == pytest.approx({"top": 0.3, "pole": 0.7})
    assert read_kinds("middle, dynamic") == {"middle": 0.5, "patch": 0.25, "pole": 0.25}
    assert read_kinds("middle:2,pole:6") == {"middle": 0.25, "pole": 0.75}
    assert read_range("40-60") == (0.4, 0.6) and read_range("12.5-30") == (0.125, 0.3) and read_range(None) is None
    assert change("top:0.3,pole").name == "top_0.3_pole" and change("middle", name="run2").name == "run2"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"kinds": "midle"}, r"--kinds midle: 'midle' unknown.*did you mean 'middle'.*top\+bottom, middle"),
        ({"kinds": "none"}, "--kinds none: 'none' unknown"),
        ({"kinds": "top,top:2"}, "'top' stands there twice"),
        ({"kinds": "top:half"}, "'half' is no number"),
        ({"kinds": "top:0"}, "--kinds top = 0.0; expected a number from 1e-06"),
        ({"hidden": "60-40"}, "--hidden 60-40: expected a range in percent from 1 to 95"),
        ({"hidden": "0.4-0.6"}, "--hidden 0.4-0.6: expected a range in percent"),
        ({"iters": 0}, "--iters = 0; expected a whole number of at least 1"),
        ({"none": 1}, "--none = 1.0; expected a number from 0 to 0.99"),
        ({"keep": -1}, "--keep = -1.0"),
        ({"lr": 0}, "--lr = 0.0"),
        ({"name": "a/b"}, "--name 'a/b'"),
    ],
)
def test_a_wrong_option_is_named(words, says):
    given = {"cfgs": "x", "kinds": "middle", "iters": 4, **words}
    with pytest.raises(ConfigError, match=says):
        Change.of(parsed(*(word for key, value in given.items() for word in (f"--{key}={value}",))))


# ---------------------------------------------------------------- a run


@pytest.fixture(scope="module")
def sources(trained, tmp_path_factory):
    """A trained model of every method: method -> YAML."""
    cfgs = yaml.safe_load(trained.files["MimicGait"].read_text())
    model = {"model": "OcclusionAware", "SeparateBNNecks": {"class_num": 8}}
    model.update({key: cfgs["model_cfg"][key] for key in ("geometry", "binarise")})
    for key in ("backbone", "ven"):
        model[key] = {"cfgs": str(trained.files["MimicGait"].parent / cfgs["model_cfg"][key]["cfgs"])}
    losses = [{"type": "TripletLoss", "log_prefix": "triplet", "margin": 0.2, "loss_term_weight": 1.0}]
    losses.append({"type": "CrossEntropyLoss", "log_prefix": "softmax", "scale": 16, "loss_term_weight": 1.0})
    changes = {f"{engine}_cfg__save_name": "aware" for engine in ("trainer", "evaluator")}
    aware = variant(trained.files["MimicGait"], tmp_path_factory.mktemp("aware"), model_cfg=model, loss_cfg=losses, **changes)
    launch(aware, "train", quiet=True)
    return {"OcclusionAware": aware, **{stage: trained.files[stage] for stage in ("Baseline-2", "MimicGait")}}


@pytest.fixture(scope="module")
def adapt(host, host_spec, output):
    from opengait_mimic.adapting import run_adapt

    def call(cfgs, *words):
        return run_adapt(parsed("--cfgs", cfgs, *words, "--host", host_spec, "--device", "cpu", "--output", output))

    yield call
    hosts.bind(host_spec, "cpu", output)


WORDS = ("--kinds", "middle", "--iters", 4, "--hidden", "20-30", "--lr", 0.003)


@pytest.fixture(scope="module")
def adapted(adapt, sources, tmp_path_factory):
    """Every method, adapted to the middle: method -> the derived YAML."""
    files = {}
    for method in METHODS:
        files[method] = tmp_path_factory.mktemp("derived") / "derived.yaml"
        assert adapt(sources[method], *WORDS, "--out", files[method]) == 0
    return files


def read(cfgs, iteration):
    return torch.load(checkpoint_at(cfgs, iteration), weights_only=True)["model"]


@pytest.mark.parametrize("method", METHODS)
def test_it_starts_from_the_trained_weights_and_moves_them(sources, adapted, method):
    base, cfgs = read(prepare(sources[method], "train"), 3), prepare(adapted[method], "train")
    start_log(cfgs, True, False, quiet=True)
    begin, end = build(cfgs, True).state_dict(), read(cfgs, 4)
    names = [name for name in base if torch.is_tensor(base[name])]
    assert names and all(torch.equal(begin[name], base[name]) for name in names)
    moved = {name.split(".")[0] for name in names if end[name].is_floating_point() and not torch.equal(end[name], base[name])}
    assert moved and "VEN" not in moved


@pytest.mark.parametrize("method", METHODS)
def test_the_checkpoint_names_the_kinds_of_both_trainings(sources, adapted, method):
    assert trained_kinds(prepare(sources[method], "test")) == ["none", "bottom", "top"]
    assert trained_kinds(prepare(adapted[method], "test")) == ["none", "bottom", "top", "middle"]


@pytest.mark.parametrize("method", METHODS)
def test_the_derived_configuration_is_the_sources_but_for_what_adapting_means(sources, adapted, method):
    own, made = (yaml.safe_load(file.read_text()) for file in (sources[method], adapted[method]))
    trainer, evaluator = made["trainer_cfg"], made["evaluator_cfg"]
    assert trainer["occlusion"]["kinds"] == {"none": 0.2, "bottom": 0.2, "top": 0.2, "middle": 0.4}
    assert evaluator["occlusion"] == {**own["evaluator_cfg"]["occlusion"], "kinds": {"middle": 1.0}, "hidden": [0.2, 0.3]}
    assert trainer["occlusion"]["hidden"] == [0.2, 0.3] and made["optimizer_cfg"] == {**own["optimizer_cfg"], "lr": 0.003}
    assert trainer["save_name"] == evaluator["save_name"] == f"{own['trainer_cfg']['save_name']}-middle"
    assert (trainer["total_iter"], trainer["save_iter"], evaluator["restore_hint"]) == (4, 1, 4)
    milestones = own["scheduler_cfg"]["milestones"]
    assert made["scheduler_cfg"]["milestones"] == [max(1, round(m * 4 / own["trainer_cfg"]["total_iter"])) for m in milestones]
    assert made["loss_cfg"] == own["loss_cfg"] and made["data_cfg"] == own["data_cfg"]
    for key in ("sampler", "transform", "seed", "with_test"):
        assert trainer[key] == own["trainer_cfg"][key]


def test_a_second_call_trains_nothing_and_a_stopped_one_goes_on(adapt, sources, adapted, capsys):
    cfgs = prepare(adapted["MimicGait"], "train")
    folder = save_folder(cfgs)
    before = digests(folder / "checkpoints")
    adapt(sources["MimicGait"], *WORDS, "--out", adapted["MimicGait"])
    said = capsys.readouterr().out
    assert "done before" in said and "trained on none, bottom, top\n" in said and "4 iterations on none 0.2, bottom 0.2" in said
    assert f"opengait-mimic evaluate --cfgs {adapted['MimicGait']}" in said
    assert digests(folder / "checkpoints") == before
    checkpoint_at(cfgs, 4).unlink()
    adapt(sources["MimicGait"], *WORDS, "--out", adapted["MimicGait"])
    assert "goes on from iteration 3 of 4" in capsys.readouterr().out
    assert trained_kinds(prepare(adapted["MimicGait"], "test")) == ["none", "bottom", "top", "middle"]
    assert json.loads((folder / "training.json").read_text())["trained_on"]["before"][0]["hidden"] == [0.4, 0.6]


def test_other_words_for_the_same_name_are_refused_and_retrained_when_asked(adapt, sources, adapted, capsys):
    words = ("--kinds", "middle", "--iters", 2, "--out", adapted["Baseline-2"])
    kept = adapted["Baseline-2"].read_text()
    with pytest.raises(ConfigError, match=r"derived.yaml exists and says something else: .*Choose another --name"):
        adapt(sources["Baseline-2"], *words)
    assert adapted["Baseline-2"].read_text() == kept
    try:
        assert adapt(sources["Baseline-2"], *words, "--retrain") == 0
        assert "what was there is now" in capsys.readouterr().out
    finally:
        adapted["Baseline-2"].write_text(kept)


def test_adapting_twice_keeps_every_kind(adapt, adapted, output, capsys):
    """The output folder is where the configuration goes by itself; a name of its own."""
    adapt(adapted["OcclusionAware"], "--kinds", "dynamic", "--iters", 1, "--none", 0, "--name", "moving")
    file = output / "walkers/adapt/OcclusionAware-aware-middle-moving.yaml"
    assert f"configuration: {file}" in capsys.readouterr().out
    cfgs = prepare(file, "test")
    assert trained_kinds(cfgs) == ["none", "bottom", "top", "middle", "patch", "pole"]
    assert cfgs["trainer_cfg"]["occlusion"]["kinds"] == {"bottom": 0.125, "top": 0.125, "middle": 0.25, "patch": 0.25, "pole": 0.25}


def test_what_cannot_be_adapted_is_refused(adapt, sources, trained, tmp_path):
    from opengait_mimic.models.subnetwork import CheckpointError

    for stage, says in (("VEN", "this is VEN. Train a VEN of more kinds"), ("GaitBase (teacher)", "this is Baseline. Baseline2 trains it")):
        with pytest.raises(ConfigError, match=says):
            adapt(trained.files[stage], *WORDS)
    with pytest.raises(CheckpointError, match="00007.pt, which does not exist"):
        adapt(sources["MimicGait"], *WORDS, "--iter", 7)
    with pytest.raises(HostError, match="--cfgs: .*nowhere.yaml not found"):
        adapt(tmp_path / "nowhere.yaml", *WORDS)
    with pytest.raises(ConfigError, match="this Baseline2 has no VEN"):
        adapt(sources["Baseline-2"], *WORDS, "--name", "x", "--ven", trained.files["VEN"])
    (tmp_path / "words.yaml").write_text("just words")
    with pytest.raises(ConfigError, match="words.yaml exists and says something else: it is no configuration"):
        adapt(sources["Baseline-2"], *WORDS, "--out", tmp_path / "words.yaml")


def test_another_ven_may_guide_it(adapt, sources, trained, tmp_path):
    from opengait_mimic.models.subnetwork import read_weights

    kinds = {"none": 0.4, "top": 0.2, "bottom": 0.2, "middle": 0.2}
    drawn = {f"{engine}_cfg__occlusion__kinds": kinds for engine in ("trainer", "evaluator")}
    names = {f"{engine}_cfg__save_name": "adapt-ven" for engine in ("trainer", "evaluator")}
    ven = variant(trained.files["VEN"], tmp_path, model_cfg__kinds=list(kinds), **drawn, **names)
    launch(ven, "train", quiet=True)
    adapt(sources["MimicGait"], "--kinds", "middle", "--iters", 1, "--ven", ven, "--name", "wider", "--out", tmp_path / "wider.yaml")
    state = read_weights(checkpoint_at(prepare(tmp_path / "wider.yaml", "train"), 1), "test")
    assert state["_extra_state"]["ven_kinds"] == ["none", "bottom", "top", "middle"]
    assert trained_kinds(prepare(tmp_path / "wider.yaml", "test")) == ["none", "bottom", "top", "middle"]


def test_two_processes_adapt_together(sources, output, host_spec, tmp_path):
    words = ("--kinds", "pole", "--iters", 2, "--out", tmp_path / "two.yaml", "--host", host_spec, "--device", "cpu", "--output", output)
    run = [*two_processes(), "-m", "opengait_mimic.cli", "adapt", "--cfgs", sources["Baseline-2"], *words]
    said = good(*run, cwd=tmp_path)
    assert "processes: 2" in said and said.count("weights: ") == 1
    cfgs = prepare(tmp_path / "two.yaml", "test")
    assert checkpoint_at(cfgs, 2).is_file() and trained_kinds(cfgs) == ["none", "bottom", "top", "pole"]
    assert "done before" in good(*run, cwd=tmp_path)
