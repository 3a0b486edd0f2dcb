"""A configuration is checked as its author wrote it: what is refused, in which words, and what passes."""

from __future__ import annotations

import copy
import logging
import re
import sys

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from opengait_mimic.base.config import Block, merge
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.host import CONFIGS, load_cfgs, yaml_check
from opengait_mimic.host.yaml_keys import BLOCKS, SAMPLER
from opengait_mimic.host.yaml_problems import arguments, find_problems

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


def refusal(file) -> str:
    with pytest.raises(ConfigError) as error:
        load_cfgs(file)
    return str(error.value)


def write(folder, content):
    file = folder / "mine.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return file


def edit(name: str, *edits: tuple[str, str]) -> str:
    """A shipped file's text with some pieces replaced, each of them once."""
    text = SHIPPED[name].read_text()
    for old, new in edits:
        assert old in text, old
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
        "reference_compat: {moving: true}, occluded_side",
        ["evaluator_cfg.occlusion.reference_compat: this block has moved: write its switches into model_cfg.reference_compat"],
    ),
    ("distance: parts,", "reference_compat: all,", ["loss_cfg[0].reference_compat: this block has moved"]),
    ("reference_compat: {}", "reference_compat: al", ["model_cfg.reference_compat = 'al' (did you mean 'all'?); expected the word all"]),
    ("reference_compat: {}", "reference_compat: {movin: true}", ["model_cfg.reference_compat.movin: unknown key (did you mean 'moving'?)"]),
    (
        "kinds: {none: 0.2, top: 0.4,",
        "kinds: {none: 0.2, tpo: 0.4,",
        ["trainer_cfg.occlusion.kinds.tpo: unknown key (did you mean 'top'?)"],
    ),
    ("  occlusion: {kinds: {none", "  oclusion: {kinds: {none", ["trainer_cfg.oclusion: unknown key (did you mean 'occlusion'?)"]),
    ("  seed: 0\n", "  seed: -1\n", ["trainer_cfg.seed = -1; expected a whole number from 0 to 4000000"]),
    ("total_iter: 500", "total_iter: 5e2", ["trainer_cfg.total_iter = '5e2' in line ", "YAML reads this as text: write 5.0e+2"]),
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
    ("weight_decay: 0.0005", "amsgrad: flase", ["optimizer_cfg.amsgrad = 'flase'; expected true or false"]),
    ("weight_decay: 0.0005", "momentum: 0.9", ["optimizer_cfg.momentum: unknown key", "given 0.9"]),
    ("gamma: 0.1,", "gama: 0.1,", ["scheduler_cfg.gama: unknown key (did you mean 'gamma'?)"]),
    ("lr: 0.002,", "lr: 0.002, weight_decay: 0.0,", ["optimizer_cfg.weight_decay: given twice, in line "]),
    ("trainer_cfg:\n", "trainer_cfg: []\nmore:\n", ["2 problems", "trainer_cfg = []; expected a mapping", "more: unknown key"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "parts"), WRONG, ids=[new.strip() for _, new, _ in WRONG])
def test_a_wrong_file_is_refused_by_file_key_value_and_what_is_allowed(host, tmp_path, old, new, parts):
    file = write(tmp_path, edit(MIMIC, (old, new)))
    message = refusal(file)
    assert message.startswith(f"{file}: ") and refusal(file) == message
    for part in parts:
        assert part in message
    assert message.count("\n") == (0 if "2 problems" not in message else 2)  # one mistake, one problem


def test_all_problems_at_once_and_a_flood_is_cut(host, tmp_path):
    edits = [("margin:", "margn:"), ("gamma:", "gama:"), ("  teacher:\n", "  techer:\n"), ("init_mimic: true", "init_mimic: 1")]
    message = refusal(write(tmp_path, edit(MIMIC, *edits)))
    assert "mine.yaml: 4 problems\n" in message and message.count("\n") == 4
    for key in ("loss_cfg[0].margn", "scheduler_cfg.gama", "model_cfg.techer", "model_cfg.init_mimic = 1"):
        assert key in message
    many = "".join(f"  wrong{i}: 0\n" for i in range(14))
    message = refusal(write(tmp_path, edit(MIMIC, ("data_cfg:\n", "data_cfg:\n" + many))))
    assert "14 problems" in message and message.count("unknown key") == 10 and message.endswith("\n  and 4 more")


def test_our_transform_and_our_losses_are_built_for_their_own_checks(host, tmp_path):
    step = "{type: OcclusionAugmentation, kinds: {top: 0.5}, hidden: [0.4, 0.6]}"
    text = edit(TEACHER, ("- {type: RandomHorizontalFlip, prob: 0.2}", f"- {step}"))
    assert "trainer_cfg.transform[0].trf_cfg[1].kinds = {'top': 0.5}; the probabilities add up to 0.5" in refusal(write(tmp_path, text))
    ven = edit("ven/ven_walkers.yaml", ("kinds: [none, bottom, top]", "kinds: [none, botom]"), ("term_weight: 10.0", "term_weight: -1"))
    message = refusal(write(tmp_path, ven))
    assert "model_cfg.kinds = ['none', 'botom']" in message and "loss_cfg[1].loss_term_weight = -1; expected a number" in message


def test_a_backbone_given_inline_is_not_checked(host, tmp_path):
    cfgs = yaml.safe_load(SHIPPED[MIMIC].read_text())
    cfgs["model_cfg"]["backbone"] = {"model": "Baseline", "anything": {"deep": 1}}
    assert load_cfgs(write(tmp_path, cfgs))["model_cfg"]["backbone"]["anything"] == {"deep": 1}


# ---- any misspelling

ENGINES = ("data_cfg", "trainer_cfg", "evaluator_cfg")


def key_paths(cfgs: dict, host_model: bool) -> list[tuple]:
    """Every mapping key of a configuration, without those that a host's model builds itself from."""

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


def misspell(name: str, how: str, at: int, letter: str) -> str:
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
def test_any_misspelt_key_of_a_shipped_file_is_refused_and_a_near_name_proposed(host, default, caplog, data):
    """Where the model is the host's own, a misspelling inside a loss, a sampler, a transform or an optimiser is a warning."""
    name = data.draw(st.sampled_from(sorted(SHIPPED)))
    cfgs = yaml.safe_load(SHIPPED[name].read_text())
    *path, key = data.draw(st.sampled_from(key_paths(cfgs, host_model=name.startswith("baseline1/"))))
    how, at = data.draw(st.sampled_from(["drop", "swap", "other", "more"])), data.draw(st.integers(0, 30))
    wrong = misspell(key, how, at, data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz_")))
    block = cfgs
    for step in path:
        block = block[step]
    assume(wrong and wrong != key and wrong not in block and wrong not in {"test_dataset_name", "dataset_name"})
    items = [(wrong if k == key else k, v) for k, v in block.items()]
    block.clear()
    block.update(items)
    text = yaml.safe_dump(cfgs, sort_keys=False)
    dotted = re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, (*path, wrong))))
    try:
        caplog.clear()
        yaml_check.check_file(SHIPPED[name], text, yaml.safe_load(text), default)
        assert name.startswith("baseline1/") and not (len(path) < 2 and (not path or path[0] in ENGINES))
        lines = [line for line in caplog.text.split(", ") if dotted in line]
    except ConfigError as error:
        lines = [line for line in str(error).splitlines() if f"{dotted}: unknown" in line]
    (line,) = lines
    assert distance(re.search(r"did you mean '(\w+)'\?", line).group(1), wrong) == 1


# ---- what passes


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_file_passes_without_a_warning(host, warnings, name):
    load_cfgs(SHIPPED[name])
    assert warnings == []


def test_the_hosts_defaults_pass(host, default):
    assert list(find_problems(default, default)) == []


@pytest.mark.parametrize("ours", ["", "  seed: 42\n", "  keep_last: 3\n"])
def test_every_yaml_of_a_checkout_passes_with_one_line_at_most(checkout, host, tmp_path, warnings, ours):
    files = sorted((checkout / "configs").rglob("*.yaml"))
    assert len(files) > 50
    for stock in files:
        before, file = len(warnings), tmp_path / stock.name
        file.write_text(stock.read_text().replace("trainer_cfg:\n", f"trainer_cfg:\n{ours}"))
        load_cfgs(file)
        assert len(warnings) - before <= 1
        assert all(str(file) in line and "\n" not in line for line in warnings[before:])


def test_the_host_itself_drops_the_same_keys(checkout, host, default):
    """The host's own choice of arguments, for every block of every YAML it ships that names a class."""
    from utils import get_valid_args

    places = (
        *(("optimizer_cfg", "torch.optim", "solver", ()), ("scheduler_cfg", "torch.optim.lr_scheduler", "scheduler", ())),
        *(("loss_cfg", "modeling.losses", "type", BLOCKS["loss_cfg"]), ("sampler", "data.sampler", "type", SAMPLER)),
    )
    compared = 0
    for file in sorted((checkout / "configs").rglob("*.yaml")):
        user = yaml.safe_load(file.read_text())
        ours = {problem.key for problem in find_problems(user, default) if problem.is_unknown_key}
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


def test_every_key_the_host_reads_by_name_is_known(host):
    """The host's sources, searched for subscripts of its blocks."""
    blocks = "data_cfg|data_config|engine_cfg|trainer_cfg|evaluator_cfg|sample_config|sampler_cfg"
    reading = re.compile(rf"(?:{blocks})['\"]?\]?(?:\[|\.get\()['\"](\w+)['\"]")
    read = {key for file in host.source.rglob("*.py") for key in reading.findall(file.read_text(encoding="utf-8", errors="replace"))}
    known = {key for table in BLOCKS.values() for key in table} | set(SAMPLER) | {"type"}
    assert {"total_iter", "sample_type", "restore_hint"} <= read <= known


def test_every_key_of_ours_has_a_description(host):
    """The configuration page is printed from them."""
    from opengait_mimic.evaluation import cells_file  # noqa: F401
    from opengait_mimic.occlusion import manifest  # noqa: F401

    blocks, waiting = [], [Block]
    while waiting:
        waiting += (below := [each for each in waiting.pop().__subclasses__() if each.__module__.startswith("opengait_mimic.")])
        blocks += below
    assert len(blocks) > 12
    assert [f"{block.__name__}.{key}" for block in blocks for key, field in block.model_fields.items() if not field.description] == []


# ---- a user's own classes next to ours


class MyResize:
    def __init__(self, size=64, mode=False, *, hidden=1): ...


class MyLoss:
    def __init__(self, margin=0.2, norm=False): ...


class MyGait: ...


def my_eval(data, dataset, metric="euc", rounds=3): ...


@pytest.fixture
def add(monkeypatch):
    """Registers a class or function of the user's with the host."""

    def register(namespace: str, thing):
        monkeypatch.setattr(thing, "__module__", "my_gait.things")
        monkeypatch.setattr(sys.modules[namespace], thing.__name__, thing, raising=False)

    return register


def test_a_users_own_classes_take_other_values_than_their_defaults(host, tmp_path, add, warnings):
    for namespace, thing in (("data.transform", MyResize), ("modeling.losses", MyLoss), ("evaluation.evaluator", my_eval)):
        add(namespace, thing)
    assert list(arguments(MyResize)) == ["size", "mode"] and list(arguments(my_eval, 2)) == ["metric", "rounds"]
    step, loss = "{type: MyResize, size: [64, 44], mode: area}", "{type: MyLoss, margin: auto, norm: l2}"
    cfgs = yaml.safe_load(edit(MIMIC, ("{type: RandomHorizontalFlip, prob: 0.2}", step)))
    cfgs["loss_cfg"].append(yaml.safe_load(loss))
    cfgs["evaluator_cfg"].update(eval_func="my_eval", metric="l1", rounds=[1, 5])
    cfgs["scheduler_cfg"] = {"scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 500, "base_momentum": [0.8]}
    assert load_cfgs(write(tmp_path, cfgs))["evaluator_cfg"]["metric"] == "l1"
    assert warnings == []
    cfgs["evaluator_cfg"]["round"] = cfgs["loss_cfg"][-1]["nrom"] = 1
    cfgs["loss_cfg"][-1]["norm"] = "Flase"
    message = refusal(write(tmp_path, cfgs))
    assert "evaluator_cfg.round: unknown key (did you mean 'rounds'?)" in message and ".nrom: unknown key (did you mean 'norm'?)" in message
    assert "loss_cfg[1].norm = 'Flase'; expected true or false" in message


def test_a_model_that_is_not_ours_may_read_keys_of_its_own(host, tmp_path, add, warnings):
    add("modeling.models", MyGait)
    cfgs = yaml.safe_load(SHIPPED[TEACHER].read_text())
    cfgs["model_cfg"] = {"model": "MyGait", "deep": 1}
    cfgs["trainer_cfg"].update(seed=3, warmup_fraction=0.1, T_max_iter=500)
    cfgs["evaluator_cfg"].update(occlusion=None, gallery_pool="mean")
    file = write(tmp_path, cfgs)
    assert load_cfgs(file)["trainer_cfg"]["warmup_fraction"] == 0.1
    keys = "trainer_cfg.warmup_fraction, evaluator_cfg.gallery_pool"
    assert warnings == [f"{file}: keys the host does not read, without effect unless the model does: {keys}"]
    for near, meant in (("sed", "seed"), ("oclusion", "occlusion"), ("totaliter", "total_iter"), ("T_max_itr", "T_max_iter")):
        wrong = copy.deepcopy(cfgs)
        wrong["trainer_cfg"][near] = 1
        message = refusal(write(tmp_path, wrong))
        assert f"trainer_cfg.{near}: unknown key (did you mean '{meant}'?)" in message
        assert message.endswith("a key that your own model reads goes into model_cfg") and "warmup_fraction:" not in message
    for block, key in (("trainer_cfg", "warmup_fraction"), ("evaluator_cfg", "gallery_pool")):
        ours = yaml.safe_load(SHIPPED[MIMIC].read_text())
        ours[block][key] = 1
        assert f"{block}.{key}: unknown key" in refusal(write(tmp_path, ours))


# ---- OpenGait's own files

OPENGAITS = """
trainer_cfg: {total_iter: 5, fix_layers: false}
evaluator_cfg: {sampler: {batch_shuffle: false, batch_size: 4}}
optimizer_cfg: {solver: Adam, lr: 0.2, lr: 0.1, momentum: 0.9}
"""
DROPPED = (
    "trainer_cfg.fix_layers, evaluator_cfg.sampler.batch_shuffle, optimizer_cfg.momentum; "
    "optimizer_cfg.lr: given twice, in line 4 and line 4; keep one (YAML keeps the last)"
)


def test_a_file_of_opengaits_warns_once_and_runs(host, default, tmp_path, warnings):
    file = write(tmp_path, OPENGAITS)
    assert load_cfgs(file) == load_cfgs(file) == merge(yaml.safe_load(OPENGAITS), default)
    assert warnings == [f"{file}: keys the host does not read, without effect unless the model does: {DROPPED}"]


def test_with_a_key_of_ours_it_still_warns_and_runs_but_that_key_is_checked(host, tmp_path, warnings):
    file = write(tmp_path, OPENGAITS.replace("fix_layers", "seed: 3, fix_layers"))
    assert load_cfgs(file)["trainer_cfg"]["seed"] == 3 and len(warnings) == 1 and warnings[0].endswith(DROPPED)
    for wrong, message in (
        ("seed: -3", "trainer_cfg.seed = -3; expected"),
        ("clip_gradients: 1e-4", "clip_gradients = '1e-4' in line 2; YAML reads this as text: write 1.0e-4"),
        ("keep_lsat: 3", "trainer_cfg.keep_lsat: unknown key (did you mean 'keep_last'?)"),
    ):
        assert message in refusal(write(tmp_path, OPENGAITS.replace("fix_layers", f"{wrong}, fix_layers")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "trainer_cfg: {restore_hint: null}",
            "trainer_cfg.restore_hint = None; expected a whole number of at least 0, without quotes, or a path",
        ),
        ("evaluator_cfg: {restore_hint: []}", "evaluator_cfg.restore_hint = []; expected a whole number"),
        ("trainer_cfg: {restore_hint: latest}", "trainer_cfg.restore_hint = 'latest'; expected a whole number"),
        ("trainer_cfg: {restore_hint: auto}", "trainer_cfg.restore_hint = 'auto'; expected a whole number"),
        ("trainer_cfg: {restore_hint: true}", "trainer_cfg.restore_hint = True; expected a whole number"),
        ("evaluator_cfg: {restore_hint: -1}", "evaluator_cfg.restore_hint = -1; expected a whole number"),
        ("evaluator_cfg: {restore_hint: '80000'}", "evaluator_cfg.restore_hint = '80000'; expected a whole number"),
        ("trainer_cfg: {save_iter: 0}", "trainer_cfg.save_iter = 0; expected a whole number of at least 1"),
        ("trainer_cfg: {total_iter: 6e4}", "trainer_cfg.total_iter = '6e4' in line 1; YAML reads this as text: write 6.0e+4"),
        ("optimizer_cfg: {lr: 1e-4}", "optimizer_cfg.lr = '1e-4' in line 1; YAML reads this as text: write 1.0e-4"),
        ("data_cfg: {data_in_use: None}", "data_cfg.data_in_use = 'None' in line 1; YAML reads this as text: write null"),
        ("trainer_cfg:\n  with_test: False,", "trainer_cfg.with_test = 'False,' in line 2; YAML reads this as text: write False"),
        ("trainer_cfg: {sampler: {frames_num_fixed: null}}", "trainer_cfg.sampler.frames_num_fixed = None; expected a whole number"),
        ("trainer_cfg: {sampler: {sample_type: 3}}", "trainer_cfg.sampler.sample_type = 3; allowed: 'fixed_ordered'"),
        ("trainer_cfg: 7", "trainer_cfg = 7; expected a mapping"),
        ("loss_cfg: 18", "loss_cfg = 18; expected a mapping with the key `type`"),
        ("model_cfg: null", "model_cfg = None; expected a mapping"),
        ("data_cfg: {dataset_root: null}", "data_cfg.dataset_root = None; expected a non-empty string"),
        ("data_cfg: {data_in_use: [true, x]}", "data_cfg.data_in_use = [True, 'x']; expected which"),
    ],
)
def test_what_stops_the_host_is_refused_in_any_file(host, tmp_path, text, message):
    file = write(tmp_path, text)
    assert not yaml_check.uses_ours(yaml.safe_load(text))
    assert refusal(file).startswith(f"{file}: {message}")


@pytest.mark.parametrize(
    ("engine", "ways"),
    [
        ("trainer_cfg", ["--resume auto", "--iter K", "trainer_cfg.restore_hint: FILE.pt"]),
        ("evaluator_cfg", ["--iter K", "K, FILE.pt, or 0 for the newest"]),
    ],
)
def test_a_restore_hint_in_other_words_is_answered(host, tmp_path, engine, ways):
    for text in (f"{engine}: {{restore_hint: last}}", f"{engine}: {{restore_hint: last}}\nmodel_cfg: {{model: VEN}}"):
        message = refusal(write(tmp_path, text))
        assert all(way in message for way in ways) and len(message) < 600, message
    load_cfgs(write(tmp_path, f"{engine}: {{restore_hint: ./latest.pt}}"))


@pytest.mark.parametrize(
    "text",
    [
        "trainer_cfg: {total_iter: 6.0e+4, sampler: {sample_type: fixed_by_a_fork}, enable_float16: 1}",
        "evaluator_cfg: {metric: mine}",
        "trainer_cfg: {restore_hint: [Segmentation-25000.pt, GaitGL-80000.pt]}",
    ],
)
def test_what_the_host_may_run_with_passes(host, tmp_path, text):
    load_cfgs(write(tmp_path, text))


MARKS = [
    {"model_cfg": {"model": "Baseline2"}},
    {"model_cfg": {"modle": "VEN"}},
    {"loss_cfg": [{"type": "TripletLoss"}, {"type": "MiCKDLoss"}]},
    {"evaluator_cfg": {"eval_func": "evaluate_walkers"}},
    {"trainer_cfg": {"transform": [{"type": "Compose", "trf_cfg": [{"type": "OcclusionAugmentation"}]}]}},
]


@pytest.mark.parametrize("mark", MARKS, ids=str)
def test_what_makes_a_file_ours(mark):
    opengaits = {"data_cfg": {"dataset_name": "VEN"}, "model_cfg": {"model": "Baseline"}, "trainer_cfg": {"save_name": "VEN", "seed": 0}}
    assert not yaml_check.uses_ours(opengaits)
    assert yaml_check.uses_ours(merge(mark, copy.deepcopy(opengaits)))
