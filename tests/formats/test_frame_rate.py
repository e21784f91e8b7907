"""Frame times become the exact rate that was meant."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocap.io.frame_rate import STANDARD_RATES, fps_from_frame_time


@pytest.mark.parametrize(
    ("text", "fps"),
    [
        ("0.0333667", Fraction(30000, 1001)),
        ("0.033367", Fraction(30000, 1001)),
        ("0.0334", Fraction(30000, 1001)),
        ("0.0333333", Fraction(30)),
        ("0.033333", Fraction(30)),
        ("0.0333", Fraction(30)),
        ("0.03", Fraction(30)),
        ("0.0416667", Fraction(24)),
        ("0.0417083", Fraction(24000, 1001)),
        (".0083333", Fraction(120)),
        ("0.008333", Fraction(120)),
        ("0.0167", Fraction(60)),
        ("0.016683", Fraction(60000, 1001)),
        ("0.04", Fraction(25)),
        ("4e-2", Fraction(25)),
        ("0.0285714", Fraction(35)),
        ("1", Fraction(1)),
        (str(float(np.float32(1 / 30))), Fraction(30)),
    ],
)
def test_the_rate_that_was_meant_is_found(text: str, fps: Fraction) -> None:
    assert fps_from_frame_time(text) == fps


@pytest.mark.parametrize("fps", STANDARD_RATES, ids=str)
def test_every_standard_rate_survives_ten_decimals(fps: Fraction) -> None:
    assert fps_from_frame_time(f"{float(1 / fps):.10f}") == fps


@given(st.fractions(min_value=1, max_value=300, max_denominator=20000))
def test_any_other_rate_is_kept_within_its_ten_decimals(fps: Fraction) -> None:
    found = fps_from_frame_time(f"{float(1 / fps):.10f}")
    assert abs(1 / found - 1 / fps) <= max(Fraction(2, 10**10), Fraction(4, 10**7) / fps)


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "0", "-0.04", "1e9", "1e-99999999", "1e99999999", "0,04"])
def test_what_is_no_frame_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="frame time"):
        fps_from_frame_time(text)
