"""Corrections against a known motion: better where they were made, the same bytes elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import keypoints_of, picture_of, walking_motion
from test_reconstruct import take_of
from typer.testing import CliRunner

from mocap.cli.main import app
from mocap.evaluate.metrics import evaluation_points, mpjpe_mm
from mocap.io.labels_csv import write_labels
from mocap.io.rounding import rounded
from mocap.io.take_json import read_json, write_json
from mocap.model import kinematics, rotation
from mocap.model.camera import world_from_camera
from mocap.model.errors import MocapError
from mocap.model.keypoints import BLAZEPOSE_33
from mocap.model.labels import OCCLUDED, OPEN, VISIBLE, sample_from_points
from mocap.solve.contact.points import contact_points
from mocap.solve.edit.corrections import anchors_of, correct
from mocap.solve.reconstruct import reconstruct
from mocap.solve.settings import SolveSettings

FRAMES = 120
WRONG = range(44, 77)  # the right arm is taken for something else there
CORRECTED = (48, 54, 60, 66, 72)
HAND = "RightHand"


@pytest.fixture(scope="module")
def truth():
    return take_of(walking_motion(FRAMES))


@pytest.fixture(scope="module")
def good(truth):
    return rounded(reconstruct(truth, SolveSettings(lifter="network", solver="fast")))


@pytest.fixture(scope="module")
def bad(truth):
    """The solved take of a network that loses the right arm for a second: by up to 150 pixels and 19 cm."""
    (person,) = truth.people
    xy, xyz = person.keypoints_2d.xy.copy(), person.keypoints_3d.xyz.copy()
    share = np.zeros(FRAMES)
    share[WRONG] = np.sin(np.pi * np.linspace(0, 1, len(WRONG)))
    for name in ("right_elbow", "right_wrist", "right_index", "right_pinky", "right_thumb"):
        k = BLAZEPOSE_33.index(name)
        xy[:, k] += share[:, None] * np.array([120.0, -90.0])
        xyz[:, k] += share[:, None] * np.array([0.15, -0.1, 0.05])
    wrong = replace(
        person,
        keypoints_2d=replace(person.keypoints_2d, xy=xy),
        keypoints_3d=replace(person.keypoints_3d, xyz=xyz),
    )
    return rounded(reconstruct(replace(truth, people=(wrong,)), SolveSettings(lifter="network", solver="fast")))


def placed(truth, frames, names=("right_elbow", "right_wrist"), visibility=VISIBLE):
    """Samples with keypoints where they truly are."""
    flags = np.full(33, OPEN, np.int8)
    flags[[BLAZEPOSE_33.index(name) for name in names]] = visibility
    xy = truth.people[0].keypoints_2d.xy
    facts = {"layout": BLAZEPOSE_33, "size": (1080, 1920)}
    return [sample_from_points("clip.mp4", xy[frame], flags, frame=frame, **facts) for frame in frames]


def hand_off_mm(take, good):
    hands = [
        kinematics.joint_positions(t.people[0].motion)[:, t.people[0].motion.skeleton.index(HAND)] for t in (take, good)
    ]
    return 1000 * np.linalg.norm(hands[0] - hands[1], axis=-1)


def off_pixels(take, truth, frames, joint=HAND, keypoint="right_wrist"):
    motion = take.people[0].motion
    place = take.camera.project(kinematics.joint_positions(motion)[:, motion.skeleton.index(joint)])
    seen = truth.people[0].keypoints_2d.xy[:, BLAZEPOSE_33.index(keypoint)]
    return np.linalg.norm(place - seen, axis=-1)[list(frames)]


def changed_frames(before, after):
    a, b = before.people[0].motion, after.people[0].motion
    differs = np.any(a.local_wxyz != b.local_wxyz, axis=(1, 2)) | np.any(a.root_world != b.root_world, axis=1)
    return np.flatnonzero(differs)


@pytest.mark.slow
def test_the_error_falls_where_corrections_were_made_and_between_them(truth, good, bad):
    corrected = rounded(correct(bad, placed(truth, CORRECTED)))
    before, after = hand_off_mm(bad, good)[WRONG], hand_off_mm(corrected, good)[WRONG]
    assert before.mean() > 150
    assert after.mean() < 0.4 * before.mean()
    assert off_pixels(bad, truth, CORRECTED).min() > 50
    assert off_pixels(corrected, truth, CORRECTED).max() < 1.0
    skeletons = [evaluation_points(take.people[0].motion) for take in (bad, corrected, good)]
    assert mpjpe_mm(skeletons[1], skeletons[2]) < 0.6 * mpjpe_mm(skeletons[0], skeletons[2])


@pytest.mark.slow
def test_nothing_changes_from_half_a_second_on_nor_the_body_and_the_camera(truth, bad, tmp_path):
    corrected = rounded(correct(bad, placed(truth, (60,))))
    changed = changed_frames(bad, corrected)
    assert changed.min() > 60 - 15
    assert changed.max() < 60 + 15
    for name, take in (("before", bad), ("after", corrected)):
        write_json(take, tmp_path / f"{name}.json")
    lines = [
        (tmp_path / f"{name}.json").read_text().partition('"people"')[2].splitlines() for name in ("before", "after")
    ]
    (person, other) = bad.people[0], corrected.people[0]
    np.testing.assert_array_equal(person.motion.skeleton.offsets, other.motion.skeleton.offsets)
    np.testing.assert_array_equal(bad.camera.T_world_camera, corrected.camera.T_world_camera)
    assert len(lines[0]) == len(lines[1])
    differing = sum(a != b for a, b in zip(*lines))
    assert len(changed) < differing <= 2 * len(changed) + 1  # root and rotations of these frames, one confidence


def test_the_change_fades_in_and_out_without_a_jerk(truth, good, bad):
    corrected = correct(bad, placed(truth, CORRECTED))

    def sharpest(take):
        hand = take.people[0].motion.skeleton.index(HAND)
        return np.linalg.norm(
            np.diff(kinematics.joint_positions(take.people[0].motion)[:, hand], 2, axis=0), axis=1
        ).max()

    assert sharpest(corrected) < 1.5 * max(sharpest(bad), sharpest(good))


def test_a_scene_cut_stops_a_correction(truth, bad):
    corrected = correct(replace(bad, cuts=[58]), placed(truth, (60,)))
    assert changed_frames(bad, corrected).min() == 58


def test_feet_that_stand_keep_standing_when_the_hips_are_moved(truth, good):
    hips = ("left_hip", "right_hip")
    frame = next(start + 2 for start, _ in good.people[0].contacts["LeftHeel"] if 30 < start < 90)
    samples = [replace(s, xy=s.xy + np.array([25.0, 0.0])) for s in placed(truth, (frame,), hips)]
    corrected = correct(good, samples)
    heels = [contact_points(take.people[0].motion)["LeftHeel"][frame] for take in (good, corrected)]
    hips_moved = off_pixels(corrected, truth, (frame,), "LeftUpperLeg", "left_hip")[0]
    assert hips_moved > 15
    assert 1000 * np.linalg.norm(heels[0] - heels[1]) < 10


def test_a_foot_that_is_moved_away_is_in_contact_no_more(truth, good):
    frame = next(start + 2 for start, _ in good.people[0].contacts["LeftHeel"] if 30 < start < 90)
    samples = placed(truth, (frame,), ("left_ankle", "left_heel", "left_foot_index"))
    corrected = correct(good, [replace(s, xy=s.xy + np.array([0.0, -120.0])) for s in samples])
    spans = corrected.people[0].contacts["LeftHeel"]
    assert not any(start <= frame < end for start, end in spans)
    far = [span for span in good.people[0].contacts["LeftHeel"] if abs(span[0] - frame) > 30]
    assert [span for span in spans if abs(span[0] - frame) > 30] == far


def test_a_keypoint_beside_the_joints_is_found_on_its_bone(truth):
    motion = walking_motion(FRAMES)
    T = world_from_camera()
    T[:3, 3] = (0.0, 1.4, 4.5)
    camera = replace(truth.camera, T_world_camera=T)
    person = replace(truth.people[0], motion=motion)
    anchors = anchors_of(person, replace(truth, camera=camera, people=(person,)))
    points = keypoints_of(motion)
    world, joints = kinematics.world_rotations(motion.skeleton, motion.local_wxyz), kinematics.joint_positions(motion)
    assert set(anchors) == set(BLAZEPOSE_33.names)
    for name, anchor in anchors.items():
        place = joints[:, anchor.joint] + rotation.rotate(world[:, anchor.joint], anchor.offset)
        off_mm = 1000 * np.linalg.norm(place - points.xyz[:, BLAZEPOSE_33.index(name)], axis=-1)
        assert off_mm.max() < 1, name


def test_an_occluded_keypoint_pulls_less_than_a_visible_one(truth, bad):
    seen, hidden = (
        off_pixels(correct(bad, placed(truth, (60,), visibility=kind)), truth, (60,))[0] for kind in (VISIBLE, OCCLUDED)
    )
    assert seen < hidden < 0.2 * off_pixels(bad, truth, (60,))[0]


def test_corrections_of_something_else_are_refused(truth, bad):
    (sample,) = placed(truth, (60,))
    for other, told in (
        (replace(sample, image="other.mp4"), "of another clip than the take's"),
        (replace(sample, size=(10, 10)), "of another clip than the take's"),
        (replace(sample, frame=500), "has 120 frames only"),
        (replace(sample, person=3), "no person 3, only: 1"),
        (placed(truth, (60,), ())[0], "no placed keypoint"),
    ):
        with pytest.raises(MocapError, match=told):
            correct(bad, [other])


def test_the_command_bends_a_take_and_says_so_in_it(truth, bad, tmp_path):
    write_json(bad, tmp_path / "take.json")
    table = tmp_path / "take.corrections.csv"
    write_labels(placed(truth, (54, 60)), table, BLAZEPOSE_33)
    kept = table.read_bytes()
    arguments = ["solve", str(tmp_path / "take.json"), "--corrections", str(table), "-o", str(tmp_path / "fixed.json")]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    fixed = read_json(tmp_path / "fixed.json")
    assert fixed.filters[-1] == {"name": "corrections", "frames": [54, 60], "keypoints": 4}
    assert off_pixels(fixed, truth, (54, 60)).max() < 1.0
    assert table.read_bytes() == kept
    told = CliRunner().invoke(app, [*arguments, "--height", "1.8"])
    assert "solve with the other settings first" in str(told.exception)


def test_keypoints_of_a_perfect_take_that_are_confirmed_change_it_little(truth, good):
    """Placing what is already there is no reason to move."""
    motion = good.people[0].motion
    image = picture_of(keypoints_of(motion), good.camera)
    names = ("left_wrist", "right_wrist", "left_ankle")
    flags = np.full(33, OPEN, np.int8)
    flags[[BLAZEPOSE_33.index(name) for name in names]] = VISIBLE
    sample = sample_from_points("clip.mp4", image.xy[60], flags, layout=BLAZEPOSE_33, frame=60, size=(1080, 1920))
    after = correct(good, [sample]).people[0].motion
    moved = kinematics.joint_positions(after)[60] - kinematics.joint_positions(motion)[60]
    assert 1000 * np.linalg.norm(moved, axis=-1).max() < 0.5
