"""Forward kinematics against products of matrices and against what no pose can change."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import motions, unit_quaternions, vectors

from mocap.model import kinematics, rotation
from mocap.model.motion import Motion
from mocap.model.rotation import IDENTITY_WXYZ, Array


def positions_by_matrices(motion: Motion) -> Array:
    """Joint positions (T, J, 3) as the translation of a chain of 4 × 4 transforms."""
    world = np.zeros((len(motion), len(motion.skeleton), 4, 4))
    for j, parent in enumerate(motion.skeleton.parents):
        local = np.tile(np.eye(4), (len(motion), 1, 1))
        local[:, :3, :3] = rotation.wxyz_to_matrix(motion.local_wxyz[:, j])
        local[:, :3, 3] = motion.root_world if parent < 0 else motion.skeleton.offsets[j]
        world[:, j] = local if parent < 0 else world[:, parent] @ local
    return world[..., :3, 3]


@given(motions())
def test_joints_are_where_the_chain_of_transforms_puts_them(motion: Motion) -> None:
    np.testing.assert_allclose(kinematics.joint_positions(motion), positions_by_matrices(motion), atol=1e-9)


@given(motions())
def test_no_pose_changes_a_bone_length(motion: Motion) -> None:
    positions = kinematics.joint_positions(motion)
    expected = kinematics.bone_lengths(motion.skeleton)
    for j, parent in enumerate(motion.skeleton.parents):
        if parent >= 0:
            lengths = np.linalg.norm(positions[:, j] - positions[:, parent], axis=-1)
            np.testing.assert_allclose(lengths, expected[j], atol=1e-9)


@given(motions())
def test_no_pose_changes_the_length_of_an_end(motion: Motion) -> None:
    joints = kinematics.joint_positions(motion)
    for name, points in kinematics.end_positions(motion).items():
        lengths = np.linalg.norm(points - joints[:, motion.skeleton.index(name)], axis=-1)
        np.testing.assert_allclose(lengths, np.linalg.norm(motion.skeleton.ends[name]), atol=1e-9)


@given(motions())
def test_both_signs_of_every_rotation_give_one_pose(motion: Motion) -> None:
    other = replace(motion, local_wxyz=-motion.local_wxyz)
    np.testing.assert_allclose(kinematics.joint_positions(other), kinematics.joint_positions(motion), atol=1e-12)


@given(motions())
def test_local_and_world_rotations_are_inverses(motion: Motion) -> None:
    world = kinematics.world_rotations(motion.skeleton, motion.local_wxyz)
    local = kinematics.local_rotations(motion.skeleton, world)
    assert np.max(rotation.angle_between(local, motion.local_wxyz)) < 1e-7
    again = kinematics.world_rotations(motion.skeleton, local)
    assert np.max(rotation.angle_between(again, world)) < 1e-7


@given(motions(), vectors())
def test_moving_the_root_moves_every_joint_alike(motion: Motion, by: Array) -> None:
    moved = kinematics.joint_positions(replace(motion, root_world=motion.root_world + by))
    np.testing.assert_allclose(moved, kinematics.joint_positions(motion) + by, atol=1e-9)


@given(motions(), unit_quaternions())
def test_turning_the_root_turns_the_body_about_it(motion: Motion, by: Array) -> None:
    turned = motion.local_wxyz.copy()
    turned[:, 0] = rotation.make_continuous(rotation.multiply(by, turned[:, 0]))
    root = motion.root_world[:, None]
    expected = root + rotation.rotate(by, kinematics.joint_positions(motion) - root)
    actual = kinematics.joint_positions(replace(motion, local_wxyz=turned))
    np.testing.assert_allclose(actual, expected, atol=1e-9)


@given(motions())
def test_without_rotations_the_body_is_in_the_rest_pose(motion: Motion) -> None:
    skeleton = motion.skeleton
    rest = replace(
        motion,
        local_wxyz=np.tile(IDENTITY_WXYZ, (len(motion), len(skeleton), 1)),
        root_world=np.tile(skeleton.offsets[0], (len(motion), 1)),
    )
    expected = np.tile(skeleton.rest_positions(), (len(motion), 1, 1))
    np.testing.assert_allclose(kinematics.joint_positions(rest), expected, atol=1e-12)


@given(st.integers(2, 20), vectors(), vectors(), st.sampled_from([Fraction(24), Fraction(30000, 1001), Fraction(60)]))
def test_a_straight_steady_path_has_its_exact_velocity_in_every_frame(
    frames: int, start: Array, velocity: Array, fps: Fraction
) -> None:
    seconds = np.arange(frames)[:, None] / float(fps)
    measured = kinematics.velocities(start + seconds * velocity, float(fps))
    np.testing.assert_allclose(measured, np.tile(velocity, (frames, 1)), atol=1e-8)


@pytest.mark.parametrize("frames", [0, 1])
def test_too_few_frames_stand_still(frames: int) -> None:
    np.testing.assert_array_equal(kinematics.velocities(np.ones((frames, 5, 3)), 30.0), np.zeros((frames, 5, 3)))
