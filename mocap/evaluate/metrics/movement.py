"""Measures over time: acceleration, jitter, path of the root. All depend on the frame rate, so resample first."""

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
    """Acceleration error: mean length of the difference between accelerations (second difference × fps²).

    Parameters
    ----------
    points, reference : (T, P, 3) metres, in the same axes. A missing point (NaN) leaves out the three frames around it.
    fps : frames per second.

    Returns
    -------
    m/s²; NaN if no frame has an acceleration.
    """
    return _mean_length(np.diff(points - reference, 2, axis=0) * fps**2)


def jitter(points: Array, fps: float) -> float:
    """Jitter: mean length of the third derivative (third difference × fps³) of positions.

    Parameters
    ----------
    points : (T, P, 3) metres.
    fps : frames per second.

    Returns
    -------
    In units of 10 m/s³; NaN if no frame has one.

    Notes
    -----
    Convention: white noise of 1 mm in each axis at 30 fps gives 19.3.
    """
    return _mean_length(np.diff(points, 3, axis=0) * fps**3) / 10


def path_length_m(path: Array) -> float:
    """Length in metres of a path (T, 3); steps from and to missing positions are left out."""
    return float(np.nansum(np.linalg.norm(np.diff(path, axis=0), axis=-1)))


def root_path_error_percent(path: Array, reference: Array) -> float:
    """Root translation error: mean distance of two paths (T, 3), in percent of the length of the reference's path.

    The paths are aligned by one rigid transform for the whole clip. Infinite where the reference does not move. The
    name is from Shin et al., "WHAM" (2024).
    """
    length = path_length_m(reference)
    return 0.1 * pose.world_mpjpe_mm(path[:, None], reference[:, None]) / length if length > 0 else np.inf


def _mean_length(vectors: Array) -> float:
    lengths = np.linalg.norm(vectors, axis=-1)
    known = np.isfinite(lengths)
    return float(lengths[known].mean()) if known.any() else np.nan
