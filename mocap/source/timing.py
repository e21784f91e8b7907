"""Resampling presentation timestamps to a constant, exact frame rate. Only arithmetic, no files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Ticks = NDArray[np.int64]  # timestamps, as integers on a container's clock
Seconds = NDArray[np.float64]

_NTSC = Fraction(1000, 1001)
STANDARD_RATES = tuple(
    sorted(
        [Fraction(rate) for rate in (5, 6, 8, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 144, 200, 240)]
        + [Fraction(rate) * _NTSC for rate in (24, 30, 48, 60, 120, 240)]
    )
)
DEFAULT_RATE = Fraction(30)  # of a single frame without a declared rate
SNAP = 1e-4  # relative; 30 and 30000/1001 are 1e-3 apart, a container's rounding of either is below 2e-5
GRID_SLACK = 0.05  # of a frame: jitter of a camera's clock below this is not a variable rate


@dataclass(frozen=True)
class Rate:
    """A constant, exact frame rate in frames per second, and whether the source has a variable one."""

    fps: Fraction
    is_variable: bool


def choose_rate(pts: Ticks, tick_s: Fraction, declared: Sequence[Fraction]) -> Rate:
    """Choose the output frame rate.

    Parameters
    ----------
    pts : array (N,)
        Sorted, distinct timestamps, in ticks.
    tick_s : Fraction
        Length of a tick in seconds.
    declared : sequence of Fraction
        Frame rates declared by the container.

    Returns
    -------
    Rate
        Constant if all timestamps lie on the grid of one rate, within a tick or a twentieth of a frame. Candidates are,
        in this order: a standard rate that the container declares, the standard rates nearest the mean, any other rate
        that the container declares (for example the mean of a clock with jitter), and the mean itself. Otherwise
        variable, with the standard rate nearest the usual interval, so that frames dropped by a phone do not lower the
        rate.
    """
    if len(pts) < 2:
        return Rate(_snapped(declared[0]) if declared else DEFAULT_RATE, False)
    times = (pts - pts[0]) * float(tick_s)
    mean = Fraction(len(pts) - 1) / (int(pts[-1] - pts[0]) * tick_s)
    candidates = list(_candidates(mean, declared))
    for slack_s in (float(tick_s), GRID_SLACK / float(mean)):
        for fps in candidates:
            if _is_on_grid(times, fps, slack_s):
                return Rate(fps, False)
    return Rate(_nearest_standard(_usual_rate(times)), True)


def _candidates(mean: Fraction, declared: Sequence[Fraction]) -> Iterator[Fraction]:
    snapped = [_snapped(rate) for rate in declared]
    yield from (rate for rate in snapped if rate in STANDARD_RATES)
    yield from sorted(STANDARD_RATES, key=lambda rate: abs(rate - mean))[:3]
    yield from (rate for rate in snapped if rate not in STANDARD_RATES)
    yield from (mean.limit_denominator(limit) for limit in (1, 2, 1001, 100_000))


def _snapped(rate: Fraction) -> Fraction:
    standard = _nearest_standard(float(rate))
    return standard if abs(rate / standard - 1) < SNAP else rate.limit_denominator(100_000)


def _nearest_standard(rate: float) -> Fraction:
    return min(STANDARD_RATES, key=lambda standard: abs(float(standard) / rate - 1))


def _is_on_grid(times: Seconds, fps: Fraction, slack_s: float) -> bool:
    if fps <= 0:
        return False
    departure = times - np.arange(len(times)) / float(fps)
    return bool(np.ptp(departure) <= 2 * slack_s * (1 + 1e-9))


def _usual_rate(times: Seconds) -> float:
    """Rate of the mean interval near the median; the median alone is a whole number of ticks (17 ms for 60 fps)."""
    intervals = np.diff(times)
    median = np.median(intervals)
    return float(1 / np.mean(intervals[np.abs(intervals - median) <= 0.25 * median]))


def nearest_sources(pts: Ticks, tick_s: Fraction, fps: Fraction, slots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the stored frame nearest in time to each output frame.

    Parameters
    ----------
    pts : array (N,)
        Sorted timestamps of the stored frames, in ticks.
    tick_s : Fraction
        Length of a tick in seconds.
    fps : Fraction
        Output frame rate; output frame n is at n / fps seconds.
    slots : array (S,)
        Numbers of output frames.

    Returns
    -------
    array (S,)
        Index into ``pts``; of two equally near frames the earlier one.

    Notes
    -----
    The nearest frame is at most half an interval away. Repeating the earlier frame would be late by up to a whole one.
    """
    if len(pts) < 2:
        return np.zeros(len(slots), np.int64)
    times = (pts - pts[0]) * float(tick_s)
    middles = (times[1:] + times[:-1]) / 2
    wanted = slots * (fps.denominator / fps.numerator)
    return np.searchsorted(middles, wanted - 1e-9, side="left").astype(np.int64)
