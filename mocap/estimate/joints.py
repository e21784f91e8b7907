"""Networks of LSP's 14 joints as estimators: regressors, heatmaps, and BlazePose with a head for these joints.

They see a person as Leeds Sports Pose shows people: in the middle, the joints over about 0.7 of the crop's side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np

from mocap.estimate import Frame, Poses
from mocap.estimate.regions import crop_to_frame, cut_out, region_axes, regions_around
from mocap.estimate.runtime import Image, Outputs, create_runtime
from mocap.model.keypoints import LSP_14
from mocap.model.rotation import Array

EXTENT = 0.7  # of the crop's side, that a body's joints take in LSP
UNSAID = 0.5  # confidence of networks that do not tell any
MIN_CONFIDENCE = 1e-6  # every joint is reported; 0 would mean that it is missing
REACH = 2  # cells around a heatmap's highest that its centre of mass is taken of
SURE_PEAK = 0.5  # mean height of the heatmaps' peaks where a person surely is
MOST_PIXELS = 4  # of the picture, a side, averaged into one of the crop
REGION_SCALE = 1.25  # of BlazePose's circle around the person
CIRCLE_CENTER, CIRCLE_RIM = 33, 34  # its landmarks that place the next crop
BLAZEPOSE_SIDE = 256


class _JointEstimator:
    """Cuts out, runs the network, and takes its joints back to the frame."""

    layout = LSP_14
    parts = ("body",)

    def __init__(self, name: str, *, device: str = "auto") -> None:
        self._network = create_runtime(name, device=device)

    def estimate(self, frames: Sequence[Frame], regions: Array) -> Poses:
        """Poses of B regions (B, 4), each in the frame of the same index; all are in flight at once."""
        regions = np.asarray(regions, dtype=np.float64).reshape(-1, 4)
        seen = [self._read(outputs) for outputs in self._network.infer_many(self._crops(frames, regions))]
        points = np.array([points for points, _, _ in seen]).reshape(-1, len(LSP_14), 2)
        confidence = np.array([sure for _, sure, _ in seen]).reshape(-1, len(LSP_14))
        xy = crop_to_frame(points, regions)
        scores = np.array([score for *_, score in seen], dtype=np.float64)
        confidence = np.clip(confidence, MIN_CONFIDENCE, 1)
        return Poses(xy=xy, confidence=confidence, xyz=None, scores=scores, next_regions=body_regions(xy))

    def _crops(self, frames: Sequence[Frame], regions: Array) -> Iterator[Image]:
        return (
            averaged(frame, region, self._network.image_size) for frame, region in zip(frames, regions, strict=True)
        )

    def _read(self, outputs: Outputs) -> tuple[Array, Array, float]:
        """Points (14, 2) in units of the crop, confidence (14,), score of there being a person."""
        raise NotImplementedError


class JointRegressor(_JointEstimator):
    """Coordinates straight from a network, which says neither how sure it is nor whether anybody is there."""

    def estimate(self, frames: Sequence[Frame], regions: Array) -> Poses:
        """Poses of B regions (B, 4), each in the frame of the same index. Led by what it says, regions run away."""
        return replace(super().estimate(frames, regions), next_regions=None)

    def _read(self, outputs: Outputs) -> tuple[Array, Array, float]:
        points = outputs["output"].astype(np.float64).reshape(-1, 2)
        return points, np.full(len(points), UNSAID), 1.0


class HeatmapEstimator(_JointEstimator):
    """The middle of each joint's heatmap; its height is how sure the joint is."""

    def _read(self, outputs: Outputs) -> tuple[Array, Array, float]:
        maps = outputs["output"] if "output" in outputs else outputs["fused"]
        points, peaks = peaks_of(maps.astype(np.float64))
        return points, peaks, min(1.0, float(peaks.mean()) / SURE_PEAK)


class BlazePoseLspEstimator(_JointEstimator):
    """BlazePose with LSP's joints; it places the next region as BlazePose does."""

    def estimate(self, frames: Sequence[Frame], regions: Array) -> Poses:
        """Poses of B regions (B, 4), each in the frame of the same index; all are in flight at once."""
        regions = np.asarray(regions, dtype=np.float64).reshape(-1, 4)
        crops = (cut_out(frame, region, BLAZEPOSE_SIDE) for frame, region in zip(frames, regions, strict=True))
        outputs = list(self._network.infer_many(crops))
        joints = np.array([o["joints"] for o in outputs], dtype=np.float64).reshape(-1, len(LSP_14), 3)
        landmarks = np.array([o["landmarks"] for o in outputs], dtype=np.float64).reshape(-1, 39, 5)
        places = crop_to_frame(landmarks[..., :2] / BLAZEPOSE_SIDE, regions)
        return Poses(
            xy=crop_to_frame(joints[..., :2], regions),
            confidence=np.clip(joints[..., 2], MIN_CONFIDENCE, 1),
            xyz=None,
            scores=np.array([float(o["presence"]) for o in outputs]),
            next_regions=regions_around(places[:, CIRCLE_CENTER], places[:, CIRCLE_RIM], scale=REGION_SCALE),
        )


def averaged(frame: Frame, region: Array, size: int) -> Image:
    """The region as an upright (size, size, 3) image, where it shrinks averaged as the pictures of training were."""
    times = int(np.clip(round(region[2] / size), 1, MOST_PIXELS))
    large = cut_out(frame, region, size * times)
    return large if times == 1 else cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def body_regions(xy: Array) -> Array:
    """Regions (B, 4) around joints (B, 14, 2), turned with the trunk, that leave the margin of LSP's pictures."""
    hips, shoulders = (
        0.5 * (xy[:, LSP_14.index(f"left_{part}")] + xy[:, LSP_14.index(f"right_{part}")])
        for part in ("hip", "shoulder")
    )
    up = shoulders - hips
    turn = np.arctan2(up[:, 0], -up[:, 1])
    axes = region_axes(np.column_stack([hips, np.ones(len(xy)), turn]))
    along = xy @ axes  # in the turned picture
    low, high = along.min(axis=1), along.max(axis=1)
    centre = np.einsum("bij,bj->bi", axes, 0.5 * (low + high))
    side = np.maximum((high - low).max(axis=1), 1.0) / EXTENT
    return np.column_stack([centre, side, turn])


def peaks_of(logits: Array) -> tuple[Array, Array]:
    """The centre of mass (K, 2) around each map's highest cell, in units of the crop, and that cell's value (K,).

    logits: (K, H, W). Convention: the middle of cell (row, column) is at ((column + 0.5) / W, (row + 0.5) / H).
    """
    count, height, width = logits.shape
    probability = 1 / (1 + np.exp(-np.clip(logits, -100, 100)))
    best = probability.reshape(count, -1).argmax(axis=1)
    rows, columns = np.arange(height), np.arange(width)
    near_y = np.abs(rows - (best // width)[:, None]) <= REACH
    near_x = np.abs(columns - (best % width)[:, None]) <= REACH
    weights = probability * near_y[:, :, None] * near_x[:, None, :]
    total = np.maximum(weights.sum(axis=(1, 2)), 1e-12)
    x = (weights.sum(axis=1) * (columns + 0.5)).sum(axis=1) / total / width
    y = (weights.sum(axis=2) * (rows + 0.5)).sum(axis=1) / total / height
    return np.stack([x, y], axis=-1), probability.reshape(count, -1).max(axis=1)
