"""Rotations: each function against SciPy's or against the property that defines it."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp
from strategies import directions, unit_quaternions, vectors

from mocap.model import rotation
from mocap.model.rotation import Array

SAME_ROTATION = 1e-7  # radians
QUARTER = np.sqrt(0.5)


def scipy_rotation(wxyz: Array) -> Rotation:
    return Rotation.from_quat(rotation.wxyz_to_xyzw(wxyz))


def largest_angle(a_wxyz: Array, b_wxyz: Array) -> float:
    return float(np.max(rotation.angle_between(a_wxyz, b_wxyz)))


def turn(axis: str, degrees: Array | float) -> Array:
    return rotation.euler_to_wxyz(np.radians(np.asarray(degrees, float))[..., None], axis)


@given(unit_quaternions(), unit_quaternions())
def test_a_product_is_scipys_product(a: Array, b: Array) -> None:
    expected = (scipy_rotation(a) * scipy_rotation(b)).as_matrix()
    np.testing.assert_allclose(rotation.wxyz_to_matrix(rotation.multiply(a, b)), expected, atol=1e-12)


@given(unit_quaternions(), vectors())
def test_a_vector_turns_as_in_scipy(q: Array, v: Array) -> None:
    np.testing.assert_allclose(rotation.rotate(q, v), scipy_rotation(q).apply(v), atol=1e-12)


@given(unit_quaternions(), vectors())
def test_the_conjugate_turns_back(q: Array, v: Array) -> None:
    np.testing.assert_allclose(rotation.rotate(rotation.conjugate(q), rotation.rotate(q, v)), v, atol=1e-12)


@given(unit_quaternions(), vectors())
def test_both_signs_of_a_quaternion_are_one_rotation(q: Array, v: Array) -> None:
    np.testing.assert_allclose(rotation.rotate(-q, v), rotation.rotate(q, v), atol=1e-12)
    np.testing.assert_array_equal(rotation.wxyz_to_matrix(-q), rotation.wxyz_to_matrix(q))
    assert rotation.angle_between(q, -q) < SAME_ROTATION


@given(unit_quaternions(3))
def test_matrices_go_there_and_back(q: Array) -> None:
    again = rotation.matrix_to_wxyz(rotation.wxyz_to_matrix(q))
    assert largest_angle(q, again) < SAME_ROTATION
    assert np.all(again[..., 0] >= 0)


@given(directions())
def test_half_turns_survive_the_matrix(axis: Array) -> None:
    q = np.append(0.0, axis / np.linalg.norm(axis))
    assert largest_angle(q, rotation.matrix_to_wxyz(rotation.wxyz_to_matrix(q))) < SAME_ROTATION


@given(unit_quaternions())
def test_orders_of_components_go_there_and_back(q: Array) -> None:
    np.testing.assert_array_equal(rotation.xyzw_to_wxyz(rotation.wxyz_to_xyzw(q)), q)


def test_the_scalar_comes_first_here_and_last_in_scipy() -> None:
    np.testing.assert_array_equal(rotation.wxyz_to_xyzw([1.0, 2.0, 3.0, 4.0]), [2.0, 3.0, 4.0, 1.0])


@given(unit_quaternions())
def test_rotation_vectors_agree_with_scipy_and_come_back(q: Array) -> None:
    rotvec = rotation.wxyz_to_rotvec(q)
    assert np.linalg.norm(rotvec) <= np.pi + 1e-12
    assert largest_angle(rotation.xyzw_to_wxyz(Rotation.from_rotvec(rotvec).as_quat()), q) < SAME_ROTATION
    assert largest_angle(rotation.rotvec_to_wxyz(rotvec), q) < SAME_ROTATION


@pytest.mark.parametrize("length", [0.0, 1e-300, 1e-13, 1e-9, 1e-3, np.pi - 1e-9])
def test_small_and_large_rotation_vectors_come_back(length: float) -> None:
    rotvec = length * np.array([0.6, 0.0, -0.8])
    np.testing.assert_allclose(rotation.wxyz_to_rotvec(rotation.rotvec_to_wxyz(rotvec)), rotvec, rtol=1e-9)


@given(unit_quaternions(), unit_quaternions())
def test_the_angle_between_is_scipys_magnitude(a: Array, b: Array) -> None:
    angle = rotation.angle_between(a, b)
    assert angle == pytest.approx((scipy_rotation(a).inv() * scipy_rotation(b)).magnitude(), abs=1e-7)
    assert angle == pytest.approx(rotation.angle_between(b, a), abs=1e-12)


@given(unit_quaternions(), unit_quaternions())
def test_interpolation_starts_and_ends_where_asked(a: Array, b: Array) -> None:
    assert largest_angle(rotation.slerp(a, b, 0.0), a) < SAME_ROTATION
    assert largest_angle(rotation.slerp(a, b, 1.0), b) < SAME_ROTATION


@given(unit_quaternions(), unit_quaternions(), st.floats(0.0, 1.0))
def test_interpolation_takes_the_short_way_at_constant_speed(a: Array, b: Array, share: float) -> None:
    whole = rotation.angle_between(a, b)
    assert rotation.angle_between(a, rotation.slerp(a, b, share)) == pytest.approx(share * whole, abs=1e-7)


def test_interpolation_agrees_with_scipy() -> None:
    a, b = turn("X", 20.0), rotation.multiply(turn("Z", 100.0), turn("Y", -35.0))
    shares = np.linspace(0.0, 1.0, 7)
    expected = Slerp([0.0, 1.0], Rotation.from_quat(rotation.wxyz_to_xyzw(np.stack([a, b]))))(shares)
    ours = rotation.slerp(np.tile(a, (7, 1)), np.tile(b, (7, 1)), shares)
    assert largest_angle(ours, rotation.xyzw_to_wxyz(expected.as_quat())) < SAME_ROTATION


@given(unit_quaternions(6, 3))
def test_continuous_signs_keep_the_rotations(q: Array) -> None:
    continuous = rotation.make_continuous(q)
    assert np.all(np.sum(continuous[1:] * continuous[:-1], axis=-1) >= 0)
    np.testing.assert_array_equal(rotation.wxyz_to_matrix(continuous), rotation.wxyz_to_matrix(q))


def test_continuous_signs_leave_the_input_alone() -> None:
    q = np.array([[1.0, 0, 0, 0], [-1.0, 0, 0, 0], [1.0, 0, 0, 0]])
    kept = q.copy()
    np.testing.assert_array_equal(rotation.make_continuous(q), np.tile(q[0], (3, 1)))
    np.testing.assert_array_equal(q, kept)


@given(directions(), directions())
def test_the_shortest_arc_turns_one_direction_into_the_other(a: Array, b: Array) -> None:
    arc = rotation.shortest_arc(a, b)
    turned = rotation.rotate(arc, a / np.linalg.norm(a))
    np.testing.assert_allclose(turned, b / np.linalg.norm(b), atol=1e-6)
    between = np.arctan2(np.linalg.norm(np.cross(a, b)), np.dot(a, b))
    assert rotation.angle_between(arc, rotation.IDENTITY_WXYZ) == pytest.approx(between, abs=1e-6)


@given(directions(), st.floats(0.0, 1e-3))
def test_the_shortest_arc_of_nearly_opposite_directions_is_exact(a: Array, off: float) -> None:
    b = -a + off * np.roll(a, 1)
    turned = rotation.rotate(rotation.shortest_arc(a, b), a / np.linalg.norm(a))
    np.testing.assert_allclose(turned, b / np.linalg.norm(b), atol=1e-6)


@pytest.mark.parametrize("axes", ["".join(pair) for pair in permutations("xyz", 2)])
@given(primary=directions(), secondary=directions())
def test_a_frame_keeps_its_primary_axis_and_leans_to_the_secondary(axes: str, primary: Array, secondary: Array) -> None:
    unit = primary / np.linalg.norm(primary)
    if np.linalg.norm(np.cross(unit, secondary)) < 1e-3:
        return  # parallel directions make no frame
    frame = rotation.frame_from_axes(primary, secondary, axes=axes)
    np.testing.assert_allclose(frame.T @ frame, np.eye(3), atol=1e-9)
    assert np.linalg.det(frame) == pytest.approx(1.0)
    np.testing.assert_allclose(frame[:, "xyz".index(axes[0])], unit, atol=1e-12)
    assert frame[:, "xyz".index(axes[1])] @ secondary > 0


@pytest.mark.parametrize(
    ("axis", "degrees", "channels"),
    [
        ("Z", 90, (90, 0, 0)),
        ("X", 90, (0, 90, 0)),
        ("Y", 90, (0, 0, 90)),
        ("X", -30, (0, -30, 0)),
        ("Y", 170, (0, 0, 170)),
    ],
)
def test_bvh_channels_are_z_x_y_in_degrees(axis: str, degrees: float, channels: tuple[float, ...]) -> None:
    np.testing.assert_allclose(rotation.wxyz_to_euler_zxy_degrees(turn(axis, degrees)[None]), [channels], atol=1e-9)


def test_bvh_channels_multiply_in_the_listed_order() -> None:
    z, x, y = 40.0, -65.0, 130.0
    product = rotation.multiply(rotation.multiply(turn("Z", z), turn("X", x)), turn("Y", y))
    np.testing.assert_allclose(rotation.wxyz_to_euler_zxy_degrees(product[None]), [[z, x, y]], atol=1e-9)
    assert largest_angle(rotation.euler_to_wxyz(np.radians([z, x, y]), "ZXY"), product) < SAME_ROTATION


@pytest.mark.parametrize("order", ["ZXY", "XYZ", "YZX", "XZX", "Y"])
@given(angles=vectors(7.0))
def test_euler_angles_of_any_order_agree_with_scipy(order: str, angles: Array) -> None:
    listed = angles[: len(order)]
    expected = rotation.xyzw_to_wxyz(Rotation.from_euler(order, listed).as_quat())
    assert largest_angle(rotation.euler_to_wxyz(listed, order), np.reshape(expected, (4,))) < SAME_ROTATION


@given(unit_quaternions(4, 2))
def test_bvh_channels_come_back_as_the_same_rotations(q: Array) -> None:
    channels = np.radians(rotation.wxyz_to_euler_zxy_degrees(q))
    assert largest_angle(rotation.euler_to_wxyz(channels, "ZXY"), q) < SAME_ROTATION


@given(st.sampled_from([-1.0, 1.0]), st.floats(-12, -3), st.floats(-180, 180), st.floats(-180, 180))
def test_bvh_channels_are_right_at_and_near_gimbal_lock(side: float, exponent: float, z: float, y: float) -> None:
    angles = np.radians([z, side * (90.0 - 10.0**exponent), y])
    q = rotation.euler_to_wxyz(angles, "ZXY")
    channels = np.radians(rotation.wxyz_to_euler_zxy_degrees(q[None]))
    assert largest_angle(rotation.euler_to_wxyz(channels[0], "ZXY"), q) < 1e-6


@given(unit_quaternions(5))
def test_bvh_channels_do_not_depend_on_the_sign(q: Array) -> None:
    np.testing.assert_array_equal(rotation.wxyz_to_euler_zxy_degrees(-q), rotation.wxyz_to_euler_zxy_degrees(q))


@pytest.mark.parametrize(("axis", "column"), [("Z", 0), ("X", 1), ("Y", 2)])
def test_bvh_channels_count_full_turns_instead_of_jumping(axis: str, column: int) -> None:
    degrees = np.arange(0.0, 800.0, 7.0)
    channels = rotation.wxyz_to_euler_zxy_degrees(turn(axis, degrees))
    expected = np.zeros((len(degrees), 3))
    expected[:, column] = degrees
    np.testing.assert_allclose(channels, expected, atol=1e-6)
