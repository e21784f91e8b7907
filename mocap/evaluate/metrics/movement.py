"""Measures over time: acceleration, jitter, the path of the root. All depend on the frame rate: resample first."""

from __future__ import annotations

import numpy as np

from mocap.evaluate.metrics import pose
from mocap.model.rotation import Array


def resample(points: Array, times_s: Array, new_times_s: Array) -> Array:
    """Points (T, ...) given at ``times_s`` (T,), linearly interpolated at ``new_times_s``; NaN outside."""
    flat = points.reshape(len(points), -1)
    columns = [np.interp(new_times_s, times_s, column, left=np.nan, right=np.nan) for column in flat.T]
    return np.stack(columns, axis=-1).reshape(len(new_times_s), *points.shape[1:])


def acceleration_error_m_s2(points: Array, reference: Array, fps: float) -> float:
    """Mean length in m/s² of the difference of accelerations (second difference × fps²); NaN if no frame has any.

    points, reference: (T, P, 3) metres in the same axes; a missing one drops the three frames around it.
    """
    return _mean_length(np.diff(points - reference, 2, axis=0) * fps**2)


def jitter(points: Array, fps: float) -> float:
    """Mean length of the third difference × fps³ of (T, P, 3) metres, in units of 10 m/s³; NaN if no frame has any.

    Convention: white noise of 1 mm an axis at 30 fps gives 19.3.
    """
    return _mean_length(np.diff(points, 3, axis=0) * fps**3) / 10


def path_length_m(path: Array) -> float:
    """Length in metres of a path (T, 3), the steps to and from missing places left out."""
    return float(np.nansum(np.linalg.norm(np.diff(path, axis=0), axis=-1)))


def root_path_error_percent(path: Array, reference: Array) -> float:
    """Mean distance of paths (T, 3), after one rigid transform for the whole clip, in % of the reference's length.

    Infinite where the reference stands still. Shin et al., "WHAM" (2024) call it root translation error.
    """
    length = path_length_m(reference)
    return 0.1 * pose.world_mpjpe_mm(path[:, None], reference[:, None]) / length if length > 0 else np.inf


def _mean_length(vectors: Array) -> float:
    lengths = np.linalg.norm(vectors, axis=-1)
    known = np.isfinite(lengths)
    return float(lengths[known].mean()) if known.any() else np.nan
