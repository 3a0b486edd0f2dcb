"""``opengait-mimic check`` and ``walkers``, as typed."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pickle
import re

import numpy as np
import pytest
import torch

import opengait_mimic
from opengait_mimic.cli import COMMANDS, main
from opengait_mimic.cli.check_host import report
from opengait_mimic.host import REGISTERED
from opengait_mimic.host.register import left_out
from tests.host_runs import digests, good, python

CLI = ["-m", "opengait_mimic.cli"]


def test_check_of_a_good_host(host, host_spec, tmp_path):
    done = python(*CLI, "check", "--host", host_spec, "--device", "cpu", cwd=tmp_path)
    said = done.stdout
    assert done.returncode == 0, done.stderr
    assert f"opengait_mimic {opengait_mimic.__version__}" in said
    assert f"host:     {host.name} at {host.root}" in said
    assert "runs on cpu" in said and "commit: " in said and "chosen by: --host" in said
    for namespace, names in REGISTERED.items():
        assert f"registered in {namespace}: {', '.join(names)}" in said
    assert said.rstrip().endswith("result:   training can start")
    assert ("stand-in host" in said) == (host.name == "embedded")
    for package in ("torch", "numpy", "kornia", "PyYAML"):
        assert f"{package} " in said.split("packages: ")[1].splitlines()[0]
    assert "missing" not in said.split("packages: ")[1].splitlines()[0]
    assert list(tmp_path.iterdir()) == [], "a check writes nothing"


def test_check_of_a_folder_that_is_no_checkout(tmp_path):
    done = python(*CLI, "check", "--host", tmp_path, cwd=tmp_path)
    assert done.returncode == 1
    assert "result:   training cannot start" in done.stdout and "git clone https://github.com/ShiqiYu/OpenGait" in done.stdout
    assert str(tmp_path) in done.stdout and "Traceback" not in done.stderr


def test_check_of_a_host_that_breaks_on_import(host, tmp_path):
    """A torchvision of another torch raises a RuntimeError on import; a check reports that too."""
    root = tmp_path / "broken"
    for name, text in {
        "configs/default.yaml": "{}",
        "opengait/main.py": "",
        "opengait/modeling/base_model.py": "",
        "opengait/utils/__init__.py": "raise RuntimeError('operator torchvision::nms does not exist')\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    done = python(*CLI, "check", "--host", root, "--device", "cpu", cwd=tmp_path)
    assert done.returncode == 1
    assert "result:   training cannot start" in done.stdout and "torchvision::nms" in done.stdout
    assert "Traceback" not in done.stderr


def test_check_of_cuda_where_there_is_none(host_spec, tmp_path):
    done = python(*CLI, "check", "--host", host_spec, "--device", "cuda", cwd=tmp_path)
    assert done.returncode == 1 and "0 GPU(s)" in done.stdout and "use --device cpu" in done.stdout


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walkers")
    return folder, good(*CLI, "walkers", "--out", "tree", "--subjects", "6", "--seed", "3", cwd=folder)


def test_walkers_writes_opengaits_tree_and_says_where(written):
    folder, said = written
    root, partition = (said.split(f"data_cfg.{key}: ")[1].splitlines()[0] for key in ("dataset_root", "dataset_partition"))
    parts = json.loads((folder / partition).read_text())
    subjects = sorted(p.name for p in (folder / root).iterdir() if p.is_dir())
    assert sorted(parts["TRAIN_SET"] + parts["TEST_SET"]) == subjects and len(subjects) == 6
    files = sorted((folder / root).glob("*/*/*/*.pkl"))
    frames = 0
    for file in files:
        seq = pickle.loads(file.read_bytes())
        assert seq.dtype == np.uint8 and seq.ndim == 3 and seq.shape[1:] == (64, 64)
        frames += len(seq)
    assert f"{len(files)} sequences, {frames} frames: {len(parts['TRAIN_SET'])} subjects to train on" in said
    score = float(said.split("(no learning): ")[1].split(" %")[0])
    assert 0 <= score <= 100


def test_walkers_that_are_stopped_report_the_incomplete_folder(tmp_path, monkeypatch, capsys):
    from opengait_mimic.data import walkers

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(walkers.tree, "make_sequence", stop)
    with pytest.raises(SystemExit) as caught:
        main(["walkers", "--out", str(tmp_path), "--subjects", "2"])
    assert caught.value.code == 130 and "the folder may be incomplete" in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for group in COMMANDS.values() for name in group])
def test_every_command_explains_itself_with_an_example(name, capsys):
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    text = capsys.readouterr().out
    assert caught.value.code == 0 and f"usage: opengait-mimic {name} " in text
    assert f"example:\n  opengait-mimic {name} " in text
    parser = argparse.ArgumentParser()
    importlib.import_module(f"opengait_mimic.cli.{name}").add_arguments(parser)
    assert all(action.help for action in parser._actions if not isinstance(action, argparse._SubParsersAction))


def test_the_overview_groups_the_commands_and_imports_no_torch(tmp_path):
    code = "import sys; from opengait_mimic.cli import main\ntry: main(['--help'])\nexcept SystemExit: print('torch' in sys.modules)"
    text = good("-c", code, cwd=tmp_path)
    assert text.splitlines()[-1] == "False"
    for group, commands in COMMANDS.items():
        assert f"{group}:" in text and all(f"  {name:<10} {summary}" in text for name, summary in commands.items())


def test_walkers_does_not_write_over_walkers(written):
    folder, _ = written
    before = digests(folder)
    done = python(*CLI, "walkers", "--out", "tree", "--subjects", "6", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: ") and "Traceback" not in done.stderr
    assert digests(folder) == before


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["walk"],
        ["walkers"],
        ["evaluate"],
        ["check", "--device", "tpu"],
        ["evaluate", "--cfgs", "x", "--preset", "paper", "--cells", "y"],
    ],
)
def test_wrong_words_are_refused(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: " in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0 and capsys.readouterr().out.strip() == opengait_mimic.__version__


def test_check_names_the_host_what_is_registered_and_what_is_left_out(host, host_spec, monkeypatch):
    monkeypatch.setitem(left_out, "foundationgait.py", "needs lightly: pip install lightly")
    lines, can_start = report(host_spec, "cpu")
    text = "\n".join(lines)
    assert can_start and lines[-1] == "result:   training can start"
    assert f"{host.name} at {host.root}" in text and "left out: foundationgait.py needs lightly: pip install lightly" in text
    assert all(name in text for names in REGISTERED.values() for name in names)


def test_check_says_what_is_missing(tmp_path):
    lines, can_start = report(tmp_path, "cpu")
    assert not can_start and lines[-1] == "result:   training cannot start"
    assert any(line.startswith("missing:  ") and str(tmp_path) in line for line in lines)


LAUNCHER = ("--cfgs", "x.yaml")


@pytest.mark.parametrize(
    ("words", "way"),
    [
        (["--resume"], "expected --resume auto, got nothing. --resume auto trains on"),
        (["--resume", "X.pt"], "got X.pt. --resume auto trains on .* --iter K .* trainer_cfg.restore_hint: FILE.pt"),
        (["--resume=latest"], "got latest"),
        (["--iter", "latest"], "'latest' is no iteration: give its number K"),
        (["--iter", "-1"], "'-1' is no iteration"),
        (["--iter", "x-00004.pt"], "'x-00004.pt' is no iteration"),
        (["--load_from", "X.pt"], "--load_from: there is no such option here. --resume auto"),
        (["--checkpoint=X.pt"], "--checkpoint: there is no such option here.* evaluator_cfg.restore_hint"),
    ],
    ids=" ".join,
)
def test_resuming_in_other_words_is_answered_by_the_launcher(words, way, capsys):
    from opengait_mimic.cli.launcher import main as launcher

    with pytest.raises(SystemExit) as caught:
        launcher([*LAUNCHER, *words])
    assert caught.value.code == 2 and re.search(way, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("command", "words", "way"),
    [
        ("evaluate", ["--iter", "latest"], "is no iteration.* evaluator_cfg.restore_hint in the YAML"),
        ("evaluate", ["--ckpt", "X.pt"], "--ckpt: there is no such option here. --iter K reads"),
        ("evaluate", ["--resume"], "--resume: there is no such option"),
        ("preflight", ["--resume", "auto"], "there is no such option here. --resume auto trains on"),
        ("pipeline", ["--resume"], "a pipeline that was stopped goes on by itself"),
        ("pipeline", ["--iter", "4"], "a pipeline that was stopped goes on by itself"),
    ],
)
def test_resuming_in_other_words_is_answered_by_the_commands(command, words, way, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--cfgs", "x.yaml", *words])
    assert caught.value.code == 2 and re.search(way, capsys.readouterr().err)


@pytest.fixture
def wrapped_file(tmp_path):
    """A file that `convert` has work with."""
    torch.save({"model": {"module.a": torch.zeros(1)}}, tmp_path / "old.pt")
    return ["convert", str(tmp_path / "old.pt"), "--out", str(tmp_path / "new.pt")]


@pytest.mark.parametrize("word", [["--local-rank=1"], ["--local_rank=1"], ["--local-rank", "1"], ["--local_rank", "1"]], ids=" ".join)
@pytest.mark.parametrize("before", [True, False])
def test_every_command_takes_local_rank(word, before, wrapped_file, tmp_path, capsys, monkeypatch):
    """`python -m torch.distributed.launch` puts it before the words of the command; GPUs are chosen by LOCAL_RANK."""
    from opengait_mimic.cli.launcher import main as launcher

    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert main([*word, *wrapped_file] if before else [*wrapped_file, *word]) == 0
    assert (tmp_path / "new.pt").is_file() and os.environ["LOCAL_RANK"] == "1"
    monkeypatch.setenv("LOCAL_RANK", "0")
    for start, own in ((main, ["preflight"]), (main, ["evaluate"]), (main, ["pipeline"]), (launcher, [])):
        with pytest.raises(SystemExit) as caught:
            start([*word, *own, "--help"] if before else [*own, *word, "--help"])
        assert caught.value.code == 0
    assert os.environ["LOCAL_RANK"] == "0", "the environment's own counts"


@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_command_that_shares_no_work_runs_on_rank_0_alone(rank, wrapped_file, tmp_path, monkeypatch):
    for key, value in {"WORLD_SIZE": "2", "RANK": rank, "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(key, value)
    assert main(wrapped_file) == 0
    assert (tmp_path / "new.pt").is_file() == (rank == "0") and ("WORLD_SIZE" in os.environ) == (rank == "1")
