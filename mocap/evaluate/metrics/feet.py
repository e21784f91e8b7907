"""Measures of feet on the ground: +Y up, metres, floor at y = 0. NaN where there is no contact to measure in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mocap.model.rotation import Array, Flags

COMPARED_FPS = 30  # the rate in whose frames the field states slide


class ContactScores(NamedTuple):
    """Shares 0..1 of frames: precision, of those said to be in contact that are; recall, of those in contact found."""

    precision: float
    recall: float


def slide_m_s(points: Array, down: Flags, fps: float) -> float:
    """Mean horizontal speed in m/s of foot points (T, P, 3) between neighbouring frames that are both down (T, P)."""
    steps = np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1) * fps
    return _mean(steps[down[1:] & down[:-1]])


def slide_mm_per_frame(points: Array, down: Flags, fps: float) -> float:
    """``slide_m_s`` in mm a frame at 30 fps, as the field states it; 1 mm a frame is 3 cm a contact second."""
    return 1000 * slide_m_s(points, down, fps) / COMPARED_FPS


def penetration_mm(heights_m: Array, down: Flags) -> float:
    """Mean depth in mm below the floor of points at heights (T, P) while they are down (T, P); above counts as 0."""
    return 1000 * _mean(np.maximum(-heights_m[down], 0))


def float_mm(heights_m: Array, down: Flags) -> float:
    """Mean height in mm above the floor of points at heights (T, P) while they are down (T, P); below counts as 0."""
    return 1000 * _mean(np.maximum(heights_m[down], 0))


def contact_scores(down: Flags, reference: Flags) -> ContactScores:
    """Precision and recall of contacts (...) against the reference's, frame by frame; NaN where nothing is down."""
    both = np.sum(down & reference)
    said, true = np.sum(down), np.sum(reference)
    return ContactScores(float(both / said) if said else np.nan, float(both / true) if true else np.nan)


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan
