"""BlazePose as detector and estimator: crops, networks, and back to pixels and metres.

The steps and constants are those of MediaPipe's published pose graphs; Bazarevsky et al., "BlazePose" (2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mocap.estimate import Detections, Frame, Poses
from mocap.estimate.anchors import IMAGE_SIZE, decode, merge_overlapping
from mocap.estimate.heatmaps import refine
from mocap.estimate.regions import crop_to_frame, cut_out, region_axes, regions_around, whole_frame
from mocap.estimate.runtime import Image, Outputs, create_runtime
from mocap.model.keypoints import BLAZEPOSE_33
from mocap.model.rotation import Array

CROP_SIZE = 256
REGION_SCALE = 1.25  # of the circle around the person; the landmark network was trained on such crops
SAME_PERSON_OVERLAP = 0.3
BODY = slice(0, 33)
CIRCLE_CENTER, CIRCLE_RIM = 33, 34  # landmarks that place the next crop
HIPS_POINT, RIM_POINT = 2, 3  # the detector's: two box corners come before them
MIN_CONFIDENCE = 1e-6  # every landmark is reported; 0 would mean that it is missing


class BlazePoseDetector:
    """Finds people who show head and hips.

    threshold: the score from which a detection counts. It is low, since the detector misses people more often than it
    invents them, and the pose network has the last word.
    """

    def __init__(self, name: str = "blazepose-detector", *, device: str = "auto", threshold: float = 0.3) -> None:
        self.threshold = threshold
        self._network = create_runtime(name, device=device)

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detections of each RGB frame, best first."""
        squares = [whole_frame(frame) for frame in frames]
        images = (cut_out(frame, square, IMAGE_SIZE) for frame, square in zip(frames, squares))
        return [self._people(outputs, square) for outputs, square in zip(self._network.infer_many(images), squares)]

    def _people(self, outputs: Outputs, square: Array) -> Detections:
        scores, points = decode(outputs["boxes"], outputs["logits"], threshold=self.threshold)
        scores, points = merge_overlapping(scores, points, overlap=SAME_PERSON_OVERLAP)
        xy = crop_to_frame(points, np.broadcast_to(square, (len(points), 4)))
        regions = regions_around(xy[:, HIPS_POINT], xy[:, RIM_POINT], scale=REGION_SCALE)
        return Detections(boxes=xy[:, :2].reshape(-1, 4), scores=scores, regions=regions)


class BlazePoseEstimator:
    """Finds the 33 body keypoints of the person in a region, in the image and in space.

    A keypoint's confidence is the smaller of the network's visibility and presence.
    """

    layout = BLAZEPOSE_33
    parts = ("body",)

    def __init__(self, name: str, *, device: str = "auto") -> None:
        self._network = create_runtime(name, device=device)

    def estimate(self, frames: Sequence[Frame], regions: Array) -> Poses:
        """Poses of B regions (B, 4), each in the frame of the same index; all are in flight at once."""
        regions = np.asarray(regions, dtype=np.float64).reshape(-1, 4)
        crops = list(map(_read_crop, self._network.infer_many(_crops(frames, regions))))
        points, confidence, world, scores = (np.array(values) for values in zip(*crops)) if crops else _nothing()
        xy = crop_to_frame(points, regions)
        world[..., :2] = world[..., :2] @ np.swapaxes(region_axes(regions), -1, -2)
        next_regions = regions_around(xy[:, CIRCLE_CENTER], xy[:, CIRCLE_RIM], scale=REGION_SCALE)
        return Poses(xy=xy[:, BODY], confidence=confidence, xyz=world, scores=scores, next_regions=next_regions)


def _crops(frames: Sequence[Frame], regions: Array) -> Iterator[Image]:
    return (cut_out(frame, region, CROP_SIZE) for frame, region in zip(frames, regions, strict=True))


def _read_crop(outputs: Outputs) -> tuple[Array, Array, Array, float]:
    """Points (39, 2) in 0..1 of the crop, confidence (33,), world points (33, 3) in the crop's axes, score."""
    landmarks = outputs["landmarks"].astype(np.float64)
    points = refine(landmarks[:, :2] / CROP_SIZE, outputs["heatmaps"])
    # the lower logit is the lower probability
    confidence = 1 / (1 + np.exp(-np.clip(landmarks[BODY, 3:].min(axis=-1), -100, 100)))
    world = outputs["world"][BODY].astype(np.float64)
    return points, np.maximum(confidence, MIN_CONFIDENCE), world, float(outputs["presence"])


def _nothing() -> tuple[Array, Array, Array, Array]:
    return np.empty((0, 39, 2)), np.empty((0, 33)), np.empty((0, 33, 3)), np.empty(0)
