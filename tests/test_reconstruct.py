"""From a known motion through a camera and noisy keypoints back to motion: millimetres and degrees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import keypoints_of, network_guess, picture_of, squatting_motion, standing, walking_motion

from mocap.app import process
from mocap.evaluate import metrics
from mocap.io import rounding
from mocap.model import kinematics, rotation
from mocap.model.camera import Camera, intrinsics_from_fov, world_from_camera
from mocap.model.errors import MocapError
from mocap.model.keypoints import Keypoints2D, Keypoints3D
from mocap.model.take import Person, Source, Take
from mocap.solve.contact.points import contact_points
from mocap.solve.reconstruct import reconstruct
from mocap.solve.settings import SolveSettings

SIZE = (1080, 1920)


def take_of(motion, *, noise_px=0.0, noise_m=0.0, unseen=(), pitch=0.0):
    """The take of a network that sees the motion, with noise, from 4 m in front and 1.4 m up."""
    T = world_from_camera(pitch)
    T[:3, 3] = (0.0, 1.4, 4.5)
    camera = Camera(intrinsics_from_fov(55, SIZE), T, SIZE)
    points, random = keypoints_of(motion), np.random.default_rng(5)
    image, guess = picture_of(points, camera), network_guess(points, camera)
    xy = image.xy + random.normal(0, noise_px, image.xy.shape)
    xyz = guess.xyz + random.normal(0, noise_m, guess.xyz.shape)
    confidence = np.full(xy.shape[:2], 0.9)
    boxes = np.concatenate([xy.min(axis=1), xy.max(axis=1)], axis=1)
    for start, end in unseen:
        xy[start:end], xyz[start:end], boxes[start:end], confidence[start:end] = np.nan, np.nan, np.nan, 0.0
    person = Person(
        1,
        boxes,
        Keypoints2D(image.layout, xy, confidence, motion.fps),
        Keypoints3D(guess.layout, xyz, confidence, motion.fps),
    )
    source = Source("clip.mp4", "0" * 64, SIZE, motion.fps, len(motion))
    return Take(source, motion.fps, len(motion), Camera(camera.K, np.eye(4), SIZE), (person,))


def error_mm(solved, truth):
    return metrics.mpjpe_mm(metrics.evaluation_points(solved), metrics.evaluation_points(truth))


NOISES = [(0.0, 0.0, 8.0), (3.0, 0.01, 15.0), (6.0, 0.03, 30.0)]


@pytest.mark.parametrize(("noise_px", "noise_m", "bound_mm"), NOISES)
def test_a_known_motion_comes_back_through_camera_and_noise(noise_px, noise_m, bound_mm):
    """By the closed form: the made walk slides over the floor and sinks into it, which the fit would mend."""
    truth = walking_motion()
    take = take_of(truth, noise_px=noise_px, noise_m=noise_m)
    solved = reconstruct(take, SolveSettings(lifter="network", solver="fast")).people[0].motion
    assert error_mm(solved, truth) < bound_mm


@pytest.mark.slow
@pytest.mark.parametrize(("noise_px", "noise_m", "bound_mm"), NOISES)
def test_a_body_whose_feet_stand_comes_back_and_its_feet_are_still(noise_px, noise_m, bound_mm):
    truth = squatting_motion()
    take = take_of(truth, noise_px=noise_px, noise_m=noise_m)
    person = reconstruct(take, SolveSettings(lifter="network")).people[0]
    assert error_mm(person.motion, truth) < bound_mm
    soles = np.stack(list(contact_points(person.motion).values()), axis=1)
    down = np.zeros(soles.shape[:2], bool)
    for column, spans in zip(down.T, person.contacts.values()):
        for start, end in spans:
            column[start:end] = True
    assert down.mean() > 0.6
    assert metrics.slide_mm_per_frame(soles, down, 30) < 0.8
    assert np.abs(soles[down][:, 1]).max() < 0.01


@pytest.mark.slow
def test_without_the_foot_lock_feet_follow_what_is_seen():
    take = take_of(squatting_motion(), noise_px=6.0, noise_m=0.03)
    slides = []
    for foot_lock in ("auto", "off"):
        motion = reconstruct(take, SolveSettings(lifter="network", foot_lock=foot_lock)).people[0].motion
        soles = np.stack(list(contact_points(motion).values()), axis=1)
        slides.append(metrics.slide_mm_per_frame(soles, np.ones(soles.shape[:2], bool), 30))
    assert slides[1] > 2 * slides[0]


def test_limbs_turn_within_degrees_under_noise():
    truth = walking_motion()
    settings = SolveSettings(lifter="network", solver="fast")  # the made walk slides, which the fit would mend
    solved = reconstruct(take_of(truth, noise_px=3.0, noise_m=0.01), settings).people[0].motion
    expected = kinematics.world_rotations(truth.skeleton, truth.local_wxyz)
    found = kinematics.world_rotations(solved.skeleton, solved.local_wxyz)
    for name in ("LeftUpperArm", "RightLowerArm", "LeftUpperLeg", "RightLowerLeg", "Head"):
        j = truth.skeleton.index(name)
        assert np.degrees(rotation.angle_between(expected[:, j], found[:, j])).mean() < 6, name


@pytest.mark.slow
def test_a_camera_that_looks_down_is_told_by_the_user():
    truth, settings = walking_motion(), SolveSettings(camera_pitch_degrees=15.0, lifter="network")
    solved = reconstruct(take_of(truth, pitch=15.0), settings).people[0].motion
    trunk = kinematics.joint_positions(solved)
    lean = trunk[:, 4] - trunk[:, 0]
    expected = kinematics.joint_positions(truth)
    true_lean = expected[:, 4] - expected[:, 0]
    cosine = np.sum(lean * true_lean, axis=-1) / np.linalg.norm(lean, axis=-1) / np.linalg.norm(true_lean, axis=-1)
    assert np.degrees(np.arccos(cosine)).max() < 3


@pytest.mark.slow
@pytest.mark.parametrize("height_m", [1.2, 1.9])
def test_the_height_given_is_the_height_solved(height_m):
    solved = (
        reconstruct(take_of(walking_motion(height_m=1.75)), SolveSettings(lifter="network", height_m=height_m))
        .people[0]
        .motion
    )
    top = solved.skeleton.rest_positions()[solved.skeleton.index("Head")] + solved.skeleton.ends["Head"]
    assert top[1] == pytest.approx(height_m, rel=0.01)


@pytest.mark.slow
def test_a_standing_body_stands_on_the_floor_over_the_origin():
    solved = reconstruct(take_of(standing(lifted_m=0.0, frames=60)), SolveSettings(lifter="network"))
    person = solved.people[0]
    assert np.abs(person.motion.root_world[:, [0, 2]]).max() < 0.01
    assert person.contacts == {name: [(0, 60)] for name in ("LeftHeel", "LeftToes", "RightHeel", "RightToes")}
    assert solved.camera.T_world_camera[1, 3] == pytest.approx(1.4, abs=0.02)


@pytest.mark.slow
def test_the_camera_of_a_take_shows_the_skeleton_where_the_keypoints_are():
    take = take_of(standing(lifted_m=0.0, frames=60))
    solved = reconstruct(take, SolveSettings(lifter="network"))
    motion = solved.people[0].motion
    image = solved.camera.project(kinematics.joint_positions(motion)[:, motion.skeleton.index("LeftHand")])
    seen = take.people[0].keypoints_2d
    apart = np.linalg.norm(image - seen.xy[:, seen.layout.index("left_wrist")], axis=-1)
    assert apart.max() < 6  # of 1920 pixels


def test_short_absences_are_bridged_and_long_ones_are_gaps_that_hold_the_pose():
    solved = reconstruct(
        take_of(walking_motion(), unseen=[(20, 25), (50, 90)]), SolveSettings(lifter="network")
    ).people[0]
    assert [(gap.start, gap.end) for gap in solved.gaps] == [(50, 90)]
    assert np.ptp(solved.motion.local_wxyz[50:], axis=0).max() < 1e-9
    assert solved.motion.confidence[50:].max() == 0
    assert solved.motion.confidence[20:25].min() > 0


@pytest.mark.slow
def test_one_wild_keypoint_bends_nothing():
    truth = walking_motion()
    take = take_of(truth)
    image = take.people[0].keypoints_2d
    xy = image.xy.copy()
    xy[45, image.layout.index("left_wrist")] += 200
    wild = replace(take, people=(replace(take.people[0], keypoints_2d=replace(image, xy=xy)),))
    calm = reconstruct(take, SolveSettings(lifter="network")).people[0].motion
    assert error_mm(reconstruct(wild, SolveSettings(lifter="network")).people[0].motion, calm) < 1.0


def test_solving_a_solved_take_again_changes_nothing():
    once = process.solve(rounding.rounded(take_of(walking_motion())), SolveSettings(lifter="network"))
    again = process.solve(once, SolveSettings.from_json(once.settings))
    np.testing.assert_array_equal(again.people[0].motion.local_wxyz, once.people[0].motion.local_wxyz)
    np.testing.assert_array_equal(again.people[0].motion.root_world, once.people[0].motion.root_world)


def panned(take: Take) -> Take:
    """The take as a camera gives it that turns by 20 degrees to the right, and knows that it does."""
    K, paths = take.camera.K, []
    for angle in np.radians(np.linspace(-10, 10, take.frames)):
        c, s = np.cos(angle), np.sin(angle)
        paths.append(K @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ np.linalg.inv(K))
    turning = replace(take, camera_path=np.array(paths))
    person = take.people[0]
    seen = replace(person.keypoints_2d, xy=turning.in_frames(person.keypoints_2d.xy))
    return replace(turning, people=(replace(person, keypoints_2d=seen),))


@pytest.mark.slow
def test_a_camera_that_turns_does_not_walk_the_person():
    take, settings = take_of(squatting_motion()), SolveSettings(lifter="network")
    still, turned = (reconstruct(one, settings).people[0].motion for one in (take, panned(take)))
    assert np.abs(turned.root_world - still.root_world).max() < 0.002
    walked = reconstruct(panned(take), replace(settings, camera_motion="static")).people[0].motion
    assert np.ptp(walked.root_world[:, 0]) > 0.3


@pytest.mark.slow
def test_contacts_that_somebody_edited_are_kept():
    settings = SolveSettings(lifter="network")
    take = reconstruct(take_of(squatting_motion(), noise_px=6.0, noise_m=0.03), settings)
    edited = {"LeftHeel": [(10, 50)], "LeftToes": [(10, 50)], "RightHeel": [], "RightToes": []}
    told = replace(take, people=(replace(take.people[0], contacts=edited),))
    person = reconstruct(told, settings, keeps_contacts=True).people[0]
    assert person.contacts == edited
    heels = {name: place[12:48] for name, place in contact_points(person.motion).items() if name.endswith("Heel")}
    slides = {name: np.linalg.norm(np.diff(place, axis=0), axis=-1).mean() for name, place in heels.items()}
    assert slides["LeftHeel"] < 0.3 * slides["RightHeel"]


def test_how_the_camera_turned_must_be_known_to_be_used():
    with pytest.raises(MocapError, match="does not contain the rotation of the camera"):
        reconstruct(take_of(squatting_motion()), SolveSettings(lifter="network", camera_motion="moving"))


def test_a_person_hardly_seen_is_refused():
    with pytest.raises(MocapError, match="too few for a motion"):
        reconstruct(take_of(walking_motion(), unseen=[(2, 90)]), SolveSettings(lifter="network"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"fov_degrees": 0.0},
        {"fov_degrees": 200.0},
        {"camera_pitch_degrees": 95.0},
        {"height_m": 17.0},
        {"filter_name": "median"},
        {"cutoff_hz": 0.0},
        {"solver": "slow"},
        {"foot_lock": "on"},
        {"camera_motion": "shaky"},
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(MocapError):
        SolveSettings(**wrong)


def test_stored_settings_come_back_and_unknown_keys_are_ignored():
    settings = SolveSettings(lifter="network", height_m=1.8, filter_name="kalman")
    assert SolveSettings.from_json({**settings.as_json(), "of_a_later_version": 1}) == settings
