"""Bone-length calibration: the skeleton of a person, with lengths and height measured over the whole clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mocap.model.body import BODY, TRUNK
from mocap.model.errors import MocapError
from mocap.model.keypoints import Keypoints3D
from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton, humanoid

# Lengths between keypoints over lengths between joints, of limbs and trunk: keypoints of pose networks lie closer
# together than the joints of anatomy. A man measured by four cameras has 0.964, free body models have a mean of 0.943.
KEYPOINT_FRACTION = 0.955
HEAD_SCALES = 0.8, 1.5  # the least and the largest scale of neck and head
# Bones that give a body's size, by the joint at their end: the keypoints at both ends, without their side
_MEASURED_BONES = {
    end.name.removeprefix("Left"): (start.keypoint.removeprefix("left_"), end.keypoint.removeprefix("left_"))
    for part in BODY.limbs
    if part.side == "left"
    for start, end in part.bones()
}


# Joints whose height over their parent is a fraction of the trunk's length
_ALONG_THE_TRUNK = {joint.name for joint in (*TRUNK.joints[1:], *(arm.joints[0] for arm in BODY.of_kind("arm")))}


def body_height(keypoints: Keypoints3D) -> float:
    """Standing height of a person, estimated from the lengths of limbs and trunk.

    Parameters
    ----------
    keypoints : metres, any coordinate frame.

    Returns
    -------
    Height, metres.

    Raises
    ------
    MocapError
        If a segment is visible in no frame.
    """
    return _template_height(_segment_lengths(keypoints)) / KEYPOINT_FRACTION


def _template_height(lengths: dict[str, float]) -> float:
    """Height in metres of the template whose lengths have the same sum; one bad length has little weight in a sum."""
    template = humanoid(1.0)
    fractions = {
        part: float(np.linalg.norm(template.offsets[template.index("Left" + part)])) for part in _MEASURED_BONES
    }
    fractions["Trunk"] = _trunk_length(template)
    return float(sum(lengths[part] for part in fractions) / sum(fractions.values()))


def fit_skeleton(keypoints: Keypoints3D) -> Skeleton:
    """Bone-length calibration: the humanoid skeleton with a person's bone lengths.

    Parameters
    ----------
    keypoints : metres, any coordinate frame.

    Returns
    -------
    Skeleton
        In its T-pose, left and right equal. Lengths are medians over the clip. What keypoints do not show (the shape of
        hands and feet) is scaled from the template; neck and head are scaled to reach the body's height.

    Raises
    ------
    MocapError
        If a segment is visible in no frame.
    """
    lengths = _segment_lengths(keypoints)
    height_m = _template_height(lengths)
    base = humanoid(height_m)
    offsets = np.array(base.offsets)
    trunk = lengths["Trunk"] / _trunk_length(base)
    for j, name in enumerate(base.names):
        part = name.removeprefix("Left").removeprefix("Right")
        if part in _MEASURED_BONES:
            offsets[j] *= lengths[part] / np.linalg.norm(offsets[j])
        elif name in _ALONG_THE_TRUNK:
            offsets[j, 1] *= trunk
    for kind in ("leg", "arm"):
        first, _ = next(BODY.of_kind(kind)[0].bones())
        width = lengths[first.keypoint.removeprefix("left_")]
        _widen(base, offsets, first.name.removeprefix("Left"), 0.5 * width)
    skeleton = replace(base, offsets=offsets)
    ball = skeleton.rest_positions()[skeleton.index("LeftToes")] + base.ends["LeftToes"]
    offsets[0, 1] -= ball[1]  # soles at y = 0
    return _scale_neck_and_head(height_m / KEYPOINT_FRACTION, replace(base, offsets=offsets))


def _scale_neck_and_head(height_m: float, skeleton: Skeleton) -> Skeleton:
    """The skeleton with neck and head scaled, within HEAD_SCALES, so that its height is ``height_m``."""
    rest, offsets = skeleton.rest_positions(), np.array(skeleton.offsets)
    base, top = rest[skeleton.index("LeftShoulder"), 1], rest[skeleton.index("Head"), 1] + skeleton.ends["Head"][1]
    scale = float(np.clip((height_m - base) / (top - base), *HEAD_SCALES))
    neck, head = (skeleton.index(name) for name in ("Neck", "Head"))
    offsets[neck, 1] += (scale - 1) * (rest[neck, 1] - base)
    offsets[head] *= scale
    return replace(skeleton, offsets=offsets, ends=skeleton.ends | {"Head": scale * skeleton.ends["Head"]})


def _widen(base: Skeleton, offsets: Array, joint: str, half_width_m: float) -> None:
    """Move a left and a right joint sideways so that their distance is twice ``half_width_m``."""
    for name, side in (("Left" + joint, 1.0), ("Right" + joint, -1.0)):
        j = base.index(name)
        parent = base.parents[j]
        inner = offsets[parent, 0] if parent != 0 else 0.0
        offsets[j, 0] = side * half_width_m - inner


def _trunk_length(skeleton: Skeleton) -> float:
    rest = skeleton.rest_positions()
    return float(rest[skeleton.index("LeftUpperArm"), 1] - rest[skeleton.index("Hips"), 1])


def _segment_lengths(keypoints: Keypoints3D) -> dict[str, float]:
    """Median lengths in metres over the frames in which both ends are known, left and right together."""
    points = {name: keypoints.xyz[:, k] for k, name in enumerate(keypoints.layout.names)}
    ends = {part: [(f"{s}_{a}", f"{s}_{b}") for s in ("left", "right")] for part, (a, b) in _MEASURED_BONES.items()}
    ends["hip"], ends["shoulder"] = [("left_hip", "right_hip")], [("left_shoulder", "right_shoulder")]
    lengths = {part: _median_distance([points[a] - points[b] for a, b in pairs]) for part, pairs in ends.items()}
    lengths["Trunk"] = _median_distance([_middle(points, "hip") - _middle(points, "shoulder")])
    return lengths


def _middle(points: dict[str, Array], part: str) -> Array:
    return 0.5 * (points[f"left_{part}"] + points[f"right_{part}"])


def _median_distance(differences: list[Array]) -> float:
    distance = np.linalg.norm(np.concatenate(differences), axis=-1)
    distance = distance[np.isfinite(distance)]
    if not len(distance):
        raise MocapError("the whole body is visible in no frame: nothing to solve")
    return float(np.median(distance))
