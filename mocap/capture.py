"""Frames become tracks: the loop that detects people, follows them and estimates their poses.

The clip is read once, as a stream. Every KEY_INTERVAL_S there is a key frame, in which each person is looked for where
the last key frames predict. The frames between two key frames are estimated afterwards, in regions interpolated
between the two: their crops look ahead, none depends on another, and they are in flight together with the next key
frame, so that all cores have work although tracking is sequential.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from mocap import people
from mocap.estimators import Detections, Detector, Frame, PoseEstimator, Poses
from mocap.people import Sighting, Track
from mocap.rotation import Array

KEY_INTERVAL_S = 0.134  # four frames at 30 fps: a sprinter moves a third of a body height
DETECTION_INTERVAL_S = 0.5
MIN_SCORE = 0.5  # the pose network's own threshold for "there is a person"
MIN_RELATIVE_SIZE = 0.3  # people smaller than this against the largest in view are bystanders
CUT_DIFFERENCE = 0.10  # mean absolute difference of neighbouring frames, of full scale
CUT_HISTOGRAM = 0.30  # share of pixels that changed their colour bin

BACK_STEP_S = 0.5  # read at a time when somebody is followed backwards

Progress = Callable[[int], None]
ReadFrames = Callable[[int, int], Iterable[Frame]]


@dataclass(frozen=True, eq=False)
class Footage:
    """What was seen in a clip: tracks (any order), frame indices that begin a new shot, number of frames read."""

    tracks: list[Track]
    cuts: list[int]
    frames: int


@dataclass(eq=False)
class _Chunk:
    """A key frame and the frames up to the next one; ``starts_shot`` after a scene cut."""

    first: int
    frames: list[Frame] = field(default_factory=list)
    starts_shot: bool = False


def follow_people(
    frames: Iterable[Frame],
    *,
    fps: float,
    detector: Detector,
    estimator: PoseEstimator,
    progress: Progress | None = None,
) -> Footage:
    """Tracks of the people in a stream of RGB frames at ``fps``; ``progress`` is told the number of frames done."""
    follower = _Follower(fps, detector, estimator)
    cuts, count = follower.follow(frames, progress)
    return Footage(follower.tracks, cuts, count)


def extend_back(
    track: Track, others: Sequence[Track], *, earliest: int, read: ReadFrames, fps: float, estimator: PoseEstimator
) -> None:
    """Add to a track what can be seen of the person before its first frame, by following it backwards.

    The detector finds people late; a known person can be followed back to where they came from. It ends at
    ``earliest`` (the shot's first frame), where the person is lost, or where one of the others is that person.
    ``read(a, b)`` gives frames [a, b) of the clip.
    """
    while track.first_frame > earliest:
        end = track.first_frame
        start = max(earliest, end - max(1, round(BACK_STEP_S * fps)))
        for index, sighting in _follow_back(list(read(start, end)), track.sightings[end].region, fps, estimator):
            frame = end - 1 - index
            is_taken = any(frame in o.sightings and people.is_same_person(o.sightings[frame], sighting) for o in others)
            if frame != track.first_frame - 1 or is_taken:
                return
            track.sightings[frame] = sighting
        if track.first_frame > start:
            return


def _follow_back(
    frames: list[Frame], region: Array, fps: float, estimator: PoseEstimator
) -> list[tuple[int, Sighting]]:
    """Sightings, by number of frames back, of the person in ``region`` (4,) just after the last of the frames."""
    track = Track(key_regions={-1: region})
    follower = _Follower(fps, _Nobody(), estimator)
    follower.tracks.append(track)
    follower.follow(frames[::-1])
    return sorted(track.sightings.items())


class _Nobody:
    """A detector that finds no one: only those who are known are followed."""

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [Detections(np.empty((0, 4)), np.empty(0), np.empty((0, 4))) for _ in frames]


def _chunks(frames: Iterable[Frame], stride: int) -> Iterator[_Chunk]:
    chunk: _Chunk | None = None
    previous: Array | None = None
    for index, frame in enumerate(frames):
        thumbnail = _thumbnail(frame)
        cut = previous is not None and is_scene_cut(previous, thumbnail)
        previous = thumbnail
        if chunk is None or cut or len(chunk.frames) == stride:
            if chunk is not None:
                yield chunk
            chunk = _Chunk(index, starts_shot=cut)
        chunk.frames.append(frame)
    if chunk is not None:
        yield chunk


def _thumbnail(frame: Frame) -> Array:
    """About 64 × 64 pixels of the frame, picked, not averaged: it costs nothing."""
    height, width = frame.shape[:2]
    return frame[:: max(1, height // 64), :: max(1, width // 64)].astype(np.int16)


def is_scene_cut(before: Array, after: Array) -> bool:
    """Whether two small RGB pictures (H, W, 3) in 0..255 are from different shots: both places and colours changed."""
    if np.mean(np.abs(after - before)) < CUT_DIFFERENCE * 255:
        return False
    changed = 0.5 * np.sum(np.abs(_colour_histogram(before) - _colour_histogram(after)))
    return bool(changed > CUT_HISTOGRAM)


def _colour_histogram(picture: Array) -> Array:
    """Shares (64,) of the pixels in each of 4 × 4 × 4 colour bins."""
    bins = (picture.reshape(-1, 3) // 64) @ np.array([16, 4, 1])
    return np.bincount(bins, minlength=64) / len(bins)


class _Follower:
    """The people in view and everybody seen so far."""

    def __init__(self, fps: float, detector: Detector, estimator: PoseEstimator) -> None:
        self.tracks: list[Track] = []
        self._fps, self._detector, self._estimator = fps, detector, estimator
        self._detection_interval = DETECTION_INTERVAL_S * fps
        self._search = people.JOIN_GAP_S * fps
        self._last_detection = -np.inf

    @property
    def _live(self) -> list[Track]:
        return [track for track in self.tracks if track.live]

    def follow(self, frames: Iterable[Frame], progress: Progress | None = None) -> tuple[list[int], int]:
        """Go through a stream of frames; returns the frames that begin a new shot and the number of frames."""
        before: _Chunk | None = None
        waiting: _Chunk | None = None  # its frames are estimated once the key frame after it is known
        count, cuts = 0, []
        for chunk in _chunks(frames, max(1, round(KEY_INTERVAL_S * self._fps))):
            self.step(chunk, waiting, before)
            waiting, before = before, chunk
            count = chunk.first + len(chunk.frames)
            cuts += [chunk.first] if chunk.starts_shot else []
            if progress:
                progress(count)
        for last, later in ((waiting, before), (before, None)):
            if last is not None:
                self._estimate([], [], self._between_jobs(last, later))
        return cuts, count

    def step(self, chunk: _Chunk, between: _Chunk | None, after: _Chunk | None) -> None:
        """Take up a new key frame, together with the frames between the two key frames before it."""
        if chunk.starts_shot:
            for track in self.tracks:
                track.live = False
            self._last_detection = -np.inf
        frame, key = chunk.frames[0], chunk.first
        live = self._live
        regions = [track.predict(key) for track in live]
        newcomers = self._detect(frame, key, regions)
        jobs = self._between_jobs(between, after) if between else []
        poses = self._estimate([frame] * (len(live) + len(newcomers)), [*regions, *newcomers], jobs)
        for i, track in enumerate([*live, *(Track() for _ in newcomers)]):
            self._take_key_pose(track, frame, key, (poses, i), [*regions, *newcomers][i])
        self._drop_doubles(key)

    def _detect(self, frame: Frame, key: int, known: list[Array]) -> list[Array]:
        """Regions of people who are not followed yet.

        The detector is asked on a schedule, and at every key frame while nobody is in view or somebody was just lost.
        """
        is_missed = any(key - track.last_key < self._search for track in self.tracks if not track.live)
        if known and not is_missed and key - self._last_detection < self._detection_interval:
            return []
        self._last_detection = key
        found = list(self._detector.detect([frame])[0].regions)
        taken = set(people.match_regions(known, found).values())
        smallest = MIN_RELATIVE_SIZE * max((region[2] for region in [*known, *found]), default=0.0)
        return [region for i, region in enumerate(found) if i not in taken and region[2] >= smallest]

    def _between_jobs(self, chunk: _Chunk, later: _Chunk | None) -> list[tuple[Track, int, Frame, Array]]:
        """(track, frame index, frame, region) of the frames after a key frame, for everybody seen at either end."""
        jobs = []
        next_key = later.first if later and not later.starts_shot else -1
        for track in self.tracks:
            a, b = track.key_regions.get(chunk.first), track.key_regions.get(next_key)
            start, end = (b if a is None else a), (a if b is None else b)
            if start is None or end is None:
                continue
            # somebody who was not seen at this key frame but is at the next may have been there all the same
            for i in range(0 if a is None else 1, len(chunk.frames)):
                region = people.interpolate_regions(start, end, i / len(chunk.frames))
                jobs.append((track, chunk.first + i, chunk.frames[i], region))
        return jobs

    def _estimate(
        self, frames: list[Frame], regions: list[Array], jobs: list[tuple[Track, int, Frame, Array]]
    ) -> Poses | None:
        """Poses of the key regions first; those of the frames between are stored in their tracks."""
        everything = [*regions, *(job[3] for job in jobs)]
        if not everything:
            return None
        poses = self._estimator.estimate([*frames, *(job[2] for job in jobs)], np.array(everything))
        for i, (track, index, _, region) in enumerate(jobs, start=len(regions)):
            if poses.scores[i] >= MIN_SCORE:
                track.sightings[index] = _sighting(poses, i, region)
        return poses

    def _take_key_pose(self, track: Track, frame: Frame, key: int, seen: tuple[Poses | None, int], used: Array) -> None:
        """Store a key pose; look again where the person really is if the region was off, give up if nobody is there."""
        poses, i = seen
        assert poses is not None
        if poses.scores[i] < MIN_SCORE and track.key_regions:
            again = self._redetect(frame, used)
            poses, i = (self._estimator.estimate([frame], again[None]), 0) if again is not None else (poses, i)
        if poses.scores[i] >= MIN_SCORE and not people.region_fits(used, poses.next_regions[i]):
            used = poses.next_regions[i]
            poses, i = self._estimator.estimate([frame], used[None]), 0
        is_newcomer = track not in self.tracks
        # what is no person looks different in every crop: its region runs away
        if poses.scores[i] < MIN_SCORE or (is_newcomer and not people.region_fits(used, poses.next_regions[i])):
            track.live = False
            return
        if is_newcomer:
            self.tracks.append(track)
        track.sightings[key] = _sighting(poses, i, used)
        track.key_regions[key] = poses.next_regions[i]

    def _redetect(self, frame: Frame, region: Array) -> Array | None:
        found = list(self._detector.detect([frame])[0].regions)
        match = people.match_regions([region], found)
        return found[match[0]] if match else None

    def _drop_doubles(self, key: int) -> None:
        """Stop following the newer of two tracks that have come to lie on one body."""
        live = [track for track in self._live if key in track.sightings]
        for i, older in enumerate(live):
            for newer in live[i + 1 :]:
                if newer.live and older.live and people.is_same_person(older.sightings[key], newer.sightings[key]):
                    newer.live = False
                    del newer.sightings[key], newer.key_regions[key]
        self.tracks = [track for track in self.tracks if track.key_regions]


def _sighting(poses: Poses, i: int, region: Array) -> Sighting:
    xyz = None if poses.xyz is None else poses.xyz[i]
    return Sighting(poses.xy[i], poses.confidence[i], xyz, region)
