"""Foot lock: feet in contact correct the body's distance from the camera, and their soles are laid on the ground.

Depth is uncertain in a single view, but for a fixed camera a foot in contact is a still point in the image. All
functions here use that, and assume nothing else about the floor or the camera's tilt.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import uniform_filter1d

from mocap.model import kinematics, rotation
from mocap.model.camera import Camera
from mocap.model.keypoints import Keypoints2D
from mocap.model.motion import Motion
from mocap.model.rotation import Array, Flags
from mocap.solve.clean.filters import hold_nearest, low_pass, runs
from mocap.solve.contact.detection import rest_spans
from mocap.solve.contact.ground import STEP_M, interpolate_rows
from mocap.solve.contact.points import CONTACT_KEYPOINTS, contact_points

DISTANCE_CUTOFF_HZ = 2.0
FLAT_RAMP_S = 0.1  # time in which a foot rotates to flat, and back
LEAST_SLOPE = 0.08  # metres a ray falls per metre of depth; where it is flatter, it meets the ground too far away
PLAUSIBLE_LENGTHS = (0.6, 1.6)  # of a foot on the ground over the skeleton's; else the ground is not level there
RAMP_S = 0.07  # time in which the weight of a lock rises and falls


def distance_correction(motion: Motion, image: Keypoints2D, camera: Camera) -> Array:
    """Correction of the body's distance from the camera, from feet that are still in the image.

    Parameters
    ----------
    motion : world frame, T frames.
    image : cleaned keypoints, pixels.
    camera : of the image.

    Returns
    -------
    Array (T,), metres, positive = farther away; zero without keypoints of feet.

    Notes
    -----
    The estimated depth of a body has slow errors (in a squat, the whole body seems to be farther away), but a foot that
    is still in the image does not move. In such a span the correction keeps the foot at the median of its distance;
    between spans the correction is interpolated.
    """
    positions = contact_points(motion)
    totals = np.zeros((len(motion), 2))  # metres, number of still points
    for point, span in rest_spans(motion, image, camera):
        distance = camera.to_camera(positions[point][span])[:, 2]
        totals[span] += np.column_stack([np.median(distance) - distance, np.ones(len(distance))])
    if not totals[:, 1].any():
        return np.zeros(len(motion))
    correction = interpolate_rows(totals[:, :1] / np.where(totals[:, 1:] > 0, totals[:, 1:], np.nan))
    correction = np.where(image.confidence.any(axis=1, keepdims=True), correction, np.nan)
    return low_pass(hold_nearest(correction), float(image.fps), cutoff_hz=DISTANCE_CUTOFF_HZ)[:, 0]


def flatten_feet(motion: Motion, image: Keypoints2D, camera: Camera) -> Motion:
    """Lay feet flat on the ground while heel and toes are both still in the image.

    Parameters
    ----------
    motion : world frame, T frames.
    image : cleaned keypoints, pixels.
    camera : of the image.

    Returns
    -------
    Motion
        A foot rotates to flat, and back, within FLAT_RAMP_S.

    Notes
    -----
    Pitch and heading of a foot depend on depth, which is uncertain in a single view. Where heel and toes are both
    still, the sole is on the ground, and the heading follows from where their rays meet it.
    """
    spans: dict[str, Array] = {point: np.zeros(len(motion)) for point in CONTACT_KEYPOINTS}
    for point, span in rest_spans(motion, image, camera):
        spans[point][span] = 1.0
    world = kinematics.world_rotations(motion.skeleton, motion.local_wxyz)
    joints = kinematics.joint_positions(motion)
    for side in ("Left", "Right"):
        is_flat = spans[f"{side}Heel"] * spans[f"{side}Toes"]
        fraction = uniform_filter1d(is_flat, 2 * round(FLAT_RAMP_S * float(motion.fps)) + 1, mode="nearest")
        if not fraction.any():
            continue
        foot = motion.skeleton.index(f"{side}Foot")
        tip = motion.skeleton.offsets[foot + 1] + motion.skeleton.ends[f"{side}Toes"]
        heading = _heading_on_ground(side, joints[:, foot, 1] + tip[1], image, camera)
        length = np.linalg.norm(heading, axis=-1) / (tip[2] * 4 / 3)  # the heel is a third of that behind the ankle
        is_foot = (length > PLAUSIBLE_LENGTHS[0]) & (length < PLAUSIBLE_LENGTHS[1])  # NaN compares as False
        level = _level(world[:, foot], np.where(is_foot[:, None], heading, np.nan))
        for joint in (foot, *motion.skeleton.children(foot)):
            world[:, joint] = rotation.slerp(world[:, joint], level, fraction)
    return _with_world_rotations(motion, world)


def _heading_on_ground(side: str, sole: Array, image: Keypoints2D, camera: Camera) -> Array:
    """Vectors (T, 3) from heel to toes, metres, where their rays meet level ground at heights ``sole`` (T,), or NaN."""
    ends = []
    for point in (f"{side}Heel", f"{side}Toes"):
        xy = image.xy[:, image.layout.index(CONTACT_KEYPOINTS[point])]
        ray = camera.rays(xy) @ camera.T_world_camera[:3, :3].T
        drop = np.where(ray[:, 1] < -LEAST_SLOPE, ray[:, 1], np.nan)  # rays along the ground meet it anywhere
        ends.append(ray * ((sole - camera.T_world_camera[1, 3]) / drop)[:, None])
    return np.asarray(ends[1] - ends[0])


def _level(foot_wxyz: Array, heading: Array) -> Array:
    """Flat orientations (T, 4) with a heading (T, 3), or with the foot's own where it is NaN. A foot that points
    straight down has no heading and stays as it is."""
    own = rotation.rotate(foot_wxyz, np.array([0.0, 0.0, 1.0])) * [1.0, 0.0, 1.0]
    heading = np.where(np.isfinite(heading), heading, own)
    clear = np.linalg.norm(own, axis=-1) > 0.2
    heading = np.where(clear[:, None], heading, [0.0, 0.0, 1.0])
    up = np.broadcast_to([0.0, 1.0, 0.0], heading.shape)
    level = rotation.matrix_to_wxyz(rotation.frame_from_axes(up, heading, axes="yz"))
    return np.where(clear[:, None], level, foot_wxyz)


def lift_toes(motion: Motion) -> Motion:
    """Rotate feet up about their ankles where their toes are under the floor (y = 0).

    Only feet whose ankle is above the floor and whose toes are less than STEP_M under it are changed: others are on
    another level.
    """
    world = kinematics.world_rotations(motion.skeleton, motion.local_wxyz)
    joints = kinematics.joint_positions(motion)
    for side in ("Left", "Right"):
        foot = motion.skeleton.index(f"{side}Foot")
        tip = motion.skeleton.offsets[foot + 1] + motion.skeleton.ends[f"{side}Toes"]
        reach = rotation.rotate(world[:, foot], tip)
        ankle, length = joints[:, foot, 1], float(np.linalg.norm(tip))
        is_near = (ankle > 0) & (ankle + reach[:, 1] > -STEP_M)
        lowest = -np.arcsin(np.clip(ankle / length, -1.0, 1.0))  # elevation at which the tip touches the floor
        tipped = np.arcsin(np.clip(reach[:, 1] / length, -1.0, 1.0))
        angle = np.where(is_near, np.maximum(lowest - tipped, 0.0), 0.0)
        sideways = rotation.rotate(world[:, foot], np.array([1.0, 0.0, 0.0])) * [1.0, 0.0, 1.0]
        axis = sideways / np.maximum(np.linalg.norm(sideways, axis=-1, keepdims=True), 1e-9)
        lift = rotation.rotvec_to_wxyz(-angle[:, None] * axis)
        for joint in (foot, *motion.skeleton.children(foot)):
            world[:, joint] = rotation.multiply(lift, world[:, joint])
    return _with_world_rotations(motion, world)


def _with_world_rotations(motion: Motion, world_wxyz: Array) -> Motion:
    local = rotation.make_continuous(kinematics.local_rotations(motion.skeleton, world_wxyz))
    return replace(motion, local_wxyz=local / np.linalg.norm(local, axis=-1, keepdims=True))


def lock_weights(in_contact: Flags, fps: float) -> Array:
    """Weights of the foot lock from contacts.

    Parameters
    ----------
    in_contact : (T, N) flags of the contact points.
    fps : frames per second.

    Returns
    -------
    Array (T, N) in 0..1: 0 without contact, 1 in the middle of a contact, with a ramp of RAMP_S at both ends. The ramps
    of a contact that is shorter than both, as a runner's, meet in its middle.
    """
    ramp = 2 * max(1, round(RAMP_S * fps)) + 1
    weights = np.zeros(in_contact.shape)
    for column, flags in zip(weights.T, in_contact.T):
        for start, end in runs(flags):
            since = np.arange(1, end - start + 1)
            column[start:end] = np.minimum(1.0, np.minimum(since, since[::-1]) / min(ramp, (end - start + 1) // 2))
    return weights
