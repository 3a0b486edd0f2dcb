"""What would stop a run later, told before it begins: names nobody has, data that is not there, batches that cannot be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch.optim  # noqa: F401  `lookup` finds it among the imported modules

from .config import ConfigError
from .distributed import rank_and_world
from .host import lookup


def check_names(cfgs: dict, training: bool) -> None:
    """Look up every class and function that a run will ask the host for by name.

    Raises:
        HostError: one does not exist; lists those that do.
    """
    engines = ("trainer_cfg", "evaluator_cfg") if training else ("evaluator_cfg",)
    for engine in engines:
        lookup("data.sampler", cfgs[engine]["sampler"]["type"], f"{engine}.sampler.type")
        for key, name in _transforms(cfgs[engine].get("transform"), f"{engine}.transform"):
            lookup("data.transform", name, key)
    if training:
        losses = cfgs["loss_cfg"] if isinstance(cfgs["loss_cfg"], list) else [cfgs["loss_cfg"]]
        for loss in losses:
            lookup("modeling.losses", loss["type"], "loss_cfg.type")
        lookup("torch.optim", cfgs["optimizer_cfg"]["solver"], "optimizer_cfg.solver")
        lookup("torch.optim.lr_scheduler", cfgs["scheduler_cfg"]["scheduler"], "scheduler_cfg.scheduler")


def _transforms(block, where: str) -> Iterator[tuple[str, str]]:
    """The key and the name of every transform of a block, a list of them, or null."""
    if isinstance(block, list):
        for i, one in enumerate(block):
            yield from _transforms(one, f"{where}[{i}]")
    elif isinstance(block, dict):
        yield f"{where}.type", block.get("type")
        yield from _transforms(block.get("trf_cfg"), f"{where}.trf_cfg")


def check_data(cfgs: dict, training: bool) -> None:
    """Are there sequences of the partition below the root, and subjects enough for a training batch?

    Args:
        cfgs: a configuration whose data paths are resolved.
        training: look for ``TRAIN_SET`` and the batch of `TripletSampler`; else for ``TEST_SET``.

    Raises:
        ConfigError: what is missing, where it was looked for, and what the tree should look like.
    """
    data, half = cfgs["data_cfg"], "TRAIN_SET" if training else "TEST_SET"
    root, partition = Path(data["dataset_root"]), Path(data["dataset_partition"])
    try:
        labels = json.loads(partition.read_text(encoding="utf-8"))[half]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"data_cfg.dataset_partition = {partition}: not a JSON file with the lists TRAIN_SET and TEST_SET ({error!r})"
        ) from error
    there = [label for label in labels if (root / str(label)).is_dir()]
    if not any(next((root / str(label)).glob("*/*/*.*"), None) for label in there):
        raise ConfigError(
            f"data_cfg.dataset_root = {root}: no sequence of {half} found ({len(there)} of its {len(labels)} subjects have a folder);"
            f" expected <root>/<label>/<type>/<view>/*.pkl with labels such as {', '.join(map(str, labels[:3])) or '(the list is empty)'}"
        )
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
            f"trainer_cfg.sampler.batch_size = {list(size)}: its {size[0] * size[1]} clips cannot be dealt to {world} processes"
        )
