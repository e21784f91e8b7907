"""Keypoints over time, and the layouts that name them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mocap.model.rotation import Array


@dataclass(frozen=True)
class KeypointLayout:
    """The K keypoints of a network. Left and right are the person's own.

    Parameters
    ----------
    name : the layout's name in files.
    names : of the K keypoints, unique.
    edges : index pairs: lines to draw between keypoints.
    mirror_pairs : index pairs (left, right) that a mirror exchanges.
    """

    name: str
    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    mirror_pairs: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """The index of a keypoint in every (K, …) array."""
        return self.names.index(name)

    def mirrored(self) -> list[int]:
        """Index (K) of the keypoint that each one becomes in a mirror: left and right exchanged."""
        order = list(range(len(self)))
        for left, right in self.mirror_pairs:
            order[left], order[right] = right, left
        return order


def _layout(name: str, names: str, edges: str) -> KeypointLayout:
    split = tuple(names.split())
    pairs = tuple(
        (i, split.index("right_" + n.removeprefix("left_"))) for i, n in enumerate(split) if n.startswith("left_")
    )
    lines = tuple((split.index(a), split.index(b)) for a, b in (edge.split("-") for edge in edges.split()))
    return KeypointLayout(name, split, lines, pairs)


_LIMBS = (
    "left_shoulder-left_elbow left_elbow-left_wrist right_shoulder-right_elbow right_elbow-right_wrist "
    "left_hip-left_knee left_knee-left_ankle right_hip-right_knee right_knee-right_ankle "
)
_TRUNK = "left_shoulder-right_shoulder left_hip-right_hip left_shoulder-left_hip right_shoulder-right_hip "

# https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker (pose landmarker model)
BLAZEPOSE_33 = _layout(
    "BLAZEPOSE_33",
    "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer left_ear right_ear "
    "left_mouth right_mouth left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist "
    "left_pinky right_pinky left_index right_index left_thumb right_thumb left_hip right_hip left_knee right_knee "
    "left_ankle right_ankle left_heel right_heel left_foot_index right_foot_index",
    _LIMBS
    + _TRUNK
    + "left_ear-left_eye left_eye-nose nose-right_eye right_eye-right_ear left_mouth-right_mouth "
    + "left_wrist-left_pinky left_wrist-left_index left_pinky-left_index left_wrist-left_thumb "
    + "right_wrist-right_pinky right_wrist-right_index right_pinky-right_index right_wrist-right_thumb "
    + "left_ankle-left_heel left_heel-left_foot_index left_ankle-left_foot_index "
    + "right_ankle-right_heel right_heel-right_foot_index right_ankle-right_foot_index",
)

COCO_17 = _layout(
    "COCO_17",
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist "
    "right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle",
    _LIMBS + _TRUNK + "nose-left_eye nose-right_eye left_eye-left_ear right_eye-right_ear",
)

# Johnson & Everingham, "Clustered Pose and Nonlinear Appearance Models", BMVC 2010
LSP_14 = _layout(
    "LSP_14",
    "right_ankle right_knee right_hip left_hip left_knee left_ankle right_wrist right_elbow right_shoulder "
    "left_shoulder left_elbow left_wrist neck head_top",
    _LIMBS + _TRUNK + "neck-head_top left_shoulder-neck right_shoulder-neck",
)

LAYOUTS = {layout.name: layout for layout in (BLAZEPOSE_33, COCO_17, LSP_14)}


def _check(layout: KeypointLayout, points: Array, confidence: Array, fps: Fraction, dimensions: int) -> None:
    expected = (len(confidence), len(layout), dimensions)
    if points.shape != expected or confidence.shape != expected[:2]:
        raise ValueError(f"expected keypoints {expected}, got {points.shape} with confidence {confidence.shape}")
    missing = np.isnan(points).any(axis=-1)
    if np.any(missing != (confidence == 0)):
        raise ValueError("a missing keypoint must be NaN and have confidence 0, and no other may")
    if not np.all((confidence >= 0) & (confidence <= 1)):
        raise ValueError("confidence must lie in 0..1")
    if np.any(np.isinf(points)):
        raise ValueError("keypoints must be finite, or NaN where they are missing")
    if fps <= 0:
        raise ValueError("fps must be positive")


@dataclass(frozen=True, eq=False)
class Keypoints2D:
    """One person's keypoints in the image over time.

    Parameters
    ----------
    layout : the K keypoints.
    xy : array (T, K, 2)
        Pixels, origin at the top-left corner of the image, y down. NaN for a missing keypoint.
    confidence : array (T, K)
        In 0..1; 0 for a missing keypoint, and for no other.
    fps : exact.

    Raises
    ------
    ValueError
        For arrays that break these rules.
    """

    layout: KeypointLayout
    xy: Array
    confidence: Array
    fps: Fraction

    def __post_init__(self) -> None:
        _check(self.layout, self.xy, self.confidence, self.fps, 2)

    def __len__(self) -> int:
        return len(self.xy)


@dataclass(frozen=True, eq=False)
class Keypoints3D:
    """One person's keypoints in space over time.

    Parameters
    ----------
    layout : the K keypoints.
    xyz : array (T, K, 3)
        Metres. The coordinate frame is documented where the object is made. NaN for a missing keypoint.
    confidence : array (T, K)
        In 0..1; 0 for a missing keypoint, and for no other.
    fps : exact.

    Raises
    ------
    ValueError
        For arrays that break these rules.
    """

    layout: KeypointLayout
    xyz: Array
    confidence: Array
    fps: Fraction

    def __post_init__(self) -> None:
        _check(self.layout, self.xyz, self.confidence, self.fps, 3)

    def __len__(self) -> int:
        return len(self.xyz)
