"""Refinement by heatmaps, against the definition written as loops."""

from __future__ import annotations

import numpy as np

from mocap.estimate.heatmaps import KERNEL, MIN_PEAK, refine


def refine_one_by_one(points: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """The definition: every cell of the window in turn."""
    refined = points.copy()
    for k, heatmap in enumerate(1 / (1 + np.exp(-heatmaps.astype(float)))):
        height, width = heatmap.shape
        column, row = int(np.floor(points[k, 0] * width)), int(np.floor(points[k, 1] * height))
        if not (0 <= column < width and 0 <= row < height):
            continue
        reach = KERNEL // 2
        cells = [
            (heatmap[r, c], c, r)
            for r in range(max(0, row - reach), min(height, row + reach + 1))
            for c in range(max(0, column - reach), min(width, column + reach + 1))
        ]
        total = sum(weight for weight, _, _ in cells)
        if max(cells)[0] >= MIN_PEAK:
            refined[k] = [
                sum(w * c for w, c, _ in cells) / total / width,
                sum(w * r for w, _, r in cells) / total / height,
            ]
    return refined


def test_refinement_is_the_centre_of_mass_of_the_window() -> None:
    random = np.random.default_rng(3)
    points = random.uniform(-0.1, 1.1, (60, 2))
    heatmaps = random.normal(-2, 2, (60, 64, 64)).astype(np.float32)
    np.testing.assert_allclose(refine(points, heatmaps), refine_one_by_one(points, heatmaps), atol=1e-12)


def test_a_single_peak_draws_the_point_to_itself() -> None:
    heatmaps = np.full((1, 64, 64), -30.0, np.float32)
    heatmaps[0, 20, 10] = 30
    np.testing.assert_allclose(refine(np.array([[0.18, 0.3]]), heatmaps), [[10 / 64, 20 / 64]], atol=1e-9)


def test_a_point_without_a_peak_near_it_stays() -> None:
    heatmaps = np.full((1, 64, 64), -1.0, np.float32)
    points = np.array([[0.4, 0.6]])
    np.testing.assert_array_equal(refine(points, heatmaps), points)


def test_a_point_outside_the_crop_stays() -> None:
    heatmaps = np.full((2, 64, 64), 30.0, np.float32)
    points = np.array([[1.2, 0.5], [0.5, -0.01]])
    np.testing.assert_array_equal(refine(points, heatmaps), points)
