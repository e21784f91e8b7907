"""The skeleton of the person that keypoints show: bone lengths and height, measured over the whole clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mocap.model.body import BODY, TRUNK
from mocap.model.errors import MocapError
from mocap.model.keypoints import Keypoints3D
from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton, humanoid

# Of the template's limbs and trunk: pose networks' landmarks lie closer together than joints of anatomy. A man measured
# by four cameras has 0.964, free bodies have 0.943 in the mean; neck and head are so much longer.
LANDMARK_SHARE = 0.955
HEAD_SPAN = 0.8, 1.5  # how much longer neck and head may get
# Bones that give a body's size, by the joint at their end: the keypoints at both ends, left and right
_MEASURED_BONES = {
    end.name.removeprefix("Left"): (start.keypoint.removeprefix("left_"), end.keypoint.removeprefix("left_"))
    for part in BODY.limbs
    if part.side == "left"
    for start, end in part.bones()
}


# Joints whose height over their parent is a fraction of the trunk's length
_ALONG_THE_TRUNK = {joint.name for joint in (*TRUNK.joints[1:], *(arm.joints[0] for arm in BODY.of_kind("arm")))}


def body_height(keypoints: Keypoints3D) -> float:
    """Standing height in metres of the body that the keypoints show, from its limbs and trunk.

    Raises MocapError if no frame shows them.
    """
    return _template_height(_segment_lengths(keypoints)) / LANDMARK_SHARE


def _template_height(lengths: dict[str, float]) -> float:
    """How tall the template is with limbs and a trunk of these lengths, metres.

    The sum of the lengths over the sum of the template's shares of height: one badly seen segment weighs little.
    """
    template = humanoid(1.0)
    shares = {part: float(np.linalg.norm(template.offsets[template.index("Left" + part)])) for part in _MEASURED_BONES}
    shares["Trunk"] = _trunk_length(template)
    return float(sum(lengths[s] for s in shares) / sum(shares.values()))


def fit_skeleton(keypoints: Keypoints3D) -> Skeleton:
    """The humanoid with the lengths that the keypoints show: medians over the clip, left = right, T-pose at rest.

    keypoints: metres, any frame. What is not seen (hands' and feet's shape) is scaled from the template; neck and head
    reach up to the body's height.
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
    offsets[0, 1] -= ball[1]  # stand on the floor
    return _reaching_up_to(height_m / LANDMARK_SHARE, replace(base, offsets=offsets))


def _reaching_up_to(height_m: float, skeleton: Skeleton) -> Skeleton:
    """The skeleton with a neck and a head, so much longer or shorter that it is so tall."""
    rest, offsets = skeleton.rest_positions(), np.array(skeleton.offsets)
    base, top = rest[skeleton.index("LeftShoulder"), 1], rest[skeleton.index("Head"), 1] + skeleton.ends["Head"][1]
    grown = float(np.clip((height_m - base) / (top - base), *HEAD_SPAN))
    neck, head = (skeleton.index(name) for name in ("Neck", "Head"))
    offsets[neck, 1] += (grown - 1) * (rest[neck, 1] - base)
    offsets[head] *= grown
    return replace(skeleton, offsets=offsets, ends=skeleton.ends | {"Head": grown * skeleton.ends["Head"]})


def _widen(base: Skeleton, offsets: Array, joint: str, half_width_m: float) -> None:
    """Move a pair of joints sideways so that they are twice ``half_width_m`` apart."""
    for name, side in (("Left" + joint, 1.0), ("Right" + joint, -1.0)):
        j = base.index(name)
        parent = base.parents[j]
        inner = offsets[parent, 0] if parent != 0 else 0.0
        offsets[j, 0] = side * half_width_m - inner


def _trunk_length(skeleton: Skeleton) -> float:
    rest = skeleton.rest_positions()
    return float(rest[skeleton.index("LeftUpperArm"), 1] - rest[skeleton.index("Hips"), 1])


def _segment_lengths(keypoints: Keypoints3D) -> dict[str, float]:
    """Median lengths in metres, both sides together, weighted to well-seen frames."""
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
        raise MocapError("no frame shows a whole body: nothing to solve")
    return float(np.median(distance))
