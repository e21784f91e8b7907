# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing a part of a movement so that it joins what stays as it was."""

from __future__ import annotations

import numpy as np

from . import quaternions


def smooth_turns(turns: np.ndarray, start: int, end: int, sigma: float) -> np.ndarray:
    """Quaternions (T, …, 4) wxyz, those of frames [start, end) low-passed, the others as they were.

    sigma: of the Gaussian, in frames. Quaternions are averaged with one sign and brought to length 1, which for turns
    as near as neighbouring frames is their mean rotation (Markley et al. 2007). Towards the ends of the range the
    change fades to nothing.
    """
    signed = quaternions.continuous(turns)
    smoothed = _low_passed(signed, sigma)
    share = share_of(len(turns), start, end, 2 * sigma).reshape(-1, *[1] * (turns.ndim - 1))
    blended = signed + share * (smoothed - signed)
    blended = blended / np.linalg.norm(blended, axis=-1, keepdims=True)
    return _inside(turns, blended * _sign(turns, signed), start, end)


def smooth_places(places: np.ndarray, start: int, end: int, sigma: float) -> np.ndarray:
    """Places (T, …) of which frames [start, end) are low-passed in the same way."""
    share = share_of(len(places), start, end, 2 * sigma).reshape(-1, *[1] * (places.ndim - 1))
    changed = places + share * (_low_passed(places, sigma) - places)
    return _inside(places, changed, start, end)


def _low_passed(values: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian along axis 0; beyond the ends the curve goes on point-mirrored, so that lines stay lines."""
    reach = max(1, int(np.ceil(3 * sigma)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    flat = values.reshape(len(values), -1)
    padded = np.pad(flat, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd") if len(flat) > 1 else flat
    if len(flat) == 1:
        return values
    smoothed = [np.convolve(column, weights / weights.sum(), mode="valid") for column in padded.T]
    return np.stack(smoothed, axis=-1).reshape(values.shape)


def share_of(frames: int, start: int, end: int, ramp: float) -> np.ndarray:
    """How much (T,) of a change is taken: 0 outside of [start, end), 1 well inside, a step over ramp frames between."""
    t = np.arange(frames)
    inside = np.minimum(t - start + 1, end - t) / (ramp + 1)
    taken = np.clip(inside, 0, 1)
    # at the take's own ends there is nothing to join
    if start <= 0:
        taken = np.where(t < (start + end) / 2, 1.0, taken)
    if end >= frames:
        taken = np.where(t >= (start + end) / 2, 1.0, taken)
    taken = np.where((t >= start) & (t < end), taken, 0.0)
    return taken * taken * (3 - 2 * taken)


def _sign(turns: np.ndarray, signed: np.ndarray) -> np.ndarray:
    return np.where(np.sum(turns * signed, axis=-1, keepdims=True) < 0, -1.0, 1.0)


def _inside(values: np.ndarray, changed: np.ndarray, start: int, end: int) -> np.ndarray:
    out = np.array(values, dtype=float)
    out[start:end] = changed[start:end]
    return out
