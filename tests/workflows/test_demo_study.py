"""``opengait-mimic demo``: every stage runs, what is done is kept, what cannot be is refused."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import pytest
import yaml

from opengait_mimic import host as hosts
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.cli import main
from tests.conftest import write_demo_files
from tests.host_runs import good

STAGES = ("GaitBase (teacher)", "VEN", "Baseline-2", "MimicGait")


def run_demo(folder, host, *words):
    """What a smoke run in a folder prints."""
    given = ["--smoke", "--seeds", "3", "--out", "run", "--host", host, "--device", "cpu", *words]
    return good("-m", "opengait_mimic.cli", "demo", *given, cwd=folder)


@pytest.fixture(scope="module")
def smoke(host_spec, tmp_path_factory):
    """The folder of a smoke run, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, run_demo(folder, host_spec)


@pytest.mark.slow
def test_every_stage_runs_and_every_method_has_every_cell(smoke, host):
    folder, text = smoke
    for stage in STAGES:
        line = next(line for line in text.splitlines() if line.strip().startswith(stage))
        assert " s   loss " in line and "->" in line
    assert "WARNING" not in text
    assert f"demo (smoke) on {host.name}" in text and "smoke run: it shows that every stage runs; the numbers mean nothing" in text
    assert [p.name for p in folder.iterdir()] == ["run"], "everything goes below --out"
    width, height = struct.unpack(">II", (folder / "run" / "training_view.png").read_bytes()[16:24])
    assert width > 300 and height > 300
    found = json.loads((folder / "run" / "results.json").read_text())
    cells = [(r["method"], r["occluded_side"], r["gallery_embedder"]) for r in found["rows"]]
    expected = [(m, p, "own") for m in ("Baseline-1", "Baseline-2", "MimicGait") for p in ("holistic", "probe", "both")]
    assert cells == [*expected, ("MimicGait", "probe", "teacher")]
    assert len({r["hp_rank1"] for r in found["rows"]}) == 1
    hidden = [r for r in found["rows"] if r["occluded_side"] != "holistic"]
    assert {r["seed"] for r in hidden} == {3} and len({str(r["kinds"]) for r in hidden}) == 1, "every method is hidden alike"
    assert found["host"] == host.name and found["commit"] == host.commit
    assert set(found["stages"]["seed 3"]) == set(STAGES)
    assert 0 <= found["stages"]["seed 3"]["VEN"]["visibility"]["scalar/test_accuracy/frame"] <= 100
    assert found["data"]["chance_rank1"] < 100


@pytest.mark.slow
def test_a_demo_stopped_half_way_does_the_rest(smoke, host_spec, tmp_path):
    """Two stages done, the third trained and not tested, the fourth not begun."""
    run = shutil.copytree(smoke[0] / "run", tmp_path / "run")  # done.json still names the tree where it was
    shutil.rmtree(run / "output" / "walkers" / "MimicGait")
    for name in ("baseline2", "mimicgait"):
        (run / "seed3" / f"{name}_gaitbase_walkers.json").unlink()
    (run / "results.json").unlink()
    text = run_demo(tmp_path, host_spec)
    lines = [next(line for line in text.splitlines() if line.strip().startswith(stage)) for stage in STAGES]
    assert [line.split("   ")[-1] for line in lines[:3]] == ["done before", "done before", "trained before"]
    assert " steps/s   holistic " in lines[3]
    ours, theirs = (json.loads((place / "run" / "results.json").read_text())["rows"] for place in (tmp_path, smoke[0]))
    assert ours == theirs


@pytest.mark.slow
def test_another_host_in_the_same_folder_is_another_run(smoke, host, request, tmp_path):
    """Stages done on one host are not reported as the other's."""
    other = "embedded" if host.name != "embedded" else request.getfixturevalue("checkout")
    shutil.copytree(smoke[0] / "run", tmp_path / "run")
    assert "done before" not in run_demo(tmp_path, other)


@pytest.mark.slow
def test_other_data_takes_the_place_of_walkers(smoke, host_spec, tmp_path):
    """A tree in OpenGait's form under GREW's name and protocol: types 01 and 02."""
    known = json.loads(next(smoke[0].glob("run/walkers-*/done.json")).read_text())
    partition = json.loads(Path(known["partition"]).read_text())
    kept = {"TRAIN_SET": partition["TRAIN_SET"], "TEST_SET": partition["TEST_SET"][:4]}
    for label in kept["TRAIN_SET"] + kept["TEST_SET"]:
        types = sorted(p for p in (Path(known["root"]) / label).iterdir() if p.is_dir())
        for name, source in zip(("01", "02"), types):
            view = sorted(source.iterdir())[0]
            shutil.copytree(view, tmp_path / "tree" / label / name / view.name)
    (tmp_path / "parts.json").write_text(json.dumps(kept))
    run_demo(tmp_path, host_spec, "--root", "tree", "--partition", "parts.json", "--dataset", "GREW")
    found = json.loads((tmp_path / "run" / "results.json").read_text())["rows"]
    assert {r["dataset"] for r in found} == {"GREW"} and {r["probes"] for r in found} == {4}


def test_written_configurations_are_complete_and_belong_together(host, tree, tmp_path):
    files = write_demo_files(tmp_path / "deep", tree, 10, 40)
    assert list(files) == list(STAGES)
    read = {stage: yaml.safe_load(file.read_text()) for stage, file in files.items()}
    assert [read[stage]["trainer_cfg"]["total_iter"] for stage in STAGES] == [40, 10, 40, 40]
    for stage, cfgs in read.items():
        assert cfgs["evaluator_cfg"]["restore_hint"] == cfgs["trainer_cfg"]["save_iter"] == cfgs["trainer_cfg"]["total_iter"]
        assert cfgs["evaluator_cfg"]["save_name"] == cfgs["trainer_cfg"]["save_name"]
        assert cfgs["trainer_cfg"]["save_name"].endswith("-seed0")
        assert all(0 < m <= cfgs["trainer_cfg"]["total_iter"] for m in cfgs["scheduler_cfg"]["milestones"])
        assert cfgs["data_cfg"]["dataset_root"] == str(tree.root) and cfgs["trainer_cfg"]["seed"] == 0
        for block in cfgs["model_cfg"].values():
            assert not isinstance(block, dict) or "cfgs" not in block or (tmp_path / "deep" / block["cfgs"]).is_file(), stage
    assert read["GaitBase (teacher)"]["model_cfg"]["SeparateBNNecks"]["class_num"] == len(tree.train)


def test_methods_are_names_or_files_and_cold_starts_from_random_weights(host, tree, tmp_path):
    from opengait_mimic.workflows.demo_study import Size, find_configuration, write_configurations

    own = tmp_path / "own.yaml"
    own.write_text(find_configuration("mimicgait").read_text())
    data = {"dataset_root": "r", "dataset_partition": "p", "dataset_name": "walkers", "test_dataset_name": "walkers"}
    methods = [find_configuration("occlusionaware"), find_configuration(str(own))]
    files = write_configurations(tmp_path / "out", methods, Size(9, 2, 4), data, 7, 1, cold=True)
    names = [file.name for file in files]
    assert names == ["baseline1_gaitbase_walkers.yaml", "ven_walkers.yaml", "occlusionaware_gaitbase_walkers.yaml", "own-cold.yaml"]
    assert yaml.safe_load(files[-1].read_text())["model_cfg"]["init_mimic"] is False
    with pytest.raises(ConfigError, match="--methods mimicgate: .*mimicgait"):
        find_configuration("mimicgate")


def test_two_configurations_of_one_model_keep_their_checkpoints_and_rows_apart(host, tree, tmp_path):
    from opengait_mimic.workflows.demo_study import Size, find_configuration, name_rows, plan_stages, write_configurations

    vanilla = yaml.safe_load(find_configuration("mimicgait").read_text())
    vanilla["model_cfg"]["ven"] = None
    (tmp_path / "vanilla.yaml").write_text(yaml.safe_dump(vanilla))
    data = {"dataset_root": "r", "dataset_partition": "p", "dataset_name": "walkers", "test_dataset_name": "walkers"}
    methods = [find_configuration("mimicgait"), find_configuration(str(tmp_path / "vanilla.yaml"))]
    files = write_configurations(tmp_path / "out", methods, Size(9, 2, 4), data, 7, 1)
    stages = plan_stages(files, tmp_path)
    saved = [yaml.safe_load(stage.train.read_text())["trainer_cfg"]["save_name"] for stage in stages]
    assert saved == ["GaitBase-seed1", "VEN-seed1", "MimicGait-seed1", "MimicGait-vanilla-seed1"]
    names = [f"MimicGait {files[2].stem}", "MimicGait vanilla"]
    assert [stage.name for stage in stages[2:]] == names
    assert [name_rows(stage.name, [{"method": "MimicGait"}])[0]["method"] for stage in stages[2:]] == names
    assert [stage.teacher_of for stage in stages] == [files[-1], None, None, None]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--root", "x"], "error: demo: --root, --partition and --dataset belong together"),
        (["--root", "x", "--dataset", "GREW"], "error: demo: --root, --partition and --dataset belong together"),
        (["--root", "nowhere", "--partition", "parts.json", "--dataset", "GREW"], "nowhere not found"),
    ],
)
def test_data_that_cannot_be_used_are_refused(host, host_spec, output, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts.json").write_text('{"TRAIN_SET": ["1"], "TEST_SET": ["2"]}')
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--smoke", "--out", "run", "--host", host_spec, "--device", "cpu", *words])
    hosts.bind(host_spec, "cpu", output)
    assert message in ended.value.code
