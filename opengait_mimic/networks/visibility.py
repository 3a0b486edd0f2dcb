"""The Visibility Estimation Network (VEN): what is hidden, and how much of it, from one silhouette."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FEATURES = 64  # width of the feature that guides the mimic


class VisibilityNetwork(nn.Module):
    """Three convolutions, a 64-d feature, and two heads.

    .. code-block:: yaml

        model_cfg:
          model: VEN
          kinds: [none, bottom, top]
          amount: true

    Args:
        kinds: number of occlusion kinds the class head tells apart (logits); None leaves the head out.
        amount: build the head for the hidden fraction.

    Shape:
        ``forward``: frames ``[f, h, w]`` in 0..1 -> feature ``[f, 64]``; h and w of at least 8.

    Source:
        MimicGait (WACV 2025), section 3.2 and supplement table 5: 3x3 convolutions 1-32-64-128 with bias and ReLU, each with
        a 2x2 max pool; global average; 128-64 with ReLU. The third pool is padded by 1 as in the public code (9x9 for 64x64
        input, where the supplement's table says 8x8), so that its weights fit. The class head gives logits (the public code
        applies softmax before a loss that applies it again), the amount is the fraction **hidden**.
    """

    def __init__(self, kinds: int | None = 3, amount: bool = True):
        """Build the trunk and the heads that are asked for."""
        super().__init__()
        if kinds is None and not amount:
            raise ValueError("VisibilityNetwork needs at least one head: kinds, amount, or both")
        self.trunk = nn.Sequential(
            *self._stage(1, 32, 0), *self._stage(32, 64, 0), *self._stage(64, 128, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.fc = nn.Linear(128, FEATURES)
        self.kind_head = nn.Linear(FEATURES, kinds) if kinds is not None else None
        self.amount_head = nn.Linear(FEATURES, 1) if amount else None
        nn.init.xavier_uniform_(self.fc.weight)
        self.trunk.to(memory_format=torch.channels_last)  # with `forward`'s, faster on a CPU

    @staticmethod
    def _stage(c_in: int, c_out: int, pad: int) -> list[nn.Module]:
        return [nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2, padding=pad)]

    def forward(self, frames: Tensor) -> Tensor:
        """The feature of every frame: ``[f, h, w]`` -> ``[f, 64]``."""
        maps = self.trunk[0](frames[:, None]).contiguous(memory_format=torch.channels_last)
        return torch.relu(self.fc(self.trunk[1:](maps)))

    def heads(self, feature: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Class logits ``[f, K]`` and hidden fraction ``[f]`` in (0, 1); None for a head that was not built."""
        logits = None if self.kind_head is None else self.kind_head(feature)
        hidden = None if self.amount_head is None else torch.sigmoid(self.amount_head(feature)).squeeze(1)
        return logits, hidden
