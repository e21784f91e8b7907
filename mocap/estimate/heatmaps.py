"""Refining regressed points by heatmaps, as MediaPipe's pose landmark graph does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mocap.model.rotation import Array

KERNEL = 7  # cells a side of the window around a point
MIN_PEAK = 0.5  # a window whose highest value stays below says nothing about the point


def refine(points: Array, heatmaps: NDArray[np.float32]) -> Array:
    """Points (K, 2) in 0..1 moved to the centre of mass of their heatmap's window; unsure or outside ones stay.

    heatmaps: (K, H, W) logits. Convention: cell (row, column) stands for (column / W, row / H).
    """
    height, width = heatmaps.shape[1:]
    size = np.array([width, height])
    cells = np.floor(points * size).astype(int)
    inside = np.all((cells >= 0) & (cells < size), axis=-1)
    columns, rows, weights = _windows(np.where(inside[:, None], cells, 0), heatmaps)
    total = weights.sum(axis=(1, 2))
    sure = inside & (weights.max(axis=(1, 2)) >= MIN_PEAK)
    x = np.einsum("kij,kj->k", weights, columns) / total / width
    y = np.einsum("kij,ki->k", weights, rows) / total / height
    return np.where(sure[:, None], np.stack([x, y], axis=-1), points)


def _windows(cells: NDArray[np.int_], heatmaps: NDArray[np.float32]) -> tuple[Array, Array, Array]:
    """Columns (K, n), rows (K, n) and probabilities (K, n, n) around cells (K, 2); 0 outside the heatmap."""
    count, height, width = heatmaps.shape
    steps = np.arange(KERNEL) - KERNEL // 2
    columns, rows = cells[:, :1] + steps, cells[:, 1:] + steps
    logits = heatmaps[
        np.arange(count)[:, None, None],
        np.clip(rows, 0, height - 1)[:, :, None],
        np.clip(columns, 0, width - 1)[:, None, :],
    ]
    there = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    weights = np.where(there, 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -100, 100))), 0.0)
    return columns.astype(np.float64), rows.astype(np.float64), weights
