"""What a configuration says about a training that its inputs do not spell out: the batch, the precision, the test."""

from __future__ import annotations

import copy
import math

from .. import host as hosts
from ..models.depends import built_on
from ..occlusion.condition import Condition
from ..published.switches import place_of
from ..training.inputs import data_inputs

NO_TEST = ("save_name", "restore_hint", "restore_ckpt_strict")  # of evaluator_cfg: which file is tested, not how


def batch(cfgs: dict, processes: int | None) -> dict:
    """The entry ``batch`` of a sheet; of None processes what does not depend on them."""
    trainer = cfgs["trainer_cfg"]
    size = trainer["sampler"]["batch_size"]
    clips, p, k = (math.prod(size), *size) if isinstance(size, (list, tuple)) else (size, None, None)
    each = None if processes is None else clips // processes
    return {"clips": clips, "P": p, "K": k, "per_process": each, "batchnorm": clips if trainer.get("sync_BN") else each}


def precision(cfgs: dict, computed: bool = True) -> str:
    """Of a training; as it is ``computed`` on this device, or as it is asked for."""
    trainer = cfgs["trainer_cfg"]
    if trainer.get("bfloat16"):
        return "bfloat16"
    return "float16" if trainer.get("enable_float16") and not (computed and hosts.device().type == "cpu") else "float32"


def of_test(cfgs: dict, recipe: bool = False) -> dict:
    """The entry ``test`` of a sheet; ``recipe``: the data need not be here."""
    evaluator = {key: copy.deepcopy(value) for key, value in cfgs["evaluator_cfg"].items() if key not in NO_TEST}
    evaluator["sampler"].pop("batch_size", None)  # the number of processes
    if evaluator.get("occlusion") is not None:
        model = cfgs["model_cfg"].get("model")
        found = Condition.from_cfg(evaluator["occlusion"], "evaluator_cfg.occlusion", place_of(model))
        evaluator["occlusion"] = {**found.occlusion._asdict(), "occluded_side": found.occluded_side, "seed": found.seed}
    data = data_inputs(cfgs, ("TEST_SET", "PROBE_SET"), recipe)
    name = data.get("test_dataset_name") or data["dataset_name"]
    return {"data": {"name": name, "partition": data["dataset_partition"], "sample": data["dataset_root"]}, **evaluator}


def builds_on(cfgs: dict) -> dict:
    """`upstream` without a teacher that is named for RP alone: ``teacher`` and ``ven`` -> their YAML and its ``checkpoint`` key."""
    return {name: (each.yaml, each.checkpoint) for name, each in built_on(cfgs).items()}
