"""Feet whose slide, depth and contacts are set by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mocap.evaluate import metrics

FPS = 60.0
DOWN = np.ones((120, 1), bool)


def dragged(speed_m_s: float, height_m: float = 0.0) -> np.ndarray:
    """(120, 1, 3): one point pulled along the floor, diagonally."""
    t = np.arange(120) / FPS
    return np.stack([0.6 * speed_m_s * t, np.full(120, height_m), 0.8 * speed_m_s * t], axis=-1)[:, None]


def test_a_foot_dragged_at_a_tenth_of_a_metre_a_second_slides_3_3_mm_a_frame():
    assert metrics.slide_m_s(dragged(0.1), DOWN, FPS) == pytest.approx(0.1)
    assert metrics.slide_mm_per_frame(dragged(0.1), DOWN, FPS) == pytest.approx(100 / 30)


def test_what_a_foot_does_in_the_air_is_no_slide():
    down = DOWN.copy()
    down[60:] = False
    moving = np.where(np.arange(120)[:, None, None] < 60, 0.0, dragged(5.0))
    assert metrics.slide_m_s(moving, down, FPS) == 0


def test_rising_and_sinking_is_no_slide():
    hopping = dragged(0.0)
    hopping[::2, 0, 1] = 0.1
    assert metrics.slide_m_s(hopping, DOWN, FPS) == 0


def test_without_contact_there_is_no_slide_to_speak_of():
    assert np.isnan(metrics.slide_m_s(dragged(1.0), ~DOWN, FPS))
    assert np.isnan(metrics.float_mm(dragged(1.0)[..., 1], ~DOWN))


def test_a_foot_half_the_time_in_the_floor_and_half_above_it():
    heights = np.where(np.arange(120)[:, None] < 60, -0.02, 0.01)
    assert metrics.penetration_mm(heights, DOWN) == pytest.approx(10)
    assert metrics.float_mm(heights, DOWN) == pytest.approx(5)


def test_heights_off_the_ground_do_not_count_while_the_foot_is_up():
    heights, down = np.zeros((10, 2)), np.ones((10, 2), bool)
    heights[3, 1], down[3, 1] = 0.8, False
    assert metrics.float_mm(heights, down) == 0


def test_precision_and_recall_by_hand():
    found = np.array([1, 1, 1, 0, 0, 0, 0, 1], bool)
    true = np.array([0, 1, 1, 1, 1, 0, 0, 1], bool)
    scores = metrics.contact_scores(found, true)
    assert scores.precision == 3 / 4
    assert scores.recall == 3 / 5


def test_nothing_found_has_no_precision_and_no_recall_left():
    scores = metrics.contact_scores(np.zeros(4, bool), np.ones(4, bool))
    assert np.isnan(scores.precision)
    assert scores.recall == 0
