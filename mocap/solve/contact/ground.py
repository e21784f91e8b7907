"""Ground alignment: estimate the ground's height and slope, and put the body on it."""

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
PIECE_S = 0.5  # a contact gives one position for each such time, so that long contacts do not outweigh short ones
TILT_RAD = np.radians(5)  # standard deviation of the lifter's up over a clip, measured on rendered bodies
HEIGHT_M = 0.06  # standard deviation of a contact point's height over the ground, before the ground is known
LEAST_LEVEL_S = 0.3  # of contacts off the floor, all points together; fewer do not show another level
LEVEL_M = 0.06  # scale of the robust fit: contacts farther off the plane may be on another level


def floor_height(motion: Motion, present: Array) -> float:
    """Estimate the height of the ground from a motion alone.

    Parameters
    ----------
    motion : world frame, T frames.
    present : (T,) flags of the frames in which the person is visible.

    Returns
    -------
    Height, metres: the median of the lowest heights of all contacts by the SUPPORT rule; without any contact, the
    lowest height of all contact points.
    """
    fps, points = float(motion.fps), contact_points(motion)
    lows = [
        point[start + a : start + b, 1].min()
        for point in points.values()
        for start, end in runs(present)
        for a, b in spans_down(point[start:end], fps, SUPPORT)
    ]
    if not lows:
        return float(min(point[:, 1].min() for point in points.values()))
    return float(np.median(lows))


def put_on_floor(motion: Motion, image: Keypoints2D, camera: Camera) -> Motion:
    """Move the motion vertically so that soles in contact are at y = 0.

    Parameters
    ----------
    motion : world frame, T frames, the floor near y = 0.
    image : cleaned keypoints, pixels.
    camera : of the image.

    Returns
    -------
    Motion
        Between contacts, the correction is interpolated. Contacts more than STEP_M from the floor are on another level
        and are not moved, so that a leap from a roof is kept.
    """
    heights = np.full(len(motion), np.nan)
    positions = contact_points(motion)
    for point, span in rest_spans(motion, image, camera):
        heights[span] = np.fmin(heights[span], positions[point][span, 1])
    if np.isnan(heights).all():
        return motion
    error = interpolate_rows(np.where(np.abs(heights) < STEP_M, heights, 0.0 * heights)[:, None])
    lift = np.where(image.confidence.any(axis=1, keepdims=True), -error, np.nan)
    lift = low_pass(hold_nearest(lift), float(image.fps), cutoff_hz=FLOOR_CUTOFF_HZ)
    return replace(motion, root_world=motion.root_world + lift * [0.0, 1.0, 0.0])


def rest_heights(motion: Motion, image: Keypoints2D, camera: Camera) -> Array:
    """Heights (N,) in metres of contact points that are still in the image, one for each frame and point."""
    positions = contact_points(motion)
    spans = [positions[point][span, 1] for point, span in rest_spans(motion, image, camera)]
    return np.concatenate(spans) if spans else np.empty(0)


def ground_heights(motion: Motion, in_contact: Flags) -> Array:
    """Estimate the height of the ground under each contact point.

    Parameters
    ----------
    motion : world frame, T frames, the floor at y = 0.
    in_contact : (T, N) flags.

    Returns
    -------
    Array (T, N), metres, NaN = unknown.

    Notes
    -----
    The ground is the floor (0) or one other level, a roof or a lawn: the median height of the contacts that are more
    than STEP_M from the floor. A point within STEP_M of one of the two is over that. Any other point has no known
    ground if it is in contact; if it is above the floor, its ground is the lower of the two levels. Points far under
    the floor have the floor as their ground, unless the other level is lower than the floor.
    """
    heights = np.stack([position[:, 1] for position in contact_points(motion).values()], axis=1)
    is_far = np.abs(heights) >= STEP_M
    elsewhere = in_contact & is_far
    is_level = elsewhere.sum() >= LEAST_LEVEL_S * float(motion.fps)
    level = float(np.median(heights[elsewhere])) if is_level else 0.0
    ground = np.where(is_far, np.nan, 0.0)
    ground[is_far & (np.abs(heights - level) < STEP_M)] = level
    ground[~in_contact & np.isnan(ground) & (heights > 0)] = min(level, 0.0)
    if level >= 0:
        ground[heights < 0] = 0.0
    return ground


def contact_positions(motion: Motion, in_contact: Flags) -> Array:
    """World positions of contacts.

    Parameters
    ----------
    motion : world frame, T frames.
    in_contact : (T, N) flags of the contact points.

    Returns
    -------
    Array (M, 3), metres: a median for each PIECE_S of each contact.
    """
    piece = max(2, round(PIECE_S * float(motion.fps)))
    positions = [
        np.median(position[first : min(first + piece, end)], axis=0)
        for i, position in enumerate(contact_points(motion).values())
        for start, end in runs(in_contact[:, i])
        for first in range(start, end, piece)
    ]
    return np.array(positions).reshape(-1, 3)


def ground_normal(positions: Array) -> Array:
    """Fit a plane to contacts.

    Parameters
    ----------
    positions : (M, 3) world positions of contacts, metres; the lifter's up has levelled the world already.

    Returns
    -------
    Unit normal (3,), y > 0.

    Notes
    -----
    Robust least squares (Geman-McClure weights) with a prior: the slope has mean 0 and the standard deviation TILT_RAD
    of the lifter's up. In a clip in which people walk about, their contacts show the vertical better than the lifter.
    """
    A = np.column_stack([positions[:, 0], positions[:, 2], np.ones(len(positions))])
    prior = np.diag([TILT_RAD**-2, TILT_RAD**-2, 0.0]) + 1e-9 * np.eye(3)
    weights, plane = np.ones(len(positions)), np.zeros(3)
    for _ in range(10):
        weighted = (weights / HEIGHT_M**2)[:, None] * A
        plane = np.linalg.solve(A.T @ weighted + prior, weighted.T @ positions[:, 1])
        weights = (1 + ((positions[:, 1] - A @ plane) / LEVEL_M) ** 2) ** -2
    normal = np.array([-plane[0], 1.0, -plane[1]])
    return np.asarray(normal / np.linalg.norm(normal))


def interpolate_rows(values: Array) -> Array:
    """Values (T, N) with missing rows (NaN) linearly interpolated in time, constant before the first and after the
    last known row."""
    known, frames = np.isfinite(values[:, 0]), np.arange(len(values))
    return np.stack([np.interp(frames, frames[known], column[known]) for column in values.T], axis=-1)
