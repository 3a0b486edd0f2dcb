"""The VEN's loss on how much is hidden."""

from __future__ import annotations

from torch import Tensor, nn

from ..base.config import between, read_value


class HiddenFractionLoss(nn.Module):
    """Mean squared error of the hidden fraction, for VEN.

    .. code-block:: yaml

        loss_cfg:
          - {type: HiddenFractionLoss, log_prefix: hidden, loss_term_weight: 10.0}

    Args:
        loss_term_weight: the host multiplies the loss by it; 10 in the public code and the supplement.

    Shape:
        ``forward(prediction [f], target [f]) -> (loss, info)``, both in 0..1; info: ``loss`` and ``mae``.

    Source:
        MimicGait (WACV 2025), section 3.2 and its supplement.
    """

    def __init__(self, loss_term_weight=10.0):
        """Check the argument; see the class."""
        super().__init__()
        self.loss_term_weight = read_value(between(0, 1e6), loss_term_weight, "HiddenFractionLoss.loss_term_weight")

    def forward(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """See the class."""
        error = prediction.float() - target.float()
        loss = error.square().mean()
        return loss, {"loss": loss.detach().clone(), "mae": error.detach().abs().mean()}
