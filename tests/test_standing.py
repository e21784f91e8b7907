"""Which points of the feet stand, and how the ground lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import keypoints_of, picture_of, squatting_motion

from mocap.model.camera import Camera, intrinsics_from_fov, world_from_camera
from mocap.model.motion import Motion
from mocap.solve.contact import lock
from mocap.solve.contact.detection import Observed, detect_contacts
from mocap.solve.contact.ground import ground_heights, ground_normal


def front_camera() -> Camera:
    T = world_from_camera(10.0)
    T[:3, 3] = (0.0, 1.4, 5.0)
    return Camera(intrinsics_from_fov(55, (1080, 1920)), T, (1080, 1920))


def stands_of(motion: Motion, judged: np.ndarray | None) -> np.ndarray:
    camera = front_camera()
    return detect_contacts(Observed(motion, picture_of(keypoints_of(motion), camera), camera, judged))


def test_feet_that_rest_stand() -> None:
    assert stands_of(squatting_motion(60), np.full((60, 4), 0.9)).all()


def test_a_foot_that_crosses_the_picture_does_not_stand_whatever_the_lifter_says() -> None:
    motion = squatting_motion(60)
    walked = replace(motion, root_world=motion.root_world + np.linspace(0, 2.0, 60)[:, None] * [1.0, 0.0, 0.0])
    assert not stands_of(walked, np.full((60, 4), 0.99)).any()


@pytest.mark.parametrize("rise_m", [0.2, 0.4, 0.8])
def test_at_the_top_of_a_leap_nobody_stands(rise_m) -> None:
    """There feet rest in the picture for a moment, which would make another level of the ground."""
    motion, seconds = squatting_motion(60), np.arange(60) / 30 - 1
    height = np.maximum(0.0, rise_m - 0.5 * 9.81 * seconds**2)
    still = replace(
        motion,
        root_world=motion.root_world[:1] + np.zeros((60, 1)),
        local_wxyz=motion.local_wxyz[:1] + np.zeros((60, 1, 1)),
    )
    leap = replace(still, root_world=still.root_world + height[:, None] * [0.0, 1.0, 0.0])
    stands = stands_of(leap, np.full((60, 4), 0.9))
    assert not stands[height > 0.05].any()
    assert stands[:15].all()
    assert stands[-15:].all()


def test_without_a_lifter_s_word_a_foot_must_rest_in_space_too() -> None:
    motion = squatting_motion(60)
    lens = front_camera().T_world_camera[:3, 3]
    feet = motion.root_world * [1.0, 0.0, 1.0]
    nearer = replace(motion, root_world=motion.root_world + np.linspace(0, 0.5, 60)[:, None] * (lens - feet))
    assert stands_of(motion, None).all()
    assert not stands_of(nearer, None).any()


def test_short_pauses_are_bridged_and_short_stands_are_noise() -> None:
    motion, judged = squatting_motion(60), np.full((60, 4), 0.9)
    away = np.where(np.isin(np.arange(60), [30]), 0.03, 0.0)[:, None] * [1.0, 0.0, 0.0]
    assert stands_of(replace(motion, root_world=motion.root_world + away), judged).all()


def test_feet_are_taken_hold_of_gently() -> None:
    flags = np.zeros((60, 4), dtype=bool)
    flags[20:40] = True
    firm = lock.lock_weights(flags, 30.0)[:, 0]
    assert firm[:20].max() == firm[40:].max() == 0
    assert 0 < firm[20] < firm[22] < firm[30] == 1
    assert np.all(firm[20:40] > 0)


def test_a_runner_s_short_stands_are_held_in_their_middle() -> None:
    flags = np.zeros((60, 4), dtype=bool)
    flags[20:24, 0] = flags[20:23, 1] = True
    firm = lock.lock_weights(flags, 30.0)
    np.testing.assert_allclose(firm[19:25, 0], [0, 0.5, 1, 1, 0.5, 0])
    np.testing.assert_allclose(firm[19:24, 1], [0, 0.5, 1, 0.5, 0])


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.05, -0.1)])
def test_the_ground_is_the_plane_through_the_stands(slope) -> None:
    random = np.random.default_rng(4)
    flat = random.uniform(-3, 3, (200, 2))
    places = np.column_stack([flat[:, 0], flat @ slope + random.normal(0, 0.01, 200), flat[:, 1]])
    places[:20, 1] += 2.0  # a roof
    normal = ground_normal(places)
    expected = np.array([-slope[0], 1.0, -slope[1]]) / np.sqrt(1 + slope[0] ** 2 + slope[1] ** 2)
    assert np.degrees(np.arccos(normal @ expected)) < 0.3


def test_without_stands_up_is_as_the_lifter_says() -> None:
    np.testing.assert_allclose(ground_normal(np.empty((0, 3))), [0.0, 1.0, 0.0])


def test_a_lawn_below_the_floor_is_ground_too() -> None:
    motion = squatting_motion(60)
    height = np.where(np.arange(60) < 30, 0.02, -1.7)
    moved = replace(motion, root_world=motion.root_world + height[:, None] * [0.0, 1.0, 0.0])
    ground = ground_heights(moved, np.ones((60, 4), dtype=bool))
    np.testing.assert_array_equal(ground[:30], 0.0)
    np.testing.assert_allclose(ground[30:], -1.7, atol=0.01)


def test_a_moment_s_stand_under_the_floor_makes_no_lawn() -> None:
    motion = squatting_motion(60)
    height = np.where(np.arange(60) < 58, 0.02, -0.5)
    moved = replace(motion, root_world=motion.root_world + height[:, None] * [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(ground_heights(moved, np.ones((60, 4), dtype=bool)), 0.0)


def test_under_a_flying_body_lies_the_floor() -> None:
    """So that the fit does not let a foot that comes down go through it."""
    motion = squatting_motion(10)
    flying = replace(motion, root_world=motion.root_world + np.array([0.0, 1.0, 0.0]))
    np.testing.assert_array_equal(ground_heights(flying, np.zeros((10, 4), dtype=bool)), 0.0)


def test_ground_under_a_stand_between_two_levels_is_not_known() -> None:
    motion = squatting_motion(60)
    height = np.where(np.arange(60) < 50, 1.0, 0.5)
    moved = replace(motion, root_world=motion.root_world + height[:, None] * [0.0, 1.0, 0.0])
    ground = ground_heights(moved, np.ones((60, 4), dtype=bool))
    np.testing.assert_allclose(ground[:50], 1.0, atol=0.01)
    assert np.isnan(ground[50:]).all()


def test_far_under_the_floor_is_under_it_where_nobody_stands_lower() -> None:
    motion = squatting_motion(10)
    sunk = replace(motion, root_world=motion.root_world - np.array([0.0, 0.6, 0.0]))
    np.testing.assert_array_equal(ground_heights(sunk, np.zeros((10, 4), dtype=bool)), 0.0)
