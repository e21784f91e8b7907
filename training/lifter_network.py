"""Temporal convolutions that give image keypoints their depth.

The shape of the network follows "3D human pose estimation in video with temporal convolutions and semi-supervised
training" (Pavllo et al. 2019): residual blocks of dilated convolutions over time, here with padding, so that every
frame of a window gets an answer.
"""

from __future__ import annotations

from torch import Tensor, nn

from mocap.solve.lift.features import DILATIONS, FEATURES, OUTPUTS


class Block(nn.Module):
    """Two convolutions over time, the first dilated, added to what came in: nothing at first."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation),
            nn.GroupNorm(1, channels),
            nn.GELU(),
            nn.Conv1d(channels, channels, 1),
        )
        nn.init.zeros_(self.layers[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.layers[-1].bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) to (B, C, T)."""
        return x + self.layers(x)  # type: ignore[no-any-return]


class Lifter(nn.Module):
    """Features (B, T, FEATURES) to (B, T, OUTPUTS): 33 places about the hips, up, and logits of contact of FEET."""

    def __init__(self, channels: int = 256, dilations: tuple[int, ...] = DILATIONS) -> None:
        super().__init__()
        self.enter = nn.Conv1d(FEATURES, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(channels, dilation) for dilation in dilations))
        self.leave = nn.Sequential(nn.GroupNorm(1, channels), nn.Conv1d(channels, OUTPUTS, 1))

    def forward(self, features: Tensor) -> Tensor:
        """The answer for every frame of the windows."""
        hidden = self.blocks(self.enter(features.transpose(1, 2)))
        return self.leave(hidden).transpose(1, 2)  # type: ignore[no-any-return]
