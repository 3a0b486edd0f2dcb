"""Which keys the host and we read by name, and what their values may be."""

from __future__ import annotations

from ..base.config import anything, boolean, choice, integer, text
from ..base.errors import ConfigError
from ..occlusion import Occlusion
from .trainer_keys import FIELDS


def _restore_hint(value, where):
    return value if isinstance(value, str) and value else integer(0)(value, where)


def files_in_use(value, where):
    """A check: ``data_cfg.data_in_use``."""
    plain = isinstance(value, list) and value and (all(isinstance(v, bool) for v in value) or all(type(v) is int and v >= 0 for v in value))
    if value is not None and not plain:
        raise ConfigError(
            f"{where} = {value!r}; expected which of a sequence's files are read: a list of true and false, or of their positions (0, 1,"
            " ...), or null for all"
        )
    return value


def _condition(value, where):
    from ..occlusion.condition import Condition

    return Condition.from_cfg(value, where)


ENGINE = {
    "save_name": text,
    "enable_float16": boolean,
    "restore_hint": _restore_hint,
    "restore_ckpt_strict": boolean,
    "sampler": anything,  # see SAMPLING
    "transform": anything,
}
BLOCKS = {
    "data_cfg": {
        "dataset_name": text,
        "dataset_root": text,
        "dataset_partition": text,
        "test_dataset_name": text,
        "data_in_use": files_in_use,
        "num_workers": integer(0),
        "cache": boolean,
        "self_supervised": boolean,
        "remove_no_gallery": boolean,  # nobody reads it, but the host's default.yaml and every file of OpenGait's has it
    },
    "trainer_cfg": {
        **ENGINE,
        "seed": integer(0, 4_000_000),
        "occlusion": Occlusion.from_cfg,
        "with_test": boolean,
        "find_unused_parameters": boolean,
        "fix_BN": boolean,
        "sync_BN": boolean,
        "total_iter": integer(1),
        "log_iter": integer(1),
        "save_iter": integer(1),
        "keep_last": integer(1),
        "keep_best": text,
        "optimizer_reset": boolean,
        "scheduler_reset": boolean,
        "T_max_iter": integer(1),  # see READ_BY_MODELS
        **{key: check for key, (_, check) in FIELDS.items()},
    },
    "evaluator_cfg": {
        **ENGINE,
        "occlusion": _condition,
        "eval_func": text,  # its arguments are keys as well
        "metric": choice("euc", "cos"),
    },
    "model_cfg": {},  # FIELDS of our models; a host model's is its own
    "loss_cfg": {"log_prefix": text, "gather_and_scale": boolean},
    "optimizer_cfg": {},
    "scheduler_cfg": {},
}
"""Top-level block -> key -> check: what the host or we read by name. What a class takes is read off its signature."""

NEEDED = {
    **dict.fromkeys(("dataset_name", "dataset_root", "dataset_partition", "save_name", "sample_type"), str),
    **dict.fromkeys(("total_iter", "log_iter", "save_iter", "num_workers"), (int, float)),
    **dict.fromkeys(("frames_num_fixed", "frames_num_min", "frames_num_max", "frames_skip_num", "frames_all_limit"), (int, float)),
    **{"restore_hint": (int, str, list), "data_in_use": ()},
}
"""Keys of `BLOCKS` and `SAMPLING` that stop the host, or us, with a value that is refused and empty or of other types than these
(a list of checkpoints is GaitEdge's)."""

READ_BY_MODELS = ("T_max_iter",)
"""Keys of `BLOCKS` that some of the host's models read, not the host; of ours, one whose backbone's own YAML has them."""

EVALUATIONS = {
    ("evaluation.evaluator", name)
    for name in (
        *("evaluate_indoor_dataset", "evaluate_real_scene", "evaluate_Gait3D", "evaluate_CCPG", "evaluate_FreeGait"),
        *("evaluate_CCGR_MINI", "evaluate_scoliosis", "evaluate_segmentation", "GREW_submission", "HID_submission"),
    )
}
"""The host's evaluations, which know the metrics of `BLOCKS`; a user's own may know others."""

SAMPLING = {
    "sample_type": choice(*(f"{how}_{order}" for how in ("fixed", "unfixed", "all") for order in ("ordered", "unordered", "allordered"))),
    "frames_num_fixed": integer(1),
    "frames_num_min": integer(1),
    "frames_num_max": integer(1),
    "frames_skip_num": integer(0),
    "frames_all_limit": integer(-1),
    "points_in_use": anything,
}
"""The keys of a sampler block that are the host's collate function's."""
