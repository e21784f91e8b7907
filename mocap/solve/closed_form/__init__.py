"""Inverse kinematics in closed form: the rotation of every joint, computed directly from 3D keypoints.

Each frame is solved alone, except for the twist of limbs, which is averaged over time because a straight limb does not
show it. Each kind of body part has its own function in ``CLOSED_FORMS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mocap.model import kinematics, rotation
from mocap.model.body import BODY, TRUNK_CORNERS
from mocap.model.errors import MocapError
from mocap.model.keypoints import Keypoints3D
from mocap.model.motion import Motion
from mocap.model.parts import Part
from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton
from mocap.solve import joint_limits
from mocap.solve.clean import filters
from mocap.solve.closed_form.limbs import solve_arm, solve_leg
from mocap.solve.closed_form.pose import Points, Pose
from mocap.solve.closed_form.trunk import solve_head, solve_trunk

LEAST_TRUNK_M2, LEAST_TRUNK_SINE = 1e-6, 1e-4  # width × height, and sine of their angle: less is a point or a line
# by kind of part; parts are solved in the order of BODY, so that a part's parent is known before it
CLOSED_FORMS: dict[str, Callable[[Pose, Part], None]] = {
    "trunk": solve_trunk,
    "head": solve_head,
    "arm": solve_arm,
    "leg": solve_leg,
}


def solve(keypoints: Keypoints3D, skeleton: Skeleton) -> Motion:
    """Inverse kinematics of a whole body.

    Parameters
    ----------
    keypoints : world frame, metres. A frame without keypoints gets the nearest pose.
    skeleton : with the person's bone lengths.

    Returns
    -------
    Motion
        A joint's confidence is that of the keypoints it is solved from, and 0 where its pose is held.

    Raises
    ------
    MocapError
        If hips and shoulders are visible together in no frame.
    """
    pose = Pose(_filled(keypoints), skeleton)
    for part in BODY.parts:
        CLOSED_FORMS[part.kind](pose, part)
    world = np.stack([rotation.matrix_to_wxyz(pose.frames[name]) for name in skeleton.names], axis=1)
    local = joint_limits.clamp_to_limits(skeleton, kinematics.local_rotations(skeleton, world))
    local = rotation.make_continuous(local / np.linalg.norm(local, axis=-1, keepdims=True))
    confidence = _joint_confidence(keypoints, skeleton)
    return Motion(skeleton, root_world=pose.root, local_wxyz=local, fps=keypoints.fps, confidence=confidence)


def _filled(keypoints: Keypoints3D) -> Points:
    """Fill every frame without keypoints, or whose hips and shoulders lie on one line, from the nearest other frame."""
    xyz = filters.hold_nearest(keypoints.xyz)
    known = np.isfinite(xyz[..., 0]).astype(float)  # keypoints that no frame has stay missing
    points = Points(replace(keypoints, xyz=xyz, confidence=known))
    has_front = _has_front(points)
    if has_front.all():
        return points
    if not has_front.any():
        raise MocapError("hips and shoulders are visible in no frame: nothing to solve; process the video again")
    xyz = filters.hold_nearest(np.where(has_front[:, None, None], xyz, np.nan))
    return Points(replace(points.keypoints, xyz=xyz))


def _has_front(points: Points) -> Array:
    """Flags (T,) of frames in which hips and shoulders span an area, so that the trunk has a front."""
    spine = points.middle("shoulder") - points.middle("hip")
    across = np.stack([points[f"left_{name}"] - points[f"right_{name}"] for name in ("hip", "shoulder")])
    area = np.linalg.norm(np.cross(across, spine), axis=-1)
    square = np.linalg.norm(across, axis=-1) * np.linalg.norm(spine, axis=-1)
    return np.asarray(np.all((area > LEAST_TRUNK_SINE * square) & (square > LEAST_TRUNK_M2), axis=0))


def _joint_confidence(keypoints: Keypoints3D, skeleton: Skeleton) -> Array:
    """Confidence (T, J): of the joint's own keypoint where it has one, else of hips and shoulders; 0 where missing."""
    column = {name: keypoints.confidence[:, k] for k, name in enumerate(keypoints.layout.names)}
    trunk = np.mean([column[name] for name in TRUNK_CORNERS], axis=0)
    by_joint = {joint: column[keypoint] for joint, keypoint in BODY.keypoint_of_joint.items()}
    for contact in BODY.contacts.values():
        if BODY.by_name[contact.joint].end is not None:  # the tip of a foot shows its toes
            by_joint[contact.joint] = column.get(contact.keypoint, np.zeros_like(trunk))
    by_joint["Head"] = column.get("nose", trunk)
    return np.stack([by_joint.get(name, trunk) for name in skeleton.names], axis=1)
