"""The shipped configurations: which there are, how they differ, that either host reads them and that each of them builds."""

from __future__ import annotations

import json
import logging
import os
import pickle

import numpy as np
import pytest
import torch
import yaml

from opengait_mimic import host as hosts
from opengait_mimic.cli.list_names import config_lines, host_models, listing
from opengait_mimic.host import CONFIGS, load_cfgs
from opengait_mimic.host import yaml_check as strict
from opengait_mimic.host.run_paths import checkpoint_file
from opengait_mimic.models.prepare import model_class, prepare
from opengait_mimic.training import resume
from opengait_mimic.training.launch import build, start_log
from tests.models.configs_list import CONFIGURATIONS, SETS, TEACHERS_OF_OPENGAIT, VEN_OF_OTHER_DATA, differences

NAMES = sorted(CONFIGURATIONS)
BLOCKS = ["data_cfg", "evaluator_cfg", "loss_cfg", "model_cfg", "optimizer_cfg", "scheduler_cfg", "trainer_cfg"]
CLASSES = {"gait3d": 3000, "grew": 20000, "casiab": 74, "oumvlp": 5153, "sustech1k": 250, "ccpg": 100}  # training subjects


def text(name: str) -> str:
    return (CONFIGS / f"{name}.yaml").read_text()


def read(name: str) -> dict:
    return yaml.safe_load(text(name))


def leaves(block, at=""):
    """Dotted key -> value; a list is one value."""
    if not isinstance(block, dict) or not block:
        return {at: block}
    found = {}
    for key, value in block.items():
        found.update(leaves(value, f"{at}.{key}" if at else key))
    return found


def classes(block):
    return {value for key, value in leaves(block).items() if key.endswith("class_num")}


# ---------------------------------------------------------------- which there are, and how they differ


def test_these_are_shipped_and_no_other():
    assert {file.relative_to(CONFIGS).with_suffix("").as_posix() for file in CONFIGS.rglob("*.*")} - {"__init__"} == CONFIGURATIONS


@pytest.mark.parametrize("name", NAMES)
def test_first_line_order_of_blocks_and_data_set(name):
    lines, given = text(name).splitlines(), read(name)
    assert lines[0].startswith("# starting point: ")
    assert [line[:-1].split(":")[0] for line in lines if line[:1].isalpha()] == BLOCKS
    data = SETS[next(part for part in name.split("_")[1:] if part in SETS)]
    assert given["data_cfg"]["dataset_name"] == given["data_cfg"]["test_dataset_name"] == data
    assert data == "walkers" or given["data_cfg"]["dataset_partition"] == f"./datasets/{data}/{data}.json"


@pytest.mark.parametrize(("one", "other", "stated"), differences(), ids=lambda value: value.split("/")[-1] if "/" in value else "")
def test_two_of_a_family_differ_only_where_they_should(one, other, stated):
    a, b = leaves(read(one)), leaves(read(other))
    differing = {key for key in {*a, *b} if a.get(key, "absent") != b.get(key, "absent")}
    stated = stated.split()
    unstated = {key for key in differing if not any(f"{key}.".startswith(f"{known}.") for known in stated)}
    equal = {known for known in stated if not any(f"{key}.".startswith(f"{known}.") for key in differing)}
    assert (unstated, equal) == (set(), set())


@pytest.mark.parametrize("name", NAMES)
def test_every_head_has_the_classes_of_its_data_set(name):
    data = next(part for part in name.split("_")[1:] if part in SETS)
    assert data == "walkers" or classes(read(name)["model_cfg"]) <= {CLASSES[data]}


def test_the_classes_are_the_training_subjects_of_opengaits_partitions(checkout):
    for data, count in CLASSES.items():
        partition = checkout / f"datasets/{SETS[data]}/{SETS[data]}.json"
        assert len(json.loads(partition.read_text())["TRAIN_SET"]) == count, data


# ---------------------------------------------------------------- what one says of another


@pytest.fixture(scope="session")
def checkout_or_none(request, host_spec):
    return request.getfixturevalue("checkout") if host_spec != "embedded" or os.environ.get("OPENGAIT_ROOT") else None


@pytest.mark.parametrize("name", NAMES)
def test_what_a_configuration_names_is_there_and_agrees_with_it(host, name, checkout_or_none):
    cfgs = load_cfgs(f"configs/{name}.yaml")
    model_cfg, data = cfgs["model_cfg"], cfgs["data_cfg"]["dataset_name"]
    resume.tested_iteration(cfgs)  # its test reads a checkpoint that its training writes
    for key in ("backbone", "teacher", "ven"):
        file = (model_cfg.get(key) or {}).get("cfgs")
        if file in TEACHERS_OF_OPENGAIT:
            if checkout_or_none is None:
                continue
            theirs = yaml.safe_load((checkout_or_none / file).read_text())
            inline = model_cfg["backbone"]
            assert theirs["model_cfg"] == inline, "the backbone is the teacher's, spelt out"
        elif file:
            assert file.removeprefix("configs/").removesuffix(".yaml") in CONFIGURATIONS
            theirs = load_cfgs(file)
        else:
            continue
        elsewhere = name in VEN_OF_OTHER_DATA and key == "ven"
        assert theirs["data_cfg"]["dataset_name"] == ("GREW" if elsewhere else data)
        if key == "teacher" and model_cfg.get("reference_compat") != "all":  # which has any_geometry
            from opengait_mimic.host.model_cfg import geometry_of

            assert list(geometry_of(theirs)) == model_cfg["geometry"]
        if key == "ven":
            drawn = {kind for kind, p in cfgs["trainer_cfg"]["occlusion"]["kinds"].items() if p}
            drawn |= {kind for kind, p in cfgs["evaluator_cfg"]["occlusion"]["kinds"].items() if p}
            assert drawn <= set(theirs["model_cfg"]["kinds"])
            assert [theirs["model_cfg"][k] for k in ("geometry", "binarise")] == [model_cfg[k] for k in ("geometry", "binarise")]


STARTED = [name for name in NAMES if isinstance(read(name)["trainer_cfg"]["restore_hint"], str)]


@pytest.mark.parametrize("name", STARTED)
def test_what_a_training_starts_from_is_what_another_one_writes(name):
    """The run of the same name without its last word."""
    base = read(name.rsplit("_", 1)[0])
    total, save = base["trainer_cfg"]["total_iter"], base["trainer_cfg"]["save_name"]
    folder = f"output/{base['data_cfg']['dataset_name']}/{base['model_cfg']['model']}/{save}/checkpoints"
    assert read(name)["trainer_cfg"]["restore_hint"] == f"{folder}/{save}-{total}.pt"
    assert base["evaluator_cfg"]["restore_hint"] == total and total % base["trainer_cfg"]["save_iter"] == 0


# ---------------------------------------------------------------- either host reads them


@pytest.mark.parametrize("name", NAMES)
def test_the_host_itself_reads_the_same(host, name, monkeypatch):
    """No problem, no key without effect; and the dictionary of OpenGait's own main is ours."""
    lines, logger, handler = [], logging.getLogger("opengait_mimic"), logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())
    logger.addHandler(handler)
    monkeypatch.setattr(strict, "_checked", set())
    monkeypatch.chdir(host.root)
    try:
        cfgs = load_cfgs(CONFIGS / f"{name}.yaml")
        if host.name == "opengait":
            from utils import config_loader

            assert cfgs == config_loader(str(CONFIGS / f"{name}.yaml"))
    finally:
        logger.removeHandler(handler)
    assert lines == []


# ---------------------------------------------------------------- each of them builds

FILES = {  # of one sequence, by data set; the silhouettes are written as they are, the rest in other shapes
    "SUSTech1K": (
        *("00-000-LiDAR-PCDs", "01-000-LiDAR-PCDs_depths", "02-000-LiDAR-PCDs_sils", "03-000-Camera-Pose", "04-000-Camera-Ratios-HW"),
        *("05-000-Camera-RGB_raw", "06-000-Camera-Sils_aligned", "07-000-Camera-Sils_raw", "08-sync-000-LiDAR-PCDs"),
        *("09-sync-000-LiDAR-PCDs_depths", "10-sync-000-LiDAR-PCDs_sils", "11-sync-000-Camera-Pose", "12-sync-000-Camera-Ratios-HW"),
        *("13-sync-000-Camera-RGB_raw", "14-sync-000-Camera-Sils_aligned", "15-sync-000-Camera-Sils_raw"),
    ),
    "CCPG": ("0_aligned-sils", "0_ratios", "0_rgbs", "0_sils"),
}
FORMS = {  # labels to train and to test on, and two sequences: type and view, as in the data set
    "walkers": (("0001", "0002"), ("0011", "0012"), (("nm-01", "054"), ("bg-01", "090"))),
    "Gait3D": (("1234", "1512"), ("0002", "0007"), (("camid33_videoid2", "seq0"), ("camid9_videoid1", "seq0"))),
    "GREW": (("00001train", "00002train"), ("00001", "00002"), (("01", "79XJefi8"), ("02", "t16VLaQf"))),
    "CASIA-B": (("001", "002"), ("075", "076"), (("nm-01", "000"), ("nm-05", "018"))),
    "OUMVLP": (("00001", "00003"), ("00002", "00004"), (("00", "000"), ("01", "015"))),
    "SUSTech1K": (("0000", "0002"), ("0001", "0003"), (("00-nm", "000"), ("01-nm", "045"))),
    "CCPG": (("000", "001"), ("100", "101"), (("U0_D0", "0"), ("U1_D1", "1"))),
}


def write_tree(folder, data: str) -> dict:
    """A tree in the data set's form, whole bodies as blocks of 64 x 64; its two places."""
    train, test, clips = FORMS[data]
    body = np.zeros((9, 64, 64), np.uint8)
    body[:, 4:60, 24:40] = 255
    for label in (*train, *test):
        for kind, view in clips:
            at = folder / "data" / label / kind / view
            at.mkdir(parents=True)
            for file in FILES.get(data, (view,)):
                other = data in FILES and "aligned" not in file.lower() or "14-sync" in file
                (at / f"{file}.pkl").write_bytes(pickle.dumps(np.ones((9, 5, 3)) if other else body))
    probes = [f"{label}-{'-'.join(clips[0])}" for label in test]
    (folder / "partition.json").write_text(json.dumps({"TRAIN_SET": train, "TEST_SET": test, "PROBE_SET": probes}))
    return {"dataset_root": str(folder / "data"), "dataset_partition": str(folder / "partition.json"), "num_workers": 0}


def narrow(block):
    """Two classes in every head: a head of 20000 takes gigabytes and is no part of the embedding."""
    if isinstance(block, dict):
        return {key: 2 if key == "class_num" else narrow(value) for key, value in block.items()}
    return block


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """All configurations with two classes and the data in small, under ``configs/`` of one folder."""
    folder = tmp_path_factory.mktemp("copies")
    places = {data: write_tree(tmp_path_factory.mktemp(data), data) for data in FORMS}
    for name in NAMES:
        cfgs = narrow(read(name))
        cfgs["data_cfg"].update(places[cfgs["data_cfg"]["dataset_name"]])
        cfgs["trainer_cfg"]["sampler"]["batch_size"][0] = 2
        file = folder / "configs" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(cfgs))
    return folder


def mark_slow(names: list[str], fast: tuple[str, ...]) -> list:
    """Parameters: configurations whose names contain none of ``fast`` are slow."""
    return [pytest.param(name, marks=() if any(part in name for part in fast) else pytest.mark.slow) for name in names]


@pytest.mark.parametrize(
    "name", mark_slow(NAMES, ("mimicgait_gaitbase_walkers", "mimicgait_gaitgl_walkers", "rggait_gaitbase_walkers", "ven_gait3d_classes"))
)
def test_each_builds_and_embeds_a_clip_of_its_data_set(host, copies, name, monkeypatch):
    monkeypatch.chdir(copies)  # so that they name each other's copies
    file = f"configs/{name}.yaml"
    prepare(file, "test")
    taught_here = (read(name)["model_cfg"].get("teacher") or {}).get("cfgs") not in TEACHERS_OF_OPENGAIT
    if taught_here and not isinstance(read(name)["trainer_cfg"]["restore_hint"], str):
        prepare(file, "train")
    cfgs = prepare(file, "embed")
    start_log(cfgs, False, False, quiet=True)
    cfgs["evaluator_cfg"]["restore_hint"] = 0  # weights are another matter
    model = model_class(cfgs)(cfgs, False).eval()
    with torch.no_grad():
        ipts = model.inputs_pretreament(next(iter(model.test_loader)))
        found = model(ipts)["inference_feat"]["embeddings"]
    shape = (256, 64 if "gaitgl" in name else 16)
    shape = {"ven": (64, 1), "gaitgl_gait3d": (128, 64)}.get("ven" if "ven" in name else name.split("_", 1)[1], shape)
    assert found.dim() == 3 and found.isfinite().all()
    assert "walkers" in name or found.shape[1:] == shape


# ---------------------------------------------------------------- each of them trains

AFTER = ("mimicgait/mimicgait_gaitbase_grew_middle", "mimicgait/mimicgait_gaitbase_grew_dynamic")  # start from another's weights


def untrained(file: str, at) -> None:
    """Random weights of a configuration's model, as a checkpoint."""
    if at.exists():
        return
    cfgs = prepare(file, "embed")
    start_log(cfgs, False, False, quiet=True)
    cfgs["evaluator_cfg"]["restore_hint"] = 0
    at.parent.mkdir(parents=True)
    torch.save({"model": model_class(cfgs)(cfgs, False).state_dict(), "iteration": 1}, at)


@pytest.fixture(scope="module")
def built_on(host, host_spec, copies, request):
    """Makes what a configuration is built on, untrained; says whether that can be: OpenGait's own teachers are in a checkout."""
    before = hosts.output()
    hosts.bind(host_spec, "cpu", copies / "output")
    checkout = request.getfixturevalue("checkout") if host_spec != "embedded" else None

    def make(name: str) -> bool:
        for key in ("teacher", "ven"):
            file = (read(name)["model_cfg"].get(key) or {}).get("cfgs")
            if file in TEACHERS_OF_OPENGAIT:
                if checkout is None:
                    return False
                theirs = narrow(yaml.safe_load((checkout / file).read_text()))
                theirs["data_cfg"].update(yaml.safe_load((copies / f"configs/{name}.yaml").read_text())["data_cfg"])
                (copies / file).parent.mkdir(parents=True, exist_ok=True)
                (copies / file).write_text(yaml.safe_dump(theirs))
            if file:
                untrained(file, checkpoint_file("auto", load_cfgs(file), key, must_exist=False))
        if name in AFTER:
            untrained(f"configs/{name.rsplit('_', 1)[0]}.yaml", copies / read(name)["trainer_cfg"]["restore_hint"])
        return True

    yield make
    hosts.bind(host_spec, "cpu", before)


PUBLISHED = [name for name in NAMES if "walkers" not in name]


@pytest.mark.parametrize("name", mark_slow(PUBLISHED, ("occlusionaware_gaitbase_gait3d", "ven_gait3d_classes")))
def test_each_builds_for_training_and_trains_all_that_it_should(host, copies, built_on, name, monkeypatch):
    """At its own widths: the parts fit (`models.backbone_probe` steps through them), and the optimiser has every parameter."""
    monkeypatch.chdir(copies)
    if not built_on(name):
        pytest.skip("its teacher is OpenGait's own: needs an OpenGait checkout")
    cfgs = prepare(f"configs/{name}.yaml", "train")
    start_log(cfgs, True, False, quiet=True)
    model = build(cfgs, True)
    trained = {id(parameter) for group in model.optimizer.param_groups for parameter in group["params"]}
    assert trained == {id(parameter) for parameter in model.parameters() if parameter.requires_grad} and trained
    assert set(model.loss_aggregator.losses) == {block["log_prefix"] for block in cfgs["loss_cfg"]}


# ---------------------------------------------------------------- opengait-mimic list


def test_the_list_names_everything_in_a_line_each(host, host_spec):
    lines = listing(host_spec, 120)
    assert max(len(line) for line in lines if str(host.root) not in line) <= 120 and not any(line.endswith("…") for line in lines)
    for names in hosts.REGISTERED.values():
        for name in names:
            (line,) = (line for line in lines if line.split()[:1] == [name])
            assert len(line.split()) > 3, "what it is"
    for name in NAMES:
        folder, file = name.split("/")
        at = next(i for i, line in enumerate(lines) if line.split() == [f"{file}.yaml", *line.split()[1:]])
        assert lines[at].strip().startswith(f"{file}.yaml  ")
        assert lines[at].split("  ")[-1].strip() == text(name).splitlines()[0].removeprefix("# starting point: ")
        assert next(line for line in reversed(lines[:at]) if line.startswith("  configs/")).startswith(f"  configs/{folder}/")
    assert "Baseline" in host_models() and not set(host_models()) & set(hosts.REGISTERED["modeling.models"])


def test_no_two_configurations_say_the_same_of_themselves():
    said = [text(name).splitlines()[0] for name in NAMES]
    assert sorted(set(said)) == sorted(said)


def test_a_narrow_terminal_shortens_and_a_reported_figure_is_kept(tmp_path):
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "a.yaml").write_text("# starting point: " + "word " * 40 + "\ndata_cfg: {}\n")
    (tmp_path / "ours" / "b.yaml").write_text("# reported: Rank-1 1.0, by some command\n")
    (tmp_path / "ours" / "c.yaml").write_text("data_cfg: {}\n")
    lines = config_lines(60, tmp_path)
    a, b, c = lines[-3:]
    assert a.startswith("    a.yaml  word word") and a.endswith("…") and len(a) <= 60
    assert b == "    b.yaml  reported: Rank-1 1.0, by some command" and c == "    c.yaml"
    assert "3 in" in lines[0] and "1 of them" in lines[1]
    assert all(len(line) <= 60 for line in lines[1:]), "sentences are wrapped"
