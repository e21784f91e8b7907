"""Feet on the ground: contact spans and the height of the floor. Constants are in seconds, metres and m/s."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import minimum_filter1d

from mocap.model import kinematics, rotation
from mocap.model.body import BODY
from mocap.model.motion import Motion
from mocap.model.rotation import Array, Flags
from mocap.model.skeleton import Skeleton
from mocap.solve.clean.filters import runs

FOOT_KEYPOINTS = {name: contact.keypoint for name, contact in BODY.contacts.items()}
LOCAL_LOW_S = 0.5  # a foot's own low of the last and next half second stands for the ground under it


class Rule(NamedTuple):
    """A point is down while it is near its local low and slow, for long enough."""

    height_m: float
    speed_m_s: float
    duration_s: float
    wander_m: float


# Measured on motion capture: SUPPORT finds the ground, CONTACT is strict enough to hold a foot still.
SUPPORT = Rule(height_m=0.16, speed_m_s=1.0, duration_s=0.13, wander_m=np.inf)
CONTACT = Rule(height_m=0.06, speed_m_s=0.6, duration_s=0.1, wander_m=0.03)


def foot_points(motion: Motion) -> dict[str, Array]:
    """World positions (T, 3) in metres of the soles' points: LeftHeel, LeftToes (tip of the big toe), and the right's.

    The heel lies below and a quarter of the foot's length behind the ankle at rest.
    """
    skeleton = motion.skeleton
    world = kinematics.world_rotations(skeleton, motion.local_wxyz)
    joints = kinematics.place_joints(skeleton, motion.root_world, world)
    points = {}
    for name, (joint, offset) in sole_offsets(skeleton).items():
        j = skeleton.index(joint)
        points[name] = joints[:, j] + rotation.rotate(world[:, j], offset)
    return points


def sole_offsets(skeleton: Skeleton) -> dict[str, tuple[str, Array]]:
    """The soles' points by name: the joint that each hangs on, and where (3,), metres, in its frame."""
    points = {}
    for name, contact in BODY.contacts.items():
        end = skeleton.end_of_chain(contact.joint)
        points[name] = (contact.joint, end / contact.divisor)
    return points


def spans_down(point: Array, fps: float, rule: Rule) -> list[tuple[int, int]]:
    """Spans [start, end) in which a point (T, 3), metres, keeps the rule; split where it wanders too far."""
    window = 2 * round(LOCAL_LOW_S * fps) + 1
    height = point[:, 1] - minimum_filter1d(point[:, 1], window, mode="nearest")
    velocity = kinematics.velocities(point, fps)
    speed = np.abs(velocity[:, 1]) if np.isinf(rule.wander_m) else np.linalg.norm(velocity, axis=-1)
    shortest = max(2, round(rule.duration_s * fps))
    steady = [
        piece
        for span in runs((height < rule.height_m) & (speed < rule.speed_m_s))
        for piece in _split_at_wander(point, span, rule.wander_m)
    ]
    return [(start, end) for start, end in steady if end - start >= shortest]


def _split_at_wander(point: Array, span: tuple[int, int], wander_m: float) -> list[tuple[int, int]]:
    """Pieces of a span in which the point stays within ``wander_m`` of the mean of the piece so far."""
    if np.isinf(wander_m):
        return [span]
    pieces, start, total = [], span[0], np.zeros(3)
    for t in range(*span):
        if t > start and np.linalg.norm(point[t] - total / (t - start)) > wander_m:
            pieces.append((start, t))
            start, total = t, np.zeros(3)
        total = total + point[t]
    return [*pieces, (start, span[1])]


def contact_spans(motion: Motion, seen: Array | Flags) -> dict[str, list[tuple[int, int]]]:
    """Contact spans [start, end) of heels and toes by the CONTACT rule; none where the person was not seen (T,)."""
    fps = float(motion.fps)
    spans = {}
    for name, point in foot_points(motion).items():
        spans[name] = [
            (start + a, start + b) for start, end in runs(seen) for a, b in spans_down(point[start:end], fps, CONTACT)
        ]
    return spans


def floor_height(motion: Motion, seen: Array) -> float:
    """Height in metres of the ground: the median, over all touches, of the lowest that a foot gets in each.

    Touches are spans of the SUPPORT rule in frames where the person was seen (T,); without any, the lowest point.
    """
    fps, points = float(motion.fps), foot_points(motion)
    lows = [
        point[start + a : start + b, 1].min()
        for point in points.values()
        for start, end in runs(seen)
        for a, b in spans_down(point[start:end], fps, SUPPORT)
    ]
    if not lows:
        return float(min(point[:, 1].min() for point in points.values()))
    return float(np.median(lows))
