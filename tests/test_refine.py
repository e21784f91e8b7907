"""A motion fitted to all its evidence: derivatives, known truth, feet that stay, windows that join."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from bodies import keypoints_of, picture_of, squatting_motion, walking_motion

from mocap.evaluate import metrics
from mocap.model import kinematics, rotation
from mocap.model.camera import Camera, intrinsics_from_fov, world_from_camera
from mocap.model.motion import Motion
from mocap.solve import optimise, terms
from mocap.solve.contact.points import contact_points
from mocap.solve.terms import OPTIMISED_JOINTS, TERMS, UNKNOWNS, Evidence, Posed

SIZE = (1080, 1920)


def camera_at(pitch: float = 12.0, roll: float = 4.0) -> Camera:
    T = world_from_camera(pitch, roll)
    T[:3, 3] = (0.2, 1.9, 4.5)
    return Camera(intrinsics_from_fov(55, SIZE), T, SIZE)


def evidence_of(motion: Motion, *, stands: bool = True, noise_m: float = 0.0) -> Evidence:
    """What a perfect observer says of the motion, its depth with noise."""
    camera, points = camera_at(), keypoints_of(motion)
    depth = camera.to_camera(points.xyz)[..., 2]
    depth = depth + np.random.default_rng(1).normal(0, noise_m, depth.shape)
    image = picture_of(points, camera)
    image = replace(image, confidence=np.full(image.confidence.shape, 0.9))
    held, grounds = np.full((len(motion), 4), float(stands)), np.zeros((len(motion), 4))
    return Evidence(image, depth, camera, held, grounds, np.zeros(len(motion), dtype=bool))


def disturbed(motion: Motion, radians: float, metres: float) -> Motion:
    """The motion with every joint turned and the root moved by a slow error."""
    random = np.random.default_rng(2)
    shape = (len(motion), len(motion.skeleton), 3)
    slow = np.sin(np.linspace(0, 4, len(motion)))[:, None, None] * random.normal(0, radians, (1, *shape[1:]))
    local = rotation.multiply(rotation.rotvec_to_wxyz(slow), motion.local_wxyz)
    root = motion.root_world + np.sin(np.linspace(0, 3, len(motion)))[:, None] * random.normal(0, metres, 3)
    return replace(motion, local_wxyz=rotation.make_continuous(local), root_world=root)


def error_mm(found: Motion, truth: Motion) -> float:
    apart = kinematics.joint_positions(found) - kinematics.joint_positions(truth)
    return float(1000 * np.linalg.norm(apart, axis=-1).mean())


@pytest.mark.parametrize("term", [*TERMS, terms.foot_lock], ids=lambda term: term.__name__)
def test_derivatives_are_those_of_the_residuals(term) -> None:
    motion = disturbed(walking_motion(4), 0.3, 0.2)
    evidence, random = evidence_of(walking_motion(4), noise_m=0.1), np.random.default_rng(3)
    active = [motion.skeleton.index(name) for name in OPTIMISED_JOINTS]

    def at(step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        local = motion.local_wxyz.copy()
        turns = rotation.rotvec_to_wxyz(step[:, 3:].reshape(len(step), -1, 3))
        local[:, active] = rotation.multiply(turns, local[:, active])
        answer = term(Posed(motion.skeleton, motion.root_world + step[:, :3], local), evidence)
        return answer if isinstance(answer, tuple) else (answer.residuals, answer.jacobian)

    way, small = random.normal(size=(4, UNKNOWNS)), 1e-6
    numeric = (at(small * way)[0] - at(-small * way)[0]) / (2 * small)
    analytic = np.einsum("trd,td->tr", at(0 * way)[1], way)
    np.testing.assert_allclose(numeric, analytic, rtol=1e-5, atol=1e-5 * np.abs(analytic).max())


@pytest.mark.slow
def test_a_disturbed_motion_comes_back_to_what_is_seen() -> None:
    truth = squatting_motion()
    start = disturbed(truth, 0.1, 0.1)
    fitted = optimise.optimise(start, evidence_of(truth))
    assert error_mm(start, truth) > 60
    assert error_mm(fitted, truth) < 8


@pytest.mark.slow
def test_depth_noise_is_averaged_over_time() -> None:
    truth = squatting_motion()
    fitted = optimise.optimise(disturbed(truth, 0.05, 0.05), evidence_of(truth, noise_m=0.08))
    assert error_mm(fitted, truth) < 20


@pytest.mark.slow
def test_standing_feet_neither_slide_nor_sink() -> None:
    truth = squatting_motion()
    fitted = optimise.optimise(disturbed(truth, 0.1, 0.1), evidence_of(truth))
    soles = np.stack(list(contact_points(fitted).values()), axis=1)
    down = np.ones(soles.shape[:2], dtype=bool)
    assert metrics.slide_mm_per_frame(soles, down, 30) < 0.2
    assert np.abs(soles[..., 1]).max() < 0.004


@pytest.mark.slow
def test_a_foot_that_does_not_stand_is_not_held() -> None:
    truth = squatting_motion()
    walked = replace(truth, root_world=truth.root_world + np.linspace(0, 0.5, len(truth))[:, None] * [1.0, 0.0, 0.0])
    fitted = optimise.optimise(walked, evidence_of(walked, stands=False))
    assert error_mm(fitted, walked) < 8


@pytest.mark.slow
@pytest.mark.parametrize("start_m", [-0.03, 0.0, 0.05, 0.3])
def test_feet_that_are_seen_under_the_floor_do_not_go_there(start_m) -> None:
    """Wherever the fit begins, and although nobody says that they stand."""
    truth, down = squatting_motion(40), np.array([0.0, 1.0, 0.0])
    sunk = replace(truth, root_world=truth.root_world - 0.03 * down)
    start = replace(truth, root_world=truth.root_world + start_m * down)
    fitted = optimise.optimise(start, evidence_of(sunk, stands=False))
    assert min(place[:, 1].min() for place in contact_points(fitted).values()) > -0.005


@pytest.mark.slow
def test_a_leap_that_is_hardly_seen_is_a_throw() -> None:
    """Smoothness alone would cut its top off."""
    still, seconds = squatting_motion(60), np.arange(60) / 30 - 1
    falls = np.abs(seconds) < 0.3
    pushes = ~falls & (np.abs(seconds) < 0.6)
    height = np.cumsum(np.cumsum(np.where(falls, -9.81, 0.0) + np.where(pushes, 9.81, 0.0))) / 30**2
    leap = replace(still, root_world=still.root_world + height[:, None] * [0.0, 1.0, 0.0])
    seen = replace(evidence_of(leap, stands=False), ground_heights=np.full((60, 4), np.nan))
    seen = replace(seen, image=replace(seen.image, confidence=np.full(seen.image.confidence.shape, 0.05)))

    def lost_m(falls: np.ndarray) -> float:
        fitted = optimise.optimise(leap, replace(seen, is_falling=falls))
        return float(leap.root_world[:, 1].max() - fitted.root_world[:, 1].max())

    assert abs(lost_m(falls)) < 0.005
    assert lost_m(np.zeros(60, dtype=bool)) > 0.02


@pytest.mark.slow
def test_limbs_keep_their_lengths_and_hinges_their_sense() -> None:
    truth = squatting_motion()
    fitted = optimise.optimise(disturbed(truth, 0.2, 0.1), evidence_of(truth, noise_m=0.05))
    knee = fitted.local_wxyz[:, fitted.skeleton.index("LeftLowerLeg")]
    assert rotation.wxyz_to_rotvec(knee)[:, 0].min() > np.radians(-6)
    assert fitted.skeleton is truth.skeleton


@pytest.mark.slow
def test_windows_join_without_a_step(monkeypatch) -> None:
    truth = squatting_motion(120)
    start, evidence = disturbed(truth, 0.1, 0.1), evidence_of(truth, noise_m=0.03)
    whole = optimise.optimise(start, evidence)
    monkeypatch.setattr(optimise, "WINDOW", 60)
    parts = optimise.optimise(start, evidence)
    assert error_mm(parts, whole) < 3
    steps = np.linalg.norm(np.diff(parts.root_world, axis=0), axis=-1)
    expected = np.linalg.norm(np.diff(whole.root_world, axis=0), axis=-1)
    assert (steps - expected).max() < 0.002


@pytest.mark.slow
def test_scenes_are_fitted_apart() -> None:
    truth = squatting_motion(60)
    jump = np.where(np.arange(60) < 30, 0.0, 1.0)[:, None] * [1.0, 0.0, 0.0]
    cut = replace(truth, root_world=truth.root_world + jump)
    fitted = optimise.optimise(cut, evidence_of(cut, stands=False), cuts=[30])
    assert error_mm(fitted, cut) < 8


@pytest.mark.slow
def test_the_same_motion_at_another_frame_rate_is_fitted_alike() -> None:
    errors = [
        error_mm(optimise.optimise(disturbed(truth, 0.1, 0.1), evidence_of(truth)), truth)
        for truth in (squatting_motion(90), squatting_motion(180, fps=Fraction(60)))
    ]
    assert errors[0] == pytest.approx(errors[1], abs=2)
