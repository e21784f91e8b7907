"""BlazePose: a person detector and a landmark network in three sizes, as modules to read and to fine-tune.

Images come in as float32 (B, 3, H, W), RGB in 0..1. Bazarevsky et al., "BlazePose: On-device Real-time Body Pose
tracking" (2020) and Grishchenko et al., "BlazePose GHUM Holistic" (2022) describe the networks; the layer sizes are
those of the published models. All four share one backbone and differ in widths and depths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mocap.estimate.networks.blocks import (
    Backbone,
    SeparableBlock,
    SeparableDownBlock,
    Stage,
    depth_to_space,
    depthwise,
    pointwise,
    upsample,
)

LANDMARKS = 39  # 33 body points, 2 that place the next crop, 4 the published models leave unused
ANCHOR_VALUES = 12  # of an anchor: box centre x, y, width, height, then four points x, y
MASK_CHANNELS = 8  # width of the mask decoder at 1/2 and full size


class DetectorOutputs(NamedTuple):
    """Raw outputs for A = 2254 anchors of a 224 × 224 image: 28² cells × 2, 14² × 2, 7² × 6, row by row.

    boxes: (B, A, 12) pixels relative to the anchor's centre: box centre x, y, width, height, four points x, y.
    logits: (B, A) of there being a person.
    """

    boxes: Tensor
    logits: Tensor


class LandmarkOutputs(NamedTuple):
    """Raw outputs for a 256 × 256 crop.

    landmarks: (B, 39, 5) x, y, z in pixels of the crop, logits of visibility and of presence. world: (B, 39, 3) metres,
    in the crop's axes, hips' middle at the origin. presence: (B,) 0..1 that there is a person. heatmaps: (B, 39, 64,
    64) logits. mask: (B, 1, 256, 256) logits of the person's pixels; None from a network built without it.
    """

    landmarks: Tensor
    world: Tensor
    presence: Tensor
    heatmaps: Tensor
    mask: Tensor | None


@dataclass(frozen=True)
class LandmarkSize:
    """What sets lite, full and heavy apart.

    stem, groups: the backbone. decoder: channels of the decoded pyramid. encoder: (channels, blocks) of the stages that
    lead the decoded 1/4 map back to 1/32; none in the smaller networks, which go on from the backbone's top instead.
    head: channels of the regression head. head_blocks: blocks after each of its two halvings.
    """

    stem: int
    groups: tuple[tuple[Stage, ...], ...]
    decoder: int
    encoder: tuple[tuple[int, int], ...]
    head: int
    head_blocks: tuple[int, int]


def _small_backbone(c4: int, c8: int, c16: int, c16_wide: int, c32: int) -> tuple[tuple[Stage, ...], ...]:
    return (
        (Stage(c4, 3, 2, (4, 6)),),
        (Stage(c8, 5, 2, (6, 6)),),
        (Stage(c16, 3, 2, (6, 6, 6)), Stage(c16_wide, 5, 1, (6, 6, 6))),
        (Stage(c32, 5, 2, (6, 6, 6, 6)),),
    )


DETECTOR_STEM, DETECTOR_GROUPS = 16, _small_backbone(24, 40, 80, 112, 192)
LITE = LandmarkSize(8, _small_backbone(16, 24, 40, 56, 96), 32, (), 192, (2, 3))
FULL = LandmarkSize(16, _small_backbone(24, 32, 64, 88, 144), 48, (), 288, (4, 5))
HEAVY = LandmarkSize(
    stem=24,
    groups=(
        (Stage(32, 3, 2, (4, 4, 6, 6)),),
        (Stage(56, 5, 2, (6,) * 4),),
        (Stage(112, 3, 2, (6,) * 6), Stage(160, 5, 1, (6,) * 6)),
        (Stage(272, 5, 2, (6,) * 8),),
    ),
    decoder=48,
    encoder=((96, 6), (192, 7), (288, 7)),
    head=288,
    head_blocks=(7, 7),
)


class AnchorHead(nn.Module):
    """Boxes and logits of one level's anchors: (B, anchors, 12) and (B, anchors, 1) from (B, 4C, H, W).

    The map is unfolded to twice its size and halved again by a strided depthwise convolution.
    """

    def __init__(self, inputs: int, anchors: int) -> None:
        super().__init__()
        channels = inputs // 4
        self.logit_depthwise = depthwise(channels, 3, stride=2)
        self.logit_pointwise = pointwise(channels, anchors)
        self.box_depthwise = depthwise(channels, 3, stride=2)
        self.box_pointwise = pointwise(channels, anchors * ANCHOR_VALUES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = depth_to_space(x)
        boxes = self.box_pointwise(self.box_depthwise(x))
        logits = self.logit_pointwise(self.logit_depthwise(x))
        return _per_anchor(boxes, ANCHOR_VALUES), _per_anchor(logits, 1)


def _per_anchor(x: Tensor, values: int) -> Tensor:
    return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, values)


class PersonDetector(nn.Module):
    """Single-shot person detector on (B, 3, 224, 224): raw boxes and logits of 2254 anchors.

    The published network expects RGB in −1..1; the change of range is part of ``forward``.
    """

    image_size = 224

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone(DETECTOR_STEM, DETECTOR_GROUPS)
        c8, c16, c32 = self.backbone.channels[2:]
        width8, width16 = 96, 192
        self.lateral16 = SeparableBlock(c16, width16, activate_depthwise=False)
        self.lateral8 = SeparableBlock(c8, width8, activate_depthwise=False)
        self.down_path16 = pointwise(c32, width16)
        self.down_path8 = pointwise(width16, width8)
        self.refine16 = _refinement(width16)
        self.refine8 = _refinement(width8)
        self.head8, self.head16, self.head32 = AnchorHead(width8, 2), AnchorHead(width16, 2), AnchorHead(c32, 6)

    def forward(self, image: Tensor) -> DetectorOutputs:
        _, _, map8, map16, map32 = self.backbone(image * 2 - 1)
        map16 = self.lateral16(map16) + nn.functional.relu6(self.down_path16(upsample(map32)))
        map16 = self.refine16(map16)
        map8 = self.lateral8(map8) + nn.functional.relu6(self.down_path8(upsample(map16)))
        heads = self.head8(self.refine8(map8)), self.head16(map16), self.head32(map32)
        boxes, logits = (torch.cat(parts, dim=1) for parts in zip(*heads))
        return DetectorOutputs(boxes, logits[..., 0])


def _refinement(width: int) -> nn.Sequential:
    return nn.Sequential(*(SeparableBlock(width, width, activate_depthwise=False) for _ in range(2)))


class PyramidDecoder(nn.Module):
    """The 1/4 map of the backbone's levels added up from the coarsest: (B, decoder, 64, 64)."""

    def __init__(self, channels: list[int], width: int) -> None:
        super().__init__()
        c4, c8, c16, c32 = channels[1:]
        self.lateral4 = SeparableBlock(c4, width)
        self.lateral8 = SeparableBlock(c8, width)
        self.lateral16 = SeparableBlock(c16, width)
        self.lateral32 = SeparableBlock(c32, width)

    def forward(self, maps: list[Tensor]) -> Tensor:
        _, map4, map8, map16, map32 = maps
        x = upsample(self.lateral32(map32)) + self.lateral16(map16)
        x = upsample(x) + self.lateral8(map8)
        output: Tensor = upsample(x) + self.lateral4(map4)
        return output


class MaskDecoder(nn.Module):
    """Logits of the person's pixels (B, 1, 256, 256) from the decoded 1/4 map and the backbone's 1/2 map."""

    def __init__(self, stem: int, decoder: int) -> None:
        super().__init__()
        self.reduce = SeparableBlock(decoder, MASK_CHANNELS)
        self.lateral2 = SeparableBlock(stem, MASK_CHANNELS)
        self.half_size = nn.Sequential(*(SeparableBlock(MASK_CHANNELS, MASK_CHANNELS) for _ in range(2)))
        self.full_size = nn.Sequential(*(SeparableBlock(MASK_CHANNELS, MASK_CHANNELS) for _ in range(2)))
        self.logits = nn.Conv2d(MASK_CHANNELS, 1, 3, 1, 1)

    def forward(self, map2: Tensor, decoded: Tensor) -> Tensor:
        x = self.half_size(upsample(self.reduce(decoded)) + self.lateral2(map2))
        return self.logits(self.full_size(upsample(x)))  # type: ignore[no-any-return]


class DecodedEncoder(nn.Module):
    """The decoded 1/4 map led back to 1/32, stage by stage, with the backbone's maps of 1/8 and 1/16 added."""

    def __init__(self, stages: tuple[tuple[int, int], ...], decoder: int, lateral: list[int]) -> None:
        super().__init__()
        widths = [decoder] + [channels for channels, _ in stages]
        self.stages = nn.ModuleList(_halving(w, c, n) for w, (c, n) in zip(widths, stages))
        self.laterals = nn.ModuleList(SeparableBlock(c, w) for c, w in zip(lateral, widths[1:]))

    def forward(self, decoded: Tensor, maps: list[Tensor]) -> Tensor:
        x = decoded
        for stage, lateral, level in zip(self.stages, self.laterals, maps):
            x = stage(x) + lateral(level)
        return x


def _halving(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(
        SeparableDownBlock(inputs, outputs), *(SeparableBlock(outputs, outputs) for _ in range(blocks))
    )


class LandmarkHead(nn.Module):
    """Landmarks, world landmarks and presence, regressed from the 1/32 map (B, C, 8, 8)."""

    def __init__(self, width: int, blocks: tuple[int, int]) -> None:
        super().__init__()
        self.trunk = nn.Sequential(*(_halving(width, width, count) for count in blocks))
        self.landmarks = nn.Conv2d(width, LANDMARKS * 5, 2)
        self.world = nn.Conv2d(width, LANDMARKS * 3, 2)
        self.presence = nn.Conv2d(width, 1, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.trunk(x)
        landmarks = self.landmarks(x).reshape(-1, LANDMARKS, 5)
        world = self.world(x).reshape(-1, LANDMARKS, 3)
        return landmarks, world, torch.sigmoid(self.presence(x)).reshape(-1)


class LandmarkNetwork(nn.Module):
    """Body landmarks of the person in a (B, 3, 256, 256) crop, in any of the three sizes.

    ``with_mask``: whether ``forward`` computes the person's mask, which capture does not need.
    """

    image_size = 256

    def __init__(self, size: LandmarkSize, *, with_mask: bool = True) -> None:
        super().__init__()
        self.with_mask = with_mask
        self.backbone = Backbone(size.stem, size.groups)
        channels = self.backbone.channels
        self.decoder = PyramidDecoder(channels, size.decoder)
        self.heatmaps = pointwise(size.decoder, LANDMARKS)
        self.mask = MaskDecoder(size.stem, size.decoder)
        if size.encoder:
            self.encoder: nn.Module | None = DecodedEncoder(size.encoder, size.decoder, channels[2:])
        else:
            self.encoder = None
            self.lateral = SeparableBlock(channels[-1], size.head)
        self.head = LandmarkHead(size.head, size.head_blocks)

    def forward(self, image: Tensor) -> LandmarkOutputs:
        maps = self.backbone(image)
        decoded = self.decoder(maps)
        top = self.lateral(maps[-1]) if self.encoder is None else self.encoder(decoded, maps[2:])
        mask = self.mask(maps[0], decoded) if self.with_mask else None
        landmarks, world, presence = self.head(top)
        return LandmarkOutputs(landmarks, world, presence, self.heatmaps(decoded), mask)


def person_detector() -> PersonDetector:
    """The untrained person detector."""
    return PersonDetector()


def landmarks_lite() -> LandmarkNetwork:
    """The untrained small landmark network."""
    return LandmarkNetwork(LITE)


def landmarks_full() -> LandmarkNetwork:
    """The untrained middle landmark network."""
    return LandmarkNetwork(FULL)


def landmarks_heavy() -> LandmarkNetwork:
    """The untrained large landmark network."""
    return LandmarkNetwork(HEAVY)
