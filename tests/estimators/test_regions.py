"""Oriented regions: there and back, and which way is up."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mocap.estimate.regions import crop_to_frame, cut_out, regions_around, whole_frame


def blob(center: tuple[float, float], size: tuple[int, int] = (320, 240)) -> np.ndarray:
    """A smooth bright spot at a position in pixels from the top-left corner of a (width, height) frame."""
    x, y = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    bright = 255 * np.exp(-((x - center[0]) ** 2 + (y - center[1]) ** 2) / (2 * 6.0**2))
    return np.repeat(bright[..., None], 3, axis=-1).round().astype(np.uint8)


def middle_of_brightness(image: np.ndarray) -> np.ndarray:
    weights = image[..., 0].astype(float)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    return np.array([(weights * x).sum(), (weights * y).sum()]) / weights.sum()


@given(
    st.floats(110, 210), st.floats(90, 150), st.floats(140, 400), st.floats(-3.1, 3.1), st.sampled_from([64, 128, 256])
)
def test_a_point_seen_in_a_crop_is_found_in_the_frame(x: float, y: float, side: float, turn: float, size: int) -> None:
    region = np.array([160.0, 120.0, side, turn])
    seen = middle_of_brightness(cut_out(blob((x, y)), region, size))
    back = crop_to_frame(seen[None, None] / size, region[None])[0, 0]
    assume(min(seen) > 18 and max(seen) < size - 18)  # the whole spot is in the crop
    assert np.linalg.norm(back - [x, y]) < 0.2


def test_a_region_of_the_frame_itself_is_the_frame() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(cut_out(frame, whole_frame(frame), 64), frame)


def test_outside_the_frame_is_black() -> None:
    frame = np.full((40, 80, 3), 200, np.uint8)
    square = cut_out(frame, whole_frame(frame), 80)
    assert not square[:19].any()
    assert not square[61:].any()
    assert (square[21:59] == 200).all()


@pytest.mark.parametrize(
    ("rim", "rotation"), [((100, 50), 0.0), ((150, 100), np.pi / 2), ((50, 100), -np.pi / 2), ((100, 150), np.pi)]
)
def test_a_region_is_turned_so_that_its_rim_is_at_the_top(rim: tuple[int, int], rotation: float) -> None:
    region = regions_around(np.array([[100.0, 100.0]]), np.array([rim], dtype=float), scale=1.25)
    np.testing.assert_allclose(region, [[100, 100, 125, rotation]], atol=1e-12)
    top = crop_to_frame(np.array([[[0.5, 0.1]]]), region)
    np.testing.assert_allclose(top, [[rim]], atol=1e-9)


def test_the_crop_of_a_leaning_body_stands_upright() -> None:
    frame = np.zeros((200, 200, 3), np.uint8)
    cv2.line(frame, (100, 100), (150, 50), (255, 255, 255), 7)  # leans 45 degrees clockwise
    region = regions_around(np.array([[100.5, 100.5]]), np.array([[150.5, 50.5]]), scale=1.25)[0]
    x, y = middle_of_brightness(cut_out(frame, region, 100))
    assert x == pytest.approx(50, abs=1)
    assert y < 35
