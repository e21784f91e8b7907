"""Measures of a motion against a reference.

The protocol of every 3D figure: 14 points (shoulders, elbows, wrists, hips, knees, ankles, tips of the big toes),
metres in, millimetres out, no scale unless the measure says so.
"""

from __future__ import annotations

import numpy as np

from mocap import kinematics
from mocap.motion import Motion
from mocap.rotation import Array

EVALUATION_POINTS = tuple(
    f"{side}_{part}"
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "big_toe")
    for side in ("left", "right")
)
_JOINTS = {
    "shoulder": "UpperArm",
    "elbow": "LowerArm",
    "wrist": "Hand",
    "hip": "UpperLeg",
    "knee": "LowerLeg",
    "ankle": "Foot",
}
_HIPS = [EVALUATION_POINTS.index("left_hip"), EVALUATION_POINTS.index("right_hip")]


def evaluation_points(motion: Motion) -> Array:
    """The 14 points (T, 14, 3) of a motion in metres, world frame, in the order of EVALUATION_POINTS."""
    joints, ends = kinematics.joint_positions(motion), kinematics.end_positions(motion)
    columns = []
    for point in EVALUATION_POINTS:
        side, part = point.split("_", 1)
        name = side.capitalize() + _JOINTS.get(part, "Toes")
        columns.append(ends[name] if part == "big_toe" else joints[:, motion.skeleton.index(name)])
    return np.stack(columns, axis=1)


def mpjpe_mm(points: Array, reference: Array) -> float:
    """Mean joint distance in mm of (T, 14, 3) metres: hips' middle aligned in each frame, one rotation a clip."""
    a, b = about_hips(points), about_hips(reference)
    seen = np.isfinite(a).all(axis=(1, 2)) & np.isfinite(b).all(axis=(1, 2))
    a, b = a[seen], b[seen]
    rotation = _rotation_onto(a.reshape(-1, 3), b.reshape(-1, 3))
    return 1000 * float(np.mean(np.linalg.norm(a @ rotation.T - b, axis=-1)))


def world_mpjpe_mm(points: Array, reference: Array) -> float:
    """Mean joint distance in mm of (T, 14, 3) metres after one rigid transform (no scale) for the whole clip."""
    seen = np.isfinite(points).all(axis=(1, 2)) & np.isfinite(reference).all(axis=(1, 2))
    a, b = points[seen].reshape(-1, 3), reference[seen].reshape(-1, 3)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return 1000 * float(np.mean(np.linalg.norm(a @ _rotation_onto(a, b).T - b, axis=-1)))


def pa_mpjpe_mm(points: Array, reference: Array) -> float:
    """Mean joint distance in mm of (T, 14, 3) metres after one similarity a frame (Procrustes; Umeyama 1991)."""
    seen = np.isfinite(points).all(axis=(1, 2)) & np.isfinite(reference).all(axis=(1, 2))
    errors = []
    for a, b in zip(points[seen], reference[seen]):
        a, b = a - a.mean(axis=0), b - b.mean(axis=0)
        turned = a @ _rotation_onto(a, b).T
        scale = np.sum(turned * b) / np.sum(turned**2)
        errors.append(np.mean(np.linalg.norm(scale * turned - b, axis=-1)))
    return 1000 * float(np.mean(errors))


def about_hips(points: Array) -> Array:
    """Points (T, 14, 3) relative to the middle of the hips of their frame."""
    return points - points[:, _HIPS].mean(axis=1, keepdims=True)


def resample(points: Array, times_s: Array, new_times_s: Array) -> Array:
    """Points (T, ...) given at ``times_s`` (T,), linearly interpolated at ``new_times_s``; NaN outside."""
    flat = points.reshape(len(points), -1)
    columns = [np.interp(new_times_s, times_s, column, left=np.nan, right=np.nan) for column in flat.T]
    return np.stack(columns, axis=-1).reshape(len(new_times_s), *points.shape[1:])


def _rotation_onto(a: Array, b: Array) -> Array:
    """The rotation (3, 3) about the origin that best turns points (N, 3) onto others (Kabsch 1976)."""
    u, _, vt = np.linalg.svd(b.T @ a)
    u[:, 2] *= np.sign(np.linalg.det(u @ vt))
    return np.asarray(u @ vt)
