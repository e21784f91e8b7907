"""Tracks: matching poses to people over time, joining tracks, and choosing the people of a take.

A region is an oriented square: centre x, centre y, side (pixels), rotation (radians, clockwise on screen).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np

from mocap.model.errors import MocapError
from mocap.model.rotation import Array

MATCH_DISTANCE = 0.4  # of the mean side: regions of one person are nearer than this
MATCH_LOG_SIZE = 0.7  # and the ratio of their sides is less than two
OPPOSED_RAD = 2.0  # of two regions whose rotations differ by more, one is upside down
JOIN_GAP_S = 2.0  # after a longer absence, a track is a new person
JOIN_OVERLAP_S = 0.15  # time for which an upside-down track and its upright successor may both exist
JOIN_DISTANCE_PER_S = 1.5  # sides per second that a person may move while not visible: a runner
BYSTANDER_FRACTION = 0.15  # of the largest prominence; people with less are bystanders
BRIEF_S, CLEAR_CONFIDENCE = 1.0, 0.7  # a shorter track with less confidence is a false detection in the background
MAX_FLICKER = 0.03  # of the region's side, at 30 fps; people have 0.01, acrobats too, false detections 0.1
MIN_TRACK_S = 0.2  # shorter tracks are flicker of the detector


class TrackedPose(NamedTuple):
    """The estimated keypoints of one person in one frame.

    Parameters
    ----------
    xy : (K, 2) pixels.
    confidence : (K,) in 0..1.
    xyz : (K, 3) metres, or None.
    region : (4,) in which the pose network ran.
    """

    xy: Array
    confidence: Array
    xyz: Array | None
    region: Array


@dataclass(eq=False)
class Track:
    """One person followed over time; it grows while the clip is read.

    Parameters
    ----------
    poses : by frame.
    key_regions : region (4,) of the person at key frames, by frame.
    live : whether the person is still followed.
    """

    poses: dict[int, TrackedPose] = field(default_factory=dict)
    key_regions: dict[int, Array] = field(default_factory=dict)
    live: bool = True

    @property
    def first_frame(self) -> int:
        """Index of the first frame in which the person is visible."""
        return min(self.poses)

    @property
    def last_frame(self) -> int:
        """Index of the last frame in which the person is visible."""
        return max(self.poses)

    @property
    def last_key(self) -> int:
        """Index of the last key frame in which the person is visible."""
        return next(reversed(self.key_regions))

    def predict(self, frame: int) -> Array:
        """The region (4,) expected at a later frame, by the velocity and growth between the last two key frames."""
        last, *before = islice(reversed(self.key_regions), 2)
        region = self.key_regions[last].copy()
        if before:
            step = min((frame - last) / (last - before[0]), 1.0)
            region[:2] += step * (region[:2] - self.key_regions[before[0]][:2])
            region[2] *= (region[2] / self.key_regions[before[0]][2]) ** step
        return region


def interpolate_regions(a: Array, b: Array, fraction: float) -> Array:
    """Interpolate between two regions (4,), fraction 0 to 1; sides geometrically, rotation the shorter way."""
    centre = a[:2] + fraction * (b[:2] - a[:2])
    return np.array([*centre, a[2] ** (1 - fraction) * b[2] ** fraction, a[3] + fraction * _angle(a, b)])


def _angle(a: Array, b: Array) -> float:
    """The angle (radians) from the rotation of one region (4,) to that of another, the shorter way."""
    return float((b[3] - a[3] + np.pi) % (2 * np.pi) - np.pi)


def region_fits(used: Array, wanted: Array, *, fraction: float = 1.0) -> bool:
    """Whether a region was near enough to the person for good keypoints.

    Parameters
    ----------
    used : (4,) the region in which the pose network ran.
    wanted : (4,) the region that fits the keypoints found.
    fraction : of the usual tolerances in position, size and rotation.
    """
    shift = np.hypot(*(wanted[:2] - used[:2])) / wanted[2]
    growth = abs(np.log(wanted[2] / used[2]))
    return bool(shift < 0.1 * fraction and growth < 0.15 * fraction and abs(_angle(used, wanted)) < 0.25 * fraction)


def match_regions(known: Sequence[Array], found: Sequence[Array]) -> dict[int, int]:
    """Match detections to known people by least total distance (Hungarian method).

    Parameters
    ----------
    known, found : regions (4,).

    Returns
    -------
    dict
        Index in ``known`` to index in ``found``. Pairs that are too far apart, or differ too much in size, are left
        out.
    """
    if not len(known) or not len(found):
        return {}
    from scipy.optimize import linear_sum_assignment  # a third of a second to import, needed from the second frame on

    a, b = np.asarray(known)[:, None], np.asarray(found)[None]
    distance = np.hypot(a[..., 0] - b[..., 0], a[..., 1] - b[..., 1]) / (0.5 * (a[..., 2] + b[..., 2]))
    possible = (distance < MATCH_DISTANCE) & (np.abs(np.log(a[..., 2] / b[..., 2])) < MATCH_LOG_SIZE)
    rows, columns = linear_sum_assignment(np.where(possible, distance, 1e3))
    return {int(r): int(c) for r, c in zip(rows, columns) if possible[r, c]}


def is_same_person(a: TrackedPose, b: TrackedPose) -> bool:
    """Whether two poses in one frame are of one person: the median distance of keypoints is under 0.05 region sides."""
    distance = np.median(np.linalg.norm(a.xy - b.xy, axis=-1))
    return bool(distance < 0.05 * min(a.region[2], b.region[2]))


def is_upside_down(a: Array, b: Array) -> bool:
    """Whether two regions (4,) are at one position, one upside down: detectors find a body that bends so too."""
    return bool(match_regions([a], [b])) and abs(_angle(a, b)) > OPPOSED_RAD


def join_tracks(tracks: Sequence[Track], *, fps: float, cuts: Sequence[int], frames: int) -> list[Track]:
    """Join tracks that are one person before and after a short absence, and drop false detections.

    Parameters
    ----------
    tracks : in any order.
    fps : frames per second.
    cuts : frames with which a new scene begins; no track continues across them.
    frames : of the clip.

    Returns
    -------
    list of Track
        A track continues another if it starts within two seconds of its end, near it and of similar size. Tracks
        shorter than a fifth of a second, and those that are no person (``_is_real``), are dropped.
    """
    pieces = [t for t in tracks if len(t.poses) >= max(2, MIN_TRACK_S * fps)]
    joined: list[Track] = []
    for piece in sorted(pieces, key=lambda t: t.first_frame):
        earlier = [t for t in joined if _continues(t, piece, fps=fps, cuts=cuts)]
        if earlier:
            nearest = min(earlier, key=lambda t: piece.first_frame - t.last_frame)
            nearest.poses.update(piece.poses)
        else:
            joined.append(Track(poses=dict(piece.poses), live=False))
    return [track for track in joined if _is_real(track, fps, frames)]


def _is_real(track: Track, fps: float, frames: int) -> bool:
    """Whether a track is a person: keypoints do not flicker, and it is long (or as long as the clip) or confident."""
    confidence = np.mean([pose.confidence for pose in track.poses.values()])
    is_clear = len(track.poses) >= min(BRIEF_S * fps, frames) or confidence >= CLEAR_CONFIDENCE
    return bool(is_clear and flicker(track) < MAX_FLICKER * max(1.0, (30 / fps) ** 2))


def flicker(track: Track) -> float:
    """Median second difference of the keypoints over three consecutive frames, as a fraction of the region's side."""
    poses = track.poses
    middles = [frame for frame in poses if frame - 1 in poses and frame + 1 in poses]
    if not middles:
        return 0.0
    differences = [poses[t - 1].xy - 2 * poses[t].xy + poses[t + 1].xy for t in middles]
    sides = np.array([poses[t].region[2] for t in middles])
    return float(np.median(np.linalg.norm(differences, axis=-1) / sides[:, None]))


def _continues(earlier: Track, later: Track, *, fps: float, cuts: Sequence[int]) -> bool:
    end, start = earlier.last_frame, later.first_frame
    absence_s = (start - end) / fps
    if not -JOIN_OVERLAP_S < absence_s <= JOIN_GAP_S or any(end < cut <= start for cut in cuts):
        return False
    a, b = earlier.poses[end].region, later.poses[start].region
    reach = MATCH_DISTANCE + JOIN_DISTANCE_PER_S * max(absence_s, 0.0)
    near = np.hypot(*(a[:2] - b[:2])) < reach * 0.5 * (a[2] + b[2])
    return bool(near and abs(np.log(a[2] / b[2])) < MATCH_LOG_SIZE)


def prominence(track: Track) -> float:
    """Size of a person summed over the clip: the sides of its regions, pixels, weighted down at low confidence."""
    poses = track.poses.values()
    return float(sum(min(1.0, pose.confidence.mean() / CLEAR_CONFIDENCE) * pose.region[2] for pose in poses))


def choose_people(tracks: Sequence[Track], which: str, *, cuts: Sequence[int], frames: int) -> list[Track]:
    """Choose the people of a take, the most prominent first.

    Parameters
    ----------
    tracks : after ``join_tracks``.
    which : ``largest`` (one person, across scene cuts), ``all`` (without bystanders) or a number of people.
    cuts : frames with which a new scene begins.
    frames : of the clip.

    Raises
    ------
    MocapError
        For any other ``which``.
    """
    if which == "largest":
        return [largest_person(tracks, cuts=cuts, frames=frames)] if tracks else []
    by_prominence = sorted(tracks, key=prominence, reverse=True)
    if which == "all":
        least = BYSTANDER_FRACTION * max(map(prominence, tracks), default=0.0)
        return [track for track in by_prominence if prominence(track) >= least]
    if not (which.isdecimal() and int(which) > 0):
        raise MocapError(f"--people must be largest, all or a number from 1, not '{which}'")
    return by_prominence[: int(which)]


def largest_person(tracks: Sequence[Track], *, cuts: Sequence[int], frames: int) -> Track:
    """One track of the most prominent person of each shot.

    Positions and sizes do not show who is who across a scene cut, so the main person of each shot is taken.
    """
    bounds = [0, *cuts, frames]
    merged = Track(live=False)
    for start, end in pairwise(bounds):
        shot = [t for t in tracks if t.first_frame < end and t.last_frame >= start]
        if shot:
            merged.poses.update(max(shot, key=prominence).poses)
    return merged
