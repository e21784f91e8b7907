"""Closed forms of the trunk, the root and the head."""

from __future__ import annotations

import numpy as np

from mocap.model import rotation
from mocap.model.body import BODY
from mocap.model.parts import SIDES, Part
from mocap.model.rotation import Array
from mocap.solve.closed_form.pose import Pose, align_rotations

FEWEST_FACE_POINTS = 4  # fewer do not show how the head is rotated
NECK_FRACTION = 0.5  # of the head's rotation against the chest


def solve_trunk(pose: Pose, part: Part) -> None:
    """Rotate hips and chest to the lines between their keypoints, interpolate the spine, and set the root's path."""
    p = pose.points
    spine = p.middle("shoulder") - p.middle("hip")
    hips = rotation.frame_from_axes(p["left_hip"] - p["right_hip"], spine, axes="xy")
    chest = rotation.frame_from_axes(spine, p["left_shoulder"] - p["right_shoulder"], axes="yx")
    low, high = rotation.matrix_to_wxyz(hips), rotation.matrix_to_wxyz(chest)
    first, *between, last = (joint.name for joint in part.joints)
    pose.frames[first], pose.frames[last] = hips, chest
    for i, name in enumerate(between, start=1):
        pose.frames[name] = _between(low, high, i / (len(between) + 1))
    pose.root = _root(pose)


def _root(pose: Pose) -> Array:
    """Root positions (T, 3) for which hips and shoulders have the same mean position as their keypoints."""
    for side in SIDES:
        pose.frames[f"{side.capitalize()}Shoulder"] = pose.frames["UpperChest"]  # until the arm is solved
    corners = [(j, k) for name in ("hip", "shoulder") for j, k in BODY.keypoint_of_joint.items() if k.endswith(name)]
    return np.asarray(np.mean([pose.points[keypoint] - pose.position(joint) for joint, keypoint in corners], axis=0))


def solve_head(pose: Pose, part: Part) -> None:
    """Rotate the head to the face's keypoints and the neck half as far; with too few keypoints, both as the chest."""
    neck, head = part.joints
    chest = pose.frames["UpperChest"]
    face = head.template
    names = [name for name in face if pose.points.has(name)]
    if len(names) < FEWEST_FACE_POINTS:
        pose.frames[neck.name] = pose.frames[head.name] = chest
        return
    points = np.stack([pose.points[name] for name in names], axis=1)
    frames = align_rotations(np.array([face[name] for name in names]), points)
    pose.frames[head.name] = frames
    low, high = rotation.matrix_to_wxyz(chest), rotation.matrix_to_wxyz(frames)
    pose.frames[neck.name] = _between(low, high, NECK_FRACTION)


def _between(low: Array, high: Array, fraction: float) -> Array:
    """Rotation matrices (T, 3, 3) at a fraction of the way between quaternions (T, 4)."""
    return rotation.wxyz_to_matrix(rotation.slerp(low, high, np.full(len(low), fraction)))
