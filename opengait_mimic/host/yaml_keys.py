"""The keys that the host or we read by name, and the types of their values. The keys of a class are read off its signature."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Optional

from pydantic import AfterValidator

from ..base import resume_words
from ..base.config import Count, Flag, Natural, Text, field_types, whole
from .trainer_keys import EvaluatorKeys, TrainerKeys


def _choose_files(value):
    """A list of true and false, or of positions."""
    switches = isinstance(value, list) and all(isinstance(each, bool) for each in value) and any(value)
    positions = isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)
    if not value or not (switches or positions):
        raise ValueError("expected which files of a sequence are read: a list of true and false, or of positions (0, 1, ...); null: all")
    return value


def _hint(how: str):
    """The type of a ``restore_hint``; ``how``: what it may be, for messages."""

    def check(value):
        is_number = type(value) is int and value >= 0
        if not (is_number or (isinstance(value, str) and value and not resume_words.reads_as_word(value))):
            raise ValueError(f"expected a whole number of at least 0, without quotes, or a path. {how[0].upper()}{how[1:]}")
        return value

    return Annotated[Any, AfterValidator(check)]


SAMPLE_TYPES = tuple(f"{how}_{order}" for how in ("fixed", "unfixed", "all") for order in ("ordered", "unordered", "allordered"))

ENGINE = {
    "save_name": Text,
    "enable_float16": Flag,
    "restore_ckpt_strict": Flag,
    "sampler": Any,  # see SAMPLER
    "transform": Any,
}
BLOCKS = {
    "data_cfg": {
        "dataset_name": Text,
        "dataset_root": Text,
        "dataset_partition": Text,
        "test_dataset_name": Text,
        "data_in_use": Optional[Annotated[Any, AfterValidator(_choose_files)]],
        "num_workers": Natural,
        "cache": Flag,
        "self_supervised": Flag,
        "remove_no_gallery": Flag,  # in every YAML of OpenGait; nothing reads it
    },
    "trainer_cfg": {
        **ENGINE,
        **field_types(TrainerKeys),
        "restore_hint": _hint(resume_words.TRAINING),
        "with_test": Flag,
        "find_unused_parameters": Flag,
        "fix_BN": Flag,
        "sync_BN": Flag,
        "total_iter": Count,
        "log_iter": Count,
        "save_iter": Count,
        "optimizer_reset": Flag,
        "scheduler_reset": Flag,
        "T_max_iter": Count,  # SwinGait reads it
    },
    "evaluator_cfg": {
        **ENGINE,
        **field_types(EvaluatorKeys),
        "restore_hint": _hint(resume_words.TEST),
        "eval_func": Text,  # its arguments are keys as well
        "metric": Literal["euc", "cos"],
    },
    "model_cfg": {},
    "loss_cfg": {"log_prefix": Text, "gather_and_scale": Flag},
    "optimizer_cfg": {},
    "scheduler_cfg": {},
}
"""Top-level block -> key -> type."""

SAMPLER = {
    "sample_type": Literal[SAMPLE_TYPES],
    "frames_num_fixed": Count,
    "frames_num_min": Count,
    "frames_num_max": Count,
    "frames_skip_num": Natural,
    "frames_all_limit": whole(-1),
    "points_in_use": Any,
}
"""Keys of a sampler block that the host's collate function reads."""

OURS = {*TrainerKeys.model_fields, *EvaluatorKeys.model_fields}
"""Our keys in the host's blocks. A wrong value, or a misspelling, is an error in any file."""

NEEDED = {
    **dict.fromkeys(("dataset_name", "dataset_root", "dataset_partition", "save_name", "sample_type"), str),
    **dict.fromkeys(("total_iter", "log_iter", "save_iter", "num_workers"), (int, float)),
    **dict.fromkeys(("frames_num_fixed", "frames_num_min", "frames_num_max", "frames_skip_num", "frames_all_limit"), (int, float)),
    "restore_hint": (int, str, list),  # GaitEdge takes a list of checkpoints
    "data_in_use": (),
}
"""Keys without which the host cannot run. In any file, a refused value is an error if it is empty or of another type than these."""
