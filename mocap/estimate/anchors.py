"""From a single-shot detector's raw outputs to people: anchors, boxes, suppression.

Geometry and thresholds are those of MediaPipe's pose detection graph.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from mocap.model.rotation import Array

IMAGE_SIZE = 224
CELLS = ((28, 2), (14, 2), (7, 6))  # cells a side and anchors a cell, of each level
LOGIT_LIMIT = 100.0  # beyond it the exponential overflows, and the score is 0 or 1 anyway


@cache
def anchor_centers() -> Array:
    """Centres (2254, 2) of the anchors in 0..1, row by row, level by level."""
    return np.concatenate([_grid(cells, count) for cells, count in CELLS])


def _grid(cells: int, count: int) -> Array:
    middles = (np.arange(cells) + 0.5) / cells
    y, x = np.meshgrid(middles, middles, indexing="ij")
    return np.repeat(np.stack([x.ravel(), y.ravel()], axis=-1), count, axis=0)


def decode(boxes: NDArray[np.float32], logits: NDArray[np.float32], *, threshold: float) -> tuple[Array, Array]:
    """Scores (N,) of the anchors at or above the threshold and their points (N, 6, 2) in 0..1 of the image.

    boxes: (2254, 12), logits: (2254,) as in ``DetectorOutputs``. The points are the box's top-left and bottom-right
    corners, then the detector's four points.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -LOGIT_LIMIT, LOGIT_LIMIT)))
    kept = scores >= threshold
    values = boxes[kept].astype(np.float64).reshape(-1, 6, 2) / IMAGE_SIZE
    center, size, points = values[:, :1], values[:, 1:2], values[:, 2:]
    points = np.concatenate([center - size / 2, center + size / 2, points], axis=1)
    return scores[kept], points + anchor_centers()[kept][:, None]


def merge_overlapping(scores: Array, points: Array, *, overlap: float) -> tuple[Array, Array]:
    """One entry a person, best first: overlapping ones are averaged by score (Bazarevsky et al., BlazeFace, 2019).

    scores: (N,), points: (N, P, 2) of which the first two are the box's corners. overlap: intersection over union
    above which two boxes show the same person.
    """
    order = np.argsort(-scores, kind="stable")
    scores, points = scores[order], points[order]
    merged_scores, merged_points = [], []
    while len(scores):
        same = _overlaps(points[0], points) > overlap
        same[0] = True  # also where the box is degenerate and overlaps nothing
        merged_scores.append(scores[0])
        merged_points.append(np.average(points[same], axis=0, weights=scores[same]))
        scores, points = scores[~same], points[~same]
    return np.array(merged_scores), np.array(merged_points).reshape(-1, *points.shape[1:])


def _overlaps(one: Array, many: Array) -> Array:
    """Intersection over union (N,) of a box with N boxes, each given by its first two points."""
    low = np.maximum(one[0], many[:, 0])
    high = np.minimum(one[1], many[:, 1])
    common = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = np.prod(np.maximum(many[:, 1] - many[:, 0], 0), axis=-1)
    union = np.prod(np.maximum(one[1] - one[0], 0)) + areas - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))
