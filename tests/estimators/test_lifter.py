"""The lifter: the same layers in numpy as in torch, and depth and gravity of a body that is known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from bodies import keypoints_of, network_guess, picture_of, walking_motion

from mocap.evaluate.metrics.pose import mpjpe_mm
from mocap.io.weights import load_weights
from mocap.model.camera import Camera, intrinsics_from_fov, pitch_and_roll, world_from_camera
from mocap.model.keypoints import BLAZEPOSE_33, COCO_17, LSP_14, Keypoints2D
from mocap.solve.lift import DEFAULT_LIFTER, create_lifter
from mocap.solve.lift.features import FEATURES, FEET
from mocap.solve.lift.temporal import LifterNetwork, by_tap, forward
from training.lifter_network import Lifter

SIZE = (1080, 1920)


def camera_at(pitch: float = 0.0, roll: float = 0.0) -> Camera:
    """A camera 4.5 m before the walker, looking at the middle of the body."""
    T = world_from_camera(pitch, roll)
    T[:3, 3] = np.array([0.0, 0.9, 0.0]) - 4.5 * T[:3, 2]
    return Camera(intrinsics_from_fov(55, SIZE), T, SIZE)


def thinned(image: Keypoints2D, layout) -> Keypoints2D:
    """The keypoints of another layout; those BlazePose has no name for are missing."""
    xy, confidence = np.full((len(image), len(layout), 2), np.nan), np.zeros((len(image), len(layout)))
    for k, name in enumerate(layout.names):
        if name in BLAZEPOSE_33.names:
            xy[:, k], confidence[:, k] = image.xy[:, BLAZEPOSE_33.index(name)], 0.9
    return Keypoints2D(layout, xy, confidence, image.fps)


def depth_error_mm(lifted, points, camera, layout=BLAZEPOSE_33) -> float:
    """Mean distance from the truth about the hips' middle, of the keypoints that were lifted, best scale a clip."""
    names = [n for n in layout.names if n in BLAZEPOSE_33.names and n in (*LSP_14.names, *COCO_17.names)]
    seen = lifted.xyz[:, [layout.index(n) for n in names]]
    true = (points.xyz[:, [BLAZEPOSE_33.index(n) for n in names]] - camera.T_world_camera[:3, 3]) @ (
        camera.T_world_camera[:3, :3]
    )
    hips = [names.index("left_hip"), names.index("right_hip")]
    seen, true = (p - p[:, hips].mean(axis=1, keepdims=True) for p in (seen, true))
    return mpjpe_mm(seen * (np.sum(seen * true) / np.sum(seen**2)), true)


def test_numpy_answers_as_torch_does():
    features = np.random.default_rng(1).normal(size=(81, FEATURES)).astype(np.float32)
    weights = load_weights(DEFAULT_LIFTER)
    network = Lifter().eval()
    network.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
    with torch.no_grad():
        expected = network(torch.from_numpy(features)[None])[0].numpy()
    np.testing.assert_allclose(forward(features, by_tap(weights)), expected, atol=1e-4 * np.abs(expected).max())


def test_kernels_lie_in_memory_as_fast_products_need_them():
    stored = load_weights(DEFAULT_LIFTER)
    kernel = by_tap(stored)["blocks.0.layers.0.weight"]
    assert kernel.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(kernel[2].T, stored["blocks.0.layers.0.weight"][:, :, 2])


@pytest.mark.parametrize(("layout", "bound_mm"), [(BLAZEPOSE_33, 45), (COCO_17, 46), (LSP_14, 61)])
def test_a_walker_gets_depth_from_image_points_alone_in_every_layout(layout, bound_mm):
    """Measured: 38, 38 and 51 mm."""
    points, camera = keypoints_of(walking_motion()), camera_at(10)
    image = thinned(picture_of(points, camera), layout)
    lifted = create_lifter().lift(image, None, camera)
    error = depth_error_mm(lifted.points, points, camera, layout)
    assert error < bound_mm


def up_of_a_walker(pitch: float, roll: float) -> np.ndarray:
    """Up (3,) in the world as the lifter tells it of a walker before a camera that is tilted like that."""
    points, camera = keypoints_of(walking_motion()), camera_at(pitch, roll)
    lifted = create_lifter().lift(picture_of(points, camera), network_guess(points, camera), camera)
    up = camera.T_world_camera[:3, :3] @ np.median(lifted.up, axis=0)
    return np.asarray(up / np.linalg.norm(up))


@pytest.mark.parametrize(("pitch", "roll"), [(20, 0), (10, 12), (-8, -10)])
def test_a_tilt_of_the_camera_is_told_apart_from_the_walker_s_own(pitch, roll):
    """The drawn walker crouches as nobody walks, and is taken to lean: by the same angle from every camera.

    Measured: 1.0 to 2.3 degrees apart; how near real walkers come is shown in tests/training/test_lifter_data.py.
    """
    angle = np.degrees(np.arccos(up_of_a_walker(pitch, roll) @ up_of_a_walker(0, 0)))
    assert angle < 4


@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (25, 0), (-10, 13), (30, -14)])
def test_pitch_and_roll_are_read_back_from_the_direction_of_up(pitch, roll):
    up_in_camera = world_from_camera(pitch, roll)[:3, :3].T @ [0.0, 1.0, 0.0]
    assert pitch_and_roll(up_in_camera) == pytest.approx((pitch, roll), abs=1e-9)


def test_a_clip_at_another_frame_rate_is_lifted_alike():
    camera, lifter = camera_at(10), create_lifter()
    slow = keypoints_of(walking_motion(90, fps=Fraction(30)))
    fast = keypoints_of(walking_motion(180, fps=Fraction(60)))
    errors = [
        depth_error_mm(lifter.lift(picture_of(points, camera), None, camera).points, points, camera)
        for points in (slow, fast)
    ]
    assert abs(errors[0] - errors[1]) < 2


def test_lifting_twice_gives_the_same_numbers_and_one_probability_a_sole():
    camera, lifter = camera_at(), create_lifter()
    image = picture_of(keypoints_of(walking_motion()), camera)
    once, again = (lifter.lift(image, None, camera) for _ in range(2))
    assert once.points.xyz.tobytes() == again.points.xyz.tobytes()
    contacts = LifterNetwork().lift(camera.rays(image.xy)[..., :2], image.confidence, None, image.fps).contacts
    assert contacts.shape == (len(image), len(FEET))
    assert ((contacts >= 0) & (contacts <= 1)).all()


@pytest.mark.parametrize("frames", [1, 2, 30, 200])
def test_clips_of_every_length_are_lifted_in_every_frame(frames):
    camera = camera_at()
    image = picture_of(keypoints_of(walking_motion(frames)), camera)
    lifted = create_lifter().lift(image, None, camera)
    assert lifted.points.xyz.shape == (frames, 33, 3)
    assert np.isfinite(lifted.points.xyz).all()
    np.testing.assert_allclose(np.linalg.norm(lifted.up, axis=1), 1)
