"""Measures of keypoints in single images, person-centric left and right.

points, truth: (N, K, 2) pixels of N images. A truth that is NaN is not labelled and is left out; a prediction that is
NaN was not found and counts as wrong.
"""

from __future__ import annotations

import numpy as np

from mocap.model.keypoints import KeypointLayout
from mocap.model.rotation import Array, Flags

LARGEST_THRESHOLD = 0.2  # of the torso: up to where the area under the curve is taken


def torso_diameters(truth: Array, layout: KeypointLayout) -> Array:
    """Pixels (N,): the longer diagonal of the torso, from a shoulder to the hip of the other side."""
    diagonals = [
        np.linalg.norm(truth[:, layout.index(f"{side}_shoulder")] - truth[:, layout.index(f"{other}_hip")], axis=-1)
        for side, other in (("left", "right"), ("right", "left"))
    ]
    return np.asarray(np.fmax(*diagonals))


def errors_in_torsos(points: Array, truth: Array, torsos: Array) -> Array:
    """Distances (N, K) in units of the image's torso (N,): infinite where not found, NaN where not labelled."""
    distances = np.linalg.norm(points - truth, axis=-1) / torsos[:, None]
    distances[np.isnan(points).any(axis=-1)] = np.inf
    distances[np.isnan(truth).any(axis=-1)] = np.nan
    return np.asarray(distances)


def pck(errors: Array, threshold: float) -> Array:
    """Percent (K,) of labelled keypoints whose error (N, K), in torsos, is below the threshold.

    PCK of Yang and Ramanan (2013) with the torso as its length, which is the PDJ of Sapp and Taskar (2013).
    """
    return _percent(errors < threshold, ~np.isnan(errors))


def auc(errors: Array) -> Array:
    """Percent (K,): the mean of ``pck`` over all thresholds from 0 to 0.2, exactly."""
    return _percent(np.maximum(1 - errors / LARGEST_THRESHOLD, 0), ~np.isnan(errors))


def limbs_correct(ends: Array, truth: Array, *, share: float = 0.5) -> Array:
    """Percent (L,) of limbs both of whose ends lie within ``share`` of the limb's true length: strict PCP.

    ends, truth: (N, L, 2, 2) pixels of L limbs with two ends each. Ferrari et al. (2008), read strictly as Pishchulin
    et al. (2012) do.
    """
    lengths = np.linalg.norm(truth[..., 0, :] - truth[..., 1, :], axis=-1)
    distances = np.linalg.norm(ends - truth, axis=-1)
    return _percent(np.all(distances <= share * lengths[..., None], axis=-1), np.isfinite(lengths))


def _percent(values: Array | Flags, counted: Flags) -> Array:
    totals = counted.sum(axis=0)
    sums = np.where(counted, values, 0).sum(axis=0)
    return np.asarray(100 * np.divide(sums, totals, out=np.full(len(totals), np.nan), where=totals > 0))
