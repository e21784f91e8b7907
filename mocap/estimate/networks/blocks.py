"""Building blocks of mobile convolutional networks, with batch normalisation already folded into the weights.

Every tensor is float32 (B, C, H, W). Inverted residuals follow Sandler et al., "MobileNetV2" (2018); the separable
residual blocks follow Bazarevsky et al., "BlazeFace" (2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F


def depthwise(channels: int, kernel: int, *, stride: int = 1, padding: int | None = None) -> nn.Conv2d:
    """A convolution of each channel by itself; padded evenly unless ``padding`` is given."""
    pad = kernel // 2 if padding is None else padding
    return nn.Conv2d(channels, channels, kernel, stride, pad, groups=channels)


def pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    """A 1×1 convolution."""
    return nn.Conv2d(inputs, outputs, 1)


def upsample(x: Tensor) -> Tensor:
    """The map at twice its size, bilinear, pixel centres at half integers."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def depth_to_space(x: Tensor) -> Tensor:
    """(B, 4C, H, W) as (B, C, 2H, 2W).

    Convention: channels are ordered (row, column, C) as in TensorFlow, not (C, row, column) as in ``pixel_shuffle``.
    """
    batch, channels, height, width = x.shape
    x = x.reshape(batch, 2, 2, channels // 4, height, width)
    return x.permute(0, 3, 4, 1, 5, 2).reshape(batch, channels // 4, 2 * height, 2 * width)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = pointwise(inputs, hidden)
        self.depthwise = depthwise(hidden, kernel, stride=stride)
        self.project = pointwise(hidden, outputs)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(F.relu6(self.depthwise(F.relu6(self.expand(x)))))
        output: Tensor = x + y if self.is_residual else y
        return output


class SeparableBlock(nn.Module):
    """3×3 depthwise then 1×1 convolution, ReLU6; added to its input where the shapes agree.

    ``activate_depthwise``: ReLU6 between the two as well.
    """

    def __init__(self, inputs: int, outputs: int, *, activate_depthwise: bool = True) -> None:
        super().__init__()
        self.depthwise = depthwise(inputs, 3)
        self.pointwise = pointwise(inputs, outputs)
        self.activate_depthwise = activate_depthwise
        self.is_residual = inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(x)
        y = self.pointwise(F.relu6(y) if self.activate_depthwise else y)
        return F.relu6(x + y if self.is_residual else y)


class SeparableDownBlock(nn.Module):
    """A separable block that halves the map; its shortcut is a 2×2 maximum, with zeros for the added channels.

    An even map is padded at its right and bottom edge alone (TensorFlow's SAME at stride 2), so that the convolution
    and the maximum look at the same pixels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = depthwise(inputs, 3, stride=2, padding=0)
        self.pointwise = pointwise(inputs, outputs)
        self.added_channels = outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.pointwise(F.relu6(self.depthwise(F.pad(x, (0, 1, 0, 1)))))
        shortcut = F.max_pool2d(x, 2)
        if self.added_channels:
            shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.added_channels))
        return F.relu6(shortcut + y)


@dataclass(frozen=True)
class Stage:
    """Some inverted residuals of one width; the first has the stride, and its own expansion.

    expansions: one a block; their number is the depth.
    """

    channels: int
    kernel: int
    stride: int
    expansions: tuple[int, ...]

    def blocks(self, inputs: int) -> nn.Sequential:
        """The stage's blocks on ``inputs`` channels."""
        widths = (inputs,) + (self.channels,) * (len(self.expansions) - 1)
        strides = (self.stride,) + (1,) * (len(self.expansions) - 1)
        return nn.Sequential(
            *(
                InvertedResidual(width, self.channels, expansion=expansion, kernel=self.kernel, stride=stride)
                for width, stride, expansion in zip(widths, strides, self.expansions)
            )
        )


class Backbone(nn.Module):
    """A pyramid of features: maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of the image, finest first.

    stem: channels of the 1/2 map. stages: four groups of stages, one group a level. The last level is expanded and
    filtered, but not projected, so it has ``expansion`` times its width: ``channels`` lists all five.
    """

    def __init__(self, stem: int, groups: Sequence[Sequence[Stage]], *, expansion: int = 6) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, 2, 1)
        self.stem_depthwise = depthwise(24, 3)
        self.stem_project = pointwise(24, stem)
        levels, self.channels = [], [stem]
        for group in groups:
            levels.append(_level(self.channels[-1], group))
            self.channels.append(group[-1].channels)
        self.levels = nn.ModuleList(levels)
        width = self.channels[-1] * expansion
        self.top_expand = pointwise(self.channels[-1], width)
        self.top_depthwise = depthwise(width, 3)
        self.channels[-1] = width

    def forward(self, image: Tensor) -> list[Tensor]:
        x = F.relu6(self.stem_depthwise(F.relu6(self.stem(image))))
        maps = [self.stem_project(x)]
        for level in self.levels:
            maps.append(level(maps[-1]))
        maps[-1] = F.relu6(self.top_depthwise(F.relu6(self.top_expand(maps[-1]))))
        return maps


def _level(inputs: int, group: Sequence[Stage]) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for stage in group:
        blocks.extend(stage.blocks(inputs))
        inputs = stage.channels
    return nn.Sequential(*blocks)
