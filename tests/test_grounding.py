"""Feet that stand hold the body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import keypoints_of, picture_of, standing

from mocap.model import kinematics, rotation
from mocap.model.camera import Camera, intrinsics_from_fov, world_from_camera
from mocap.model.keypoints import COCO_17, Keypoints3D
from mocap.solve.contact import ground, lock
from mocap.solve.contact.points import contact_points


def front_camera():
    T = world_from_camera()
    T[:3, 3] = (0.0, 1.4, 5.0)
    return Camera(intrinsics_from_fov(55, (1080, 1920)), T, (1080, 1920))


def farther(motion, camera, metres):
    """The body moved along its feet's viewing rays by metres (T,) of depth, as its picture allows."""
    feet = np.mean(list(contact_points(motion).values()), axis=0) - camera.T_world_camera[:3, 3]
    return replace(
        motion,
        root_world=motion.root_world
        + metres[:, None] * feet / camera.to_camera(feet + camera.T_world_camera[:3, 3])[:, 2:],
    )


def test_a_body_whose_feet_rest_in_the_picture_keeps_its_distance():
    motion, camera = standing(lifted_m=0.0, frames=120), front_camera()
    image = picture_of(keypoints_of(motion), camera)
    error = 0.9 * np.exp(-(((np.arange(120) - 60) / 15) ** 2))  # as when a squat looks like walking away
    correction = lock.distance_correction(farther(motion, camera, error), image, camera)
    np.testing.assert_allclose(correction - np.median(correction), -error, atol=0.05)


def test_feet_that_move_across_the_picture_hold_nothing():
    motion, camera = standing(lifted_m=0.0), front_camera()
    aside = motion.root_world + np.arange(40)[:, None] / 30 * [1.0, 0.0, 0.0]
    moving = replace(motion, root_world=aside)
    image = picture_of(keypoints_of(moving), camera)
    assert not lock.distance_correction(moving, image, camera).any()


def test_without_foot_keypoints_nothing_is_moved():
    motion, camera = standing(), front_camera()
    points = keypoints_of(motion)
    columns = [points.layout.index(name) for name in COCO_17.names]
    image = picture_of(Keypoints3D(COCO_17, points.xyz[:, columns], points.confidence[:, columns], points.fps), camera)
    assert not lock.distance_correction(motion, image, camera).any()


@pytest.mark.parametrize("guessed_heading", [0.4, 1.0])
def test_a_standing_foot_is_laid_flat_and_points_where_the_picture_shows(guessed_heading):
    motion, camera = standing(lifted_m=0.0), front_camera()
    foot = motion.skeleton.index("LeftFoot")
    turned = motion.local_wxyz.copy()
    turned[:, foot] = rotation.rotvec_to_wxyz([0.0, 0.4, 0.0])
    image = picture_of(keypoints_of(replace(motion, local_wxyz=turned)), camera)
    guess = motion.local_wxyz.copy()
    tipped = rotation.rotvec_to_wxyz([0.5, 0.0, 0.0])
    guess[:, foot] = rotation.multiply(rotation.rotvec_to_wxyz([0.0, guessed_heading, 0.0]), tipped)
    flat = lock.flatten_feet(replace(motion, local_wxyz=guess), image, camera)
    found = kinematics.world_rotations(flat.skeleton, flat.local_wxyz)[:, foot]
    assert np.degrees(rotation.angle_between(found, turned[:, foot])).max() < 1e-6


def test_standing_soles_come_down_to_the_floor():
    motion, camera = standing(lifted_m=0.1, frames=60), front_camera()
    image = picture_of(keypoints_of(motion), camera)
    drift = motion.root_world + np.linspace(0, 0.08, 60)[:, None] * [0.0, 1.0, 0.0]
    placed = ground.put_on_floor(replace(motion, root_world=drift), image, camera)
    assert np.abs(contact_points(placed)["RightToes"][:, 1]).max() < 0.005


def test_a_roof_stays_a_roof():
    motion, camera = standing(lifted_m=0.0, frames=60), front_camera()
    image = picture_of(keypoints_of(motion), camera)
    fallen = motion.root_world - np.where(np.arange(60) > 30, 2.0, 0.0)[:, None] * [0.0, 1.0, 0.0]
    placed = ground.put_on_floor(replace(motion, root_world=fallen), image, camera)
    np.testing.assert_allclose(placed.root_world, fallen, atol=1e-9)


@pytest.mark.parametrize("heading", [0.0, 1.0, 2.5])
def test_toes_under_the_floor_are_lifted_onto_it(heading):
    motion = standing(lifted_m=0.02)
    foot = motion.skeleton.index("RightFoot")
    local = motion.local_wxyz.copy()
    turned, tipped = rotation.rotvec_to_wxyz([0.0, heading, 0.0]), rotation.rotvec_to_wxyz([0.9, 0.0, 0.0])
    local[:, foot] = rotation.multiply(turned, tipped)
    sunk = replace(motion, local_wxyz=local)
    assert contact_points(sunk)["RightToes"][0, 1] < -0.08
    lifted = lock.lift_toes(sunk)
    np.testing.assert_allclose(contact_points(lifted)["RightToes"][:, 1], 0.0, atol=1e-9)
    np.testing.assert_allclose(contact_points(lifted)["LeftToes"], contact_points(sunk)["LeftToes"])
