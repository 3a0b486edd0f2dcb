"""The recipe of a training: everything that decides its weights, as plain JSON values.

It is the merged configuration with defaults filled in, without the keys that change no weight. The data enter as a fingerprint, other
checkpoints as their SHA-256, so neither depends on where the files lie.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import json
from pathlib import Path

from .. import host as hosts
from ..base.errors import ConfigError, HostError
from ..base.files import sha256
from ..base.plain_values import as_json
from ..data.fingerprint import fingerprint_half
from ..host import is_ours, load_cfgs, lookup, resolve
from ..host.model_cfg import backbone_cfg, cfgs_for_backbone
from ..host.run_paths import checkpoint_at
from ..host.trainer_keys import LauncherKeys
from ..models.dependencies import Dependency, built_on
from ..occlusion import Occlusion
from ..published.switches import TRAIN, switches_of

NO_WEIGHT = {  # keys that change no weight; total_iter decides when to stop, not what a step does
    "data_cfg": ("cache", "dataset_partition", "dataset_root", "num_workers", "remove_no_gallery", "test_dataset_name"),
    "trainer_cfg": (
        "bad_steps", "find_unused_parameters", "keep_best", "keep_last", "log_iter", "optimizer_reset", "restore_ckpt_strict",
        "restore_hint", "save_iter", "save_name", "scheduler_reset", "total_iter", "with_test",
    ),
}  # fmt: skip
RESETS = ("optimizer_reset", "scheduler_reset", "restore_ckpt_strict")
"""Keys of ``trainer_cfg`` that count where a training starts from other weights."""


def read_recipe(cfgs: dict, here: bool = True) -> dict:
    """The recipe of a configuration.

    Args:
        cfgs: a prepared configuration; with ``here=False`` one that `load_cfgs` read.
        here: the data and the checkpoints it names are on this machine. Otherwise None stands for each that is not.

    Returns:
        The blocks of the configuration, ``host``, ``data`` (``identities`` and ``clips``: hashes of the training set) and ``depends``
        (``teacher``, ``ven``, and ``start`` where ``trainer_cfg.restore_hint`` names weights: hashes of checkpoints).
    """
    model = lookup("modeling.models", cfgs["model_cfg"].get("model"), "model_cfg.model")
    trainer = _without(cfgs, "trainer_cfg")
    trainer.setdefault("seed", 0)
    for key, field in LauncherKeys.model_fields.items():
        if trainer.get(key) == field.default:  # written out or left out
            trainer.pop(key, None)
    depends = {name: _hash_checkpoint(network, here) for name, network in built_on(cfgs).items()}
    if cfgs["trainer_cfg"]["restore_hint"] != 0:
        depends["start"] = _hash_start(cfgs, here)
        trainer.update({key: cfgs["trainer_cfg"].get(key) for key in RESETS})
    model_cfg = complete_model_cfg(cfgs)
    if is_ours(model):
        from ..models.occluded_input import TRAINING  # needs the host's modules

        trainer["occlusion"] = Occlusion.from_cfg(trainer.get("occlusion", TRAINING), "trainer_cfg.occlusion")._asdict()
    blocks = {"data_cfg": _without(cfgs, "data_cfg"), "model_cfg": model_cfg, "trainer_cfg": trainer, "loss_cfg": _loss_cfg(cfgs)}
    blocks.update({key: cfgs[key] for key in ("optimizer_cfg", "scheduler_cfg")})
    return as_json({"host": hosts.current().name, **blocks, "data": describe_data(cfgs, "TRAIN_SET", here), "depends": depends})


def read_yaml_recipe(path: str | Path) -> tuple[dict, dict]:
    """The complete configuration of a YAML and its recipe; its data and checkpoints need not be on this machine.

    Raises:
        HostError: the YAML, or one that it names, is not found. ConfigError: it is wrong.
    """
    hosts.search[:] = [Path(path).expanduser().resolve().parent]
    cfgs = load_cfgs(path)
    if not isinstance(cfgs["data_cfg"], dict):
        raise ConfigError(f"{path}: data_cfg: several data sets at once are not supported here; name one")
    return cfgs, read_recipe(cfgs, here=False)


def describe_data(cfgs: dict, subset: str, here: bool = True) -> dict:
    """``identities`` and ``clips``: hashes of the partition's lists and of the files below these subjects.

    Args:
        cfgs: a prepared configuration.
        subset: ``TRAIN_SET`` or ``TEST_SET``; the latter includes the partition's ``PROBE_SET`` and ``GALLERY_SET``.
        here: as in `read_recipe`.
    """
    data, found = cfgs["data_cfg"], {"identities": None, "clips": None}
    root, file = (_find(str(data[key]), f"data_cfg.{key}", here) for key in ("dataset_root", "dataset_partition"))
    if file is not None:
        partition = json.loads(file.read_bytes())
        chosen = {key: partition.get(key) for key in (subset, *(["PROBE_SET"] if subset == "TEST_SET" else []))}
        if subset == "TEST_SET" and "GALLERY_SET" in partition:
            chosen["GALLERY_SET"] = partition["GALLERY_SET"]
        found["identities"] = "sha256:" + hashlib.sha256(json.dumps(chosen).encode()).hexdigest()
        if root is not None:
            found["clips"] = fingerprint_half(root, partition, subset)
    return found


def _hash_checkpoint(network: Dependency, here: bool) -> str | None:
    if network.checkpoint != "auto" and _find(network.checkpoint, f"{network.key}.checkpoint", here) is None:
        return None
    file = network.weights()
    return sha256(file) if file.is_file() else None


def _hash_start(cfgs: dict, here: bool) -> str | None:
    hint = cfgs["trainer_cfg"]["restore_hint"]
    file = _find(hint, "trainer_cfg.restore_hint", here) if isinstance(hint, str) else checkpoint_at(cfgs, hint)
    return None if file is None or not (here or file.is_file()) else sha256(file)


def _find(path: str, key: str, here: bool) -> Path | None:
    try:
        return resolve(path, key)
    except HostError:
        if here:
            raise
        return None


def _without(cfgs: dict, block: str) -> dict:
    return {key: value for key, value in cfgs[block].items() if key not in NO_WEIGHT[block]}


def complete_model_cfg(cfgs: dict, phase: str = TRAIN) -> dict:
    """``model_cfg`` with defaults, without what it depends on; the backbone's block stands in place of its YAML."""
    model_cfg = copy.deepcopy(cfgs["model_cfg"])
    model = lookup("modeling.models", model_cfg.get("model"), "model_cfg.model")
    if not is_ours(model):
        return model_cfg
    found = model.Config.read(model_cfg, "model_cfg").model_dump()
    if "reference_compat" in found:
        found["reference_compat"] = {key.rpartition(".")[2]: value for key, value in switches_of(cfgs, phase).items()}
    for name in model.DEPENDS:
        found.pop(name, None)
    if "backbone" in found:
        found["backbone"], whole = backbone_cfg(model_cfg["backbone"], "model_cfg.backbone")
        found["backbone_dataset"] = cfgs_for_backbone(cfgs, whole)["data_cfg"]["dataset_name"]  # GaitGL's depth follows it
    return found


def _loss_cfg(cfgs: dict) -> list:
    """``loss_cfg`` with the defaults of our losses."""
    found = []
    for loss in cfgs["loss_cfg"] if isinstance(cfgs["loss_cfg"], list) else [cfgs["loss_cfg"]]:
        kind, defaults = lookup("modeling.losses", loss["type"], "loss_cfg.type"), {}
        if is_ours(kind):
            taken = inspect.signature(kind).parameters.values()
            defaults = {each.name: each.default for each in taken if each.default is not each.empty}
        found.append({**defaults, **loss})
    return found
