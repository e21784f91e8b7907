"""Exact frame rates (fractions) from the rounded decimal frame times in files."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from fractions import Fraction

# of cameras, broadcast, game engines and capture systems; whole rates first, as a short text most likely means one
STANDARD_RATES: tuple[Fraction, ...] = (
    *(Fraction(rate) for rate in (1, 2, 5, 6, 8, 10, 12, 15, 16, 20, 24, 25, 30, 40, 48, 50, 60, 72, 75, 80, 90)),
    *(Fraction(rate) for rate in (100, 120, 144, 150, 180, 200, 240, 250, 300, 360, 480, 500, 960, 1000)),
    *(Fraction(rate * 1000, 1001) for rate in (12, 15, 24, 30, 48, 60, 120, 240)),
    Fraction(25, 2),
)
SHORTEST_S, LONGEST_S = Decimal("0.00001"), Decimal(100)
LONGEST_TEXT = 60  # characters; further digits do not change the rate
SINGLE_PRECISION = Fraction(2, 10_000_000)  # relative error of a frame time that passed through a 32-bit float


def fps_from_frame_time(text: str) -> Fraction:
    """Find the exact frame rate of a rounded frame time.

    Parameters
    ----------
    text : str
        Frame time in seconds as a decimal, such as ``"0.0333667"`` (the rate is 30000/1001).

    Returns
    -------
    Fraction
        Frames per second.

    Raises
    ------
    ValueError
        If ``text`` is not a number of seconds from 0.00001 to 100.

    Notes
    -----
    Candidates are all rates whose frame time gives ``text`` when it is rounded or truncated to as many decimals. A
    standard rate is preferred: a whole one before the others, then the nearest. If none fits, the fraction with the
    smallest denominator is returned.
    """
    try:
        seconds = Decimal(text[:LONGEST_TEXT])
    except InvalidOperation:
        raise ValueError(f"expected a frame time in seconds, got '{text[:40]}'") from None
    if not seconds.is_finite() or not SHORTEST_S <= seconds <= LONGEST_S:
        raise ValueError(f"expected a frame time from {SHORTEST_S} to {LONGEST_S} s, got '{text[:40]}'")
    low, high = _rates_written_as(seconds)
    fits = [rate for rate in STANDARD_RATES if low <= rate <= high]
    return min(fits, key=lambda rate: (rate.denominator > 1, abs(1 / rate - Fraction(seconds))), default=None) or (
        _simplest_between(low, high)
    )


def is_standard(fps: Fraction) -> bool:
    """Whether ``fps`` is one of the ``STANDARD_RATES``."""
    return fps in STANDARD_RATES


def _rates_written_as(seconds: Decimal) -> tuple[Fraction, Fraction]:
    time = Fraction(seconds)
    last_digit = Fraction(10) ** min(int(seconds.as_tuple().exponent), 0)
    slack = time * SINGLE_PRECISION
    shortest = max(time - max(last_digit / 2, slack), Fraction(SHORTEST_S) / 2)
    return 1 / (time + max(last_digit, slack)), 1 / shortest


def _simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of the smallest denominator in [low, high], both positive (a walk down the Stern–Brocot tree)."""
    whole_parts: list[int] = []
    while math.ceil(low) > high:
        whole = math.floor(low)
        whole_parts.append(whole)
        low, high = 1 / (high - whole), 1 / (low - whole)
    simplest = Fraction(math.ceil(low))
    for whole in reversed(whole_parts):
        simplest = whole + 1 / simplest
    return simplest
