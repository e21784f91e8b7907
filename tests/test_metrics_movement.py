"""Measures over time, on series whose value is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocap.evaluate import metrics
from mocap.model import rotation

FPS = 30.0
TIMES = np.arange(60) / FPS


def falling(g: float) -> np.ndarray:
    """(60, 1, 3) of one point under a constant acceleration downwards."""
    return np.stack([0.3 * TIMES, -0.5 * g * TIMES**2, 0 * TIMES], axis=-1)[:, None]


def test_white_noise_of_a_millimetre_at_30_fps_has_a_jitter_of_19_3():
    noise = np.random.default_rng(0).normal(0, 0.001, (20_000, 5, 3))
    assert metrics.jitter(noise, FPS) == pytest.approx(19.3, rel=0.01)


def test_steady_speed_and_steady_acceleration_have_no_jitter():
    assert metrics.jitter(falling(9.81), FPS) == pytest.approx(0, abs=1e-6)


def test_a_constant_jerk_is_its_own_jitter():
    cubic = np.stack([TIMES**3, 0 * TIMES, 0 * TIMES], axis=-1)[:, None]
    assert metrics.jitter(cubic, FPS) == pytest.approx(6 / 10)


def test_the_acceleration_error_is_the_difference_of_accelerations():
    assert metrics.acceleration_error_m_s2(falling(9.81), falling(1.62), FPS) == pytest.approx(8.19)


def test_a_figure_elsewhere_at_another_speed_has_no_acceleration_error():
    moved = falling(9.81) + np.array([3.0, 0, 0]) + TIMES[:, None, None] * np.array([0, 0, 2.0])
    assert metrics.acceleration_error_m_s2(moved, falling(9.81), FPS) == pytest.approx(0, abs=1e-6)


def test_a_missing_frame_costs_only_the_differences_that_need_it():
    holed = falling(9.81)
    holed[20] = np.nan
    assert metrics.acceleration_error_m_s2(holed, falling(1.62), FPS) == pytest.approx(8.19)
    assert metrics.jitter(holed, FPS) == pytest.approx(0, abs=1e-6)


def test_series_too_short_to_have_a_jitter_have_none():
    assert np.isnan(metrics.jitter(falling(1.0)[:3], FPS))
    assert np.isnan(metrics.acceleration_error_m_s2(falling(1.0)[:2], falling(2.0)[:2], FPS))


def test_resampling_a_line_gives_the_line_and_nothing_beyond_its_ends():
    line = falling(0.0)
    new_times = np.array([-0.1, 0.0, 0.51, 59 / 30, 2.0])
    moved = metrics.resample(line, TIMES, new_times)
    assert moved.shape == (5, 1, 3)
    np.testing.assert_allclose(moved[1:4, 0, 0], 0.3 * new_times[1:4], atol=1e-12)
    assert np.isnan(moved[[0, 4]]).all()


def circle(radius: float = 2.0) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 200)
    return np.stack([radius * np.cos(angle), 0 * angle, radius * np.sin(angle)], axis=-1)


def test_the_length_of_a_path_is_that_of_its_steps():
    assert metrics.path_length_m(circle()) == pytest.approx(4 * np.pi, rel=1e-3)


def test_a_circle_that_is_a_tenth_too_small_is_off_by_a_tenth_of_its_radius():
    percent = metrics.root_path_error_percent(0.9 * circle(), circle())
    assert percent == pytest.approx(100 * 0.2 / (4 * np.pi), rel=0.01)


@given(angle=st.floats(-3, 3), x=st.floats(-4, 4))
def test_where_a_path_begins_and_heads_does_not_matter(angle, x):
    turn = rotation.rotvec_to_wxyz(np.array([0, angle, 0]))
    moved = rotation.rotate(turn, circle()) + np.array([x, 0, 1])
    assert metrics.root_path_error_percent(moved, circle()) == pytest.approx(0, abs=1e-6)


def test_a_reference_that_stands_still_has_no_length_to_compare_with():
    assert metrics.root_path_error_percent(circle(), 0 * circle()) == np.inf
