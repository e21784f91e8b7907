"""Depth: image points and a network's own 3D, put under a camera."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import keypoints_of, network_guess, picture_of, walking_motion

from mocap.model.camera import Camera, intrinsics_from_fov, world_from_camera
from mocap.model.errors import MocapError
from mocap.solve.lift import rays


def camera_in_front(pitch_degrees: float = 0.0, distance_m: float = 4.0, aside_m: float = 0.0) -> Camera:
    T = world_from_camera(pitch_degrees)
    T[:3, 3] = (aside_m, 1.2 + distance_m * np.sin(np.radians(pitch_degrees)), distance_m)
    return Camera(intrinsics_from_fov(55, (1080, 1920)), T, (1080, 1920))


@pytest.mark.parametrize("aside_m", [0.0, 1.0])
@pytest.mark.parametrize("pitch", [0.0, 15.0])
def test_perfect_keypoints_come_back_where_they_were(pitch, aside_m):
    points, camera = keypoints_of(walking_motion()), camera_in_front(pitch, aside_m=aside_m)
    image = picture_of(points, camera)
    lifted = rays.NetworkDepth().lift(image, network_guess(points, camera), camera).points
    error = np.linalg.norm(camera.to_world(lifted.xyz) - points.xyz, axis=-1)
    assert error.mean() < 0.01
    assert error.max() < 0.03


def test_lifted_points_lie_on_their_rays():
    points, camera = keypoints_of(walking_motion()), camera_in_front()
    image = picture_of(points, camera)
    lifted = rays.NetworkDepth().lift(image, network_guess(points, camera), camera).points
    np.testing.assert_allclose(camera.project(camera.to_world(lifted.xyz)), image.xy, atol=1e-6)


@pytest.mark.parametrize("own_fraction", [0.0, 0.5, 1.0])
def test_a_wrong_image_point_counts_as_far_as_the_body_is_not_believed(own_fraction):
    points, camera = keypoints_of(walking_motion()), camera_in_front()
    body = camera.to_camera(points.xyz)
    image = picture_of(points, camera)
    wrist = image.layout.index("left_wrist")
    shifted = image.xy.copy()
    shifted[:, wrist, 0] += 60.0
    lifted = rays.on_rays(
        replace(image, xy=shifted), body - body.mean(axis=1, keepdims=True), camera, own_fraction=own_fraction
    )
    pictures = camera.project(camera.to_world(lifted.xyz))
    off = pictures[:, wrist, 0] - image.xy[:, wrist, 0]
    np.testing.assert_allclose(off, 60 * (1 - own_fraction), atol=4)  # the wrist moves the whole body a little


def test_the_translation_fit_is_exact_for_exact_points():
    body = np.random.default_rng(0).normal(size=(5, 33, 3)) * 0.4
    translation = np.array([0.3, -0.2, 4.0])
    placed = body + translation
    found = rays.fit_translation(placed / placed[..., 2:], body, np.ones((5, 33)))
    np.testing.assert_allclose(found, np.tile(translation, (5, 1)), atol=1e-6)


def test_points_grown_about_the_camera_look_the_same():
    points, camera = keypoints_of(walking_motion()), camera_in_front()
    camera = Camera(camera.K, world_from_camera(), camera.size)
    seen = (
        rays.NetworkDepth().lift(picture_of(moved(points), camera), network_guess(moved(points), camera), camera).points
    )
    twice = rays.scaled(seen, 2.0)
    np.testing.assert_allclose(
        camera.project(camera.to_world(twice.xyz)), camera.project(camera.to_world(seen.xyz)), atol=1e-6
    )


def test_points_moved_away_stay_on_their_rays():
    points, camera = keypoints_of(walking_motion()), camera_in_front()
    lifted = rays.NetworkDepth().lift(picture_of(points, camera), network_guess(points, camera), camera).points
    farther = rays.moved_away(lifted, np.linspace(0, 1, len(lifted)))
    np.testing.assert_allclose(
        farther.xyz[..., 2] - lifted.xyz[..., 2], np.linspace(0, 1, len(lifted))[:, None].repeat(33, 1)
    )
    np.testing.assert_allclose(farther.xyz / farther.xyz[..., 2:], lifted.xyz / lifted.xyz[..., 2:])


def moved(points):
    from dataclasses import replace

    return replace(points, xyz=points.xyz + np.array([0.0, -1.0, -4.0]))


def test_unseen_frames_stay_missing():
    points, camera = keypoints_of(walking_motion()), camera_in_front()
    image, guess = picture_of(points, camera), network_guess(points, camera)
    for part in (image.xy, guess.xyz, image.confidence, guess.confidence):
        part[20:40] = 0 if part.ndim == 2 else np.nan
    lifted = rays.NetworkDepth().lift(image, guess, camera).points
    assert np.isnan(lifted.xyz[20:40]).all()
    assert np.isfinite(lifted.xyz[:20]).all()


def test_a_network_without_depth_is_refused():
    points, camera = keypoints_of(walking_motion()), camera_in_front()
    with pytest.raises(MocapError, match="depth"):
        rays.NetworkDepth().lift(picture_of(points, camera), None, camera)
