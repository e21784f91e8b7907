"""Joint errors of figures whose error is known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import walking_motion
from hypothesis import given
from hypothesis import strategies as st

from mocap.evaluate import metrics
from mocap.model import rotation

RANDOM = np.random.default_rng(3)
ALL_FIGURES = (
    metrics.mpjpe_mm,
    metrics.scaled_mpjpe_mm,
    metrics.pa_mpjpe_mm,
    metrics.world_mpjpe_mm,
    metrics.scaled_world_mpjpe_mm,
)
SCALE_FREE = (metrics.scaled_mpjpe_mm, metrics.pa_mpjpe_mm, metrics.scaled_world_mpjpe_mm)
turns = st.tuples(*[st.floats(-3, 3)] * 3).map(lambda v: rotation.rotvec_to_wxyz(np.array(v)))
shifts = st.tuples(*[st.floats(-5, 5)] * 3).map(np.array)


def walk() -> np.ndarray:
    return metrics.evaluation_points(walking_motion(frames=40))


def noisy(points: np.ndarray, metres: float = 0.03) -> np.ndarray:
    return points + np.random.default_rng(0).normal(0, metres, points.shape)


@pytest.mark.parametrize("figure", ALL_FIGURES)
@given(turn=turns, shift=shifts)
def test_a_copy_that_was_moved_rigidly_has_no_error(figure, turn, shift):
    assert figure(rotation.rotate(turn, walk()) + shift, walk()) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("figure", SCALE_FREE)
def test_a_smaller_copy_has_no_error_where_the_scale_is_free(figure):
    assert figure(0.8 * walk(), walk()) == pytest.approx(0, abs=1e-6)


def test_a_smaller_copy_has_an_error_where_the_scale_counts():
    distance_from_hips = 1000 * np.linalg.norm(metrics.about_hips(walk()), axis=-1).mean()
    assert metrics.mpjpe_mm(0.9 * walk(), walk()) == pytest.approx(0.1 * distance_from_hips, rel=1e-9)
    assert metrics.world_mpjpe_mm(0.9 * walk(), walk()) > 10


def test_the_scale_that_is_found_undoes_the_change():
    assert metrics.clip_similarity(0.8 * walk(), walk()).scale == pytest.approx(1.25)


def test_one_wrist_off_by_10_mm_is_a_fourteenth_of_that_on_the_mean():
    moved = walk()
    wrist = metrics.EVALUATION_POINTS.index("left_wrist")
    off = 0.01 * (-1.0) ** np.arange(len(moved))  # to and fro, so that no rotation can take it up
    moved[:, wrist, 1] += off
    assert metrics.mpjpe_mm(moved, walk()) == pytest.approx(10 / 14, rel=0.02)
    by_joint = 1000 * np.linalg.norm(
        metrics.residuals(moved, walk(), metrics.clip_rotation(moved, walk())), axis=-1
    ).mean(axis=0)
    assert by_joint[wrist] == pytest.approx(10, rel=0.02)
    assert np.delete(by_joint, wrist).max() < 0.2


def test_residuals_point_from_the_reference_to_the_figure():
    moved = walk()
    moved[:, metrics.EVALUATION_POINTS.index("right_knee"), 2] += 0.01
    errors = metrics.residuals(moved, walk(), metrics.Fit(np.eye(3), 1.0))
    np.testing.assert_allclose(
        errors[:, metrics.EVALUATION_POINTS.index("right_knee")], [[0, 0, 0.01]] * 40, atol=1e-12
    )


def test_a_frame_that_drifts_away_counts_in_the_world_only():
    drifting = walk() + np.linspace(0, 1, 40)[:, None, None] * np.array([1.0, 0, 0])
    assert metrics.mpjpe_mm(drifting, walk()) == pytest.approx(0, abs=1e-6)
    assert metrics.world_mpjpe_mm(drifting, walk()) > 100


def test_each_frame_turning_by_itself_counts_except_in_procrustes():
    turning = rotation.rotvec_to_wxyz(np.linspace([0, 0, 0], [0, 1.0, 0], 40))
    turned = rotation.rotate(turning[:, None], walk())
    assert metrics.pa_mpjpe_mm(turned, walk()) == pytest.approx(0, abs=1e-6)
    assert metrics.mpjpe_mm(turned, walk()) > 30


def test_a_mirrored_figure_is_not_taken_for_a_good_one():
    assert metrics.pa_mpjpe_mm(walk() * [-1, 1, 1], walk()) > 20


@pytest.mark.parametrize("figure", ALL_FIGURES)
@given(turn=turns, shift=shifts)
def test_errors_do_not_depend_on_how_the_world_is_turned(figure, turn, shift):
    reference = noisy(walk())
    same = figure(rotation.rotate(turn, walk()) + shift, rotation.rotate(turn, reference) + shift)
    assert same == pytest.approx(figure(walk(), reference), rel=1e-6)


def test_more_freedom_in_the_alignment_never_makes_the_root_mean_square_larger():
    points, reference = 0.9 * walk(), noisy(walk())
    own, scaled = (
        np.sum(metrics.residuals(points, reference, fit(points, reference)) ** 2)
        for fit in (metrics.clip_rotation, metrics.clip_similarity)
    )
    assert scaled < own


@pytest.mark.parametrize("figure", ALL_FIGURES)
def test_frames_with_a_missing_point_are_left_out(figure):
    holed = noisy(walk())
    without = figure(np.delete(holed, 7, axis=0), np.delete(walk(), 7, axis=0))
    holed[7, 3] = np.nan
    assert figure(holed, walk()) == pytest.approx(without)


@pytest.mark.parametrize("figure", ALL_FIGURES)
def test_nothing_in_common_is_an_error_and_no_number(figure):
    with pytest.raises(ValueError, match="no frame has all points"):
        figure(np.full((5, 14, 3), np.nan), walk()[:5])
    with pytest.raises(ValueError, match="one shape"):
        figure(walk()[:5], walk())
