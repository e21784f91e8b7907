"""Which points of the feet stand when, and how the ground lies that they stand on."""

from __future__ import annotations

import numpy as np

from mocap.model.camera import Camera
from mocap.model.keypoints import Keypoints2D
from mocap.model.motion import Motion
from mocap.model.rotation import Array, Flags
from mocap.solve.clean.filters import runs
from mocap.solve.contact.detection import FOOT_KEYPOINTS, contact_spans, foot_points
from mocap.solve.contact.ground import STEP_M, picture_speed, still_spans

LIKELY, SLOW_M_S = 0.4, 0.45  # the lifter's probability that a point stands, and how fast it may cross the picture
BRIDGED_S, SHORTEST_S = 0.07, 0.1  # shorter pauses in standing, and shorter stands, are noise
RAMP_S = 0.07  # in which a foot is taken hold of, and let go
FALL_S, FALLING_M_S2 = 0.1, -6.0  # over which the root's acceleration is told, and what is falling: gravity has -9.8
PIECE_S = 0.5  # a stand counts once in each such time: a long one shows the ground no better than a short one
TILT_RAD = np.radians(5)  # error of the lifter's up over a clip, as measured on rendered bodies
HEIGHT_M = 0.06  # of a standing point over the ground, as far as one can tell before the ground is known
LEAST_LEVEL_S = 0.3  # of all points together, that stand off the floor: less shows no other level
LEVEL_M = 0.06  # points this far off the plane may stand on another level


def standing(motion: Motion, image: Keypoints2D, camera: Camera, judged: Array | None) -> Flags:
    """Which of FOOT_KEYPOINTS stand (T, 4): they rest in the picture, or the lifter takes them to and they are slow.

    judged: the lifter's probabilities (T, 4). Without them, a point must rest in space as well as in the picture.
    """
    rests = np.zeros((len(motion), len(FOOT_KEYPOINTS)), dtype=bool)
    for point, span in still_spans(motion, image, camera):
        rests[span, list(FOOT_KEYPOINTS).index(point)] = True
    if judged is None:
        stands = rests & flags_of(contact_spans(motion, image.confidence.any(axis=1)), len(motion))
    else:
        stands = rests | ((judged > LIKELY) & _slow(motion, image, camera))
    fps = float(motion.fps)
    stands &= (image.confidence.any(axis=1) & ~falls(motion))[:, None]
    for column in stands.T:
        for start, end in list(runs(~column)):
            if start > 0 and end < len(column) and end - start <= BRIDGED_S * fps:
                column[start:end] = True
        for start, end in list(runs(column)):
            if end - start < max(2, SHORTEST_S * fps):
                column[start:end] = False
    return np.asarray(stands)


def falls(motion: Motion) -> Flags:
    """Frames (T,) in which the root falls as things do: at the top of a leap feet rest in the picture too."""
    height, fps = motion.root_world[:, 1], float(motion.fps)
    half = max(1, round(FALL_S * fps))
    if len(height) <= 2 * half:
        return np.zeros(len(height), dtype=bool)
    acceleration = (height[2 * half :] - 2 * height[half:-half] + height[: -2 * half]) * (fps / half) ** 2
    return np.pad(acceleration < FALLING_M_S2, half)


def flags_of(spans: dict[str, list[tuple[int, int]]], frames: int) -> Flags:
    """Contact spans [start, end) by point as flags (T, 4)."""
    flags = np.zeros((frames, len(FOOT_KEYPOINTS)), dtype=bool)
    for i, point in enumerate(FOOT_KEYPOINTS):
        for start, end in spans.get(point, []):
            flags[start:end, i] = True
    return flags


def _slow(motion: Motion, image: Keypoints2D, camera: Camera) -> Flags:
    """Where (T, 4) points cross the picture slowly; everywhere, of points that the layout does not have."""
    flags = np.ones((len(motion), len(FOOT_KEYPOINTS)), dtype=bool)
    for i, (point, place) in enumerate(foot_points(motion).items()):
        if FOOT_KEYPOINTS[point] in image.layout.names:
            flags[:, i] = picture_speed(point, place, image, camera) < SLOW_M_S
    return flags


def firmness(stands: Flags, fps: float) -> Array:
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


def ground_heights(motion: Motion, stands: Flags) -> Array:
    """Height (T, 4) of the ground under each point of the feet: the floor's 0, or that of one other level, a roof or a
    lawn, which is told by where they stand. Where neither is within a step, NaN for points that stand; the others have
    the lowest ground under them, and so has, unless somebody stands lower than 0, whatever is far under the floor."""
    heights = np.stack([place[:, 1] for place in foot_points(motion).values()], axis=1)
    is_far = np.abs(heights) >= STEP_M
    elsewhere = stands & is_far
    is_level = elsewhere.sum() >= LEAST_LEVEL_S * float(motion.fps)
    level = float(np.median(heights[elsewhere])) if is_level else 0.0
    ground = np.where(is_far, np.nan, 0.0)
    ground[is_far & (np.abs(heights - level) < STEP_M)] = level
    ground[~stands & np.isnan(ground) & (heights > 0)] = min(level, 0.0)
    if level >= 0:
        ground[heights < 0] = 0.0
    return ground


def standing_places(motion: Motion, stands: Flags) -> Array:
    """World places (N, 3) in metres where points of the feet stand, a median for each PIECE_S."""
    piece = max(2, round(PIECE_S * float(motion.fps)))
    places = [
        np.median(place[first : min(first + piece, end)], axis=0)
        for i, place in enumerate(foot_points(motion).values())
        for start, end in runs(stands[:, i])
        for first in range(start, end, piece)
    ]
    return np.array(places).reshape(-1, 3)


def ground_normal(places: Array) -> Array:
    """The unit normal (3,) of level-looking ground through world places (N, 3), which were put upright by the lifter.

    A plane by robust least squares (Geman-McClure weights), its slope held to 0 by the trust in the lifter. A clip in
    which people walk about shows the ground better than they show which way is up.
    """
    A = np.column_stack([places[:, 0], places[:, 2], np.ones(len(places))])
    prior = np.diag([TILT_RAD**-2, TILT_RAD**-2, 0.0]) + 1e-9 * np.eye(3)
    weights, plane = np.ones(len(places)), np.zeros(3)
    for _ in range(10):
        weighted = (weights / HEIGHT_M**2)[:, None] * A
        plane = np.linalg.solve(A.T @ weighted + prior, weighted.T @ places[:, 1])
        weights = (1 + ((places[:, 1] - A @ plane) / LEVEL_M) ** 2) ** -2
    normal = np.array([-plane[0], 1.0, -plane[1]])
    return np.asarray(normal / np.linalg.norm(normal))
