"""What decides the outcome of a training and of a test: a configuration without what changes nothing, files by their SHA-256."""

from __future__ import annotations

import copy
import hashlib
import inspect
import json
from pathlib import Path
from types import SimpleNamespace

from .. import __version__
from .. import host as hosts
from ..base.config import read
from ..base.errors import HostError
from ..base.files import sha256
from ..data.fingerprint import fingerprint_half
from ..host import is_ours, lookup, resolve
from ..host.run_paths import checkpoint_at, checkpoint_file, save_folder  # noqa: F401 (until its users import it from there)
from ..host.trainer_keys import FIELDS
from ..models.depends import built_on, dependencies
from ..occlusion import Occlusion
from ..published.switches import place_of, switched_on

NO_WEIGHT = {  # keys that change no weight; total_iter decides when to stop, not what a step does
    "data_cfg": ("test_dataset_name", "remove_no_gallery"),
    "trainer_cfg": (
        "bad_steps", "find_unused_parameters", "keep_best", "keep_last", "log_iter", "optimizer_reset", "restore_ckpt_strict",
        "save_iter", "save_name", "scheduler_reset", "total_iter", "with_test",
    ),
}  # fmt: skip


def upstream(cfgs: dict) -> dict[str, tuple[Path, str]]:
    """`opengait_mimic.models.depends.dependencies` as (YAML, ``checkpoint`` key); to be deleted."""
    return {name: (each.yaml, each.checkpoint) for name, each in dependencies(cfgs).items()}


def weights_of(cfgs: dict, key: str) -> Path:
    """`Dependency.weights`; to be deleted."""
    return dependencies(cfgs)[key].weights()


def data_inputs(cfgs: dict, sets: tuple[str, ...], recipe: bool = False) -> dict:
    """``data_cfg`` with a hash of the partition's ``sets`` and the fingerprint of the data in place of their paths.

    A ``recipe`` may be for data that are not here; it gets None for what is not found.
    """
    data = cfgs["data_cfg"]
    kept = {key: value for key, value in data.items() if key not in ("num_workers", "cache")}
    root, file = data["dataset_root"], data["dataset_partition"]
    if recipe:
        root, file = found_at(str(root), "data_cfg.dataset_root"), found_at(str(file), "data_cfg.dataset_partition")
        kept.update(dataset_root=None, dataset_partition=None)
    if file is not None:
        partition = json.loads(Path(file).read_text())
        chosen = {key: partition.get(key) for key in sets}
        kept["dataset_partition"] = "sha256:" + hashlib.sha256(json.dumps(chosen).encode()).hexdigest()
        if root is not None:
            kept["dataset_root"] = fingerprint_half(root, partition, sets[0])
    return kept


def model_inputs(cfgs: dict, recipe: bool = False) -> dict:
    """``model_cfg`` with what it leaves out, the backbone spelled out, the name of the data set that the backbone's YAML is for
    (GaitGL's depth follows it), and the weights of teacher and VEN by their SHA-256 (None: not there yet; of a ``recipe`` also a
    path that is not there).
    """
    model_cfg = copy.deepcopy(cfgs["model_cfg"])
    model = lookup("modeling.models", model_cfg["model"], "model_cfg.model")
    if not is_ours(model):
        return model_cfg
    networks = built_on(cfgs)
    for name in set(model.DEPENDS) - set(networks):
        model_cfg.pop(name, None)
    found = read(model_cfg, "model_cfg", model.FIELDS)
    if hasattr(found, "reference_compat"):
        found.reference_compat = switched_on(found.reference_compat, model_cfg["model"])
    found = _without_namespaces(found)
    for key, network in networks.items():
        lost = recipe and network.checkpoint != "auto" and found_at(network.checkpoint, key) is None
        found[key] = {"checkpoint": None if lost else _sha256(network.weights())}
    if "backbone" in found:
        from ..models.upstream_weights import around, backbone_cfg

        found["backbone"], whole = backbone_cfg(model_cfg["backbone"], "model_cfg.backbone")
        found["backbone_dataset"] = around(cfgs, whole)["data_cfg"]["dataset_name"]
    return found


def loss_inputs(cfgs: dict) -> list:
    """``loss_cfg`` with what the blocks of our losses leave out."""
    found = []
    for loss in cfgs["loss_cfg"] if isinstance(cfgs["loss_cfg"], list) else [cfgs["loss_cfg"]]:
        kind, defaults = lookup("modeling.losses", loss["type"], "loss_cfg.type"), {}
        if is_ours(kind):
            taken = inspect.signature(kind).parameters.values()
            defaults = {each.name: each.default for each in taken if each.default is not each.empty}
        found.append({**defaults, **loss})
    return found


def training_inputs(cfgs: dict, recipe: bool = False) -> dict:
    """Everything of a prepared configuration that decides the weights after a given number of steps, as plain JSON values.

    Of a ``recipe``, a configuration that nobody trains here (`load_cfgs` alone), what it builds on need not be there: None.
    """
    trainer = {key: value for key, value in cfgs["trainer_cfg"].items() if key not in NO_WEIGHT["trainer_cfg"]}
    hint = trainer["restore_hint"]
    if hint != 0:  # weights to start from
        place = found_at if recipe else resolve
        file = place(hint, "trainer_cfg.restore_hint") if isinstance(hint, str) else checkpoint_at(cfgs, hint)
        resets = {key: cfgs["trainer_cfg"].get(key) for key in ("optimizer_reset", "scheduler_reset", "restore_ckpt_strict")}
        trainer["restore_hint"] = {"weights": _sha256(file) if recipe else sha256(file), **resets}
    trainer.setdefault("seed", 0)
    for key, (default, _) in FIELDS.items():
        if trainer.get(key) == default:  # written out or not
            trainer.pop(key, None)
    model_cfg = model_inputs(cfgs, recipe)
    if is_ours(lookup("modeling.models", model_cfg["model"], "model_cfg.model")):
        from ..models.occluded_input import TRAINING

        place, where = place_of(model_cfg["model"]), "trainer_cfg.occlusion"
        trainer["occlusion"] = Occlusion.from_cfg(trainer.get("occlusion", TRAINING), where, place)._asdict()
        (model_cfg.get("reference_compat") or {}).pop("rank", None)  # which embedding is ranked is the test's matter
    data = {key: value for key, value in data_inputs(cfgs, ("TRAIN_SET",), recipe).items() if key not in NO_WEIGHT["data_cfg"]}
    found = {"host": hosts.current().name, "data_cfg": data, "model_cfg": model_cfg, "trainer_cfg": trainer}
    return plain({**found, "loss_cfg": loss_inputs(cfgs), **{key: cfgs[key] for key in ("optimizer_cfg", "scheduler_cfg")}})


def test_inputs(cfgs: dict) -> dict:
    """Everything of a prepared configuration that decides what `evaluate` or the host's test says of it, as plain JSON values."""
    from ..evaluation.test_setup import teacher_cfgs

    evaluator = copy.deepcopy(cfgs["evaluator_cfg"])
    for key in ("save_name", "restore_hint", "restore_ckpt_strict"):
        evaluator.pop(key, None)
    evaluator["sampler"].pop("batch_size", None)  # the number of processes
    host, teacher = hosts.current(), None
    whole = teacher_cfgs(cfgs)[0] if cfgs["model_cfg"].get("backbone") is not None else None  # RP divides by its score
    if whole:
        theirs = {key: whole["evaluator_cfg"].get(key) for key in ("enable_float16", "metric", "transform")}
        teacher = {"weights": sha256(whole["evaluator_cfg"]["restore_hint"]), "model_cfg": whole["model_cfg"], "evaluator_cfg": theirs}
        teacher["dataset_name"] = whole["data_cfg"]["dataset_name"]
    return plain(
        {
            "version": __version__, "host": host.name, "commit": host.commit,
            "data_cfg": data_inputs(cfgs, ("TEST_SET", "PROBE_SET")), "model_cfg": model_inputs(cfgs), "evaluator_cfg": evaluator,
            "weights": sha256(checkpoint_file("auto", cfgs, "evaluator_cfg.restore_hint")), "teacher": teacher,
        }
    )  # fmt: skip


def found_at(path: str, key: str) -> Path | None:
    """`resolve`, with None for what is not found."""
    try:
        return resolve(path, key)
    except HostError:
        return None


def _sha256(file: Path | None) -> str | None:
    """`sha256`, with None for a file that is not there."""
    return sha256(file) if file is not None and file.is_file() else None


def _without_namespaces(value):
    """Namespaces as mappings, all the way down."""
    if isinstance(value, SimpleNamespace):
        value = vars(value)
    return {key: _without_namespaces(part) for key, part in value.items()} if isinstance(value, dict) else value


def plain(value):
    """As it is after a stay in a JSON file."""
    return json.loads(json.dumps(value, default=str))


def differences(old, new, where: str = "") -> list[str]:
    """The dotted keys in which two inputs differ, with both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        return [line for key in keys for line in differences(old.get(key), new.get(key), f"{where}.{key}".lstrip("."))]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [line for i, pair in enumerate(zip(old, new)) for line in differences(*pair, f"{where}[{i}]")]
    same = old == new or (old in ({}, None) and new in ({}, None))  # an empty block says nothing
    return [] if same else [f"{where}: {_short(old)} -> {_short(new)}"]


def _short(value) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:19] if text.startswith("sha256:") else text if len(text) <= 60 else text[:57] + "..."
