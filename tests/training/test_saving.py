"""Which checkpoints stay (``keep_last``, ``keep_best``), and where ``--resume auto`` goes on."""

from __future__ import annotations

import logging
import shlex
from types import SimpleNamespace

import pytest
import torch

from opengait_mimic import host as hosts
from opengait_mimic.base import checkpoint_file as checkpoints
from opengait_mimic.base.errors import ConfigError, HostError
from opengait_mimic.cli.launcher import main
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training import saving
from opengait_mimic.training.resume import find_start, plan_training
from tests.training.runs import at, stopping, train
from tests.variants import variant

TEACHER = "GaitBase (teacher)"
TINY = {
    "trainer_cfg__total_iter": 6, "trainer_cfg__save_iter": 1, "trainer_cfg__sampler__batch_size": [4, 2],
    "trainer_cfg__sampler__frames_num_fixed": 2, "evaluator_cfg__restore_hint": 6,
}  # fmt: skip


@pytest.fixture
def bound(trained, host_spec, output):
    """The shared trainings' YAML files; puts back the output folder."""
    yield trained.files
    hosts.bind(host_spec, "cpu", output)


def there(file, output):
    """The iterations on the disk, and the record of the newest."""
    files = sorted(at(file, output, 1).parent.glob("GaitBase-seed0-*.pt"))
    found = {int(each.stem[-5:]): checkpoints.entry(each) for each in files}
    return list(found), found[max(found)]


def start(file):
    """Where ``--resume auto`` goes on, on the output folder that is bound."""
    return find_start(prepare(file, "train"))


# ---------------------------------------------------------------- what stays


def test_keep_last_keeps_the_last_and_the_one_the_test_reads(bound, tmp_path):
    file = variant(bound[TEACHER], tmp_path, **{**TINY, "evaluator_cfg__restore_hint": 2}, trainer_cfg__keep_last=2)
    sheets = at(file, tmp_path / "out", 1).parent
    train(file, tmp_path / "out")
    files = there(file, tmp_path / "out")[0]
    assert files == [2, 5, 6]
    names = sorted(each.name for each in sheets.glob("*.run.json"))
    assert names == [f"GaitBase-seed0-{at:05d}.run.json" for at in files], "its run sheet goes with it"


def test_a_checkpoint_goes_after_the_new_one_is_written_and_only_ours(bound, tmp_path, monkeypatch):
    """A save that fails removes nothing; a file without this training's record is not ours."""
    file = variant(bound[TEACHER], tmp_path, **TINY, trainer_cfg__keep_last=1)
    out, write = tmp_path / "out", checkpoints.write
    place = at(file, out, 1).parent

    def fails_at_the_third(target, content):
        if target.name.endswith("00003.pt"):
            raise HostError("full")
        write(target, content)

    monkeypatch.setattr(checkpoints, "write", fails_at_the_third)
    with pytest.raises(HostError, match="full"):
        train(file, out)
    assert there(file, out)[0] == [2]
    monkeypatch.undo()
    (place / "GaitBase-seed0-00001.pt").write_bytes(b"somebody else's")
    (place / "best-00001.pt").write_bytes(b"also somebody else's")
    for left in ("GaitBase-seed0-00004.pt.part", "preflight.part", "preflight.part.part"):
        (place / left).write_bytes(b"left by a killed run")
    assert start(file)[:2] == ("resume", 2)
    train(file, out, iteration=2, resume=True)
    kept = [f"GaitBase-seed0-{name}" for name in ("00001.pt", "00006.pt", "00006.run.json")]
    assert sorted(each.name for each in place.iterdir()) == [*kept, "best-00001.pt"]


def test_keep_best_keeps_the_largest(bound, tmp_path, monkeypatch):
    """A real test after each checkpoint; its numbers are replaced, and the host writes them."""
    numbers = iter([10.0, 30.0, 20.0, float("nan"), 30.0, 5.0])
    note = saving.Saver.note_test
    monkeypatch.setattr(
        saving.Saver, "note_test", lambda self, result: note(self, {**result, "scalar/test_accuracy/Rank-1": next(numbers)})
    )
    changes = {"trainer_cfg__with_test": True, "trainer_cfg__keep_best": "test_accuracy/Rank-1", "trainer_cfg__keep_last": 1}
    file = variant(bound[TEACHER], tmp_path, **TINY, **changes)
    train(file, tmp_path / "out")
    files, record = there(file, tmp_path / "out")
    assert files == [2, 6] and record["best"] == {"name": "test_accuracy/Rank-1", "value": 30.0, "iteration": 2}
    assert record["test"]["test_accuracy/Rank-1"] == 5.0, "the scalars of a checkpoint's own test"


def test_the_best_error_is_the_smallest_and_an_unknown_name_is_reported(monkeypatch):
    lines, entries = [], {at: {} for at in (7, 8, 9)}
    saver = saving.Saver.__new__(saving.Saver)
    saver.inner = SimpleNamespace(iteration=7, msg_mgr=SimpleNamespace(log_warning=lines.append))
    saver.record, saver.saved, saver.cfgs = SimpleNamespace(facts={"best": None}), entries, {"trainer_cfg": {}}
    monkeypatch.setattr(saving.Saver, "_write", lambda self, iteration, entry: entries.update({iteration: entry}))
    saver.cfgs["trainer_cfg"]["keep_best"] = "test_accuracy/hidden_mae"
    for saver.inner.iteration, value in ((7, 0.3), (8, 0.2), (9, 0.4)):
        saver.note_test({"scalar/test_accuracy/hidden_mae": torch.tensor(value), "image/x": torch.zeros(2)})
    assert [each["best"]["iteration"] for each in entries.values()] == [7, 8, 8]
    saver.note_test({"scalar/test_accuracy/frame": 90.0, "scalar/test_accuracy/CL": torch.zeros(3)})
    assert lines == [
        "trainer_cfg.keep_best = 'test_accuracy/hidden_mae': the test gives no such number, so no checkpoint is the best one; it gives"
        " test_accuracy/frame"
    ]


# ---------------------------------------------------------------- where it goes on


@pytest.fixture
def half(bound, tmp_path):
    """A training stopped behind its third checkpoint: its YAML and its output folder."""
    file = variant(bound[TEACHER], tmp_path, **TINY)
    with pytest.raises(KeyboardInterrupt):
        train(file, tmp_path / "out", before=stopping(3))
    return file, tmp_path / "out"


def command_line(file, output, host_spec):
    return ["--cfgs", str(file), "--resume", "auto", "--host", host_spec, "--device", "cpu", "--output", str(output)]


@pytest.fixture
def messages(monkeypatch):
    """The plugin's own messages."""
    lines, handler = [], logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    monkeypatch.setattr(logging.getLogger("opengait_mimic"), "handlers", [handler])
    logging.getLogger("opengait_mimic").setLevel(logging.INFO)
    return lines


def test_resume_auto_goes_on_from_the_newest_and_then_has_nothing_left(half, host_spec, messages):
    file, out = half
    assert main(command_line(file, out, host_spec)) == 0 and messages[-1] == "--resume auto: goes on from iteration 3 of 6"
    assert there(file, out)[0] == [1, 2, 3, 4, 5, 6]
    before = at(file, out, 6).read_bytes()
    assert main(command_line(file, out, host_spec)) == 0
    assert messages[-1] == "--resume auto: Baseline/GaitBase-seed0 is trained: iteration 6 of 6"
    assert at(file, out, 6).read_bytes() == before


@pytest.mark.parametrize(("saves", "more"), [(0, []), (2, []), (2, ["--iter", "1"])])
def test_a_stopped_training_says_what_is_saved(bound, tmp_path, host_spec, monkeypatch, capsys, saves, more):
    file, save, left = variant(bound[TEACHER], tmp_path, **TINY), saving.Saver.save, [saves]
    out = tmp_path / "out"

    def stops(self, iteration):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        save(self, iteration)

    monkeypatch.setattr(saving.Saver, "save", stops)
    for given in ([], *([more] if more else [])):
        left[0] = 0 if given else saves
        with pytest.raises(SystemExit) as caught:
            main([word for word in command_line(file, out, host_spec) if word not in ("--resume", "auto")] + given)
        assert caught.value.code == 130
    last = "last checkpoint: iteration {} of GaitBase-seed0; the same command with --resume auto{} continues from there"
    messages = {
        (0, 0): "GaitBase-seed0 has no checkpoint yet: the same command starts it from the beginning",
        (2, 0): last.format(2, ""),
        (2, 2): last.format(1, " in place of --iter"),
    }
    assert capsys.readouterr().err.strip().splitlines()[-1] == f"stopped; {messages[saves, len(more)]}"


def test_a_training_says_how_it_ended_and_what_is_next(half, host_spec, monkeypatch, tmp_path):
    from utils import get_msg_mgr

    file, out = half
    lines = []
    monkeypatch.setattr(get_msg_mgr(), "log_info", lambda text: lines.append(str(text)))
    more = ["--host", host_spec, "--output", str(out)]
    assert main(command_line(file, out, host_spec)) == 0
    first = f"trained: iteration 6 of 6, {at(file, out, 6)}; next: "
    assert lines[-1] == first + shlex.join(["opengait-mimic", "evaluate", "--cfgs", str(file), *more])
    (tmp_path / "other").mkdir()
    other = variant(file, tmp_path / "other", evaluator_cfg__restore_hint=2, trainer_cfg__save_iter=5)
    main([word for word in command_line(other, out, host_spec) if word not in ("--resume", "auto")])
    assert lines[-1].startswith(f"trained: iteration 6 of 6, {at(file, out, 5)}; next: ") and " --iter 5 " in lines[-1]
    never = variant(file, tmp_path / "other", trainer_cfg__save_iter=7, trainer_cfg__save_name="never")
    main([word for word in command_line(never, out, host_spec) if word not in ("--resume", "auto")])
    assert lines[-1] == "trained: iteration 6 of 6; nothing was saved (trainer_cfg.save_iter = 7)"


def test_what_a_new_start_overwrites_is_reported(half, monkeypatch):
    from utils import get_msg_mgr

    file, out = half
    warned = []
    monkeypatch.setattr(get_msg_mgr(), "log_warning", lambda text: warned.append(str(text)))
    with pytest.raises(KeyboardInterrupt):
        train(file, out, before=stopping(0))
    assert [text for text in warned if "overwrites" in text] == [
        f"{at(file, out, 1).parents[1]} holds 3 checkpoints of an earlier training, newest GaitBase-seed0-00003.pt, which this one"
        " overwrites as it saves. To go on from the newest, give --resume auto; to keep them, choose another save_name or move the folder"
        " away"
    ]


def test_an_empty_folder_starts_at_0(bound, tmp_path, messages):
    hosts.bind(None, "cpu", tmp_path / "nothing")
    assert start(bound[TEACHER])[:2] == ("train", 0)
    assert messages == ["--resume auto: no checkpoint yet: starts at iteration 0"]


def test_the_newest_that_is_damaged_gives_way_to_the_one_before(half):
    """A bit of its weights has changed."""
    file, out = half
    whole = bytearray(at(file, out, 3).read_bytes())
    whole[len(whole) // 2] ^= 1
    at(file, out, 3).write_bytes(whole)
    plan = start(file)
    assert plan[:2] == ("resume", 2) and plan.why.endswith("; GaitBase-seed0-00003.pt: damaged or incomplete, written again")


def without_record(file):
    """As OpenGait's main.py or another tool writes it."""
    found = torch.load(file, weights_only=True)
    del found[checkpoints.ENTRY]
    torch.save(found, file)


def test_one_without_a_record_gives_way_and_the_last_one_stops_it(half, messages):
    """It can be read, so a start at 0 may not overwrite it."""
    file, out = half
    without_record(at(file, out, 3))
    plan = start(file)
    assert plan[:2] == ("resume", 2) and plan.why.endswith("; GaitBase-seed0-00003.pt: without a record of this version, written again")
    at(file, out, 2).write_bytes(at(file, out, 2).read_bytes()[:1000])
    at(file, out, 1).unlink()
    with pytest.raises(HostError) as caught:
        start(file)
    assert str(caught.value).splitlines()[0] == (
        f"--resume auto: {at(file, out, 1).parents[1]} holds GaitBase-seed0-00003.pt without a record of this version (OpenGait's main.py"
        " writes none)"
    )
    assert "move " in str(caught.value) and "another save_name" in str(caught.value)
    for iteration in (2, 3):
        at(file, out, iteration).write_bytes(b"")
    assert start(file)[:2] == ("train", 0) and "starts again" in messages[-1]


def test_what_is_later_than_tested_is_no_reason_to_overwrite_it(half):
    """The one that the YAML's test reads is gone, and all before it."""
    file, out = half
    train(file, out, iteration=3, resume=True)
    for iteration in (1, 2):
        at(file, out, iteration).unlink()
    lower = variant(file, file.parent, evaluator_cfg__restore_hint=2)
    plan = plan_training(prepare(lower, "train"))
    assert (plan.action, plan.conflict) == ("train", True)
    assert "GaitBase-seed0-00002.pt: missing" in plan.why and plan.why.endswith(": later than the iteration that the test reads")


def test_another_training_is_not_gone_on_with_and_not_overwritten(half, tmp_path):
    file, out = half
    (tmp_path / "other").mkdir()
    other = variant(file, tmp_path / "other", optimizer_cfg__lr=0.5)
    with pytest.raises(HostError, match=r"(?s)--resume auto: changed since .*optimizer_cfg\.lr: 0\.002 -> 0\.5.*another save_name"):
        start(other)


def test_an_earlier_start_of_the_same_training_is_not_mixed_in(half):
    """Its checkpoints lie ahead of those of a start at 0 that was stopped again."""
    file, out = half
    with pytest.raises(KeyboardInterrupt):
        train(file, out, before=stopping(1))
    assert there(file, out)[0] == [1, 2, 3]
    plan = start(file)
    assert plan[:2] == ("resume", 1)
    assert plan.why.endswith("; GaitBase-seed0-00002.pt, GaitBase-seed0-00003.pt: of an earlier start, written again")
    at(file, out, 3).write_bytes(at(file, out, 3).read_bytes()[:1000])
    both = "; GaitBase-seed0-00002.pt: of an earlier start, written again; GaitBase-seed0-00003.pt: damaged or incomplete, written again"
    assert start(file).why.endswith(both)
    at(file, out, 1).write_bytes(b"")
    plan = start(file)
    assert plan[:2] == ("resume", 2), "the newest start that has a readable checkpoint"


def test_options_that_exclude_each_other(half, host_spec, capsys):
    file, out = half
    for more in (["--iter", "2"], ["--phase", "test"]):
        with pytest.raises(SystemExit) as caught:
            main([*command_line(file, out, host_spec), *more])
        assert caught.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err
    hint = variant(file, file.parent, trainer_cfg__restore_hint=2)
    with pytest.raises(ConfigError, match=r"trainer_cfg\.restore_hint = 2 .*the iteration to go on from is found here; set 0"):
        start(hint)


def test_the_scaler_comes_back(half):
    """A CPU has none: a stand-in."""
    file, out = half
    cfgs = prepare(file, "train", 3)
    target, found = at(file, out, 3), checkpoints.read(at(file, out, 3), "test")
    state = {"scale": 512.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 9, "_growth_tracker": 4}
    found[checkpoints.ENTRY]["scaler"] = state
    checkpoints.write(target, found)
    inner = torch.nn.Module()
    inner.Scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    assert saving.restore_state(inner, cfgs)["batch"] == 3
    assert inner.Scaler.state_dict() == state


def test_settings_that_the_checkpoint_overrides_are_reported(half, tmp_path, monkeypatch):
    """``--iter`` with a lower rate trains at the old one, as torch restores it."""
    from utils import get_msg_mgr

    file, out = half
    (tmp_path / "other").mkdir()
    other = variant(file, tmp_path / "other", optimizer_cfg__lr=0.0005)
    messages, rates = [], []
    monkeypatch.setattr(get_msg_mgr(), "log_warning", lambda text: messages.append(str(text)))

    def before(model):
        rates.append(model.optimizer.param_groups[0]["initial_lr"])
        raise KeyboardInterrupt

    for changed in (file, other):
        with pytest.raises(KeyboardInterrupt):
            train(changed, out, iteration=3, before=before)
    assert rates == [0.002, 0.002] and [text for text in messages if "no effect" in text] == [
        "optimizer_cfg.lr: 0.002 -> 0.0005: has no effect, because the checkpoint restores its own optimizer."
        " trainer_cfg.optimizer_reset: true makes a new one"
    ]
