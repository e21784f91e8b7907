"""The networks of Pfister, Charles & Zisserman, "Flowing ConvNets for Human Pose Estimation in Videos" (ICCV 2015).

SpatialNet with spatial fusion tells heatmaps from one frame; FlowPooling weighs heatmaps of neighbouring frames that
optical flow has brought to the frame in the middle.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

MEAN_LOGIT = -5.0  # first guess: a cell in a hundred holds the joint


class FlowingOutputs(NamedTuple):
    """Logits (B, joints, 64, 64) of SpatialNet's last layer, and of the fusion layers, which count."""

    spatial: Tensor
    fused: Tensor


def _layers(inputs: int, *layers: tuple[int, int, bool], narrower: int) -> nn.Sequential:
    """Convolutions (kernel, channels, whether halved by max pooling after), each with ReLU, channels divided."""
    sequence = nn.Sequential()
    for kernel, width, is_pooled in layers:
        channels = width // narrower
        sequence.extend([nn.Conv2d(inputs, channels, kernel, padding=kernel // 2), nn.ReLU()])
        if is_pooled:
            sequence.append(nn.MaxPool2d(2))
        inputs = channels
    return sequence


class SpatialNet(nn.Module):
    """FlowingOutputs of images (B, 3, 256, 256) in 0..1.

    The paper trains with squared error to bells; here the outputs are logits, for the cross entropy that all heatmaps
    of this project are trained with. narrower: what the paper's channels are divided by, for a machine that is slow.
    """

    image_size = 256

    def __init__(self, joints: int = 14, *, narrower: int = 1) -> None:
        super().__init__()
        seen, top = 128 // narrower, 256 // narrower
        layers = partial(_layers, narrower=narrower)
        self.low = layers(3, (5, 128, True), (5, 128, True), (5, 128, False))  # conv 1 to 3
        self.high = layers(seen, (9, 256, False), (9, 512, False), (1, 256, False), (1, 256, False))  # conv 4 to 7
        self.spatial = nn.Conv2d(top, joints, 1)  # conv 8
        self.fusion = layers(seen + top, (7, 64, False), (13, 64, False), (13, 128, False), (1, 256, False))
        self.fused = nn.Conv2d(top, joints, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        for last in (self.spatial, self.fused):
            nn.init.normal_(last.weight, std=1e-3)
            nn.init.constant_(last.bias, MEAN_LOGIT)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> FlowingOutputs:
        conv3 = self.low(images - 0.5)
        conv7 = self.high(conv3)
        return FlowingOutputs(self.spatial(conv7), self.fused(self.fusion(torch.cat([conv3, conv7], 1))))


class FlowPooling(nn.Module):
    """Heatmaps (B, K, H, W) of heatmaps (B, 2n + 1, K, H, W) warped to the middle frame: a weight a joint and frame.

    A 1×1 convolution over the frames of each joint, as in the paper. It begins as the mean.
    """

    def __init__(self, joints: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.weights = nn.Parameter(torch.full((2 * reach + 1, joints), 1 / (2 * reach + 1)))

    def forward(self, maps: Tensor) -> Tensor:
        return torch.einsum("bnkhw,nk->bkhw", maps, self.weights)
