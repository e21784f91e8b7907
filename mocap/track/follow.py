"""The tracking loop: detect people, follow them from key frame to key frame, and estimate their poses.

The clip is read once, as a stream. Every KEY_INTERVAL_S there is a key frame, in which each person's pose is estimated
in the region that the last key frames predict. The frames between two key frames are estimated afterwards, in regions
interpolated between both. They are sent to the network together with the next key frame, in one batch, so that all
cores have work although tracking is sequential. ``mocap.track.sampling`` chooses which of them are estimated at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from mocap.estimate import Detections, Detector, Frame, PoseEstimator, Poses
from mocap.model.rotation import Array
from mocap.track import tracks as people
from mocap.track.chunks import Chunk, chunks
from mocap.track.sampling import Span, fill_left_out, sample_step
from mocap.track.tracks import Track, TrackedPose

KEY_INTERVAL_S = 0.134  # four frames at 30 fps: a sprinter moves a third of a body height
DETECTION_INTERVAL_S = 0.5
MIN_SCORE = 0.5  # the pose network's own threshold for "there is a person"
NEWCOMER_ESTIMATES = 6  # at most, until the region fits: the detector's are half too small for people far away
NEWCOMER_FIT = 0.25  # fraction of the usual tolerances of a region
MIN_RELATIVE_SIZE = 0.3  # of the largest person in view; smaller people are bystanders
BACK_STEP_FRAMES = 16  # read at a time when a person is followed backwards: they are all in memory

Progress = Callable[[int], None]
ReadFrames = Callable[[int, int], Iterable[Frame]]


@dataclass(frozen=True, eq=False)
class Footage:
    """The result of tracking a clip.

    Parameters
    ----------
    tracks : of all people, in any order.
    cuts : indices of the frames with which a new shot begins.
    frames : number of frames read.
    """

    tracks: list[Track]
    cuts: list[int]
    frames: int


class _Request(NamedTuple):
    """A person whose pose is to be estimated at frame ``at`` of a chunk: the middle of a span, or a single frame."""

    track: Track
    chunk: Chunk
    at: int
    span: Span | None = None

    def region(self) -> Array | None:
        """The region (4,), interpolated between both key frames; None for a person who is visible in neither."""
        a, b = _end_regions(self.track, self.chunk)
        start, end = (b if a is None else a), (a if b is None else b)
        if start is None or end is None:
            return None
        return people.interpolate_regions(start, end, (self.at - self.chunk.first) / self.chunk.length)


def _end_regions(track: Track, chunk: Chunk) -> tuple[Array | None, Array | None]:
    """The regions of a track at the key frame of a chunk and at the next one; None where it is not visible."""
    later = None if chunk.next_key is None else track.key_regions.get(chunk.next_key)
    return track.key_regions.get(chunk.first), later


def follow_people(
    frames: Iterable[Frame],
    *,
    fps: float,
    detector: Detector,
    estimator: PoseEstimator,
    progress: Progress | None = None,
) -> Footage:
    """Track all people in a stream of frames.

    Parameters
    ----------
    frames : RGB.
    fps : frames per second.
    detector : finds people in whole frames.
    estimator : estimates keypoints in regions.
    progress : called with the number of frames done.
    """
    follower = _Follower(fps, detector, estimator)
    cuts, count = follower.follow(frames, progress)
    return Footage(follower.tracks, cuts, count)


def extend_back(
    track: Track, others: Sequence[Track], *, earliest: int, read: ReadFrames, fps: float, estimator: PoseEstimator
) -> None:
    """Follow a person backwards from its first frame, since the detector finds people late.

    Parameters
    ----------
    track : of the person; poses are added to it, until the person is lost.
    others : tracks of the other people; it ends where one of them is the same person.
    earliest : first frame of the shot; it ends there.
    read : ``read(a, b)`` gives frames [a, b) of the clip.
    fps : frames per second.
    estimator : estimates keypoints in regions.
    """
    while track.first_frame > earliest:
        end = track.first_frame
        start = max(earliest, end - BACK_STEP_FRAMES)
        for index, pose in _follow_back(list(read(start, end)), track.poses[end].region, fps, estimator):
            frame = end - 1 - index
            is_taken = any(frame in o.poses and people.is_same_person(o.poses[frame], pose) for o in others)
            if frame != track.first_frame - 1 or is_taken:
                return
            track.poses[frame] = pose
        if track.first_frame > start:
            return


def _follow_back(
    frames: list[Frame], region: Array, fps: float, estimator: PoseEstimator
) -> list[tuple[int, TrackedPose]]:
    """Poses, by number of frames back, of the person who is in ``region`` (4,) just after the last of the frames."""
    track = Track(key_regions={-1: region})
    follower = _Follower(fps, _NoDetector(), estimator)
    follower.tracks.append(track)
    follower.follow(frames[::-1])
    return sorted(track.poses.items())


class _NoDetector:
    """A detector that finds no person, so that only known people are followed."""

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [Detections(np.empty((0, 4)), np.empty(0), np.empty((0, 4))) for _ in frames]


class _Follower:
    """The state of the tracking loop: the tracks so far, and the poses still to be estimated."""

    def __init__(self, fps: float, detector: Detector, estimator: PoseEstimator) -> None:
        self.tracks: list[Track] = []
        self._detector, self._estimator = detector, estimator
        self._fps, self._step = fps, sample_step(fps)
        self._requests: list[_Request] = []  # for the next batch
        self._straight: list[Span] = []
        self._detection_interval = DETECTION_INTERVAL_S * fps
        self._search = people.JOIN_GAP_S * fps
        self._last_detection = -np.inf
        self._follows_detector = False  # where the network gives no next region

    @property
    def _live(self) -> list[Track]:
        return [track for track in self.tracks if track.live]

    def follow(self, frames: Iterable[Frame], progress: Progress | None = None) -> tuple[list[int], int]:
        """Track a stream of frames; returns the frames with which a new shot begins, and the number of frames."""
        before: Chunk | None = None
        count, cuts = 0, []
        stride = self._step * max(1, round(KEY_INTERVAL_S * self._fps / self._step))
        for chunk in chunks(frames, stride, self._step):
            self.step(chunk)
            if before is not None:
                self._request_between(before, chunk)
            before = chunk
            count = chunk.first + chunk.length
            cuts += [chunk.first] if chunk.starts_shot else []
            if progress:
                progress(count)
        if before is not None:
            self._request_between(before, None)
        while self._requests:
            self._estimate([], [])
        for track in self.tracks:
            fill_left_out(track, [span for span in self._straight if span.track is track], self._step)
        return cuts, count

    def step(self, chunk: Chunk) -> None:
        """Estimate a new key frame, in one batch with the poses requested in frames before it."""
        frame, key = chunk.frames[chunk.first], chunk.first
        if chunk.starts_shot:
            for track in self.tracks:
                track.live = False
            self._last_detection = -np.inf
        regions = [track.predict(key) for track in self._live]
        if self._follows_detector:  # a person whom the detector does not find is dropped
            found = self._detect_again(frame, regions)
            for i, track in enumerate(self._live):
                track.live = i in found
            regions = [found[i] for i in sorted(found)]
        live = self._live
        newcomers = self._detect(frame, key, regions)
        poses = self._estimate([frame] * (len(live) + len(newcomers)), [*regions, *newcomers])
        for i, track in enumerate([*live, *(Track() for _ in newcomers)]):
            self._store_key_pose(track, frame, key, (poses, i), [*regions, *newcomers][i])
        self._drop_doubles(key)

    def _detect(self, frame: Frame, key: int, known: list[Array]) -> list[Array]:
        """Regions of people who are not followed yet, every DETECTION_INTERVAL_S; at every key frame while no person is
        visible or one has just been lost."""
        is_missed = any(key - track.last_key < self._search for track in self.tracks if not track.live)
        if known and not is_missed and key - self._last_detection < self._detection_interval:
            return []
        self._last_detection = key
        found = self._found(frame)
        pairs = people.match_regions(known, found).items()
        taken = {j for i, j in pairs if not people.is_upside_down(known[i], found[j])}
        smallest = MIN_RELATIVE_SIZE * max((region[2] for region in [*known, *found]), default=0.0)
        return [region for i, region in enumerate(found) if i not in taken and region[2] >= smallest]

    def _request_between(self, chunk: Chunk, later: Chunk | None) -> None:
        """Request poses between two key frames, for everybody who is visible in at least one of them.

        For a person visible in both, the middle comes first. A person visible in one only may be present in some of
        the frames between, so all of them are estimated.
        """
        chunk.next_key = later.first if later and not later.starts_shot else None
        for track in self.tracks:
            is_at_start, is_at_end = (region is not None for region in _end_regions(track, chunk))
            if is_at_start and is_at_end and chunk.next_key is not None:
                span = Span(track, chunk.first, chunk.next_key, self._step)
                self._requests += [_Request(track, chunk, span.middle, span)] if span.middle > span.start else []
            elif is_at_start or is_at_end:
                frames = [at for at in chunk.frames if at > chunk.first or not is_at_start]
                self._requests += [_Request(track, chunk, at) for at in frames]

    def _estimate(self, frames: list[Frame], regions: list[Array]) -> Poses | None:
        """Poses in the regions of a key frame; those that were requested are stored in their tracks."""
        requests, self._requests = self._requests, []
        requested = [request.region() for request in requests]
        requests = [request for request, region in zip(requests, requested) if region is not None]
        everything = [*regions, *(region for region in requested if region is not None)]
        if not everything:
            return None
        images = [*frames, *(request.chunk.frames[request.at] for request in requests)]
        poses = self._estimator.estimate(images, np.array(everything))
        for i, request in enumerate(requests, start=len(regions)):
            if poses.scores[i] >= MIN_SCORE:
                request.track.poses[request.at] = _tracked_pose(poses, i, everything[i])
        for request in requests:
            self._bisect(request)
        return poses

    def _bisect(self, request: _Request) -> None:
        """Request the middles of both halves of a span whose own middle is known, unless the movement is straight."""
        if request.span is None:
            return
        if request.span.is_straight():
            self._straight.append(request.span)
        else:
            halves = request.span.halves()
            self._requests += [_Request(request.track, request.chunk, half.middle, half) for half in halves]

    def _store_key_pose(
        self, track: Track, frame: Frame, key: int, estimated: tuple[Poses | None, int], used: Array
    ) -> None:
        """Store a key pose, estimated again where the region did not fit; a track without a person is dropped."""
        poses, i = estimated
        assert poses is not None
        if poses.scores[i] < MIN_SCORE and track.key_regions:
            again = self._detect_again(frame, [used]).get(0)
            poses, i = (self._estimator.estimate([frame], again[None]), 0) if again is not None else (poses, i)
        self._follows_detector = poses.next_regions is None
        wanted = _next_region(poses, i, used)
        is_newcomer = track not in self.tracks
        left, fraction = (NEWCOMER_ESTIMATES, NEWCOMER_FIT) if is_newcomer else (1, 1.0)
        while left and poses.scores[i] >= MIN_SCORE and not people.region_fits(used, wanted, fraction=fraction):
            left, used = left - 1, wanted
            poses, i = self._estimator.estimate([frame], used[None]), 0
            wanted = _next_region(poses, i, used)
        # for a false detection, every crop gives another region: it never fits
        if poses.scores[i] < MIN_SCORE or (is_newcomer and not people.region_fits(used, wanted)):
            track.live = False
            return
        if is_newcomer:
            self.tracks.append(track)
        track.poses[key] = _tracked_pose(poses, i, used)
        track.key_regions[key] = wanted

    def _found(self, frame: Frame) -> list[Array]:
        """Regions (4,) of the people whom the detector finds."""
        return list(self._detector.detect([frame])[0].regions)

    def _detect_again(self, frame: Frame, regions: list[Array]) -> dict[int, Array]:
        """The detected regions of the people expected in ``regions``: {index in regions: detected region}."""
        found = self._found(frame)
        return {i: found[j] for i, j in people.match_regions(regions, found).items()}

    def _drop_doubles(self, key: int) -> None:
        """Of two tracks on one person, stop following the newer, or the less confident where one is upside down."""
        live = [track for track in self._live if key in track.poses]
        for older, newer in combinations(live, 2):
            if not (older.live and newer.live):
                continue
            a, b = older.poses[key], newer.poses[key]
            is_upside_down = people.is_upside_down(a.region, b.region)
            if is_upside_down or people.is_same_person(a, b):
                dropped = older if is_upside_down and a.confidence.mean() < b.confidence.mean() else newer
                dropped.live = False
                del dropped.poses[key], dropped.key_regions[key]
        self.tracks = [track for track in self.tracks if track.key_regions]


def _next_region(poses: Poses, i: int, used: Array) -> Array:
    """The region (4,) that fits the keypoints found in ``used``, or ``used`` itself if the network gives none."""
    return used if poses.next_regions is None else poses.next_regions[i]


def _tracked_pose(poses: Poses, i: int, region: Array) -> TrackedPose:
    xyz = None if poses.xyz is None else poses.xyz[i]
    return TrackedPose(poses.xy[i], poses.confidence[i], xyz, region)
