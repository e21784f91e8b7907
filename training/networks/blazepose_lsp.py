"""BlazePose with a head for the 14 joints of Leeds Sports Pose, which are not quite where its landmarks are.

A first guess comes from the landmarks; what is to be added is regressed from the trunk's last map and from the decoded
1/4 map around each guess. What comes after the maps can be trained on stored ones, or all of it together.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mocap.estimate.networks.blazepose import FULL, HEAVY, LITE, LandmarkNetwork, LandmarkSize
from mocap.model.keypoints import BLAZEPOSE_33, LSP_14

NECK, HEAD_TOP = 0.24, 1.75  # on the line from the shoulders' middle to the ears', in units of it
STEPS = (-2.0, 0.0, 2.0)  # cells of the 1/4 map around a guess, each way
WINDOW = 3  # cells around a landmark in which its heatmap may move it: as MediaPipe's graph does
MIN_PEAK = 0.5
HIDDEN = 384
LANDMARKS = 39
JOINTS = len(LSP_14)


class LspOutputs(NamedTuple):
    """landmarks: (B, 39, 5) as of the landmark network. presence: (B,). joints: (B, 14, 3), x and y in units of the
    crop, and the visibility and presence (0..1) of the landmarks that the first guess came from."""

    landmarks: Tensor
    presence: Tensor
    joints: Tensor


class Features(NamedTuple):
    """What the head sees: guess (B, 14, 2) in units of the crop, values (B, F); and what passes by it."""

    guess: Tensor
    values: Tensor
    landmarks: Tensor
    presence: Tensor


class BlazePoseLsp(nn.Module):
    """LspOutputs of images (B, 3, 256, 256) in 0..1."""

    image_size = 256
    guesses: Tensor

    def __init__(self, size: LandmarkSize = HEAVY, dropout: float = 0.3) -> None:
        super().__init__()
        self.trunk = LandmarkNetwork(size, with_mask=False)
        del self.trunk.mask
        self.register_buffer("guesses", guess_matrix(), persistent=False)
        inputs = size.head * 4 + JOINTS * len(STEPS) ** 2 * size.decoder + LANDMARKS * 4
        self.joints: nn.Sequential = nn.Sequential(
            nn.LayerNorm(inputs),
            nn.Dropout(dropout),
            nn.Linear(inputs, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, 2 * JOINTS),
        )
        nn.init.zeros_(self.joints[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.joints[-1].bias)  # type: ignore[arg-type]

    def forward(self, image: Tensor) -> LspOutputs:
        seen = self.features(self.maps(image))
        sure = torch.sigmoid(seen.landmarks[..., 3:].amin(-1))  # the lower logit is the lower probability
        confidence = torch.einsum("jk,bk->bj", self.guesses.abs() / self.guesses.abs().sum(1, keepdim=True), sure)
        places = self.placed(seen.guess, seen.values)
        return LspOutputs(seen.landmarks, seen.presence, torch.cat([places, confidence[..., None]], -1))

    def placed(self, guess: Tensor, values: Tensor) -> Tensor:
        """Joints (B, 14, 2) in units of the crop from what ``features`` gives."""
        return guess + self.joints(values).unflatten(-1, (JOINTS, 2))  # type: ignore[no-any-return]

    def maps(self, image: Tensor) -> list[Tensor]:
        """The decoded 1/4 map, then the backbone's that the way on needs: 1/8, 1/16 and 1/32, or the last alone."""
        maps = self.trunk.backbone(image)
        return [self.trunk.decoder(maps), *(maps[-1:] if self.trunk.encoder is None else maps[2:])]

    def features(self, maps: list[Tensor]) -> Features:
        """Everything between the maps and the head."""
        net = self.trunk
        decoded, *levels = maps
        top = net.lateral(levels[-1]) if net.encoder is None else net.encoder(decoded, levels)
        last = net.head.trunk(top)
        landmarks = net.head.landmarks(last).reshape(-1, LANDMARKS, 5)
        presence = torch.sigmoid(net.head.presence(last)).reshape(-1)
        regressed = landmarks[..., :2] / self.image_size
        refined = refined_by(net.heatmaps(decoded), regressed)
        guess = torch.einsum("jk,bkc->bjc", self.guesses, refined)
        near = sampled(decoded, guess)
        values = torch.cat([last.flatten(1), near, (regressed - 0.5).flatten(1), (refined - 0.5).flatten(1)], 1)
        return Features(guess, values, landmarks, presence)


def refined_by(heatmaps: Tensor, points: Tensor) -> Tensor:
    """Points (B, K, 2), in units of the crop, moved to the centre of mass of their heatmap (B, K, H, W) around them.

    Convention: cell (row, column) stands for (column / W, row / H), as in mocap.estimate.heatmaps.
    """
    height, width = heatmaps.shape[-2:]
    probability = torch.sigmoid(heatmaps)
    columns = torch.arange(width, device=points.device, dtype=points.dtype)
    rows = torch.arange(height, device=points.device, dtype=points.dtype)
    near_x = ((columns - torch.floor(points[..., :1] * width)).abs() <= WINDOW).to(points.dtype)
    near_y = ((rows - torch.floor(points[..., 1:] * height)).abs() <= WINDOW).to(points.dtype)
    weights = probability * near_y[..., :, None] * near_x[..., None, :]
    total = weights.sum((-1, -2))
    x = (weights.sum(-2) * columns).sum(-1) / total.clamp(min=1e-6) / width
    y = (weights.sum(-1) * rows).sum(-1) / total.clamp(min=1e-6) / height
    sure = (weights.amax((-1, -2)) >= MIN_PEAK)[..., None]
    return torch.where(sure, torch.stack([x, y], -1), points)


def sampled(maps: Tensor, points: Tensor) -> Tensor:
    """Values (B, K · 9 · C) of maps (B, C, H, W) on a small grid around points (B, K, 2) in units of the crop."""
    steps = torch.tensor([[x, y] for y in STEPS for x in STEPS], device=maps.device, dtype=maps.dtype) / maps.shape[-1]
    places = (points[:, :, None] + steps).flatten(1, 2)[:, :, None]  # (B, K · 9, 1, 2)
    values = F.grid_sample(maps, 2 * places - 1, align_corners=False)  # (B, C, K · 9, 1)
    return values[..., 0].transpose(1, 2).flatten(1)


def guess_matrix() -> Tensor:
    """(14, 39): each joint of LSP as a sum of landmarks; neck and head top lie on the line from shoulders to ears."""
    matrix = torch.zeros(JOINTS, LANDMARKS)
    for row, name in zip(matrix, LSP_14.names):
        if name in BLAZEPOSE_33.names:
            row[BLAZEPOSE_33.index(name)] = 1.0
            continue
        share = NECK if name == "neck" else HEAD_TOP
        for side in ("left", "right"):
            row[BLAZEPOSE_33.index(f"{side}_ear")] = share / 2
            row[BLAZEPOSE_33.index(f"{side}_shoulder")] = (1 - share) / 2
    return matrix


def heavy() -> BlazePoseLsp:
    """The untrained large network."""
    return BlazePoseLsp(HEAVY)


def full() -> BlazePoseLsp:
    """The untrained middle network."""
    return BlazePoseLsp(FULL)


def lite() -> BlazePoseLsp:
    """The untrained small network."""
    return BlazePoseLsp(LITE)
