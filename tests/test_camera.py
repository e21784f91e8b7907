"""The camera: projection and rays undo each other; signs of pitch and roll by numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from strategies import unit_quaternions, vectors

from mocap.model import rotation
from mocap.model.camera import Camera, intrinsics_from_fov, world_from_camera
from mocap.model.rotation import Array

SIZE = (1280, 720)


def level_camera(pitch: float = 0.0, roll: float = 0.0, size: tuple[int, int] = SIZE) -> Camera:
    return Camera(intrinsics_from_fov(55.0, size), world_from_camera(pitch, roll), size)


@st.composite
def cameras(draw: st.DrawFn) -> Camera:
    T = np.eye(4)
    T[:3, :3] = rotation.wxyz_to_matrix(draw(unit_quaternions()))
    T[:3, 3] = draw(vectors())
    return Camera(intrinsics_from_fov(draw(st.floats(20.0, 120.0)), SIZE), T, SIZE)


pixels = arrays(float, (4, 2), elements=st.floats(-2000.0, 4000.0, allow_subnormal=False))


@given(cameras(), pixels, st.floats(0.1, 50.0))
def test_a_ray_through_a_pixel_projects_onto_that_pixel(camera: Camera, xy: Array, depth: float) -> None:
    again = camera.project(camera.to_world(depth * camera.rays(xy)))
    np.testing.assert_allclose(again, xy, atol=1e-4)


@given(cameras(), arrays(float, (2, 3, 3), elements=st.floats(-20.0, 20.0, allow_subnormal=False)))
def test_world_and_camera_coordinates_are_inverses(camera: Camera, points: Array) -> None:
    np.testing.assert_allclose(camera.to_world(camera.to_camera(points)), points, atol=1e-10)
    np.testing.assert_allclose(camera.to_camera(camera.to_world(points)), points, atol=1e-10)


@given(cameras())
def test_the_camera_is_at_its_own_origin(camera: Camera) -> None:
    np.testing.assert_allclose(camera.to_camera(camera.T_world_camera[:3, 3]), np.zeros(3), atol=1e-12)


def test_points_behind_the_camera_have_no_pixel() -> None:
    assert np.all(np.isnan(level_camera().project(np.array([[0.0, 0.0, 5.0], [0.0, 0.0, 0.0]]))))


def test_a_level_camera_sees_up_as_up_and_right_as_right() -> None:
    centre, up, right = level_camera().project(np.array([[0, 0, -4.0], [0, 1.0, -4.0], [1.0, 0, -4.0]]))
    np.testing.assert_allclose(centre, [640, 360])
    assert up[1] < 360
    assert up[0] == pytest.approx(640)
    assert right[0] > 640
    assert right[1] == pytest.approx(360)


def test_pitch_30_looks_down_by_30_degrees() -> None:
    axis = world_from_camera(30.0)[:3, :3] @ [0.0, 0.0, 1.0]
    np.testing.assert_allclose(axis, [0.0, -0.5, -np.sqrt(0.75)], atol=1e-12)


def test_roll_turns_the_camera_clockwise_and_the_picture_counter_clockwise() -> None:
    right = world_from_camera(0.0, 20.0)[:3, :3] @ [1.0, 0.0, 0.0]
    np.testing.assert_allclose(right, [np.cos(np.radians(20)), -np.sin(np.radians(20)), 0.0], atol=1e-12)
    top = level_camera(roll=20.0).project(np.array([0.0, 1.0, -4.0]))
    assert top[0] < 640
    assert top[1] < 360


def test_roll_keeps_the_direction_of_view() -> None:
    tilted, rolled = world_from_camera(25.0, 0.0), world_from_camera(25.0, 13.0)
    np.testing.assert_allclose(rolled[:3, 2], tilted[:3, 2], atol=1e-12)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_pitch_and_roll_make_a_proper_rotation(pitch: float, roll: float) -> None:
    R = world_from_camera(pitch, roll)[:3, :3]
    np.testing.assert_allclose(R.T @ R, np.eye(3), atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1.0)


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (720, 720)])
def test_the_field_of_view_spans_the_longer_side(size: tuple[int, int]) -> None:
    camera = Camera(intrinsics_from_fov(60.0, size), world_from_camera(), size)
    width, height = size
    far, near = ([width, height / 2], [0, height / 2]) if width >= height else ([width / 2, height], [width / 2, 0])
    a, b = camera.rays(np.array([far, near], float))
    assert np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))) == pytest.approx(60.0)


def test_turning_the_phone_keeps_the_lens() -> None:
    upright, lying = intrinsics_from_fov(55.0, (1080, 1920)), intrinsics_from_fov(55.0, (1920, 1080))
    assert upright[0, 0] == upright[1, 1] == lying[0, 0] == lying[1, 1]


@pytest.mark.parametrize(
    ("K", "T", "message"),
    [
        (np.eye(4), np.eye(4), "expected K"),
        (np.eye(3), np.eye(3), "expected K"),
        (np.diag([0.0, 1.0, 1.0]), np.eye(4), "focal"),
        (np.diag([1.0, -1.0, 1.0]), np.eye(4), "focal"),
        (np.diag([np.nan, 1.0, 1.0]), np.eye(4), "focal"),
    ],
)
def test_a_broken_camera_is_refused(K: Array, T: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Camera(K, T, SIZE)
