"""Measures of feet in contact: +Y up, metres, floor at y = 0. NaN where there is no contact."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mocap.model.rotation import Array, Flags

COMPARED_FPS = 30  # foot skating is usually given per frame at this rate


class ContactScores(NamedTuple):
    """Scores of contact detection, in 0..1.

    Parameters
    ----------
    precision : fraction of the detected contacts that are contacts of the reference.
    recall : fraction of the reference's contacts that are detected.
    """

    precision: float
    recall: float


def slide_m_s(points: Array, in_contact: Flags, fps: float) -> float:
    """Foot skating: mean horizontal speed of contact points.

    Parameters
    ----------
    points : (T, P, 3) metres.
    in_contact : (T, P) flags; a step counts where both of its frames are in contact.
    fps : frames per second.

    Returns
    -------
    Speed, m/s.
    """
    steps = np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1) * fps
    return _mean(steps[in_contact[1:] & in_contact[:-1]])


def slide_mm_per_frame(points: Array, in_contact: Flags, fps: float) -> float:
    """``slide_m_s`` in mm per frame at 30 fps, the usual unit; 1 mm per frame is 3 cm per second of contact."""
    return 1000 * slide_m_s(points, in_contact, fps) / COMPARED_FPS


def penetration_mm(heights_m: Array, in_contact: Flags) -> float:
    """Penetration: mean depth in mm under the floor, in contact (T, P), of points at heights (T, P); above it is 0."""
    return 1000 * _mean(np.maximum(-heights_m[in_contact], 0))


def float_mm(heights_m: Array, in_contact: Flags) -> float:
    """Float: mean height in mm over the floor, in contact (T, P), of points at heights (T, P); below it is 0."""
    return 1000 * _mean(np.maximum(heights_m[in_contact], 0))


def contact_scores(in_contact: Flags, reference: Flags) -> ContactScores:
    """Precision and recall of contact flags (...) against those of a reference; NaN where the divisor is 0."""
    both = np.sum(in_contact & reference)
    detected, true = np.sum(in_contact), np.sum(reference)
    return ContactScores(float(both / detected) if detected else np.nan, float(both / true) if true else np.nan)


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan
