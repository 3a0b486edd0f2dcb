"""Checks of a complete configuration that need the data set or the host's classes, before anything is built.

What a model of ours needs beyond this, its class checks.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator
from pathlib import Path

import torch

from ..base.config import losses_of, shown
from ..base.errors import ConfigError
from ..base.files import read_text
from ..base.processes import rank_and_world
from ..data.names import describe_absent
from .data_layout import describe_root, refuse_layout
from .register import lookup
from .yaml_keys import SAMPLE_TYPES


def check_names(cfgs: dict, training: bool) -> None:
    """Look up every class and function that a run will ask the host for by name.

    Raises:
        HostError: one does not exist; lists those that do.
    """
    engines = ("trainer_cfg", "evaluator_cfg") if training else ("evaluator_cfg",)
    for engine in engines:
        lookup("data.sampler", cfgs[engine]["sampler"]["type"], f"{engine}.sampler.type")
        _check_frame_sampling(cfgs[engine]["sampler"], f"{engine}.sampler")
        for key, name in transforms(cfgs[engine].get("transform"), f"{engine}.transform"):
            lookup("data.transform", name, key)
    if training:
        for loss in losses_of(cfgs):
            lookup("modeling.losses", loss["type"], "loss_cfg.type")
        lookup("torch.optim", cfgs["optimizer_cfg"]["solver"], "optimizer_cfg.solver")
        lookup("torch.optim.lr_scheduler", cfgs["scheduler_cfg"]["scheduler"], "scheduler_cfg.scheduler")


def _check_frame_sampling(block: dict, where: str) -> None:
    """Build the host's collate function, which reads ``sample_type`` and the keys that it needs.

    Raises:
        ConfigError: the host does not know the ``sample_type``, or a key is missing.
    """
    from data.collate_fn import CollateFn  # the bound host's

    kind = block.get("sample_type")
    try:
        CollateFn([], block)
    except KeyError as error:
        hint = "; 0 draws frames in a row" if error.args == ("frames_skip_num",) else ""
        raise ConfigError(f"{where}.{error.args[0]}: missing; sample_type {kind} needs it{hint}") from error
    except (AttributeError, IndexError, ValueError) as error:
        why = str(error) or f"sample_type = {kind!r}; allowed: {', '.join(SAMPLE_TYPES)}"
        raise ConfigError(f"{where}.{why}") from error
    least, most = block.get("frames_num_min"), block.get("frames_num_max")
    if str(kind).startswith("unfixed") and least > most:
        raise ConfigError(f"{where}.frames_num_min = {least} is above frames_num_max = {most}")


def transforms(block, where: str) -> Iterator[tuple[str, str]]:
    """The key and the name of every transform of a block, a list of blocks, or null."""
    if isinstance(block, list):
        for i, one in enumerate(block):
            yield from transforms(one, f"{where}[{i}]")
    elif isinstance(block, dict):
        yield f"{where}.type", block.get("type")
        yield from transforms(block.get("trf_cfg"), f"{where}.trf_cfg")


def check_schedule(cfgs: dict) -> None:
    """Build the optimiser and its schedule once, on a parameter made for it.

    Raises:
        ConfigError: torch refuses a value, or ``milestones`` is not a list of whole numbers: text would be read as a list of letters,
            and no step would ever reach one.
    """
    steps = cfgs["scheduler_cfg"].get("milestones", [])
    if not isinstance(steps, list) or any(type(each) is not int or each < 0 for each in steps):
        raise ConfigError(f"scheduler_cfg.milestones = {steps!r}; expected a list of steps, whole numbers such as [20000, 40000]")
    optimizer = _build("torch.optim", cfgs, "optimizer_cfg", "solver", [torch.zeros(1, requires_grad=True)])
    _build("torch.optim.lr_scheduler", cfgs, "scheduler_cfg", "scheduler", optimizer)


def _build(namespace: str, cfgs: dict, key: str, name: str, subject):
    """Build the class that a block names, from its ``subject`` (parameters, or an optimiser) and the keys that the class takes."""
    kind = lookup(namespace, cfgs[key][name], f"{key}.{name}")
    taken = inspect.getfullargspec(kind.__init__).args[2:]
    given = {each: value for each, value in cfgs[key].items() if each in taken}
    try:
        return kind(subject, **given)
    except (TypeError, ValueError) as error:
        values = ", ".join(f"{each} = {value!r}" for each, value in given.items()) or "no arguments"
        raise ConfigError(f"{key}: {kind.__name__} with {values} cannot be made: {error}. See its page in torch's documentation") from error


def partition_of(cfgs: dict) -> dict:
    """Read the partition of a configuration whose data paths are resolved.

    Raises:
        ConfigError: not JSON, or without the lists of labels ``TRAIN_SET`` and ``TEST_SET``.
    """
    file = Path(cfgs["data_cfg"]["dataset_partition"])
    what = f"data_cfg.dataset_partition = {file}: not a JSON file with the lists TRAIN_SET and TEST_SET"
    example = 'expected {"TRAIN_SET": ["0001", ...], "TEST_SET": ["0002", ...]}, labels as their folders are called'
    try:
        partition = json.loads(read_text(file))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{what} ({error}); {example}") from error
    for half in ("TRAIN_SET", "TEST_SET"):
        labels = partition.get(half) if isinstance(partition, dict) else None
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise ConfigError(f"{what} ({half} = {shown(labels)}); {example}")
    return partition


def _labels_with_folder(cfgs: dict, half: str) -> list[str]:
    """The labels of a half of the partition that have a folder below the root."""
    folders = _folders(cfgs)
    return [label for label in partition_of(cfgs)[half] if label in folders]


def _folders(cfgs: dict) -> set[str]:
    """The names of the folders below the root."""
    root = Path(cfgs["data_cfg"]["dataset_root"])
    if not root.is_dir():
        raise ConfigError(f"data_cfg.dataset_root = {root}: a file; name the folder that holds <label>/<type>/<view>/*.pkl")
    with os.scandir(root) as entries:  # once: a root on a network may have tens of thousands
        return {entry.name for entry in entries if entry.is_dir()}


def describe_absent_labels(cfgs: dict, training: bool) -> str:
    """One line on the partition's names without a folder, of both halves in a training; empty if there is none.

    OpenGait leaves them out without a message.
    """
    partition, folders, parts = partition_of(cfgs), _folders(cfgs), []
    for half in ("TRAIN_SET", "TEST_SET") if training else ("TEST_SET",):
        absent = [label for label in partition[half] if label not in folders]
        if absent:
            listed = describe_absent(absent, folders - {*partition["TRAIN_SET"], *partition["TEST_SET"]})
            parts.append(f"{len(absent)} of {len(partition[half])} names of {half} have no folder and are left out: {listed}")
    data = cfgs["data_cfg"]
    return f"{data['dataset_partition']}: {'; '.join(parts)} (data_cfg.dataset_root = {data['dataset_root']})" if parts else ""


def _has_sequence(cfgs: dict, label: str) -> bool:
    folder = Path(cfgs["data_cfg"]["dataset_root"]) / label
    return next(folder.glob("*/*/*.*"), None) is not None


def check_classes(cfgs: dict, model_cfg: dict, where: str) -> None:
    """Check that an identity head has a class for each training subject. More classes are allowed.

    Args:
        cfgs: a configuration whose data paths are resolved.
        model_cfg: the block with the head's ``SeparateBNNecks.class_num`` or ``class_num``.
        where: its place, for messages.

    Raises:
        ConfigError: fewer classes than subjects, and a ``CrossEntropyLoss``; names both numbers.
    """
    if "CrossEntropyLoss" not in (loss["type"] for loss in losses_of(cfgs)):
        return
    for block, key in ((model_cfg, f"{where}.class_num"), (model_cfg.get("SeparateBNNecks"), f"{where}.SeparateBNNecks.class_num")):
        classes = block.get("class_num") if isinstance(block, dict) else None
        if not isinstance(classes, int):
            continue
        labels = _labels_with_folder(cfgs, "TRAIN_SET")
        if len(labels) > classes:
            labels = [label for label in labels if _has_sequence(cfgs, label)]
        if len(labels) > classes:
            raise ConfigError(
                f"{key} = {classes}, but TRAIN_SET has {len(labels)} subjects in {cfgs['data_cfg']['dataset_root']}, and CrossEntropyLoss"
                f" needs a class for each: set it to {len(labels)}"
            )


def check_data(cfgs: dict, training: bool) -> None:
    """Check that the root has sequences of the partition, and subjects enough for a training batch.

    Args:
        cfgs: a configuration whose data paths are resolved.
        training: check ``TRAIN_SET`` and the batch of `TripletSampler`; otherwise ``TEST_SET``.

    Raises:
        ConfigError: no sequence, or an impossible batch. The message has the expected layout, or both numbers.
    """
    half, root = "TRAIN_SET" if training else "TEST_SET", cfgs["data_cfg"]["dataset_root"]
    there = _labels_with_folder(cfgs, half)
    if not any(_has_sequence(cfgs, label) for label in there):
        partition = partition_of(cfgs)
        labels = partition[half]
        if not labels:
            raise ConfigError(f"data_cfg.dataset_partition = {cfgs['data_cfg']['dataset_partition']}: its {half} is empty")
        raise ConfigError(
            f"data_cfg.dataset_root = {root}: no sequence of {half} found ({len(there)} of its {len(labels)} subjects have a folder);"
            f" expected <root>/<label>/<type>/<view>/*.pkl with labels such as {', '.join(labels[:3])}."
            f" Here {describe_root(root, [*labels, *partition['TRAIN_SET'], *partition['TEST_SET']])}"
        )
    refuse_layout(cfgs, there, training)
    if training and cfgs["trainer_cfg"]["sampler"]["type"] == "TripletSampler":
        _check_batch(cfgs["trainer_cfg"]["sampler"].get("batch_size"), len(there), root)


def _check_batch(size, subjects: int, root: str) -> None:
    """Check the batch [P, K] of `TripletSampler` against the number of training subjects and of processes."""
    key, world = "trainer_cfg.sampler.batch_size", rank_and_world()[1]
    if not isinstance(size, (list, tuple)) or len(size) != 2 or not all(isinstance(count, int) and count > 0 for count in size):
        raise ConfigError(f"{key} = {size!r}; TripletSampler takes [P, K]: subjects in a batch, clips of each")
    p, k = size
    if p < 2:
        raise ConfigError(f"{key} = {[p, k]}: a triplet needs two subjects; choose P of at least 2")
    if p > subjects:
        raise ConfigError(
            f"{key} = {[p, k]} asks for {p} subjects in a batch, but TRAIN_SET has {subjects} in {root}; lower P or add subjects"
        )
    if p * k % world:
        raise ConfigError(
            f"{key} = {[p, k]}: its {p * k} clips cannot be dealt to {world} processes; choose P and K whose product is a multiple of"
            f" {world}, or another number of processes"
        )
