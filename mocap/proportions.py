"""The skeleton of the person that keypoints show: bone lengths and height, measured over the whole clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mocap.errors import MocapError
from mocap.keypoints import Keypoints3D
from mocap.rotation import Array
from mocap.skeleton import Skeleton, humanoid

# Segments that give a body's size: keypoints at their ends (each side where there are two), joint they belong to.
_HEIGHT_SEGMENTS = {
    "LowerLeg": ("hip", "knee"),
    "Foot": ("knee", "ankle"),
    "LowerArm": ("shoulder", "elbow"),
    "Hand": ("elbow", "wrist"),
}


def body_height(keypoints: Keypoints3D) -> float:
    """Standing height in metres of the body that the keypoints show, from its limbs and trunk.

    The sum of median segment lengths over the sum of the template's shares of height, so that one badly seen segment
    weighs little. Raises MocapError if no frame shows them.
    """
    lengths, template = _segment_lengths(keypoints), humanoid(1.0)
    shares = {part: float(np.linalg.norm(template.offsets[template.index("Left" + part)])) for part in _HEIGHT_SEGMENTS}
    shares["Trunk"] = _trunk_length(template)
    return float(sum(lengths[s] for s in shares) / sum(shares.values()))


def fit_skeleton(keypoints: Keypoints3D) -> Skeleton:
    """The humanoid with the lengths that the keypoints show: medians over the clip, left = right, T-pose at rest.

    keypoints: metres, any frame. What is not seen (neck, head, hands' and feet's shape) is scaled from the template by
    the body's height.
    """
    lengths = _segment_lengths(keypoints)
    base = humanoid(body_height(keypoints))
    offsets = np.array(base.offsets)
    trunk = lengths["Trunk"] / _trunk_length(base)
    for j, name in enumerate(base.names):
        part = name.removeprefix("Left").removeprefix("Right")
        if part in _HEIGHT_SEGMENTS:
            offsets[j] *= lengths[part] / np.linalg.norm(offsets[j])
        elif part in ("Spine", "Chest", "UpperChest", "Shoulder"):
            offsets[j, 1] *= trunk
    for part, joint in (("hip", "UpperLeg"), ("shoulder", "UpperArm")):
        _widen(base, offsets, joint, 0.5 * lengths[part])
    skeleton = replace(base, offsets=offsets)
    ball = skeleton.rest_positions()[skeleton.index("LeftToes")] + base.ends["LeftToes"]
    offsets[0, 1] -= ball[1]  # stand on the floor
    return replace(base, offsets=offsets)


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
    ends = {part: [(f"{s}_{a}", f"{s}_{b}") for s in ("left", "right")] for part, (a, b) in _HEIGHT_SEGMENTS.items()}
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
