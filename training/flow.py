"""Heatmaps of a clip, brought from frame to frame by dense optical flow and pooled (Flowing ConvNets, ICCV 2015)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mocap.model.rotation import Array

Maps = NDArray[np.float32]  # (K, H, W), heights 0..1
POOLINGS: dict[str, Callable[[Array], Array]] = {  # over the first axis, the frames
    "sum": lambda maps: maps.sum(axis=0),
    "max": lambda maps: maps.max(axis=0),
}


def dense_flow(start: NDArray[np.uint8], end: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Displacements (H, W, 2), pixels, from the RGB picture ``start`` to ``end`` (DIS, Kroeger et al., 2016)."""
    method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (start, end)]
    return np.asarray(method.calc(grey[0], grey[1], None), dtype=np.float32)


def warped(maps: Maps, flow: NDArray[np.float32]) -> Maps:
    """Maps of another frame as they lie in this one; flow (H, W, 2): from this frame's cells to the other's, in cells.

    Convention: where flow is (1, 0) everywhere, a peak at column 5 comes to column 4.
    """
    height, width = maps.shape[1:]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack([cv2.remap(each, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR) for each in maps])


def neighbours(pictures: Sequence[NDArray[np.uint8]], maps: Sequence[Maps], at: int, reach: int) -> NDArray[np.float32]:
    """Maps (2n + 1, K, H, W) of the frames around ``at``, each warped to it; where the clip ends, the frame's own.

    pictures: one crop a frame, all of one place, so that what moves in them is the body.
    """
    cells = maps[at].shape[-1]
    own = pictures[at]
    gathered = []
    for step in range(-reach, reach + 1):
        other = at + step
        if step == 0 or not 0 <= other < len(maps):
            gathered.append(maps[at])
            continue
        flow = dense_flow(own, pictures[other])
        scaled = cv2.resize(flow, (cells, cells), interpolation=cv2.INTER_AREA) * (cells / own.shape[0])
        gathered.append(warped(maps[other], np.asarray(scaled, dtype=np.float32)))
    return np.stack(gathered)
