"""Predicted and labelled skeletons drawn over test crops, side by side: for the eye, not for the repository."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mocap.model.keypoints import LSP_14
from mocap.model.rotation import Array
from training.crops import Crops

SIDE = 200  # pixels of a drawn crop
COLUMNS = 8
COLOURS = {"left": (70, 150, 255), "right": (255, 120, 60), "": (120, 255, 120)}  # RGB; middle: neither


def drawn_skeleton(image: NDArray[np.uint8], joints: Array) -> NDArray[np.uint8]:
    """The crop, enlarged, with the skeleton of joints (14, 2) in units of it; what is NaN is left out."""
    canvas = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    points = joints * SIDE
    for a, b in LSP_14.edges:
        if np.isfinite(points[[a, b]]).all():
            sides = {name.partition("_")[0] for name in (LSP_14.names[a], LSP_14.names[b])} & {"left", "right"}
            colour = COLOURS[sides.pop() if len(sides) == 1 else ""]
            start, end = (tuple(int(v) for v in points[k].clip(-1e4, 1e4)) for k in (a, b))
            cv2.line(canvas, start, end, colour, 2, cv2.LINE_AA)
    return np.asarray(canvas, dtype=np.uint8)


def sheet(crops: Crops, points: Array) -> NDArray[np.uint8]:
    """A picture of up to eight crops: predicted skeletons above, labels below."""
    count = min(COLUMNS, len(crops))
    chosen = np.linspace(0, len(crops) - 1, count).astype(int)
    rows = [
        np.hstack([drawn_skeleton(crops.images[i], joints[i]) for i in chosen]) for joints in (points, crops.joints)
    ]
    return np.asarray(np.vstack(rows), dtype=np.uint8)
