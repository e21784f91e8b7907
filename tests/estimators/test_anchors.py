"""Anchors and the merging of boxes."""

from __future__ import annotations

import numpy as np
import pytest

from mocap.estimate.anchors import anchor_centers, decode, merge_overlapping


def raw(anchor: int, logit: float, values: list[float]) -> tuple[np.ndarray, np.ndarray]:
    boxes, logits = np.zeros((2254, 12), np.float32), np.full(2254, -200.0, np.float32)
    boxes[anchor], logits[anchor] = values, logit
    return boxes, logits


def person(x: float, y: float, side: float) -> np.ndarray:
    return np.array([[x, y], [x + side, y + side], [x, y], [x, y], [x, y], [x, y]])


def test_the_anchors_cover_the_image_level_by_level() -> None:
    centers = anchor_centers()
    assert centers.shape == (2254, 2)
    np.testing.assert_allclose(centers[0], [4 / 224, 4 / 224])
    np.testing.assert_allclose(centers[2], [12 / 224, 4 / 224])  # two anchors a cell, then one cell to the right
    np.testing.assert_allclose(centers[-1], [208 / 224, 208 / 224])
    np.testing.assert_allclose(centers.mean(axis=0), [0.5, 0.5])


def test_a_box_is_decoded_around_its_anchor() -> None:
    values = [22.4, 0, 44.8, 89.6, 0, 0, 22.4, 22.4, 0, 0, 0, 0]
    scores, points = decode(*raw(0, 0.0, values), threshold=0.5)
    center = anchor_centers()[0]
    np.testing.assert_allclose(scores, [0.5])
    np.testing.assert_allclose(points[0, 0], center + np.array([0.0, -0.2]), atol=1e-7)
    np.testing.assert_allclose(points[0, 1], center + np.array([0.2, 0.2]), atol=1e-7)
    np.testing.assert_allclose(points[0, 3], center + 0.1, atol=1e-7)


def test_scores_below_the_threshold_are_dropped() -> None:
    scores, points = decode(*raw(7, -0.1, [0.0] * 12), threshold=0.5)
    assert len(scores) == len(points) == 0


def test_overlapping_boxes_are_one_person_averaged_by_score() -> None:
    scores = np.array([0.5, 0.75, 0.6])
    points = np.stack([person(0.0, 0, 1), person(0.1, 0, 1), person(5, 5, 1)])
    merged_scores, merged = merge_overlapping(scores, points, overlap=0.3)
    np.testing.assert_allclose(merged_scores, [0.75, 0.6])
    assert merged[0, 0, 0] == pytest.approx(0.1 * 0.75 / 1.25)
    np.testing.assert_allclose(merged[1], person(5, 5, 1))


def test_boxes_that_barely_touch_stay_two_people() -> None:
    merged_scores, _ = merge_overlapping(
        np.array([0.9, 0.8]), np.stack([person(0, 0, 1), person(0.6, 0, 1)]), overlap=0.3
    )
    assert len(merged_scores) == 2


def test_a_box_without_area_is_still_one_entry() -> None:
    merged_scores, _ = merge_overlapping(np.array([0.9]), person(0.2, 0.2, 0.0)[None], overlap=0.3)
    assert merged_scores.tolist() == [0.9]


def test_nothing_found_is_an_empty_list_of_points() -> None:
    scores, points = merge_overlapping(np.empty(0), np.empty((0, 6, 2)), overlap=0.3)
    assert scores.shape == (0,)
    assert points.shape == (0, 6, 2)
