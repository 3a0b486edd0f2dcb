"""What every check says of a sound training, and that it finds what it is there for."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml

from opengait_mimic.cli import main as command
from opengait_mimic.host import output as output_folder
from opengait_mimic.occlusion import Draw
from tests.host_runs import digests
from tests.variants import variant

HOSTS, MIMIC = "GaitBase (teacher)", "MimicGait"
COMMON = ["data", "geometry", "loss", "gradients", "test batch", "checkpoint", "disk", "memory"]
LINES = {
    HOSTS: COMMON,
    "VEN": [*COMMON, "occlusion", "frozen"],
    "Baseline-2": [*COMMON, "occlusion"],
    MIMIC: [*COMMON, "occlusion", "frozen", "teacher", "VEN", "teacher Rank-1"],
}


@pytest.mark.parametrize("stage", list(LINES))
def test_a_line_for_every_check_that_applies(built, tried, stage):
    model, cfgs = built(stage)
    lines = tried(model, cfgs)
    assert tried.failed is None
    said = lines.popitem()[0]
    assert said.startswith(f"{len(LINES[stage])} checks in") and set(lines) == set(LINES[stage])
    assert all(text.startswith("ok") for text in lines.values())
    assert all(len(text) <= 120 - 28 for text in lines.values())
    assert ("finite, on 24 frames in place of 192; " if stage != "VEN" else "finite; ") in lines["loss"]
    if stage == MIMIC:
        assert lines["geometry"].endswith("data 64x44 in 0..1, teacher 64x44, VEN 64x44, embeddings 64 x 16")
        assert model.teacher.weights[:12] in lines["teacher"] and "Baseline" in lines["teacher"]
        assert re.search(r"knows none, bottom, top; weights [0-9a-f]{12}, VEN-seed0-00003\.pt", lines["VEN"])


def test_brief_is_one_line_where_all_is_well(built, capsys):
    model, cfgs = built("VEN")
    from opengait_mimic.preflight.run import run_preflight

    run_preflight(model, cfgs, brief=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"  preflight of VEN, processes: 1: 10 checks in [0-9.]+ s, nothing amiss", line)


def failure(tried, model, cfgs, check) -> str:
    """The message of the check that must fail; those after it are not run."""
    lines = tried(model, cfgs)
    assert lines[check].startswith("FAILED"), lines
    assert next(reversed(lines)) == check
    assert str(tried.failed).startswith(f"preflight failed at {check}: ")
    return lines[check]


def test_a_file_of_the_batch_that_cannot_be_read(built, tried, tree, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(tree.root, root)
    for file in root.rglob("*.pkl"):
        file.write_bytes(file.read_bytes()[:40])
    model, cfgs = built(HOSTS, data_cfg__dataset_root=str(root), data_cfg__cache=False)
    assert ".pkl: " in failure(tried, model, cfgs, "data")


def test_pictures_of_another_size(built, tried):
    model, cfgs = built("VEN")
    model.geometry = (64, 64)
    assert "model_cfg.geometry = [64, 64], but after the transforms silhouettes are [64, 44]" in failure(tried, model, cfgs, "geometry")


def test_checkpoints_in_place_of_older_ones_need_room_for_one(built, tried):
    """A new one is written beside the old one of its name."""
    model, cfgs = built("VEN")
    cfgs["trainer_cfg"].update(total_iter=30, save_iter=10)
    folder = output_folder() / "walkers/VEN/tried/checkpoints"
    folder.mkdir(parents=True)
    try:
        fresh = tried(model, cfgs)["disk"]
        one, three = (float(re.search(rf"{word} ([0-9.]+) MB", fresh)[1]) for word in ("about", "need"))
        assert three == pytest.approx(3 * one, rel=0.01) and "older" not in fresh
        for at in (10, 20, 30):
            (folder / f"tried-{at:05}.pt").write_bytes(bytes(round(one * 1e6)))
        again = tried(model, cfgs)["disk"]
        assert re.search(rf"3 of about {one:g} MB to come, in place of older ones; need {one:g} MB, ", again), again
        (folder / "tried-00030.pt").unlink()
        assert f"to come, 2 in place of older ones; need {one:g} MB" in tried(model, cfgs)["disk"]
        (folder / "tried-00010.pt").unlink()
        assert f"to come, 1 in place of older ones; need {2 * one:.3g} MB" in tried(model, cfgs)["disk"]
    finally:
        shutil.rmtree(folder.parent)


def test_another_ven_than_the_checkpoints(built, tried):
    model, cfgs = built(MIMIC)
    with torch.no_grad():
        next(model.VEN.parameters()).add_(1)
    said = failure(tried, model, cfgs, "VEN")
    assert "VEN-seed0-00003.pt holds other weights than the VEN of the checkpoint to go on from" in said and "Name that VEN's" in said


def test_a_teacher_that_saw_hidden_clips_is_a_warning(built, tried, output):
    file = output / "walkers/Baseline2/Baseline2-seed0/checkpoints/Baseline2-seed0-00003.pt"
    model, cfgs = built(MIMIC, model_cfg__teacher__checkpoint=str(file))
    said = tried(model, cfgs)["teacher"]
    assert said.startswith("WARNING") and "was trained as a Baseline2, on hidden clips" in said and tried.failed is None


def test_one_draw_for_two_clips_and_a_touched_whole_view(built, tried, monkeypatch):
    from opengait_mimic.models import occluded_input as common

    model, cfgs = built("Baseline-2")
    monkeypatch.setattr(common, "draw", lambda *_: Draw("top", 0.5))
    assert "two clips of one batch were hidden by one draw" in failure(tried, model, cfgs, "occlusion")
    monkeypatch.setattr(common, "draw", lambda *_: Draw("top", 0.7))
    cfgs["trainer_cfg"]["occlusion"] = model.cfgs["trainer_cfg"]["occlusion"] = {"hidden": [0.5, 0.5]}
    model.read_blocks(model.cfgs)
    assert "hidden = [0.5, 0.5], but a clip hides 0.700" in failure(tried, model, cfgs, "occlusion")
    monkeypatch.undo()
    sound = type(model).occluded_batch

    def touched(self, inputs):
        batch = sound(self, inputs)
        batch.whole[0, 0, 5, 5] += 0.25
        return batch

    monkeypatch.setattr(type(model), "occluded_batch", touched)
    assert "the whole view is not what the host's own transforms make" in failure(tried, model, cfgs, "occlusion")


def test_a_clip_that_shows_another_ones_draw(built, tried, monkeypatch):
    model, cfgs = built("VEN")
    sound = type(model).occluded_batch
    shift = lambda self, inputs: (batch := sound(self, inputs))._replace(draws=batch.draws[1:] + batch.draws[:1])  # noqa: E731
    monkeypatch.setattr(type(model), "occluded_batch", shift)
    assert "is not hidden as it was drawn" in failure(tried, model, cfgs, "occlusion")


def test_a_loss_that_is_not_finite(built, tried):
    model, cfgs = built(HOSTS)
    with torch.no_grad():
        next(model.parameters()).fill_(float("inf"))
    said = failure(tried, model, cfgs, "loss")
    assert "rank 0: loss = nan" in said and "trainer_cfg.restore_hint" in said


def test_a_parameter_without_a_gradient(built, tried):
    """Of a model of ours a failure; of the host's own a warning in one process, in several what torch would stop at."""
    for stage, word in ((MIMIC, "FAILED"), (HOSTS, "WARNING")):
        model, cfgs = built(stage)
        model.forgotten = torch.nn.Parameter(torch.zeros(2))
        lines = tried(model, cfgs)
        assert lines["gradients"].startswith(word) and "forgotten: no gradient" in lines["gradients"]
    model, cfgs = built(HOSTS)
    model.forgotten = torch.nn.Parameter(torch.zeros(2))
    wrapper = torch.nn.Module()
    wrapper.module = model
    assert "Set trainer_cfg.find_unused_parameters: true" in failure(tried, wrapper, cfgs, "gradients")


def test_a_frozen_network_that_learns_or_drifts(built, tried, monkeypatch):
    model, cfgs = built(MIMIC)
    model.optimizer.add_param_group({"params": list(model.VEN.requires_grad_(True).parameters())})
    monkeypatch.setattr(type(model.VEN), "guide", lambda self, sils, lengths: torch.zeros(len(lengths), 64))
    assert "frozen, yet got a gradient" in failure(tried, model, cfgs, "gradients")
    monkeypatch.undo()
    model, cfgs = built(MIMIC)
    sound = type(model.teacher).__call__

    def drifts(self, inputs):
        next(self.net.buffers()).add_(1e-3)
        return sound(self, inputs)

    monkeypatch.setattr(type(model.teacher), "__call__", drifts)
    assert "teacher: changed by one step, though frozen" in failure(tried, model, cfgs, "frozen")


def test_what_a_ven_said_of_the_test_batch(built, tried):
    model, cfgs = built("VEN")
    said = re.search(r"at most: (\d+) of (\d+) kinds right, amounts (0\.\d\d) off$", tried(model, cfgs)["test batch"])
    assert said and 0 <= int(said[1]) <= int(said[2]) and int(said[2]) > 0


def test_a_failure_is_told_in_brief_too(built, capsys):
    from opengait_mimic.preflight.outcome import PreflightFailed
    from opengait_mimic.preflight.run import run_preflight

    model, cfgs = built("VEN")
    model.geometry = (64, 64)
    with pytest.raises(PreflightFailed) as failed:
        run_preflight(model, cfgs, brief=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert "FAILED" in line and "model_cfg.geometry = [64, 64]" in line and "model_cfg.geometry = [64, 64]" in str(failed.value)


def test_what_another_process_alone_knows_is_told_by_itself(built, monkeypatch, capsys):
    """In a check within which processes talk rank 0 may be waiting, and cannot say it."""
    from opengait_mimic.preflight import run
    from opengait_mimic.preflight.trial import Trial

    def breaks(self):
        raise ValueError("only here")

    model, cfgs = built("VEN")
    monkeypatch.setattr(run, "rank_and_world", lambda: (1, 2))
    monkeypatch.setattr(Trial, "step", breaks)
    with pytest.raises(run.PreflightFailed, match="failed at loss, rank 1: "):
        run.run_preflight(model, cfgs)
    (line,) = capsys.readouterr().out.splitlines()
    assert re.search(r"loss .* FAILED   rank 1: ValueError in .*: only here. Please report this line with the configuration", line)


def test_embeddings_that_rank_nobody(built, tried, monkeypatch):
    model, cfgs = built(HOSTS)
    sound = type(model).forward

    def forward(self, inputs):
        found = sound(self, inputs)
        if not self.training:
            found["inference_feat"]["embeddings"] = found["inference_feat"]["embeddings"] * float("nan")
        return found

    monkeypatch.setattr(type(model), "forward", forward)
    assert "not 1 finite rows" in failure(tried, model, cfgs, "test batch")


def test_a_folder_that_takes_no_checkpoint(built, tried, monkeypatch):
    model, cfgs = built("VEN")
    place = output_folder() / "walkers/VEN/tried"
    shutil.rmtree(place, ignore_errors=True)
    place.write_text("a file where the folder should be")
    try:
        said = failure(tried, model, cfgs, "checkpoint")
    finally:
        place.unlink()
    assert "preflight.part cannot be written and read back" in said and "choose another --output" in said
    load = torch.load
    monkeypatch.setattr(torch, "load", lambda *words, **named: {**load(*words, **named), "iteration": 1})
    assert "what was read back is not what was written" in failure(tried, model, cfgs, "checkpoint")
    assert not place.exists()


def test_too_little_disk_and_memory(built, tried, monkeypatch):
    """The room asked for is that of all checkpoints with the optimiser's state, which is measured by saving one."""
    from opengait_mimic.preflight import memory, room

    model, cfgs = built(HOSTS)
    cfgs["trainer_cfg"].update(total_iter=100, save_iter=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    said = failure(tried, model, cfgs, "disk")
    assert said.startswith("FAILED   10 of about") and " to come; need" in said and "1 kB free" in said
    assert "trainer_cfg.save_iter = 10 of 100 steps" in said
    monkeypatch.undo()
    cfgs["trainer_cfg"]["keep_last"] = 2
    assert tried(model, cfgs)["disk"].split()[1:4] == ["3", "of", "about"]
    monkeypatch.setattr(memory, "available", lambda _: 1000)
    said = tried(model, cfgs)["memory"]
    assert said.startswith("WARNING") and "1 kB free (reckoned from 24 frames): fewer or shorter clips" in said
    monkeypatch.setattr("opengait_mimic.preflight.trial.CLIPS", 12)
    assert "1 kB free: fewer or shorter clips" in failure(tried, model, cfgs, "memory")
    for kind, settings in ((torch.optim.SGD, {"lr": 1, "momentum": 0.9}), (torch.optim.SGD, {"lr": 1}), (torch.optim.AdamW, {})):
        weights = [torch.zeros(300, 7, requires_grad=True), torch.zeros(11, requires_grad=True)]
        optimizer = kind(weights, **settings)
        for each in weights:
            each.grad = torch.ones_like(each)
        expected = room.state_bytes(optimizer)
        optimizer.step()
        kept = [value for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value) and value.numel() > 1]
        assert expected == sum(value.numel() * value.element_size() for value in kept) and room.state_bytes(optimizer) == 0


def test_a_test_half_of_empty_folders_is_left_for_the_training_half(built, tried, tree, tmp_path):
    shutil.copytree(tree.root, tmp_path / "walkers")
    partition = json.loads(tree.partition.read_text())
    (tmp_path / "parts.json").write_text(json.dumps({**partition, "TEST_SET": ["9999"]}))
    data = {"data_cfg__dataset_root": str(tmp_path / "walkers"), "data_cfg__dataset_partition": str(tmp_path / "parts.json")}
    model, cfgs = built(HOSTS, **data)
    (tmp_path / "walkers" / "9999").mkdir()
    assert "1 sequence of TRAIN_SET, " in tried(model, cfgs)["test batch"]


@pytest.mark.parametrize("low, high, clips", [(10, 50, 128), (1, 200, 32), (7, 7, 5), (10, 50, 1)])
def test_the_longest_batch_is_longer_than_any_that_is_drawn_and_not_much(low, high, clips):
    from opengait_mimic.preflight.room import longest

    drawn = np.random.default_rng(0).integers(low, high, (20_000, clips), endpoint=True).sum(1)
    found = longest({"frames_num_min": low, "frames_num_max": high}, clips)
    assert drawn.max() <= found <= min(clips * high, 1.25 * drawn.max())


def test_the_command_trains_nothing_and_leaves_nothing(host_spec, output, trained, tmp_path, capsys):
    words = ["preflight", "--host", host_spec, "--device", "cpu", "--output", str(output)]
    file = variant(trained.files[MIMIC], tmp_path, trainer_cfg__save_name="never")
    before = digests(output)
    assert command([*words, "--cfgs", str(file)]) == 0
    said = capsys.readouterr().out
    assert "  preflight of MimicGait, processes: 1\n" in said and "    13 checks in " in said
    assert digests(output) == before and not (output / "walkers/MimicGait/never").exists()
    huge = variant(trained.files[MIMIC], tmp_path, trainer_cfg__save_name="never", trainer_cfg__save_iter=1, trainer_cfg__total_iter=10**8)
    with pytest.raises(SystemExit) as ended:
        command([*words, "--cfgs", str(huge)])
    assert "error: preflight failed at disk: " in str(ended.value.code)
    assert re.search(r"\n    disk .* FAILED +100000000 of about .* --output\n", capsys.readouterr().out)


def test_who_trains_runs_it_unless_told_not_to(host_spec, output, trained, tmp_path, monkeypatch, capsys):
    """The launcher's command; the pipeline's first training shows every line, each further one a single line."""
    from opengait_mimic.cli import launcher

    asked = []
    monkeypatch.setattr(launcher, "launch", lambda *_, preflight=None, **__: asked.append(preflight is not None))
    monkeypatch.setattr(launcher, "_say_trained", lambda *_: None)
    for words in ([], ["--no-preflight"]):
        launcher.main(["--cfgs", str(trained.files[MIMIC]), "--host", host_spec, "--device", "cpu", "--output", str(output), *words])
    assert asked == [True, False]
    monkeypatch.undo()
    steps = {"trainer_cfg__total_iter": 1, "trainer_cfg__save_iter": 1, "evaluator_cfg__restore_hint": 1}
    for stage in ("VEN", HOSTS):
        variant(trained.files[stage], tmp_path, **steps)
    file = variant(trained.files[MIMIC], tmp_path, **steps)
    cfgs = yaml.safe_load(file.read_text())
    for block in ("backbone", "teacher", "ven"):
        cfgs["model_cfg"][block]["cfgs"] = str(tmp_path / Path(cfgs["model_cfg"][block]["cfgs"]).name)
    file.write_text(yaml.safe_dump(cfgs))
    out = tmp_path / "out"
    words = ["pipeline", "--cfgs", str(file), "--host", host_spec, "--device", "cpu", "--output", str(out)]
    capsys.readouterr()
    try:
        assert command(words) == 0
        said = capsys.readouterr().out
        assert said.count("preflight of Baseline, processes: 1\n") == said.count("test batch") == 1
        assert len(re.findall(r"preflight of \w+, processes: 1: \d+ checks in", said)) == 2
        shutil.rmtree(out)
        assert command([*words, "--no-preflight"]) == 0
        said = capsys.readouterr().out
        assert "preflight of" not in said
    finally:
        from opengait_mimic import host as hosts

        hosts.bind(host_spec, "cpu", output)


def test_a_small_batch_of_a_sampler_that_deals_no_subjects(built, monkeypatch):
    """OpenGait's CommonSampler, which the embedded host lacks: a number in place of [P, K]."""
    from data import sampler as samplers

    from opengait_mimic.preflight.batch import CLIPS, small_positions
    from opengait_mimic.preflight.trial import Trial

    model, cfgs = built(HOSTS)
    assert len(small_positions(model)) == CLIPS
    if not hasattr(samplers, "CommonSampler"):
        anyhow = lambda dataset, batch_size, batch_shuffle: [list(range(batch_size))]  # noqa: E731
        monkeypatch.setattr(samplers, "CommonSampler", anyhow, raising=False)
    for each in (model.cfgs, cfgs):
        each["trainer_cfg"]["sampler"].update(type="CommonSampler", batch_size=32)
    found = small_positions(model)
    assert len(found) == CLIPS and set(found) <= set(range(len(model.train_loader.dataset)))
    trial = Trial(model, cfgs, False)
    trial.take()
    assert len(trial.cut[1]) == CLIPS and trial.tried <= 64


@pytest.mark.parametrize("packed", [False, True])
def test_a_shortened_batch_has_the_first_frames_of_every_clip(packed):
    from opengait_mimic.preflight.batch import frames_in, shortened

    clips = [np.full((n, 2, 2), 10 * i) + np.arange(n)[:, None, None] for i, n in enumerate([5, 2, 7])]
    inputs, lengths = ([[np.concatenate(clips)]], np.asarray([[5, 2, 7]])) if packed else ([clips], None)
    found = shortened([inputs, [3, 1, 3], [*"abc"], [*"ABC"], lengths], 4)
    assert found[1:4] == [[3, 1, 3], [*"abc"], [*"ABC"]] and frames_in(found) == 10
    wanted = [clip[:4] for clip in clips]
    assert found[4].tolist() == [[4, 2, 4]] if packed else found[4] is None
    for got, expected in zip(found[0][0], [np.concatenate(wanted)] if packed else wanted):
        assert np.array_equal(got, expected)
