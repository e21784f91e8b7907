# SPDX-License-Identifier: GPL-3.0-or-later
"""When feet stand, for motion that comes without being told (a bare BVH)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .take import SourceMotion

# A foot stands while it is low, slow and stays where it is, for a while.
LOW_M = 0.06  # over its lowest within half a second
SLOW_M_S = 0.6
WANDER_M = 0.03
LEAST_S = 0.1
LOW_WINDOW_S = 0.5


def contact_spans(motion: SourceMotion, fps: float) -> dict[str, list[tuple[int, int]]]:
    """Half open spans of LeftHeel, LeftToes, RightHeel and RightToes."""
    world = motion.world_rotations()
    places = motion.world_positions(world)
    spans = {}
    for side in ("Left", "Right"):
        for point, joint in (("Heel", "Foot"), ("Toes", "Toes")):
            if side + joint in motion.names:
                j = motion.names.index(side + joint)
                spans[side + point] = spans_of(places[:, j], fps)
    return spans


def spans_of(path: np.ndarray, fps: float) -> list[tuple[int, int]]:
    """Half open spans in which a point's path (T, 3), Y up, stands."""
    half = max(1, round(LOW_WINDOW_S * fps))
    padded = np.pad(path[:, 1], half, mode="edge")
    low = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).min(axis=1)
    speed = np.linalg.norm(np.gradient(path, axis=0), axis=1) * fps if len(path) > 1 else np.zeros(len(path))
    found = []
    for start, end in runs((path[:, 1] - low < LOW_M) & (speed < SLOW_M_S)):
        found += _steady(path, start, end)
    return [(start, end) for start, end in found if end - start >= LEAST_S * fps]


def _steady(path: np.ndarray, start: int, end: int) -> list[tuple[int, int]]:
    """A span cut wherever the point has wandered off from where the piece began."""
    pieces, begin = [], start
    for t in range(start, end):
        if np.linalg.norm((path[t] - path[begin])[[0, 2]]) > WANDER_M:
            pieces.append((begin, t))
            begin = t
    return [*pieces, (begin, end)]


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Half open spans in which flags (T,) are set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(flags, dtype=int), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2])]
