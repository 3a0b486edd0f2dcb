"""Strict configurations: what is refused, in which words, and that OpenGait's own files run with one line at most."""

from __future__ import annotations

import copy
import logging
import re
import sys

import pytest
import yaml
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from opengait_mimic.base.config import merge
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.base.yaml_text import find_slips as slips
from opengait_mimic.host import CONFIGS, REGISTERED, load_cfgs
from opengait_mimic.host import yaml_check as strict
from opengait_mimic.host.yaml_keys import BLOCKS
from opengait_mimic.host.yaml_keys import SAMPLER as SAMPLING
from opengait_mimic.host.yaml_problems import arguments
from opengait_mimic.host.yaml_problems import find_problems as problems

EVALUATIONS = ()

SHIPPED = {file.relative_to(CONFIGS).as_posix(): file for file in sorted(CONFIGS.rglob("*.yaml"))}
MIMIC, TEACHER = "mimicgait/mimicgait_gaitbase_walkers.yaml", "baseline1/baseline1_gaitbase_walkers.yaml"


@pytest.fixture(scope="module")
def default(host):
    return yaml.safe_load((host.root / "configs" / "default.yaml").read_text())


@pytest.fixture
def warnings():
    """The lines our logger warns with."""
    lines, logger, handler = [], logging.getLogger("opengait_mimic"), logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def told(file) -> str:
    with pytest.raises(ConfigError) as error:
        load_cfgs(file)
    return str(error.value)


def written(folder, text: str):
    file = folder / "mine.yaml"
    file.write_text(text)
    return file


def edited(name: str, *edits: tuple[str, str]) -> str:
    """A shipped file's text with some pieces replaced, each of them once."""
    text = SHIPPED[name].read_text()
    for old, new in edits:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return text


WRONG = [  # a piece of the mimic's file, what is written instead -> what the message must hold
    ("loss_cfg:", "loss_cgf:", ["loss_cgf: unknown key (did you mean 'loss_cfg'?); allowed: ['data_cfg', ", "given [{"]),
    ("  dataset_root:", "  datset_root:", ["data_cfg.datset_root: unknown key (did you mean 'dataset_root'?)", "given 'walkers/walkers'"]),
    ("num_workers: 0", "num_workers: -1", ["data_cfg.num_workers = -1; expected a whole number of at least 0"]),
    ("restore_hint: 500", "restore_hint: 5.5", ["evaluator_cfg.restore_hint = 5.5; expected a whole number"]),
    ("metric: euc", "metric: euk", ["evaluator_cfg.metric = 'euk' (did you mean 'euc'?); allowed: 'euc', 'cos'"]),
    ("  metric: euc", "  rerank: true", ["evaluator_cfg.rerank: unknown key", "given True"]),
    ("occluded_side: both", "occluded_side: bth", ["evaluator_cfg.occlusion.occluded_side = 'bth' (did you mean 'both'?)"]),
    ("occluded_side: both", "protocol: both", ["evaluator_cfg.occlusion.protocol: this key was renamed; write occluded_side: both"]),
    (
        "hidden: [0.4, 0.6], occluded_side",
        "hiden: [0.4, 0.6], occluded_side",
        ["evaluator_cfg.occlusion.hiden: unknown key (did you mean 'hidden'?)"],
    ),
    (
        "hidden: [0.4, 0.6], occluded_side",
        "reference_compat: {movin: published}, occluded_side",
        ["evaluator_cfg.occlusion.reference_compat.movin: unknown key (did you mean 'moving'?); allowed: ['all', 'grey_whole', 'moving', "],
    ),
    (
        "kinds: {none: 0.2, top: 0.4, bottom: 0.4},",
        "reference_compat: al,",
        ["trainer_cfg.occlusion.reference_compat = 'al' (did you mean 'all'?); expected the word all, or a mapping of shared_draw, "],
    ),
    ("distance: parts,", "distance: centred, reference_compat: all,", ["loss_cfg[0].reference_compat.l2_normalised is the distance 'l2'"]),
    (
        "kinds: {none: 0.2, top: 0.4,",
        "kinds: {none: 0.2, tpo: 0.4,",
        ["trainer_cfg.occlusion.kinds.tpo: unknown kind (did you mean 'top'?)"],
    ),
    ("  occlusion: {kinds: {none", "  oclusion: {kinds: {none", ["trainer_cfg.oclusion: unknown key (did you mean 'occlusion'?)"]),
    ("  seed: 0\n", "  seed: -1\n", ["trainer_cfg.seed = -1; expected a whole number from 0 to 4000000"]),
    ("total_iter: 500", "total_iter: 5e2", ["trainer_cfg.total_iter = '5e2' in line ", "YAML reads 5e2 as text: write 5.0e+2"]),
    ("sync_BN: false", "sync_BN: flase", ["trainer_cfg.sync_BN = 'flase'; expected true or false"]),
    ("sync_BN: false", "syncBN: false", ["trainer_cfg.syncBN: unknown key (did you mean 'sync_BN'?)"]),
    ("frames_num_fixed: 6", "frame_num_fixed: 6", ["trainer_cfg.sampler.frame_num_fixed: unknown key (did you mean 'frames_num_fixed'?)"]),
    (
        "sample_type: fixed_unordered",
        "sample_type: fixd_ordered",
        ["trainer_cfg.sampler.sample_type = 'fixd_ordered' (did you mean 'fixed_ordered'?)"],
    ),
    ("batch_shuffle: true", "batch_shuffle: flase", ["trainer_cfg.sampler.batch_shuffle = 'flase'; expected true or false"]),
    ("    batch_size: 1 #", "    batch_shuffle: false #", ["evaluator_cfg.sampler.batch_shuffle: unknown key", "given False"]),
    (
        "{type: RandomHorizontalFlip, prob: 0.2}",
        "{type: RandomHorizontalFlip, probability: 0.2}",
        ["trainer_cfg.transform[0].trf_cfg[1].probability: unknown key", "allowed: ['prob', 'type']; given 0.2"],
    ),
    (
        "{type: RandomHorizontalFlip,",
        "{tpye: RandomHorizontalFlip,",
        ["trainer_cfg.transform[0].trf_cfg[1].tpye: unknown key (did you mean 'type'?)"],
    ),
    ("margin: 0.2,", "magrin: 0.2,", ["loss_cfg[0].magrin: unknown key (did you mean 'margin'?)", "given 0.2"]),
    ("margin: 0.2,", "margin: -1,", ["loss_cfg[0].margin = -1; expected a number from 0 to "]),
    ("distance: parts,", "distance: part,", ["loss_cfg[0].distance = 'part' (did you mean 'parts'?); allowed: 'parts', "]),
    (
        "distance: parts,",
        "reference_compat: {teacher_anchor: true},",
        ["loss_cfg[0].reference_compat.teacher_anchor: unknown key (did you mean 'teacher_anchors'?)"],
    ),
    ("- {type: MiCKDLoss", "- {tipe: MiCKDLoss", ["loss_cfg[0].tipe: unknown key (did you mean 'type'?)"]),
    ("log_prefix: mickd, ", "log_prefix: 3, ", ["loss_cfg[0].log_prefix = 3; expected a non-empty string"]),
    ("  model: MimicGait", "  modell: MimicGait", ["model_cfg.modell: unknown key (did you mean 'model'?)", "given 'MimicGait'"]),
    ("  teacher:\n", "  techer:\n", ["model_cfg.techer: unknown key (did you mean 'teacher'?)"]),
    (
        "    checkpoint: auto",
        "    chekpoint: auto",
        ["model_cfg.teacher.chekpoint: unknown key (did you mean 'checkpoint'?)", "given 'auto'"],
    ),
    ("backbone: {cfgs:", "backbone: {cfg:", ["model_cfg.backbone.cfg: unknown key (did you mean 'cfgs'?)"]),
    ("  geometry: [64, 44]", "  geometry: [64, 4]", ["model_cfg.geometry[1] = 4; expected a whole number of at least 8"]),
    ("init_mimic: true", "init_mimic: 1", ["model_cfg.init_mimic = 1; expected true or false"]),
    ("  binarise: 0.5", "  binarise: 5", ["model_cfg.binarise = 5; expected a number from 0 to 1, or null"]),
    ("reference_compat: {}", "reference_compat: {rank: bear}", ["model_cfg.reference_compat.rank = 'bear' (did you mean 'bare'?)"]),
    ("lr: 0.002", "lr: 1e-4", ["optimizer_cfg.lr = '1e-4' in line ", "write 1.0e-4"]),
    ("lr: 0.002", "lr: '0.002'", ["optimizer_cfg.lr = '0.002'; expected a number"]),
    ("gamma: 0.1,", "gamma: slow,", ["scheduler_cfg.gamma = 'slow'; expected a number"]),
    ("weight_decay: 0.0005", "amsgrad: flase", ["optimizer_cfg.amsgrad = 'flase'; expected true or false"]),
    ("  sync_BN: false\n", "  T_max_iter: 500\n", ["trainer_cfg.T_max_iter: unknown key", "given 500"]),
    ("weight_decay: 0.0005", "momentum: 0.9", ["optimizer_cfg.momentum: unknown key", "given 0.9"]),
    ("gamma: 0.1,", "gama: 0.1,", ["scheduler_cfg.gama: unknown key (did you mean 'gamma'?)"]),
    ("lr: 0.002,", "lr: 0.002, weight_decay: 0.0,", ["optimizer_cfg.weight_decay: given twice, in line "]),
    ("trainer_cfg:\n", "trainer_cfg: []\nmore:\n", ["2 problems", "trainer_cfg = []; expected a mapping", "more: unknown key"]),
]


@pytest.mark.parametrize(("old", "new", "parts"), WRONG, ids=[new.strip() for _, new, _ in WRONG])
def test_a_wrong_file_is_refused_by_file_key_value_and_what_is_allowed(host, tmp_path, old, new, parts):
    file = written(tmp_path, edited(MIMIC, (old, new)))
    message = told(file)
    assert message.startswith(f"{file}: ")
    for part in parts:
        assert part in message
    assert message.count("\n") == (0 if "2 problems" not in message else 2)  # one slip, one problem


def test_every_problem_of_a_file_is_told_at_once_and_a_flood_is_cut(host, tmp_path):
    edits = [("margin:", "margn:"), ("gamma:", "gama:"), ("  teacher:\n", "  techer:\n"), ("init_mimic: true", "init_mimic: 1")]
    message = told(written(tmp_path, edited(MIMIC, *edits)))
    assert "mine.yaml: 4 problems\n" in message and message.count("\n") == 4
    for key in ("loss_cfg[0].margn", "scheduler_cfg.gama", "model_cfg.techer", "model_cfg.init_mimic = 1"):
        assert key in message
    many = "".join(f"  wrong{i}: 0\n" for i in range(14))
    message = told(written(tmp_path, edited(MIMIC, ("data_cfg:\n", "data_cfg:\n" + many))))
    assert "14 problems" in message and message.count("unknown key") == 10 and message.endswith("\n  and 4 more")


def test_line_numbers_of_a_key_given_twice(host, tmp_path):
    text = edited(MIMIC, ("  sync_BN: false\n", "  sync_BN: false\n  sync_BN: true\n"))
    lines = [i for i, line in enumerate(text.splitlines(), 1) if "sync_BN" in line]
    assert f"trainer_cfg.sync_BN: given twice, in line {lines[0]} and line {lines[1]}" in told(written(tmp_path, text))


@given(st.from_regex(r"[-+]?[0-9]{1,3}(\.[0-9]{0,3})?[eE][-+]?[0-9]{1,2}", fullmatch=True))
def test_a_number_that_yaml_takes_for_text_is_told_with_a_spelling_it_reads(value):
    found = slips(f"block: [{{lr: {value}, quoted: '{value}'}}]")
    if isinstance(yaml.safe_load(value), float):
        assert found == []
        return
    (slip,) = found
    assert slip.key == "block[0].lr" and slip.message.startswith(f"block[0].lr = {value!r} in line 1; ")
    spelling = yaml.safe_load(slip.message.rpartition("write ")[2])
    assert isinstance(spelling, float) and spelling == float(value)


def test_an_alias_and_a_merged_block_repeat_nothing():
    assert slips("a: &it {x: 1, y: 2}\nb: *it\nc: {<<: *it, x: 3}\nd: [*it, *it]\n") == []
    assert [slip.message for slip in slips("a:\n- b: {x: 1,\n   x: 2}\n")] == ["a[0].b.x: given twice, in line 2 and line 3; keep one"]


def test_values_of_the_other_models_are_read_as_well(host, tmp_path):
    ven = edited(
        "ven/ven_walkers.yaml", ("kinds: [none, bottom, top]", "kinds: [none, botom]"), ("loss_term_weight: 10.0", "loss_term_weight: -1")
    )
    message = told(written(tmp_path, ven))
    assert "model_cfg.kinds = ['none', 'botom']" in message and "loss_cfg[1].loss_term_weight = -1; expected a number from 0" in message
    two = edited("baseline2/baseline2_gaitbase_walkers.yaml", ("  geometry:", "  teacher: {chekpoint: auto}\n  geometry:"))
    assert "model_cfg.teacher.chekpoint: unknown key (did you mean 'checkpoint'?)" in told(written(tmp_path, two))


def test_a_backbone_given_inline_is_the_hosts_own_affair(host, tmp_path):
    cfgs = yaml.safe_load(SHIPPED[MIMIC].read_text())
    cfgs["model_cfg"]["backbone"] = {"model": "Baseline", "anything": {"deep": 1}}
    assert load_cfgs(written(tmp_path, yaml.safe_dump(cfgs)))["model_cfg"]["backbone"]["anything"] == {"deep": 1}


def test_our_transform_is_built_for_its_own_checks(host, tmp_path):
    step = "{type: OcclusionAugmentation, kinds: {top: 0.5}, hidden: [0.4, 0.6]}"
    text = edited(TEACHER, ("- {type: RandomHorizontalFlip, prob: 0.2}", f"- {step}"))
    assert "trainer_cfg.transform[0].trf_cfg[1].kinds: the probabilities add up to 0.5" in told(written(tmp_path, text))


# ---------------------------------------------------------------- any misspelling


def key_paths(cfgs: dict, host_model: bool) -> list[tuple]:
    """Every mapping key of a configuration; what a host model builds itself from left out, as a backbone inline too."""

    def walk(value, path):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield (*path, key)
                if not (path == ("model_cfg",) and (host_model or (key == "backbone" and "model" in inner))):
                    yield from walk(inner, (*path, key))
        elif isinstance(value, list):
            for i, inner in enumerate(value):
                yield from walk(inner, (*path, i))

    return [p for p in walk(cfgs, ()) if not (host_model and p[:1] == ("model_cfg",) and p[1:] not in ((), ("model",)))]


def one_letter(name: str, how: str, at: int, letter: str) -> str:
    at %= len(name)
    if how == "drop":
        return name[:at] + name[at + 1 :]
    if how == "swap":
        return name[:at] + name[at : at + 2][::-1] + name[at + 2 :]
    return name[:at] + letter + name[at + (how == "other") :]


def distance(a: str, b: str) -> int:
    """Edit distance with swaps of neighbours, by the textbook table."""
    table = {(i, j): max(i, j) for i in range(len(a) + 1) for j in range(len(b) + 1) if not i or not j}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 2 : i] == b[j - 2 : j][::-1]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[len(a), len(b)]


@settings(max_examples=60)
@given(data=st.data())
def test_any_misspelt_key_of_a_shipped_file_is_refused_and_a_near_name_proposed(host, default, data):
    name = data.draw(st.sampled_from(sorted(SHIPPED)))
    cfgs = yaml.safe_load(SHIPPED[name].read_text())
    *path, key = data.draw(st.sampled_from(key_paths(cfgs, host_model=name.startswith("baseline1/"))))
    how, at = data.draw(st.sampled_from(["drop", "swap", "other", "more"])), data.draw(st.integers(0, 30))
    wrong = one_letter(key, how, at, data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz_")))
    block = cfgs
    for step in path:
        block = block[step]
    legal = {"test_dataset_name", "dataset_name"}  # both valid, and far apart
    assume(wrong and wrong != key and wrong not in block and wrong not in legal)
    items = [(wrong if k == key else k, v) for k, v in block.items()]
    block.clear()
    block.update(items)
    text = yaml.safe_dump(cfgs, sort_keys=False)
    with pytest.raises(ConfigError) as error:
        strict.check_file(SHIPPED[name], text, yaml.safe_load(text), default)
    dotted = re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, (*path, wrong))))
    (line,) = [line for line in str(error.value).splitlines() if f"{dotted}: unknown" in line]
    proposed = re.search(r"did you mean '(\w+)'\?", line).group(1)
    event(how)
    assert distance(proposed, wrong) == 1


# ---------------------------------------------------------------- what passes


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_file_passes_without_a_word(host, warnings, name):
    load_cfgs(SHIPPED[name])
    assert warnings == []


def test_the_hosts_defaults_pass(host, default):
    assert list(problems(default, default)) == []


def test_every_yaml_of_a_checkout_passes_with_one_line_at_most(checkout, host, warnings):
    files = sorted((checkout / "configs").rglob("*.yaml"))
    assert len(files) > 50
    for file in files:
        before = len(warnings)
        load_cfgs(file)
        assert len(warnings) - before <= 1
        assert all(str(file) in line and "\n" not in line for line in warnings[before:])


def test_the_host_itself_drops_the_same_keys(checkout, host, default):
    """The host's own choice of arguments, for every block of every YAML it ships that names a class."""
    from utils import get_valid_args

    places = (
        *(("optimizer_cfg", "torch.optim", "solver", ()), ("scheduler_cfg", "torch.optim.lr_scheduler", "scheduler", ())),
        *(("loss_cfg", "modeling.losses", "type", BLOCKS["loss_cfg"]), ("sampler", "data.sampler", "type", SAMPLING)),
    )
    compared = 0
    for file in sorted((checkout / "configs").rglob("*.yaml")):
        user = yaml.safe_load(file.read_text())
        ours = {found.key for found in problems(user, default) if found.dropped}
        for part, namespace, naming, own in places:
            holders = [(user.get(f"{e}_cfg", {}), default[f"{e}_cfg"], f"{e}_cfg.") for e in ("trainer", "evaluator")]
            for holder, base, prefix in holders if part == "sampler" else [(user, default, "")]:
                blocks = holder.get(part, [])
                listed = isinstance(blocks, list)
                for i, block in enumerate(blocks if listed else [blocks]):
                    made = getattr(sys.modules[namespace], block.get(naming) or base[part][naming], None)
                    if made is None:
                        continue
                    known = {*get_valid_args(made, block), naming, *own}
                    where = f"{prefix}{part}[{i}]" if listed else prefix + part
                    assert {f"{where}.{key}" for key in block if key not in known} == {k for k in ours if k.rpartition(".")[0] == where}
                    compared += 1
    assert compared > 200


def test_every_key_the_host_reads_by_name_is_in_the_tables(host):
    """The host's sources, searched for subscripts of its blocks."""
    blocks = "data_cfg|data_config|engine_cfg|trainer_cfg|evaluator_cfg|sample_config|sampler_cfg"
    reading = re.compile(rf"(?:{blocks})['\"]?\]?(?:\[|\.get\()['\"](\w+)['\"]")
    read = {key for file in host.source.rglob("*.py") for key in reading.findall(file.read_text(encoding="utf-8", errors="replace"))}
    known = {key for table in BLOCKS.values() for key in table} | set(SAMPLING) | {"type"}
    assert {"total_iter", "sample_type", "restore_hint"} <= read <= known


def test_every_model_of_ours_has_its_table_of_fields(host):
    for name in REGISTERED["modeling.models"]:
        assert "model" in getattr(sys.modules["modeling.models"], name).FIELDS


def function(data, dataset, metric="euc", rounds=3, sure=False, *, hidden=1): ...


@pytest.mark.parametrize(
    ("module", "refused"),
    [
        ("opengait_mimic.losses", [("rounds", "4"), ("rounds", [4]), ("sure", 1), ("sure", "area")]),
        ("torch.optim.adam", [("rounds", "4"), ("sure", "area")]),
        ("modeling.losses.mine", [("sure", "flase"), ("sure", "True")]),
        ("mine", [("sure", "ture"), ("sure", "False")]),
    ],
)
def test_what_a_default_tells_of_a_value(module, refused, monkeypatch):
    monkeypatch.setattr(function, "__module__", module)
    taken = arguments(function, 2)
    assert list(taken) == ["metric", "rounds", "sure"]  # keyword-only arguments are none the host passes
    for key, value in (("metric", "l1"), ("metric", 3), ("rounds", 4), ("rounds", 0.5), ("sure", True)):
        taken[key](value, "k")
    for key, wrong in refused:
        with pytest.raises(ConfigError, match=f"^{re.escape(f'k = {wrong!r}')}; expected"):
            taken[key](wrong, "k")
    if not module.startswith("opengait_mimic."):
        for key, value in (("rounds", [4, 0.8]), ("rounds", None), ("sure", 1), ("sure", None)):
            taken[key](value, "k")
    if "mine" in module:
        for key, value in (("rounds", "half"), ("sure", "area"), ("sure", "l2"), ("sure", "nearest")):
            taken[key](value, "k")


# ---------------------------------------------------------------- a user's own classes beside ours


class MyResize:
    def __init__(self, size=64, mode=False): ...


class MyLoss:
    def __init__(self, margin=0.2, norm=False): ...


def my_eval(data, dataset, metric="euc", rounds=3): ...


def put(monkeypatch, namespace: str, thing, home: str):
    """What a user adds: in the host's file (``home`` is the namespace) or registered from a module of the user's."""
    monkeypatch.setattr(thing, "__module__", home or namespace)
    monkeypatch.setattr(sys.modules[namespace], thing.__name__, thing, raising=False)


@pytest.mark.parametrize("home", ["", "my_gait.things"])
def test_a_users_own_classes_take_other_values_than_their_defaults(host, tmp_path, monkeypatch, warnings, home):
    put(monkeypatch, "data.transform", MyResize, home)
    put(monkeypatch, "modeling.losses", MyLoss, home)
    put(monkeypatch, "evaluation.evaluator", my_eval, home)
    step, loss = "{type: MyResize, size: [64, 44], mode: area}", "{type: MyLoss, margin: auto, norm: l2}"
    cfgs = yaml.safe_load(edited(MIMIC, ("{type: RandomHorizontalFlip, prob: 0.2}", step)))
    cfgs["loss_cfg"].append(yaml.safe_load(loss))
    cfgs["evaluator_cfg"].update(eval_func="my_eval", metric="l1", rounds=[1, 5])
    cfgs["scheduler_cfg"] = {"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 500, "base_momentum": [0.8]}
    assert load_cfgs(written(tmp_path, yaml.safe_dump(cfgs)))["evaluator_cfg"]["metric"] == "l1"
    assert warnings == []
    cfgs["evaluator_cfg"]["round"] = cfgs["loss_cfg"][-1]["nrom"] = cfgs["loss_cfg"][-1].pop("norm")
    message = told(written(tmp_path, yaml.safe_dump(cfgs)))
    assert "evaluator_cfg.round: unknown key (did you mean 'rounds'?)" in message and ".nrom: unknown key (did you mean 'norm'?)" in message


def test_a_users_evaluation_without_a_metric_may_stand_beside_the_hosts_default(host, tmp_path, monkeypatch, warnings):
    def plain_eval(data, dataset): ...

    put(monkeypatch, "evaluation.evaluator", plain_eval, "")
    load_cfgs(written(tmp_path, edited(MIMIC, ("eval_func: evaluate_walkers", "eval_func: plain_eval"))))
    assert warnings == []


def test_the_hosts_evaluations_are_the_listed_ones(checkout, host):
    evaluator = sys.modules["evaluation.evaluator"]
    there = {name for name, value in vars(evaluator).items() if getattr(value, "__module__", "") == evaluator.__name__}
    scored = {name for name in there if name.startswith("evaluate") or name.endswith("submission")}
    assert {name for _, name in EVALUATIONS} >= scored  # the embedded host has some of them


class MyGait:
    """A user's model; what it reads is its own affair."""


@pytest.mark.parametrize("home", ["", "my_gait.things"])
def test_a_users_own_model_may_read_keys_of_its_own_beside_ours(host, tmp_path, monkeypatch, warnings, home):
    put(monkeypatch, "modeling.models", MyGait, home)
    cfgs = yaml.safe_load(SHIPPED[TEACHER].read_text())
    cfgs["model_cfg"] = {"model": "MyGait", "deep": 1}
    cfgs["trainer_cfg"].update(seed=3, warmup_fraction=0.1, T_max_iter=500)
    cfgs["evaluator_cfg"].update(occlusion=None, gallery_pool="mean")
    file = written(tmp_path, yaml.safe_dump(cfgs))
    assert load_cfgs(file)["trainer_cfg"]["warmup_fraction"] == 0.1
    (line,) = warnings
    told_keys = "trainer_cfg.warmup_fraction, evaluator_cfg.gallery_pool"
    assert line == f"{file}: keys the host does not read, without effect unless the model does: {told_keys}"
    for near, meant in (("sed", "seed"), ("oclusion", "occlusion"), ("totaliter", "total_iter"), ("T_max_itr", "T_max_iter")):
        wrong = copy.deepcopy(cfgs)
        wrong["trainer_cfg"][near] = 1
        message = told(written(tmp_path, yaml.safe_dump(wrong)))
        assert f"trainer_cfg.{near}: unknown key (did you mean '{meant}'?)" in message
        assert message.endswith("a key that your own model reads goes into model_cfg") and "warmup_fraction:" not in message
    for block, key in (("trainer_cfg", "warmup_fraction"), ("evaluator_cfg", "gallery_pool"), ("trainer_cfg", "T_max_iter")):
        ours = yaml.safe_load(SHIPPED[MIMIC].read_text())
        ours[block][key] = 1
        assert f"{block}.{key}: unknown key" in told(written(tmp_path, yaml.safe_dump(ours)))


KEYS = {  # of a backbone's YAML, which nobody else reads
    "trainer_cfg": {"T_max_iter": 500, "warmup_fraction": 0.1},
    "evaluator_cfg": {"gallery_pool": "mean"},
    "optimizer_cfg": {"lr_of_the_stem": 0.01},
    "scheduler_cfg": {"per_group": [1, 2]},
}


def with_keys(name: str, model_cfg: dict | None = None) -> dict:
    """A shipped file with `KEYS`."""
    cfgs = yaml.safe_load(SHIPPED[name].read_text())
    for block, keys in KEYS.items():
        cfgs[block].update(keys)
    if model_cfg is not None:
        cfgs["model_cfg"] = model_cfg
    return cfgs


@pytest.mark.parametrize("method", ["mimicgait", "baseline2", "occlusionaware"])
@pytest.mark.parametrize("home", ["", "my_gait.things"])
def test_a_key_that_the_backbones_own_yaml_has_is_known_beside_that_backbone(host, tmp_path, monkeypatch, warnings, method, home):
    put(monkeypatch, "modeling.models", MyGait, home)
    theirs = tmp_path / "theirs.yaml"
    theirs.write_text(yaml.safe_dump(with_keys(TEACHER, {"model": "MyGait"})))
    ours = with_keys(f"{method}/{method}_gaitbase_walkers.yaml")
    ours["model_cfg"]["backbone"] = {"cfgs": str(theirs)}
    read = load_cfgs(written(tmp_path, yaml.safe_dump(ours)))
    assert all(read[block][key] == value for block, keys in KEYS.items() for key, value in keys.items())
    assert warnings == []
    for block, keys in KEYS.items():
        for key, value in keys.items():
            wrong = copy.deepcopy(ours)
            wrong[block][key[:-1]] = wrong[block].pop(key)
            line = rf"mine\.yaml: {block}\.{key[:-1]}: unknown key \(did you mean '{key}'\?\); allowed: .*; given "
            assert re.search(line + re.escape(repr(value)), told(written(tmp_path, yaml.safe_dump(wrong))))
    ours["trainer_cfg"]["T_max_iter"] = 0
    assert "T_max_iter = 0; expected a whole number of at least 1" in told(written(tmp_path, yaml.safe_dump(ours)))


def test_the_backbones_arguments_are_not_those_of_another_class(host, tmp_path):
    """What its optimiser and its evaluation take is no key of the model's: with others it would be dropped."""
    theirs, ours = (yaml.safe_load(SHIPPED[stage].read_text()) for stage in (TEACHER, MIMIC))
    theirs["optimizer_cfg"] = {"solver": "SGD", "lr": 0.1, "nesterov": True}
    (tmp_path / "theirs.yaml").write_text(yaml.safe_dump(theirs))
    ours["model_cfg"]["backbone"] = {"cfgs": str(tmp_path / "theirs.yaml")}
    assert ours["optimizer_cfg"]["solver"] != "SGD"
    ours["optimizer_cfg"]["nesterov"] = True
    assert "optimizer_cfg.nesterov: unknown key" in told(written(tmp_path, yaml.safe_dump(ours)))


def test_an_inline_backbone_has_no_yaml_that_would_tell_its_keys(host, tmp_path, warnings):
    """So what is near to none is told, and passes, as for a model of the user's."""
    ours = yaml.safe_load(SHIPPED[MIMIC].read_text())
    ours["model_cfg"]["backbone"] = {"model": "SwinGait", "bin_num": [15]}
    ours["trainer_cfg"].update(T_max_iter=500, warmup_fraction=0.1)
    assert load_cfgs(written(tmp_path, yaml.safe_dump(ours)))["trainer_cfg"]["T_max_iter"] == 500
    (line,) = warnings
    assert line.endswith("without effect unless the model does: trainer_cfg.warmup_fraction")
    ours["trainer_cfg"]["T_max_iter"] = 0
    assert "T_max_iter = 0; expected a whole number of at least 1" in told(written(tmp_path, yaml.safe_dump(ours)))
    ours["trainer_cfg"]["T_max_itr"] = ours["trainer_cfg"].pop("T_max_iter")
    message = told(written(tmp_path, yaml.safe_dump(ours)))
    assert "trainer_cfg.T_max_itr: unknown key (did you mean 'T_max_iter'?)" in message and "warmup_fraction:" not in message


# ---------------------------------------------------------------- OpenGait's own files


OPENGAITS = """
trainer_cfg: {total_iter: 5, fix_layers: false}
evaluator_cfg: {sampler: {batch_shuffle: false, batch_size: 4}}
optimizer_cfg: {solver: Adam, lr: 1e-4, lr: 0.1, momentum: 0.9}
"""


def test_a_file_of_opengaits_warns_once_and_runs(host, default, tmp_path, warnings):
    file = written(tmp_path, OPENGAITS)
    assert load_cfgs(file) == load_cfgs(file) == merge(yaml.safe_load(OPENGAITS), default)
    (line,) = warnings
    dropped = "trainer_cfg.fix_layers, evaluator_cfg.sampler.batch_shuffle, optimizer_cfg.momentum"
    assert line == f"{file}: keys the host does not read, without effect unless the model does: {dropped}"


@pytest.mark.parametrize(
    "text, said",
    [
        ("trainer_cfg: {restore_hint: null}", "trainer_cfg.restore_hint = None; expected a whole number of at least 0"),
        ("evaluator_cfg: {restore_hint: []}", "evaluator_cfg.restore_hint = []; expected a whole number"),
        ("trainer_cfg: {save_iter: 0}", "trainer_cfg.save_iter = 0; expected a whole number of at least 1"),
        ("trainer_cfg: {total_iter: 6e4}", "trainer_cfg.total_iter = '6e4'; expected a whole number"),
        ("trainer_cfg: {sampler: {frames_num_fixed: null}}", "trainer_cfg.sampler.frames_num_fixed = None; expected a whole number"),
        ("trainer_cfg: {sampler: {sample_type: 3}}", "trainer_cfg.sampler.sample_type = 3; allowed: 'fixed_ordered'"),
        ("data_cfg: {dataset_root: null}", "data_cfg.dataset_root = None; expected a non-empty string"),
        ("data_cfg: {data_in_use: [true, x]}", "data_cfg.data_in_use = [True, 'x']; expected which"),
    ],
)
def test_what_stops_the_host_is_told_of_its_own_files_too(host, tmp_path, text, said):
    file = written(tmp_path, text)
    assert not strict.uses_ours(yaml.safe_load(text))
    assert told(file).startswith(f"{file}: {said}")


@pytest.mark.parametrize(
    "text",
    [
        "trainer_cfg: {total_iter: 6.0e+4, sampler: {sample_type: fixed_by_a_fork}, enable_float16: 1}",
        "evaluator_cfg: {metric: mine}",
        "trainer_cfg: {restore_hint: [Segmentation-25000.pt, GaitGL-80000.pt]}",
        "optimizer_cfg: {lr: 1e-4}",
    ],
)
def test_what_the_host_may_run_with_is_its_own_affair(host, tmp_path, text):
    load_cfgs(written(tmp_path, text))


def test_a_name_that_is_null_is_not_misspelt(host, tmp_path):
    file = written(tmp_path, "trainer_cfg: {seed: 1, sampler: {type: null}}")
    assert "trainer_cfg.sampler.type = None; expected the name of a class" in told(file)


def test_only_the_first_process_warns(host, tmp_path, warnings, monkeypatch):
    monkeypatch.setattr(strict, "rank_and_world", lambda: (1, 2))
    load_cfgs(written(tmp_path, OPENGAITS))
    assert warnings == []


def test_an_error_is_told_every_time_and_a_mended_file_read_anew(host, tmp_path):
    file = written(tmp_path, edited(MIMIC, ("gamma: 0.1,", "gama: 0.1,")))
    assert told(file) == told(file)
    assert load_cfgs(written(tmp_path, SHIPPED[MIMIC].read_text()))["scheduler_cfg"]["gamma"] == 0.1


MARKS = [
    {"model_cfg": {"model": "Baseline2"}},
    {"model_cfg": {"modle": "VEN"}},
    {"loss_cfg": {"type": "HiddenFractionLoss"}},
    {"loss_cfg": [{"type": "TripletLoss"}, {"type": "MiCKDLoss"}]},
    {"evaluator_cfg": {"eval_func": "evaluate_walkers"}},
    {"evaluator_cfg": {"eval_func": "evaluate_visibility"}},
    {"evaluator_cfg": {"occlusion": {}}},
    {"evaluator_cfg": {"oclusion": {}}},
    {"trainer_cfg": {"occlusion": None}},
    {"trainer_cfg": {"seed": 0}},
    {"trainer_cfg": {"keep_last": 3}},
    {"trainr_cfg": {"seed": 0}},
    {"trainer_cfg": {"transform": [{"type": "Compose", "trf_cfg": [{"type": "OcclusionAugmentation"}]}]}},
]


@pytest.mark.parametrize("mark", MARKS, ids=str)
def test_what_makes_a_file_ours(mark):
    plain = {"data_cfg": {"dataset_name": "VEN"}, "model_cfg": {"model": "Baseline"}, "trainer_cfg": {"save_name": "MimicGait"}}
    assert not strict.uses_ours(plain)
    assert strict.uses_ours(merge(mark, copy.deepcopy(plain)))


@settings(max_examples=40)
@given(
    junk=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "sampler", "transform", "trf_cfg", "x"]), inner)
        ),
        max_leaves=8,
    ),
    block=st.sampled_from(sorted(BLOCKS)),
)
def test_no_value_stops_the_check_itself(host, default, junk, block):
    user = {block: junk}
    text = yaml.safe_dump(user)
    assume(not strict.uses_ours(user))
    try:
        strict.check_file(CONFIGS / "none.yaml", text, user, default)
    except ConfigError as error:
        assert "expected a mapping" in str(error)  # nobody can read it
