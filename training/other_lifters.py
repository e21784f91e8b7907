"""Networks that were tried instead of ``lifter_network.Lifter``: the same input and output, about its size."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mocap.solve.lift.features import FEATURES, OUTPUTS

GROUP = 3  # neighbouring frames that are taken together
MOST_GROUPS = 81 // GROUP


class Transformer(nn.Module):
    """Self-attention over groups of neighbouring frames, with learnt places in time (2.4 M weights)."""

    def __init__(self, channels: int = 192, layers: int = 5) -> None:
        super().__init__()
        self.enter = nn.Linear(GROUP * FEATURES, channels)
        self.places = nn.Parameter(0.02 * torch.randn(MOST_GROUPS, channels))
        layer = nn.TransformerEncoderLayer(
            channels, 6, 4 * channels, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(channels), enable_nested_tensor=False)
        self.leave = nn.Linear(channels, GROUP * OUTPUTS)

    def forward(self, features: Tensor) -> Tensor:
        """The answer for every frame of the windows."""
        hidden = self.enter(features.reshape(len(features), -1, GROUP * FEATURES)) + self.places
        return self.leave(self.layers(hidden)).reshape(*features.shape[:2], OUTPUTS)  # type: ignore[no-any-return]


class Recurrent(nn.Module):
    """Two layers of gated recurrent units that read groups of frames forwards and backwards (2.3 M weights)."""

    def __init__(self, channels: int = 256) -> None:
        super().__init__()
        self.enter = nn.Linear(GROUP * FEATURES, channels)
        self.layers = nn.GRU(channels, channels, 2, batch_first=True, bidirectional=True)
        self.leave = nn.Linear(2 * channels, GROUP * OUTPUTS)

    def forward(self, features: Tensor) -> Tensor:
        """The answer for every frame of the windows."""
        hidden = nn.functional.gelu(self.enter(features.reshape(len(features), -1, GROUP * FEATURES)))
        return self.leave(self.layers(hidden)[0]).reshape(*features.shape[:2], OUTPUTS)  # type: ignore[no-any-return]
