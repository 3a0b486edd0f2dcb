"""A configuration as it is run: read, complete with what depends on this machine, and refused where it would fail later."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
from pathlib import Path

from .. import host as hosts
from ..base.config import shown
from ..base.errors import ConfigError, HostError
from ..base.processes import rank_and_world
from ..base.resume_words import TEST, TRAINING
from ..host import follow_world_size, is_ours, load_cfgs, lookup, resolve
from ..host.config_checks import check_classes, check_data, check_names, check_schedule
from ..host.run_paths import newest_iteration, save_folder
from ..host.test_checks import DEFAULT_EVALUATOR, check_test
from ..host.trainer_keys import read_launcher_keys

_doubted: set[str] = set()
"""Warnings about tests that this process has logged."""


def prepare(path: str | os.PathLike | dict, phase: str, iteration: int = 0) -> dict:
    """Read a configuration and fill in what depends on this machine: data paths, restore point, test batch.

    Args:
        path: the YAML, or a complete configuration, which is copied.
        phase: ``train``, ``test``, or ``embed`` (a test without the YAML's evaluation function).
        iteration: restore this iteration; 0 leaves the YAML's ``restore_hint``. That of ``evaluator_cfg`` stays in a training; in a test
            its 0 becomes the newest iteration.

    Raises:
        HostError: a file or folder it names is missing, or a name is not registered.
        ConfigError: a block of ours stands where it would be ignored, or see `opengait_mimic.host.trainer_keys`.
    """
    if isinstance(path, dict):
        cfgs = copy.deepcopy(path)
    else:
        hosts.search[:] = [Path(path).expanduser().resolve().parent]
        cfgs = load_cfgs(path)
    with of_file(path):
        return _complete(cfgs, path, phase, iteration)


@contextlib.contextmanager
def of_file(path: str | os.PathLike | dict):
    """Prefix known errors in the block with the YAML they are about."""
    try:
        yield
    except Exception as error:
        ours = type(error).__module__.startswith("opengait_mimic.")
        if not ours or isinstance(path, dict) or str(path) in str(error):
            raise
        raise type(error)(f"{path}: {error}") from error


def _complete(cfgs: dict, path: str | os.PathLike | dict, phase: str, iteration: int) -> dict:
    for block in ("data_cfg", "model_cfg", "trainer_cfg", "evaluator_cfg", "optimizer_cfg", "scheduler_cfg"):
        if block == "data_cfg" and isinstance(cfgs[block], list):
            raise ConfigError("data_cfg: a list; several data sets at once are not supported here; name one")
        if not isinstance(cfgs[block], dict):
            raise ConfigError(f"{block} = {shown(cfgs[block])}; expected a mapping, or leave it out for OpenGait's defaults")
    data, evaluator, trainer = cfgs["data_cfg"], cfgs["evaluator_cfg"], cfgs["trainer_cfg"]
    for key in ("dataset_root", "dataset_partition"):
        at = f"data_cfg.{key}"
        if data[key] == "your_path":  # the shipped configurations' placeholder
            raise ConfigError(f"{at} = your_path; set it to the folder of your silhouette pickles, in this file")
        data[key] = str(resolve(str(data[key]), at))
    if iteration:
        (trainer if phase == "train" else evaluator)["restore_hint"] = int(iteration)
    elif phase != "train" and evaluator["restore_hint"] == 0 and (newest := newest_iteration(cfgs)):
        evaluator["restore_hint"] = newest
        if rank_and_world()[0] == 0:
            logging.getLogger("opengait_mimic").info("evaluator_cfg.restore_hint = 0: the newest checkpoint is tested, that of %s", newest)
    if phase == "test" or (phase == "train" and trainer.get("with_test")):
        if evaluator.get("cross_view_gallery") and (evaluator.get("occlusion") or {}).get("occluded_side") == "probe":
            raise ConfigError(
                "evaluator_cfg.cross_view_gallery = true with evaluator_cfg.occlusion.occluded_side = 'probe': the host's own test hides"
                " the probes of its other protocol; choose holistic or both, or score the cell with opengait-mimic evaluate"
            )
    model = model_class(cfgs)
    if phase == "train":
        read_launcher_keys(cfgs)
    check_names(cfgs, phase == "train")
    check_data(cfgs, phase == "train")
    if phase == "test" or (phase == "train" and trainer.get("with_test")):
        _check_test(cfgs, phase)
    if phase == "train":
        _check_training(cfgs, model)
    follow_world_size(cfgs)
    return cfgs


def _check_test(cfgs: dict, phase: str) -> None:
    """Refuse a test of the host's that would stop, or say nothing; what a part of it cannot say is a warning."""
    lookup("evaluation.evaluator", cfgs["evaluator_cfg"].get("eval_func", DEFAULT_EVALUATOR), "evaluator_cfg.eval_func")
    for line in check_test(cfgs, phase == "test") if is_ranked(cfgs) else ():
        if rank_and_world()[0] == 0 and line not in _doubted:
            _doubted.add(line)
            logging.getLogger("opengait_mimic").warning(line)


def _check_training(cfgs: dict, model: type) -> None:
    check_schedule(cfgs)
    if "occlusion" in cfgs["trainer_cfg"] and not is_ours(model):
        raise ConfigError(
            f"trainer_cfg.occlusion: {model.__name__} is the host's own model and would ignore it. Train it through model: Baseline2"
            " with this model as its backbone, or name the transform OcclusionAugmentation."
        )
    if is_ours(model):
        model.foresee(cfgs)
    else:
        check_classes(cfgs, cfgs["model_cfg"], "model_cfg")


def model_class(cfgs: dict) -> type:
    """The class that ``model_cfg.model`` names."""
    return lookup("modeling.models", cfgs["model_cfg"].get("model"), "model_cfg.model")


def is_ranked(cfgs: dict) -> bool:
    """Whether a test of this configuration ranks embeddings, as for every model but a VEN."""
    return getattr(model_class(cfgs), "IS_RANKED", True)


def restorable(cfgs: dict, training: bool, asked: bool = False) -> None:
    """Stop early, with the names that exist, when the checkpoint to restore is not there; ``asked``: for one that ``--iter`` named."""
    where = "trainer_cfg" if training else "evaluator_cfg"
    engine = cfgs[where]
    hint, name = engine["restore_hint"], engine["save_name"]
    if hint == 0:
        if not training:
            folder = save_folder(cfgs, where) / "checkpoints"
            raise HostError(
                f"evaluator_cfg.restore_hint = 0: the newest checkpoint is to be tested, and {folder} has none. Train first, or name a file"
            )
        return
    if isinstance(hint, str):
        try:
            engine["restore_hint"] = str(resolve(hint, f"{where}.restore_hint"))
        except HostError as error:
            raise HostError(f"{error}. Otherwise: {TRAINING if training else TEST}") from error
        return
    if isinstance(hint, list):
        raise HostError(f"{where}.restore_hint = {hint}: several checkpoints, which only OpenGait's own main.py can start from; name one")
    folder = save_folder(cfgs, where) / "checkpoints"
    file = folder / f"{name}-{hint:0>5}.pt"
    if not file.is_file():
        if asked:
            there = ", ".join(sorted(p.name for p in folder.glob(f"{name}-*.pt") if p.is_file()))
            way = f"there are {there}; give one of their numbers" if there else "there is none; train first"
            missing = "is not a file" if file.exists() else "does not exist"
            raise HostError(f"--iter {hint}: {file} {missing}; {way}, or choose another --output")
        there = ", ".join(sorted(p.name for p in folder.glob("*.pt"))) or "none"
        raise HostError(f"{where}.restore_hint = {hint}: {file} does not exist (checkpoints there: {there}). Train first, or give --iter K")
