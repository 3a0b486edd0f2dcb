"""What a step benchmark runs on: generated walkers, the shipped configurations on them, and random weights to load."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from opengait_mimic import host as hosts
from opengait_mimic.data.walkers import write_walkers
from opengait_mimic.models.prepare import prepare
from opengait_mimic.training.launch import build, start_log

METHODS = ("baseline1", "ven", "baseline2", "mimicgait")
RATE = 1e-4  # the same batch is stepped on again and again; a small rate keeps the loss finite and takes as long


class Sizes(NamedTuple):
    """How much data a step sees: P subjects of K clips, about ``frames`` frames each, and the silhouettes' (h, w)."""

    subjects: int
    clips: int
    frames: int
    geometry: tuple[int, int] = (64, 44)

    @property
    def lengths(self) -> tuple[int, int]:
        """Shortest and longest clip of ``unfixed`` sampling: 20 and 40 for 30 frames, the published Gait3D recipe."""
        return max(1, 2 * self.frames // 3), max(1, 4 * self.frames // 3)


def shipped(method: str, backbone: str, data: str) -> Path:
    """The shipped configuration of a method.

    Raises:
        HostError: there is none; names those there are.
    """
    name = f"{method}_{data}.yaml" if method == "ven" else f"{method}_{backbone}_{data}.yaml"
    file = hosts.CONFIGS / method / name
    if not file.is_file():
        there = ", ".join(sorted(f.name for f in file.parent.glob("*.yaml")))
        raise hosts.HostError(f"--backbone {backbone} --configs {data}: no configuration {name}; there are {there}")
    return file


def write_data(folder: Path, sizes: Sizes) -> dict:
    """Generate walkers, P to train on and one more; returns the keys of ``data_cfg`` that lead there."""
    tree = write_walkers(
        folder, sizes.subjects + 1, train=sizes.subjects, sessions=("nm-01", "nm-02"), views=(54, 90), frames=max(2, 2 * sizes.frames)
    )
    return {"dataset_root": str(tree.root), "dataset_partition": str(tree.partition), "num_workers": 0}


def cut(transform, width: int):
    """A transform block for this width: 44 of 64 columns, or all 64."""
    wanted = {44: "BaseSilCuttingTransform", 64: "BaseSilTransform"}[width]
    if isinstance(transform, list):
        return [cut(step, width) for step in transform]
    if isinstance(transform, dict):
        renamed = {"type": wanted} if transform.get("type") in ("BaseSilCuttingTransform", "BaseSilTransform") else {}
        return {key: cut(value, width) for key, value in {**transform, **renamed}.items()}
    return transform


def adjust(cfgs: dict, data: dict, sizes: Sizes, amp: bool) -> dict:
    """A configuration of this size on this data, in place: everything else stays as it is."""
    cfgs["data_cfg"].update(data)
    trainer, evaluator = cfgs["trainer_cfg"], cfgs["evaluator_cfg"]
    per_subject = trainer["sampler"]["batch_size"][1]
    low, high = sizes.lengths
    counts = {"frames_num_fixed": sizes.frames, "frames_num_min": low, "frames_num_max": high}
    if per_subject > 1:  # a VEN sees one frame of one clip
        per_subject = sizes.clips
        trainer["sampler"].update({key: value for key, value in counts.items() if key in trainer["sampler"]})
    trainer["sampler"]["batch_size"] = [sizes.subjects, per_subject]
    trainer.update(enable_float16=amp, sync_BN=False, with_test=False, restore_hint=0, log_iter=10**9, find_unused_parameters=False)
    evaluator.update(enable_float16=amp)
    cfgs["optimizer_cfg"]["lr"] = RATE
    return cfgs


def write_configs(
    folder: Path, backbone: str, configs: str, data: dict, sizes: Sizes, amp: bool, methods: Sequence[str] = (*METHODS, "vanilla")
) -> dict[str, Path]:
    """The methods' configurations for these sizes; method -> file. ``vanilla`` is a MimicGait without a VEN."""
    folder.mkdir(parents=True)
    files = {method: folder / f"{method}.yaml" for method in methods}
    for method, file in files.items():
        cfgs = adjust(
            yaml.safe_load(shipped("mimicgait" if method == "vanilla" else method, backbone, configs).read_text()), data, sizes, amp
        )
        for engine in ("trainer_cfg", "evaluator_cfg"):
            cfgs[engine]["save_name"] = f"{method}-{sizes.geometry[1]}"
            cfgs[engine]["transform"] = cut(cfgs[engine]["transform"], sizes.geometry[1])
        cfgs["evaluator_cfg"]["restore_hint"] = 1
        model = cfgs["model_cfg"]
        if "geometry" in model:
            model["geometry"] = list(sizes.geometry)
        for block, of in (("backbone", "baseline1"), ("teacher", "baseline1"), ("ven", "ven")):
            if isinstance(model.get(block), dict):
                model[block]["cfgs"] = str(files[of])
        if method == "vanilla":
            model["ven"] = None
        file.write_text(yaml.safe_dump(cfgs, sort_keys=False))
    return files


def trainable(file: Path):
    """The model of a configuration, built as the launcher builds it for training."""
    return _built(prepare(file, "train"), True)


def testable(file: Path):
    """The model of a configuration, built for testing from its checkpoint."""
    return _built(prepare(file, "embed"), False)


def _built(cfgs: dict, training: bool):
    start_log(cfgs, training, False, quiet=True)
    logging.getLogger("opengait").setLevel(logging.ERROR)  # the loss would warn that random weights cannot teach
    return build(cfgs, training)


def save(file: Path) -> Path:
    """Write the random weights of a configuration's model where its test, or whoever builds on it, looks for them."""
    model = trainable(file)
    model.save_ckpt(1)
    return Path(model.save_path) / "checkpoints" / f"{model.engine_cfg['save_name']}-00001.pt"


def collated(model, training: bool, positions: Sequence[int] | None = None):
    """A batch as the host's loader gives it: the sampler's first, or the test sequence at the given position alone."""
    loader = model.train_loader if training else model.test_loader
    chosen = next(iter(loader.batch_sampler)) if positions is None else positions
    return loader.collate_fn([loader.dataset[i] for i in chosen])
