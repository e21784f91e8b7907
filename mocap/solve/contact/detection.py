"""Contact detection: three cues say which points of the body rest on the ground, and one function decides.

The cues are the image (a keypoint that rests there), the lifter (the probability that it learnt) and space (a point
that is low and slow). ``detect_contacts`` fuses them. Constants are in seconds, metres and m/s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.ndimage import minimum_filter1d

from mocap.model import kinematics
from mocap.model.camera import Camera
from mocap.model.keypoints import Keypoints2D
from mocap.model.motion import Motion
from mocap.model.rotation import Array, Flags
from mocap.solve.clean.filters import runs
from mocap.solve.contact.points import CONTACT_KEYPOINTS, contact_points, flags_of

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
STILL_M_S, STILL_S = 0.3, 0.1  # a foot that moves slower than this across the image, for this long, rests
STANCE_M = 0.15  # and its ankle is at most this far above the lower one
LIKELY, SLOW_M_S = 0.4, 0.45  # the lifter's probability of a contact, and how fast its point may cross the image
BRIDGED_S, SHORTEST_S = 0.07, 0.1  # shorter pauses in a contact, and shorter contacts, are noise
FALL_S, FALLING_M_S2 = 0.1, -6.0  # over which the root's acceleration is measured; gravity has -9.8


@dataclass(frozen=True, eq=False)
class Observed:
    """What the cues look at: one person's motion and what was observed of it.

    Parameters
    ----------
    motion : world frame, T frames.
    image : cleaned keypoints.
    probabilities : (T, N) that each contact point is on the ground, by the lifter, or None.
    """

    motion: Motion
    image: Keypoints2D
    camera: Camera
    probabilities: Array | None = None

    @property
    def present(self) -> Flags:
        """Frames (T,) in which the person is visible."""
        return np.asarray(self.image.confidence.any(axis=1))


def detect_contacts(observed: Observed) -> Flags:
    """Which contact points are on the ground, in every frame.

    A point is, where its keypoint rests in the image, or where the lifter expects it to and it is slow. Without a
    lifter's word it must rest in space as well as in the image. Nothing is while the root falls.

    Returns
    -------
    Flags (T, N), in the order of ``CONTACT_KEYPOINTS``.
    """
    if observed.probabilities is None:
        contacts = rests_in_image(observed) & rests_in_space(observed)
    else:
        contacts = rests_in_image(observed) | expected_by_lifter(observed)
    fps = float(observed.motion.fps)
    contacts &= (observed.present & ~is_falling(observed.motion))[:, None]
    for column in contacts.T:
        for start, end in list(runs(~column)):
            if start > 0 and end < len(column) and end - start <= BRIDGED_S * fps:
                column[start:end] = True
        for start, end in list(runs(column)):
            if end - start < max(2, SHORTEST_S * fps):
                column[start:end] = False
    return np.asarray(contacts)


def rests_in_image(observed: Observed) -> Flags:
    """Cue: flags (T, N) of points whose keypoints rest in the image while their leg carries the body."""
    rests = np.zeros((len(observed.motion), len(CONTACT_KEYPOINTS)), dtype=bool)
    for point, span in rest_spans(observed.motion, observed.image, observed.camera):
        rests[span, list(CONTACT_KEYPOINTS).index(point)] = True
    return rests


def expected_by_lifter(observed: Observed) -> Flags:
    """Cue: flags (T, N) of points that the lifter expects on the ground and that cross the image slowly."""
    assert observed.probabilities is not None
    flags = observed.probabilities > LIKELY
    for i, (point, position) in enumerate(contact_points(observed.motion).items()):
        if CONTACT_KEYPOINTS[point] in observed.image.layout.names:
            flags[:, i] &= image_speed(point, position, observed.image, observed.camera) < SLOW_M_S
    return flags


def rests_in_space(observed: Observed) -> Flags:
    """Cue: flags (T, N) of points that are low and slow in the world."""
    return flags_of(spans_by_rule(observed.motion, observed.present), len(observed.motion))


def is_falling(motion: Motion) -> Flags:
    """Frames (T,) in which the root falls as things do: at the top of a leap feet rest in the picture too."""
    height, fps = motion.root_world[:, 1], float(motion.fps)
    half = max(1, round(FALL_S * fps))
    if len(height) <= 2 * half:
        return np.zeros(len(height), dtype=bool)
    acceleration = (height[2 * half :] - 2 * height[half:-half] + height[: -2 * half]) * (fps / half) ** 2
    return np.pad(acceleration < FALLING_M_S2, half)


def rest_spans(motion: Motion, image: Keypoints2D, camera: Camera) -> Iterator[tuple[str, slice]]:
    """Contact points, and the frames in which their keypoints rest in the image while that leg carries the body.

    Which leg carries it follows from the ankles' heights: those of the feet depend on their pitch, which is uncertain.
    """
    fps, places = float(image.fps), contact_points(motion)
    joints = kinematics.joint_positions(motion)
    ankles = {side: joints[:, motion.skeleton.index(f"{side}Foot"), 1] for side in ("Left", "Right")}
    lowest = np.minimum(*ankles.values())
    for point, place in places.items():
        if CONTACT_KEYPOINTS[point] not in image.layout.names:
            continue
        ankle = ankles[point.removesuffix("Heel").removesuffix("Toes")]
        is_still = (image_speed(point, place, image, camera) < STILL_M_S) & (
            ankle < lowest + STANCE_M
        )  # NaN compares as False
        for start, end in runs(is_still):
            if end - start >= max(2, round(STILL_S * fps)):
                yield point, slice(start, end)


def image_speed(point: str, position: Array, image: Keypoints2D, camera: Camera) -> Array:
    """Speed (T,) in m/s, at its distance, of a contact point at ``position`` (T, 3) across the image."""
    xy = image.xy[:, image.layout.index(CONTACT_KEYPOINTS[point])]
    metres_a_pixel = camera.to_camera(position)[:, 2] / camera.K[0, 0]
    return np.asarray(np.linalg.norm(kinematics.velocities(xy, float(image.fps)), axis=-1) * metres_a_pixel)


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


def spans_by_rule(motion: Motion, present: Array | Flags) -> dict[str, list[tuple[int, int]]]:
    """Contact spans [start, end) of every point by the CONTACT rule; none where the person was not visible (T,)."""
    fps = float(motion.fps)
    spans = {}
    for name, point in contact_points(motion).items():
        spans[name] = [
            (start + a, start + b)
            for start, end in runs(present)
            for a, b in spans_down(point[start:end], fps, CONTACT)
        ]
    return spans
