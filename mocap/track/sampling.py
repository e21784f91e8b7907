"""Adaptive sampling: choose the frames between key frames in which poses are estimated, and interpolate the others.

The time between two key frames is bisected for each person. The middle frame is estimated first. If the keypoints there
lie on the line between both ends, no other frame is estimated; otherwise each half is bisected in the same way. So the
network runs where the movement changes, at any frame rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mocap.model.rotation import Array
from mocap.track.tracks import Track, TrackedPose, interpolate_regions

STRAIGHT = 0.02  # of the region's side: twice the networks' own noise from frame to frame, 4 cm for an adult
TRUSTED = 0.5  # least confidence of keypoints that are compared
SAMPLES_PER_S = 25.0  # at most; twice the highest frequency of movement that the low-pass filter keeps


@dataclass(frozen=True, eq=False)
class Span:
    """The frames between two frames in which the pose of a person was estimated.

    Parameters
    ----------
    track : of the person.
    start, end : indices of the two frames.
    step : only every step-th frame after ``start`` may be estimated.
    """

    track: Track
    start: int
    end: int
    step: int = 1

    @property
    def middle(self) -> int:
        """The frame to estimate next; ``start`` if there is none between both ends."""
        return self.start + (self.end - self.start) // (2 * self.step) * self.step

    def halves(self) -> list[Span]:
        """Both halves, without one that has no frame to estimate."""
        halves = (
            Span(self.track, self.start, self.middle, self.step),
            Span(self.track, self.middle, self.end, self.step),
        )
        return [half for half in halves if half.middle > half.start]

    def is_straight(self) -> bool:
        """Whether the person is visible at both ends and in the middle, and keypoints move linearly between them."""
        poses = [self.track.poses.get(frame) for frame in (self.start, self.middle, self.end)]
        visible = [pose for pose in poses if pose is not None]
        if len(visible) < 3:
            return False
        before, middle, after = visible
        fraction = (self.middle - self.start) / (self.end - self.start)
        error = np.linalg.norm(before.xy + fraction * (after.xy - before.xy) - middle.xy, axis=-1)
        trusted = np.minimum(np.minimum(before.confidence, after.confidence), middle.confidence) >= TRUSTED
        return bool(trusted.any() and error[trusted].max() < STRAIGHT * middle.region[2])


def sample_step(fps: float) -> int:
    """The least number of frames from one estimated frame to the next, so that SAMPLES_PER_S is not exceeded."""
    return max(1, int(fps / SAMPLES_PER_S + 1e-6))


def fill_left_out(track: Track, straight: Sequence[Span], step: int) -> None:
    """Interpolate the poses of frames that were left out, and add them to the track.

    Parameters
    ----------
    track : of one person.
    straight : spans without further estimates inside.
    step : frames between two estimates that are at most this far apart are filled too.

    Notes
    -----
    Keypoints lie on the cubic through the two poses before and the two after, confidence on the line between the
    nearest two. Frames in which the person was estimated and not found stay empty.
    """
    known = sorted(track.poses)
    gaps = [(a, b) for a, b in pairwise(known) if b - a <= step] + [(span.start, span.end) for span in straight]
    left_out = {frame for start, end in gaps for frame in range(start + 1, end)} - track.poses.keys()
    reach = max((end - start for start, end in gaps), default=0)
    following = np.searchsorted(known, sorted(left_out)).tolist()
    for frame, after in zip(sorted(left_out), following):
        around = [k for k in known[max(0, after - 2) : after + 2] if abs(k - frame) <= reach]
        if around[0] < frame < around[-1]:
            track.poses[frame] = _interpolated(track, around, frame)


def _interpolated(track: Track, around: list[int], frame: int) -> TrackedPose:
    """The pose at ``frame``, interpolated from those of two to four frames around it."""
    poses = [track.poses[k] for k in around]
    weights = _lagrange_weights(np.array(around, float), frame)
    after = next(i for i, k in enumerate(around) if k > frame)
    fraction = (frame - around[after - 1]) / (around[after] - around[after - 1])
    a, b = poses[after - 1], poses[after]
    xyz = None if a.xyz is None else np.tensordot(weights, np.array([pose.xyz for pose in poses]), axes=1)
    return TrackedPose(
        xy=np.tensordot(weights, np.array([pose.xy for pose in poses]), axes=1),
        confidence=a.confidence + fraction * (b.confidence - a.confidence),
        xyz=xyz,
        region=interpolate_regions(a.region, b.region, fraction),
    )


def _lagrange_weights(knots: Array, at: float) -> Array:
    """Lagrange interpolation: weights (N,) of the values at N knots, for the polynomial through them at ``at``."""
    others = ~np.eye(len(knots), dtype=bool)
    ratios = (at - knots[None, :]) / np.where(others, knots[:, None] - knots[None, :], 1.0)
    return np.asarray(np.prod(np.where(others, ratios, 1.0), axis=1))
