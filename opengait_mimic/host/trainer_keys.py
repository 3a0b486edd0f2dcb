"""Our keys in the host's blocks ``trainer_cfg`` and ``evaluator_cfg``.

.. code-block:: yaml

    trainer_cfg:
      seed: 0
      occlusion: {kinds: {none: 0.2, top: 0.4, bottom: 0.4}, hidden: [0.4, 0.6]}
      keep_last: 3                        # of the checkpoints that this training wrote; default: all
      keep_best: test_accuracy/Rank-1     # also the one with the best of this score; needs with_test: true
      clip_gradients: 5.0
      warm_up: 500
      bfloat16: true
      bad_steps: 20
    evaluator_cfg:
      occlusion: {kinds: {top: 0.5, bottom: 0.5}, hidden: [0.4, 0.6], occluded_side: both, seed: 0}

OpenGait's own ``main.py`` ignores the last six keys of ``trainer_cfg``; our models warn about it there.
"""

from __future__ import annotations

import torch
from pydantic import Field

from ..base.config import Block, Count, Flag, Natural, Text, between, whole
from ..base.errors import ConfigError
from ..occlusion.condition import ConditionBlock
from ..occlusion.draws import OcclusionBlock
from .bound_host import device


class LauncherKeys(Block):
    """Keys of ``trainer_cfg`` that our launcher reads, and OpenGait's own ``main.py`` ignores."""

    clip_gradients: between(1e-12) | None = Field(None, description="largest norm of the gradient over all trained parameters; null: any")
    warm_up: Natural = Field(0, description="steps in which the learning rate rises linearly to the schedule's; 0: none")
    bfloat16: Flag = Field(False, description="compute the training's forward pass in bfloat16; not together with enable_float16")
    bad_steps: Count = Field(20, description="steps in a row with a non-finite loss or gradient after which the training stops")
    keep_last: Count | None = Field(None, description="how many of the newest checkpoints are kept; null: all")
    keep_best: Text | None = Field(
        None, description="the checkpoint with the best of this score is kept too (test_accuracy/Rank-1); needs with_test"
    )


class TrainerKeys(LauncherKeys):
    """Our keys of ``trainer_cfg``."""

    seed: whole(0, 4_000_000) = Field(0, description="seed of the initial weights, the batches and the occlusion draws")
    occlusion: OcclusionBlock = Field(
        OcclusionBlock(kinds={"none": 0.2, "top": 0.4, "bottom": 0.4}), description="what is hidden in training, in models of ours"
    )


class EvaluatorKeys(Block):
    """Our keys of ``evaluator_cfg``."""

    occlusion: ConditionBlock | None = Field(None, description="what is hidden in the test; null: nothing")


def read_launcher_keys(cfgs: dict) -> LauncherKeys:
    """Read the keys of `LauncherKeys` from a complete configuration.

    Raises:
        ConfigError: a value of the wrong type or out of range; ``bfloat16`` together with ``enable_float16``,
            or on a GPU without it; ``keep_best`` without ``with_test``.
    """
    trainer = cfgs["trainer_cfg"]
    keys = LauncherKeys.read({key: trainer[key] for key in LauncherKeys.model_fields if key in trainer}, "trainer_cfg")
    if keys.bfloat16 and trainer["enable_float16"]:
        raise ConfigError("trainer_cfg.bfloat16 = true, trainer_cfg.enable_float16 = true: choose one; set the other to false")
    if keys.keep_best is not None and not trainer.get("with_test"):
        raise ConfigError(
            f"trainer_cfg.keep_best = {keys.keep_best!r} needs trainer_cfg.with_test: true: nothing else is tested while it trains"
        )
    if keys.bfloat16 and device().type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise ConfigError(
            f"trainer_cfg.bfloat16 = true: {torch.cuda.get_device_name(device())} does not compute in bfloat16; set it to false"
            " (enable_float16 is the older kind of half precision)"
        )
    return keys
