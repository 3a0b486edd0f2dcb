"""What would stop a run later, told before it begins; what a model of ours asks for beyond this, it says itself (``foresee``)."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator
from pathlib import Path

import torch

from ..base.config import losses_of, shown
from ..base.errors import ConfigError
from ..base.processes import rank_and_world
from . import lookup
from .yaml_tables import files_in_use


def check_names(cfgs: dict, training: bool) -> None:
    """Look up every class and function that a run will ask the host for by name.

    Raises:
        HostError: one does not exist; lists those that do.
    """
    engines = ("trainer_cfg", "evaluator_cfg") if training else ("evaluator_cfg",)
    for engine in engines:
        lookup("data.sampler", cfgs[engine]["sampler"]["type"], f"{engine}.sampler.type")
        for key, name in transforms(cfgs[engine].get("transform"), f"{engine}.transform"):
            lookup("data.transform", name, key)
    if training:
        for loss in losses_of(cfgs):
            lookup("modeling.losses", loss["type"], "loss_cfg.type")
        lookup("torch.optim", cfgs["optimizer_cfg"]["solver"], "optimizer_cfg.solver")
        lookup("torch.optim.lr_scheduler", cfgs["scheduler_cfg"]["scheduler"], "scheduler_cfg.scheduler")


def transforms(block, where: str) -> Iterator[tuple[str, str]]:
    """The key and the name of every transform of a block, a list of them, or null."""
    if isinstance(block, list):
        for i, one in enumerate(block):
            yield from transforms(one, f"{where}[{i}]")
    elif isinstance(block, dict):
        yield f"{where}.type", block.get("type")
        yield from transforms(block.get("trf_cfg"), f"{where}.trf_cfg")


def check_classes(cfgs: dict, model_cfg: dict, where: str) -> None:
    """Has an identity head a class for every training subject? (More are no mistake.)

    Args:
        cfgs: a configuration whose data paths are resolved.
        model_cfg: where the head stands, as the host's models read it: ``SeparateBNNecks.class_num`` or ``class_num``.
        where: its place, for the message.

    Raises:
        ConfigError: fewer, and a ``CrossEntropyLoss`` that would meet a label beyond them; names both numbers.
    """
    if "CrossEntropyLoss" not in (loss["type"] for loss in losses_of(cfgs)):
        return
    for block, key in ((model_cfg, f"{where}.class_num"), (model_cfg.get("SeparateBNNecks"), f"{where}.SeparateBNNecks.class_num")):
        classes = block.get("class_num") if isinstance(block, dict) else None
        if not isinstance(classes, int):
            continue
        root = Path(cfgs["data_cfg"]["dataset_root"])
        there = _there(cfgs, "TRAIN_SET")[1]
        if len(there) > classes:  # a folder may be empty
            there = [label for label in there if next((root / str(label)).glob("*/*/*.*"), None)]
        if len(there) > classes:
            raise ConfigError(
                f"{key} = {classes}, but TRAIN_SET has {len(there)} subjects in {root}, and CrossEntropyLoss needs a class for each:"
                f" set it to {len(there)}"
            )


def partition_of(cfgs: dict) -> dict:
    """The partition of a configuration whose data paths are resolved.

    Raises:
        ConfigError: no JSON, or without the lists of labels ``TRAIN_SET`` and ``TEST_SET``, both of which the hosts read.
    """
    file = Path(cfgs["data_cfg"]["dataset_partition"])
    what = f"data_cfg.dataset_partition = {file}: not a JSON file with the lists TRAIN_SET and TEST_SET"
    way = 'expected {"TRAIN_SET": ["0001", ...], "TEST_SET": ["0002", ...]}, labels as their folders are called'
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{what} ({error}); {way}") from error
    for half in ("TRAIN_SET", "TEST_SET"):
        labels = found.get(half) if isinstance(found, dict) else None
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise ConfigError(f"{what} ({half} = {shown(labels)}); {way}")
    return found


def _there(cfgs: dict, half: str) -> tuple[list, list]:
    """The labels of a half of the partition, and those of them that have a folder below the root."""
    labels, root = partition_of(cfgs)[half], Path(cfgs["data_cfg"]["dataset_root"])
    if not root.is_dir():
        raise ConfigError(f"data_cfg.dataset_root = {root}: a file; name the folder that holds <label>/<type>/<view>/*.pkl")
    with os.scandir(root) as entries:  # once, not each of tens of thousands over a network
        folders = {entry.name for entry in entries if entry.is_dir()}
    return labels, [label for label in labels if label in folders]


def check_schedule(cfgs: dict) -> None:
    """Make the optimiser and its schedule once, on a parameter of our own, from the keys that they take.

    Raises:
        ConfigError: torch refuses a value, or ``milestones`` is no list of whole numbers: text would be taken for a list of letters,
            none of which is ever reached.
    """
    steps = cfgs["scheduler_cfg"].get("milestones", [])
    if not isinstance(steps, list) or any(type(each) is not int or each < 0 for each in steps):
        raise ConfigError(f"scheduler_cfg.milestones = {steps!r}; expected a list of steps, whole numbers such as [20000, 40000]")
    optimizer = _of_torch("torch.optim", cfgs, "optimizer_cfg", "solver", [torch.zeros(1, requires_grad=True)])
    _of_torch("torch.optim.lr_scheduler", cfgs, "scheduler_cfg", "scheduler", optimizer)


def _of_torch(namespace: str, cfgs: dict, key: str, name: str, first):
    """What a block of the configuration names, made of ``first`` and those of its keys that it takes."""
    kind = lookup(namespace, cfgs[key][name], f"{key}.{name}")
    taken = inspect.getfullargspec(kind.__init__).args[2:]
    given = {each: value for each, value in cfgs[key].items() if each in taken}
    try:
        return kind(first, **given)
    except (TypeError, ValueError) as error:
        values = ", ".join(f"{each} = {value!r}" for each, value in given.items()) or "no arguments"
        raise ConfigError(f"{key}: {kind.__name__} with {values} cannot be made: {error}. See its page in torch's documentation") from error


def check_data(cfgs: dict, training: bool) -> None:
    """Are there sequences of the partition below the root, and subjects enough for a training batch?

    Args:
        cfgs: a configuration whose data paths are resolved.
        training: look for ``TRAIN_SET`` and the batch of `TripletSampler`; else for ``TEST_SET``.

    Raises:
        ConfigError: what is missing, where it was looked for, and what the tree should look like.
    """
    half, root = "TRAIN_SET" if training else "TEST_SET", Path(cfgs["data_cfg"]["dataset_root"])
    labels, there = _there(cfgs, half)
    if not any(next((root / str(label)).glob("*/*/*.*"), None) for label in there):
        raise ConfigError(
            f"data_cfg.dataset_root = {root}: no sequence of {half} found ({len(there)} of its {len(labels)} subjects have a folder);"
            f" expected <root>/<label>/<type>/<view>/*.pkl with labels such as {', '.join(map(str, labels[:3])) or '(the list is empty)'}"
        )
    _check_files_in_use(cfgs, root, there)
    sampler = cfgs["trainer_cfg"]["sampler"]
    if not training or sampler["type"] != "TripletSampler":
        return
    size, world = sampler.get("batch_size"), rank_and_world()[1]
    if not isinstance(size, (list, tuple)) or len(size) != 2 or not all(isinstance(count, int) and count > 0 for count in size):
        raise ConfigError(f"trainer_cfg.sampler.batch_size = {size!r}; TripletSampler takes [P, K]: subjects in a batch, clips of each")
    if size[0] > len(there):
        raise ConfigError(
            f"trainer_cfg.sampler.batch_size = {list(size)} asks for {size[0]} subjects in a batch, but TRAIN_SET has"
            f" {len(there)} in {root}; lower P or add subjects"
        )
    if size[0] * size[1] % world:
        raise ConfigError(
            f"trainer_cfg.sampler.batch_size = {list(size)}: its {size[0] * size[1]} clips cannot be dealt to {world} processes; choose P"
            f" and K whose product is a multiple of {world}, or another number of processes"
        )


def _check_files_in_use(cfgs: dict, root: Path, labels: list) -> None:
    """Does ``data_in_use`` leave a file of the first sequence? Where it does not, OpenGait fails in the middle of a batch."""
    chosen = files_in_use(cfgs["data_cfg"].get("data_in_use"), "data_cfg.data_in_use")
    first = next((file.parent for label in labels for file in sorted((root / label).glob("*/*/*.*"))[:1]), None)
    if chosen is None or first is None:
        return
    there = sorted(file.name for file in first.iterdir())
    if not any(chosen[: len(there)]) if isinstance(chosen[0], bool) else min(chosen) >= len(there):
        raise ConfigError(
            f"data_cfg.data_in_use = {chosen} takes none of the files of {first}, which are, in order, {', '.join(there[:6])}: choose"
            " the silhouettes among them, or null for all"
        )
