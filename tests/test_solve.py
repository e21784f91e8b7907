"""The solver against bodies whose motion is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import keypoints_of, walking_motion

from mocap.model import kinematics, rotation
from mocap.model.errors import MocapError
from mocap.model.keypoints import COCO_17, Keypoints3D
from mocap.solve import bone_lengths, closed_form
from mocap.solve.closed_form.pose import align_rotations

LIMBS = [
    f"{side}{part}"
    for side in ("Left", "Right")
    for part in ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
]


@pytest.fixture(scope="module")
def truth():
    return walking_motion()


@pytest.fixture(scope="module")
def solved(truth):
    points = keypoints_of(truth)
    return closed_form.solve(points, bone_lengths.fit_skeleton(points))


def test_limbs_come_back_within_three_millimetres(truth, solved):
    expected, found = kinematics.joint_positions(truth), kinematics.joint_positions(solved)
    for name in LIMBS:
        j = truth.skeleton.index(name)
        assert np.linalg.norm(found[:, j] - expected[:, j], axis=-1).max() < 0.003, name


def test_limbs_turn_as_the_truth_within_two_degrees(truth, solved):
    expected = kinematics.world_rotations(truth.skeleton, truth.local_wxyz)
    found = kinematics.world_rotations(solved.skeleton, solved.local_wxyz)
    for name in LIMBS:
        j = truth.skeleton.index(name)
        assert np.degrees(rotation.angle_between(expected[:, j], found[:, j])).mean() < 2, name


@pytest.mark.parametrize("hidden", [("eye", "ear", "nose", "mouth"), ("index", "pinky"), ("heel", "foot_index")])
def test_keypoints_that_no_frame_shows_are_as_if_the_layout_had_none(truth, hidden: tuple[str, ...]):
    points = keypoints_of(truth)
    is_hidden = np.array([any(word in name for word in hidden) for name in points.layout.names])
    xyz = np.where(is_hidden[:, None], np.nan, points.xyz)
    masked = replace(points, xyz=xyz, confidence=np.where(is_hidden, 0.0, points.confidence))
    found = closed_form.solve(masked, bone_lengths.fit_skeleton(masked))
    assert np.isfinite(found.local_wxyz).all()
    expected, positions = kinematics.joint_positions(truth), kinematics.joint_positions(found)
    for name in ("LeftLowerArm", "RightLowerLeg"):
        j = truth.skeleton.index(name)
        assert np.linalg.norm(positions[:, j] - expected[:, j], axis=-1).max() < 0.01, name


def test_a_limb_bends_more_where_its_end_is_seen_much_nearer(truth):
    points = keypoints_of(truth)
    xyz = points.xyz.copy()
    knee, ankle, hip = (points.layout.index(f"left_{part}") for part in ("knee", "ankle", "hip"))
    xyz[:, knee], xyz[:, ankle] = (
        xyz[:, hip] + 0.8 * (xyz[:, knee] - xyz[:, hip]),
        xyz[:, hip] + 0.8 * (xyz[:, ankle] - xyz[:, hip]),
    )
    found = closed_form.solve(replace(points, xyz=xyz), bone_lengths.fit_skeleton(points))
    seen = np.linalg.norm(xyz[:, ankle] - xyz[:, hip], axis=-1)
    positions = kinematics.joint_positions(found)
    names = found.skeleton.names
    reach = np.linalg.norm(positions[:, names.index("LeftFoot")] - positions[:, names.index("LeftUpperLeg")], axis=-1)
    assert (reach / seen).max() < 1.08  # within the slack, not 1.25


def test_the_head_turns_as_the_face_does(truth, solved):
    j = truth.skeleton.index("Head")
    expected = kinematics.world_rotations(truth.skeleton, truth.local_wxyz)[:, j]
    found = kinematics.world_rotations(solved.skeleton, solved.local_wxyz)[:, j]
    assert np.degrees(rotation.angle_between(expected, found)).max() < 1


def test_bone_lengths_never_change(solved):
    positions = kinematics.joint_positions(solved)
    for j, parent in enumerate(solved.skeleton.parents):
        if parent >= 0:
            lengths = np.linalg.norm(positions[:, j] - positions[:, parent], axis=-1)
            assert np.ptp(lengths) < 1e-9


def test_the_rest_pose_is_a_symmetric_t_pose_on_the_floor(solved):
    rest = dict(zip(solved.skeleton.names, solved.skeleton.rest_positions()))
    for left in (name for name in rest if name.startswith("Left")):
        np.testing.assert_allclose(rest[left] * [-1, 1, 1], rest["Right" + left.removeprefix("Left")], atol=1e-12)
    assert np.ptp([rest[name][1] for name in ("LeftUpperArm", "LeftLowerArm", "LeftHand")]) < 1e-12
    assert rest["LeftToes"][1] + solved.skeleton.ends["LeftToes"][1] == pytest.approx(0, abs=1e-9)


def test_height_is_measured_from_limbs_and_trunk(truth):
    assert bone_lengths.body_height(keypoints_of(truth)) == pytest.approx(
        1.75 / bone_lengths.KEYPOINT_FRACTION, abs=0.01
    )


def test_neck_and_head_reach_up_to_the_height(solved, truth):
    rest = solved.skeleton.rest_positions()
    top = rest[solved.skeleton.index("Head"), 1] + solved.skeleton.ends["Head"][1]
    assert top == pytest.approx(bone_lengths.body_height(keypoints_of(truth)), abs=0.01)
    below = rest[solved.skeleton.index("LeftUpperArm"), 1]
    assert below == pytest.approx(truth.skeleton.rest_positions()[truth.skeleton.index("LeftUpperArm"), 1], abs=0.01)


def test_a_straight_arm_keeps_the_twist_it_had():
    bent = walking_motion()
    local = bent.local_wxyz.copy()
    elbow = bent.skeleton.index("LeftLowerArm")
    local[40:46, elbow] = rotation.IDENTITY_WXYZ  # straight for 0.2 s: its hinge cannot be seen
    points = keypoints_of(replace(bent, local_wxyz=rotation.make_continuous(local)))
    found = closed_form.solve(points, bone_lengths.fit_skeleton(points))
    j = bent.skeleton.index("LeftUpperArm")
    turns = rotation.angle_between(found.local_wxyz[1:, j], found.local_wxyz[:-1, j])
    assert np.degrees(turns).max() < 12


def test_frames_without_keypoints_hold_the_nearest_pose(truth):
    points = keypoints_of(truth)
    xyz, confidence = points.xyz.copy(), points.confidence.copy()
    xyz[70:], confidence[70:] = np.nan, 0.0
    gappy = Keypoints3D(points.layout, xyz, confidence, points.fps)
    found = closed_form.solve(gappy, bone_lengths.fit_skeleton(gappy))
    np.testing.assert_allclose(
        kinematics.joint_positions(found)[80:], kinematics.joint_positions(found)[80:81].repeat(10, 0), atol=1e-3
    )
    assert found.confidence[70:].max() == 0


def test_a_layout_without_hands_and_feet_still_gives_a_motion(truth):
    points = keypoints_of(truth)
    columns = [points.layout.index(name) for name in COCO_17.names]
    coco = Keypoints3D(COCO_17, points.xyz[:, columns], points.confidence[:, columns], points.fps)
    found = closed_form.solve(coco, bone_lengths.fit_skeleton(coco))
    expected, positions = kinematics.joint_positions(truth), kinematics.joint_positions(found)
    for name in ("LeftHand", "RightLowerLeg"):
        j = truth.skeleton.index(name)
        assert np.linalg.norm(positions[:, j] - expected[:, j], axis=-1).max() < 0.01


def test_a_body_without_a_seen_frame_is_refused(truth):
    points = keypoints_of(truth)
    nothing = Keypoints3D(points.layout, np.full_like(points.xyz, np.nan), np.zeros_like(points.confidence), points.fps)
    with pytest.raises(MocapError, match="whole body"):
        bone_lengths.fit_skeleton(nothing)


def test_template_alignment_finds_a_known_rotation():
    template = np.random.default_rng(1).normal(size=(7, 3))
    turn = rotation.wxyz_to_matrix(rotation.rotvec_to_wxyz(np.array([[0.3, -1.2, 2.0]])))
    seen = np.einsum("tij,kj->tki", turn, template) + 5.0
    np.testing.assert_allclose(align_rotations(template, seen), turn, atol=1e-12)
