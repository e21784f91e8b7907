"""Error measures of keypoints in single images, with left and right of the person.

Estimates and labels are arrays (N, K, 2) in pixels of N images. A label that is NaN is left out; an estimate that is
NaN was not found and counts as wrong.
"""

from __future__ import annotations

import numpy as np

from mocap.model.keypoints import KeypointLayout
from mocap.model.rotation import Array, Flags

LARGEST_THRESHOLD = 0.2  # of the torso: upper limit of the area under the curve


def torso_diameters(truth: Array, layout: KeypointLayout) -> Array:
    """Pixels (N,): the longer diagonal of the torso, from a shoulder to the hip of the other side."""
    diagonals = [
        np.linalg.norm(truth[:, layout.index(f"{side}_shoulder")] - truth[:, layout.index(f"{other}_hip")], axis=-1)
        for side, other in (("left", "right"), ("right", "left"))
    ]
    return np.asarray(np.fmax(*diagonals))


def errors_in_torsos(points: Array, truth: Array, torsos: Array) -> Array:
    """Errors of keypoints relative to the torso.

    Parameters
    ----------
    points, truth : (N, K, 2) pixels.
    torsos : (N,) pixels.

    Returns
    -------
    Array (N, K): infinite where a keypoint was not found, NaN where it is not labelled.
    """
    distances = np.linalg.norm(points - truth, axis=-1) / torsos[:, None]
    distances[np.isnan(points).any(axis=-1)] = np.inf
    distances[np.isnan(truth).any(axis=-1)] = np.nan
    return np.asarray(distances)


def pck(errors: Array, threshold: float) -> Array:
    """PCK: percentage (K,) of labelled keypoints whose error (N, K), in torsos, is below the threshold.

    PCK of Yang and Ramanan (2013) with the torso as its length, which is the PDJ of Sapp and Taskar (2013).
    """
    return _percent(errors < threshold, ~np.isnan(errors))


def auc(errors: Array) -> Array:
    """AUC: the mean (K,) of ``pck`` over all thresholds from 0 to 0.2, in percent, computed exactly."""
    return _percent(np.maximum(1 - errors / LARGEST_THRESHOLD, 0), ~np.isnan(errors))


def limbs_correct(ends: Array, truth: Array, *, fraction: float = 0.5) -> Array:
    """Strict PCP: percentage of limbs of which both ends are correct.

    Parameters
    ----------
    ends, truth : (N, L, 2, 2) pixels of L limbs with two ends each.
    fraction : of the limb's labelled length within which an end is correct.

    Returns
    -------
    Array (L,), percent.

    Notes
    -----
    Ferrari et al. (2008), in the strict form of Pishchulin et al. (2012).
    """
    lengths = np.linalg.norm(truth[..., 0, :] - truth[..., 1, :], axis=-1)
    distances = np.linalg.norm(ends - truth, axis=-1)
    return _percent(np.all(distances <= fraction * lengths[..., None], axis=-1), np.isfinite(lengths))


def _percent(values: Array | Flags, counted: Flags) -> Array:
    totals = counted.sum(axis=0)
    sums = np.where(counted, values, 0).sum(axis=0)
    return np.asarray(100 * np.divide(sums, totals, out=np.full(len(totals), np.nan), where=totals > 0))
