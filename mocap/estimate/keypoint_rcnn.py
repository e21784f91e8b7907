"""torchvision's keypoint R-CNN as an estimator (extra ``train``). Imports torch.

He et al., "Mask R-CNN" (2017). Its weights are the user's own download, since they are not this project's to pass on.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mocap.estimate import Frame, Poses
from mocap.estimate.devices import resolve_device
from mocap.estimate.regions import crop_to_frame, cut_out, whole_frame
from mocap.estimate.torchvision_operators import import_torchvision
from mocap.io.weights import weights_file
from mocap.model.keypoints import COCO_17
from mocap.model.rotation import Array

SIDE = 512  # pixels of the crop
UPSCALED = 2.0  # logits of keypoints to odds: a clear one has 5 and more
MARGIN = 1.3  # of the box around the keypoints, for the next region
MIN_CONFIDENCE = 1e-6


@cache
def untrained() -> nn.Module:
    """The network with random weights; nothing is fetched."""
    import_torchvision()
    from torchvision.models.detection import keypointrcnn_resnet50_fpn

    return keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None, min_size=SIDE, max_size=SIDE).eval()  # type: ignore[no-any-return]


class KeypointRcnnEstimator:
    """The person of the highest score in a region, by the 17 keypoints of COCO."""

    layout = COCO_17
    parts = ("body",)

    def __init__(self, name: str, *, device: str = "auto", network: nn.Module | None = None) -> None:
        self._device = torch.device(resolve_device(device))
        if network is None:
            network = untrained()
            network.load_state_dict(torch.load(weights_file(name), weights_only=True, map_location="cpu"))
        self._network = network.to(self._device).eval()

    def estimate(self, frames: Sequence[Frame], regions: Array) -> Poses:
        """Poses of B regions (B, 4), each in the frame of the same index."""
        regions = np.asarray(regions, dtype=np.float64).reshape(-1, 4)
        seen = [self._look(cut_out(frame, region, SIDE)) for frame, region in zip(frames, regions, strict=True)]
        points = np.array([points for points, _, _ in seen]).reshape(-1, len(COCO_17), 2)
        xy = crop_to_frame(points, regions)
        confidence = np.array([sure for _, sure, _ in seen]).reshape(-1, len(COCO_17))
        scores = np.array([score for *_, score in seen], dtype=np.float64)
        return Poses(xy=xy, confidence=confidence, xyz=None, scores=scores, next_regions=_around(xy, frames))

    @torch.inference_mode()
    def _look(self, crop: Frame) -> tuple[Array, Array, float]:
        """Points (17, 2) in units of the crop, confidence (17,) and score of the surest person; its middle if none."""
        image = torch.from_numpy(crop).to(self._device).permute(2, 0, 1).float() / 255
        found: dict[str, Any] = self._network([image])[0]
        if not len(found["scores"]):
            return np.full((len(COCO_17), 2), 0.5), np.full(len(COCO_17), MIN_CONFIDENCE), 0.0
        best = int(found["scores"].argmax())
        sure = torch.sigmoid(found["keypoints_scores"][best] / UPSCALED)
        points: Tensor = found["keypoints"][best, :, :2] / SIDE
        confidence = np.clip(sure.cpu().numpy().astype(np.float64), MIN_CONFIDENCE, 1)
        return points.cpu().numpy().astype(np.float64), confidence, float(found["scores"][best])


def _around(xy: Array, frames: Sequence[Frame]) -> Array:
    """Upright regions (B, 4) around keypoints (B, 17, 2); the whole frame where they are all in one place."""
    low, high = xy.min(axis=1), xy.max(axis=1)
    side = MARGIN * (high - low).max(axis=1)
    regions = np.column_stack([0.5 * (low + high), side, np.zeros(len(xy))])
    whole = np.array([whole_frame(frame) for frame in frames]).reshape(-1, 4)
    return np.where(side[:, None] > 1, regions, whole)
