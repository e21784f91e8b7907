"""Frames become tracks: the loop that detects people, follows them and estimates their poses.

The clip is read once, as a stream. Every KEY_INTERVAL_S there is a key frame, in which each person is looked for where
the last key frames predict. The frames between two key frames are estimated afterwards, in regions interpolated
between the two: their crops look ahead, and they are in flight together with the next key frames, so that all cores
have work although tracking is sequential. Which of them need a look at all, ``bisection`` decides.
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
from mocap.track.sampling import Span, fill_left_out, look_step
from mocap.track.tracks import Sighting, Track

KEY_INTERVAL_S = 0.134  # four frames at 30 fps: a sprinter moves a third of a body height
DETECTION_INTERVAL_S = 0.5
MIN_SCORE = 0.5  # the pose network's own threshold for "there is a person"
NEWCOMER_LOOKS = 6  # until the crop fits: the detector's are half too small for people far off
NEWCOMER_FIT = 0.25  # of the margin for those who are followed
MIN_RELATIVE_SIZE = 0.3  # people smaller than this against the largest in view are bystanders

BACK_STEP_FRAMES = 16  # read at a time when somebody is followed backwards: they are all in memory

Progress = Callable[[int], None]
ReadFrames = Callable[[int, int], Iterable[Frame]]


@dataclass(frozen=True, eq=False)
class Footage:
    """What was seen in a clip: tracks (any order), frame indices that begin a new shot, number of frames read."""

    tracks: list[Track]
    cuts: list[int]
    frames: int


class _Look(NamedTuple):
    """A person to be looked at in a frame of a chunk: the middle of a span, or a frame by itself."""

    track: Track
    chunk: Chunk
    at: int
    span: Span | None = None

    def region(self) -> Array | None:
        """Where (4,), between the key frames at both ends; None for somebody who was seen at neither."""
        a, b = _end_regions(self.track, self.chunk)
        start, end = (b if a is None else a), (a if b is None else b)
        if start is None or end is None:
            return None
        return people.interpolate_regions(start, end, (self.at - self.chunk.first) / self.chunk.length)


def _end_regions(track: Track, chunk: Chunk) -> tuple[Array | None, Array | None]:
    """Where a track was at the key frame of a chunk and at the next one; None where it was not seen."""
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
        start = max(earliest, end - BACK_STEP_FRAMES)
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


class _Follower:
    """The people in view and everybody seen so far."""

    def __init__(self, fps: float, detector: Detector, estimator: PoseEstimator) -> None:
        self.tracks: list[Track] = []
        self._detector, self._estimator = detector, estimator
        self._fps, self._step = fps, look_step(fps)
        self._looks: list[_Look] = []  # due with the next key frame
        self._straight: list[Span] = []
        self._detection_interval = DETECTION_INTERVAL_S * fps
        self._search = people.JOIN_GAP_S * fps
        self._last_detection = -np.inf
        self._is_led = False  # by the detector: the network does not tell where people are

    @property
    def _live(self) -> list[Track]:
        return [track for track in self.tracks if track.live]

    def follow(self, frames: Iterable[Frame], progress: Progress | None = None) -> tuple[list[int], int]:
        """Go through a stream of frames; returns the frames that begin a new shot and the number of frames."""
        before: Chunk | None = None
        count, cuts = 0, []
        stride = self._step * max(1, round(KEY_INTERVAL_S * self._fps / self._step))
        for chunk in chunks(frames, stride, self._step):
            self.step(chunk)
            if before is not None:
                self._begin_between(before, chunk)
            before = chunk
            count = chunk.first + chunk.length
            cuts += [chunk.first] if chunk.starts_shot else []
            if progress:
                progress(count)
        if before is not None:
            self._begin_between(before, None)
        while self._looks:
            self._estimate([], [])
        for track in self.tracks:
            fill_left_out(track, [span for span in self._straight if span.track is track], self._step)
        return cuts, count

    def step(self, chunk: Chunk) -> None:
        """Take up a new key frame, together with what is to be looked at in the frames before it."""
        frame, key = chunk.frames[chunk.first], chunk.first
        if chunk.starts_shot:
            for track in self.tracks:
                track.live = False
            self._last_detection = -np.inf
        regions = [track.predict(key) for track in self._live]
        if self._is_led:  # whom the detector does not see is let go
            found = self._seen_again(frame, regions)
            for i, track in enumerate(self._live):
                track.live = i in found
            regions = [found[i] for i in sorted(found)]
        live = self._live
        newcomers = self._detect(frame, key, regions)
        poses = self._estimate([frame] * (len(live) + len(newcomers)), [*regions, *newcomers])
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
        found = self._found(frame)
        pairs = people.match_regions(known, found).items()
        taken = {j for i, j in pairs if not people.is_head_to_foot(known[i], found[j])}
        smallest = MIN_RELATIVE_SIZE * max((region[2] for region in [*known, *found]), default=0.0)
        return [region for i, region in enumerate(found) if i not in taken and region[2] >= smallest]

    def _begin_between(self, chunk: Chunk, later: Chunk | None) -> None:
        """Plan looks into the frames after a key frame at everybody who was seen at either end.

        Somebody seen at both ends is looked at in the middle first. Somebody who was seen at one end may be there for
        some of the frames, which only looking at each can tell.
        """
        chunk.next_key = later.first if later and not later.starts_shot else None
        for track in self.tracks:
            is_at_start, is_at_end = (region is not None for region in _end_regions(track, chunk))
            if is_at_start and is_at_end and chunk.next_key is not None:
                span = Span(track, chunk.first, chunk.next_key, self._step)
                self._looks += [_Look(track, chunk, span.middle, span)] if span.middle > span.start else []
            elif is_at_start or is_at_end:
                self._looks += [_Look(track, chunk, at) for at in chunk.frames if at > chunk.first or not is_at_start]

    def _estimate(self, frames: list[Frame], regions: list[Array]) -> Poses | None:
        """Poses of the key regions; those of the frames between that are due are stored in their tracks."""
        looks, self._looks = self._looks, []
        places = [look.region() for look in looks]
        looks = [look for look, place in zip(looks, places) if place is not None]
        everything = [*regions, *(place for place in places if place is not None)]
        if not everything:
            return None
        images = [*frames, *(look.chunk.frames[look.at] for look in looks)]
        poses = self._estimator.estimate(images, np.array(everything))
        for i, look in enumerate(looks, start=len(regions)):
            if poses.scores[i] >= MIN_SCORE:
                look.track.sightings[look.at] = _sighting(poses, i, everything[i])
        for look in looks:
            self._look_closer(look)
        return poses

    def _look_closer(self, look: _Look) -> None:
        """Plan looks into both halves of a span whose middle has been looked at, unless the movement was straight."""
        if look.span is None:
            return
        if look.span.is_straight():
            self._straight.append(look.span)
        else:
            self._looks += [_Look(look.track, look.chunk, half.middle, half) for half in look.span.halves()]

    def _take_key_pose(self, track: Track, frame: Frame, key: int, seen: tuple[Poses | None, int], used: Array) -> None:
        """Store a key pose; look again where the person really is if the region was off, give up if nobody is there."""
        poses, i = seen
        assert poses is not None
        if poses.scores[i] < MIN_SCORE and track.key_regions:
            again = self._seen_again(frame, [used]).get(0)
            poses, i = (self._estimator.estimate([frame], again[None]), 0) if again is not None else (poses, i)
        self._is_led = poses.next_regions is None
        wanted = _next_region(poses, i, used)
        is_newcomer = track not in self.tracks
        looks, share = (NEWCOMER_LOOKS, NEWCOMER_FIT) if is_newcomer else (1, 1.0)
        while looks and poses.scores[i] >= MIN_SCORE and not people.region_fits(used, wanted, share=share):
            looks, used = looks - 1, wanted
            poses, i = self._estimator.estimate([frame], used[None]), 0
            wanted = _next_region(poses, i, used)
        # what is no person looks different in every crop: its region runs away
        if poses.scores[i] < MIN_SCORE or (is_newcomer and not people.region_fits(used, wanted)):
            track.live = False
            return
        if is_newcomer:
            self.tracks.append(track)
        track.sightings[key] = _sighting(poses, i, used)
        track.key_regions[key] = wanted

    def _found(self, frame: Frame) -> list[Array]:
        """Regions (4,) in which the detector sees somebody."""
        return list(self._detector.detect([frame])[0].regions)

    def _seen_again(self, frame: Frame, regions: list[Array]) -> dict[int, Array]:
        """Where the detector sees the people that are awaited in regions: {index in regions: region}."""
        found = self._found(frame)
        return {i: found[j] for i, j in people.match_regions(regions, found).items()}

    def _drop_doubles(self, key: int) -> None:
        """Stop following the newer of two tracks that have come to lie on one body, or whichever is upside down."""
        live = [track for track in self._live if key in track.sightings]
        for older, newer in combinations(live, 2):
            if not (older.live and newer.live):
                continue
            a, b = older.sightings[key], newer.sightings[key]
            is_turned = people.is_head_to_foot(a.region, b.region)
            if is_turned or people.is_same_person(a, b):
                dropped = older if is_turned and a.confidence.mean() < b.confidence.mean() else newer
                dropped.live = False
                del dropped.sightings[key], dropped.key_regions[key]
        self.tracks = [track for track in self.tracks if track.key_regions]


def _next_region(poses: Poses, i: int, used: Array) -> Array:
    """The region (4,) that fits what was seen in ``used``, as far as the network can tell."""
    return used if poses.next_regions is None else poses.next_regions[i]


def _sighting(poses: Poses, i: int, region: Array) -> Sighting:
    xyz = None if poses.xyz is None else poses.xyz[i]
    return Sighting(poses.xy[i], poses.confidence[i], xyz, region)
