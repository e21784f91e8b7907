"""A small network of heatmaps: what the same data give with a design of today, as a reference for the regressors.

Residual blocks (He et al., 2015) down to 1/32, and a top-down path that adds the levels up again to 1/4 (Lin et al.,
"Feature Pyramid Networks", 2016; Xiao et al., "Simple Baselines for Human Pose Estimation", 2018).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHRINK = 4  # pixels of the image a cell of the heatmaps
Widths = tuple[int, int, int, int]  # channels at 1/4, 1/8, 1/16, 1/32
MEAN_LOGIT = -5.0  # first guess: a cell in a hundred holds the joint


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(width, width), _convolution(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(F.relu(self.first(x))))


class HeatmapNetwork(nn.Module):
    """Logits (B, joints, S / 4, S / 4) of where each joint is, of images (B, 3, S, S) in 0..1; S a multiple of 32."""

    def __init__(self, image_size: int, widths: Widths, blocks: int, *, joints: int = 14) -> None:
        super().__init__()
        self.image_size = image_size  # pixels, both sides, that it is trained with
        self.stem = nn.Sequential(_convolution(3 * SHRINK**2, widths[0]), nn.ReLU())
        self.levels = nn.ModuleList()
        for i, width in enumerate(widths):
            enter = [_convolution(widths[i - 1], width, 2), nn.ReLU()] if i else []
            self.levels.append(nn.Sequential(*enter, *(ResidualBlock(width) for _ in range(blocks))))
        pairs = list(zip(widths[1:], widths))  # from a coarse level to the next finer one
        self.narrow = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for coarse, fine in pairs)
        self.refine = nn.ModuleList(nn.Sequential(_convolution(fine, fine), nn.ReLU()) for _, fine in pairs)
        self.heatmaps = nn.Conv2d(widths[0], joints, 1)
        nn.init.normal_(self.heatmaps.weight, std=0.01)
        nn.init.constant_(self.heatmaps.bias, MEAN_LOGIT)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        cells = F.pixel_unshuffle(images - 0.5, SHRINK)
        x = self.stem(cells.contiguous(memory_format=torch.channels_last))  # a fifth faster on processors
        maps = [x := level(x) for level in self.levels]
        for i in reversed(range(len(self.narrow))):
            x = self.refine[i](maps[i] + F.interpolate(self.narrow[i](x), scale_factor=2.0))
        return self.heatmaps(x)  # type: ignore[no-any-return]


def heatmap_network() -> HeatmapNetwork:
    """The untrained reference."""
    return HeatmapNetwork(192, (64, 128, 192, 256), blocks=2)


def small_heatmap_network() -> HeatmapNetwork:
    """The untrained reference in a size that a processor can train in an hour."""
    return HeatmapNetwork(128, (32, 64, 96, 128), blocks=1)
