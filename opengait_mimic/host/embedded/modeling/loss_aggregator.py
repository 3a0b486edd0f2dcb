"""Sum of the losses a config names."""

from __future__ import annotations

import torch
import torch.nn as nn
from utils import Odict, get_attr_from, get_ddp_module, get_valid_args, runtime

from . import losses


class LossAggregator(nn.Module):
    """Builds the losses of ``loss_cfg`` and adds them up.

    Args:
        loss_cfg: one block or a list of blocks; ``log_prefix`` is the key of the model's ``training_feat`` that feeds
            the loss, ``type`` a class in `modeling.losses`.

    Raises:
        ValueError: two blocks with the same ``log_prefix``.
    """

    def __init__(self, loss_cfg) -> None:
        super().__init__()
        blocks = [loss_cfg] if isinstance(loss_cfg, dict) else loss_cfg
        names = [block["log_prefix"] for block in blocks]
        if len(set(names)) < len(names):
            raise ValueError(f"loss_cfg: every log_prefix may occur once, got {names}")
        self.losses = nn.ModuleDict({name: self._build(block) for name, block in zip(names, blocks)})

    @staticmethod
    def _build(block):
        """One loss on the device, wrapped by DDP if it has parameters."""
        Loss = get_attr_from([losses], block["type"])
        args = get_valid_args(Loss, block, ["type", "log_prefix", "gather_and_scale"])
        return get_ddp_module(Loss(**args).to(runtime.device))

    def forward(self, training_feats):
        """Sum the losses.

        Args:
            training_feats: ``log_prefix`` to the keyword arguments of its loss, or any other key to a tensor whose
                mean is added as it is.

        Returns:
            The sum and an `Odict` of ``scalar/<log_prefix>/<name>`` values.

        Raises:
            ValueError: arguments under a key no loss has, or something that is neither a dict nor a tensor.
        """
        total, report = 0.0, Odict()
        for key, value in training_feats.items():
            if key in self.losses:
                loss, info = self.losses[key](**value)
                report.update((f"scalar/{key}/{name}", v) for name, v in info.items())
                total = total + loss.mean() * self.losses[key].loss_term_weight
            elif torch.is_tensor(value):
                report[f"scalar/{key}"] = value.mean()
                total = total + value.mean()
            else:
                raise ValueError(
                    f"training_feat[{key!r}] is a {type(value).__name__} and no loss has that log_prefix; "
                    f"loss_cfg has: {', '.join(self.losses)}"
                )
        return total, report
