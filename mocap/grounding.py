"""Feet that stand still hold the body: its distance, the soles on the ground, the ground at y = 0.

One view shows depth badly, but a camera that stands still shows a standing foot as a still point. Everything here rests
on that, and on nothing else about the floor or the camera's tilt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.ndimage import uniform_filter1d

from mocap import kinematics, rotation
from mocap.camera import Camera
from mocap.contacts import foot_points
from mocap.keypoints import Keypoints2D
from mocap.motion import Motion
from mocap.rotation import Array
from mocap.smooth import hold_nearest, low_pass, runs

STILL_M_S, STILL_S = 0.3, 0.1  # a foot that moves slower than this across the picture, for this long, stands
STANCE_M = 0.15  # and its ankle is at most this far above the lower one
DISTANCE_CUTOFF_HZ = 2.0
FLAT_RAMP_S = 0.1
FLOOR_CUTOFF_HZ = 2.0
STEP_M = 0.25  # ground that is higher or lower than this is a step or a roof, not an error

_FOOT_KEYPOINTS = {
    "LeftHeel": "left_heel",
    "LeftToes": "left_foot_index",
    "RightHeel": "right_heel",
    "RightToes": "right_foot_index",
}


def steady_distance(motion: Motion, image: Keypoints2D, camera: Camera) -> Motion:
    """The motion moved along its feet's viewing rays, so that a foot that stands still stays at one distance.

    A camera that stands still sees a standing foot as a still point, however badly the body's depth is judged (in a
    squat, the whole body seems to be farther away). While a foot's keypoint rests, its distance is held at the
    median over that time; between such spans the correction is interpolated. The picture of the feet stays the same,
    and nothing is assumed of the floor or of the camera's tilt. Without foot keypoints the motion comes back as it is.
    """
    places = foot_points(motion)
    totals = np.zeros((len(motion), 5))  # log of growth, foot's place from the camera, number of still points
    for point, span in _still_spans(motion, image, camera):
        place = places[point][span]
        distance = np.log(camera.to_camera(place)[:, 2])
        totals[span, 0] += np.median(distance) - distance
        totals[span, 1:4] += place - camera.T_world_camera[:3, 3]
        totals[span, 4] += 1
    if not totals[:, 4].any():
        return motion
    means = _between(totals[:, :4] / np.where(totals[:, 4:] > 0, totals[:, 4:], np.nan))
    growth = np.expm1(low_pass(means[:, :1], float(image.fps), cutoff_hz=DISTANCE_CUTOFF_HZ))
    shift = np.where(image.confidence.any(axis=1, keepdims=True), growth * means[:, 1:], np.nan)
    return replace(motion, root_world=motion.root_world + hold_nearest(shift))


def flatten_feet(motion: Motion, image: Keypoints2D, camera: Camera) -> Motion:
    """The motion with every foot that stands laid flat on the ground, its heading kept.

    How far a foot tips is a matter of depth, which one view hardly shows; but where heel and toes both rest in the
    picture, the sole is on the floor. The foot is turned there and back within FLAT_RAMP_S.
    """
    spans: dict[str, Array] = {point: np.zeros(len(motion)) for point in _FOOT_KEYPOINTS}
    for point, span in _still_spans(motion, image, camera):
        spans[point][span] = 1.0
    world = kinematics.world_rotations(motion.skeleton, motion.local_wxyz)
    for side in ("Left", "Right"):
        stands = spans[f"{side}Heel"] * spans[f"{side}Toes"]
        share = uniform_filter1d(stands, 2 * round(FLAT_RAMP_S * float(motion.fps)) + 1, mode="nearest")
        foot = motion.skeleton.index(f"{side}Foot")
        level = _level(world[:, foot])
        for joint in (foot, *motion.skeleton.children(foot)):
            world[:, joint] = rotation.slerp(world[:, joint], level, share)
    local = rotation.make_continuous(kinematics.local_rotations(motion.skeleton, world))
    return replace(motion, local_wxyz=local / np.linalg.norm(local, axis=-1, keepdims=True))


def _level(foot_wxyz: Array) -> Array:
    """The upright orientations (T, 4) with the heading of given ones; those that point straight down stay."""
    heading = rotation.rotate(foot_wxyz, np.array([0.0, 0.0, 1.0])) * [1.0, 0.0, 1.0]
    clear = np.linalg.norm(heading, axis=-1) > 0.2
    heading[~clear] = (0.0, 0.0, 1.0)
    up = np.broadcast_to([0.0, 1.0, 0.0], heading.shape)
    level = rotation.matrix_to_wxyz(rotation.frame_from_axes(up, heading, axes="yz"))
    return np.where(clear[:, None], level, foot_wxyz)


def put_on_floor(motion: Motion, image: Keypoints2D, camera: Camera) -> Motion:
    """The motion moved up and down so that soles that stand are at y = 0; between, the correction is interpolated.

    Ground more than STEP_M off is another level and stays where it is, so that a leap from a roof remains one.
    """
    heights = np.full(len(motion), np.nan)
    places = foot_points(motion)
    for point, span in _still_spans(motion, image, camera):
        heights[span] = np.fmin(heights[span], places[point][span, 1])
    if np.isnan(heights).all():
        return motion
    off = _between(np.where(np.abs(heights) < STEP_M, heights, 0.0 * heights)[:, None])
    lift = np.where(image.confidence.any(axis=1, keepdims=True), -off, np.nan)
    lift = low_pass(hold_nearest(lift), float(image.fps), cutoff_hz=FLOOR_CUTOFF_HZ)
    return replace(motion, root_world=motion.root_world + lift * [0.0, 1.0, 0.0])


def still_heights(motion: Motion, image: Keypoints2D, camera: Camera) -> Array:
    """Heights (N,) in metres of the points of feet that stand, one a frame and point."""
    places = foot_points(motion)
    spans = [places[point][span, 1] for point, span in _still_spans(motion, image, camera)]
    return np.concatenate(spans) if spans else np.empty(0)


def _between(values: Array) -> Array:
    """Values (T, N) with missing rows interpolated in time, held at the ends."""
    known, frames = np.isfinite(values[:, 0]), np.arange(len(values))
    return np.stack([np.interp(frames, frames[known], column[known]) for column in values.T], axis=-1)


def _still_spans(motion: Motion, image: Keypoints2D, camera: Camera) -> Iterator[tuple[str, slice]]:
    """Points of the feet, and the frames in which their keypoints rest in the picture while that leg bears the body.

    Which leg does is told by the ankles' heights: the feet's own depend on how far they seem to tip.
    """
    fps, places = float(image.fps), foot_points(motion)
    joints = kinematics.joint_positions(motion)
    ankles = {side: joints[:, motion.skeleton.index(f"{side}Foot"), 1] for side in ("Left", "Right")}
    lowest = np.minimum(*ankles.values())
    for point, place in places.items():
        if _FOOT_KEYPOINTS[point] not in image.layout.names:
            continue
        ankle = ankles[point.removesuffix("Heel").removesuffix("Toes")]
        xy = image.xy[:, image.layout.index(_FOOT_KEYPOINTS[point])]
        metres_a_pixel = camera.to_camera(place)[:, 2] / camera.K[0, 0]
        speed = np.linalg.norm(kinematics.velocities(xy, fps), axis=-1) * metres_a_pixel
        is_still = (speed < STILL_M_S) & (ankle < lowest + STANCE_M)  # NaN compares as False
        for start, end in runs(is_still):
            if end - start >= max(2, round(STILL_S * fps)):
                yield point, slice(start, end)
