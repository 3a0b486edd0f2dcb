"""The launcher: from any folder, in one process and in two; what it settles and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from opengait_mimic.base.errors import HostError
from opengait_mimic.host.run_paths import checkpoint_at
from opengait_mimic.models.prepare import prepare, restorable
from opengait_mimic.training.launch import build, launch, start_log, try_out
from tests.host_runs import good, python, rank1, script, two_processes
from tests.variants import variant

TEACHER = "GaitBase (teacher)"


def test_a_training_starts_with_an_empty_log(files):
    """What the last training of this process had not printed yet is not averaged into this one's first line."""
    from utils import get_msg_mgr

    get_msg_mgr().info_dict["scalar/left/over"] = [1.0]
    start_log(prepare(files["MimicGait"], "train"), True, False, quiet=True)
    assert not get_msg_mgr().info_dict


def checkpoint(output, model, name, iteration=3):
    return output / f"walkers/{model}/{name}/checkpoints/{name}-{iteration:05d}.pt"


# ---------------------------------------------------------------- the command


@pytest.mark.slow
def test_train_and_test_from_any_folder(host_spec, files, tmp_path):
    """Only --output is written to; a test finds what training wrote."""
    here, out = tmp_path / "here", tmp_path / "out"
    here.mkdir()
    words = ["-m", "opengait_mimic", "--cfgs", files[TEACHER], "--device", "cpu", "--host", host_spec, "--output", out]
    logged = good(*words, "--phase", "train", "--log_to_file", cwd=here)
    assert "[INFO]: host: " in logged and "device cpu" in logged
    assert "Iteration 00003, " in logged
    assert "evaluator_cfg.sampler.batch_size" not in logged, "one process, batch 1: nothing to change"
    weights = checkpoint(out, "Baseline", "GaitBase-seed0")
    assert torch.load(weights, weights_only=True)["iteration"] == 3
    logs = list((weights.parents[1] / "logs").glob("*.txt"))
    assert len(logs) == 1 and "Iteration 00003, " in logs[0].read_text()

    logged = good(*words, "--phase", "test", "--iter", "3", cwd=here)
    assert 0 <= float(rank1(logged)) <= 100
    assert list(here.iterdir()) == []
    assert "Traceback" not in logged and "terminate called" not in logged


@pytest.mark.slow
def test_a_mistake_ends_with_its_message_alone(host_spec, tmp_path):
    done = python("-m", "opengait_mimic", "--cfgs", "nowhere.yaml", "--host", host_spec, cwd=tmp_path)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: --cfgs: nowhere.yaml not found; tried ") and "Traceback" not in done.stderr


# ---------------------------------------------------------------- two processes


@pytest.mark.slow
def test_two_processes_train_and_test(host_spec, trained, tmp_path):
    """Two gloo processes; the test's batch follows their number."""
    steps = {"trainer_cfg__total_iter": 2, "trainer_cfg__save_iter": 2, "trainer_cfg__log_iter": 1, "evaluator_cfg__restore_hint": 2}
    file, out = variant(trained.files[TEACHER], tmp_path, **steps), tmp_path / "out"
    words = ["-m", "opengait_mimic", "--cfgs", file, "--device", "cpu", "--host", host_spec, "--output", out]
    assert "Iteration 00002, " in good(*two_processes(), *words, "--phase", "train", cwd=tmp_path)
    state = torch.load(checkpoint(out, "Baseline", "GaitBase-seed0", 2), weights_only=True)
    assert state["iteration"] == 2 and not any(key.startswith("module.") for key in state["model"])
    assert yaml.safe_load(file.read_text())["evaluator_cfg"]["sampler"]["batch_size"] == 1
    text = good(*two_processes(), *words, "--phase", "test", cwd=tmp_path)
    assert "evaluator_cfg.sampler.batch_size 1 -> 2, the number of processes" in text and 0 <= float(rank1(text)) <= 100


@pytest.mark.slow
def test_torchs_old_launcher_starts_every_command_that_shares_its_work(host_spec, trained, tmp_path):
    """It puts ``--local-rank=N`` before the words."""
    file, more = trained.files[TEACHER], ["--device", "cpu", "--host", host_spec, "--output", tmp_path / "out"]
    start = ["-m", "torch.distributed.launch", *two_processes()[2:]]
    good(*start, "-m", "opengait_mimic", "--cfgs", file, "--phase", "train", *more, cwd=tmp_path)
    for command in ("preflight", "pipeline", "evaluate"):
        good(*start, "-m", "opengait_mimic.cli", command, "--cfgs", file, *more, cwd=tmp_path)


# ---------------------------------------------------------------- what prepare and build refuse


@pytest.mark.parametrize("phase", ["train", "test"])
def test_iter_sets_what_is_restored(files, phase):
    cfgs = prepare(files[TEACHER], phase, 2)
    found = {engine: cfgs[f"{engine}_cfg"]["restore_hint"] for engine in ("trainer", "evaluator")}
    assert found == ({"trainer": 2, "evaluator": 3} if phase == "train" else {"trainer": 0, "evaluator": 2})


def test_data_may_lie_beside_the_configuration(files, tmp_path):
    given = yaml.safe_load(files[TEACHER].read_text())["data_cfg"]
    (tmp_path / "tree").symlink_to(given["dataset_root"])
    (tmp_path / "parts.json").write_text(Path(given["dataset_partition"]).read_text())
    file = variant(files[TEACHER], tmp_path, data_cfg__dataset_root="tree", data_cfg__dataset_partition="parts.json")
    cfgs = prepare(file, "train")
    assert cfgs["data_cfg"]["dataset_root"] == str(tmp_path / "tree")


@pytest.mark.parametrize("hint", [7, "other.pt"])
def test_a_checkpoint_that_is_not_there_is_named_with_those_that_are(trained, tmp_path, hint):
    cfgs = prepare(variant(trained.files[TEACHER], tmp_path, evaluator_cfg__restore_hint=hint), "test")
    start_log(cfgs, False, False, quiet=True)
    with pytest.raises(HostError, match="GaitBase-seed0-00003.pt" if hint == 7 else "restore_hint: other.pt not found"):
        build(cfgs, False)


def test_a_test_with_restore_hint_0_reads_the_newest_checkpoint(trained, tmp_path):
    file = variant(trained.files[TEACHER], tmp_path, evaluator_cfg__restore_hint=0)
    newest = max(int(each.stem[-5:]) for each in checkpoint_at(prepare(file, "train"), 3).parent.glob("*.pt"))
    assert [prepare(file, phase)["evaluator_cfg"]["restore_hint"] for phase in ("test", "embed")] == [newest, newest]
    assert prepare(file, "train")["evaluator_cfg"]["restore_hint"] == 0 == prepare(file, "train", 3)["evaluator_cfg"]["restore_hint"]
    names = {f"{engine}_cfg__save_name": "never" for engine in ("trainer", "evaluator")}
    with pytest.raises(HostError, match="the newest checkpoint is to be tested, and .*never.checkpoints has none. Train first"):
        launch(variant(trained.files[TEACHER], tmp_path, evaluator_cfg__restore_hint=0, **names), "test", quiet=True)


def test_training_goes_on_from_iter(trained, tmp_path):
    file = variant(trained.files[TEACHER], tmp_path, trainer_cfg__total_iter=5, trainer_cfg__save_iter=5)
    seen = []
    model = launch(file, "train", 3, quiet=True, before=lambda model: seen.append(model.iteration))
    assert seen == [3] and model.iteration == 5


@pytest.mark.parametrize(
    ("total", "every", "text"),
    [(3, 2, "what is trained after iteration 2 is not saved"), (3, 4, "nothing is ever saved"), (4, 2, None)],
)
def test_steps_that_are_never_saved_are_reported(trained, tmp_path, monkeypatch, total, every, text):
    from utils import get_msg_mgr

    logged = []
    monkeypatch.setattr(get_msg_mgr(), "log_warning", logged.append)
    file = variant(trained.files[TEACHER], tmp_path, trainer_cfg__total_iter=total, trainer_cfg__save_iter=every)

    def stop(model):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(file, "train", quiet=True, before=stop)
    assert [line for line in logged if "not saved" in line or "ever saved" in line] == (
        [f"trainer_cfg.save_iter = {every}, total_iter = {total}: {text}; choose a save_iter that divides total_iter"] if text else []
    )


def test_the_seed_decides_the_start(trained, tmp_path):
    """Equal seeds, equal weights; another seed, others."""

    def weights(seed, name):
        cfgs = prepare(variant(trained.files[TEACHER], tmp_path, trainer_cfg__seed=seed, trainer_cfg__save_name=name), "train")
        start_log(cfgs, True, False, quiet=True)
        return next(build(cfgs, True).parameters()).detach().clone()

    first, again, other = weights(5, "a"), weights(5, "b"), weights(6, "c")
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_module_has_no_host_until_it_is_asked(tmp_path):
    script(
        tmp_path, "import opengait_mimic.training.launch, sys\nassert not {'modeling', 'data', 'utils', 'evaluation'} & set(sys.modules)\n"
    )


@pytest.mark.parametrize("words", [("train",), ("test",), ("preflight",)], ids=" ".join)
def test_an_iteration_that_is_not_there_is_told_by_the_flag(trained, words):
    """The YAML, which has a restore_hint of its own, is not blamed."""
    with pytest.raises(HostError) as caught:
        try_out(trained.files["VEN"], 7) if words == ("preflight",) else launch(trained.files["VEN"], *words, 7, quiet=True)
    assert "--iter 7: " in str(caught.value) and "does not exist; there are VEN-seed0-00003.pt" in str(caught.value)
    assert "restore_hint" not in str(caught.value)


def test_several_checkpoints_are_gaitedges_own_affair():
    """Its phase 2 starts from a list, which OpenGait's file names allow and we do not read."""
    cfgs = {"trainer_cfg": {"restore_hint": ["Segmentation-25000.pt", "GaitGL-80000.pt"], "save_name": "x"}}
    with pytest.raises(HostError, match=r"trainer_cfg\.restore_hint = \['Segm.*several checkpoints.*name one"):
        restorable(cfgs, True)
