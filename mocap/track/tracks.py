"""Who is who: sightings become tracks, tracks become people.

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

MATCH_DISTANCE = 0.4  # of the mean side; two regions nearer than this are one person
MATCH_LOG_SIZE = 0.7  # and their sides differ by less than a factor of two
OPPOSED_RAD = 2.0  # regions turned further against each other are upside down
JOIN_GAP_S = 2.0  # longer absences start a new person
JOIN_OVERLAP_S = 0.15  # between two key frames, who is found the right way up is seen in both ways
JOIN_DISTANCE_PER_S = 1.5  # sides a second that somebody may move unseen: a runner
BYSTANDER_SHARE = 0.15  # of the most prominent person's size and time; less is a passer-by
BRIEF_S, CLEAR_CONFIDENCE = 1.0, 0.7  # a short track that is not clearly seen is a ghost of the background
MAX_FLICKER = 0.03  # of the region's side, at 30 fps; people have 0.01, acrobats too, ghosts 0.1
MIN_TRACK_S = 0.2  # shorter tracks are flicker of the detector


class Sighting(NamedTuple):
    """One person in one frame: xy (K, 2) pixels, confidence (K,), xyz (K, 3) metres or None, region (4,)."""

    xy: Array
    confidence: Array
    xyz: Array | None
    region: Array


@dataclass(eq=False)
class Track:
    """One person followed over consecutive frames; grows while the clip is read.

    sightings: by frame. key_regions: where the person was at key frames, by frame. live: whether it is still followed.
    """

    sightings: dict[int, Sighting] = field(default_factory=dict)
    key_regions: dict[int, Array] = field(default_factory=dict)
    live: bool = True

    @property
    def first_frame(self) -> int:
        """Index of the first frame in which the person was seen."""
        return min(self.sightings)

    @property
    def last_frame(self) -> int:
        """Index of the last frame in which the person was seen."""
        return max(self.sightings)

    @property
    def last_key(self) -> int:
        """Index of the last key frame in which the person was found."""
        return next(reversed(self.key_regions))

    def predict(self, frame: int) -> Array:
        """The region (4,) expected at a later frame: the last one moved and grown as between the last key frames."""
        last, *before = islice(reversed(self.key_regions), 2)
        region = self.key_regions[last].copy()
        if before:
            step = min((frame - last) / (last - before[0]), 1.0)
            region[:2] += step * (region[:2] - self.key_regions[before[0]][:2])
            region[2] *= (region[2] / self.key_regions[before[0]][2]) ** step
        return region


def interpolate_regions(a: Array, b: Array, share: float) -> Array:
    """The region (4,) at ``share`` of the way from ``a`` to ``b``: sides geometrically, rotation the short way."""
    centre = a[:2] + share * (b[:2] - a[:2])
    return np.array([*centre, a[2] ** (1 - share) * b[2] ** share, a[3] + share * _turn(a, b)])


def _turn(a: Array, b: Array) -> float:
    """The angle (radians) from the rotation of one region (4,) to that of another, the short way."""
    return float((b[3] - a[3] + np.pi) % (2 * np.pi) - np.pi)


def region_fits(used: Array, wanted: Array, *, share: float = 1.0) -> bool:
    """Whether a person was seen in about the right region (4,): shift, size and turn small against the margin, or
    against a ``share`` of it."""
    shift = np.hypot(*(wanted[:2] - used[:2])) / wanted[2]
    growth = abs(np.log(wanted[2] / used[2]))
    return bool(shift < 0.1 * share and growth < 0.15 * share and abs(_turn(used, wanted)) < 0.25 * share)


def match_regions(known: Sequence[Array], found: Sequence[Array]) -> dict[int, int]:
    """Which found region (4,) belongs to which known one: {index in known: index in found}, least total distance."""
    if not len(known) or not len(found):
        return {}
    from scipy.optimize import linear_sum_assignment  # a third of a second to import, needed from the second frame on

    a, b = np.asarray(known)[:, None], np.asarray(found)[None]
    distance = np.hypot(a[..., 0] - b[..., 0], a[..., 1] - b[..., 1]) / (0.5 * (a[..., 2] + b[..., 2]))
    possible = (distance < MATCH_DISTANCE) & (np.abs(np.log(a[..., 2] / b[..., 2])) < MATCH_LOG_SIZE)
    rows, columns = linear_sum_assignment(np.where(possible, distance, 1e3))
    return {int(r): int(c) for r, c in zip(rows, columns) if possible[r, c]}


def is_same_person(a: Sighting, b: Sighting) -> bool:
    """Whether two sightings in one frame show one body: their keypoints coincide within a twentieth of the region."""
    distance = np.median(np.linalg.norm(a.xy - b.xy, axis=-1))
    return bool(distance < 0.05 * min(a.region[2], b.region[2]))


def is_head_to_foot(a: Array, b: Array) -> bool:
    """Whether two regions (4,) are in one place, one upside down: a body that bends is found that way too."""
    return bool(match_regions([a], [b])) and abs(_turn(a, b)) > OPPOSED_RAD


def join_tracks(tracks: Sequence[Track], *, fps: float, cuts: Sequence[int], frames: int) -> list[Track]:
    """Tracks with those pieces joined that are one person seen again after a short absence within one shot.

    A piece continues another if it starts within two seconds of its end, near enough and of about the same size.
    Pieces shorter than a fifth of a second are dropped, and what is no person: see ``_is_real``.
    """
    pieces = [t for t in tracks if len(t.sightings) >= max(2, MIN_TRACK_S * fps)]
    joined: list[Track] = []
    for piece in sorted(pieces, key=lambda t: t.first_frame):
        earlier = [t for t in joined if _continues(t, piece, fps=fps, cuts=cuts)]
        if earlier:
            nearest = min(earlier, key=lambda t: piece.first_frame - t.last_frame)
            nearest.sightings.update(piece.sightings)
        else:
            joined.append(Track(sightings=dict(piece.sightings), live=False))
    return [track for track in joined if _is_real(track, fps, frames)]


def _is_real(track: Track, fps: float, frames: int) -> bool:
    """Whether a track is a person: its keypoints do not flicker, and it lasts or they are seen clearly.

    What is seen in all frames of a clip lasts, however short the clip is.
    """
    confidence = np.mean([sighting.confidence for sighting in track.sightings.values()])
    is_clear = len(track.sightings) >= min(BRIEF_S * fps, frames) or confidence >= CLEAR_CONFIDENCE
    return bool(is_clear and flicker(track) < MAX_FLICKER * max(1.0, (30 / fps) ** 2))


def flicker(track: Track) -> float:
    """Median second difference of the keypoints over three frames running, as a share of the region's side."""
    seen = track.sightings
    middles = [frame for frame in seen if frame - 1 in seen and frame + 1 in seen]
    if not middles:
        return 0.0
    bends = [seen[t - 1].xy - 2 * seen[t].xy + seen[t + 1].xy for t in middles]
    sides = np.array([seen[t].region[2] for t in middles])
    return float(np.median(np.linalg.norm(bends, axis=-1) / sides[:, None]))


def _continues(earlier: Track, later: Track, *, fps: float, cuts: Sequence[int]) -> bool:
    end, start = earlier.last_frame, later.first_frame
    absence_s = (start - end) / fps
    if not -JOIN_OVERLAP_S < absence_s <= JOIN_GAP_S or any(end < cut <= start for cut in cuts):
        return False
    a, b = earlier.sightings[end].region, later.sightings[start].region
    reach = MATCH_DISTANCE + JOIN_DISTANCE_PER_S * max(absence_s, 0.0)
    near = np.hypot(*(a[:2] - b[:2])) < reach * 0.5 * (a[2] + b[2])
    return bool(near and abs(np.log(a[2] / b[2])) < MATCH_LOG_SIZE)


def prominence(track: Track) -> float:
    """How large a person is over the whole clip: the sum of its regions' sides, pixels; less where hardly seen."""
    seen = track.sightings.values()
    return float(sum(min(1.0, s.confidence.mean() / CLEAR_CONFIDENCE) * s.region[2] for s in seen))


def choose_people(tracks: Sequence[Track], which: str, *, cuts: Sequence[int], frames: int) -> list[Track]:
    """The people to make takes of, the most prominent first.

    which: ``largest`` (one person, over scene cuts), ``all`` (bystanders excepted) or a number of people. Raises
    MocapError for anything else.
    """
    if which == "largest":
        return [largest_person(tracks, cuts=cuts, frames=frames)] if tracks else []
    by_prominence = sorted(tracks, key=prominence, reverse=True)
    if which == "all":
        least = BYSTANDER_SHARE * max(map(prominence, tracks), default=0.0)
        return [track for track in by_prominence if prominence(track) >= least]
    if not (which.isdecimal() and int(which) > 0):
        raise MocapError(f"--people must be largest, all or a number from 1, not '{which}'")
    return by_prominence[: int(which)]


def largest_person(tracks: Sequence[Track], *, cuts: Sequence[int], frames: int) -> Track:
    """The most prominent person of the whole clip; after a scene cut, the most prominent one of each shot continues it.

    Identity across a cut cannot be seen from places and sizes, so each shot gives its main person.
    """
    bounds = [0, *cuts, frames]
    merged = Track(live=False)
    for start, end in pairwise(bounds):
        shot = [t for t in tracks if t.first_frame < end and t.last_frame >= start]
        if shot:
            merged.sightings.update(max(shot, key=prominence).sightings)
    return merged
