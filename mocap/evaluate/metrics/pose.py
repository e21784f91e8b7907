"""Joint errors of 3D poses against a reference.

All measures use the same 14 points (shoulders, elbows, wrists, hips, knees, ankles, tips of the big toes). Input is in
metres, output in millimetres. No scale is fitted unless the name says it. Frames in which a point is missing in one of
both are left out; if none remain, a ValueError is raised.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mocap.model import kinematics
from mocap.model.body import BODY
from mocap.model.motion import Motion
from mocap.model.parts import SIDES
from mocap.model.rotation import Array, Flags

EVALUATION_POINTS = tuple(
    f"{side}_{part}"
    for part in (*dict.fromkeys(keypoint.partition("_")[2] for keypoint in BODY.keypoint_of_joint.values()), "big_toe")
    for side in SIDES
)
_HIPS = [EVALUATION_POINTS.index("left_hip"), EVALUATION_POINTS.index("right_hip")]


class Fit(NamedTuple):
    """An alignment of points to a reference: scale · rotation @ p, about the centre that the measure states."""

    rotation: Array
    scale: float


def evaluation_points(motion: Motion) -> Array:
    """The 14 points (T, 14, 3) of a motion in metres, world frame, in the order of EVALUATION_POINTS."""
    joints, ends = kinematics.joint_positions(motion), kinematics.end_positions(motion)
    columns = []
    joint_of = {keypoint: joint for joint, keypoint in BODY.keypoint_of_joint.items()}
    for point in EVALUATION_POINTS:
        if point in joint_of:
            columns.append(joints[:, motion.skeleton.index(joint_of[point])])
        else:
            columns.append(ends[f"{point.partition('_')[0].capitalize()}Toes"])
    return np.stack(columns, axis=1)


def mpjpe_mm(points: Array, reference: Array) -> float:
    """MPJPE: mean joint distance in mm of points (T, 14, 3) in metres.

    The middle of the hips is aligned in each frame, and one rotation for the whole clip.
    """
    return mean_mm(residuals(points, reference, clip_rotation(points, reference)))


def scaled_mpjpe_mm(points: Array, reference: Array) -> float:
    """As ``mpjpe_mm``, with one scale for the whole clip too, since the size of a person is often unknown."""
    return mean_mm(residuals(points, reference, clip_similarity(points, reference)))


def world_mpjpe_mm(points: Array, reference: Array) -> float:
    """World MPJPE: mean joint distance in mm of points (T, 14, 3) in metres, after one rigid transform for the clip."""
    a, b = _about_clip_middle(points, reference)
    return mean_mm(a @ _rotation_onto(a, b).T - b)


def scaled_world_mpjpe_mm(points: Array, reference: Array) -> float:
    """As ``world_mpjpe_mm``, with one scale for the whole clip too."""
    a, b = _about_clip_middle(points, reference)
    fit = _similarity_onto(a, b)
    return mean_mm(fit.scale * a @ fit.rotation.T - b)


def pa_mpjpe_mm(points: Array, reference: Array) -> float:
    """PA-MPJPE: mean joint distance in mm of points (T, 14, 3) in metres.

    Each frame is aligned by its own similarity transform (Procrustes; Umeyama 1991).
    """
    complete = frames_with_all(points, reference)
    errors = []
    for a, b in zip(points[complete], reference[complete]):
        a, b = a - a.mean(axis=0), b - b.mean(axis=0)
        fit = _similarity_onto(a, b)
        errors.append(mean_mm(fit.scale * a @ fit.rotation.T - b))
    return float(np.mean(errors))


def clip_rotation(points: Array, reference: Array) -> Fit:
    """The rotation for the whole clip, at scale 1, that fits points (T, 14, 3), relative to their hips, best."""
    a, b = _about_hips_flat(points, reference)
    return Fit(_rotation_onto(a, b), 1.0)


def clip_similarity(points: Array, reference: Array) -> Fit:
    """The rotation and scale for the whole clip that fit points (T, 14, 3), relative to their hips, best."""
    return _similarity_onto(*_about_hips_flat(points, reference))


def residuals(points: Array, reference: Array, fit: Fit) -> Array:
    """Differences between aligned points and a reference, both relative to the middle of their hips.

    Parameters
    ----------
    points, reference : (T, 14, 3) metres.
    fit : the alignment.

    Returns
    -------
    Array (F, 14, 3), points − reference, metres, in the reference's axes, for the F frames that are complete in both.
    """
    complete = frames_with_all(points, reference)
    return np.asarray(fit.scale * about_hips(points[complete]) @ fit.rotation.T - about_hips(reference[complete]))


def mean_mm(differences: Array) -> float:
    """The mean length in mm of vectors (..., 3) in metres."""
    return 1000 * float(np.mean(np.linalg.norm(differences, axis=-1)))


def hips_middle(points: Array) -> Array:
    """The middle (T, 3) of the hips of points (T, 14, 3)."""
    return np.asarray(points[:, _HIPS].mean(axis=1))


def about_hips(points: Array) -> Array:
    """Points (T, 14, 3) relative to the middle of the hips of their frame."""
    return points - hips_middle(points)[:, None]


def frames_with_all(points: Array, reference: Array) -> Flags:
    """Flags (T,) of frames in which no point (T, P, 3) is missing in either. Raises ValueError if there is none."""
    if points.shape != reference.shape:
        raise ValueError(f"points {points.shape} and reference {reference.shape} must have one shape")
    complete = np.isfinite(points).all(axis=(1, 2)) & np.isfinite(reference).all(axis=(1, 2))
    if not complete.any():
        raise ValueError("no frame has all points in both")
    return np.asarray(complete)


def _about_hips_flat(points: Array, reference: Array) -> tuple[Array, Array]:
    complete = frames_with_all(points, reference)
    return about_hips(points[complete]).reshape(-1, 3), about_hips(reference[complete]).reshape(-1, 3)


def _about_clip_middle(points: Array, reference: Array) -> tuple[Array, Array]:
    complete = frames_with_all(points, reference)
    a, b = points[complete].reshape(-1, 3), reference[complete].reshape(-1, 3)
    return a - a.mean(axis=0), b - b.mean(axis=0)


def _similarity_onto(a: Array, b: Array) -> Fit:
    """Rotation and scale about the origin that best fit points (N, 3) to others (Umeyama 1991)."""
    rotation = _rotation_onto(a, b)
    return Fit(rotation, float(np.sum((a @ rotation.T) * b) / np.sum(a**2)))


def _rotation_onto(a: Array, b: Array) -> Array:
    """The rotation (3, 3) about the origin that best fits points (N, 3) to others (Kabsch 1976)."""
    u, _, vt = np.linalg.svd(b.T @ a)
    u[:, 2] *= np.sign(np.linalg.det(u @ vt))
    return np.asarray(u @ vt)
