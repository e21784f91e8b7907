"""Following people through a clip, with networks that see exactly what the test puts there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mocap.estimate import Detections, Poses
from mocap.model.errors import MocapError
from mocap.model.keypoints import BLAZEPOSE_33
from mocap.track import chunks
from mocap.track import follow as capture
from mocap.track import tracks as people

SIZE = (640, 480)
FPS = 30.0
BODY = np.random.default_rng(0).uniform(-0.4, 0.4, (33, 2))


class World:
    """People as paths: frame -> (x, y, side) or None. Frames carry their index in their first pixels."""

    def __init__(self, *paths, frames=90, shots=(), misses=()):
        self.paths, self.count, self.shots, self.misses = paths, frames, shots, set(misses)
        self.estimated, self.batches = [], []
        self.layout = BLAZEPOSE_33

    def frames(self):
        for index in range(self.count):
            shot = sum(index >= cut for cut in self.shots)
            frame = np.full((SIZE[1], SIZE[0], 3), 60 + 130 * (shot % 2), np.uint8)
            frame[0, 0] = index // 256, index % 256, 0
            yield frame

    @staticmethod
    def _index(frame):
        return int(frame[0, 0, 0]) * 256 + int(frame[0, 0, 1])

    def _regions(self, index):
        placed = [path(index) for path in self.paths]
        return [np.array([*place, 0.0]) for place in placed if place is not None]

    def detect(self, frames):
        found = []
        for frame in frames:
            index = self._index(frame)
            regions = [] if index in self.misses else self._regions(index)
            found.append(
                Detections(np.zeros((len(regions), 4)), np.ones(len(regions)), np.array(regions).reshape(-1, 4))
            )
        return found

    def estimate(self, frames, regions):
        self.batches.append(len(regions))
        rows = [self._look(self._index(frame), region) for frame, region in zip(frames, regions)]
        xy, scores, following = (np.array(column) for column in zip(*rows))
        return Poses(xy, np.ones(xy.shape[:2]), np.zeros((len(xy), 33, 3)), scores, following)

    def _look(self, index, region):
        """The person nearest to the middle of the region, if one is inside; what is outside cannot be seen."""
        self.estimated.append(index)
        true = [r for r in self._regions(index) if np.hypot(*(r[:2] - region[:2])) < 0.4 * region[2]]
        if not true:
            return np.zeros((33, 2)), 0.1, region
        nearest = min(true, key=lambda r: np.hypot(*(r[:2] - region[:2])))
        return nearest[:2] + BODY * nearest[2], 0.9, nearest


class Regressors(World):
    """Networks that always see somebody, twenty pixels beside the middle of the region, and never say where else."""

    def estimate(self, frames, regions):
        xy = regions[:, None, :2] + [20.0, 0.0] + BODY * regions[:, None, 2:3]
        return Poses(xy, np.ones(xy.shape[:2]), None, np.ones(len(xy)), None)


class FarOff(World):
    """The detector's crops are half too small, and the network in a crop sees only how much larger it should be."""

    def detect(self, frames):
        return [replace(found, regions=found.regions * [1, 1, 0.5, 1]) for found in super().detect(frames)]

    def _look(self, index, region):
        xy, score, wanted = super()._look(index, region)
        return xy, score, np.array([*wanted[:2], min(1.2 * region[2], wanted[2]), 0.0])


class HeadToFoot(World):
    """The detector finds the body upside down too in some frames, or only so; the network sees little in such crops."""

    def __init__(self, path, *, turned, upright=range(10**6)):
        super().__init__(path)
        self.turned, self.upright = turned, upright

    def detect(self, frames):
        (found,) = super().detect(frames)
        index = self._index(frames[0])
        ways = [0.0] * (index in self.upright) + [np.pi] * (index in self.turned)
        regions = np.array([[*found.regions[0, :3], way] for way in ways]).reshape(-1, 4)
        return [Detections(np.zeros((len(regions), 4)), np.ones(len(regions)), regions)]

    def estimate(self, frames, regions):
        poses = super().estimate(frames, regions)
        is_turned = regions[:, 3] > 1
        poses.next_regions[:, 3] = regions[:, 3]
        return replace(poses, confidence=np.where(is_turned[:, None], 0.4, poses.confidence))


def follow(world):
    return capture.follow_people(world.frames(), fps=FPS, detector=world, estimator=world)


def walker(speed, start=100.0, side=200.0, first=0, last=10**6):
    return lambda index: (start + speed * index, 240.0, side) if first <= index < last else None


def test_one_person_is_one_track_with_every_frame():
    footage = follow(World(walker(3.0)))
    assert [sorted(track.poses) for track in footage.tracks] == [list(range(90))]
    assert footage.frames == 90
    assert footage.cuts == []


def test_keypoints_are_those_of_the_frame():
    footage = follow(World(walker(3.0)))
    for index, sighting in footage.tracks[0].poses.items():
        np.testing.assert_allclose(sighting.xy, np.array([100 + 3 * index, 240]) + BODY * 200)


def test_frames_between_key_frames_are_estimated_in_crops_that_look_ahead():
    footage = follow(World(walker(12.0)))
    for index, sighting in footage.tracks[0].poses.items():
        assert abs(sighting.region[0] - (100 + 12 * index)) < 24, index


def test_a_person_is_carried_where_the_detector_misses():
    footage = follow(World(walker(3.0), misses=range(10, 90)))
    assert [len(track.poses) for track in footage.tracks] == [90]


def test_frames_of_steady_movement_are_left_out_and_interpolated():
    world = World(walker(3.0))
    (track,) = follow(world).tracks
    assert len(world.estimated) < 90 * 0.6
    for index, sighting in track.poses.items():
        assert sighting.xy == pytest.approx(np.array([100 + 3 * index, 240]) + 200 * BODY, abs=1e-9)


def test_movement_that_bends_is_looked_at_more_often_and_kept():
    path = lambda index: (300 + 25 * np.sin(2 * np.pi * index / 16), 240.0, 200.0)  # noqa: E731
    world = World(path)
    (track,) = follow(world).tracks
    assert len(set(world.estimated)) > 90 * 0.6
    errors = [abs(sighting.xy - BODY * 200 - [path(i)[:2]]).max() for i, sighting in track.poses.items()]
    assert max(errors) < 0.01 * 200


def test_fast_clips_are_looked_at_at_most_every_other_frame():
    world = World(walker(1.5))
    (track,) = capture.follow_people(world.frames(), fps=60.0, detector=world, estimator=world).tracks
    assert sorted(track.poses) == list(range(90))
    assert {index % 2 for index in world.estimated if index < 89} == {0}


def test_work_is_handed_out_in_batches():
    world = World(walker(3.0), walker(-3.0, start=540.0))
    follow(world)
    assert np.median(world.batches) >= 4


def test_somebody_who_leaves_is_not_invented_afterwards():
    footage = follow(World(walker(3.0, last=50)))
    assert [sorted(track.poses) for track in footage.tracks] == [list(range(50))]


def test_a_network_that_cannot_tell_where_people_are_is_led_by_the_detector():
    (track,) = follow(Regressors(walker(6.0))).tracks
    assert sorted(track.poses) == list(range(90))
    places = np.array([sighting.xy.mean(axis=0)[0] for _, sighting in sorted(track.poses.items())])
    expected = 120 + 6 * np.arange(90) + 200 * BODY[:, 0].mean()
    np.testing.assert_allclose(places[:86], expected[:86])
    np.testing.assert_allclose(places, expected, atol=7)  # after the last key frame people are sought where they were


def test_what_the_detector_no_longer_sees_such_a_network_does_not_invent():
    (track,) = follow(Regressors(walker(3.0, last=50))).tracks
    assert 45 < max(track.poses) < 53  # the key frame after is the first without


def test_somebody_who_comes_in_is_found_back_to_the_key_frame_before():
    footage = follow(World(walker(1.0, first=41)))
    assert sorted(footage.tracks[0].poses) == list(range(41, 90))


def test_two_people_are_two_tracks():
    footage = follow(World(walker(1.0), walker(-1.0, start=540.0)))
    assert [len(track.poses) for track in footage.tracks] == [90, 90]


def test_bystanders_far_behind_are_not_followed():
    footage = follow(World(walker(1.0), walker(0.0, start=540.0, side=50.0)))
    assert len(footage.tracks) == 1


def test_a_scene_cut_ends_the_tracks_and_is_reported():
    footage = follow(World(walker(1.0), shots=[37]))
    assert footage.cuts == [37]
    assert sorted((track.first_frame, track.last_frame) for track in footage.tracks) == [(0, 36), (37, 89)]


def test_somebody_far_off_is_looked_at_until_the_crop_fits():
    (track,) = follow(FarOff(walker(3.0))).tracks
    assert min(sighting.region[2] for sighting in track.poses.values()) > 0.95 * 200


def test_a_body_that_is_found_upside_down_too_is_one_person():
    (track,) = follow(HeadToFoot(walker(3.0), turned=range(15, 90))).tracks
    assert sorted(track.poses) == list(range(90))
    assert {sighting.region[3] for sighting in track.poses.values()} == {0.0}


def test_somebody_first_found_upside_down_is_found_the_right_way_up():
    tracks = follow(HeadToFoot(walker(3.0), turned=range(90), upright=range(15, 90))).tracks
    (track,) = people.join_tracks(tracks, fps=FPS, cuts=[], frames=90)
    assert sorted(track.poses) == list(range(90))
    assert {sighting.region[3] for i, sighting in track.poses.items() if i > 20} == {0.0}


def test_what_runs_away_from_every_crop_is_no_person():
    class Ghost(World):
        def _look(self, index, region):
            return region[:2] + BODY * region[2], 0.9, region + np.array([0.5 * region[2], 0, 0, 0])

    assert follow(Ghost(walker(0.0))).tracks == []


def test_nobody_gives_no_tracks():
    assert follow(World()).tracks == []


def test_a_clip_of_one_frame_is_followed():
    assert [list(track.poses) for track in follow(World(walker(0.0), frames=1)).tracks] == [[0]]


def extend(world, track, others=(), earliest=0):
    frames = list(world.frames())
    capture.extend_back(track, others, earliest=earliest, read=lambda a, b: frames[a:b], fps=FPS, estimator=world)
    return sorted(track.poses)


def test_somebody_found_late_is_followed_back_to_where_they_came_in():
    world = World(walker(2.0, first=20), misses=range(70))
    (track,) = follow(world).tracks
    assert track.first_frame >= 64
    assert extend(world, track) == list(range(20, 90))
    np.testing.assert_allclose(track.poses[30].xy, np.array([160, 240]) + BODY * 200)


def test_following_back_stops_at_the_shot_and_where_the_person_is_known_already():
    world = World(walker(2.0), misses=range(70))
    (track,) = follow(world).tracks
    assert extend(world, track, earliest=50) == list(range(50, 90))
    earlier = follow(World(walker(2.0), frames=40)).tracks[0]
    assert extend(world, track, others=[earlier]) == list(range(40, 90))


def track_at(frames, x=100.0, side=200.0):
    region = np.array([x, 240.0, side, 0.0])
    seen = people.TrackedPose(region[:2] + BODY * side, np.ones(33), None, region)
    return people.Track(poses=dict.fromkeys(frames, seen), live=False)


@pytest.mark.parametrize(
    ("later", "cuts", "count"),
    [
        (track_at(range(45, 60)), [], 1),  # half a second later, same place
        (track_at(range(100, 130)), [], 2),  # too long after
        (track_at(range(45, 60), x=500.0), [], 2),  # too far away
        (track_at(range(45, 60), side=80.0), [], 2),  # of another size
        (track_at(range(45, 60)), [40], 2),  # in another shot
        (track_at(range(20, 60)), [], 2),  # seen at the same time
        (track_at(range(27, 60)), [], 1),  # taken over between two key frames
        (track_at(range(45, 48)), [], 1),  # flicker
    ],
)
def test_pieces_are_joined_only_where_they_can_be_one_person(later, cuts, count):
    assert len(people.join_tracks([track_at(range(30)), later], fps=FPS, cuts=cuts, frames=200)) == count


def test_a_brief_dim_track_is_a_ghost():
    def dimmed(frames):
        track = track_at(frames)
        track.poses = {i: s._replace(confidence=np.full(33, 0.5)) for i, s in track.poses.items()}
        return track

    def found(frames, of):
        return len(people.join_tracks([dimmed(frames)], fps=FPS, cuts=[], frames=of))

    assert (found(range(15), 90), found(range(40), 90), found(range(15), 15)) == (0, 1, 1)


def test_a_flickering_track_is_a_ghost():
    noise = np.random.default_rng(0)
    track = track_at(range(60))
    track.poses = {i: s._replace(xy=s.xy + noise.normal(0, 15, s.xy.shape)) for i, s in track.poses.items()}
    assert people.join_tracks([track], fps=FPS, cuts=[], frames=60) == []


def test_who_is_hardly_seen_is_not_prominent():
    large, clear = track_at(range(90), side=250.0), track_at(range(90), x=400.0)
    large.poses = {i: s._replace(confidence=np.full(33, 0.4)) for i, s in large.poses.items()}
    assert people.choose_people([large, clear], "1", cuts=[], frames=90) == [clear]


def test_people_are_chosen_by_prominence():
    crowd = [track_at(range(90), x=x, side=side) for x, side in ((100.0, 90.0), (300.0, 200.0), (500.0, 20.0))]
    sides = {
        which: [track.poses[0].region[2] for track in people.choose_people(crowd, which, cuts=[], frames=90)]
        for which in ("largest", "all", "1", "3")
    }
    assert sides == {"largest": [200.0], "all": [200.0, 90.0], "1": [200.0], "3": [200.0, 90.0, 20.0]}


@pytest.mark.parametrize("which", ["everyone", "0", "-1", "1.5"])
def test_an_impossible_choice_of_people_is_refused(which):
    with pytest.raises(MocapError, match="--people"):
        people.choose_people([track_at(range(90))], which, cuts=[], frames=90)


def test_the_largest_person_is_judged_over_the_whole_clip():
    near_but_brief, far_but_long = track_at(range(10), side=400.0), track_at(range(90), side=150.0)
    assert people.largest_person([near_but_brief, far_but_long], cuts=[], frames=90).poses == far_but_long.poses


def test_after_a_cut_the_main_person_of_each_shot_continues():
    first, second, extra = track_at(range(30)), track_at(range(30, 90), x=400.0), track_at(range(30, 50), side=100.0)
    merged = people.largest_person([first, second, extra], cuts=[30], frames=90)
    assert sorted(merged.poses) == list(range(90))
    assert merged.poses[60].region[0] == 400.0


def test_regions_are_interpolated_the_short_way_round():
    a, b = np.array([0.0, 0.0, 100.0, 3.0]), np.array([10.0, 20.0, 400.0, -3.0])
    middle = people.interpolate_regions(a, b, 0.5)
    np.testing.assert_allclose(middle[:3], [5, 10, 200])
    assert abs(abs(middle[3]) - np.pi) < 1e-9


def test_matching_takes_the_least_total_distance():
    known = [np.array([0.0, 0, 100, 0]), np.array([30.0, 0, 100, 0])]
    found = [np.array([25.0, 0, 100, 0]), np.array([-5.0, 0, 100, 0])]
    assert people.match_regions(known, found) == {0: 1, 1: 0}
    assert people.match_regions(known, []) == {}


@pytest.mark.parametrize("flash", [False, True])
def test_motion_and_light_are_no_scene_cuts(flash):
    picture = np.random.default_rng(0).integers(40, 200, (64, 64, 3)).astype(np.int16)
    after = np.clip(picture + 20, 0, 255) if flash else np.roll(picture, 6, axis=1)
    assert not chunks.is_scene_cut(picture, after)
