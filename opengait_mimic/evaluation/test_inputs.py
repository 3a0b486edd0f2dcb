"""What decides the result of a test: a stored result whose inputs are the same is not computed again."""

from __future__ import annotations

import copy

from .. import __version__
from .. import host as hosts
from ..base.files import sha256
from ..base.plain_values import as_json
from ..published.switches import TEST
from ..training.recipe import complete_model_cfg, describe_data
from .rp_reference import reference_cfgs, tested_checkpoint

FILE_KEYS = ("save_name", "restore_hint", "restore_ckpt_strict")
"""Keys of ``evaluator_cfg`` that name the tested file, not how it is tested."""


def read_test_inputs(cfgs: dict) -> dict:
    """Everything of a prepared configuration that decides what `evaluate` or the host's test reports, as plain JSON values."""
    evaluator = {key: copy.deepcopy(value) for key, value in cfgs["evaluator_cfg"].items() if key not in FILE_KEYS}
    evaluator["sampler"].pop("batch_size", None)  # the number of processes
    host, teacher = hosts.current(), None
    whole = reference_cfgs(cfgs)[0] if cfgs["model_cfg"].get("backbone") is not None else None  # RP divides by its score
    if whole:
        teacher = {
            "weights": sha256(whole["evaluator_cfg"]["restore_hint"]),
            "model_cfg": whole["model_cfg"],
            "evaluator_cfg": {key: whole["evaluator_cfg"].get(key) for key in ("enable_float16", "metric", "transform")},
            "dataset_name": whole["data_cfg"]["dataset_name"],
        }
    return as_json(
        {
            "version": __version__,
            "host": host.name,
            "commit": host.commit,
            "data_cfg": {
                key: cfgs["data_cfg"].get(key) for key in ("dataset_name", "test_dataset_name", "data_in_use", "remove_no_gallery")
            },
            "data": describe_data(cfgs, "TEST_SET"),
            "model_cfg": complete_model_cfg(cfgs, TEST),
            "evaluator_cfg": evaluator,
            "weights": sha256(tested_checkpoint(cfgs)),
            "teacher": teacher,
        }
    )
