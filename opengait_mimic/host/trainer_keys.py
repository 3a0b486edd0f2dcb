"""The keys of ``trainer_cfg`` that our launcher heeds in every training step.

.. code-block:: yaml

    trainer_cfg:
      clip_gradients: 5.0   # the gradient's norm over all trained parameters is held to this
      warm_up: 500          # the learning rate rises to the schedule's in that many steps
      bfloat16: true        # the training's forward computes in bfloat16 where the device has it
      bad_steps: 20         # that many steps in a row whose loss or gradients are not finite stop the run
      keep_last: 3          # of the checkpoints that this training wrote; default: all
      keep_best: test_accuracy/Rank-1   # also the one whose test gave the largest value; needs with_test: true

Without them nothing is clipped, warmed up or computed in bfloat16, and 20 bad steps stop the run. Under OpenGait's own ``main.py`` nobody
heeds them; our models say so.
"""

from __future__ import annotations

from types import SimpleNamespace

import torch

from .. import host
from ..base.config import boolean, integer, number, optional, read, text
from ..base.errors import ConfigError

FIELDS = {
    "clip_gradients": (None, optional(number(1e-12))),
    "warm_up": (0, integer(0)),
    "bfloat16": (False, boolean),
    "bad_steps": (20, integer(1)),
    "keep_last": (None, optional(integer(1))),
    "keep_best": (None, optional(text)),
}


def settings(cfgs: dict) -> SimpleNamespace:
    """Read the keys of `FIELDS`.

    Raises:
        ConfigError: a value of the wrong type or out of range; ``bfloat16`` together with ``enable_float16``,
            or on a GPU without it; ``keep_best`` without ``with_test``.
    """
    trainer = cfgs["trainer_cfg"]
    found = read({key: trainer[key] for key in FIELDS if key in trainer}, "trainer_cfg", FIELDS)
    if found.bfloat16 and trainer["enable_float16"]:
        raise ConfigError("trainer_cfg.bfloat16 = true, trainer_cfg.enable_float16 = true: choose one; set the other to false")
    if found.keep_best is not None and not trainer.get("with_test"):
        raise ConfigError(
            f"trainer_cfg.keep_best = {found.keep_best!r} needs trainer_cfg.with_test: true: nothing else is tested while it trains"
        )
    device = host.device()
    if found.bfloat16 and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise ConfigError(
            f"trainer_cfg.bfloat16 = true: {torch.cuda.get_device_name(device)} does not compute in bfloat16; set it to false"
            " (enable_float16 is the older kind of half precision)"
        )
    return found
