"""The data of a study, and its configurations."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import yaml

from .. import host as hosts
from ..base.errors import ConfigError
from ..base.progress import Bar
from ..data.check import read_partition
from ..models.prepare import is_ranked

DATA_SEED = 0  # the walkers are the same in every run; seeds vary training and occlusion
EVALUATORS = {
    "walkers": "evaluate_walkers",
    "GREW": "evaluate_real_scene",
    "CASIA-B": "evaluate_indoor_dataset",
    "Gait3D": "evaluate_Gait3D",
    "OUMVLP": "evaluate_indoor_dataset",
    "SUSTech1K": "evaluate_indoor_dataset",
    "CCPG": "evaluate_CCPG",
}
"""Data set -> the host's evaluation function, which the written configurations name."""


def training_data(args, out: Path, subjects: int) -> tuple[dict, int, dict]:
    """The data block, the number of training subjects, and facts about the data that need no training.

    Args:
        args: the parsed command line: ``root``, ``partition``, ``dataset`` (all three, or none for walkers).
        out: walkers are generated once, below this folder.
        subjects: how many walkers.

    Raises:
        ConfigError: one of the three alone, or a data set that these configurations cannot test. HostError: a place is not found.
    """
    if args.root or args.partition or args.dataset:
        if not (args.root and args.partition and args.dataset):
            raise ConfigError("demo: --root, --partition and --dataset belong together; give all three, or none for walkers")
        if args.dataset not in EVALUATORS:
            raise ConfigError(f"--dataset {args.dataset}: known are {', '.join(EVALUATORS)}")
        partition = read_partition(hosts.resolve(args.partition, "--partition"))
        places = {"dataset_root": (args.root, "--root"), "dataset_partition": (args.partition, "--partition")}
        data = {key: str(hosts.resolve(*place).resolve()) for key, place in places.items()}
        data.update(dataset_name=args.dataset, test_dataset_name=args.dataset)
        return data, len(partition["TRAIN_SET"]), {"dataset": args.dataset, "chance_rank1": None}
    from ..data.walkers import mean_silhouette_rank1, write_walkers

    folder, begin = out / f"walkers-{subjects}", time.monotonic()
    done = folder / "done.json"
    if not done.is_file():
        shutil.rmtree(folder, ignore_errors=True)  # incomplete: an earlier run was stopped
        with Bar("  walkers") as bar:
            tree = write_walkers(folder, subjects=subjects, seed=DATA_SEED, progress=bar)
        known = {
            "dataset": "walkers", "train_subjects": len(tree.train), "test_subjects": len(tree.test), "sequences": tree.sequences,
            "chance_rank1": round(100 / len(tree.test), 3), "mean_silhouette_rank1": round(mean_silhouette_rank1(tree), 2),
        }  # fmt: skip
        done.write_text(json.dumps({"known": known, "root": str(tree.root), "partition": str(tree.partition)}))
    found = json.loads(done.read_text())
    known = found["known"]
    print(
        f"  {'walkers':<22}{time.monotonic() - begin:6.1f} s   {known['train_subjects']} + {known['test_subjects']} subjects,"
        f" {known['sequences']} sequences; Rank-1 by chance {known['chance_rank1']:.2f} %,"
        f" by mean silhouette {known['mean_silhouette_rank1']:.2f} %"
    )
    places = {"dataset_root": found["root"], "dataset_partition": found["partition"]}
    return {**places, "dataset_name": "walkers", "test_dataset_name": "walkers"}, known["train_subjects"], known


def adapt_configuration(cfgs: dict, data_cfg: dict, classes: int, steps: int, seed: int, tag: str = "") -> None:
    """Give a complete configuration a study's data, length and seed, in place. Its networks are saved under names of their own.

    Args:
        cfgs: the configuration.
        data_cfg: replaces these keys of its ``data_cfg``.
        classes: training subjects.
        steps: training steps; one checkpoint at the end. Milestones scale along.
        seed: of training and of the test's occlusion.
        tag: appended to ``save_name``, before the seed.
    """
    trainer, evaluator, model_cfg = cfgs["trainer_cfg"], cfgs["evaluator_cfg"], cfgs["model_cfg"]
    scale = steps / trainer["total_iter"]
    cfgs["data_cfg"].update(data_cfg)
    trainer.update(total_iter=steps, save_iter=steps, seed=seed, log_iter=min(50, steps))
    evaluator["restore_hint"] = steps
    cfgs["scheduler_cfg"]["milestones"] = [max(1, round(milestone * scale)) for milestone in cfgs["scheduler_cfg"]["milestones"]]
    if is_ranked(cfgs):
        evaluator["eval_func"] = EVALUATORS[data_cfg["dataset_name"]]
    if "occlusion" in evaluator:
        evaluator["occlusion"]["seed"] = seed
    for engine in (trainer, evaluator):
        engine["save_name"] += f"{tag}-seed{seed}"
    for block in (model_cfg, model_cfg.get("SeparateBNNecks")):
        if block and "class_num" in block:
            block["class_num"] = classes


def write_yaml(file: Path, cfgs: dict, origin: str) -> None:
    """Write a complete configuration if the file has other content; ``origin``: a comment on its first line."""
    text = f"# {origin}\n" + yaml.safe_dump(cfgs, sort_keys=False)
    if not file.is_file() or file.read_text() != text:  # another run may be reading it
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
