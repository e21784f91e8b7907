"""Cleaning of time series: outliers, gaps, low-pass filters. Constants are in seconds and hertz, never in frames.

Every series has time on axis 0; NaN means missing. Filters are functions ``(values, fps, *, cutoff_hz)`` whose −3 dB
point is at ``cutoff_hz``, so that the number means the same for every filter.

SciPy is imported where it is used: its signal module takes half a second, for which the first frame should not wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from mocap.model.errors import MocapError, unknown_name
from mocap.model.rotation import Array, Flags
from mocap.solve.settings import CUTOFFS_HZ, DEFAULT_CUTOFF_HZ

MAX_GAP_S = 0.3  # longer gaps look invented
HAMPEL_HALF_WINDOW_S = 0.1
HAMPEL_SIGMAS = 4.0
MAD_TO_SIGMA = 1.4826  # of a normal distribution

Filter = Callable[..., Array]


def is_outlier(points: Array, fps: float, *, floor: float | Array) -> Array:
    """Hampel filter: find points that jump away from their neighbours in time.

    Parameters
    ----------
    points : (T, ..., D), any unit.
    fps : frames per second.
    floor : noise of a good point, in the same unit; broadcasts against (T, ...). A point within it is no outlier.

    Returns
    -------
    Flags (T, ...).

    Notes
    -----
    A point is an outlier where its distance from the median of a sliding window is more than four robust standard
    deviations (Hampel 1974; Pearson 2002).
    """
    half = max(1, round(HAMPEL_HALF_WINDOW_S * fps))
    padding = [(half, half)] + [(0, 0)] * (points.ndim - 1)
    padded = np.pad(points, padding, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    centre = _nanmedian(windows)
    spread = MAD_TO_SIGMA * _nanmedian(np.linalg.norm(windows - centre[..., None], axis=-2))
    distance = np.linalg.norm(points - centre, axis=-1)
    return np.asarray(distance > np.maximum(HAMPEL_SIGMAS * spread, floor))  # NaN compares as False


def _nanmedian(windows: Array) -> Array:
    """Median along the last axis, ignoring NaN; NaN where nothing is left (without NumPy's warning)."""
    ordered = np.sort(windows, axis=-1)  # NaN goes last
    count = np.sum(np.isfinite(ordered), axis=-1)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0)[..., None] // 2, axis=-1)[..., 0]
    high = np.take_along_axis(ordered, (np.maximum(count, 1) // 2)[..., None], axis=-1)[..., 0]
    return np.where(count % 2 == 1, low, 0.5 * (low + high))


def fill_gaps(values: Array, fps: float, *, max_gap_s: float = MAX_GAP_S, cuts: Sequence[int] = ()) -> Array:
    """Fill short gaps by monotone cubic interpolation (PCHIP).

    Parameters
    ----------
    values : (T, ...), NaN = missing.
    fps : frames per second.
    max_gap_s : longest gap that is filled, seconds.
    cuts : frames with which a new scene begins.

    Returns
    -------
    Array (T, ...). Longer gaps, gaps at either end and gaps across a cut stay NaN.

    Notes
    -----
    Fritsch & Carlson 1980: the curve does not overshoot.
    """
    filled = np.array(values, float)
    flat = filled.reshape(len(filled), -1)
    limit = round(max_gap_s * fps)
    bounds = [0, *cuts, len(flat)]
    for start, end in pairwise(bounds):
        _fill_segment(flat[start:end], limit)
    return flat.reshape(values.shape)


def _fill_segment(flat: Array, limit: int) -> None:
    from scipy import interpolate

    missing = np.isnan(flat)
    for column in np.flatnonzero(missing.any(axis=0) & ~missing.all(axis=0)):
        known = np.flatnonzero(~missing[:, column])
        if len(known) < 2:
            continue
        gaps = [(a + 1, b) for a, b in pairwise(known) if 1 < b - a <= limit + 1]
        if gaps:
            curve = interpolate.PchipInterpolator(known, flat[known, column])
            for start, end in gaps:
                flat[start:end, column] = curve(np.arange(start, end))


def hold_nearest(values: Array) -> Array:
    """Replace every missing value of (T, ...) by the nearest known one of its column, the earlier of two equally near.

    A column without any known value stays NaN.
    """
    flat = np.array(values, float).reshape(len(values), -1)
    frames = np.arange(len(flat))
    for column in np.flatnonzero(np.isnan(flat).any(axis=0)):
        known = np.flatnonzero(np.isfinite(flat[:, column]))
        if len(known):
            after = np.searchsorted(known, frames).clip(0, len(known) - 1)
            before = (after - 1).clip(0)
            earlier = np.abs(known[before] - frames) <= np.abs(known[after] - frames)
            flat[:, column] = flat[np.where(earlier, known[before], known[after]), column]
    return flat.reshape(values.shape)


def runs(mask: Array | Flags) -> Iterator[tuple[int, int]]:
    """Spans [start, end) of consecutive true values in booleans (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(mask, int), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist())


def low_pass(
    values: Array,
    fps: float,
    *,
    name: str = "butterworth",
    cutoff_hz: float = DEFAULT_CUTOFF_HZ,
    cuts: Sequence[int] = (),
) -> Array:
    """Low-pass filter along time; every span without gaps and cuts is filtered alone.

    Parameters
    ----------
    values : (T, ...), NaN = missing.
    fps : frames per second.
    name : a key of FILTERS.
    cutoff_hz : frequency of the −3 dB point.
    cuts : frames with which a new scene begins.

    Returns
    -------
    Array (T, ...); NaN stays NaN.

    Raises
    ------
    MocapError
        For an unknown filter or a cut-off outside CUTOFFS_HZ.
    """
    check_filter(name, cutoff_hz)
    filtered = np.array(values, float)
    flat = filtered.reshape(len(filtered), -1)
    bounds = [0, *cuts, len(flat)]
    for start, end in pairwise(bounds):
        _filter_segment(flat[start:end], fps, FILTERS[name], cutoff_hz)
    return flat.reshape(values.shape)


def check_filter(name: str, cutoff_hz: float) -> None:
    """Raise MocapError for an unknown filter or a cut-off outside CUTOFFS_HZ."""
    if name not in FILTERS:
        raise unknown_name("filter", name, sorted(FILTERS))
    low, high = CUTOFFS_HZ
    if not low <= cutoff_hz <= high:
        raise MocapError(f"--cutoff must lie between {low:g} and {high:g} Hz, not {cutoff_hz:g}")


def _filter_segment(flat: Array, fps: float, function: Filter, cutoff_hz: float) -> None:
    columns_by_mask: dict[bytes, list[int]] = {}
    known = np.isfinite(flat)
    for column in range(flat.shape[1]):
        columns_by_mask.setdefault(known[:, column].tobytes(), []).append(column)
    for columns in columns_by_mask.values():
        for start, end in runs(known[:, columns[0]]):
            flat[start:end, columns] = function(flat[start:end, columns], fps, cutoff_hz=cutoff_hz)


def butterworth(values: Array, fps: float, *, cutoff_hz: float) -> Array:
    """Zero-lag Butterworth filter of 4th order: one of 2nd order, run forwards and backwards.

    The cut-off of a single pass is 1 / (√2 − 1)^¼ higher, in the pre-warped frequency, so that both passes together
    have −3 dB at ``cutoff_hz`` (Winter, "Biomechanics and Motor Control of Human Movement", ch. 3). At or above the
    Nyquist frequency nothing is filtered.
    """
    if cutoff_hz >= fps / 2 or len(values) < 3:
        return values
    design_hz = fps / np.pi * np.arctan(np.tan(np.pi * cutoff_hz / fps) / (np.sqrt(2.0) - 1.0) ** 0.25)
    from scipy import signal

    sections = signal.butter(2, design_hz, fs=fps, output="sos")
    # odd reflection over three periods of the cut-off: a straight line stays straight at its ends
    padding = min(len(values) - 1, int(np.ceil(3 * fps / cutoff_hz)))
    return np.asarray(signal.sosfiltfilt(sections, values, axis=0, padtype="odd", padlen=padding))


def savgol(values: Array, fps: float, *, cutoff_hz: float) -> Array:
    """Savitzky-Golay filter (1964): local cubics in the window whose response at ``cutoff_hz`` is nearest to −3 dB.

    A window is a whole number of frames, so a cut-off above a sixth of the frame rate is only approximate.
    """
    order, omega = 3, 2 * np.pi * cutoff_hz / fps
    halves = range(2, max(3, min(len(values), int(np.ceil(2 * fps / cutoff_hz)))))
    half = min(halves, key=lambda m: abs(_savgol_response(m, order, omega) - np.sqrt(0.5)))
    length = min(2 * half + 1, len(values) - (1 - len(values) % 2))
    if length <= order + 1:
        return values
    from scipy import signal

    return np.asarray(signal.savgol_filter(values, length, order, axis=0, mode="interp"))


def _savgol_response(half: int, order: int, omega: float) -> float:
    from scipy import signal

    coefficients = signal.savgol_coeffs(2 * half + 1, order)
    return float(np.abs(np.sum(coefficients * np.exp(1j * omega * np.arange(-half, half + 1)))))


def gaussian(values: Array, fps: float, *, cutoff_hz: float) -> Array:
    """Gaussian filter, σ = √(ln 2) / (2π · cutoff), since the transfer function of a Gaussian is a Gaussian."""
    from scipy import ndimage

    sigma = np.sqrt(np.log(2.0)) / (2 * np.pi * cutoff_hz) * fps
    return np.asarray(ndimage.gaussian_filter1d(values, sigma, axis=0, mode="nearest"))


def one_euro(values: Array, fps: float, *, cutoff_hz: float) -> Array:
    """The One Euro filter (Casiez, Roussel & Vogel, CHI 2012): it runs forwards only and lags behind quick motion.

    ``cutoff_hz`` is the cut-off at rest; it rises with speed, in units of the standard deviation of the whole series.
    """
    beta, derivative_cutoff_hz = 1.0, 1.0
    scale = np.maximum(np.std(values, axis=0), 1e-9)
    out = np.array(values, float)
    speed = np.zeros(values.shape[1:])
    for t in range(1, len(values)):
        speed += _smoothing_factor(derivative_cutoff_hz, fps) * ((values[t] - out[t - 1]) * fps - speed)
        out[t] += (1 - _smoothing_factor(cutoff_hz + beta * np.abs(speed) / scale, fps)) * (out[t - 1] - values[t])
    return out


def _smoothing_factor(cutoff_hz: float | Array, fps: float) -> Array:
    """Smoothing factor of a first-order low-pass filter: the weight of the new value, 0..1."""
    ratio = 2 * np.pi * np.asarray(cutoff_hz) / fps
    return np.asarray(ratio / (ratio + 1.0))


def kalman(values: Array, fps: float, *, cutoff_hz: float) -> Array:
    """Kalman filter and Rauch-Tung-Striebel smoother of a constant-velocity model (RTS 1965).

    In the steady state its transfer function is 1 / (1 + (ω/ω₀)⁴) with ω₀⁴ = q/r, which sets the ratio of process to
    measurement noise from the cut-off.
    """
    omega = 2 * np.pi * cutoff_hz / (np.sqrt(2.0) - 1.0) ** 0.25
    step = 1.0 / fps
    F = np.array([[1.0, step], [0.0, 1.0]])
    Q = omega**4 / fps * np.array([[step**3 / 3, step**2 / 2], [step**2 / 2, step]])
    states, predicted, P_all, P_predicted = _kalman_forward(values, F, Q)
    smooth = states[-1]
    out = np.array(values, float)
    out[-1] = smooth[0]
    for t in range(len(values) - 2, -1, -1):
        gain = P_all[t] @ F.T @ np.linalg.inv(P_predicted[t + 1])
        smooth = states[t] + gain @ (smooth - predicted[t + 1])
        out[t] = smooth[0]
    return out


def _kalman_forward(values: Array, F: Array, Q: Array) -> tuple[list[Array], list[Array], list[Array], list[Array]]:
    """Filtered and predicted states (2, N) and covariances (2, 2) of every frame; measurement noise is 1."""
    state = np.stack([values[0], (values[min(1, len(values) - 1)] - values[0]) / F[0, 1]])
    P = np.diag([1.0, 2.0 / F[0, 1] ** 2])
    states, predicted, P_all, P_predicted = [state], [state], [P], [P]
    for value in values[1:]:
        state, P = F @ state, F @ P @ F.T + Q
        predicted.append(state)
        P_predicted.append(P)
        gain = P[:, :1] / (P[0, 0] + 1.0)
        state, P = state + gain * (value - state[0]), P - gain @ P[:1]
        states.append(state)
        P_all.append(P)
    return states, predicted, P_all, P_predicted


def none(values: Array, fps: float, *, cutoff_hz: float) -> Array:
    """No filter: the values unchanged."""
    return values


FILTERS: dict[str, Filter] = {
    "butterworth": butterworth,
    "savgol": savgol,
    "gaussian": gaussian,
    "one_euro": one_euro,
    "kalman": kalman,
    "none": none,
}
