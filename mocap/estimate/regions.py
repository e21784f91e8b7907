"""Oriented squares in a frame: cutting them out, and taking points of the cut-out back to the frame.

A region is centre x, centre y, side (pixels) and rotation (radians, clockwise on screen; 0 = upright). Pixel
coordinates have their origin at the top-left corner of the image, so a pixel's centre lies at half integers.
"""

from __future__ import annotations

import cv2
import numpy as np

from mocap.estimate.runtime import Image
from mocap.model.rotation import Array


def region_axes(regions: Array) -> Array:
    """(..., 2, 2) matrices that take a direction in an upright crop to the frame.

    Convention: a rotation of +90° takes the crop's right (1, 0) to the frame's down (0, 1).
    """
    cosine, sine = np.cos(regions[..., 3]), np.sin(regions[..., 3])
    return np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)


def crop_to_frame(points: Array, regions: Array) -> Array:
    """Frame pixels (B, K, 2) of points (B, K, 2) in units of the crop's side (0..1) of B regions (B, 4)."""
    offsets = (points - 0.5) * regions[:, None, 2:3]
    return np.asarray(regions[:, None, :2] + offsets @ np.swapaxes(region_axes(regions), -1, -2))


def cut_out(frame: Image, region: Array, size: int) -> Image:
    """The region as an upright (size, size, 3) image; bilinear, black outside the frame."""
    scale = region[2] / size
    linear = region_axes(region) * scale
    # the centre of crop pixel i lies at i + 0.5, that of the frame pixel it is drawn from likewise
    offset = region[:2] + linear @ np.full(2, 0.5 - size / 2) - 0.5
    matrix = np.hstack([linear, offset[:, None]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(frame, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT)  # type: ignore[return-value]


def regions_around(centers: Array, rims: Array, *, scale: float) -> Array:
    """Regions (B, 4) for circles through ``rims`` (B, 2) around ``centers`` (B, 2), enlarged by ``scale``.

    The rim's point is the one above the head of an upright person: the region is turned so that it is at the top.
    """
    up = rims - centers
    side = 2 * scale * np.linalg.norm(up, axis=-1)
    rotation = np.arctan2(up[..., 0], -up[..., 1])
    return np.concatenate([centers, side[..., None], rotation[..., None]], axis=-1)


def whole_frame(frame: Image) -> Array:
    """The smallest upright region (4,) that holds the whole frame."""
    height, width = frame.shape[:2]
    return np.array([width / 2, height / 2, max(width, height), 0.0])
