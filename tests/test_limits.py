"""Joint limits."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import walking_motion
from hypothesis import given
from strategies import unit_quaternions

from mocap.model import rotation
from mocap.model.skeleton import humanoid
from mocap.solve import joint_limits


def bend(degrees: float, axis: tuple[float, float, float]) -> np.ndarray:
    return rotation.rotvec_to_wxyz(np.radians(degrees) * np.array([axis]))


@pytest.mark.parametrize(
    ("joint", "axis", "asked", "allowed"),
    [
        ("LeftLowerLeg", (1.0, 0.0, 0.0), 120, 120),  # heel to bottom
        ("LeftLowerLeg", (1.0, 0.0, 0.0), -40, -5),  # a knee does not bend forwards
        ("LeftLowerArm", (0.0, -1.0, 0.0), 140, 140),
        ("LeftLowerArm", (0.0, -1.0, 0.0), -60, -5),
        ("RightLowerArm", (0.0, 1.0, 0.0), -60, -5),
        ("Head", (0.0, 1.0, 0.0), 90, 60),
        ("LeftFoot", (1.0, 0.0, 0.0), 30, 30),
    ],
)
def test_joints_stop_where_bodies_do(joint, axis, asked, allowed):
    skeleton = humanoid(1.75)
    local = np.tile(rotation.IDENTITY_WXYZ, (1, len(skeleton), 1))
    local[:, skeleton.index(joint)] = bend(asked, axis)
    found = joint_limits.clamp_to_limits(skeleton, local)[:, skeleton.index(joint)]
    assert np.degrees(rotation.wxyz_to_rotvec(found) @ np.array(axis)) == pytest.approx(allowed, abs=1e-6)


def test_an_ordinary_motion_is_left_as_it_is():
    motion = walking_motion()
    clamped = joint_limits.clamp_to_limits(motion.skeleton, motion.local_wxyz)
    assert np.degrees(rotation.angle_between(clamped, motion.local_wxyz)).max() < 1e-4


@given(unit_quaternions(1))
def test_clamping_twice_is_clamping_once(q):
    axis, limit = np.array([1.0, 0.0, 0.0]), joint_limits.Limit(60, 40)
    once = joint_limits.clamp(q, axis, limit)
    assert rotation.angle_between(once, joint_limits.clamp(once, axis, limit)).max() < 1e-6


@given(unit_quaternions(1))
def test_a_clamped_rotation_is_inside_its_range(q):
    axis, limit = np.array([0.0, 1.0, 0.0]), joint_limits.Limit(60, 40)
    found = joint_limits.clamp(q, axis, limit)
    swing = np.arccos(np.clip(rotation.rotate(found, axis) @ axis, -1, 1))
    assert np.degrees(swing).max() < 60 + 1e-4
    assert (
        np.degrees(np.linalg.norm(rotation.wxyz_to_rotvec(joint_limits.twist_about(found, axis)), axis=-1)).max()
        < 40 + 1e-4
    )
