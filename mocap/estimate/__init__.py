"""Networks behind two Protocols. Names are strings, imported on demand, so that listing them costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mocap.model.errors import MocapError, unknown_name
from mocap.model.keypoints import KeypointLayout
from mocap.model.rotation import Array

Frame = NDArray[np.uint8]  # (height, width, 3), RGB

ESTIMATORS = {
    "blazepose-heavy": "mocap.estimate.blazepose:BlazePoseEstimator",
    "blazepose-full": "mocap.estimate.blazepose:BlazePoseEstimator",
    "blazepose-lite": "mocap.estimate.blazepose:BlazePoseEstimator",
    "blazepose-lsp": "mocap.estimate.joints:BlazePoseLspEstimator",
    "blazepose-lsp-full": "mocap.estimate.joints:BlazePoseLspEstimator",
    "blazepose-lsp-lite": "mocap.estimate.joints:BlazePoseLspEstimator",
    "heatmap": "mocap.estimate.joints:HeatmapEstimator",
    "heatmap-small": "mocap.estimate.joints:HeatmapEstimator",
    "flowing-convnet": "mocap.estimate.joints:HeatmapEstimator",
    "deeppose": "mocap.estimate.joints:JointRegressor",
    "alexnet": "mocap.estimate.joints:JointRegressor",
    "resnet34": "mocap.estimate.joints:JointRegressor",
    "keypoint-rcnn": "mocap.estimate.keypoint_rcnn:KeypointRcnnEstimator",
}
DETECTORS = {"blazepose-detector": "mocap.estimate.blazepose:BlazePoseDetector"}
OPTIONAL_PACKAGES = ("torch", "torchvision")  # of the extra ``train``


@dataclass(frozen=True, eq=False)
class Detections:
    """People found in one frame, best first.

    boxes: (N, 4) xyxy pixels. scores: (N,) 0..1. regions: (N, 4) where a pose network should look: an oriented
    square as centre x, centre y, side (pixels) and rotation (radians, clockwise on screen; 0 = upright).
    """

    boxes: Array
    scores: Array
    regions: Array


@dataclass(frozen=True, eq=False)
class Poses:
    """What a pose network says of B (frame, region) pairs, not yet in time.

    xy: (B, K, 2) pixels of the whole frame. confidence: (B, K) 0..1. xyz: (B, K, 3) metres, camera axes (x right,
    y down, z forward), hips' middle at the origin, or None for a network without depth. scores: (B,) 0..1, whether
    there is a person in the region. next_regions: (B, 4) the region that fits what was seen, or None from a network
    that would not notice if it saw nobody: only a detector can say where people are then.
    """

    xy: Array
    confidence: Array
    xyz: Array | None
    scores: Array
    next_regions: Array | None


class Detector(Protocol):
    """Finds people in whole frames."""

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detections of each RGB frame."""
        ...


class PoseEstimator(Protocol):
    """Finds the keypoints of one person in a region of a frame.

    parts: of a person that it gives, from ``mocap.model.take.PARTS``.
    """

    layout: KeypointLayout
    parts: tuple[str, ...]

    def estimate(self, frames: Sequence[Frame], regions: Array) -> Poses:
        """Poses of B regions (B, 4), each in the frame of the same index; all are in flight at once."""
        ...


def create_estimator(name: str, *, device: str = "auto") -> PoseEstimator:
    """The pose estimator of that name. ``device``: auto, cpu, cuda or mps. Raises MocapError for unknown names."""
    return _create(ESTIMATORS, "estimator", name, device)  # type: ignore[no-any-return]


def create_detector(name: str = "blazepose-detector", *, device: str = "auto") -> Detector:
    """The person detector of that name. Raises MocapError for unknown names."""
    return _create(DETECTORS, "detector", name, device)  # type: ignore[no-any-return]


def _create(table: dict[str, str], kind: str, name: str, device: str):  # type: ignore[no-untyped-def]
    if name not in table:
        raise unknown_name(kind, name, sorted(table))
    module, _, attribute = table[name].partition(":")
    try:
        factory = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL_PACKAGES:
            raise
        message = f"the {kind} {name} needs {error.name}, which is not installed: pip install 'opentake[train]'"
        raise MocapError(message) from error
    return factory(name, device=device)
