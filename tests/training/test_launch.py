"""The launcher: from any folder, in one process and in two; what it settles and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from opengait_mimic.base.errors import ConfigError, HostError
from opengait_mimic.cli.launcher import main
from opengait_mimic.host import CONFIGS
from opengait_mimic.models.prepare import model_class, prepare, restorable
from opengait_mimic.training.launch import build, launch, start_log, try_out
from tests.host_runs import good, python, rank1, script, two_processes
from tests.variants import variant

TEACHER = "GaitBase (teacher)"
SHIPPED = sorted(CONFIGS.rglob("*.yaml"))


def test_a_training_starts_with_an_empty_log(files):
    """What the last training of this process had not printed yet is not averaged into this one's first line."""
    from utils import get_msg_mgr

    get_msg_mgr().append({"scalar/left/over": torch.ones(64)})
    start_log(prepare(files["MimicGait"], "train"), True, False, quiet=True)
    assert not get_msg_mgr().info_dict


def checkpoint(output, model, name, iteration=3):
    return output / f"walkers/{model}/{name}/checkpoints/{name}-{iteration:05d}.pt"


def embeddings(file, weights):
    """What this process gets from a checkpoint, in the order of the data set."""
    cfgs = prepare(file, "test")
    cfgs["evaluator_cfg"]["restore_hint"] = str(weights)
    start_log(cfgs, False, False, quiet=True)
    model = build(cfgs, False)
    with torch.no_grad():
        return model.inference(0)["embeddings"]


# ---------------------------------------------------------------- the command


@pytest.mark.slow
def test_train_and_test_from_any_folder(host_spec, files, tmp_path):
    """Only --output is written to; a test finds what training wrote."""
    here, out = tmp_path / "here", tmp_path / "out"
    here.mkdir()
    words = ["-m", "opengait_mimic", "--cfgs", files[TEACHER], "--device", "cpu", "--host", host_spec, "--output", out]
    said = good(*words, "--phase", "train", "--log_to_file", cwd=here)
    assert "[INFO]: host: " in said and "device cpu" in said
    assert "Iteration 00003, " in said
    assert "evaluator_cfg.sampler.batch_size" not in said, "one process, batch 1: nothing to change"
    weights = checkpoint(out, "Baseline", "GaitBase-seed0")
    assert torch.load(weights, weights_only=True)["iteration"] == 3
    logs = list((weights.parents[1] / "logs").glob("*.txt"))
    assert len(logs) == 1 and "Iteration 00003, " in logs[0].read_text()

    said = good(*words, "--phase", "test", "--iter", "3", cwd=here)
    assert 0 <= float(rank1(said)) <= 100
    assert list(here.iterdir()) == []
    assert "Traceback" not in said and "terminate called" not in said


@pytest.mark.slow
def test_the_default_output_is_below_the_working_folder(host_spec, files, tmp_path):
    file = variant(files[TEACHER], tmp_path, trainer_cfg__total_iter=1, trainer_cfg__save_iter=1)
    good("-m", "opengait_mimic", "--cfgs", file.name, "--device", "cpu", "--host", host_spec, cwd=tmp_path)
    assert checkpoint(tmp_path / "output", "Baseline", "GaitBase-seed0", 1).is_file()


def test_a_mistake_ends_with_its_message_alone(host_spec, tmp_path):
    done = python("-m", "opengait_mimic", "--cfgs", "nowhere.yaml", "--host", host_spec, cwd=tmp_path)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: --cfgs: nowhere.yaml not found; tried ") and "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [[], ["--cfgs", "x.yaml", "--phase", "both"], ["--cfgs", "x.yaml", "--device", "tpu"]])
def test_wrong_words_are_refused(words):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2


# ---------------------------------------------------------------- two processes


@pytest.fixture(scope="module")
def twins(host_spec, trained, output, tmp_path_factory):
    """Two gloo processes: the teacher trained and tested by the command, then MimicGait."""
    folder = tmp_path_factory.mktemp("twins")
    out = folder / "out"
    steps = {"trainer_cfg__total_iter": 2, "trainer_cfg__save_iter": 2, "trainer_cfg__log_iter": 1, "evaluator_cfg__restore_hint": 2}
    teacher = variant(trained.files[TEACHER], folder, **steps)
    mimic = variant(trained.files["MimicGait"], folder, **steps,
                    model_cfg__teacher__checkpoint=str(checkpoint(output, "Baseline", "GaitBase-seed0")),
                    model_cfg__ven__checkpoint=str(checkpoint(output, "VEN", "VEN-seed0")))  # fmt: skip

    def run(file, phase):
        words = ["-m", "opengait_mimic", "--cfgs", file, "--phase", phase, "--device", "cpu", "--host", host_spec, "--output", out]
        return good(*two_processes(), *words, cwd=folder)

    said = {("teacher", "train"): run(teacher, "train"), ("teacher", "test"): run(teacher, "test"), ("mimic", "train"): run(mimic, "train")}
    return {"teacher": teacher, "mimic": mimic, "out": out, "folder": folder, **said}


@pytest.mark.slow
def test_two_processes_train(twins):
    assert "Iteration 00002, " in twins["teacher", "train"]
    assert "Iteration 00002, " in twins["mimic", "train"]
    for model, name in (("Baseline", "GaitBase-seed0"), ("MimicGait", "MimicGait-seed0")):
        state = torch.load(checkpoint(twins["out"], model, name, 2), weights_only=True)
        assert state["iteration"] == 2
        assert not any(key.startswith("module.") for key in state["model"])


@pytest.mark.slow
def test_the_test_batch_follows_the_world_size(twins):
    assert yaml.safe_load(twins["teacher"].read_text())["evaluator_cfg"]["sampler"]["batch_size"] == 1
    assert "evaluator_cfg.sampler.batch_size 1 -> 2, the number of processes" in twins["teacher", "test"]


@pytest.mark.slow
def test_one_process_finds_the_same_rank1(twins, tmp_path):
    weights = checkpoint(twins["out"], "Baseline", "GaitBase-seed0", 2)
    result = launch(variant(twins["teacher"], tmp_path, evaluator_cfg__restore_hint=str(weights)), "test", quiet=True)
    assert f"{result['scalar/test_accuracy/Rank-1']:.2f}" == rank1(twins["teacher", "test"])


EMBED = """
import sys
import numpy as np, torch
from opengait_mimic import host as hosts
from opengait_mimic.training.launch import build, start_log
from opengait_mimic.models.prepare import prepare
from opengait_mimic.base.processes import rank_and_world
hosts.bind(sys.argv[1], "cpu", sys.argv[4])
cfgs = prepare(sys.argv[2], "test")
start_log(cfgs, False, False, quiet=True)
model = build(cfgs, False)
rank, world = rank_and_world()
assert world == 2
with torch.no_grad():
    found = model.inference(rank)["embeddings"]
np.save(f"{sys.argv[3]}/rank{rank}.npy", found)
hosts.leave()
"""


@pytest.mark.slow
def test_two_processes_give_the_embeddings_of_one(twins, host_spec, tmp_path):
    """MimicGait's test hides every clip, so the draws must be the same as well."""
    (tmp_path / "embed.py").write_text(EMBED)
    good(*two_processes(), tmp_path / "embed.py", host_spec, twins["mimic"], tmp_path, twins["out"], cwd=tmp_path)
    zero, one = (np.load(tmp_path / f"rank{rank}.npy") for rank in range(2))
    assert np.array_equal(zero, one)
    alone = embeddings(twins["mimic"], checkpoint(twins["out"], "MimicGait", "MimicGait-seed0", 2))
    assert alone.shape == zero.shape and np.abs(alone).max() > 0.01
    np.testing.assert_allclose(zero, alone, rtol=0, atol=1e-5)


# ---------------------------------------------------------------- what prepare and build freeze_ungraded_parameters


@pytest.mark.parametrize("phase", ["train", "test"])
def test_iter_sets_what_is_restored(files, phase):
    cfgs = prepare(files[TEACHER], phase, 2)
    found = {engine: cfgs[f"{engine}_cfg"]["restore_hint"] for engine in ("trainer", "evaluator")}
    assert found == ({"trainer": 2, "evaluator": 3} if phase == "train" else {"trainer": 0, "evaluator": 2})


def test_data_that_is_not_there_is_named_with_the_places_tried(files, tmp_path):
    file = variant(files[TEACHER], tmp_path, data_cfg__dataset_root="no/such/tree")
    with pytest.raises(HostError, match=r"data_cfg\.dataset_root: no/such/tree not found; tried") as caught:
        prepare(file, "train")
    assert str(tmp_path) in str(caught.value) and str(Path.cwd()) in str(caught.value)


def test_data_may_lie_beside_the_configuration(files, tmp_path):
    given = yaml.safe_load(files[TEACHER].read_text())["data_cfg"]
    (tmp_path / "tree").symlink_to(given["dataset_root"])
    (tmp_path / "parts.json").write_text(Path(given["dataset_partition"]).read_text())
    file = variant(files[TEACHER], tmp_path, data_cfg__dataset_root="tree", data_cfg__dataset_partition="parts.json")
    cfgs = prepare(file, "train")
    assert cfgs["data_cfg"]["dataset_root"] == str(tmp_path / "tree")


@pytest.mark.parametrize(
    ("text", "message"), [("- a\n- b\n", "not a configuration"), ("a: [b\n", "cannot read"), ("", "not a configuration")]
)
def test_a_file_that_is_no_configuration(host, tmp_path, text, message):
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(HostError, match=message):
        prepare(tmp_path / "bad.yaml", "train")


@pytest.mark.parametrize("hint", [7, "other.pt"])
def test_a_checkpoint_that_is_not_there_is_named_with_those_that_are(trained, tmp_path, hint):
    cfgs = prepare(variant(trained.files[TEACHER], tmp_path, evaluator_cfg__restore_hint=hint), "test")
    start_log(cfgs, False, False, quiet=True)
    with pytest.raises(HostError, match="GaitBase-seed0-00003.pt" if hint == 7 else "restore_hint: other.pt not found"):
        build(cfgs, False)


def test_a_test_needs_a_checkpoint(trained, tmp_path):
    with pytest.raises(HostError, match="give --iter K or a path"):
        launch(variant(trained.files[TEACHER], tmp_path, evaluator_cfg__restore_hint=0), "test", quiet=True)


def test_training_goes_on_from_iter(trained, tmp_path):
    file = variant(trained.files[TEACHER], tmp_path, trainer_cfg__total_iter=5, trainer_cfg__save_iter=5)
    seen = []
    model = launch(file, "train", 3, quiet=True, before=lambda model: seen.append(model.iteration))
    assert seen == [3] and model.iteration == 5


@pytest.mark.parametrize(
    ("total", "every", "told"),
    [(3, 2, "what is trained after iteration 2 is not saved"), (3, 4, "nothing is ever saved"), (4, 2, None)],
)
def test_steps_that_are_never_saved_are_told(trained, tmp_path, monkeypatch, total, every, told):
    from utils import get_msg_mgr

    said = []
    monkeypatch.setattr(get_msg_mgr(), "log_warning", said.append)
    file = variant(trained.files[TEACHER], tmp_path, trainer_cfg__total_iter=total, trainer_cfg__save_iter=every)

    def stop(model):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(file, "train", quiet=True, before=stop)
    assert [text for text in said if "not saved" in text or "ever saved" in text] == (
        [f"trainer_cfg.save_iter = {every}, total_iter = {total}: {told}; choose a save_iter that divides total_iter"] if told else []
    )


def test_the_seed_decides_the_start(trained, tmp_path):
    """Equal seeds, equal weights; another seed, others."""

    def weights(seed, name):
        cfgs = prepare(variant(trained.files[TEACHER], tmp_path, trainer_cfg__seed=seed, trainer_cfg__save_name=name), "train")
        start_log(cfgs, True, False, quiet=True)
        return next(build(cfgs, True).parameters()).detach().clone()

    first, again, other = weights(5, "a"), weights(5, "b"), weights(6, "c")
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize(("stage", "seed"), [("VEN", -1), ("Baseline-2", "0"), ("MimicGait", 0.5), (TEACHER, 0.5)])
def test_a_seed_that_is_none_is_refused(trained, tmp_path, stage, seed):
    with pytest.raises(ConfigError, match=r"trainer_cfg\.seed = .*; expected a whole number"):
        launch(variant(trained.files[stage], tmp_path, trainer_cfg__seed=seed), "train", quiet=True)


# ---------------------------------------------------------------- the shipped configurations


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_misspelt_key_of_ours_in_a_shipped_configuration_stops_it(host, tree, file, tmp_path):
    given = yaml.safe_load(file.read_text())
    given["data_cfg"].update(dataset_root=str(tree.root), dataset_partition=str(tree.partition))
    if given["model_cfg"]["model"] not in ("MimicGait", "VEN", "Baseline2"):
        given["model_cfg"]["model"] += "x"
    else:
        given["model_cfg"]["geometri"] = [64, 44]
    given["evaluator_cfg"]["eval_func"] = "evaluate_walkers"
    (tmp_path / file.name).write_text(yaml.safe_dump(given))

    def run():
        cfgs = prepare(tmp_path / file.name, "test")
        start_log(cfgs, False, False, quiet=True)
        cfgs["evaluator_cfg"]["restore_hint"] = 0
        model_class(cfgs)(cfgs, False)

    with pytest.raises((ConfigError, HostError), match="did you mean"):
        run()


def test_the_module_has_no_host_until_it_is_asked(tmp_path):
    script(
        tmp_path, "import opengait_mimic.training.launch, sys\nassert not {'modeling', 'data', 'utils', 'evaluation'} & set(sys.modules)\n"
    )


@pytest.mark.parametrize("words", [("train",), ("test",), ("preflight",)], ids=" ".join)
def test_an_iteration_that_is_not_there_is_told_by_the_flag(trained, words):
    """The YAML, which has a restore_hint of its own, is not blamed."""
    with pytest.raises(HostError) as told:
        try_out(trained.files["VEN"], 7) if words == ("preflight",) else launch(trained.files["VEN"], *words, 7, quiet=True)
    assert "--iter 7: " in str(told.value) and "does not exist; there are VEN-seed0-00003.pt" in str(told.value)
    assert "restore_hint" not in str(told.value)


def test_several_checkpoints_are_gaitedges_own_affair():
    """Its phase 2 starts from a list, which OpenGait's file names allow and we do not read."""
    cfgs = {"trainer_cfg": {"restore_hint": ["Segmentation-25000.pt", "GaitGL-80000.pt"], "save_name": "x"}}
    with pytest.raises(HostError, match=r"trainer_cfg\.restore_hint = \['Segm.*several checkpoints.*name one"):
        restorable(cfgs, True)
