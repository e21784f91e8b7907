"""Contact detection: decide from three cues which points of the body are on the ground.

The cues are the image (a keypoint does not move in it), the lifter (its probability of contact) and space (a point is
low and slow). ``detect_contacts`` combines them. Constants are in seconds, metres and m/s.
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

LOCAL_LOW_S = 0.5  # the lowest height of a point within this time before and after is taken as the ground under it


class Rule(NamedTuple):
    """A point is in contact while it is near its local low and slow, for long enough.

    Parameters
    ----------
    height_m : over the local low; lower is near.
    speed_m_s : slower is slow; only the vertical speed where ``wander_m`` is infinite.
    duration_s : the shortest contact.
    wander_m : distance from the mean position of the contact at which it ends.
    """

    height_m: float
    speed_m_s: float
    duration_s: float
    wander_m: float


# Measured on motion capture: SUPPORT finds the ground, CONTACT is strict enough to hold a foot still.
SUPPORT = Rule(height_m=0.16, speed_m_s=1.0, duration_s=0.13, wander_m=np.inf)
CONTACT = Rule(height_m=0.06, speed_m_s=0.6, duration_s=0.1, wander_m=0.03)
STILL_M_S, STILL_S = 0.3, 0.1  # a point that moves slower than this across the image, for this long, is still
STANCE_M = 0.15  # and its ankle is at most this far above the lower one
LIKELY, SLOW_M_S = 0.4, 0.45  # the lifter's probability of a contact, and how fast its point may cross the image
BRIDGED_S, SHORTEST_S = 0.07, 0.1  # shorter pauses in a contact, and shorter contacts, are noise
FALL_S, FALLING_M_S2 = 0.1, -6.0  # time over which the root's acceleration is measured; in free fall it is -9.8


@dataclass(frozen=True, eq=False)
class Observed:
    """The input of the cues: one person's motion and its observations.

    Parameters
    ----------
    motion : world frame, T frames.
    image : cleaned keypoints, pixels.
    camera : of the image.
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
    """Decide which contact points are on the ground in each frame.

    Parameters
    ----------
    observed : motion and observations of one person.

    Returns
    -------
    Flags (T, N), in the order of ``CONTACT_KEYPOINTS``.

    Notes
    -----
    A point is in contact where its keypoint is still in the image, or where the lifter expects a contact and the
    keypoint is slow. Without a lifter, it must be still in the image and low and slow in space. No point is in contact
    while the root falls or the person is not visible.
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
    """Image cue: flags (T, N) of points whose keypoints are still in the image while their leg carries the body."""
    rests = np.zeros((len(observed.motion), len(CONTACT_KEYPOINTS)), dtype=bool)
    for point, span in rest_spans(observed.motion, observed.image, observed.camera):
        rests[span, list(CONTACT_KEYPOINTS).index(point)] = True
    return rests


def expected_by_lifter(observed: Observed) -> Flags:
    """Lifter cue: flags (T, N) of points that the lifter expects on the ground and that are slow in the image."""
    assert observed.probabilities is not None
    flags = observed.probabilities > LIKELY
    for i, (point, position) in enumerate(contact_points(observed.motion).items()):
        if CONTACT_KEYPOINTS[point] in observed.image.layout.names:
            flags[:, i] &= image_speed(point, position, observed.image, observed.camera) < SLOW_M_S
    return flags


def rests_in_space(observed: Observed) -> Flags:
    """Space cue: flags (T, N) of points that are low and slow in the world."""
    return flags_of(spans_by_rule(observed.motion, observed.present), len(observed.motion))


def is_falling(motion: Motion) -> Flags:
    """Flags (T,) of frames in which the root falls freely; at the top of a leap, feet are still in the image too."""
    height, fps = motion.root_world[:, 1], float(motion.fps)
    half = max(1, round(FALL_S * fps))
    if len(height) <= 2 * half:
        return np.zeros(len(height), dtype=bool)
    acceleration = (height[2 * half :] - 2 * height[half:-half] + height[: -2 * half]) * (fps / half) ** 2
    return np.pad(acceleration < FALLING_M_S2, half)


def rest_spans(motion: Motion, image: Keypoints2D, camera: Camera) -> Iterator[tuple[str, slice]]:
    """Find the spans in which the keypoint of a contact point is still in the image while its leg carries the body.

    Parameters
    ----------
    motion : world frame, T frames.
    image : cleaned keypoints, pixels.
    camera : of the image.

    Yields
    ------
    The name of a contact point and the frames of one span.

    Notes
    -----
    The lower ankle shows which leg carries the body. The height of heel and toes would depend on the pitch of the foot,
    which is uncertain.
    """
    fps, positions = float(image.fps), contact_points(motion)
    joints = kinematics.joint_positions(motion)
    ankles = {side: joints[:, motion.skeleton.index(f"{side}Foot"), 1] for side in ("Left", "Right")}
    lowest = np.minimum(*ankles.values())
    for point, position in positions.items():
        if CONTACT_KEYPOINTS[point] not in image.layout.names:
            continue
        ankle = ankles[point.removesuffix("Heel").removesuffix("Toes")]
        is_still = image_speed(point, position, image, camera) < STILL_M_S  # NaN compares as False
        is_still &= ankle < lowest + STANCE_M
        for start, end in runs(is_still):
            if end - start >= max(2, round(STILL_S * fps)):
                yield point, slice(start, end)


def image_speed(point: str, position: Array, image: Keypoints2D, camera: Camera) -> Array:
    """Speed of a contact point across the image, scaled to metres at its distance.

    Parameters
    ----------
    point : name of the contact point.
    position : (T, 3) its world positions, metres, which give the distance.
    image : cleaned keypoints, pixels.
    camera : of the image.

    Returns
    -------
    Array (T,), m/s; NaN where the keypoint is missing.
    """
    xy = image.xy[:, image.layout.index(CONTACT_KEYPOINTS[point])]
    metres_a_pixel = camera.to_camera(position)[:, 2] / camera.K[0, 0]
    return np.asarray(np.linalg.norm(kinematics.velocities(xy, float(image.fps)), axis=-1) * metres_a_pixel)


def spans_down(point: Array, fps: float, rule: Rule) -> list[tuple[int, int]]:
    """Find the contact spans of a point by a rule; a span is split where the point moves too far from its mean.

    Parameters
    ----------
    point : (T, 3) world positions, metres.
    fps : frames per second.
    rule : thresholds.

    Returns
    -------
    list of spans [start, end).
    """
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
    """Contact spans [start, end) of each contact point by the CONTACT rule, in frames where ``present`` (T,) is set."""
    fps = float(motion.fps)
    spans = {}
    for name, point in contact_points(motion).items():
        spans[name] = [
            (start + a, start + b)
            for start, end in runs(present)
            for a, b in spans_down(point[start:end], fps, CONTACT)
        ]
    return spans
