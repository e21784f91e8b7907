"""PCK, AUC and PCP of points that are off by known parts of the torso."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocap.evaluate import metrics
from mocap.model.keypoints import COCO_17, LSP_14


def person() -> np.ndarray:
    """(1, 14, 2) with a torso 100 pixels long on its longer diagonal, the rest somewhere."""
    points = np.random.default_rng(0).uniform(0, 200, (1, 14, 2))
    for name, place in {
        "left_shoulder": (60, 0),
        "right_shoulder": (0, 0),
        "left_hip": (60, 80),
        "right_hip": (20, 80),
    }.items():
        points[0, LSP_14.index(name)] = place
    return points


def off(pixels: float, *names: str) -> np.ndarray:
    points = person()
    for name in names:
        points[0, LSP_14.index(name), 0] += pixels
    return points


def errors(points: np.ndarray) -> np.ndarray:
    return metrics.errors_in_torsos(points, person(), metrics.torso_diameters(person(), LSP_14))


def test_the_torso_is_the_longer_of_its_diagonals_in_any_layout():
    assert metrics.torso_diameters(person(), LSP_14) == pytest.approx([100])
    coco = np.zeros((1, 17, 2))
    coco[0, COCO_17.index("left_shoulder")] = (30, 40)
    assert metrics.torso_diameters(coco, COCO_17) == pytest.approx([50])


def test_a_point_counts_below_a_fifth_of_the_torso_and_not_above():
    near, far = errors(off(19.9, "left_wrist")), errors(off(20.1, "left_wrist"))
    assert metrics.pck(near, 0.2)[LSP_14.index("left_wrist")] == 100
    assert metrics.pck(far, 0.2)[LSP_14.index("left_wrist")] == 0
    assert metrics.pck(far, 0.2).sum() == 1300


def test_pck_is_counted_over_images():
    four = np.concatenate([errors(off(pixels, "neck")) for pixels in (0, 10, 30, 300)])
    assert metrics.pck(four, 0.2)[LSP_14.index("neck")] == 50


@pytest.mark.parametrize(("pixels", "area"), [(0, 100), (5, 75), (10, 50), (20, 0), (50, 0)])
def test_the_area_under_the_curve_is_exact(pixels, area):
    assert metrics.auc(errors(off(pixels, "right_knee")))[LSP_14.index("right_knee")] == pytest.approx(area)


def test_the_area_is_the_mean_of_pck_over_thresholds():
    measured = np.random.default_rng(1).uniform(0, 0.4, (200, 14))
    steps = np.mean([metrics.pck(measured, threshold) for threshold in np.linspace(0, 0.2, 2001)], axis=0)
    np.testing.assert_allclose(metrics.auc(measured), steps, atol=0.05)


def test_a_point_that_was_not_found_is_wrong():
    missing = person()
    missing[0, 3] = np.nan
    assert metrics.pck(errors(missing), 0.2)[3] == 0
    assert metrics.auc(errors(missing))[3] == 0


def test_a_point_that_was_not_labelled_is_left_out():
    truth = np.concatenate([person(), person()])
    truth[0, 5] = np.nan
    both = np.concatenate([off(90, "left_ankle"), person()])
    measured = metrics.errors_in_torsos(both, truth, np.array([100.0, 100.0]))
    assert metrics.pck(measured, 0.2)[5] == 100
    truth[1, 5] = np.nan
    assert np.isnan(metrics.pck(metrics.errors_in_torsos(both, truth, np.array([100.0, 100.0])), 0.2)[5])


@given(scale=st.floats(0.1, 10), x=st.floats(-500, 500))
def test_errors_in_torsos_do_not_depend_on_the_size_of_the_picture(scale, x):
    points = off(13, "head_top", "left_hip")
    moved, truth = scale * points + x, scale * person() + x
    torsos = metrics.torso_diameters(truth, LSP_14)
    np.testing.assert_allclose(metrics.errors_in_torsos(moved, truth, torsos), errors(points), atol=1e-9)


@pytest.mark.parametrize(
    ("moved", "correct"), [((4.9, 4.9), 100), ((4.9, 0.0), 100), ((5.1, 0.0), 0), ((0.0, 5.1), 0), ((np.nan, 0.0), 0)]
)
def test_a_limb_is_correct_if_both_of_its_ends_are_within_half_of_its_length(moved, correct):
    truth = np.array([[[[0.0, 0.0], [10.0, 0.0]]]])
    ends = truth + np.array(moved)[:, None] * np.array([0.0, 1.0])
    assert metrics.limbs_correct(ends, truth) == [correct]
