"""Ground alignment: how high the ground is, how it is inclined, and the body put on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mocap.model.camera import Camera
from mocap.model.keypoints import Keypoints2D
from mocap.model.motion import Motion
from mocap.model.rotation import Array, Flags
from mocap.solve.clean.filters import hold_nearest, low_pass, runs
from mocap.solve.contact.detection import SUPPORT, rest_spans, spans_down
from mocap.solve.contact.points import contact_points

FLOOR_CUTOFF_HZ = 2.0
STEP_M = 0.25  # ground that is higher or lower than this is a step or a roof, not an error
PIECE_S = 0.5  # a contact counts once in each such time: a long one shows the ground no better than a short one
TILT_RAD = np.radians(5)  # error of the lifter's up over a clip, as measured on rendered bodies
HEIGHT_M = 0.06  # of a standing point over the ground, as far as one can know before the ground is known
LEAST_LEVEL_S = 0.3  # of all points together, that stand off the floor: less shows no other level
LEVEL_M = 0.06  # points this far off the plane may stand on another level


def floor_height(motion: Motion, seen: Array) -> float:
    """Height in metres of the ground: the median, over all touches, of the lowest that a foot gets in each.

    Touches are spans of the SUPPORT rule in frames where the person was seen (T,); without any, the lowest point.
    """
    fps, points = float(motion.fps), contact_points(motion)
    lows = [
        point[start + a : start + b, 1].min()
        for point in points.values()
        for start, end in runs(seen)
        for a, b in spans_down(point[start:end], fps, SUPPORT)
    ]
    if not lows:
        return float(min(point[:, 1].min() for point in points.values()))
    return float(np.median(lows))


def put_on_floor(motion: Motion, image: Keypoints2D, camera: Camera) -> Motion:
    """The motion moved up and down so that soles that stand are at y = 0; between, the correction is interpolated.

    Ground more than STEP_M off is another level and stays where it is, so that a leap from a roof remains one.
    """
    heights = np.full(len(motion), np.nan)
    places = contact_points(motion)
    for point, span in rest_spans(motion, image, camera):
        heights[span] = np.fmin(heights[span], places[point][span, 1])
    if np.isnan(heights).all():
        return motion
    off = between(np.where(np.abs(heights) < STEP_M, heights, 0.0 * heights)[:, None])
    lift = np.where(image.confidence.any(axis=1, keepdims=True), -off, np.nan)
    lift = low_pass(hold_nearest(lift), float(image.fps), cutoff_hz=FLOOR_CUTOFF_HZ)
    return replace(motion, root_world=motion.root_world + lift * [0.0, 1.0, 0.0])


def rest_heights(motion: Motion, image: Keypoints2D, camera: Camera) -> Array:
    """Heights (N,) in metres of the points of feet that stand, one a frame and point."""
    places = contact_points(motion)
    spans = [places[point][span, 1] for point, span in rest_spans(motion, image, camera)]
    return np.concatenate(spans) if spans else np.empty(0)


def ground_heights(motion: Motion, stands: Flags) -> Array:
    """Height (T, 4) of the ground under each point of the feet: the floor's 0, or that of one other level, a roof or a
    lawn, which is told by where they stand. Where neither is within a step, NaN for points that stand; the others have
    the lowest ground under them, and so has, unless somebody stands lower than 0, whatever is far under the floor."""
    heights = np.stack([place[:, 1] for place in contact_points(motion).values()], axis=1)
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


def contact_positions(motion: Motion, stands: Flags) -> Array:
    """World places (N, 3) in metres where points of the feet stand, a median for each PIECE_S."""
    piece = max(2, round(PIECE_S * float(motion.fps)))
    places = [
        np.median(place[first : min(first + piece, end)], axis=0)
        for i, place in enumerate(contact_points(motion).values())
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


def between(values: Array) -> Array:
    """Values (T, N) with missing rows interpolated in time, held at the ends."""
    known, frames = np.isfinite(values[:, 0]), np.arange(len(values))
    return np.stack([np.interp(frames, frames[known], column[known]) for column in values.T], axis=-1)
