"""Which frames between key frames are looked at, and the sightings of those that are not.

A person's movement between two key frames is bisected: the middle is looked at first, and where it lies on the line
between the ends nothing else is. Where the movement bends, each half is treated the same. The frames that are left out
are interpolated through those around them. Networks then work where something happens, at any frame rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mocap.model.rotation import Array
from mocap.track.tracks import Sighting, Track, interpolate_regions

STRAIGHT = 0.02  # of the region's side: twice the networks' own noise from frame to frame, 4 cm of an adult
TRUSTED = 0.5  # confidence from which a keypoint has a say
LOOKS_PER_S = 25.0  # where the movement bends; twice the rate of the quickest movement that smoothing keeps


@dataclass(frozen=True, eq=False)
class Span:
    """Frames between ``start`` and ``end``, two frames in which a track was looked at; in steps of ``step`` frames."""

    track: Track
    start: int
    end: int
    step: int = 1

    @property
    def middle(self) -> int:
        """The frame to look at next; ``start`` if there is none between the ends."""
        return self.start + (self.end - self.start) // (2 * self.step) * self.step

    def halves(self) -> list[Span]:
        """The two halves, without those that have no frame to look at."""
        halves = (
            Span(self.track, self.start, self.middle, self.step),
            Span(self.track, self.middle, self.end, self.step),
        )
        return [half for half in halves if half.middle > half.start]

    def is_straight(self) -> bool:
        """Whether the person was seen at both ends and in the middle, and keypoints moved on lines at one speed."""
        looks = [self.track.sightings.get(frame) for frame in (self.start, self.middle, self.end)]
        seen = [look for look in looks if look is not None]
        if len(seen) < 3:
            return False
        before, middle, after = seen
        share = (self.middle - self.start) / (self.end - self.start)
        departure = np.linalg.norm(before.xy + share * (after.xy - before.xy) - middle.xy, axis=-1)
        trusted = np.minimum(np.minimum(before.confidence, after.confidence), middle.confidence) >= TRUSTED
        return bool(trusted.any() and departure[trusted].max() < STRAIGHT * middle.region[2])


def look_step(fps: float) -> int:
    """Every how many frames there may be a look."""
    return max(1, int(fps / LOOKS_PER_S + 1e-6))


def fill_left_out(track: Track, straight: Sequence[Span], step: int) -> None:
    """Add sightings for the frames inside straight spans, and for those between two looks ``step`` frames apart.

    Keypoints lie on the cubic through the two sightings before and the two after, confidence on the line between the
    nearest two. Frames in which the person was looked for and not seen stay without.
    """
    known = sorted(track.sightings)
    gaps = [(a, b) for a, b in pairwise(known) if b - a <= step] + [(span.start, span.end) for span in straight]
    left_out = {frame for start, end in gaps for frame in range(start + 1, end)} - track.sightings.keys()
    reach = max((end - start for start, end in gaps), default=0)
    places = np.searchsorted(known, sorted(left_out)).tolist()
    for frame, after in zip(sorted(left_out), places):
        around = [k for k in known[max(0, after - 2) : after + 2] if abs(k - frame) <= reach]
        if around[0] < frame < around[-1]:
            track.sightings[frame] = _interpolated(track, around, frame)


def _interpolated(track: Track, around: list[int], frame: int) -> Sighting:
    """The sighting at ``frame`` from those at two to four frames around it."""
    looks = [track.sightings[k] for k in around]
    weights = _lagrange_weights(np.array(around, float), frame)
    after = next(i for i, k in enumerate(around) if k > frame)
    share = (frame - around[after - 1]) / (around[after] - around[after - 1])
    a, b = looks[after - 1], looks[after]
    xyz = None if a.xyz is None else np.tensordot(weights, np.array([look.xyz for look in looks]), axes=1)
    return Sighting(
        xy=np.tensordot(weights, np.array([look.xy for look in looks]), axes=1),
        confidence=a.confidence + share * (b.confidence - a.confidence),
        xyz=xyz,
        region=interpolate_regions(a.region, b.region, share),
    )


def _lagrange_weights(knots: Array, at: float) -> Array:
    """Weights (N,) of the values at N knots in the polynomial through them, evaluated at ``at``."""
    others = ~np.eye(len(knots), dtype=bool)
    ratios = (at - knots[None, :]) / np.where(others, knots[:, None] - knots[None, :], 1.0)
    return np.prod(np.where(others, ratios, 1.0), axis=1)
