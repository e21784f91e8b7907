"""Foot lock: feet that stand still hold the body, its distance from the camera, and their soles on the ground.

One view shows depth badly, but a camera that stands still shows a standing foot as a still point. Everything here rests
on that, and on nothing else about the floor or the camera's tilt.
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
from mocap.solve.contact.ground import STEP_M, between
from mocap.solve.contact.points import CONTACT_KEYPOINTS, contact_points

DISTANCE_CUTOFF_HZ = 2.0
FLAT_RAMP_S = 0.1
LEAST_SLOPE = 0.08  # a ray that falls less than this a metre meets the ground anywhere
PLAUSIBLE_LENGTHS = (0.6, 1.6)  # of a foot on the ground against the skeleton's; else the ground is not level there
RAMP_S = 0.07  # in which a foot is taken hold of, and let go


def distance_correction(motion: Motion, image: Keypoints2D, camera: Camera) -> Array:
    """How much farther from the camera (T,), in metres, the body is than it was judged to be.

    However badly the body's depth is judged (in a squat, the whole body seems to be farther away), a foot that rests
    in the picture stays where it is: its distance is held at the median over that time. Between such spans the
    correction is interpolated. Zero without foot keypoints.
    """
    places = contact_points(motion)
    totals = np.zeros((len(motion), 2))  # metres, number of still points
    for point, span in rest_spans(motion, image, camera):
        distance = camera.to_camera(places[point][span])[:, 2]
        totals[span] += np.column_stack([np.median(distance) - distance, np.ones(len(distance))])
    if not totals[:, 1].any():
        return np.zeros(len(motion))
    correction = between(totals[:, :1] / np.where(totals[:, 1:] > 0, totals[:, 1:], np.nan))
    seen = np.where(image.confidence.any(axis=1, keepdims=True), correction, np.nan)
    return low_pass(hold_nearest(seen), float(image.fps), cutoff_hz=DISTANCE_CUTOFF_HZ)[:, 0]


def flatten_feet(motion: Motion, image: Keypoints2D, camera: Camera) -> Motion:
    """The motion with every foot that stands laid flat on the ground, turned there and back within FLAT_RAMP_S.

    How far a foot tips and where it points is a matter of depth, which one view hardly shows; but where heel and toes
    both rest in the picture, the sole is on the ground, and the picture shows where it points.
    """
    spans: dict[str, Array] = {point: np.zeros(len(motion)) for point in CONTACT_KEYPOINTS}
    for point, span in rest_spans(motion, image, camera):
        spans[point][span] = 1.0
    world = kinematics.world_rotations(motion.skeleton, motion.local_wxyz)
    joints = kinematics.joint_positions(motion)
    for side in ("Left", "Right"):
        stands = spans[f"{side}Heel"] * spans[f"{side}Toes"]
        share = uniform_filter1d(stands, 2 * round(FLAT_RAMP_S * float(motion.fps)) + 1, mode="nearest")
        if not share.any():
            continue
        foot = motion.skeleton.index(f"{side}Foot")
        tip = motion.skeleton.offsets[foot + 1] + motion.skeleton.ends[f"{side}Toes"]
        heading = _heading_on_ground(side, joints[:, foot, 1] + tip[1], image, camera)
        length = np.linalg.norm(heading, axis=-1) / (tip[2] * 4 / 3)  # the heel is a third of that behind the ankle
        is_foot = (length > PLAUSIBLE_LENGTHS[0]) & (length < PLAUSIBLE_LENGTHS[1])  # NaN compares as False
        level = _level(world[:, foot], np.where(is_foot[:, None], heading, np.nan))
        for joint in (foot, *motion.skeleton.children(foot)):
            world[:, joint] = rotation.slerp(world[:, joint], level, share)
    return _with_world_rotations(motion, world)


def _heading_on_ground(side: str, sole: Array, image: Keypoints2D, camera: Camera) -> Array:
    """From heel to toes (T, 3), metres, where their rays meet the level ground at heights ``sole`` (T,); else NaN."""
    ends = []
    for point in (f"{side}Heel", f"{side}Toes"):
        xy = image.xy[:, image.layout.index(CONTACT_KEYPOINTS[point])]
        ray = camera.rays(xy) @ camera.T_world_camera[:3, :3].T
        drop = np.where(ray[:, 1] < -LEAST_SLOPE, ray[:, 1], np.nan)  # rays along the ground meet it anywhere
        ends.append(ray * ((sole - camera.T_world_camera[1, 3]) / drop)[:, None])
    return np.asarray(ends[1] - ends[0])


def _level(foot_wxyz: Array, heading: Array) -> Array:
    """Upright orientations (T, 4) that point along a heading (T, 3); without one, along the foot's own.

    Feet that have neither, pointing straight down, stay as they are.
    """
    own = rotation.rotate(foot_wxyz, np.array([0.0, 0.0, 1.0])) * [1.0, 0.0, 1.0]
    heading = np.where(np.isfinite(heading), heading, own)
    clear = np.linalg.norm(own, axis=-1) > 0.2
    heading = np.where(clear[:, None], heading, [0.0, 0.0, 1.0])
    up = np.broadcast_to([0.0, 1.0, 0.0], heading.shape)
    level = rotation.matrix_to_wxyz(rotation.frame_from_axes(up, heading, axes="yz"))
    return np.where(clear[:, None], level, foot_wxyz)


def lift_toes(motion: Motion) -> Motion:
    """The motion with feet tipped up, about their ankles, where their toes would be under the floor.

    Only where the ankle is over the floor and the toes are not far under it: elsewhere the ground is another level.
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
        turn = rotation.rotvec_to_wxyz(-angle[:, None] * axis)
        for joint in (foot, *motion.skeleton.children(foot)):
            world[:, joint] = rotation.multiply(turn, world[:, joint])
    return _with_world_rotations(motion, world)


def _with_world_rotations(motion: Motion, world_wxyz: Array) -> Motion:
    local = rotation.make_continuous(kinematics.local_rotations(motion.skeleton, world_wxyz))
    return replace(motion, local_wxyz=local / np.linalg.norm(local, axis=-1, keepdims=True))


def hold_weights(stands: Flags, fps: float) -> Array:
    """How firmly (T, 4), 0..1, points are held: 0 where they do not stand, less where they come down and lift off.

    The ramps of a stand that is shorter than both together, as a runner's, meet in its middle.
    """
    ramp = 2 * max(1, round(RAMP_S * fps)) + 1
    held = np.zeros(stands.shape)
    for column, flags in zip(held.T, stands.T):
        for start, end in runs(flags):
            since = np.arange(1, end - start + 1)
            column[start:end] = np.minimum(1.0, np.minimum(since, since[::-1]) / min(ramp, (end - start + 1) // 2))
    return held
